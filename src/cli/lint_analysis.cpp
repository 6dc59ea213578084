// Templates and runs of analyses: their metrics, the templates that they name, and every text that is compiled: a
// condition, a path, a time. What depends on an argument without a default is left alone.
#include <fmt/format.h>

#include <map>

#include "analysis/metrics.hpp"
#include "analysis/templates.hpp"
#include "base/go_text.hpp"
#include "cli/lint.hpp"
#include "expr/condition.hpp"
#include "expr/jsonpath.hpp"
#include "expr/template.hpp"

namespace crossfade::cli {

namespace {

constexpr std::string_view dummy = "dummy-value";

using Defaults = std::map<std::string, std::string, std::less<>>;

// The text with the arguments' defaults; nothing where one of them has none.
std::optional<std::string> filled(std::string_view text, const Defaults& defaults) {
  const auto result = expr::substituteArgs(text, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = defaults.find(name);
    return found == defaults.end() ? std::nullopt : std::optional(found->second);
  });
  return result ? std::optional(*result) : std::nullopt;
}

// The types that results of this provider can have (spec/07 A3); dynamic where anything is possible.
std::vector<expr::TypeRef> resultTypes(const json::object& provider) {
  using namespace expr::types;
  if (provider.contains("prometheus")) return {floatList(), floating()};
  if (provider.contains("datadog") || provider.contains("wavefront")) return {floating(), floatList(), nil()};
  if (provider.contains("graphite")) return {floatList()};
  return {any()};
}

class Linter {
 public:
  Linter(const Manifest& manifest, const std::vector<Manifest>& all) : manifest_(manifest), all_(all) {}

  std::vector<Finding> run() {
    const json::object* spec = getObject(manifest_.object, {"spec"});
    if (spec == nullptr) {
      add("spec", "Required value");
      return std::move(findings_);
    }
    readDefaults(*spec);
    const json::array* metrics = getArray(*spec, {"metrics"});
    for (std::size_t i = 0; metrics != nullptr && i < metrics->size(); ++i) {
      if ((*metrics)[i].is_object()) lintMetric((*metrics)[i].get_object(), fmt::format("spec.metrics[{}]", i));
    }
    lintWhole(*spec);
    return std::move(findings_);
  }

 private:
  void add(const std::string& path, std::string body) {
    findings_.push_back({path, std::move(body), manifest_.place(path)});
  }
  void invalid(const std::string& path, std::string_view value, std::string_view detail) {
    add(path, fmt::format("Invalid value: {}: {}", go::quote(value), detail));
  }

  void readDefaults(const json::object& spec) {
    const json::array* args = getArray(spec, {"args"});
    for (const json::value& arg : args == nullptr ? json::array() : *args) {
      const json::object* object = arg.if_object();
      const json::value* value = object == nullptr ? nullptr : find(*object, {"value"});
      if (value != nullptr && value->is_string()) {
        defaults_.emplace(getString(*object, {"name"}), std::string(value->get_string()));
      }
    }
  }

  void lintMetric(const json::object& metric, const std::string& path) {
    const json::object* provider = getObject(metric, {"provider"});
    for (const char* which : {"successCondition", "failureCondition"}) {
      const std::string_view written = getString(metric, {which});
      const auto text = filled(written, defaults_);
      if (text && !text->empty()) lintCondition(*text, path + "." + which, provider);
    }
    if (provider == nullptr) return;
    if (const json::object* web = getObject(*provider, {"web"})) {
      const auto text = filled(getString(*web, {"jsonPath"}), defaults_);
      if (const auto compiled = expr::JsonPath::compile(text.value_or("")); !compiled) {
        invalid(path + ".provider.web.jsonPath", *text, compiled.error().message);
      }
    }
    for (const char* end : {"start", "end"}) {
      const auto text = filled(getString(*provider, {"prometheus", "rangeQuery", end}), defaults_);
      if (!text || text->empty()) continue;
      if (const auto time = expr::evaluateTime(*text, TimePoint()); !time) {
        invalid(fmt::format("{}.provider.prometheus.rangeQuery.{}", path, end), *text, time.error().message);
      }
    }
  }

  // A problem counts when no result of the provider could be without it.
  void lintCondition(const std::string& text, const std::string& path, const json::object* provider) {
    const expr::Condition condition(text);
    std::optional<expr::Problem> problem;
    for (const expr::TypeRef& type : resultTypes(provider == nullptr ? json::object() : *provider)) {
      const auto found = condition.problemFor(type);
      if (!found) return;
      if (!problem) problem = found;
    }
    invalid(path, text, fmt::format("{} ({})", problem->message, expr::position(text, problem->at)));
  }

  // The templates that this one names, put together; and the metrics of it all, as a run would check them.
  void lintWhole(const json::object& spec) {
    const auto run_spec = manifest_.kind() == "AnalysisRun" ? Result<json::object>(spec) : flattened();
    if (!run_spec) {
      if (run_spec.error().code == ErrorCode::not_found) {
        findings_.push_back({"spec.templates", run_spec.error().message, manifest_.place("spec.templates"), true});
      } else {
        add("spec", "Invalid value: " + run_spec.error().message);
      }
      return;
    }
    api::AnalysisRun run = api::decodeAnalysisRun({{"spec", *run_spec}});
    for (const std::string& problem : run.malformed) findings_.push_back(findingAt(manifest_, problem));
    analysis::ArgumentValues values;
    for (api::Argument& argument : run.args) {
      if (!argument.value) argument.value = dummy;
      values.emplace_back(argument.name, *argument.value);
    }
    for (std::size_t i = 0; i < run.metrics.size(); ++i) {
      if (const auto known = analysis::fillIn(run.metrics[i], values); !known) {
        return invalid(fmt::format("spec.metrics[{}]", i), run.metrics[i].name, known.error().message);
      }
      forgetWhatIsOpen(run.metrics[i]);
    }
    const auto resolved = analysis::resolve(run);
    if (resolved) return;
    constexpr std::string_view prefix = "Analysis spec invalid: ";
    std::string_view message = resolved.error().message;
    if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
    // "metrics[1]: interval must be …" names a part of the spec, where its own metrics come first.
    const std::size_t colon = message.find(": ");
    const bool located = colon != std::string_view::npos && message.substr(0, colon).ends_with(']');
    const std::string path = located ? fmt::format("spec.{}", message.substr(0, colon)) : "spec.metrics";
    add(path, fmt::format("Invalid value: {}", located ? message.substr(colon + 2) : message));
  }

  // Numbers and durations that an argument without a default decides.
  void forgetWhatIsOpen(api::Metric& metric) const {
    const auto open = [&](const std::string& text) { return !filled(text, defaults_); };
    if (open(metric.interval)) metric.interval = "1s";
    if (open(metric.initial_delay)) metric.initial_delay.clear();
    for (std::string* number : {&metric.count, &metric.failure_limit, &metric.inconclusive_limit,
                                &metric.consecutive_error_limit, &metric.consecutive_success_limit}) {
      if (open(*number)) number->clear();
    }
  }

  Result<json::object> flattened() const {
    const analysis::TemplateLookup lookup = [&](std::string_view name,
                                                bool cluster_scope) -> std::shared_ptr<const api::AnalysisTemplate> {
      const bool own = name == manifest_.name() && cluster_scope == isClusterScoped();
      const Manifest* found = own ? &manifest_ : findTemplate(all_, name, cluster_scope);
      if (found == nullptr) return nullptr;
      api::AnalysisTemplate decoded = api::decodeAnalysisTemplate(found->object);
      json::object with_values = decoded.spec.object();
      giveValues(with_values);
      decoded.spec = api::Carried(json::value(std::move(with_values)));
      return std::make_shared<const api::AnalysisTemplate>(std::move(decoded));
    };
    return analysis::runSpec({{std::string(manifest_.name()), isClusterScoped()}}, lookup, {}, {}, {});
  }
  bool isClusterScoped() const { return manifest_.kind() == "ClusterAnalysisTemplate"; }

  // Every argument has some value: whoever uses the template will bring it.
  static void giveValues(json::object& spec) {
    json::value* args = spec.if_contains("args");
    if (args == nullptr || !args->is_array()) return;
    for (json::value& arg : args->get_array()) {
      json::object* object = arg.if_object();
      if (object != nullptr && !object->contains("value") && !object->contains("valueFrom")) (*object)["value"] = dummy;
    }
  }

  const Manifest& manifest_;
  const std::vector<Manifest>& all_;
  Defaults defaults_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> lintAnalysis(const Manifest& manifest, const std::vector<Manifest>& all) {
  return Linter(manifest, all).run();
}

}  // namespace crossfade::cli
