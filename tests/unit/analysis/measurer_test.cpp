// The shell against scripted backends: secrets, concurrency, what is written and what is not.
#include "analysis/measurer.hpp"

#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::analysis {
namespace {

class Shell : public providers::ProviderTest {
 protected:
  Shell() {
    prom().otherwise([this](const net::Request&) { return answer(prometheus_value); });
  }

  test::ScriptedTransport& prom() { return dialer.at("http://prom:9090"); }
  static Result<net::Response> answer(const std::string& value) {
    net::Response response;
    response.body = fmt::format(
        R"({{"status":"success","data":{{"resultType":"vector","result":[{{"value":[1,"{}"]}}]}}}})", value);
    return response;
  }

  static std::string metric(std::string_view name, std::string_view more = {}, std::string_view query = "q") {
    return fmt::format(R"({{"name":"{}","provider":{{"prometheus":{{"address":"http://prom:9090","query":"{}"}}}}{}}})",
                       name, query, more);
  }
  void setRun(std::string_view metrics, std::string_view more = {}) {
    object =
        json::parse(
            fmt::format(R"({{"metadata":{{"namespace":"ns","name":"run","uid":"u"}},"spec":{{"metrics":[{}]{}}}}})",
                        metrics, more))
            .get_object();
  }

  // One pass, and those that its measurements ask for; the API server keeps what is written (see `object`).
  Reconciled pass() {
    api->otherwise([this](const net::Request& request) -> Result<net::Response> {
      net::Response response;
      if (request.method == "PATCH") {
        patches.push_back(json::parse(request.body));
        json::value merged = object;
        mergePatch(merged, patches.back());
        object = merged.get_object();
        response.body = json::serialize(object);
      } else if (secrets.contains(request.target)) {
        response.body = secrets[request.target];
      } else {
        response.status = request.method == "GET" ? 404 : 200;
        response.body = R"({"kind":"Status","reason":"NotFound","code":404,"message":"secrets \"s\" not found"})";
      }
      return response;
    });
    Reconciled all;
    for (wake = loop.clock().now(); wake;) {
      loop.run(*wake - loop.clock().now());
      wake.reset();
      const auto run = std::make_shared<const api::AnalysisRun>(api::decodeAnalysisRun(object));
      Reconciled one = *loop.get(measurer->reconcile(run, [this](const json::object&) { ++observed; }));
      one.events.insert(one.events.begin(), all.events.begin(), all.events.end());
      all = std::move(one);
      while (!wake && loop.stepUntil(loop.clock().now() + hours(1))) {
      }
    }
    return all;
  }
  std::string_view status(std::string_view member) { return getString(object, {"status", member}); }

  json::object object;
  std::map<std::string, std::string> secrets;
  std::vector<json::value> patches;
  std::string prometheus_value = "1";
  int observed = 0;
  std::optional<TimePoint> wake;
  std::optional<Measurer> measurer{std::in_place, context(), loop.executor(),
                                   [this](const std::string&, TimePoint when) { wake = when; }};
};

TEST_F(Shell, MeasuresAndWritesOnce) {
  setRun(metric("m", R"(,"successCondition":"result[0] > 0")"));
  const Reconciled done = pass();
  EXPECT_FALSE(done.error);
  ASSERT_EQ(patches.size(), 1U);
  EXPECT_EQ(observed, 1);
  EXPECT_EQ(api->requests()[0].method + " " + api->requests()[0].target,
            "PATCH /apis/argoproj.io/v1alpha1/namespaces/ns/analysisruns/run?fieldManager=rollouts-controller");
  EXPECT_EQ(api->requests()[0].headers.get("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(
      json::serialize(patches[0]),
      R"({"status":{"phase":"Successful","metricResults":[{"name":"m","phase":"Successful","measurements":[)"
      R"({"phase":"Successful","startedAt":"2024-01-01T00:00:00Z","finishedAt":"2024-01-01T00:00:00Z","value":"[1]"}],)"
      R"("count":1,"successful":1,"metadata":{"ResolvedPrometheusQuery":"q"},"consecutiveSuccess":1}],)"
      R"("startedAt":"2024-01-01T00:00:00Z","runSummary":{"count":1,"successful":1},"dryRunSummary":{},)"
      R"("completedAt":"2024-01-01T00:00:00Z"}})");
  ASSERT_EQ(done.events.size(), 2U);
  EXPECT_EQ(done.events[0].reason, "MetricSuccessful");
  EXPECT_EQ(done.events[1].reason, "AnalysisRunSuccessful");
  EXPECT_FALSE(done.look_again);

  EXPECT_TRUE(pass().events.empty());
  EXPECT_EQ(patches.size(), 1U);
  EXPECT_EQ(prom().requests().size(), 1U);
}

TEST_F(Shell, WritesNothingWhenNothingIsDue) {
  setRun(metric("m", R"(,"interval":"1m")"));
  const Reconciled first = pass();
  EXPECT_EQ(patches.size(), 1U);
  EXPECT_EQ(status("phase"), "Running");
  EXPECT_EQ(first.look_again, loop.clock().now() + minutes(1) + Duration(1));
  loop.run(seconds(30));
  EXPECT_EQ(pass().look_again, first.look_again);
  EXPECT_EQ(patches.size(), 1U);
  loop.run(*first.look_again - loop.clock().now());
  pass();
  EXPECT_EQ(patches.size(), 2U);
  EXPECT_EQ(getArray(object, {"status", "metricResults"})->size(), 1U);
  // Only what differs: the results, the whole list of them.
  EXPECT_EQ(patches[1].get_object().size(), 1U);
  EXPECT_EQ(patches[1].get_object().begin()->value().get_object().size(), 1U);
}

TEST_F(Shell, MeasuresAllAtOnce) {
  setRun(metric("a") + "," + metric("b") + "," + metric("c"));
  prom().setLatency(seconds(10));
  const TimePoint began = loop.clock().now();
  pass();
  EXPECT_EQ(loop.clock().now() - began, seconds(10));
  EXPECT_EQ(prom().requests().size(), 3U);
  EXPECT_EQ(status("phase"), "Successful");
}

TEST_F(Shell, FillsInSecretsAndHidesThem) {
  secrets["/api/v1/namespaces/ns/secrets/s"] = R"({"data":{"k":"MTIzNDU="}})";
  constexpr const char* args = R"(,"args":[{"name":"x","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}])";
  setRun(metric("m", "", "{{args.x}}"), args);
  pass();
  EXPECT_EQ(prom().requests()[0].body, "query=12345&time=1704067200");
  EXPECT_EQ(json::serialize(object).find("12345"), std::string::npos);  // spec/06 §18 D8
  EXPECT_EQ(status("phase"), "Successful");

  // spec/06 §19.4 #75: in the words of an error too.
  setRun(metric("m", R"(,"successCondition":"{{args.x}}")"), args);
  pass();
  const std::string text = json::serialize(object);
  EXPECT_NE(text.find("could not evaluate successCondition \\\"*****\\\": expected bool, but got int"),
            std::string::npos)
      << text;
}

TEST_F(Shell, SecretsThatAreNotThere) {
  constexpr const char* args = R"(,"args":[{"name":"x","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}])";
  setRun(metric("m"), args);
  Reconciled done = pass();
  EXPECT_EQ(status("phase"), "Error");
  EXPECT_EQ(status("message"), "Unable to resolve metric arguments: secrets \"s\" not found");  // spec/06 §19.3 #59
  ASSERT_EQ(done.events.size(), 1U);
  EXPECT_EQ(done.events[0].reason, "AnalysisRunError");
  secrets["/api/v1/namespaces/ns/secrets/s"] = R"({"data":{}})";
  setRun(metric("m"), args);
  pass();
  EXPECT_EQ(status("message"), "Unable to resolve metric arguments: key 'k' does not exist in secret 's'");
  EXPECT_TRUE(prom().requests().empty());

  // A server that is away for a moment is no reason to give the run up.
  setRun(metric("m"), args);
  api->fail(ErrorCode::unavailable, "connection refused");
  done = pass();
  ASSERT_TRUE(done.error);
  EXPECT_EQ(done.error->code, ErrorCode::unavailable);
  EXPECT_EQ(status("phase"), "");
}

TEST_F(Shell, ProvidersThatCantBeMadeAreErrorsOfAMeasurement) {
  setRun(R"({"name":"m","interval":"1m","provider":{"prometheus":{"query":"q"}}})");
  const Reconciled done = pass();
  EXPECT_EQ(status("phase"), "Running");
  EXPECT_NE(json::serialize(object).find("prometheus address is not configured"), std::string::npos);
  EXPECT_EQ(done.look_again, loop.clock().now() + seconds(10) + Duration(1));
}

TEST_F(Shell, SaysWhenItCouldNotWrite) {
  setRun(metric("m"));
  api->answer(409, R"({"kind":"Status","reason":"Conflict","code":409,"message":"changed"})");
  const Reconciled done = pass();
  ASSERT_TRUE(done.error);
  EXPECT_EQ(done.error->code, ErrorCode::conflict);
  EXPECT_TRUE(done.events.empty());
  EXPECT_EQ(observed, 0);
  api->answer(404, R"({"kind":"Status","reason":"NotFound","code":404,"message":"gone"})");
  EXPECT_FALSE(pass().error);
}

TEST_F(Shell, KeepsTheNewestMeasurements) {
  setRun(metric("m", R"(,"interval":"1s","failureLimit":99)"),
         R"(,"measurementRetention":[{"metricName":"m","limit":2}])");
  for (int i = 0; i < 4; ++i) {
    pass();
    loop.run(seconds(2));
  }
  const json::object& result = getArray(object, {"status", "metricResults"})->at(0).get_object();
  EXPECT_EQ(getInt(result, {"count"}), 4);
  EXPECT_EQ(getArray(result, {"measurements"})->size(), 2U);
}

TEST_F(Shell, DeletesWhatExpired) {  // spec/06 §18 D6: at its time, not at the next resync
  setRun(metric("m"), R"(,"ttlStrategy":{"secondsAfterCompletion":60})");
  EXPECT_EQ(pass().look_again, loop.clock().now() + seconds(61));
  loop.run(seconds(60));
  EXPECT_EQ(pass().look_again, loop.clock().now() + seconds(1));
  loop.run(seconds(1));
  pass();
  EXPECT_EQ(api->requests().back().method, "DELETE");
  EXPECT_NE(api->requests().back().body.find("\"uid\":\"u\""), std::string::npos);
}

// A Job's whole life: made, asked for more and more rarely, terminated with its run.
TEST_F(Shell, JobsAreFollowed) {
  setRun(R"({"name":"m","provider":{"job":{"spec":{"template":{"spec":{}}}}}})");
  api->answer(201, "{}");
  Reconciled done = pass();
  EXPECT_EQ(status("phase"), "Running");
  EXPECT_EQ(done.look_again, loop.clock().now() + seconds(1));
  for (int i = 0; i < 30 && done.look_again; ++i) {
    loop.run(*done.look_again - loop.clock().now());
    api->answer(200, "{}");  // the Job
    done = pass();
  }
  EXPECT_LT(patches.size(), 32U);
  EXPECT_EQ(status("phase"), "Running");
  EXPECT_GT(loop.clock().now() - TimePoint(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)), minutes(5));
  object["spec"].get_object()["terminate"] = true;
  api->answer(200, "{}");  // its deletion
  done = pass();
  EXPECT_EQ(status("phase"), "Inconclusive");
  EXPECT_NE(json::serialize(object).find("Metric Terminated"), std::string::npos);
}

TEST_F(Shell, ADestroyedProgramLeavesNothingBehind) {
  setRun(metric("a") + "," + metric("b"));
  prom().setLatency(hours(1));
  const auto run = std::make_shared<const api::AnalysisRun>(api::decodeAnalysisRun(object));
  const auto start = [](Measurer& measurer, std::shared_ptr<const api::AnalysisRun> run) -> Task<> {
    co_await measurer.reconcile(run, [](const json::object&) {});
  };
  loop.spawn(start(*measurer, run));
  loop.run(seconds(10));
  EXPECT_GT(run.use_count(), 1);
  loop.kill();
  measurer.reset();
  EXPECT_EQ(run.use_count(), 1);
}

}  // namespace
}  // namespace crossfade::analysis
