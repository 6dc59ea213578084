// spec/08 §9 and the worked cases of §16.3, by their numbers.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* uid = "11111111-2222-3333-4444-555555555555";
constexpr const char* provider_json =
    R"({"job":{"metadata":{"labels":{"team":"x"},"annotations":{"why":"y"}},"spec":{"backoffLimit":0,"template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never"}}}}})";

class Job : public ProviderTest {
 protected:
  Job() {
    analysis_run.metadata.ns = "ns";
    analysis_run.metadata.name = "run";
    analysis_run.metadata.uid = uid;
    metric = metricOf(provider_json);
  }
  std::string nameFor(const std::string& metric_name) {
    metric.name = metric_name;
    api->answer(201, "{}");
    return run(metric).metadata["job-name"];
  }
  api::Measurement inFlight(Duration age = Duration(0)) {
    api::Measurement measurement;
    measurement.phase = "Running";
    measurement.started_at = loop.clock().now() - age;
    measurement.metadata = {{"job-name", "j"}, {"job-namespace", "ns"}};
    return measurement;
  }
  api::Measurement resume(api::Measurement measurement) {
    const auto provider = makeProvider(context(), metric);
    return *loop.get((*provider)->resume(analysis_run, metric, measurement));
  }

  api::Metric metric;
};

std::string conflict() {
  return R"({"kind":"Status","status":"Failure","reason":"AlreadyExists","code":409,"message":"jobs.batch \"j\" already exists"})";
}
std::string missing() {
  return R"({"kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"jobs.batch \"j\" not found"})";
}

TEST_F(Job, IsCreated) {  // spec/08 §16.3 #58
  api->answer(201, "{}");
  const api::Measurement measurement = run(metric);
  EXPECT_EQ(api->last(), "POST /apis/batch/v1/namespaces/ns/jobs?fieldManager=rollouts-controller");
  const std::string name = std::string(uid) + ".m.1";
  const std::string owner = fmt::format(
      R"({{"apiVersion":"argoproj.io/v1alpha1","kind":"AnalysisRun","name":"run","uid":"{}","controller":true,"blockOwnerDeletion":true}})",
      uid);
  EXPECT_EQ(
      json::parse(api->requests()[0].body),
      json::parse(fmt::format(
          R"({{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"{0}","namespace":"ns","labels":{{"team":"x","analysisrun.argoproj.io/uid":"{1}"}},"annotations":{{"why":"y","analysisrun.argoproj.io/name":"run","analysisrun.argoproj.io/namespace":"ns","analysisrun.argoproj.io/metric-name":"m"}},"ownerReferences":[{2}]}},"spec":{{"backoffLimit":0,"template":{{"metadata":{{"labels":{{"a":"b","analysisrun.argoproj.io/uid":"{1}"}}}},"spec":{{"restartPolicy":"Never"}}}}}}}})",
          name, uid, owner)));
  EXPECT_EQ(measurement.phase, "Running");
  EXPECT_EQ(measurement.metadata, (std::map<std::string, std::string>{{"job-name", name}, {"job-namespace", "ns"}}));
  EXPECT_EQ(measurement.resume_at, loop.clock().now());  // spec/08 §18 #17
  EXPECT_FALSE(measurement.finished_at);
}

TEST_F(Job, IsCreatedElsewhere) {
  job_namespace = "jobs";
  api->answer(201, "{}");
  EXPECT_EQ(run(metric).metadata["job-namespace"], "jobs");
  EXPECT_EQ(api->last(), "POST /apis/batch/v1/namespaces/jobs/jobs?fieldManager=rollouts-controller");
  EXPECT_EQ(find(json::parse(api->requests()[0].body), {"metadata", "ownerReferences"}), nullptr);
}

// ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG: Jobs of another cluster, where no owner can be. spec/08 §9.1, §9.2
TEST_F(Job, IsCreatedInAnotherCluster) {
  const auto other_api = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client other(other_api, loop.clock(), kube::Config(), "crossfade/test");
  Context elsewhere = context();
  elsewhere.job_client = &other;
  const auto provider = makeProvider(elsewhere, metric);
  other_api->answer(201, "{}");
  EXPECT_EQ(loop.get((*provider)->run(analysis_run, metric))->phase, "Running");
  EXPECT_TRUE(api->requests().empty());
  EXPECT_EQ(find(json::parse(other_api->requests()[0].body), {"metadata", "ownerReferences"}), nullptr);
  // The one that is there already is known by its label.
  for (const auto& [owner, phase] : {std::pair(uid, "Running"), {"another", "Error"}}) {
    other_api->answer(409, conflict());
    other_api->answer(
        200, fmt::format(R"({{"metadata":{{"name":"j","labels":{{"analysisrun.argoproj.io/uid":"{}"}}}}}})", owner));
    EXPECT_EQ(loop.get((*provider)->run(analysis_run, metric))->phase, phase);
  }
  other_api->answer(200, R"({"status":{"conditions":[{"type":"Failed","status":"True"}]}})");
  EXPECT_EQ(loop.get((*provider)->resume(analysis_run, metric, inFlight()))->phase, "Failed");
}

TEST_F(Job, IsNamedAfterRunMetricAndNumber) {  // spec/08 §18 #15
  api::MetricResult result;
  result.name = "m";
  result.count = 3;
  result.error = 2;
  analysis_run.status.metric_results = {result};
  EXPECT_EQ(nameFor("m"), std::string(uid) + ".m.6");                             // spec/08 §16.3 #59
  const std::string first = nameFor("abcdefghijklmnopqrstuvwxyz-first-metric0");  // spec/08 §16.3 #60
  const std::string second = nameFor("abcdefghijklmnopqrstuvwxyz-other-metric0");
  EXPECT_EQ(first.size(), 63U);
  EXPECT_TRUE(first.starts_with(std::string(uid) + ".abcdefghijkl"));
  EXPECT_TRUE(first.ends_with(".1"));
  EXPECT_NE(first, second);
  analysis_run.metadata.uid = std::string(62, 'u');
  EXPECT_TRUE(nameFor("m").ends_with("u..6"));
}

TEST_F(Job, ThatExistsAlreadyIsAdoptedOrRefused) {
  const auto existing = [&](std::string_view owner) {
    api->answer(409, conflict());
    api->answer(
        200, fmt::format(
                 R"({{"metadata":{{"name":"j","labels":{{"analysisrun.argoproj.io/uid":"{0}"}}{1}}}}})", uid,
                 owner.empty() ? "" : fmt::format(R"(,"ownerReferences":[{{"controller":true,"uid":"{}"}}])", owner)));
    return run(metric);
  };
  EXPECT_EQ(existing(uid).phase, "Running");                                // spec/08 §16.3 #61
  EXPECT_EQ(existing("other").message, "jobs.batch \"j\" already exists");  // spec/08 §16.3 #62
  EXPECT_EQ(existing("").message, "jobs.batch \"j\" already exists");       // no owner at all
  job_namespace = "jobs";
  EXPECT_EQ(existing("").phase, "Running");  // by its label
  api->answer(403, R"({"kind":"Status","reason":"Forbidden","code":403,"message":"jobs is forbidden"})");
  const api::Measurement refused = run(metric);
  EXPECT_EQ(refused.phase, "Error");
  EXPECT_EQ(refused.message, "jobs is forbidden");
}

TEST_F(Job, Resumes) {
  const auto conditions = [&](std::string_view list) {
    api->answer(200, fmt::format(R"({{"status":{{"conditions":[{}]}}}})", list));
    return resume(inFlight());
  };
  EXPECT_EQ(conditions(R"({"type":"Complete","status":"True"})").phase, "Successful");  // spec/08 §16.3 #63
  EXPECT_EQ(conditions(R"({"type":"Complete","status":"True"})").finished_at, loop.clock().now());
  EXPECT_EQ(conditions(R"({"type":"Failed","status":"True"})").phase, "Failed");
  EXPECT_EQ(conditions(R"({"type":"Complete","status":"False"},{"type":"Suspended","status":"True"})").phase,
            "Running");

  for (const auto& [elapsed, delay] :
       {std::pair(0, 0), {2, 2}, {8, 4}, {50, 10}, {450, 30}, {1800, 60}}) {  // spec/08 §16.3 #64, spec/08 §9.6 #1-#6
    api->answer(200, "{}");
    EXPECT_EQ(resume(inFlight(seconds(elapsed))).resume_at, loop.clock().now() + seconds(delay)) << elapsed;
  }
  api->answer(404, missing());
  EXPECT_EQ(resume(inFlight()).message, "job.batch \"j\" not found");
  EXPECT_EQ(resume({}).message, "job metadata reference missing");
  // The API server is away for a moment: that says nothing of the Job.
  const api::Measurement still = resume(inFlight());
  EXPECT_EQ(still.phase, "Running");
  EXPECT_EQ(still.resume_at, loop.clock().now() + seconds(10));
}

TEST_F(Job, GivesUpOnImagesThatCantBeHad) {  // spec/08 §18 #16
  const auto waiting = [&](const char* reason) {
    api->answer(200, R"({"spec":{"selector":{"matchLabels":{"job":"j"}}}})");
    api->answer(
        200,
        fmt::format(
            R"({{"metadata":{{}},"items":[{{"metadata":{{"name":"p"}},"status":{{"containerStatuses":[{{"name":"c","state":{{"waiting":{{"reason":"{}","message":"Back-off"}}}}}}]}}}}]}})",
            reason));
    return resume(inFlight());
  };
  const api::Measurement hopeless = waiting("ImagePullBackOff");  // spec/08 §16.3 #65
  EXPECT_EQ(hopeless.phase, "Inconclusive");
  EXPECT_EQ(hopeless.message, "Pod p, container c has terminal error (ImagePullBackOff): Back-off\n");
  EXPECT_TRUE(api->last().starts_with("GET /api/v1/namespaces/ns/pods?labelSelector=job%3Dj")) << api->last();
  EXPECT_EQ(waiting("CrashLoopBackOff").phase, "Running");  // spec/08 §16.3 #66
}

TEST_F(Job, Terminates) {
  const auto terminate = [&] {
    const auto provider = makeProvider(context(), metric);
    return *loop.get((*provider)->terminate(analysis_run, metric, inFlight()));
  };
  api->answer(200, "{}");
  EXPECT_EQ(terminate().phase, "Inconclusive");
  EXPECT_TRUE(api->last().starts_with("DELETE /apis/batch/v1/namespaces/ns/jobs/j"));
  EXPECT_NE(api->requests().back().body.find("Foreground"), std::string::npos);
  api->answer(404, missing());
  EXPECT_EQ(terminate().phase, "Inconclusive");  // spec/08 §16.3 #68
  api->answer(403, R"({"kind":"Status","reason":"Forbidden","code":403,"message":"no"})");
  EXPECT_EQ(terminate().message, "no");
}

TEST_F(Job, CollectsTheOldestOfItsMetric) {  // spec/08 §16.3 #67
  std::string items;
  for (const auto& [name, metric_name, minute] :
       {std::tuple("c", "m", 3), {"a", "m", 1}, {"x", "other", 0}, {"e", "m", 5}, {"b", "m", 2}, {"d", "m", 4}}) {
    items += fmt::format(
        R"({}{{"metadata":{{"name":"{}","creationTimestamp":"2024-01-01T00:0{}:00Z","annotations":{{"analysisrun.argoproj.io/metric-name":"{}"}}}}}})",
        items.empty() ? "" : ",", name, minute, metric_name);
  }
  api->answer(200, fmt::format(R"({{"metadata":{{}},"items":[{}]}})", items));
  for (int i = 0; i < 3; ++i) api->answer(200, "{}");
  const auto provider = makeProvider(context(), metric);
  EXPECT_TRUE(loop.get((*provider)->garbageCollect(analysis_run, metric, 2))->has_value());
  ASSERT_EQ(api->requests().size(), 4U);
  for (const auto& [index, name] : {std::pair(1, "a"), {2, "b"}, {3, "c"}}) {
    EXPECT_TRUE(api->requests()[static_cast<std::size_t>(index)].target.starts_with(
        fmt::format("/apis/batch/v1/namespaces/ns/jobs/{}", name)));
  }
}

}  // namespace
}  // namespace crossfade::providers
