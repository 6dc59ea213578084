#include "analysis/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/base64.hpp"
#include "base/log.hpp"

namespace crossfade::analysis {

namespace {

using providers::Context;
using providers::Provider;
using Run = std::shared_ptr<const api::AnalysisRun>;

// --- secrets (§3.5)
// ------------------------------------------------------------------------------------------------------

// Whether an error of the API server says something of the run; others pass, and are a reason to try again later.
bool isAboutTheRun(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::invalid || error.code == ErrorCode::forbidden;
}

Result<std::string> readKey(const json::object& secret, const api::Argument& argument) {
  const json::value* encoded = find(secret, {"data", argument.secret_key});
  if (encoded == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("key '{}' does not exist in secret '{}'", argument.secret_key, argument.secret_name));
  }
  const auto content = decodeBase64(encoded->is_string() ? std::string_view(encoded->get_string()) : "");
  if (!content) {
    return fail(ErrorCode::invalid,
                fmt::format("key '{}' of secret '{}' is no base64", argument.secret_key, argument.secret_name));
  }
  return *content;
}

// The values of the arguments that come from Secrets, by argument. Each Secret is read once.
Task<Result<ArgumentValues>> readSecrets(kube::Client& client, Run run) {
  ArgumentValues values;
  std::map<std::string, json::object> secrets;
  for (const api::Argument& argument : run->args) {
    if (argument.secret_name.empty()) continue;
    if (!secrets.contains(argument.secret_name)) {
      const Result<json::object> secret =
          co_await client.get(kube::resources::secrets, run->metadata.ns, argument.secret_name);
      if (!secret) co_return fail(secret.error());
      secrets.emplace(argument.secret_name, *secret);
    }
    const auto content = readKey(secrets.find(argument.secret_name)->second, argument);
    if (!content) co_return fail(content.error());
    values.emplace_back(argument.name, *content);
  }
  co_return values;
}

void redact(std::string& text, const ArgumentValues& secrets) {
  constexpr std::string_view mask = "*****";
  for (const auto& [name, secret] : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + mask.size())) {
      text.replace(at, secret.size(), mask);
    }
  }
}

void redact(Measured& measured, const ArgumentValues& secrets) {
  redact(measured.measurement.message, secrets);
  redact(measured.measurement.value, secrets);
  for (auto* metadata : {&measured.measurement.metadata, &measured.metadata}) {
    for (auto& [key, value] : *metadata) redact(value, secrets);
  }
}

// --- measuring (§7.3)
// ----------------------------------------------------------------------------------------------------

// Everything that the measurements of one pass share; it lives as long as the last of them.
struct Pass {
  Pass(Context context, Run run, ArgumentValues secrets)
      : context(std::move(context)), run(std::move(run)), secrets(std::move(secrets)), done(this->context.clock) {}

  const Context context;
  const Run run;
  const ArgumentValues secrets;
  std::vector<api::Metric> metrics = {};  // with arguments filled in, by task
  std::vector<Measured> measured = {};    // by task
  std::size_t unfinished = 0;
  Signal done;
};

// The measurement that a task continues; a fresh one where it begins.
api::Measurement inFlight(const Pass& pass, const Measured& task, const api::Metric& metric) {
  const api::MetricResult* result = findResult(pass.run->status, metric.name);
  const bool begins = task.task.verb == MeasureTask::Verb::run || result == nullptr || result->measurements.empty();
  return begins ? api::Measurement() : result->measurements.back();
}

Task<> measure(std::shared_ptr<Pass> pass, std::size_t index) {
  const api::Metric& metric = pass->metrics[index];
  const MeasureTask::Verb verb = pass->measured[index].task.verb;
  api::Measurement measurement = inFlight(*pass, pass->measured[index], metric);
  const TimePoint began = pass->context.clock.now();
  Result<std::unique_ptr<Provider>> provider = providers::makeProvider(pass->context, metric);
  if (!provider) {
    if (verb == MeasureTask::Verb::run) measurement.started_at = began;
    measurement = providers::markError(std::move(measurement), began, provider.error().message);
  } else if (verb == MeasureTask::Verb::run) {
    measurement = co_await (*provider)->run(*pass->run, metric);
  } else if (verb == MeasureTask::Verb::resume) {
    measurement = co_await (*provider)->resume(*pass->run, metric, std::move(measurement));
  } else {
    measurement = co_await (*provider)->terminate(*pass->run, metric, std::move(measurement));
  }
  Measured& measured = pass->measured[index];
  measured.measurement = std::move(measurement);
  if (provider) measured.metadata = (*provider)->metadata(metric);
  redact(measured, pass->secrets);
  log::debug("analysis run {}: metric {}: {} {}", pass->run->metadata.key(), metric.name, measured.measurement.phase,
             measured.measurement.message);
  --pass->unfinished;
  pass->done.notify();
}

// All tasks at once; fails when an argument can't be filled in.
Task<Result<std::vector<Measured>>> measureAll(Context context, Run run, std::vector<MeasureTask> tasks,
                                               ArgumentValues secrets) {
  const auto values = argumentValues(run->args, secrets);
  if (!values) co_return fail(values.error());
  const auto pass = std::make_shared<Pass>(std::move(context), run, std::move(secrets));
  for (const MeasureTask& task : tasks) {
    auto metric = fillIn(run->metrics[task.metric], *values);
    if (!metric) co_return fail(metric.error());
    pass->metrics.push_back(std::move(*metric));
    pass->measured.push_back({.task = task, .measurement = {}, .metadata = {}});
  }
  pass->unfinished = tasks.size();
  const Executor executor = co_await boost::asio::this_coro::executor;
  for (std::size_t i = 0; i < tasks.size(); ++i) spawn(executor, measure(pass, i));
  while (pass->unfinished > 0) co_await pass->done.wait();
  co_return std::move(pass->measured);
}

// --- after it
// ------------------------------------------------------------------------------------------------------------

// §10. What can't be cleaned up now keeps its measurements until the next pass.
Task<> trimAll(Context context, Run run, std::shared_ptr<Outcome> outcome) {
  const ArgumentValues placeholders = secretPlaceholders(run->args);
  const auto values = argumentValues(run->args, placeholders);
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

// The merge patch of what differs; empty when nothing does.
json::object statusPatch(const api::AnalysisRun& run, const api::AnalysisRunStatus& status) {
  // The first status is written whole: even its empty summaries are read by dashboards.
  const bool first = run.status == api::AnalysisRunStatus();
  json::object difference = mergeDiff(first ? json::object() : toJson(run.status), toJson(status));
  if (difference.empty()) return difference;
  return {{"status", std::move(difference)}};
}

Task<Reconciled> write(kube::Client& client, Run run, Outcome outcome,
                       std::function<void(const json::object&)> observe) {
  Reconciled reconciled;
  const json::value patch = statusPatch(*run, outcome.status);
  if (!patch.get_object().empty()) {
    const Result<json::object> written = co_await client.patch(kube::resources::analysis_runs, run->metadata.ns,
                                                               run->metadata.name, kube::PatchType::merge, patch);
    if (!written && written.error().code == ErrorCode::not_found) co_return reconciled;  // deleted meanwhile
    if (!written) {
      reconciled.error = written.error();
      co_return reconciled;
    }
    observe(*written);
  }
  reconciled.events = std::move(outcome.events);
  reconciled.look_again = outcome.look_again;
  co_return reconciled;
}

Task<> removeExpired(kube::Client& client, Run run) {
  const Result<json::object> removed =
      co_await client.remove(kube::resources::analysis_runs, run->metadata.ns, run->metadata.name,
                             kube::Propagation::background, run->metadata.uid);
  if (!removed && removed.error().code != ErrorCode::not_found) {
    log::warn("Failed to garbage collect analysis run: {}", removed.error().message);
  }
}

}  // namespace

Task<Reconciled> reconcile(const providers::Context& given, std::shared_ptr<const api::AnalysisRun> run,
                           std::function<void(const json::object&)> observe) {
  // The caller's may be gone before a coroutine ends.
  const Context context = given;
  Due now_due = due(*run, context.clock.now());
  if (now_due.completed) {
    if (now_due.expired) co_await removeExpired(context.client, run);
    Reconciled reconciled;
    if (!now_due.expired) reconciled.look_again = now_due.look_again;
    co_return reconciled;
  }
  if (now_due.ended) co_return co_await write(context.client, run, std::move(*now_due.ended), std::move(observe));

  const Result<ArgumentValues> secrets = co_await readSecrets(context.client, run);
  if (!secrets && !isAboutTheRun(secrets.error())) {
    Reconciled reconciled;
    reconciled.error = secrets.error();
    co_return reconciled;
  }
  Result<std::vector<Measured>> measured = fail(ErrorCode::internal, "");
  if (secrets) {
    measured = co_await measureAll(context, run, std::move(now_due.tasks), *secrets);
  } else {
    measured = fail(secrets.error());
  }
  if (!measured) {
    Outcome ended =
        earlyExit(*run, "Unable to resolve metric arguments: " + measured.error().message, context.clock.now());
    co_return co_await write(context.client, run, std::move(ended), std::move(observe));
  }

  const auto outcome = std::make_shared<Outcome>(assess(*run, *measured, context.clock.now()));
  co_await trimAll(context, run, outcome);
  co_return co_await write(context.client, run, std::move(*outcome), std::move(observe));
}

}  // namespace crossfade::analysis
