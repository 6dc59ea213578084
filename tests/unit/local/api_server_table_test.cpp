// Tables: the columns of built-in kinds and of definitions, ages, what comes with a row.
#include "local/table.hpp"
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ApiServerTable : public ApiTest {
 protected:
  // The cells of the first row.
  std::string cells(std::string_view target) {
    const Reply reply = getTable(target);
    const auto& rows = reply.items("rows");
    return rows.empty() ? reply.text : json::serialize(*rows[0].get_object().if_contains("cells"));
  }
  std::vector<std::string> columns(std::string_view target) {
    std::vector<std::string> result;
    const Reply reply = getTable(target);
    for (const auto& column : reply.items("columnDefinitions")) {
      std::string name(getString(column.get_object(), {"name"}));
      if (getInt(column.get_object(), {"priority"}) > 0) name += "*";
      result.push_back(name);
    }
    return result;
  }
};

struct TableCase {
  std::string_view collection, object, status;  // what is created, and its status
  std::string_view columns, cells;
};

TEST_F(ApiServerTable, HasTheColumnsOfBuiltinKinds) {
  const TableCase cases[] = {
      {"/api/v1/namespaces/default/configmaps",
       R"({"metadata":{"name":"x"},"data":{"a":"1","b":"2"},"binaryData":{"c":"Yg=="}})", "", "Name,Data,Age",
       R"(["x",3,"0s"])"},
      {"/api/v1/namespaces/default/secrets", R"({"metadata":{"name":"x"},"type":"t","data":{"a":"Yg=="}})", "",
       "Name,Type,Data,Age", R"(["x","t",1,"0s"])"},
      {"/api/v1/namespaces/default/serviceaccounts", R"({"metadata":{"name":"x"}})", "", "Name,Secrets,Age",
       R"(["x",0,"0s"])"},
      {"/api/v1/namespaces/default/services",
       R"({"metadata":{"name":"x"},"spec":{"clusterIP":"10.96.0.9","selector":{"b":"2","a":"1"},"ports":[{"port":80,"name":"h"},{"port":53,"protocol":"UDP","name":"d"}]}})",
       "", "Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*",
       R"(["x","ClusterIP","10.96.0.9","<none>","80/TCP,53/UDP","0s","a=1,b=2"])"},
      {"/apis/apps/v1/namespaces/default/deployments", deployment_text,
       R"({"readyReplicas":1,"updatedReplicas":1,"availableReplicas":1,"replicas":1})",
       "Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*", R"(["d","1/1",1,1,"0s","c","i","a=b"])"},
      {"/apis/apps/v1/namespaces/default/replicasets",
       R"({"metadata":{"name":"x"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})",
       R"({"replicas":2,"readyReplicas":1})", "Name,Desired,Current,Ready,Age,Containers*,Images*,Selector*",
       R"(["x",2,2,1,"0s","c","i","a=b"])"},
      {"/apis/batch/v1/namespaces/default/jobs",
       R"({"metadata":{"name":"x"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})",
       "", "Name,Status,Completions,Duration,Age,Containers*,Images*,Selector*", ""},
      {"/apis/policy/v1/namespaces/default/poddisruptionbudgets",
       R"({"metadata":{"name":"x"},"spec":{"maxUnavailable":"25%","selector":{}}})", "",
       "Name,Min Available,Max Unavailable,Allowed Disruptions,Age", R"(["x","N/A","25%",0,"0s"])"},
      {"/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
       R"({"metadata":{"name":"x"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"minReplicas":1,"maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}})",
       "", "Name,Reference,Targets,MinPods,MaxPods,Replicas,Age",
       R"(["x","Deployment/d","cpu: <unknown>/80%","1",3,0,"0s"])"},
      {"/apis/networking.k8s.io/v1/namespaces/default/ingresses",
       R"({"metadata":{"name":"x"},"spec":{"ingressClassName":"n","rules":[{"host":"a"},{"host":"b"}],"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}})",
       "", "Name,Class,Hosts,Address,Ports,Age", R"(["x","n","a,b","","80","0s"])"},
      {"/api/v1/namespaces/default/endpoints",
       R"({"metadata":{"name":"x"},"subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}],"ports":[{"port":80},{"port":81}]}]})",
       "", "Name,Endpoints,Age", R"(["x","10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...","0s"])"},
      {"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
       R"({"metadata":{"name":"x"},"addressType":"IPv4","ports":[{"name":"h","port":80}],"endpoints":[{"addresses":["10.0.0.1"]}]})",
       "", "Name,AddressType,Ports,Endpoints,Age", R"(["x","IPv4","80","10.0.0.1","0s"])"},
      {"/apis/coordination.k8s.io/v1/namespaces/default/leases",
       R"({"metadata":{"name":"x"},"spec":{"holderIdentity":"me"}})", "", "Name,Holder,Age", R"(["x","me","0s"])"},
      {"/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", R"({"metadata":{"name":"x"}})", "",
       "Name,Created At", R"(["x","2024-01-01T00:00:00Z"])"},
      {"/api/v1/nodes",
       R"({"metadata":{"name":"x","labels":{"node-role.kubernetes.io/worker":""}},"spec":{"unschedulable":true}})",
       R"({"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v9"}})",
       "Name,Status,Roles,Age,Version,Internal-IP*,External-IP*,OS-Image*,Kernel-Version*,Container-Runtime*", ""},
  };
  for (const TableCase& row : cases) {
    const Reply made = send("POST", row.collection, row.object);
    ASSERT_EQ(made.status, 201) << made.text;
    const std::string one = fmt::format("{}/{}", row.collection, made.at({"metadata", "name"}));
    if (!row.status.empty()) {
      ASSERT_EQ(send("PATCH", one + "/status", fmt::format(R"({{"status":{}}})", row.status), merge).status, 200)
          << row.collection;
    }
    EXPECT_EQ(fmt::format("{}", fmt::join(columns(row.collection), ",")), row.columns);
    if (!row.cells.empty()) {
      EXPECT_EQ(cells(one), row.cells) << row.collection;
    }
  }
  EXPECT_EQ(cells("/api/v1/nodes/x").substr(0, 44), R"(["x","Ready,SchedulingDisabled","worker","0s)");
  EXPECT_EQ(cells("/api/v1/namespaces/default"), R"(["default","Active","0s"])");
}

struct PodCase {
  std::string_view status, ready, word, restarts;
};

TEST_F(ApiServerTable, SaysHowAPodIs) {
  const PodCase cases[] = {
      {R"({"phase":"Pending"})", "0/1", "Pending", "0"},
      {R"({"phase":"Running","containerStatuses":[{"name":"c","ready":true,"restartCount":0,"state":{"running":{}}}]})",
       "1/1", "Running", "0"},
      {R"({"phase":"Pending","containerStatuses":[{"name":"c","ready":false,"restartCount":0,"state":{"waiting":{"reason":"ImagePullBackOff"}}}]})",
       "0/1", "ImagePullBackOff", "0"},
      {R"({"phase":"Running","containerStatuses":[{"name":"c","ready":false,"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"finishedAt":"2023-12-31T23:59:00Z"}}}]})",
       "0/1", "CrashLoopBackOff", "3 (60s ago)"},
      {R"({"phase":"Failed","containerStatuses":[{"name":"c","restartCount":0,"state":{"terminated":{"exitCode":2}}}]})",
       "0/1", "ExitCode:2", "0"},
      {R"({"phase":"Failed","containerStatuses":[{"name":"c","restartCount":0,"state":{"terminated":{"exitCode":137,"signal":9}}}]})",
       "0/1", "Signal:9", "0"},
      {R"({"phase":"Succeeded","containerStatuses":[{"name":"c","restartCount":0,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]})",
       "0/1", "Completed", "0"},
      {R"({"phase":"Failed","reason":"Evicted"})", "0/1", "Evicted", "0"},
      {R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]})",
       "0/1", "SchedulingGated", "0"},
      {R"({"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":1,"state":{"running":{}}}]})", "0/1",
       "Init:0/0", "1"},
      {R"({"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":2,"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]})",
       "0/1", "Init:Error", "2"},
  };
  ASSERT_EQ(send("POST", pods, R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}})").status,
            201);
  for (const PodCase& row : cases) {
    ASSERT_EQ(send("PATCH", fmt::format("{}/p/status", pods),
                   fmt::format(R"([{{"op":"replace","path":"/status","value":{}}}])", row.status), json_patch)
                  .status,
              200);
    EXPECT_EQ(cells(fmt::format("{}/p", pods)),
              fmt::format(R"(["p","{}","{}","{}","0s","<none>","<none>","<none>","<none>"])", row.ready, row.word,
                          row.restarts));
  }
}

TEST_F(ApiServerTable, TellsEvents) {
  ASSERT_EQ(
      send(
          "POST", "/api/v1/namespaces/default/events",
          R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","type":"Normal","message":" m\n","count":4,)"
          R"("firstTimestamp":"2023-12-31T23:00:00Z","lastTimestamp":"2023-12-31T23:59:30Z","source":{"component":"kubelet","host":"n"}})")
          .status,
      201);
  EXPECT_EQ(cells("/api/v1/events"), R"(["30s","Normal","R","pod/p","","kubelet, n","m","60m",4,"e"])");
}

TEST_F(ApiServerTable, HasTheColumnsOfADefinition) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const std::string foos = "/apis/x.io/v1/namespaces/default/foos";
  ASSERT_EQ(
      send(
          "POST", foos,
          R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"replicas":3,"s":"str","num":1.5,"arr":[{"n":"a"},{"n":"b"}],"obj":{"a":1}}})")
          .status,
      201);
  ASSERT_EQ(send("PATCH", foos + "/f/status",
                 R"({"status":{"conditions":[{"type":"Other","status":"x"},{"type":"Ready","status":"True"}]}})", merge)
                .status,
            200);
  EXPECT_EQ(columns(foos),
            (std::vector<std::string>{"Name", "Reps", "Wide*", "When", "Arr", "Ready", "Num", "StrInt", "Obj"}));
  EXPECT_EQ(cells(foos), R"(["f",3,"str","0s","a","True",1.5E0,null,"{\"a\":1}"])");
  EXPECT_EQ(cells("/apis/x.io/v1beta1/foos"), R"(["f","0s"])");
  loop.run(minutes(10));
  EXPECT_NE(cells(foos).find("\"10m\""), std::string::npos);
}

TEST_F(ApiServerTable, BringsWhatWasAskedForWithARow) {
  makeConfigMap("a");
  const auto row = [&](std::string_view query) {
    const Reply reply = getTable(fmt::format("{}{}", config_maps, query));
    return json::serialize(*reply.items("rows")[0].get_object().if_contains("object"));
  };
  EXPECT_NE(row("").find("PartialObjectMetadata"), std::string::npos);
  EXPECT_NE(row("?includeObject=Object").find(R"("kind":"ConfigMap")"), std::string::npos);
  EXPECT_EQ(row("?includeObject=None"), "null");
  EXPECT_EQ(getTable(fmt::format("{}?includeObject=X", config_maps)).status, 400);
  EXPECT_EQ(get(config_maps, "application/json;as=Table;v=v1beta1;g=meta.k8s.io").at({"apiVersion"}),
            "meta.k8s.io/v1beta1");
}

TEST(HumanDuration, ReadsAsKubectlWritesIt) {
  const std::pair<Duration, std::string_view> cases[] = {
      {seconds(-5), "<invalid>"},
      {seconds(-1), "0s"},
      {seconds(0), "0s"},
      {seconds(119), "119s"},
      {minutes(2), "2m"},
      {seconds(185), "3m5s"},
      {minutes(10), "10m"},
      {minutes(179), "179m"},
      {hours(3), "3h"},
      {minutes(215), "3h35m"},
      {hours(8), "8h"},
      {hours(47), "47h"},
      {hours(48), "2d"},
      {hours(51), "2d3h"},
      {hours(24 * 8), "8d"},
      {hours(24 * 729), "729d"},
      {hours(24 * 365 * 2), "2y"},
      {hours(24 * (365 * 2 + 3)), "2y3d"},
      {hours(24 * 365 * 8), "8y"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(humanDuration(duration), text);
}

}  // namespace
}  // namespace crossfade::local
