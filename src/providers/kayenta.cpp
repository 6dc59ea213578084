// Kayenta, Spinnaker's judge of canaries: it measures by itself over a while, and gives a score. spec/08 §10.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "providers/backend.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(15), ask_again = seconds(15);
constexpr std::string_view execution_key = "canaryExecutionId";

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// The object that an answer of status 200 holds.
Result<json::value> readAnswer(const Result<net::Response>& response, std::string_view invalid) {
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return fail(ErrorCode::unavailable, std::string(invalid));
  auto answer = expr::parseAnswer(response->body);
  if (!answer) return refuse(go::jsonProblem(response->body));
  return answer;
}

struct Period {
  std::string start, end;
};

// The period of one side, as it was written or, where it is left out, up to this measurement. spec/08 §10.2 step 2.
json::object scopeOf(const json::object& side, const Period& otherwise) {
  json::object scope{{"scope", getString(side, {"scope"})}, {"location", getString(side, {"region"})}};
  const json::value* step = find(side, {"step"});
  scope["step"] = step == nullptr ? json::value(0) : *step;
  const std::string_view start = getString(side, {"start"}), end = getString(side, {"end"});
  scope["start"] = start.empty() ? std::string_view(otherwise.start) : start;
  scope["end"] = end.empty() ? std::string_view(otherwise.end) : end;
  return scope;
}

class Kayenta final : public Provider {
 public:
  Kayenta(const Context& context, json::object settings)
      : dialer_(context.dialer), clock_(context.clock), settings_(std::move(settings)) {}

  Task<api::Measurement> run(const api::AnalysisRun& run, const api::Metric& metric) override {
    api::Measurement measurement;
    const TimePoint began = clock_.now();
    measurement.started_at = began;
    const Result<std::string> id = co_await start(run, metric, began);
    if (!id) co_return markError(std::move(measurement), clock_.now(), id.error().message);
    measurement.phase = "Running";
    measurement.metadata[std::string(execution_key)] = *id;
    measurement.resume_at = clock_.now() + ask_again;
    co_return measurement;
  }

  Task<api::Measurement> resume(const api::AnalysisRun&, const api::Metric&, api::Measurement measurement) override {
    const auto id = measurement.metadata.find(std::string(execution_key));
    const std::string name = id == measurement.metadata.end() ? std::string() : id->second;
    if (name.empty()) co_return markError(std::move(measurement), clock_.now(), "Invalid canaryExecutionId");
    const Result<net::Response> response = co_await ask("GET", "/canary/" + net::percentEncode(name), {}, {});
    const auto answer = readAnswer(response, "Invalid Response");
    const TimePoint now = clock_.now();
    if (!answer) co_return markError(std::move(measurement), now, answer.error().message);
    const json::value* complete = find(*answer, {"complete"});
    if (complete == nullptr) co_return markError(std::move(measurement), now, "Missing Complete Status");
    if (!complete->is_bool()) co_return markError(std::move(measurement), now, "type assertion to bool failed");
    if (!complete->get_bool()) {
      measurement.phase = "Running";
      measurement.resume_at = now + ask_again;
      co_return measurement;
    }
    const json::value* score = find(*answer, {"result", "judgeResult", "score", "score"});
    if (score == nullptr || !score->is_number()) {
      co_return markError(std::move(measurement), now, "Missing Score");
    }
    constexpr double largest = 1e15;
    const auto points = static_cast<std::int64_t>(std::clamp(score->to_number<double>(), -largest, largest));
    measurement.value = std::to_string(points);
    const bool passed = points >= getInt(settings_, {"threshold", "pass"});
    const bool marginal = points >= getInt(settings_, {"threshold", "marginal"});
    measurement.phase = passed ? "Successful" : marginal ? "Inconclusive" : "Failed";
    measurement.finished_at = now;
    co_return measurement;
  }

  // Kayenta goes on judging, but nobody waits for it.
  Task<api::Measurement> terminate(const api::AnalysisRun&, const api::Metric&, api::Measurement measurement) override {
    measurement.phase = "Inconclusive";
    measurement.finished_at = clock_.now();
    co_return measurement;
  }

  Task<Result<>> garbageCollect(const api::AnalysisRun&, const api::Metric&, std::int64_t) override {
    co_return Result<>();
  }
  std::map<std::string, std::string> metadata(const api::Metric&) const override { return {}; }

 private:
  std::string setting(std::string_view name) const { return std::string(getString(settings_, {name})); }

  // Starts a judgement; its id.
  Task<Result<std::string>> start(const api::AnalysisRun& run, const api::Metric& metric, TimePoint began) const {
    const std::string application = setting("application"), storage = setting("storageAccountName");
    // The storage account it is, that Kayenta looks the configuration up with.
    net::QueryParameters lookup{{"application", application}, {"configurationAccountName", storage}};
    const Result<net::Response> found = co_await ask("GET", "/canaryConfig", std::move(lookup), {});
    const int status = found ? found->status : 0;
    const auto configs = readAnswer(found, fmt::format("Invalid Response: HTTP {}", status));
    if (!configs) co_return fail(configs.error());
    const auto config = configId(*configs);
    if (!config) co_return fail(config.error());
    const auto scopes = scopesOf(run, metric, began);
    if (!scopes) co_return fail(scopes.error());

    net::QueryParameters parameters{{"application", application},
                                    {"metricsAccountName", setting("metricsAccountName")},
                                    {"configurationAccountName", setting("configurationAccountName")},
                                    {"storageAccountName", storage}};
    std::string body = json::serialize(
        json::object{{"scopes", *scopes},
                     {"thresholds", json::object{{"pass", getInt(settings_, {"threshold", "pass"})},
                                                 {"marginal", getInt(settings_, {"threshold", "marginal"})}}}});
    const Result<net::Response> response =
        co_await ask("POST", "/canary/" + net::percentEncode(*config), std::move(parameters), std::move(body));
    const auto answer = readAnswer(response, "Invalid Response");
    if (!answer) co_return fail(answer.error());
    const json::value* id = find(*answer, {execution_key});
    if (id == nullptr || !id->is_string() || id->get_string().empty()) co_return refuse("Invalid canaryExecutionId");
    co_return std::string(id->get_string());
  }

  Result<std::string> configId(const json::value& configs) const {
    const json::array* list = configs.if_array();
    if (list == nullptr && !configs.is_null()) return refuse(wrongType(configs, "[]kayenta.canaryConfig"));
    const std::string wanted = setting("canaryConfigName");
    for (const json::value& item : list == nullptr ? json::array() : *list) {
      const json::object* config = item.if_object();
      if (config != nullptr && getString(*config, {"name"}) == wanted) return std::string(getString(*config, {"id"}));
    }
    return fail(ErrorCode::not_found, "Canary config not found");
  }

  Result<json::object> scopesOf(const api::AnalysisRun& run, const api::Metric& metric, TimePoint began) const {
    json::object scopes;
    const json::array* given = getArray(settings_, {"scopes"});
    for (const json::value& item : given == nullptr ? json::array() : *given) {
      const json::object* scope = item.if_object();
      if (scope == nullptr) continue;
      json::object control, experiment;
      if (const json::object* side = getObject(*scope, {"controlScope"})) control = *side;
      if (const json::object* side = getObject(*scope, {"experimentScope"})) experiment = *side;
      for (const std::string_view edge : {"start", "end"}) {
        if (getString(control, {edge}).empty() == getString(experiment, {edge}).empty()) continue;
        return refuse(fmt::format("controlScope.{0} and experimentScope.{0} must both be set or be empty", edge));
      }
      Period period{.start = {}, .end = formatTime(began)};
      if (getString(control, {"start"}).empty()) {
        const auto start = startOf(run, metric, began);
        if (!start) return std::unexpected(start.error());
        period.start = formatTime(*start);
      }
      scopes[getString(*scope, {"name"})] =
          json::object{{"controlScope", scopeOf(control, period)}, {"experimentScope", scopeOf(experiment, period)}};
    }
    return scopes;
  }

  // Where a period begins that says nothing of it: with the run, or one interval ago.
  Result<TimePoint> startOf(const api::AnalysisRun& run, const api::Metric& metric, TimePoint began) const {
    if (getBool(settings_, {"lookback"})) return run.status.started_at.value_or(began);
    const auto interval = go::parseDuration(metric.interval);
    if (!interval) {
      return refuse(fmt::format("Invalid duration {}: {}", go::quote(metric.interval), interval.error().message));
    }
    return began - std::chrono::floor<Duration>(*interval);
  }

  Task<Result<net::Response>> ask(std::string method, std::string path, net::QueryParameters parameters,
                                  std::string body) const {
    auto url = parseAddress(setting("address"));
    if (!url) co_return fail(url.error());
    BackendRequest request{.method = std::move(method), .url = std::move(*url), .client_timeout = true};
    request.url.path = joinPath(request.url.path, path);
    request.url.query = formEncode(parameters);
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    co_return co_await fetch(dialer_, clock_, std::move(request), clock_.now() + patience);
  }

  net::Dialer& dialer_;
  Clock& clock_;
  const json::object settings_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeKayenta(const Context& context, const json::object& json) {
  return std::make_unique<Kayenta>(context, json);
}

}  // namespace crossfade::providers
