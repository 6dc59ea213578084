#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

std::string job(std::string_view image, std::string_view spec = "", std::string_view policy = "Never") {
  return fmt::format(
      R"({{"metadata":{{"name":"check"}},"spec":{{{}"template":{{"spec":{{"restartPolicy":"{}","containers":[{{"name":"app","image":"{}"}}]}}}}}}}})",
      spec, policy, image);
}

bool has(const SmallCluster& cluster, std::string_view condition, std::string_view reason) {
  const Object object = cluster.get("jobs", "check");
  const auto* found = findCondition(*object, condition);
  return found != nullptr && getString(*found, {"status"}) == "True" && getString(*found, {"reason"}) == reason;
}

TEST(Job, Completes) {
  SmallCluster cluster;
  cluster.create("jobs", job("x:1"));
  cluster.run(milliseconds(100));
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "active"}), "1");
  EXPECT_EQ(getString(*cluster.list("pods").front(), {"status", "phase"}), "Running");
  cluster.run(seconds(1));
  EXPECT_TRUE(has(cluster, "Complete", "CompletionsReached"));
  EXPECT_TRUE(has(cluster, "SuccessCriteriaMet", "CompletionsReached"));
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "succeeded"}), "1");
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "active"}), "");
  EXPECT_NE(cluster.show("jobs", "check", {"status", "completionTime"}), "");
  const Object pod = cluster.list("pods").front();
  EXPECT_EQ(getString(*pod, {"status", "phase"}), "Succeeded");
  EXPECT_EQ(getString(*findCondition(*pod, "Ready"), {"reason"}), "PodCompleted");
  EXPECT_EQ(getString(*pod, {"metadata", "labels", "job-name"}), "check");
  EXPECT_EQ(cluster.events("check").back(), "Completed: Job completed x1");
}

TEST(Job, RunsAsManyAtOnceAsAsked) {
  SmallCluster cluster;
  std::int64_t most = 0;
  const auto watch =
      cluster.registry.subscribe(&cluster.type("jobs"), [&most](const ResourceType&, const Event& event) {
        most = std::max(most, getInt(*event.object, {"status", "active"}));
      });
  cluster.create("jobs", job("x:1", R"("completions":5,"parallelism":2,)"));
  cluster.run(seconds(10));
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "succeeded"}), "5");
  EXPECT_TRUE(has(cluster, "Complete", "CompletionsReached"));
  EXPECT_EQ(most, 2);
}

TEST(Job, FailsAfterItsBackoffLimit) {
  SmallCluster cluster;
  cluster.create("jobs", job("x:fail", R"("backoffLimit":2,)"));
  cluster.run(seconds(5));
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "failed"}), "1");
  EXPECT_FALSE(has(cluster, "Failed", "BackoffLimitExceeded"));
  // The next tries wait 10 and 20 seconds.
  cluster.run(seconds(40));
  EXPECT_TRUE(has(cluster, "Failed", "BackoffLimitExceeded"));
  EXPECT_TRUE(has(cluster, "FailureTarget", "BackoffLimitExceeded"));
  EXPECT_EQ(cluster.list("pods").size(), 3U);
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "failed"}), "3");
}

TEST(Job, CountsRestartsInPlace) {
  SmallCluster cluster;
  cluster.create("jobs", job("x:fail", R"("backoffLimit":2,)", "OnFailure"));
  cluster.run(minutes(2));
  EXPECT_TRUE(has(cluster, "Failed", "BackoffLimitExceeded"));
  EXPECT_TRUE(cluster.list("pods").empty());  // the active one was deleted
}

TEST(Job, EndsAtItsDeadline) {
  SmallCluster cluster({.ready_delay = hours(1), .sockets = false});
  cluster.create("jobs", job("x:1", R"("activeDeadlineSeconds":30,)"));
  cluster.run(seconds(29));
  EXPECT_FALSE(has(cluster, "FailureTarget", "DeadlineExceeded"));
  cluster.run(seconds(5));
  EXPECT_TRUE(has(cluster, "Failed", "DeadlineExceeded"));
  EXPECT_TRUE(cluster.list("pods").empty());
}

TEST(Job, WaitsWhileSuspended) {
  SmallCluster cluster;
  cluster.create("jobs", job("x:1", R"("suspend":true,)"));
  cluster.run(seconds(5));
  EXPECT_TRUE(cluster.list("pods").empty());
  EXPECT_TRUE(has(cluster, "Suspended", "JobSuspended"));
  EXPECT_EQ(cluster.show("jobs", "check", {"status", "startTime"}), "");
  cluster.patch("jobs", "check", R"({"spec":{"suspend":false}})");
  cluster.run(seconds(5));
  EXPECT_TRUE(has(cluster, "Complete", "CompletionsReached"));
}

TEST(Job, GoesWhenItsTimeIsOver) {
  SmallCluster cluster;
  cluster.create("jobs", job("x:1", R"("ttlSecondsAfterFinished":60,)"));
  cluster.run(seconds(30));
  EXPECT_NE(cluster.get("jobs", "check"), nullptr);
  cluster.run(seconds(60));
  EXPECT_EQ(cluster.get("jobs", "check"), nullptr);
  EXPECT_TRUE(cluster.list("pods").empty());
}

}  // namespace
}  // namespace crossfade::local
