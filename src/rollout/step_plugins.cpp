// Steps that a plugin does: when it is asked, and what its answers mean. spec/04 §26.
#include <algorithm>
#include <ranges>

#include "api/names.hpp"
#include "rollout/canary.hpp"
#include "rollout/status.hpp"

namespace crossfade::rollout {
namespace {

constexpr Duration usual_backoff = seconds(30);
constexpr Duration least_backoff = seconds(10);  // a plugin that wants to be asked sooner isn't heard
constexpr Duration slack = seconds(5);           // beyond the back-off, so that it has passed for certain
constexpr Duration retry = seconds(30);          // of a plugin that couldn't be asked

std::string_view nameOf(PluginOperation operation) {
  switch (operation) {
    case PluginOperation::run:
      return "Run";
    case PluginOperation::terminate:
      return "Terminate";
    case PluginOperation::abort:
      return "Abort";
  }
  return {};
}

std::string_view phaseOf(const json::object& record) { return getString(record, {"phase"}); }
bool isDisabled(const json::object& record) { return getBool(record, {"disabled"}); }
bool isDone(const json::object& record) { return phaseOf(record) == "Successful" || phaseOf(record) == "Failed"; }

// One pass's view of status.canary.stepPluginStatuses: records that are unique by index and operation.
class StepPlugins {
 public:
  StepPlugins(const Facts& facts, Draft& draft)
      : facts_(facts), draft_(draft), carried_(facts.status.canary.step_plugin_statuses) {
    if (!carried_.empty()) records_ = carried_.value().as_array();
  }

  PluginOutcome reconcile(Reached reached) {
    for (const StepPluginReply& reply : draft_.world.plugin_replies) take(reply);
    draft_.world.plugin_replies.clear();
    bool complete = false;
    if (isAborted(facts_, draft_)) {
      if (reached != Reached::scaled) abortAll();
    } else if (facts_.status.promote_full || isFullyPromoted(facts_)) {
      if (reached == Reached::plugins) terminateLast();
    } else {
      cleanAfterRetry();
      if (reached == Reached::plugins) complete = runCurrent();
    }
    if (changed_) carried_ = records_.empty() ? api::Carried() : api::Carried(records_);
    return {std::move(carried_), complete};
  }

 private:
  json::object* find(std::int64_t index, PluginOperation operation) {
    for (json::value& value : records_) {
      json::object* record = value.if_object();
      if (record && getInt(*record, {"index"}) == index && getString(*record, {"operation"}) == nameOf(operation))
        return record;
    }
    return nullptr;
  }
  bool isEnded(std::int64_t index) {
    return find(index, PluginOperation::terminate) || find(index, PluginOperation::abort);
  }
  json::object& put(std::int64_t index, PluginOperation operation, json::object record) {
    changed_ = true;
    if (json::object* before = find(index, operation)) return *before = std::move(record);
    return records_.emplace_back(std::move(record)).as_object();
  }
  std::string pluginAt(std::int64_t index) {
    if (const json::object* run = find(index, PluginOperation::run)) return std::string(getString(*run, {"name"}));
    const auto& steps = facts_.spec().canary->steps;
    return index >= 0 && index < std::ssize(steps) ? steps[index].plugin_name : std::string();
  }
  json::object fresh(std::int64_t index, PluginOperation operation) {
    return {{"index", index}, {"name", pluginAt(index)}, {"operation", nameOf(operation)}};
  }

  // --- what plugins answered ---

  void take(const StepPluginReply& reply) {
    draft_.world.plugins_asked.emplace_back(reply.index, reply.operation);
    if (reply.unreachable) {
      fail(fmt::format("could not create step plugin at index {} : {}", reply.index, *reply.unreachable));
      return;
    }
    if (!reply.error && !reply.disabled && !isPhase(reply.phase)) {
      constexpr std::string_view verbs[] = {"run", "terminate", "abort"};
      fail(fmt::format("failed to {} plugin: could not validate rpc phase: phase '{}' is not valid",
                       verbs[static_cast<std::size_t>(reply.operation)], reply.phase));
      return;
    }
    if (reply.operation == PluginOperation::run)
      takeRun(reply);
    else if (!reply.disabled)
      takeEnd(reply);
  }

  static bool isPhase(std::string_view phase) {
    return phase.empty() || phase == "Running" || phase == "Successful" || phase == "Failed" || phase == "Error";
  }

  void takeRun(const StepPluginReply& reply) {
    json::object record = fresh(reply.index, PluginOperation::run);
    if (reply.disabled) {
      record["disabled"] = true;
      put(reply.index, PluginOperation::run, std::move(record));
      return;
    }
    const json::object* live = find(reply.index, PluginOperation::run);
    const std::string before = live ? std::string(phaseOf(*live)) : std::string();
    if (live && !isDisabled(*live)) {
      if (isDone(*live)) return;
      record = *live;
    } else {
      record["phase"] = "Running";
      record["startedAt"] = formatTime(facts_.now);
    }
    record.erase("backoff");
    record["updatedAt"] = formatTime(facts_.now);
    record["executions"] = getInt(record, {"executions"}) + 1;
    if (reply.error) {
      record["phase"] = "Error";
      record["message"] = *reply.error;
    } else {
      describe(record, reply);
      if (phaseOf(record) != "Error") keepState(record, reply.state);
    }
    if (isDone(record)) {
      record["finishedAt"] = formatTime(facts_.now);
    } else {
      const bool wished = phaseOf(record) == "Running" && reply.requeue_after > least_backoff;
      record["backoff"] = formatGoDuration(wished ? reply.requeue_after : usual_backoff);
    }
    announce(put(reply.index, PluginOperation::run, std::move(record)), before);
  }

  void takeEnd(const StepPluginReply& reply) {
    if (find(reply.index, reply.operation)) return;
    json::object record = fresh(reply.index, reply.operation);
    record["phase"] = "Successful";
    for (const char* moment : {"startedAt", "updatedAt", "finishedAt"}) record[moment] = formatTime(facts_.now);
    record["executions"] = 1;
    if (reply.error) {
      record["phase"] = "Error";
      record["message"] = *reply.error;
    } else {
      describe(record, reply);
      // The end of a step is asked for once: what isn't done then never will be.
      if (phaseOf(record) == "Running") record["phase"] = "Failed";
    }
    announce(put(reply.index, reply.operation, std::move(record)), {});
  }

  static void describe(json::object& record, const StepPluginReply& reply) {
    if (reply.message.empty())
      record.erase("message");
    else
      record["message"] = reply.message;
    if (!reply.phase.empty()) record["phase"] = reply.phase;
  }

  static void keepState(json::object& record, const json::value& state) {
    if (state.is_null())
      record.erase("status");
    else
      record["status"] = state;
  }

  void announce(const json::object& record, std::string_view before) {
    const std::string_view phase = phaseOf(record), operation = getString(record, {"operation"});
    if (phase == before || (operation == "Run" && phase == "Successful")) return;
    std::string what = fmt::format("transitioned to {}", phase);
    if (operation == "Abort") what = fmt::format("aborted ({})", phase);
    if (operation == "Terminate") what = fmt::format("terminated ({})", phase);
    draft_.note(
        phase == "Failed" || phase == "Error", "StepPluginTransition",
        fmt::format("Step plugin {} (step {}) {}", getString(record, {"name"}), getInt(record, {"index"}) + 1, what));
  }

  // Nothing that the step could help: it is tried again, and the pass goes on.
  void fail(std::string error) {
    if (draft_.world.plugin_failure) return;
    draft_.event(true, "ReconciliationError", "Reconciliation failed with error: " + error);
    draft_.world.plugin_failure = std::move(error);
  }

  // --- what they are asked ---

  void call(std::int64_t index, std::string plugin, PluginOperation operation) {
    if (std::ranges::find(draft_.world.plugins_asked, std::pair(index, operation)) != draft_.world.plugins_asked.end())
      return;
    StepPluginCall call{.index = index, .plugin = std::move(plugin), .operation = operation, .config = {}, .state = {}};
    const auto& steps = facts_.spec().canary->steps;
    if (index >= 0 && index < std::ssize(steps) && steps[index].plugin_name == call.plugin)
      if (const json::object step = steps[index].plugin.object();
          const json::value* config = step.if_contains("config"))
        call.config = *config;
    if (const json::object* run = find(index, PluginOperation::run))
      if (const json::value* state = run->if_contains("status")) call.state = *state;
    draft_.plugin_calls.push_back(std::move(call));
  }

  void end(const json::object& run, PluginOperation operation) {
    const std::int64_t index = getInt(run, {"index"});
    if (!find(index, operation)) call(index, std::string(getString(run, {"name"})), operation);
  }

  // Whatever was done is undone, the last first.
  void abortAll() {
    for (const json::value& value : records_ | std::views::reverse) {
      const json::object* record = value.if_object();
      if (!record || getString(*record, {"operation"}) != "Run") continue;
      if (phaseOf(*record) == "Running" || phaseOf(*record) == "Successful") end(*record, PluginOperation::abort);
    }
    if (draft_.world.plugin_failure) draft_.lookAgain(facts_.now + retry);
  }

  // A step that was still running when the update was promoted past it.
  void terminateLast() {
    for (const json::value& value : records_ | std::views::reverse) {
      const json::object* record = value.if_object();
      if (!record) continue;
      const std::string_view operation = getString(*record, {"operation"});
      if (operation == "Terminate" && phaseOf(*record) == "Successful") break;
      if (operation != "Run" || phaseOf(*record) != "Running") continue;
      end(*record, PluginOperation::terminate);
      break;
    }
    if (draft_.world.plugin_failure) draft_.lookAgain(facts_.now + retry);
  }

  // An update that starts anew forgets what was done before, but not a plugin that is at work. spec/04 §26.6.
  void cleanAfterRetry() {
    if (records_.empty() || !facts_.status.aborted_at || stepIndex(facts_) != 0) return;
    const json::object* first = find(0, PluginOperation::run);
    if (first && !isComplete(0, *first)) return;
    records_.clear();
    changed_ = true;
  }

  bool isComplete(std::int64_t index, const json::object& run) {
    return isDisabled(run) || isDone(run) || (phaseOf(run) == "Running" && isEnded(index));
  }

  // Asks the plugin of the step in progress, when it is time; true when the step is done.
  bool runCurrent() {
    const api::Step* step = currentStep(facts_);
    if (!step || step->plugin_name.empty() || !mayRun()) return false;
    const std::int64_t index = stepIndex(facts_);
    const json::object* record = find(index, PluginOperation::run);
    const std::optional<TimePoint> due = record ? dueOf(*record) : std::nullopt;
    if (const auto& failure = draft_.world.plugin_failure) {
      draft_.wait(WaitKind::plugin,
                  fmt::format("The plugin {} of step {} can't be asked: {}. Promote to skip it.", step->plugin_name,
                              index + 1, *failure),
                  std::nullopt, facts_.now + retry);
      return false;
    }
    if (record && phaseOf(*record) == "Failed") {
      draft_.abort(fmt::format("Step Plugin {} ({}) failed: {}", index + 1, getString(*record, {"name"}),
                               getString(*record, {"message"})));
      return false;
    }
    if (record && isComplete(index, *record)) return true;
    if (!due || *due <= facts_.now) {
      call(index, step->plugin_name, PluginOperation::run);
      return false;
    }
    draft_.wait(WaitKind::plugin,
                fmt::format("The plugin {} of step {} is {} and will be asked again: {}", step->plugin_name, index + 1,
                            phaseOf(*record), getString(*record, {"message"})),
                parseTime(getString(*record, {"startedAt"})), *due + slack);
    return false;
  }

  // When a record's plugin may be asked again; empty: at once.
  std::optional<TimePoint> dueOf(const json::object& record) {
    const std::string_view backoff = getString(record, {"backoff"});
    const auto updated = parseTime(getString(record, {"updatedAt"}));
    if (backoff.empty() || !updated || getInt(record, {"executions"}) == 0) return std::nullopt;
    if (const auto pause = parseGoDuration(backoff)) return *updated + *pause;
    fail(fmt::format("failed to parse backoff duration: time: invalid duration \"{}\"", backoff));
    return std::nullopt;
  }

  // Not while somebody has paused it. An update that took too long goes on all the same: the plugin may be what takes
  // so long. spec/04 §32, 19.
  bool mayRun() const {
    if (facts_.status.phase == api::phase_progressing) return true;
    const api::Condition* progressing = findCondition(facts_.status.conditions, "Progressing");
    return facts_.status.phase == api::phase_degraded && progressing &&
           progressing->reason == "ProgressDeadlineExceeded" && !facts_.spec().paused;
  }

  const Facts& facts_;
  Draft& draft_;
  api::Carried carried_;
  json::array records_;
  bool changed_ = false;
};

}  // namespace

PluginOutcome reconcilePlugins(const Facts& facts, Draft& draft, Reached reached) {
  return StepPlugins(facts, draft).reconcile(reached);
}

}  // namespace crossfade::rollout
