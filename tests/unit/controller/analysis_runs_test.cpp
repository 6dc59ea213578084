// What the shell does for a Rollout's AnalysisRuns: it makes them, finds those that its cache doesn't show, and tells
// its own from others under the same name. spec/06 §13.
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "controller/observer.hpp"
#include "controller/plan_executor.hpp"
#include "support/scripted_cluster.hpp"

namespace crossfade::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view runs_path = "/apis/argoproj.io/v1alpha1/namespaces/shop/analysisruns";

class RunsOfARollout : public testing::Test {
 protected:
  RunsOfARollout() {
    log::setLevel(log::Level::error);
    rollout = std::make_shared<api::Rollout>(api::decodeRollout(parse(
        R"({"metadata":{"name":"web","namespace":"shop","uid":"ro","resourceVersion":"7","generation":1},
            "spec":{"selector":{"matchLabels":{"app":"web"}},"strategy":{"canary":{}},
            "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}},
            "status":{"canary":{"currentStepAnalysisRunStatus":{"name":"web-a-1-0","status":"Running"}}}})")));
    caches.analysis_templates.apply(parse(template_object));
    cluster.transport->otherwise([this](const net::Request& request) { return reply(request); });
  }
  ~RunsOfARollout() override { cluster.loop.kill(); }

  static json::object parse(std::string_view text) { return parseJson(text)->get_object(); }

  // The server: runs by name; a run that is made gets a uid.
  Result<net::Response> reply(const net::Request& request) {
    net::Response response;
    const std::string path = request.target.substr(0, request.target.find('?'));
    requests.push_back(request.method + " " + path);
    if (broken) return fail(ErrorCode::unavailable, "connection refused");
    if (request.method == "POST" && path == runs_path) {
      json::object run = parse(request.body);
      const std::string name(getString(run, {"metadata", "name"}));
      if (server.contains(name)) {
        response.status = 409;
        response.body = R"({"kind":"Status","reason":"AlreadyExists","message":"already exists"})";
        return response;
      }
      response.status = 201;
      run["metadata"].get_object()["uid"] = "uid-" + name;
      run["metadata"].get_object()["resourceVersion"] = "10";
      server[name] = run;
      response.body = json::serialize(run);
      return response;
    }
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!server.contains(name)) {
      response.status = 404;
      response.body = R"({"kind":"Status","reason":"NotFound","message":"not found"})";
      return response;
    }
    response.body = json::serialize(server.at(name));
    return response;
  }

  // Makes the run of the first step; "done", or the failure.
  std::string create() {
    rollout::CreateAnalysisRun create;
    create.name = "web-a-1-0";
    create.metadata = parse(
        R"({"labels":{"rollouts-pod-template-hash":"a"},"ownerReferences":[{"apiVersion":"argoproj.io/v1alpha1",
            "kind":"Rollout","name":"web","uid":"ro","controller":true}]})");
    create.templates = {{"errors", false}};
    create.args = {{"service", "web"}};
    rollout::Snapshot snapshot;
    snapshot.rollout = rollout;
    rollout::Plan plan;
    plan.actions.emplace_back(std::move(create));
    std::string result = "not finished";
    const auto run = [](PlanExecutor& executor, const rollout::Snapshot& snapshot, const rollout::Plan& plan,
                        std::string& result) -> Task<> {
      const auto done = co_await executor.execute(snapshot, plan);
      result = done ? "done" : done.error().message;
    };
    cluster.loop.spawn(run(executor, snapshot, plan, result));
    cluster.loop.run(2min);
    return result;
  }
  // The names of the runs in the snapshot, or the failure.
  std::string observed() {
    std::string result = "not finished";
    const auto run = [](Observer& observer, std::shared_ptr<const api::Rollout> rollout,
                        std::string& result) -> Task<> {
      const auto snapshot = co_await observer.observe(rollout);
      result = snapshot ? "" : "! " + snapshot.error().message;
      if (!snapshot) co_return;
      for (const auto& run : snapshot->analysis_runs) result += run->metadata.name + " ";
      for (const std::string& name : snapshot->taken_names) result += "taken:" + name + " ";
    };
    cluster.loop.spawn(run(observer, rollout, result));
    cluster.loop.run(2min);
    return result;
  }
  json::object& stored() { return server.at("web-a-1-0"); }

  static constexpr std::string_view template_object =
      R"({"metadata":{"name":"errors","namespace":"shop","uid":"t","resourceVersion":"3"},"spec":{
          "args":[{"name":"service"}],"metrics":[{"name":"m","provider":{"web":{"url":"http://x/{{args.service}}"}}}]}})";

  test::ScriptedCluster cluster;
  Settings settings;
  Metrics metrics{cluster.loop.clock(), "test"};
  Caches caches{cluster.world, settings};
  TrafficControl traffic{cluster.world, settings, [](const std::string&, TimePoint) {}};
  WorkloadRefs workloads{cluster.world, settings,
                         [](const std::string&, const std::string&, const std::string&, std::int64_t) {}};
  kube::EventRecorder events{cluster.client, cluster.loop.executor(), cluster.random, "rollouts-controller"};
  PlanExecutor executor{cluster.world, settings, caches, traffic, events, metrics, [] { return false; }};
  Observer observer{cluster.world, settings, caches, traffic, workloads};
  std::shared_ptr<const api::Rollout> rollout;
  std::map<std::string, json::object> server;
  std::vector<std::string> requests;
  bool broken = false;
};

TEST_F(RunsOfARollout, AreMadeFromTheirTemplates) {
  EXPECT_EQ(create(), "done");
  EXPECT_EQ(json::serialize(stored().at("spec")),
            R"({"metrics":[{"name":"m","provider":{"web":{"url":"http://x/{{args.service}}"}}}],)"
            R"("args":[{"name":"service","value":"web"}]})");
  EXPECT_NE(caches.analysis_runs.find("shop/web-a-1-0"), nullptr) << "the next plan sees it";
}

// A run of the same name is this one when it is unfinished, ours, and made from the same. spec/06 §13.1
TEST_F(RunsOfARollout, AreTakenOverWhenTheyAreTheSame) {  // spec/06 §19.5 #78
  EXPECT_EQ(create(), "done");
  requests.clear();
  EXPECT_EQ(create(), "done");
  EXPECT_EQ(requests, (std::vector<std::string>{"POST " + std::string(runs_path),
                                                "GET " + std::string(runs_path) + "/web-a-1-0"}));
  EXPECT_EQ(server.size(), 1U);
}

TEST_F(RunsOfARollout, AreNotTakenOverWhenTheyDiffer) {  // spec/06 §19.5 #77
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"finished", R"({"status":{"phase":"Failed"}})"},
      {"about to end", R"({"spec":{"terminate":true}})"},
      {"of another template", R"({"spec":{"metrics":[{"name":"m","provider":{"web":{"url":"http://y"}}}]}})"},
      {"with other arguments", R"({"spec":{"args":[{"name":"service","value":"shop"}]}})"},
      {"with rules", R"({"spec":{"dryRun":[{"metricName":"m"}]}})"},
      {"of another owner",
       R"({"metadata":{"ownerReferences":[{"kind":"Rollout","name":"web","uid":"old","controller":true}]}})"},
      {"of nobody", R"({"metadata":{"ownerReferences":null}})"}};
  for (const auto& [what, change] : changes) {
    server.clear();
    EXPECT_EQ(create(), "done");
    json::value changed = stored();
    mergePatch(changed, parse(change));
    server["web-a-1-0"] = changed.get_object();
    EXPECT_EQ(create(), "analysisruns.argoproj.io \"web-a-1-0\" already exists") << what;
    EXPECT_TRUE(observed().contains("taken:web-a-1-0")) << what << ": the next plan takes another name";
  }
}

TEST_F(RunsOfARollout, AreNotMadeFromATemplateThatCantBeRead) {
  json::object unreadable = parse(template_object);
  unreadable["metadata"].get_object()["resourceVersion"] = "4";
  unreadable["spec"].get_object()["metrics"].get_array()[0].get_object()["count"] = true;
  caches.analysis_templates.apply(unreadable);
  EXPECT_EQ(create(), "AnalysisTemplate errors: spec.metrics[0].count: an integer or a string is expected, found true");
  EXPECT_TRUE(server.empty());
}

// A cache may be behind: what the status names is asked for before it is made again.
TEST_F(RunsOfARollout, AreFetchedWhenTheCacheDoesntShowThem) {  // spec/06 §19.5 #103, spec/06 §20 #16
  EXPECT_EQ(create(), "done");
  caches.analysis_runs.remove(stored());
  stored()["metadata"].get_object()["resourceVersion"] = "20";
  stored()["metadata"].get_object()["uid"] = "not in the cache yet";
  requests.clear();
  EXPECT_EQ(observed(), "web-a-1-0 ");
  EXPECT_EQ(requests, std::vector<std::string>{"GET " + std::string(runs_path) + "/web-a-1-0"});
  requests.clear();
  EXPECT_EQ(observed(), "web-a-1-0 ");
  EXPECT_TRUE(requests.empty()) << "from then on the cache has it";
}

TEST_F(RunsOfARollout, ThatAreGoneAreAskedForOnce) {
  EXPECT_EQ(observed(), "");
  EXPECT_EQ(observed(), "");
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(RunsOfARollout, ThatMayExistAreNoReasonForAPlan) {
  broken = true;
  EXPECT_EQ(observed().substr(0, 2), "! ");
}

TEST_F(RunsOfARollout, OfAnotherControllerAreInvisible) {
  EXPECT_EQ(create(), "done");
  caches.analysis_runs.remove(stored());
  stored()["metadata"].get_object()["uid"] = "other";
  stored()["metadata"].get_object()["resourceVersion"] = "20";
  stored()["metadata"].get_object()["labels"] = {{"argo-rollouts.argoproj.io/controller-instance-id", "blue"}};
  EXPECT_EQ(observed(), "");
}

}  // namespace
}  // namespace crossfade::controller
