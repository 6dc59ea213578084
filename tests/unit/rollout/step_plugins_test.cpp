// Steps that a plugin does. spec/04 §26.
#include "support/canary_case.hpp"

namespace crossfade::test {
namespace {

constexpr std::string_view plugin_steps =
    R"("steps":[{"plugin":{"name":"a/b","config":{"k":"v"}}},{"pause":{}},{"plugin":{"name":"c/d"}}])";
constexpr std::string_view running =
    R"({"index":0,"name":"a/b","operation":"Run","phase":"Running","startedAt":"2024-05-01T11:50:00Z",
        "updatedAt":"2024-05-01T11:59:00Z","backoff":"30s","executions":1,"status":"X"})";
const std::string deadline_exceeded = R"({"phase":"Degraded","conditions":[{"type":"Progressing","status":"False",
    "reason":"ProgressDeadlineExceeded","message":"","lastUpdateTime":"2024-05-01T11:59:30Z",
    "lastTransitionTime":"2024-05-01T11:59:30Z"}]})";

std::string records(std::initializer_list<std::string_view> all) {
  std::string text;
  for (const std::string_view one : all) text += (text.empty() ? "" : ",") + std::string(one);
  return R"({"canary":{"stepPluginStatuses":[)" + text + "]}}";
}

// `status` is merged over that of an update whose step `index` is in progress.
Snapshot at(std::int64_t index, const std::string& status, const std::string& more = "{}",
            const std::string& spec = "{}", std::int64_t size = 0) {
  CanaryCase one{.name = "plugin",
                 .canary = std::string(plugin_steps),
                 .replicas = 10,
                 .index = index,
                 .sets = {{"A", 10 - size, 10 - size}, {"B", size, size}},
                 .spec = spec};
  json::value merged = object(status);
  mergePatch(merged, object(more));
  one.status = json::serialize(merged);
  return snapshotOf(one, false);
}

json::array recordsAfter(const Snapshot& snapshot, const Plan& plan) {
  const json::value value = statusAfter(snapshot, plan).canary.step_plugin_statuses.value();
  return value.is_array() ? value.get_array() : json::array();
}

std::vector<std::string> callsOf(const Plan& plan) {
  std::vector<std::string> calls;
  for (const StepPluginCall& call : plan.plugin_calls) {
    constexpr std::string_view verbs[] = {"run", "terminate", "abort"};
    calls.push_back(fmt::format("{} {} {}", verbs[static_cast<std::size_t>(call.operation)], call.index, call.plugin));
  }
  return calls;
}

using Texts = std::vector<std::string>;

std::vector<std::string> pluginEvents(const Plan& plan) {
  Texts events = eventsOf(plan);
  std::erase_if(events, [](const std::string& text) {
    return !text.starts_with("StepPluginTransition") && !text.starts_with("ReconciliationError");
  });
  return events;
}

TEST(StepPlugins, WhatARunAnswers) {  // spec/04 §26.3 J1-J5
  struct Row {
    std::string id;
    std::string before;  // records
    StepPluginReply reply;
    std::string after;  // the one record
    std::int64_t index;
    Texts events;
  };
  const std::string fresh = R"("index":0,"name":"a/b","operation":"Run","startedAt":"2024-05-01T12:00:00Z",
      "updatedAt":"2024-05-01T12:00:00Z","executions":1)";
  const std::vector<Row> rows = {
      {"spec/04 §26.3 J1",
       "",
       {.phase = "Successful", .message = "ok", .requeue_after = hours(1), .state = json::object{{"n", 1}}},
       "{" + fresh + R"(,"phase":"Successful","message":"ok","finishedAt":"2024-05-01T12:00:00Z","status":{"n":1}})",
       1,
       {}},
      {"spec/04 §26.3 J2",
       "",
       {.phase = "Running", .requeue_after = hours(1)},
       "{" + fresh + R"(,"phase":"Running","backoff":"1h0m0s"})",
       0,
       {"StepPluginTransition: Step plugin a/b (step 1) transitioned to Running"}},
      {"spec/04 §26.3 J3",
       "",
       {.phase = "Running"},
       "{" + fresh + R"(,"phase":"Running","backoff":"30s"})",
       0,
       {"StepPluginTransition: Step plugin a/b (step 1) transitioned to Running"}},
      {"spec/04 §26.3 J4",
       "",
       {.phase = "Running", .requeue_after = seconds(1)},
       "{" + fresh + R"(,"phase":"Running","backoff":"30s"})",
       0,
       {"StepPluginTransition: Step plugin a/b (step 1) transitioned to Running"}},
      {"spec/04 §26.3 J5",
       std::string(running),
       {.error = "E", .phase = "Successful", .message = "lost", .state = json::value("lost")},
       R"({"index":0,"name":"a/b","operation":"Run","phase":"Error","startedAt":"2024-05-01T11:50:00Z",
           "updatedAt":"2024-05-01T12:00:00Z","backoff":"30s","executions":2,"status":"X","message":"E"})",
       0,
       {"StepPluginTransition: Step plugin a/b (step 1) transitioned to Error"}},
      {"an empty phase changes nothing",
       std::string(running),
       {.message = "going on", .state = json::value("Y")},
       R"({"index":0,"name":"a/b","operation":"Run","phase":"Running","startedAt":"2024-05-01T11:50:00Z",
           "updatedAt":"2024-05-01T12:00:00Z","backoff":"30s","executions":2,"status":"Y","message":"going on"})",
       0,
       {}},
  };
  for (const Row& row : rows) {
    Snapshot snapshot = at(0, row.before.empty() ? "{}" : records({row.before}));
    const Plan asking = plan(snapshot, now);
    EXPECT_EQ(callsOf(asking), Texts{"run 0 a/b"}) << row.id;
    EXPECT_EQ(asking.plugin_calls.at(0).config, json::value(object(R"({"k":"v"})"))) << row.id;
    EXPECT_EQ(asking.plugin_calls.at(0).state, row.before.empty() ? json::value() : json::value("X")) << row.id;
    EXPECT_EQ(recordsAfter(snapshot, asking), recordsAfter(snapshot, {})) << "nothing is decided before the answer";

    snapshot.plugin_replies = {row.reply};
    const Plan answered = plan(snapshot, now);
    const json::array left = recordsAfter(snapshot, answered);
    ASSERT_EQ(left.size(), 1U) << row.id;
    EXPECT_TRUE(sameJson(left[0], *parseJson(row.after))) << row.id << ": " << left[0];
    EXPECT_EQ(statusAfter(snapshot, answered).current_step_index, row.index) << row.id;
    EXPECT_EQ(pluginEvents(answered), row.events) << row.id;
    EXPECT_EQ(callsOf(answered), Texts{}) << row.id;
    if (row.index > 0) continue;
    const auto& record = left[0].get_object();
    const TimePoint due =
        *parseTime(getString(record, {"updatedAt"})) + *parseGoDuration(getString(record, {"backoff"})) + seconds(5);
    ASSERT_EQ(answered.waits.size(), 1U) << row.id;
    EXPECT_EQ(answered.waits[0].until, due) << row.id;
    EXPECT_LE(answered.look_again, due) << row.id;
  }
}

TEST(StepPlugins, IsNotAskedTooOften) {
  struct Row {
    std::string id, record;
    Texts calls;
    std::int64_t index;
  };
  const auto record = [](std::string_view phase, std::string_view updated, std::string_view more = "") {
    return fmt::format(R"({{"index":0,"name":"a/b","operation":"Run","phase":"{}","updatedAt":"{}","executions":1{}}})",
                       phase, updated, more);
  };
  const std::string wait30 = R"(,"backoff":"30s")";
  const std::vector<Row> rows = {
      {"spec/04 §26.3 J6", record("Running", "2024-05-01T11:59:55Z", wait30), {}, 0},
      {"an error waits as well", record("Error", "2024-05-01T11:59:55Z", wait30), {}, 0},
      {"and is asked again", record("Error", "2024-05-01T11:59:30Z", wait30), {"run 0 a/b"}, 0},
      {"spec/04 §26.3 J7", record("Successful", "2024-05-01T11:59:00Z"), {}, 1},
      {"a disabled one is done", R"({"index":0,"name":"a/b","operation":"Run","disabled":true})", {}, 1},
  };
  for (const Row& row : rows) {
    const Snapshot snapshot = at(0, records({row.record}));
    const Plan made = plan(snapshot, now);
    EXPECT_EQ(callsOf(made), row.calls) << row.id;
    EXPECT_EQ(statusAfter(snapshot, made).current_step_index, row.index) << row.id;
  }
  const Snapshot odd = at(0, records({record("Running", "2024-05-01T11:59:00Z", R"(,"backoff":"soon")")}));
  EXPECT_EQ(pluginEvents(plan(odd, now)),
            Texts{"ReconciliationError: Reconciliation failed with error: failed to parse backoff duration: time: "
                  "invalid duration \"soon\""});
}

TEST(StepPlugins, AFailureAbortsTheUpdate) {  // spec/04 §21 #4
  Snapshot snapshot = at(0, records({running}));
  snapshot.plugin_replies = {{.phase = "Failed", .message = "no luck"}};
  const Plan made = plan(snapshot, now);
  const api::RolloutStatus after = statusAfter(snapshot, made);
  EXPECT_TRUE(after.abort);
  EXPECT_EQ(after.message, "RolloutAborted: Rollout aborted update to revision 2: Step Plugin 1 (a/b) failed: no luck");
  EXPECT_EQ(pluginEvents(made), Texts{"StepPluginTransition: Step plugin a/b (step 1) transitioned to Failed"});
}

TEST(StepPlugins, IsEndedWhenTheUpdateIsPromotedPastIt) {
  const std::string full = R"({"promoteFull":true})";
  Snapshot snapshot = at(0, records({running}), full, "{}", 10);
  EXPECT_EQ(callsOf(plan(snapshot, now)), Texts{"terminate 0 a/b"});

  snapshot.plugin_replies = {{.operation = PluginOperation::terminate, .phase = "Running", .message = "m"}};
  const Plan made = plan(snapshot, now);
  const json::array left = recordsAfter(snapshot, made);  // spec/04 §26.3 J8
  ASSERT_EQ(left.size(), 2U);
  EXPECT_TRUE(sameJson(left[0], *parseJson(running)));
  EXPECT_TRUE(sameJson(
      left[1],
      *parseJson(R"({"index":0,"name":"a/b","operation":"Terminate","phase":"Failed","message":"m","executions":1,
      "startedAt":"2024-05-01T12:00:00Z","updatedAt":"2024-05-01T12:00:00Z","finishedAt":"2024-05-01T12:00:00Z"})")))
      << left[1];
  EXPECT_EQ(pluginEvents(made), Texts{"StepPluginTransition: Step plugin a/b (step 1) terminated (Failed)"});

  // Never a second time, and not at all where a later one was ended well.
  const std::string ended = R"({"index":0,"name":"a/b","operation":"Terminate","phase":"Error"})";
  snapshot = at(0, records({running, ended}), full, "{}", 10);
  EXPECT_EQ(callsOf(plan(snapshot, now)), Texts{});
  const std::string later = R"({"index":2,"name":"c/d","operation":"Terminate","phase":"Successful"})";
  snapshot = at(0, records({running, later}), full, "{}", 10);
  EXPECT_EQ(callsOf(plan(snapshot, now)), Texts{});
}

TEST(StepPlugins, WhatWasDoneIsUndoneByAnAbort) {  // spec/04 §21 #14
  const auto run = [](int index, std::string_view phase) {
    return fmt::format(R"({{"index":{},"name":"p{}","operation":"Run","phase":"{}"}})", index, index, phase);
  };
  // spec/04 §26.3 J9
  EXPECT_EQ(callsOf(plan(at(0, records({run(0, "Failed"), run(2, "Error")}), aborted), now)), Texts{});
  // spec/04 §26.3 J10
  Snapshot snapshot = at(0, records({run(0, "Successful"), run(2, "Running")}), aborted);
  EXPECT_EQ(callsOf(plan(snapshot, now)), (Texts{"abort 2 p2", "abort 0 p0"}));
  snapshot.plugin_replies = {{.index = 2, .operation = PluginOperation::abort},
                             {.index = 0, .operation = PluginOperation::abort, .error = "E"}};
  const Plan made = plan(snapshot, now);
  const json::array left = recordsAfter(snapshot, made);
  ASSERT_EQ(left.size(), 4U);
  const auto brief = [&](std::size_t i) {
    const json::object& record = left[i].get_object();
    return fmt::format("{} {} {} {}", getInt(record, {"index"}), getString(record, {"operation"}),
                       getString(record, {"phase"}), getString(record, {"message"}));
  };
  EXPECT_EQ(brief(2), "2 Abort Successful ");
  EXPECT_EQ(brief(3), "0 Abort Error E");
  EXPECT_EQ(pluginEvents(made), (Texts{"StepPluginTransition: Step plugin p2 (step 3) aborted (Successful)",
                                       "StepPluginTransition: Step plugin p0 (step 1) aborted (Error)"}));
  EXPECT_EQ(callsOf(made), Texts{});
}

TEST(StepPlugins, WhenItIsAsked) {  // spec/04 §26.2 #1-#3
  const std::string of_third = R"({"index":2,"name":"c/d","operation":"Run","phase":"Running"})";
  const std::vector<std::tuple<std::string, std::int64_t, std::string, std::string, Texts>> rows = {
      {"spec/04 §26.2 #1", 0, records({of_third}), aborted, {"abort 2 c/d"}},
      {"spec/04 §26.2 #3", 2, "{}", "{}", {"run 2 c/d"}},
      {"not at another step",
       1,
       "{}",
       R"({"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep",
          "startTime":"2024-05-01T11:00:00Z"}]})",
       {}},
      {"spec/04 §32 #19: past the deadline, too", 0, "{}", deadline_exceeded, {"run 0 a/b"}},
      {"spec/04 §32 #19: as often as before", 2, "{}", deadline_exceeded, {"run 2 c/d"}},
  };
  for (const auto& [id, index, status, more, calls] : rows)
    EXPECT_EQ(callsOf(plan(at(index, status, more), now)), calls) << id;
  // spec/04 §32 #20: a pause as the first step doesn't hide what has to be undone.
  CanaryCase paused{
      "paused", R"("steps":[{"pause":{}},{"plugin":{"name":"a/b"}}])", 10, 0, {{"A", 10, 10}, {"B", 0, 0}}};
  paused.status = R"({"abort":true,"abortedAt":"2024-05-01T11:59:30Z","canary":{"stepPluginStatuses":[
      {"index":1,"name":"a/b","operation":"Run","phase":"Successful"}]}})";
  EXPECT_EQ(callsOf(plan(snapshotOf(paused, false), now)), Texts{"abort 1 a/b"});
  const Snapshot promoted = at(3, records({of_third}), R"({"stableRS":"B"})", "{}", 10);
  EXPECT_EQ(callsOf(plan(promoted, now)), Texts{"terminate 2 c/d"}) << "spec/04 §26.2 #2";
  const Snapshot by_hand = at(2, "{}", R"({"phase":"Paused"})", R"({"paused":true})");
  EXPECT_EQ(callsOf(plan(by_hand, now)), Texts{});
}

TEST(StepPlugins, ErrorsAreTriedAgain) {  // spec/04 §26.4
  const std::vector<std::pair<StepPluginReply, std::string>> rows = {
      {{.unreachable = "no such plugin"}, "could not create step plugin at index 0 : no such plugin"},
      {{.phase = "Odd"}, "failed to run plugin: could not validate rpc phase: phase 'Odd' is not valid"},
  };
  for (const auto& [reply, text] : rows) {
    Snapshot snapshot = at(0, "{}");
    snapshot.plugin_replies = {reply};
    const Plan made = plan(snapshot, now);
    EXPECT_EQ(pluginEvents(made), Texts{"ReconciliationError: Reconciliation failed with error: " + text});
    EXPECT_EQ(statusAfter(snapshot, made).current_step_index, 0);
    EXPECT_EQ(recordsAfter(snapshot, made), json::array());
    EXPECT_EQ(made.look_again, now + seconds(30));
    EXPECT_EQ(callsOf(made), Texts{}) << "not at once";
    ASSERT_EQ(made.waits.size(), 1U);
    EXPECT_EQ(made.waits[0].kind, WaitKind::plugin);
    EXPECT_TRUE(made.waits[0].sentence.contains(text)) << made.waits[0].sentence;
  }
}

TEST(StepPlugins, ADisabledOneIsDoneAtOnce) {  // spec/04 §26.5
  Snapshot snapshot = at(0, "{}");
  snapshot.plugin_replies = {{.disabled = true}};
  const Plan made = plan(snapshot, now);
  EXPECT_EQ(statusAfter(snapshot, made).current_step_index, 1);
  EXPECT_TRUE(sameJson(recordsAfter(snapshot, made).at(0),
                       *parseJson(R"({"index":0,"name":"a/b","operation":"Run","disabled":true})")));
  EXPECT_EQ(pluginEvents(made), Texts{});
}

TEST(StepPlugins, Completion) {  // spec/04 §26.5
  const std::string abort = R"({"index":0,"name":"a/b","operation":"Abort","phase":"Failed"})";
  const std::string error = R"({"index":0,"name":"a/b","operation":"Run","phase":"Error"})";
  const std::vector<std::tuple<std::string, std::string, std::int64_t>> rows = {
      {"none", "{}", 0},
      {"running", records({running}), 0},
      {"error", records({error}), 0},
      {"running, and aborted", records({running, abort}), 1},
  };
  for (const auto& [id, status, index] : rows) {
    const Snapshot snapshot = at(0, status);
    EXPECT_EQ(statusAfter(snapshot, plan(snapshot, now)).current_step_index, index) << id;
  }
  // It is the answer of this pass that counts: nothing is asked while the update is paused by hand.
  const Snapshot paused = at(0, records({R"({"index":0,"name":"a/b","operation":"Run","phase":"Successful"})"}),
                             R"({"phase":"Paused"})", R"({"paused":true})");
  EXPECT_EQ(statusAfter(paused, plan(paused, now)).current_step_index, 0);
}

TEST(StepPlugins, ARetryStartsAnew) {  // spec/04 §26.6
  const std::string retried = R"({"abortedAt":"2024-05-01T11:59:30Z"})";
  const auto run = [](int index, std::string_view phase) {
    return fmt::format(R"({{"index":{},"name":"x","operation":"Run","phase":"{}","updatedAt":"2024-05-01T11:59:59Z",
        "backoff":"30s","executions":1}})",
                       index, phase);
  };
  const auto left = [&](std::initializer_list<std::string_view> all) {
    const Snapshot snapshot = at(0, records(all), retried);
    return recordsAfter(snapshot, plan(snapshot, now)).size();
  };
  EXPECT_EQ(left({run(0, "Successful"), run(2, "Successful")}), 0U);
  EXPECT_EQ(left({run(2, "Successful")}), 0U);
  EXPECT_EQ(left({run(0, "Running"), run(2, "Successful")}), 2U) << "it is at work";
  const Snapshot again = at(0, records({run(0, "Successful")}), retried);
  const Plan made = plan(again, now);
  EXPECT_EQ(statusAfter(again, made).current_step_index, 0);
  EXPECT_EQ(callsOf(made), Texts{"run 0 a/b"});
}

}  // namespace
}  // namespace crossfade::test
