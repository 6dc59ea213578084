#include "analysis/metrics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "analysis/budget.hpp"
#include "base/go_text.hpp"
#include "base/json.hpp"
#include "expr/regex.hpp"
#include "expr/template.hpp"

namespace crossfade::analysis {

Result<ArgumentValues> argumentValues(const std::vector<api::Argument>& arguments, const ArgumentValues& secrets) {
  ArgumentValues values;
  for (const api::Argument& argument : arguments) {
    const auto secret = std::ranges::find(secrets, argument.name, &ArgumentValues::value_type::first);
    if (secret != secrets.end()) {
      values.push_back(*secret);
    } else if (argument.value) {
      values.emplace_back(argument.name, *argument.value);
    } else {
      return fail(ErrorCode::invalid, fmt::format("argument \"{}\" was not supplied", argument.name));
    }
  }
  return values;
}

ArgumentValues secretPlaceholders(const std::vector<api::Argument>& arguments) {
  ArgumentValues values;
  for (const api::Argument& argument : arguments) {
    if (!argument.secret_name.empty()) values.emplace_back(argument.name, "temp-for-secret");
  }
  return values;
}

// --- substitution
// ------------------------------------------------------------------------------------------------------

namespace {

// JSON text as Go writes it: '<', '>' and '&' occur in strings only, and are escaped there.
std::string escapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') {
      escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// The members of a metric that substitution reaches, in the order in which it meets them.
json::object toJson(const api::Metric& metric) {
  json::object object{{"name", metric.name},
                      {"interval", metric.interval},
                      {"initialDelay", metric.initial_delay},
                      {"count", metric.count},
                      {"successCondition", metric.success_condition},
                      {"failureCondition", metric.failure_condition},
                      {"failureLimit", metric.failure_limit},
                      {"inconclusiveLimit", metric.inconclusive_limit},
                      {"consecutiveErrorLimit", metric.consecutive_error_limit}};
  if (!metric.provider.empty()) object["provider"] = metric.provider.value();
  object["consecutiveSuccessLimit"] = metric.consecutive_success_limit;
  return object;
}

api::Metric fromJson(const json::object& object) {
  const auto text = [&](std::string_view member) { return std::string(getString(object, {member})); };
  const json::value* provider = find(object, {"provider"});
  return {.name = text("name"),
          .interval = text("interval"),
          .initial_delay = text("initialDelay"),
          .success_condition = text("successCondition"),
          .failure_condition = text("failureCondition"),
          .count = text("count"),
          .failure_limit = text("failureLimit"),
          .inconclusive_limit = text("inconclusiveLimit"),
          .consecutive_error_limit = text("consecutiveErrorLimit"),
          .consecutive_success_limit = text("consecutiveSuccessLimit"),
          .provider = provider == nullptr ? api::Carried() : api::Carried(*provider)};
}

}  // namespace

Result<api::Metric> fillIn(const api::Metric& metric, const ArgumentValues& values) {
  // Substitution works on the JSON text, so that an unclosed placeholder fails as users have seen it fail.
  const std::string text = escapeHtml(json::serialize(toJson(metric)));
  if (text.find("{{") == std::string::npos) return metric;
  const auto filled = expr::substituteArgs(text, [&](std::string_view name) -> std::optional<std::string> {
    const auto value = std::ranges::find(values, name, &ArgumentValues::value_type::first);
    if (value == values.end()) return std::nullopt;
    const std::string quoted = json::serialize(json::string(value->second));
    return quoted.substr(1, quoted.size() - 2);
  });
  if (!filled) return std::unexpected(filled.error());
  const auto parsed = parseJson(*filled);
  if (!parsed) return std::unexpected(parsed.error());
  const json::object* object = parsed->if_object();
  return object == nullptr ? metric : fromJson(*object);
}

// --- numbers
// -----------------------------------------------------------------------------------------------------------

std::int64_t readInteger(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::optional<std::int64_t> effectiveCount(const api::Metric& metric) {
  const std::int64_t count = readInteger(metric.count);
  if (count != 0) return count;
  if (metric.interval.empty()) return 1;
  return std::nullopt;
}

Limits limitsOf(const api::Metric& metric) {
  Limits limits{.failure = readInteger(metric.failure_limit),
                .inconclusive = readInteger(metric.inconclusive_limit),
                .consecutive_success = readInteger(metric.consecutive_success_limit)};
  if (!metric.consecutive_error_limit.empty()) limits.consecutive_error = readInteger(metric.consecutive_error_limit);
  return limits;
}

// --- validation
// --------------------------------------------------------------------------------------------------------

namespace {

// How many providers a metric names; every entry of a plugin map counts.
std::size_t countProviders(const api::Metric& metric) {
  std::size_t count = 0;
  for (const auto& [key, value] : metric.provider.object()) {
    if (value.is_null()) continue;
    const json::object* plugins = key == "plugin" ? value.if_object() : nullptr;
    count += plugins == nullptr ? 1 : plugins->size();
  }
  return count;
}

// spec/06 §5, the table.
std::optional<std::string> invalidMetric(const api::Metric& metric) {
  const Limits limits = limitsOf(metric);
  const std::int64_t count = readInteger(metric.count);
  if (limits.consecutive_success < 0) return "consecutiveSuccessLimit must be >= 0";
  if (limits.failure < -1) return "failureLimit must be >= 0, or -1 to be disabled";
  if (limits.consecutive_success == 0 && limits.failure == -1) {
    return "failureLimit and consecutiveSuccessLimit cannot both be disabled";
  }
  if (limits.inconclusive < 0) return "inconclusiveLimit must be >= 0";
  if (limits.consecutive_error < 0) return "consecutiveErrorLimit must be >= 0";
  if (count > 0) {
    // Compared without a sum, which could overflow.
    if (limits.failure >= 0 && count - limits.failure < limits.consecutive_success) {
      return fmt::format("count ({}) must be >= failureLimit + consecutiveSuccessLimit ({} + {}) if both >= 0", count,
                         limits.failure, limits.consecutive_success);
    }
    if (limits.failure < 0 && count < limits.consecutive_success) return "count must be >= consecutiveSuccessLimit";
    if (count < limits.inconclusive) return "count must be >= inconclusiveLimit";
  }
  if (count > 1 && metric.interval.empty()) return "interval must be specified when count > 1";
  if (!metric.interval.empty()) {
    if (const auto parsed = go::parseDuration(metric.interval); !parsed) {
      return "invalid interval string: " + parsed.error().message;
    }
  }
  if (!metric.initial_delay.empty()) {
    if (const auto parsed = go::parseDuration(metric.initial_delay); !parsed) {
      return "invalid startDelay string: " + parsed.error().message;
    }
  }
  const std::size_t providers = countProviders(metric);
  if (providers == 0) return "no provider specified";
  if (providers > 1) return "multiple providers specified";
  return std::nullopt;
}

std::optional<std::string> invalidMetrics(const std::vector<api::Metric>& metrics) {
  if (metrics.empty()) return "no metrics specified";
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    if (!names.insert(metrics[i].name).second)
      return fmt::format("metrics[{}]: duplicate name '{}'", i, metrics[i].name);
    if (const auto problem = invalidMetric(metrics[i])) return fmt::format("metrics[{}]: {}", i, *problem);
  }
  return std::nullopt;
}

// Calls `apply(metric index, rule)` for every metric that a rule matches; fails for a rule that matches none.
template <class Apply>
Result<> matchRules(std::string_view list, const std::vector<api::MetricRule>& rules,
                    const std::vector<api::Metric>& metrics, Apply apply) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto pattern = expr::Regex::compile(rules[i].metric_name);
    bool matched = false;
    for (std::size_t metric = 0; pattern && metric < metrics.size(); ++metric) {
      if (!pattern->search(metrics[metric].name)) continue;
      matched = true;
      apply(metric, rules[i]);
    }
    if (!matched) return fail(ErrorCode::invalid, fmt::format("{}[{}]: Rule didn't match any metric name(s)", list, i));
  }
  return {};
}

}  // namespace

Result<Resolved> resolve(const api::AnalysisRun& run) {
  constexpr std::int64_t default_retention = 10;
  const auto unresolved = [](const Error& error) {
    return fail(error.code, "Unable to resolve metric arguments: " + error.message);
  };
  const auto invalid = [](std::string_view problem) {
    return fail(ErrorCode::invalid, fmt::format("Analysis spec invalid: {}", problem));
  };

  if (!run.malformed.empty()) return invalid(fmt::format("{}", fmt::join(run.malformed, "; ")));
  const auto values = argumentValues(run.args, secretPlaceholders(run.args));
  if (!values) return unresolved(values.error());
  Resolved resolved;
  for (const api::Metric& metric : run.metrics) {
    auto filled = fillIn(metric, *values);
    if (!filled) return unresolved(filled.error());
    resolved.metrics.push_back(std::move(*filled));
  }
  if (const auto problem = invalidMetrics(resolved.metrics)) return invalid(*problem);

  resolved.dry_run.assign(resolved.metrics.size(), false);
  const auto dry = matchRules("dryRun", run.dry_run, resolved.metrics,
                              [&](std::size_t metric, const api::MetricRule&) { resolved.dry_run[metric] = true; });
  if (!dry) return invalid(dry.error().message);

  resolved.retention.assign(resolved.metrics.size(), default_retention);
  const auto kept = matchRules("measurementRetention", run.measurement_retention, resolved.metrics,
                               [&](std::size_t metric, const api::MetricRule& rule) {
                                 resolved.retention[metric] = rule.limit > 0 ? rule.limit : default_retention;
                               });
  if (!kept) return invalid(kept.error().message);

  resolved.status_budget = statusBudget(run);
  if (const std::size_t least = leastStatusSize(resolved.metrics); least > resolved.status_budget) {
    return invalid(
        fmt::format("metrics: the results of {} metrics take {} bytes at least, and a status has room for {}",
                    resolved.metrics.size(), least, resolved.status_budget));
  }
  return resolved;
}

}  // namespace crossfade::analysis
