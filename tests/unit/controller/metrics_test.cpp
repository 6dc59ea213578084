#include "controller/metrics.hpp"

#include <gtest/gtest.h>

#include "support/virtual_clock.hpp"

namespace crossfade::controller {
namespace {

TEST(MetricsTest, NamesAndLabelsOfTheReference) {
  test::VirtualLoop loop;
  Metrics metrics(loop.clock(), "v9");
  metrics.observeReconcile(Metrics::Kind::rollout, "ns", "a", milliseconds(12));
  metrics.countReconcileError(Metrics::Kind::rollout, "ns", "a");
  metrics.countEvent("ns", "a", true, "RolloutAborted");
  metrics.observeRollout("Promoted", seconds(100), seconds(60), seconds(40));
  metrics.countRequest("PATCH", "/apis/argoproj.io/v1alpha1/namespaces/ns/rollouts/a/status?fieldManager=x", 200);
  metrics.queueAdded("Rollouts");
  metrics.setQueueStates([] { return std::vector<Metrics::QueueState>{{"Rollouts", 3, 0.5, 0.25}}; });
  metrics.addCollector([](GaugeSink& sink) {
    sink.family("rollout_info", "Information about rollout.");
    sink.gauge({{"namespace", "ns"}, {"name", "a"}}, 1);
    sink.family("experiment_info", "nothing there");
  });
  const std::string text = metrics.scrape();
  for (const char* line : {
           "# HELP rollout_reconcile Rollout reconciliation performance.\n# TYPE rollout_reconcile histogram\n",
           "rollout_reconcile_bucket{name=\"a\",namespace=\"ns\",le=\"0.15\"} 1\n",
           "rollout_reconcile_error{name=\"a\",namespace=\"ns\"} 1\n",
           "rollout_events_total{name=\"a\",namespace=\"ns\",reason=\"RolloutAborted\",type=\"Warning\"} 1\n",
           "rollout_duration_seconds_sum{status=\"Promoted\"} 100\n",
           "rollout_manual_pause_duration_seconds_sum{status=\"Promoted\"} 40\n",
           "controller_clientset_k8s_request_total{kind=\"rollouts\",name=\"a\",namespace=\"ns\",status_code=\"200\","
           "verb=\"Patch\"} 1\n",
           "workqueue_adds_total{name=\"Rollouts\"} 1\n",
           "workqueue_depth{name=\"Rollouts\"} 3\n",
           "# TYPE rollout_info gauge\nrollout_info{name=\"a\",namespace=\"ns\"} 1\n",
           "argo_rollouts_controller_info{version=\"v9\"} 1\n",
       }) {
    EXPECT_TRUE(text.contains(line)) << line << "\nnot in\n" << text;
  }
  EXPECT_FALSE(text.contains("experiment_info"));
}

TEST(MetricsTest, SeriesGo65SecondsAfterTheirObject) {  // spec/11 §5.7
  test::VirtualLoop loop;
  Metrics metrics(loop.clock(), "v9");
  for (const char* name : {"gone", "again"}) {
    metrics.observeReconcile(Metrics::Kind::rollout, "ns", name, milliseconds(1));
    metrics.countEvent("ns", name, false, "RolloutUpdated");
    metrics.forget(Metrics::Kind::rollout, "ns", name);
  }
  metrics.observeReconcile(Metrics::Kind::rollout, "ns", "again", milliseconds(1));  // re-created: keep its series
  loop.run(seconds(64));
  EXPECT_TRUE(metrics.scrape().contains("name=\"gone\""));
  loop.run(seconds(2));
  const std::string text = metrics.scrape();
  EXPECT_FALSE(text.contains("name=\"gone\"")) << text;
  EXPECT_TRUE(text.contains("rollout_reconcile_count{name=\"again\",namespace=\"ns\"} 2")) << text;
}

TEST(MetricsTest, RequestLabels) {  // spec/11 §5.6
  EXPECT_EQ(requestLabels("GET", "/api/v1/namespaces/a/services/b"), (RequestLabels{"services", "a", "b", "Get"}));
  EXPECT_EQ(requestLabels("GET", "/api/v1/services?limit=500"), (RequestLabels{"services", "", "N/A", "List"}));
  EXPECT_EQ(requestLabels("GET", "/apis/argoproj.io/v1alpha1/rollouts?watch=true&x=1"),
            (RequestLabels{"rollouts", "", "", "Watch"}));
  EXPECT_EQ(requestLabels("PATCH", "/apis/apps/v1/namespaces/a/replicasets/b"),
            (RequestLabels{"replicasets", "a", "N/A", "Patch"}));
  EXPECT_EQ(requestLabels("POST", "/api/v1/namespaces/a/events"), (RequestLabels{"events", "a", "N/A", "Create"}));
  EXPECT_EQ(requestLabels("GET", "/api/v1/namespaces/a"), (RequestLabels{"namespaces", "", "a", "Get"}));
  EXPECT_EQ(requestLabels("GET", "/version"), (RequestLabels{"Unknown", "Unknown", "Unknown", "Unknown"}));
}

}  // namespace
}  // namespace crossfade::controller
