// Gets and lists: representations, pages, resource versions, selectors, bad queries.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ApiServerRead : public ApiTest {};

TEST_F(ApiServerRead, ReadsOneObject) {
  ASSERT_EQ(makeConfigMap("a").status, 201);
  const Reply reply = get(fmt::format("{}/a", config_maps));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.at({"kind"}), "ConfigMap");
  EXPECT_EQ(reply.at({"apiVersion"}), "v1");
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/json");
  const Reply missing = get(fmt::format("{}/b", config_maps));
  EXPECT_EQ(
      missing.text,
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"configmaps \"b\" not found",)"
      R"("reason":"NotFound","details":{"name":"b","kind":"configmaps"},"code":404})");
}

TEST_F(ApiServerRead, NegotiatesRepresentations) {
  makeConfigMap("a");
  const std::string one = fmt::format("{}/a", config_maps);
  const std::string partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
  const std::string partial_list = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
  EXPECT_EQ(get(one, partial).at({"kind"}), "PartialObjectMetadata");
  EXPECT_FALSE(get(one, partial).body.get_object().contains("data"));
  const Reply list = get(config_maps, partial_list);
  EXPECT_EQ(list.at({"kind"}), "PartialObjectMetadataList");
  EXPECT_EQ(getString(list.items()[0].get_object(), {"kind"}), "PartialObjectMetadata");
  EXPECT_EQ(get(one, "application/vnd.kubernetes.protobuf,application/json").status, 200);
  EXPECT_EQ(get(one, "text/html;q=0.9, */*;q=0.1").status, 200);
  EXPECT_EQ(get(one, "application/yaml").headers.get("Content-Type"), "application/yaml");
  for (const std::string_view accept :
       {"text/html", "application/vnd.kubernetes.protobuf", "application/json;as=Foo;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v7;g=meta.k8s.io"}) {
    EXPECT_EQ(get(one, accept).status, 406) << accept;
  }
  EXPECT_EQ(get(one, partial_list).status, 406);
  EXPECT_EQ(get(config_maps, partial).status, 406);
  // kubectl's list of what it would like, in its order.
  EXPECT_EQ(get(one,
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
                "json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")
                .at({"kind"}),
            "Table");
}

TEST_F(ApiServerRead, ListsBuiltinItemsWithoutTheirKind) {
  makeConfigMap("a");
  const Reply list = get(config_maps);
  EXPECT_EQ(list.at({"kind"}), "ConfigMapList");
  EXPECT_FALSE(list.items()[0].get_object().contains("kind"));
  EXPECT_EQ(list.at({"metadata", "resourceVersion"}), std::to_string(registry.resourceVersion()));
}

TEST_F(ApiServerRead, PagesOverOneSnapshot) {
  for (const auto name : {"a", "b", "c", "d", "e"}) makeConfigMap(name);
  const Reply first = get(fmt::format("{}?limit=2", config_maps));
  EXPECT_EQ(first.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(getInt(first.body.get_object(), {"metadata", "remainingItemCount"}), 3);
  const std::string version(first.at({"metadata", "resourceVersion"}));
  // What happens between the pages doesn't show.
  send("DELETE", fmt::format("{}/c", config_maps));
  makeConfigMap("bb");
  const auto next = [&](const Reply& page) {
    return get(
        fmt::format("{}?limit=2&continue={}", config_maps, net::percentEncode(page.at({"metadata", "continue"}))));
  };
  const Reply second = next(first);
  EXPECT_EQ(second.names(), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(second.at({"metadata", "resourceVersion"}), version);
  const Reply third = next(second);
  EXPECT_EQ(third.names(), (std::vector<std::string>{"e"}));
  EXPECT_EQ(third.at({"metadata", "continue"}), "");

  // A token from before the history's end: 410, with one that goes on without the promise.
  registry.compact();
  const Reply expired = next(first);
  EXPECT_EQ(expired.status, 410);
  EXPECT_EQ(expired.at({"reason"}), "Expired");
  const Reply rest = next(expired);
  EXPECT_EQ(rest.status, 200);
  EXPECT_EQ(rest.names(), (std::vector<std::string>{"bb", "d"}));
}

TEST_F(ApiServerRead, PagesWithSelectors) {
  makeConfigMap("a", R"({"x":"1"})");
  makeConfigMap("b");
  makeConfigMap("c", R"({"x":"1"})");
  const Reply page = get(fmt::format("{}?limit=1&labelSelector=x%3D1", config_maps));
  EXPECT_EQ(page.names(), (std::vector<std::string>{"a"}));
  EXPECT_EQ(find(page.body, {"metadata", "remainingItemCount"}), nullptr);
  const Reply last = get(fmt::format("{}?limit=1&labelSelector=x%3D1&continue={}", config_maps,
                                     net::percentEncode(page.at({"metadata", "continue"}))));
  EXPECT_EQ(last.names(), (std::vector<std::string>{"c"}));
  EXPECT_EQ(last.at({"metadata", "continue"}), "");
}

TEST_F(ApiServerRead, ListsAtAPastVersion) {
  makeConfigMap("a");
  const auto version = registry.resourceVersion();
  makeConfigMap("b");
  EXPECT_EQ(get(fmt::format("{}?resourceVersion={}&resourceVersionMatch=Exact", config_maps, version)).names(),
            (std::vector<std::string>{"a"}));
  EXPECT_EQ(
      get(fmt::format("{}?resourceVersion={}&resourceVersionMatch=NotOlderThan", config_maps, version)).names().size(),
      2U);
  EXPECT_EQ(get(fmt::format("{}?resourceVersion=0", config_maps)).names().size(), 2U);
  EXPECT_EQ(get(fmt::format("{}?resourceVersion=99999", config_maps)).status, 504);
  registry.compact();
  EXPECT_EQ(get(fmt::format("{}?resourceVersion={}&resourceVersionMatch=Exact", config_maps, version)).status, 410);
}

TEST_F(ApiServerRead, SelectsByLabelsAndFields) {
  makeConfigMap("a", R"({"x":"1"})");
  makeConfigMap("b", R"({"x":"2"})");
  const auto count = [&](std::string_view query) {
    return get(fmt::format("{}?{}", config_maps, query)).names().size();
  };
  EXPECT_EQ(count("labelSelector=x%20in%20(1,3)"), 1U);
  EXPECT_EQ(count("labelSelector=!x"), 0U);
  EXPECT_EQ(count("fieldSelector=metadata.name%3Da"), 1U);
  EXPECT_EQ(count("fieldSelector=metadata.name%3D%3Da"), 1U);
  EXPECT_EQ(count("fieldSelector=metadata.name!%3Da,metadata.namespace%3Ddefault"), 1U);
  EXPECT_EQ(count("fieldSelector=metadata.namespace%3Dother"), 0U);
  EXPECT_EQ(get("/api/v1/configmaps?fieldSelector=metadata.namespace%3Ddefault").names().size(), 2U);
}

TEST_F(ApiServerRead, SelectsPodsAndEventsByTheirFields) {
  const std::string pod = R"({"metadata":{"name":"%"},"spec":{"containers":[{"name":"c","image":"i"}]}})";
  for (const auto name : {"p", "q"}) {
    std::string text = pod;
    text.replace(text.find('%'), 1, name);
    ASSERT_EQ(send("POST", pods, text).status, 201);
  }
  ASSERT_EQ(send("POST", fmt::format("{}/p/binding", pods), R"({"target":{"kind":"Node","name":"n"}})").status, 201);
  EXPECT_EQ(get(fmt::format("{}?fieldSelector=spec.nodeName%3Dn", pods)).names(), (std::vector<std::string>{"p"}));
  EXPECT_EQ(get(fmt::format("{}?fieldSelector=spec.nodeName%3D", pods)).names(), (std::vector<std::string>{"q"}));
  EXPECT_EQ(get(fmt::format("{}?fieldSelector=status.phase%3DPending,spec.nodeName!%3Dn", pods)).names(),
            (std::vector<std::string>{"q"}));
  EXPECT_EQ(get(fmt::format("{}?fieldSelector=status.foo%3Da", pods)).at({"message"}),
            "field label not supported: status.foo");
  ASSERT_EQ(
      send(
          "POST", "/api/v1/namespaces/default/events",
          R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","type":"Warning"})")
          .status,
      201);
  EXPECT_EQ(get("/api/v1/events?fieldSelector=involvedObject.name%3Dp,type%3DWarning,reason%3DR").names().size(), 1U);
  EXPECT_EQ(get("/api/v1/events?fieldSelector=involvedObject.name%3Dq").names().size(), 0U);
}

struct QueryCase {
  std::string_view query;
  int status;
  std::string_view message;
};

TEST_F(ApiServerRead, RefusesBadQueries) {
  const QueryCase cases[] = {
      {"fieldSelector=foo%3Dbar", 400,
       "\"foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""},
      {"fieldSelector=foo", 400, "invalid selector: 'foo'; can't understand 'foo'"},
      {"labelSelector=a%3D%3D%3Db", 400, ""},
      {"limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"},
      {"resourceVersion=x", 400, "strconv.ParseUint: parsing \"x\": invalid syntax"},
      {"resourceVersionMatch=Exact", 422, "resourceVersionMatch is forbidden unless resourceVersion is provided"},
      {"resourceVersion=1&resourceVersionMatch=Foo", 422,
       "Unsupported value: \"Foo\": supported values: \"Exact\", \"NotOlderThan\", \"\""},
      {"resourceVersion=0&resourceVersionMatch=Exact", 422, "forbidden for resourceVersion \"0\""},
      {"continue=abc", 400, "continue key is not valid"},
      {"continue=e30%3D", 400, "continue key is not valid"},
      {"sendInitialEvents=true", 422, "sendInitialEvents is forbidden for list"},
  };
  for (const QueryCase& row : cases) {
    const Reply reply = get(fmt::format("{}?{}", config_maps, row.query));
    EXPECT_EQ(reply.status, row.status) << row.query << reply.text;
    EXPECT_NE(reply.at({"message"}).find(row.message), std::string_view::npos) << row.query << reply.text;
  }
}

TEST_F(ApiServerRead, ServesCustomResourcesInEachVersion) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  ASSERT_EQ(send("POST", "/apis/x.io/v1/namespaces/default/foos",
                 R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"s":"t"}})")
                .status,
            201);
  const Reply old = get("/apis/x.io/v1beta1/namespaces/default/foos/f");
  EXPECT_EQ(old.at({"apiVersion"}), "x.io/v1beta1");
  const Reply list = get("/apis/x.io/v1/foos");
  EXPECT_EQ(getString(list.items()[0].get_object(), {"apiVersion"}), "x.io/v1");
  EXPECT_EQ(get("/apis/x.io/v1/foos?fieldSelector=spec.s%3Dt").names().size(), 1U);
  EXPECT_EQ(get("/apis/x.io/v1/foos?fieldSelector=spec.s%3Du").names().size(), 0U);
  EXPECT_EQ(get("/apis/x.io/v1/foos?fieldSelector=spec.x%3Da").at({"message"}), "field label not supported: spec.x");
}

TEST_F(ApiServerRead, ServesAutoscalersInBothVersions) {
  constexpr std::string_view v1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
  constexpr std::string_view v2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
  const Reply made = send(
      "POST", v1,
      R"({"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"maxReplicas":3,"targetCPUUtilizationPercentage":70}})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.at({"apiVersion"}), "autoscaling/v1");
  EXPECT_EQ(getInt(made.body.get_object(), {"spec", "targetCPUUtilizationPercentage"}), 70);
  const Reply stored = get(fmt::format("{}/h", v2));
  EXPECT_EQ(
      json::serialize(*find(stored.body, {"spec", "metrics"})),
      R"([{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}}])");
  // What v1 has no field for goes the way through annotations, and comes back.
  ASSERT_EQ(send("PATCH", fmt::format("{}/h", v2),
                 R"({"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":60}}}})", merge)
                .status,
            200);
  const Reply patched = send("PATCH", fmt::format("{}/h", v1), R"({"spec":{"maxReplicas":5}})", merge);
  EXPECT_EQ(patched.status, 200) << patched.text;
  const Reply after = get(fmt::format("{}/h", v2));
  EXPECT_EQ(getInt(after.body.get_object(), {"spec", "maxReplicas"}), 5);
  EXPECT_EQ(getInt(after.body.get_object(), {"spec", "behavior", "scaleDown", "stabilizationWindowSeconds"}), 60);
  EXPECT_EQ(find(after.body, {"metadata", "annotations"}), nullptr) << after.text;
}

TEST_F(ApiServerRead, SaysWhatItCanAnswer) {
  const Reply list = get(config_maps, "text/html");
  EXPECT_EQ(list.status, 406);
  EXPECT_EQ(list.at({"message"}),
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
            "application/json;stream=watch");
  EXPECT_EQ(get(fmt::format("{}/none", config_maps), "text/html, nonsense").at({"message"}),
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml");
  EXPECT_EQ(get(config_maps, "application/json;as=Nope;v=v1;g=meta.k8s.io").at({"message"}),
            "only the following media types are accepted: application/json, application/yaml");
  EXPECT_EQ(get(config_maps, "text/html, */*;q=0.1").status, 200);
}

}  // namespace
}  // namespace crossfade::local
