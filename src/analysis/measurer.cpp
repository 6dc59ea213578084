#include "analysis/measurer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <unordered_map>
#include <utility>

#include "analysis/budget.hpp"
#include "analysis/secrets.hpp"
#include "base/log.hpp"

namespace crossfade::analysis {

namespace {

using providers::Context;
using providers::Provider;
using Run = Measurer::Run;
using Verb = MeasureTask::Verb;

// Measurements that began together and end within this time are written together.
constexpr Duration company = milliseconds(100);
// A run whose first measurements take longer than this is shown as Running meanwhile.
constexpr Duration first_write_delay = seconds(1);
// The end of a run waits so long for measurements that could still make its verdict worse.
constexpr Duration last_wait = seconds(10);
// Secrets are read for every measurement, and in between when the last look is longer ago.
constexpr Duration secrets_pace = seconds(10);
// A measurement in flight is asked for its progress at most once in this time.
constexpr Duration resume_pace = seconds(1);

// How far the measurements of a metric have got: what a new one is based on.
struct Progress {
  std::int64_t ended = 0;
  bool in_flight = false;
  bool operator==(const Progress&) const = default;
};

Progress progressOf(const api::AnalysisRunStatus& status, std::string_view metric) {
  const api::MetricResult* result = findResult(status, metric);
  if (result == nullptr) return {};
  return {result->count + result->error, !result->measurements.empty() && !result->measurements.back().finished_at};
}

// A measurement that is being made, or that has been made and isn't written yet.
struct Attempt {
  std::string metric;  // its name
  Verb verb = Verb::run;
  Progress base;
  TimePoint began;
  std::optional<Measured> measured = {};  // once it has been made
  // Stale: the run's status has passed what it is based on, and somebody else sees to the metric. Orphaned: the run is
  // over.
  enum class Fate { wanted, stale, orphaned } fate = Fate::wanted;

  bool isUnderWay() const { return !measured; }
};
using Attempts = std::vector<std::shared_ptr<Attempt>>;

// What is known of a run beside its object.
struct Live {
  std::string key;
  Attempts attempts = {};
  std::map<std::string, TimePoint> resumed = {};  // when each metric was last asked for progress
  // What its spec resolves to, and the spec that it was resolved from.
  Run resolved_from = {};
  std::shared_ptr<const Resolved> resolved = {};
  TimePoint secrets_read = TimePoint::min();
  int too_large = 0;  // so often the server refused the status for its size

  std::size_t budget() const { return resolved->status_budget >> std::min(too_large, 16); }
};

bool sameSpec(const api::AnalysisRun& left, const api::AnalysisRun& right) {
  return left.metrics == right.metrics && left.args == right.args && left.dry_run == right.dry_run &&
         left.measurement_retention == right.measurement_retention && left.malformed == right.malformed;
}

bool isDry(const Resolved& resolved, std::string_view name) {
  const auto metric = std::ranges::find(resolved.metrics, name, &api::Metric::name);
  return metric != resolved.metrics.end() &&
         resolved.dry_run[static_cast<std::size_t>(metric - resolved.metrics.begin())];
}

bool isTooLarge(const Error& error) {
  return error.code == ErrorCode::too_large || error.message.contains("request is too large");
}

// The merge patch of what differs; empty when nothing does. It fails when somebody else has written since.
json::object statusPatch(const api::AnalysisRun& run, const api::AnalysisRunStatus& status) {
  // The first status is written whole: even its empty summaries are read by dashboards.
  const bool first = run.status == api::AnalysisRunStatus();
  json::object difference = mergeDiff(first ? json::object() : toJson(run.status), toJson(status));
  if (difference.empty()) return difference;
  json::object patch;
  if (!run.metadata.resource_version.empty())
    patch["metadata"] = json::object{{"resourceVersion", run.metadata.resource_version}};
  patch["status"] = std::move(difference);
  return patch;
}

// §10. What can't be cleaned up now keeps its measurements until the next pass.
Task<> trimAll(Context context, Run run, std::shared_ptr<Outcome> outcome) {
  const auto values = argumentValues(run->args, secretPlaceholders(run->args));
  for (const auto& [index, limit] : outcome->over_limit) {
    const auto metric = values ? fillIn(run->metrics[index], *values) : fail(values.error());
    const auto provider = metric ? providers::makeProvider(context, *metric) : fail(metric.error());
    if (!provider) {
      log::warn("analysis run {}: Failed to garbage collect measurements: {}", run->metadata.key(),
                provider.error().message);
      continue;
    }
    const Result<> collected = co_await (*provider)->garbageCollect(*run, *metric, limit);
    if (!collected) {
      log::warn("analysis run {}: Failed to garbage collect measurements: {}", run->metadata.key(),
                collected.error().message);
      co_return;
    }
    trim(*findResult(outcome->status, metric->name), limit);
  }
}

// The outcome of a provider's verb; a bug in one provider must not end the work of all others.
Task<Measured> ask(Context context, Run run, api::Metric metric, MeasureTask task, api::Measurement measurement) {
  Measured measured{.task = task, .measurement = std::move(measurement), .metadata = {}};
  const TimePoint began = context.clock.now();
  const Result<std::unique_ptr<Provider>> provider = providers::makeProvider(context, metric);
  if (!provider) {
    if (task.verb == Verb::run) measured.measurement.started_at = began;
    measured.measurement = providers::markError(std::move(measured.measurement), began, provider.error().message);
    co_return measured;
  }
  std::string bug;
  try {
    if (task.verb == Verb::run) {
      measured.measurement = co_await (*provider)->run(*run, metric);
    } else if (task.verb == Verb::resume) {
      measured.measurement = co_await (*provider)->resume(*run, metric, measured.measurement);
    } else {
      measured.measurement = co_await (*provider)->terminate(*run, metric, measured.measurement);
    }
    measured.metadata = (*provider)->metadata(metric);
  } catch (const std::exception& error) {
    bug = error.what();
  }
  if (!bug.empty()) {
    log::error("bug: analysis run {}: metric {}: recovered from an exception: {}", run->metadata.key(), metric.name,
               bug);
    if (task.verb == Verb::run) measured.measurement.started_at = began;
    measured.measurement = providers::markError(std::move(measured.measurement), began, "internal error: " + bug);
  }
  co_return measured;
}

}  // namespace

struct Measurer::Impl : std::enable_shared_from_this<Impl> {
  Impl(Context context, Executor executor, Wake wake)
      : context(std::move(context)), executor(std::move(executor)), wake(std::move(wake)), ended(this->context.clock) {}

  // --- measuring

  static Task<> measure(std::shared_ptr<Impl> self, Run run, api::Metric metric, std::shared_ptr<Attempt> attempt,
                        MeasureTask task, api::Measurement in_flight, ArgumentValues secrets) {
    Measured measured = co_await ask(self->context, run, metric, task, std::move(in_flight));
    redact(measured, secrets);
    const TimePoint now = self->context.clock.now();
    measured.measurement = shortened(std::move(measured.measurement), now);
    measured.metadata = shortened(std::move(measured.metadata));
    log::debug("analysis run {}: metric {}: {} {}", run->metadata.key(), metric.name, measured.measurement.phase,
               measured.measurement.message);
    if (attempt->fate != Attempt::Fate::wanted) {
      // What it has begun elsewhere (a Job) has nobody who would end it.
      const bool left_behind = attempt->fate == Attempt::Fate::orphaned && task.verb == Verb::run &&
                               !api::isCompletedPhase(measured.measurement.phase);
      task.verb = Verb::terminate;
      if (left_behind) co_await ask(self->context, run, std::move(metric), task, std::move(measured.measurement));
      co_return;
    }
    attempt->measured = std::move(measured);
    self->ended.notify();
    const auto live = self->runs.find(run->metadata.uid);
    if (live != self->runs.end()) self->wake(live->second.key, wakeTime(live->second, now));
  }

  // Now, or when those that began together with it have had their time.
  static TimePoint wakeTime(const Live& live, TimePoint now) {
    TimePoint when = now;
    for (const auto& attempt : live.attempts)
      if (attempt->isUnderWay()) when = std::max(when, attempt->began + company);
    return when;
  }

  // Fails when an argument can't be filled in.
  Result<> begin(Live& live, const Run& run, const api::AnalysisRunStatus& status, const MeasureTask& task,
                 const ArgumentValues& secrets) {
    const auto values = argumentValues(run->args, secrets);
    if (!values) return fail(values.error());
    auto metric = fillIn(run->metrics[task.metric], *values);
    if (!metric) return fail(metric.error());
    const std::string& name = live.resolved->metrics[task.metric].name;
    const TimePoint now = context.clock.now();
    const auto attempt = std::make_shared<Attempt>(
        Attempt{.metric = name, .verb = task.verb, .base = progressOf(status, name), .began = now});
    api::Measurement in_flight;
    if (task.verb != Verb::run) in_flight = findResult(status, name)->measurements.back();
    if (task.verb == Verb::resume) live.resumed[name] = now;
    live.attempts.push_back(attempt);
    spawn(executor, measure(shared_from_this(), run, std::move(*metric), attempt, task, std::move(in_flight), secrets));
    return {};
  }

  // --- looking

  // A run as it is with what has been measured for it.
  struct View {
    api::AnalysisRunStatus status;
    Attempts recorded = {};             // upon the written status
    std::vector<MeasureTask> due = {};  // that can begin now
    std::vector<bool> measuring = {};   // by metric
    bool unterminated = false;          // something in flight is to be terminated, and can't be any more
    std::optional<TimePoint> look_again = {};
  };

  View look(Live& live, const api::AnalysisRun& run) {
    const Resolved& resolved = *live.resolved;
    const TimePoint now = context.clock.now();
    View view{.status = run.status};
    view.measuring.assign(resolved.metrics.size(), false);
    std::erase_if(live.attempts, [&](const std::shared_ptr<Attempt>& attempt) {
      const auto metric = std::ranges::find(resolved.metrics, attempt->metric, &api::Metric::name);
      const bool is_stale =
          metric == resolved.metrics.end() || progressOf(view.status, attempt->metric) != attempt->base;
      if (is_stale) attempt->fate = Attempt::Fate::stale;
      if (is_stale) return true;
      const auto index = static_cast<std::size_t>(metric - resolved.metrics.begin());
      view.measuring[index] = true;
      if (attempt->isUnderWay()) return false;
      attempt->measured->task.metric = index;
      record(view.status, resolved, *attempt->measured, now);
      view.recorded.push_back(attempt);
      view.measuring[index] = false;
      return false;
    });
    for (const MeasureTask& task : analysis::due(run, view.status, resolved, now)) {
      const std::string& name = resolved.metrics[task.metric].name;
      if (view.measuring[task.metric]) continue;
      view.unterminated |= stopping && task.verb == Verb::terminate;
      if (stopping) continue;
      // One thing after the other: a metric goes on when its last measurement is written.
      const bool unwritten = std::ranges::any_of(view.recorded, [&](const auto& one) { return one->metric == name; });
      if (unwritten && task.verb != Verb::terminate) continue;
      const auto resumed = live.resumed.find(name);
      if (task.verb == Verb::resume && resumed != live.resumed.end() && now < resumed->second + resume_pace) {
        const TimePoint again = resumed->second + resume_pace;
        view.look_again = std::min(view.look_again.value_or(again), again);
        continue;
      }
      view.due.push_back(task);
    }
    return view;
  }

  // What the next write should wait for, until when at the latest; empty when it needn't wait.
  std::optional<TimePoint> reasonToWait(const Live& live, const api::AnalysisRun& run, const View& view,
                                        const Outcome& outcome) const {
    const bool complete = api::isCompletedPhase(outcome.status.phase);
    if (complete && view.unterminated) return TimePoint::max();
    std::optional<TimePoint> until;
    const bool first = !run.status.started_at && view.recorded.empty();
    const TimePoint now = context.clock.now();
    for (const auto& attempt : live.attempts) {
      if (std::ranges::find(view.recorded, attempt) != view.recorded.end()) continue;
      TimePoint end = TimePoint::min();
      if (first) end = attempt->began + first_write_delay;
      if (attempt->verb != Verb::run && complete) end = TimePoint::max();
      // A verdict is one on everything that was asked for: it doesn't depend on who answers first.
      const bool counts = attempt->verb == Verb::run && !isDry(*live.resolved, attempt->metric);
      if (counts && outcome.closing && !outcome.sealed) end = attempt->began + last_wait;
      if (end > now) until = std::max(until.value_or(end), end);
    }
    return until;
  }

  // --- a pass

  // Fails with the text of the run's status message.
  Result<> resolveOnce(Live& live, const Run& run) {
    if (live.resolved != nullptr && (live.resolved_from == run || sameSpec(*live.resolved_from, *run))) {
      live.resolved_from = run;
      return {};
    }
    auto resolved = resolve(*run);
    if (!resolved) return fail(resolved.error());
    live.resolved = std::make_shared<const Resolved>(std::move(*resolved));
    live.resolved_from = run;
    return {};
  }

  static Task<Reconciled> reconcile(std::shared_ptr<Impl> self, Run run, Observe observe) {
    const Standing standing = standingOf(*run, self->context.clock.now());
    if (standing.over) {
      self->forget(run->metadata.uid);
      if (standing.expired) co_await removeExpired(self->context.client, run);
      co_return Reconciled{.look_again = standing.expired ? std::nullopt : standing.look_again};
    }
    Live& live = self->runs.try_emplace(run->metadata.uid, Live{.key = run->metadata.key()}).first->second;
    if (const Result<> resolved = self->resolveOnce(live, run); !resolved) {
      co_return co_await self->giveUp(run, resolved.error().message, std::move(observe));
    }
    View view = self->look(live, *run);
    ArgumentValues secrets;
    const bool read_lately = self->context.clock.now() < live.secrets_read + secrets_pace;
    if (!view.due.empty() || (view.recorded.empty() && !read_lately)) {
      Result<ArgumentValues> read = co_await readSecrets(self->context.client, run);
      if (!self->runs.contains(run->metadata.uid)) co_return Reconciled{};  // deleted meanwhile
      if (!read && !isAboutTheRun(read.error())) co_return Reconciled{.error = read.error()};
      if (!read) co_return co_await self->giveUp(run, unresolved(read.error()), std::move(observe));
      secrets = std::move(*read);
      live.secrets_read = self->context.clock.now();
      view = self->look(live, *run);
    }

    std::vector<bool> measuring = view.measuring;
    for (const MeasureTask& task : view.due) measuring[task.metric] = true;
    const auto outcome =
        std::make_shared<Outcome>(assess(*run, view.status, *live.resolved, measuring, self->context.clock.now()));
    for (const MeasureTask& task : view.due) {
      if (outcome->closing && task.verb == Verb::run) continue;
      const Result<> begun = self->begin(live, run, view.status, task, secrets);
      if (!begun) co_return co_await self->giveUp(run, unresolved(begun.error()), std::move(observe));
    }
    if (const auto until = self->reasonToWait(live, *run, view, *outcome)) {
      Reconciled waiting;
      if (*until != TimePoint::max()) waiting.look_again = until;
      co_return waiting;
    }
    if (view.look_again)
      outcome->look_again = std::min(outcome->look_again.value_or(*view.look_again), *view.look_again);
    co_return co_await self->write(run, outcome, std::move(view.recorded), std::move(observe));
  }

  static std::string unresolved(const Error& error) { return "Unable to resolve metric arguments: " + error.message; }

  Task<Reconciled> giveUp(Run run, std::string message, Observe observe) {
    const auto ended_run = std::make_shared<Outcome>(earlyExit(*run, std::move(message), context.clock.now()));
    co_return co_await write(run, ended_run, {}, std::move(observe));
  }

  // Writes the outcome; `recorded` is in it.
  Task<Reconciled> write(Run run, std::shared_ptr<Outcome> outcome, Attempts recorded, Observe observe) {
    co_await trimAll(context, run, outcome);
    const std::string& uid = run->metadata.uid;
    const auto live = runs.find(uid);
    if (live != runs.end() && live->second.resolved != nullptr) fitInto(outcome->status, live->second.budget());
    const json::value patch = statusPatch(*run, outcome->status);
    if (!patch.get_object().empty()) {
      const Result<json::object> written = co_await context.client.patch(
          kube::resources::analysis_runs, run->metadata.ns, run->metadata.name, kube::PatchType::merge, patch);
      if (!written && written.error().code == ErrorCode::not_found) {
        forget(uid);
        co_return Reconciled{};
      }
      if (!written) {
        const auto still = runs.find(uid);
        if (isTooLarge(written.error()) && still != runs.end()) ++still->second.too_large;
        co_return Reconciled{.error = written.error()};
      }
      settle(uid, recorded);
      observe(*written);
    } else {
      settle(uid, recorded);  // all of it was known
    }
    if (api::isCompletedPhase(outcome->status.phase)) forget(uid);
    co_return Reconciled{.look_again = outcome->look_again, .events = std::move(outcome->events)};
  }

  // These attempts are in the status as it was written.
  void settle(const std::string& uid, const Attempts& recorded) {
    const auto live = runs.find(uid);
    if (live == runs.end()) return;
    std::erase_if(live->second.attempts,
                  [&](const auto& one) { return std::ranges::find(recorded, one) != recorded.end(); });
  }

  static Task<> removeExpired(kube::Client& client, Run run) {
    const Result<json::object> removed =
        co_await client.remove(kube::resources::analysis_runs, run->metadata.ns, run->metadata.name,
                               kube::Propagation::background, run->metadata.uid);
    if (!removed && removed.error().code != ErrorCode::not_found) {
      log::warn("Failed to garbage collect analysis run: {}", removed.error().message);
    }
  }

  void forget(const std::string& uid) {
    const auto live = runs.find(uid);
    if (live == runs.end()) return;
    for (const auto& attempt : live->second.attempts) attempt->fate = Attempt::Fate::orphaned;
    runs.erase(live);
    ended.notify();
  }

  bool isMeasuring() const {
    return std::ranges::any_of(runs, [](const auto& live) {
      return std::ranges::any_of(live.second.attempts, [](const auto& one) { return one->isUnderWay(); });
    });
  }

  const Context context;
  const Executor executor;
  const Wake wake;
  Signal ended;  // a measurement, whatever came of it
  bool stopping = false;
  std::unordered_map<std::string, Live> runs;  // by uid; an element stays where it is until it is forgotten
};

Measurer::Measurer(Context context, Executor executor, Wake wake)
    : impl_(std::make_shared<Impl>(std::move(context), std::move(executor), std::move(wake))) {}
Measurer::~Measurer() = default;

Task<Reconciled> Measurer::reconcile(Run run, Observe observe) {
  return Impl::reconcile(impl_, std::move(run), std::move(observe));
}

void Measurer::forget(const api::Metadata& run) { impl_->forget(run.uid); }

Task<std::vector<std::string>> Measurer::finish(TimePoint deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->stopping = true;
  while (impl->isMeasuring() && co_await impl->ended.waitUntil(deadline)) {
  }
  std::vector<std::string> unwritten;
  for (const auto& [uid, live] : impl->runs) {
    if (!live.attempts.empty()) unwritten.push_back(live.key);
  }
  co_return unwritten;
}

}  // namespace crossfade::analysis
