// How plans are written to a server, and what its refusals mean. spec/02 §4.6, §8, §9.5, §10.5, §16.
#include "controller/plan_executor.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::controller {
namespace {

using namespace std::chrono_literals;
using rollout::EvictPod;
using rollout::PatchPod;
using rollout::PatchStatus;
using rollout::ScaleReplicaSet;
using rollout::ScaleWorkload;

class NoDialer : public net::Dialer {
 public:
  Result<std::shared_ptr<net::Transport>> dial(const net::Origin&, const net::TlsOptions&) override {
    return fail(ErrorCode::unavailable, "nobody is there");
  }
};

std::string refusal(std::string_view reason, std::string_view message = "no") {
  return fmt::format(R"({{"kind":"Status","reason":"{}","message":"{}"}})", reason, message);
}

class PlanExecutorTest : public testing::Test {
 protected:
  PlanExecutorTest() {
    log::setLevel(log::Level::error);
    snapshot.rollout = std::make_shared<api::Rollout>(api::decodeRollout(parse(
        R"({"metadata":{"name":"web","namespace":"shop","uid":"ro","resourceVersion":"7","generation":1},
            "spec":{"selector":{"matchLabels":{"app":"web"}},"strategy":{"canary":{}},
            "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}},"status":{}})")));
  }
  ~PlanExecutorTest() override { loop.kill(); }

  static json::object parse(std::string_view text) { return parseJson(text)->get_object(); }

  // Executes these actions; "done", or the failure's code.
  std::string execute(std::vector<rollout::Action> actions) {
    rollout::Plan plan;
    plan.actions = std::move(actions);
    std::string result = "not finished";
    const auto run = [](PlanExecutor& executor, const rollout::Snapshot& snapshot, const rollout::Plan& plan,
                        std::string& result) -> Task<> {
      const auto done = co_await executor.execute(snapshot, plan);
      result = done ? "done" : std::string(toString(done.error().code));
    };
    loop.spawn(run(executor, snapshot, plan, result));
    loop.run(2min);
    return result;
  }
  static rollout::Action status(std::string_view phase) {
    PatchStatus write;
    write.status.phase = phase;
    return write;
  }
  // Method and path (without the query), of requests that aren't about events.
  std::vector<std::string> requests() const {
    std::vector<std::string> lines;
    for (const net::Request& request : transport->requests()) {
      if (request.target.contains("/events")) continue;
      lines.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
    }
    return lines;
  }

  test::VirtualLoop loop;
  Random random{1};
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client client{transport, loop.clock(), kube::Config(), "test"};
  NoDialer dialer;
  World world{loop.executor(), loop.clock(), random, client, dialer};
  Settings settings;
  Metrics metrics{loop.clock(), "test"};
  Caches caches{world, settings};
  TrafficControl traffic{world, settings, [](const std::string&, TimePoint) {}};
  kube::EventRecorder events{client, loop.executor(), random, "rollouts-controller"};
  PlanExecutor executor{world, settings, caches, traffic, events, metrics, [] { return false; }};
  rollout::Snapshot snapshot;
};

using Lines = std::vector<std::string>;
const std::string patch_status = "PATCH /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status";
const std::string evict = "POST /api/v1/namespaces/shop/pods/p/eviction";
const std::string over_budget = R"({"kind":"Status","reason":"TooManyRequests","code":429,
    "message":"Cannot evict pod as it would violate the pod's disruption budget.",
    "details":{"causes":[{"reason":"DisruptionBudget","message":"The disruption budget web needs 1 healthy pods"}]}})";
const std::string written = R"({"metadata":{"name":"web","namespace":"shop","uid":"ro","resourceVersion":"8"}})";

TEST_F(PlanExecutorTest, TheFirstFailureEndsThePlan) {
  transport->answer(409, refusal("Conflict"));
  EXPECT_EQ(execute({ScaleReplicaSet{"web-a", "3", 1, 2, parse(R"({"spec":{"replicas":2}})")}, status("Healthy")}),
            "conflict");
  EXPECT_EQ(requests(), Lines{"PATCH /apis/apps/v1/namespaces/shop/replicasets/web-a"});
  EXPECT_EQ(*parseJson(transport->requests().front().body),
            parse(R"({"spec":{"replicas":2},"metadata":{"resourceVersion":"3"}})"));
}

// What isn't there may come: tried again, as any failure.
TEST_F(PlanExecutorTest, NotFoundIsAFailure) {  // spec/02 §19 #8
  transport->answer(404, refusal("NotFound"));
  EXPECT_EQ(execute({ScaleReplicaSet{"web-a", "3", 1, 2, {}}, status("Healthy")}), "not_found");
  EXPECT_EQ(requests().size(), 1U);
}

// One old ReplicaSet that can't be written must not keep the status from being written.
TEST_F(PlanExecutorTest, OldReplicaSetsHoldNothingUp) {  // spec/02 §19 #22
  ScaleReplicaSet old{"web-a", "3", 1, 0, parse(R"({"spec":{"replicas":0}})")};
  old.old = true;
  transport->answer(403, refusal("Forbidden"));
  transport->answer(200, written);
  EXPECT_EQ(execute({old, status("Healthy")}), "forbidden") << "reported all the same";
  EXPECT_EQ(requests(), (Lines{"PATCH /apis/apps/v1/namespaces/shop/replicasets/web-a", patch_status}));
}

// But sizes that were planned for the cluster without it wait.
TEST_F(PlanExecutorTest, NothingGrowsInThePlaceOfAnOldReplicaSetThatStayed) {
  ScaleReplicaSet old{"web-a", "3", 1, 0, parse(R"({"spec":{"replicas":0}})")};
  old.old = true;
  transport->answer(403, refusal("Forbidden"));
  transport->answer(200, written);
  EXPECT_EQ(execute({old, ScaleReplicaSet{"web-b", "4", 5, 6, parse(R"({"spec":{"replicas":6}})")}, status("Healthy")}),
            "forbidden");
  EXPECT_EQ(requests(), (Lines{"PATCH /apis/apps/v1/namespaces/shop/replicasets/web-a", patch_status}));
}

TEST_F(PlanExecutorTest, AnEvictionEndsThePlan) {  // spec/02 §8 step 8, spec/02 §19 #28
  transport->answer(201, "{}");
  transport->answer(429, over_budget);
  EXPECT_EQ(execute({EvictPod{"p", "u"}, EvictPod{"p", "v"}, status("Healthy")}), "done");
  EXPECT_EQ(requests(), (Lines{evict, evict})) << "no status: its counts no longer hold";
  EXPECT_EQ(*parseJson(transport->requests().front().body),
            parse(R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p","namespace":"shop"},
                      "deleteOptions":{"preconditions":{"uid":"u"}}})"));
}

TEST_F(PlanExecutorTest, ARefusedEvictionHoldsNothingUp) {  // spec/02 §18.9 #8
  transport->answer(429, over_budget);
  transport->answer(200, written);
  EXPECT_EQ(execute({EvictPod{"p", "u"}, status("Healthy")}), "done");
  EXPECT_EQ(requests(), (Lines{evict, patch_status}));
}

TEST_F(PlanExecutorTest, AFailedEvictionFailsThePlan) {
  transport->answer(500, "trouble");
  EXPECT_EQ(execute({EvictPod{"p", "u"}, status("Healthy")}), "unavailable");
}

// --- what the role allows: deployments and pods are updated, never patched. spec/11 §11.1 ---

TEST_F(PlanExecutorTest, ADeploymentIsReadAndUpdated) {  // spec/02 §9.5
  const std::string deployment = "/apis/apps/v1/namespaces/shop/deployments/d";
  transport->answer(200, R"({"metadata":{"name":"d","resourceVersion":"4"},"spec":{"replicas":5,"paused":true}})");
  transport->answer(200, "{}");
  EXPECT_EQ(execute({ScaleWorkload{"d", 2, true}}), "done");
  EXPECT_EQ(requests(), (Lines{"GET " + deployment, "PUT " + deployment}));
  EXPECT_EQ(*parseJson(transport->requests().back().body),
            parse(R"({"metadata":{"name":"d","resourceVersion":"4"},"spec":{"replicas":2,"paused":true}})"));
  transport->answer(200, R"({"metadata":{"name":"d"},"spec":{"replicas":2}})");
  EXPECT_EQ(execute({ScaleWorkload{"d", 2, true}}), "done");
  EXPECT_EQ(requests().size(), 3U) << "it has that size";
}

TEST_F(PlanExecutorTest, ADeploymentsFailureCountsWhereItIsRequired) {
  transport->answer(404, refusal("NotFound"));
  EXPECT_EQ(execute({ScaleWorkload{"d", 0, true}, status("Healthy")}), "not_found");
  EXPECT_EQ(requests().size(), 1U);
  transport->answer(404, refusal("NotFound"));
  transport->answer(200, written);
  EXPECT_EQ(execute({ScaleWorkload{"d", 0, false}, status("Healthy")}), "done");
  EXPECT_EQ(requests().back(), patch_status);
}

TEST_F(PlanExecutorTest, PodsAreListedAndUpdated) {  // spec/02 §10.5
  const std::string list =
      R"({"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"p","resourceVersion":"5","labels":{"app":"web"}}}]})";
  transport->answer(200, list);
  transport->answer(409, refusal("Conflict"));
  transport->answer(200, list);
  transport->answer(200, "{}");
  const TimePoint began = loop.clock().now();
  EXPECT_EQ(execute({PatchPod{"p", parse(R"({"metadata":{"labels":{"role":"canary"}}})")}}), "done");
  const std::string pods = "/api/v1/namespaces/shop/pods";
  EXPECT_EQ(requests(), (Lines{"GET " + pods, "PUT " + pods + "/p", "GET " + pods, "PUT " + pods + "/p"}));
  EXPECT_TRUE(transport->requests().front().target.contains("fieldSelector=metadata.name%3Dp"));
  EXPECT_EQ(
      *parseJson(transport->requests().back().body),
      parse(
          R"({"metadata":{"name":"p","resourceVersion":"5","labels":{"app":"web","role":"canary"}},"apiVersion":"v1","kind":"Pod"})"));
  EXPECT_GE(loop.clock().now() - began, 100ms);
}

TEST_F(PlanExecutorTest, APodIsTriedThreeTimes) {
  for (int i = 0; i < 3; ++i) transport->answer(403, refusal("Forbidden"));
  EXPECT_EQ(execute({PatchPod{"p", parse(R"({"metadata":{"labels":{"role":"canary"}}})")}}), "forbidden");
  EXPECT_EQ(transport->unusedAnswers(), 0U);
  EXPECT_EQ(requests().size(), 3U);
  transport->answer(200, R"({"metadata":{"resourceVersion":"9"},"items":[]})");
  EXPECT_EQ(execute({PatchPod{"p", parse(R"({"metadata":{"labels":{"role":"canary"}}})")}}), "done") << "gone";
  transport->answer(
      200, R"({"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"p","labels":{"role":"canary"}}}]})");
  EXPECT_EQ(execute({PatchPod{"p", parse(R"({"metadata":{"labels":{"role":"canary"}}})")}}), "done");
  EXPECT_EQ(requests().size(), 5U) << "it wears it already";
}

// --- a name that is taken (spec/02 §4.6) ---

class NameTakenTest : public PlanExecutorTest {
 protected:
  rollout::CreateReplicaSet creation() {
    const rollout::Plan plan = rollout::plan(snapshot, loop.clock().now());
    return std::get<rollout::CreateReplicaSet>(plan.actions.front());
  }
  static std::string live(json::object body, std::string_view merged) {
    json::value value = std::move(body);
    ensureObject(value.get_object(), {"metadata"})["resourceVersion"] = "3";
    mergePatch(value, parse(merged));
    return json::serialize(value);
  }
  const std::string replica_sets = "/apis/apps/v1/namespaces/shop/replicasets";
};

TEST_F(NameTakenTest, ByOurOwnWhileTheCacheWasSlow) {
  const auto wanted = creation();
  transport->answer(409, refusal("AlreadyExists"));
  transport->answer(200, live(wanted.body, "{}"));
  transport->answer(200, written);
  EXPECT_EQ(execute({wanted, status("Progressing")}), "done");
  EXPECT_EQ(requests(), (Lines{"POST " + replica_sets, "GET " + replica_sets + "/" + wanted.name, patch_status}));
  EXPECT_NE(caches.replica_sets.find("shop", wanted.name), nullptr);
}

TEST_F(NameTakenTest, ByAnotherTemplate) {
  const auto wanted = creation();
  transport->answer(409, refusal("AlreadyExists"));
  transport->answer(200, live(wanted.body, R"({"spec":{"template":{"spec":{"hostNetwork":true}}}})"));
  transport->answer(200, written);
  EXPECT_EQ(execute({wanted, status("Progressing")}), "already_exists") << "planned anew, with another name";
  EXPECT_EQ(requests().back(), patch_status);
  EXPECT_EQ(*parseJson(transport->requests().back().body),
            parse(R"({"status":{"collisionCount":1,"canary":{},"blueGreen":{}}})"));
}

TEST_F(NameTakenTest, ByOurOwnThatLostItsLabel) {  // spec/02 §19 #27
  const auto wanted = creation();
  transport->answer(409, refusal("AlreadyExists"));
  transport->answer(200, live(wanted.body, R"({"metadata":{"labels":{"rollouts-pod-template-hash":null}}})"));
  transport->answer(200, live(wanted.body, R"({"metadata":{"resourceVersion":"4"}})"));
  EXPECT_EQ(execute({wanted}), "done");
  EXPECT_EQ(requests().back(), "PATCH " + replica_sets + "/" + wanted.name);
  EXPECT_EQ(*parseJson(transport->requests().back().body),
            parse(fmt::format(R"({{"metadata":{{"labels":{{"rollouts-pod-template-hash":"{}"}}}}}})",
                              snapshot.rollout->template_hash)));
  EXPECT_EQ(caches.replica_sets.find("shop", wanted.name)->hash(), snapshot.rollout->template_hash);
}

TEST_F(NameTakenTest, AnyOtherFailureIsToldInTheStatus) {
  const auto wanted = creation();
  transport->answer(403, refusal("Forbidden", "exceeded quota"));
  transport->answer(200, written);
  EXPECT_EQ(execute({wanted, status("Progressing")}), "forbidden");
  EXPECT_EQ(requests(), (Lines{"POST " + replica_sets, patch_status}));
  EXPECT_TRUE(transport->requests()[1].body.contains("ReplicaSetCreateError"));
}

// --- adoption (spec/02 §4.7) ---

TEST_F(PlanExecutorTest, BeforeAnAdoptionTheRolloutIsReadLive) {
  const rollout::ClaimReplicaSet adopt{"web-a", "rs-uid", true, parse(R"({"metadata":{"ownerReferences":[]}})")};
  transport->answer(200, R"({"metadata":{"name":"web","namespace":"shop","uid":"another"}})");
  EXPECT_EQ(execute({adopt}), "conflict");
  transport->answer(
      200, R"({"metadata":{"name":"web","namespace":"shop","uid":"ro","deletionTimestamp":"2024-05-01T12:00:00Z"}})");
  EXPECT_EQ(execute({adopt}), "conflict");
  transport->answer(200, R"({"metadata":{"name":"web","namespace":"shop","uid":"ro"}})");
  transport->answer(404, refusal("NotFound"));
  EXPECT_EQ(execute({adopt}), "done") << "gone: nothing to adopt";
  EXPECT_TRUE(transport->requests().back().body.contains(R"("uid":"rs-uid")"));
  // A release asks nobody; 404 and 422 are fine.
  rollout::ClaimReplicaSet release = adopt;
  release.adopt = false;
  transport->answer(422, refusal("Invalid"));
  EXPECT_EQ(execute({release}), "done");
}

// --- durations (spec/02 §5.10) ---

TEST_F(PlanExecutorTest, DurationsAreMeasuredOnceTheStatusIsWritten) {  // spec/02 §19 #30
  PatchStatus write;
  write.status.phase = "Progressing";
  write.ended = {{.rollout_started_at = loop.clock().now() - 60s,
                  .manual_pause_started_at = {},
                  .finished_at = loop.clock().now(),
                  .total_manual_pause_duration_seconds = 10,
                  .completion_status = "Superseded"}};
  const auto measured = [&] { return metrics.scrape().contains(R"(status="Superseded")"); };
  transport->answer(500, "trouble");
  EXPECT_EQ(execute({write}), "unavailable");
  EXPECT_FALSE(measured());
  transport->answer(200, written);
  EXPECT_EQ(execute({write}), "done");
  EXPECT_TRUE(measured());
}

}  // namespace
}  // namespace crossfade::controller
