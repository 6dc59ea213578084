// Commands that change something: their requests and their words. spec/10 §3.6-§3.9, §7.
#include <gtest/gtest.h>

#include "cli_fixture.hpp"

namespace crossfade::cli {
namespace {

using Requests = std::vector<std::string>;

std::string rollout(std::string_view spec, std::string_view status = "{}") {
  return fmt::format(R"({{"metadata":{{"name":"x","namespace":"web","uid":"u"}},"spec":{},"status":{}}})", spec,
                     status);
}
const std::string three_steps = R"({"strategy":{"canary":{"steps":[{"setWeight":1},{"pause":{}},{"setWeight":2}]}}})";
const std::string paused_three_steps =
    R"({"paused":true,"strategy":{"canary":{"steps":[{"setWeight":1},{"pause":{}},{"setWeight":2}]}}})";

// Case 1.
TEST_F(CliTest, PromoteSkipsTheStep) {
  transport->answer(200, rollout(three_steps, R"({"currentStepIndex":0})"));
  transport->answer(200, "{}");
  const Outcome done = run("promote x");
  EXPECT_EQ(done.out, "rollout 'x' promoted\n");
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(requests(),
            (Requests{"GET /rollouts/x",
                      R"(PATCH /rollouts/x/status {"status":{"pauseConditions":null,"currentStepIndex":1}})"}));
  EXPECT_EQ(transport->requests().back().headers.get("Content-Type"), "application/merge-patch+json");
}

// Case 5.
TEST_F(CliTest, PromoteWithoutSteps) {
  transport->answer(200, rollout(R"({"strategy":{"canary":{}}})"));
  EXPECT_EQ(run("promote x").out, "rollout 'x' promoted\n");
  EXPECT_EQ(requests(), Requests{"GET /rollouts/x"});
}

// Cases 6 to 8.
TEST_F(CliTest, PromoteRefusesToSkip) {
  transport->answer(200, rollout(R"({"strategy":{"canary":{}}})"));
  const Outcome without_steps = run("promote x -c");
  EXPECT_EQ(without_steps.err,
            "Flag --skip-current-step has been deprecated, use without the flag instead ex: promote ROLLOUT_NAME\n"
            "Error: Cannot skip steps of a rollout without steps\n");
  EXPECT_EQ(without_steps.exit_code, 1);
  transport->answer(200, rollout(R"({"strategy":{"blueGreen":{}}})"));
  EXPECT_EQ(run("promote x -a").err,
            "Flag --skip-all-steps has been deprecated, use --full instead\n"
            "Error: Cannot skip steps of a bluegreen rollout. Run without a flags\n");
  requests();
  EXPECT_TRUE(run("promote x -ca")
                  .err.ends_with("Error: Cannot use skip-current-step and skip-all-steps flags at the same time\n"));
  EXPECT_EQ(requests(), Requests{});
}

// Case 12.
TEST_F(CliTest, PromoteFully) {
  transport->answer(200, rollout(paused_three_steps, R"({"currentPodHash":"b","stableRS":"a"})"));
  transport->answer(200, "{}");
  transport->answer(200, "{}");
  EXPECT_EQ(run("promote --full x").out, "rollout 'x' fully promoted\n");
  EXPECT_EQ(requests(), (Requests{"GET /rollouts/x", R"(PATCH /rollouts/x/status {"status":{"promoteFull":true}})",
                                  R"(PATCH /rollouts/x {"spec":{"paused":false}})"}));
}

// Case 13.
TEST_F(CliTest, PromoteWithoutStatusSubresource) {
  transport->answer(200, rollout(paused_three_steps, R"({"currentStepIndex":0})"));
  transport->answer(404, "404 page not found");
  transport->answer(200, "{}");
  EXPECT_EQ(run("promote x").exit_code, 0);
  EXPECT_EQ(
      requests(),
      (Requests{
          "GET /rollouts/x", R"(PATCH /rollouts/x/status {"status":{"pauseConditions":null,"currentStepIndex":1}})",
          R"(PATCH /rollouts/x {"spec":{"paused":false},"status":{"pauseConditions":null,"currentStepIndex":1}})"}));
}

TEST_F(CliTest, AMissingRolloutIsNamedAsTheServerDoes) {
  const std::string missing = statusBody(404, "NotFound", "rollouts.argoproj.io \"x\" not found");
  transport->otherwise([&](const net::Request&) {
    net::Response response;
    response.status = 404;
    response.body = missing;
    return Result<net::Response>(std::move(response));
  });
  const std::string plural = "Error: rollouts.argoproj.io \"x\" not found\n";
  const std::string singular = "Error: rollout.argoproj.io \"x\" not found\n";
  for (const char* command :
       {"promote x", "pause x", "abort x", "retry rollout x", "restart x", "undo x", "set image x a=b"}) {
    const Outcome done = run(command);
    EXPECT_EQ(done.err, plural) << command;
    EXPECT_EQ(done.out, "") << command;
    EXPECT_EQ(done.exit_code, 1) << command;
  }
  for (const char* command : {"get rollout x", "get ro x -w", "status x"})
    EXPECT_EQ(run(command).err, singular) << command;
}

TEST_F(CliTest, SmallPatches) {
  const struct {
    const char *command, *request, *line;
  } cases[] = {
      {"pause x", R"(PATCH /rollouts/x {"spec":{"paused":true}})", "rollout 'x' paused\n"},
      {"abort x", R"(PATCH /rollouts/x/status {"status":{"abort":true}})", "rollout 'x' aborted\n"},
      {"retry rollout x", R"(PATCH /rollouts/x/status {"status":{"abort":false}})", "rollout 'x' retried\n"},
      {"retry ro x", R"(PATCH /rollouts/x/status {"status":{"abort":false}})", "rollout 'x' retried\n"},
      {"retry exp x", R"(PATCH /experiments/x {"status":null})", "experiment 'x' retried\n"},
      {"terminate ar x", R"(PATCH /analysisruns/x {"spec":{"terminate":true}})", "analysisRun 'x' terminated\n"},
      {"terminate experiment x", R"(PATCH /experiments/x {"spec":{"terminate":true}})", "experiment 'x' terminated\n"},
      // Case 41; the clock stands at 2024-01-01T00:00:00Z.
      {"restart x --in 10m", R"(PATCH /rollouts/x {"spec":{"restartAt":"2024-01-01T00:10:00Z"}})",
       "rollout 'x' restarts in 10m\n"},
      {"restart x", R"(PATCH /rollouts/x {"spec":{"restartAt":"2024-01-01T00:00:00Z"}})",
       "rollout 'x' restarts in 0s\n"},
  };
  for (const auto& [command, request, line] : cases) {
    transport->answer(200, "{}");
    EXPECT_EQ(run(command).out, line) << command;
    EXPECT_EQ(requests(), Requests{request}) << command;
  }
}

TEST_F(CliTest, SeveralNamesUntilTheFirstError) {
  transport->answer(200, "{}");
  transport->answer(403, statusBody(403, "Forbidden", "no"));
  const Outcome done = run("pause a b c");
  EXPECT_EQ(done.out, "rollout 'a' paused\n");
  EXPECT_EQ(done.err, "Error: no\n");
  EXPECT_EQ(requests().size(), 2u);
}

std::string replicaSet(int revision, std::string_view image) {
  return fmt::format(R"({{"metadata":{{"name":"x-{0}","annotations":{{"rollout.argoproj.io/revision":"{0}"}},)"
                     R"("ownerReferences":[{{"uid":"u","controller":true}}]}},"spec":{{"template":{{"metadata":)"
                     R"({{"labels":{{"app":"x","rollouts-pod-template-hash":"h{0}"}}}},"spec":{{"containers":)"
                     R"([{{"name":"c","image":"{1}"}}]}}}}}}}})",
                     revision, image);
}

class UndoTest : public CliTest {
 protected:
  void answerHistory() {
    transport->answer(200, rollout(R"({"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":)"
                                   R"({"app":"x"}},"spec":{"containers":[{"name":"c","image":"v31"}]}}})"));
    transport->answer(200, fmt::format(R"({{"metadata":{{}},"items":[{},{},{}]}})", replicaSet(29, "v29"),
                                       replicaSet(30, "v30"), replicaSet(31, "v31")));
  }
};

// Cases 37 to 39.
TEST_F(UndoTest, ToTheRevisionBefore) {
  answerHistory();
  transport->answer(200, "{}");
  EXPECT_EQ(run("undo x").out, "rollout 'x' undo\n");
  EXPECT_EQ(requests().back(),
            R"(PATCH /rollouts/x [{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"x"}},)"
            R"("spec":{"containers":[{"name":"c","image":"v30"}]}}}])");
  answerHistory();
  EXPECT_EQ(run("undo x --to-revision=31").out, "skipped rollback (current template already matches revision 31)");
  answerHistory();
  EXPECT_EQ(run("undo x --to-revision 1").err, "Error: unable to find specified revision 1 in history\n");
}

TEST_F(CliTest, SetImage) {
  const std::string with_container = rollout(R"({"template":{"spec":{"containers":[{"name":"c","image":"v1"}]}}})");
  transport->answer(200, with_container);
  transport->answer(200, with_container);
  transport->answer(409, statusBody(409, "Conflict", "changed"));
  transport->answer(200, with_container);
  transport->answer(200, "{}");
  EXPECT_EQ(run("set image x c=registry:5000/v2").out, "rollout \"x\" image updated\n");
  EXPECT_EQ(requests().back(),
            R"(PATCH /rollouts/x [{"op":"test","path":"/spec/template/spec/containers/0/name","value":"c"},)"
            R"({"op":"add","path":"/spec/template/spec/containers/0/image","value":"registry:5000/v2"}])");
  transport->answer(200, with_container);
  transport->answer(200, with_container);
  EXPECT_EQ(run("set image x d=v2").err, "Error: unable to find container named \"d\"\n");
  transport->answer(200, rollout(R"({"workloadRef":{"name":5,"kind":"Deployment"}})"));
  EXPECT_EQ(run("set image x d=v2").err, "Error: spec.workloadRef.name is not a string: 5\n");
}

}  // namespace
}  // namespace crossfade::cli
