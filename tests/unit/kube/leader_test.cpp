// spec/11 §2.
#include "kube/leader.hpp"

#include <gtest/gtest.h>

#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::kube {
namespace {

using namespace std::chrono_literals;

// The one Lease of a server, with optimistic locking.
class LeaseServer {
 public:
  explicit LeaseServer(test::ScriptedTransport& transport) {
    transport.otherwise([this](const net::Request& request) { return handle(request); });
  }
  Result<net::Response> handle(const net::Request& request) {
    if (down) return fail(ErrorCode::unavailable, "connection refused");
    net::Response response;
    if (request.method == "GET") {
      if (lease.empty()) return refuse(404, "NotFound");
      response.body = json::serialize(lease);
      return response;
    }
    const auto body = parseJson(request.body);
    EXPECT_TRUE(body && body->is_object());
    if (request.method == "POST" && !lease.empty()) return refuse(409, "AlreadyExists");
    if (request.method == "PUT" && lease.empty()) return refuse(404, "NotFound");
    if (request.method == "PUT" &&
        getString(body->get_object(), {"metadata", "resourceVersion"}) != std::to_string(version)) {
      return refuse(409, "Conflict");
    }
    write(body->get_object());
    response.body = json::serialize(lease);
    return response;
  }
  void write(json::object next) {
    lease = std::move(next);
    ensureObject(lease, {"metadata"})["resourceVersion"] = std::to_string(++version);
  }
  // As another process would write it.
  void writeAs(std::string_view holder, int lease_seconds = 15) {
    json::object next = lease;
    json::object& spec = ensureObject(next, {"spec"});
    spec["holderIdentity"] = holder;
    spec["leaseDurationSeconds"] = lease_seconds;
    spec["renewTime"] = std::to_string(version);
    write(std::move(next));
  }
  std::string holder() const { return std::string(getString(lease, {"spec", "holderIdentity"})); }

  json::object lease;
  int version = 0;
  bool down = false;

 private:
  static net::Response refuse(int code, std::string_view reason) {
    net::Response response;
    response.status = code;
    response.body = fmt::format(R"({{"kind":"Status","reason":"{}","message":"{}"}})", reason, reason);
    return response;
  }
};

class LeaderTest : public testing::Test {
 protected:
  struct Candidate {
    Candidate(LeaderTest& test, std::string identity)
        : elector(test.client, test.loop.executor(), test.random,
                  {.ns = "argo-rollouts", .name = "argo-rollouts-controller-lock", .identity = std::move(identity)}) {
      elector.onLost([this] { ++lost; });
      test.loop.spawn(enter(elector, state));
    }
    struct State {
      bool acquired = false;
    };
    // Outlives the candidate when that goes first.
    static Task<> enter(LeaderElector& elector, std::shared_ptr<State> state) {
      co_await elector.acquire();
      state->acquired = true;
    }
    bool acquired() const { return state->acquired; }
    LeaderElector elector;
    std::shared_ptr<State> state = std::make_shared<State>();
    int lost = 0;
  };
  ~LeaderTest() override { loop.kill(); }
  std::string spec(std::string_view field) const { return std::string(getString(server.lease, {"spec", field})); }

  test::VirtualLoop loop;
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  LeaseServer server{*transport};
  Client client{transport, loop.clock(), Config{}, "test"};
  Random random{1};
};

TEST_F(LeaderTest, MakesTheLeaseAndRenewsIt) {
  Candidate one(*this, "host_1");
  loop.run(100ms);
  EXPECT_TRUE(one.acquired());
  EXPECT_TRUE(one.elector.leading());
  EXPECT_EQ(getString(server.lease, {"metadata", "name"}), "argo-rollouts-controller-lock");
  EXPECT_EQ(getString(server.lease, {"metadata", "namespace"}), "argo-rollouts");
  EXPECT_EQ(spec("holderIdentity"), "host_1");
  EXPECT_EQ(getInt(server.lease, {"spec", "leaseDurationSeconds"}), 15);
  EXPECT_EQ(getInt(server.lease, {"spec", "leaseTransitions"}, -1), 0);
  EXPECT_EQ(spec("acquireTime"), "2024-01-01T00:00:00.000000Z");
  EXPECT_EQ(spec("renewTime"), "2024-01-01T00:00:00.000000Z");
  loop.run(10s);
  EXPECT_EQ(spec("acquireTime"), "2024-01-01T00:00:00.000000Z");
  EXPECT_EQ(spec("renewTime"), "2024-01-01T00:00:10.000000Z");
  // A renewal is one request: get, create, five updates.
  EXPECT_EQ(transport->requests().size(), 7U);
  EXPECT_EQ(transport->last(),
            "PUT "
            "/apis/coordination.k8s.io/v1/namespaces/argo-rollouts/leases/"
            "argo-rollouts-controller-lock?fieldManager=rollouts-controller");
}

TEST_F(LeaderTest, WaitsForTheOthersLeaseToBeOldByItsOwnClock) {
  server.writeAs("other");
  loop.run(1h);  // however old the record is: we see it for the first time
  Candidate one(*this, "host_1");
  loop.run(14s);
  EXPECT_FALSE(one.acquired());
  loop.run(6s);
  EXPECT_TRUE(one.acquired());
  EXPECT_EQ(server.holder(), "host_1");
  EXPECT_EQ(getInt(server.lease, {"spec", "leaseTransitions"}), 1);
}

TEST_F(LeaderTest, WaitsAsLongAsTheOtherRenews) {
  server.writeAs("other");
  Candidate one(*this, "host_1");
  for (int i = 0; i < 20; ++i) {
    loop.run(10s);
    EXPECT_FALSE(one.acquired());
    server.writeAs("other");
  }
  const auto asked = transport->requests().size();
  EXPECT_LE(asked, 101U);  // every 2 to 4.4 s
  EXPECT_GE(asked, 45U);
}

TEST_F(LeaderTest, TakesOverAtOnceWhatWasGivenUp) {
  server.writeAs("");
  Candidate one(*this, "host_1");
  loop.run(10ms);
  EXPECT_TRUE(one.acquired());
  EXPECT_EQ(getInt(server.lease, {"spec", "leaseTransitions"}), 1);
}

TEST_F(LeaderTest, OneOfTwoLeads) {
  Candidate one(*this, "host_1");
  Candidate two(*this, "host_2");
  loop.run(10min);
  EXPECT_NE(one.elector.leading(), two.elector.leading());
  EXPECT_EQ(one.lost + two.lost, 0);
}

TEST_F(LeaderTest, ReleaseLetsTheNextTakeOver) {
  auto one = std::make_unique<Candidate>(*this, "host_1");
  loop.run(1s);
  Candidate two(*this, "host_2");
  loop.run(3s);
  loop.spawn(one->elector.release());
  loop.settle();
  EXPECT_EQ(server.holder(), "");
  EXPECT_EQ(getInt(server.lease, {"spec", "leaseDurationSeconds"}), 1);
  EXPECT_FALSE(one->elector.leading());
  EXPECT_EQ(one->lost, 0);
  loop.run(5s);
  EXPECT_TRUE(two.elector.leading());
  loop.run(1min);
  EXPECT_EQ(server.holder(), "host_2");
}

TEST_F(LeaderTest, IsLostWhenItCannotRenewInTime) {
  Candidate one(*this, "host_1");
  loop.run(4s);
  server.down = true;
  loop.run(9900ms);
  EXPECT_EQ(one.lost, 0);
  loop.run(200ms);
  EXPECT_EQ(one.lost, 1);
  EXPECT_FALSE(one.elector.leading());
  server.down = false;
  loop.run(1h);  // lost for good: the process ends
  EXPECT_EQ(one.lost, 1);
  EXPECT_EQ(spec("renewTime"), "2024-01-01T00:00:04.000000Z");
}

TEST_F(LeaderTest, ASlowAnswerDoesNotDelayTheLoss) {
  Candidate one(*this, "host_1");
  loop.run(1s);
  transport->setLatency(25s);
  loop.run(9100ms);
  EXPECT_EQ(one.lost, 1);
}

TEST_F(LeaderTest, AShortOutageIsSurvived) {
  Candidate one(*this, "host_1");
  for (int i = 0; i < 10; ++i) {
    loop.run(10s);
    server.down = true;
    loop.run(5s);
    server.down = false;
  }
  EXPECT_EQ(one.lost, 0);
  EXPECT_TRUE(one.elector.leading());
}

TEST_F(LeaderTest, AConflictIsLookedInto) {
  Candidate one(*this, "host_1");
  loop.run(1s);
  // Someone annotates the lease: still ours.
  json::object annotated = server.lease;
  ensureObject(annotated, {"metadata", "annotations"})["a"] = "b";
  server.write(annotated);
  loop.run(5s);
  EXPECT_TRUE(one.elector.leading());
  EXPECT_EQ(getString(server.lease, {"metadata", "annotations", "a"}), "b");
  EXPECT_EQ(spec("renewTime"), "2024-01-01T00:00:06.000000Z");
  // Someone takes it.
  server.writeAs("thief");
  loop.run(2s);
  EXPECT_EQ(one.lost, 1);
  EXPECT_EQ(server.holder(), "thief");
}

TEST_F(LeaderTest, ADeletedLeaseIsMadeAgain) {
  Candidate one(*this, "host_1");
  loop.run(1s);
  server.lease.clear();
  loop.run(5s);
  EXPECT_TRUE(one.elector.leading());
  EXPECT_EQ(server.holder(), "host_1");
}

TEST_F(LeaderTest, ItsDestructionEndsTheRenewals) {
  auto one = std::make_unique<Candidate>(*this, "host_1");
  loop.run(1s);
  one.reset();
  const auto before = transport->requests().size();
  loop.run(1h);
  EXPECT_EQ(transport->requests().size(), before);
}

}  // namespace
}  // namespace crossfade::kube
