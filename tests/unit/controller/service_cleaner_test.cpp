// spec/02 §13.4, spec/02 §18.15 #7 (the Service controller).
#include "controller/service_cleaner.hpp"

#include <gtest/gtest.h>

#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::controller {
namespace {

using namespace std::chrono_literals;

class NoDialer : public net::Dialer {
 public:
  Result<std::shared_ptr<net::Transport>> dial(const net::Origin&, const net::TlsOptions&) override {
    return fail(ErrorCode::unavailable, "nobody is there");
  }
};

class ServiceCleanerTest : public testing::Test {
 protected:
  ~ServiceCleanerTest() override { loop.kill(); }

  static json::object parse(std::string_view text) { return parseJson(text)->get_object(); }
  // `manager`: "" for none.
  void service(std::string_view hash, std::string_view manager, std::string_view owners = "null") {
    json::object made =
        parse(fmt::format(R"({{"metadata":{{"name":"web","namespace":"shop","uid":"s","resourceVersion":"5",
        "ownerReferences":{},"annotations":{{"a":"b"}}}},"spec":{{"selector":{{"app":"web"}}}}}})",
                          owners));
    if (!hash.empty()) ensureObject(made, {"spec", "selector"})["rollouts-pod-template-hash"] = hash;
    if (!manager.empty())
      ensureObject(made, {"metadata", "annotations"})["argo-rollouts.argoproj.io/managed-by-rollouts"] = manager;
    caches.services.observe(made);
  }
  static std::string rollout(std::string_view strategy, std::string_view name = "web") {
    return fmt::format(R"({{"metadata":{{"name":"{}","namespace":"shop","uid":"r","resourceVersion":"9"}},
        "spec":{{"strategy":{}}}}})",
                       name, strategy);
  }
  void known(std::string_view strategy) { caches.rollouts.observe(parse(rollout(strategy))); }
  // Method and path of every request, once the Service was looked at.
  std::vector<std::string> look(Duration stretch = 1ms) {
    cleaner.queue().start();
    cleaner.add("shop", "web");
    loop.run(stretch);
    std::vector<std::string> lines;
    for (const net::Request& request : transport->requests()) lines.push_back(request.method + " " + request.target);
    return lines;
  }
  std::string body() const { return transport->requests().back().body; }

  test::VirtualLoop loop;
  Random random{1};
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client client{transport, loop.clock(), kube::Config(), "test"};
  NoDialer dialer;
  World world{loop.executor(), loop.clock(), random, client, dialer};
  Settings settings;
  Caches caches{world, settings};
  ServiceCleaner cleaner{world, settings, caches};
};

using Lines = std::vector<std::string>;
const std::string get_rollout = "GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web";
const std::string list_rollouts = "GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts?limit=500";
const std::string patch_service = "PATCH /api/v1/namespaces/shop/services/web?fieldManager=rollouts-controller";

TEST_F(ServiceCleanerTest, WithoutAHashThereIsNothingToDo) {
  service("", "web");
  EXPECT_EQ(look(), Lines{});
}

TEST_F(ServiceCleanerTest, WhoIsKnownToNameItNeedNotBeAsked) {
  service("h", "web");
  for (const std::string_view strategy :
       {R"({"blueGreen":{"activeService":"web"}})", R"({"blueGreen":{"activeService":"x","previewService":"web"}})",
        R"({"canary":{"canaryService":"web"}})", R"({"canary":{"stableService":"web"}})",
        R"({"canary":{"pingPong":{"pingService":"web","pongService":"x"}}})",
        R"({"canary":{"pingPong":{"pingService":"x","pongService":"web"}}})"}) {
    caches.rollouts.remove(parse(rollout("{}")));
    json::object seen = parse(rollout(strategy));
    seen["metadata"].as_object()["uid"] = std::string(strategy);
    caches.rollouts.observe(seen);
    EXPECT_EQ(look(), Lines{}) << strategy;
  }
}

TEST_F(ServiceCleanerTest, ARolloutOfAnotherControllerKeepsItsService) {
  service("h", "web");
  transport->answer(200, rollout(R"({"canary":{"stableService":"web"}})"));
  EXPECT_EQ(look(), Lines{get_rollout});
}

TEST_F(ServiceCleanerTest, WhatItsRolloutNamesNoLongerIsCleaned) {
  service("h", "web");
  known(R"({"canary":{"stableService":"another"}})");
  transport->answer(200, rollout(R"({"canary":{"stableService":"another"}})"));
  transport->answer(
      200,
      R"({"metadata":{"name":"web","namespace":"shop","uid":"s","resourceVersion":"6"},"spec":{"selector":{"app":"web"}}})");
  EXPECT_EQ(look(), (Lines{get_rollout, patch_service}));
  EXPECT_EQ(
      *parseJson(body()),
      parse(R"({"metadata":{"resourceVersion":"5","annotations":{"argo-rollouts.argoproj.io/managed-by-rollouts":null}},
                      "spec":{"selector":{"rollouts-pod-template-hash":null}}})"));
  EXPECT_EQ(look(), (Lines{get_rollout, patch_service})) << "once";
}

TEST_F(ServiceCleanerTest, TheServiceOfADeletedRolloutIsCleaned) {
  service("h", "web");
  transport->answer(404, R"({"kind":"Status","reason":"NotFound","message":"not found"})");
  transport->answer(404, R"({"kind":"Status","reason":"NotFound","message":"the Service is gone too"})");
  EXPECT_EQ(look(), (Lines{get_rollout, patch_service})) << "and that is no failure";
}

// A wrong answer here would cut production traffic.
TEST_F(ServiceCleanerTest, OnlyNotFoundCountsAsGone) {  // spec/02 §19 #26, spec/01 §11 #29
  service("h", "web");
  transport->answer(500, "trouble");
  transport->answer(403, R"({"kind":"Status","reason":"Forbidden","message":"no"})");
  transport->fail(ErrorCode::timeout, "no answer");
  transport->answer(200, rollout(R"({"canary":{"stableService":"web"}})"));
  EXPECT_EQ(look(1s), (Lines{get_rollout, get_rollout, get_rollout, get_rollout})) << "asked again, with back-off";
  EXPECT_EQ(transport->unusedAnswers(), 0U);
}

TEST_F(ServiceCleanerTest, AConflictIsLookedAtAgain) {
  service("h", "web");
  const std::string gone = R"({"kind":"Status","reason":"NotFound","message":"not found"})";
  transport->answer(404, gone);
  transport->answer(409, R"({"kind":"Status","reason":"Conflict","message":"modified"})");
  transport->answer(200, rollout(R"({"canary":{"stableService":"web"}})"));
  EXPECT_EQ(look(1s), (Lines{get_rollout, patch_service, get_rollout})) << "somebody made the Rollout anew meanwhile";
}

TEST_F(ServiceCleanerTest, AHashThatNobodyManages) {
  service("h", "");
  known(R"({"canary":{"canaryService":"web"}})");
  EXPECT_EQ(look(), Lines{}) << "named by a known Rollout";
  caches.rollouts.remove(parse(R"({"metadata":{"name":"web","namespace":"shop","uid":"r","resourceVersion":"10"}})"));
  transport->answer(200, fmt::format(R"({{"metadata":{{"resourceVersion":"1"}},"items":[{}]}})",
                                     rollout(R"({"canary":{"canaryService":"web"}})", "another")));
  EXPECT_EQ(look(), Lines{list_rollouts}) << "named by a Rollout of another controller";
  transport->answer(200, R"({"metadata":{"resourceVersion":"1"},"items":[]})");
  transport->answer(
      200,
      R"({"metadata":{"name":"web","namespace":"shop","uid":"s","resourceVersion":"6"},"spec":{"selector":{"app":"web"}}})");
  EXPECT_EQ(look(), (Lines{list_rollouts, list_rollouts, patch_service}));
  EXPECT_EQ(*parseJson(body()),
            parse(R"({"metadata":{"resourceVersion":"5"},"spec":{"selector":{"rollouts-pod-template-hash":null}}})"));
}

TEST_F(ServiceCleanerTest, AnExperimentsServiceIsNotOurs) {
  service("h", "",
          R"([{"apiVersion":"argoproj.io/v1alpha1","kind":"Experiment","name":"e","uid":"e","controller":true}])");
  EXPECT_EQ(look(), Lines{});
}

}  // namespace
}  // namespace crossfade::controller
