// `analysis try`: measures the metrics of a template once, or judges what was recorded, and shows how it came to the
// verdict. Nothing is created in the cluster; it is asked for Secrets only.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <ostream>

#include "analysis/metrics.hpp"
#include "analysis/secrets.hpp"
#include "analysis/templates.hpp"
#include "cli/command_line.hpp"
#include "cli/lint.hpp"
#include "cli/recorder.hpp"
#include "expr/condition.hpp"
#include "expr/json_text.hpp"
#include "expr/numbers.hpp"
#include "providers/provider.hpp"

namespace crossfade::cli {
namespace {

struct Flags {
  std::vector<std::string> files, arguments;
  std::string results, record;
};

// What a result file has of a metric: {"answers": [{"status": 200, "body": "…"}]} of its backend, or else the result
// itself.
using Results = std::map<std::string, json::value, std::less<>>;

Result<Results> readResults(const std::string& file) {
  const auto manifests = readManifests(file);
  if (!manifests) return fail(manifests.error());
  Results results;
  for (const Manifest& manifest : *manifests) {
    for (const auto& [metric, result] : manifest.object) results.emplace(metric, result);
  }
  return results;
}

std::optional<std::vector<RecordedAnswer>> answersIn(const json::value& result) {
  const json::array* list = result.is_object() ? getArray(result.get_object(), {"answers"}) : nullptr;
  if (list == nullptr) return std::nullopt;
  std::vector<RecordedAnswer> answers;
  for (const json::value& item : *list) {
    if (!item.is_object()) continue;
    const json::value* body = find(item, {"body"});
    answers.push_back({static_cast<int>(getInt(item.get_object(), {"status"}, 200)),
                       body == nullptr     ? ""
                       : body->is_string() ? std::string(body->get_string())
                                           : json::serialize(*body)});
  }
  return answers;
}

// Whether the provider measures floats and lists of them (spec/07 A3).
bool measuresFloats(const json::object& provider) {
  return std::ranges::any_of(std::array{"prometheus", "datadog", "wavefront", "graphite"},
                             [&](const char* name) { return provider.contains(name); });
}

// A recorded result as the provider would hand it on. NaN and infinities are texts.
expr::Measured measured(const json::object& provider, const json::value& result) {
  const auto number = [](const json::value& value) -> std::optional<double> {
    if (value.is_number()) return value.to_number<double>();
    const auto parsed = value.is_string() ? expr::parseFloat(value.get_string()) : fail(ErrorCode::invalid, "");
    return parsed ? std::optional(*parsed) : std::nullopt;
  };
  if (!measuresFloats(provider) || result.is_null()) return result.is_null() ? expr::Measured() : result;
  if (const auto one = number(result)) return *one;
  std::vector<double> list;
  for (const json::value& item : result.is_array() ? result.get_array() : json::array()) {
    if (const auto one = number(item)) list.push_back(*one);
  }
  return list;
}

// The result behind a measurement's value, as far as the value tells: to show what the conditions make of it.
std::optional<expr::Measured> behind(const json::object& provider, const std::string& value) {
  const bool json_values = provider.contains("web") || provider.contains("newRelic") || provider.contains("skywalking");
  if (json_values) {
    const auto parsed = expr::parseAnswer(value);
    return parsed ? expr::Measured(*parsed) : expr::Measured(value);
  }
  if (!measuresFloats(provider)) return std::nullopt;
  std::string_view rest = value;
  const bool list = rest.starts_with('[') && rest.ends_with(']');
  if (list) rest = rest.substr(1, rest.size() - 2);
  std::vector<double> numbers;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const auto number = expr::parseFloat(item);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  if (list) return numbers;
  return numbers.size() == 1 ? std::optional<expr::Measured>(numbers[0]) : std::nullopt;
}

class Trial {
 public:
  Trial(Session& session, Flags flags) : session_(session), flags_(std::move(flags)) {}

  Task<Result<>> run() {
    if (const auto prepared = prepare(); !prepared) co_return prepared;
    const auto secrets = co_await analysis::readSecrets(session_.client, run_);
    if (!secrets) co_return fail(secrets.error());
    secrets_ = *secrets;
    const auto values = analysis::argumentValues(run_->args, secrets_);
    if (!values) co_return fail(values.error());
    std::string verdicts;
    for (const api::Metric& metric : run_->metrics) {
      const auto filled = analysis::fillIn(metric, *values);
      if (!filled)
        co_return fail(ErrorCode::invalid, fmt::format("metric {}: {}", metric.name, filled.error().message));
      const std::string phase = co_await tryOne(*filled);
      if (phase != "Successful") verdicts += fmt::format("{}{}: {}", verdicts.empty() ? "" : ", ", metric.name, phase);
    }
    if (const auto written = writeRecord(); !written) co_return written;
    if (!verdicts.empty()) co_return fail(ErrorCode::invalid, verdicts);
    co_return Result<>();
  }

 private:
  Result<> prepare() {
    for (const std::string& file : flags_.files) {
      auto read = readManifests(file);
      if (!read) return fail(read.error());
      std::ranges::move(*read, std::back_inserter(manifests_));
    }
    if (!flags_.results.empty()) {
      auto results = readResults(flags_.results);
      if (!results) return fail(results.error());
      results_ = std::move(*results);
    }
    const auto tried =
        std::ranges::find_if(manifests_, [](const Manifest& one) { return one.kind().ends_with("AnalysisTemplate"); });
    if (tried == manifests_.end()) return fail(ErrorCode::invalid, "there is no AnalysisTemplate in the files");
    std::vector<std::pair<std::string, std::string>> arguments;
    for (const std::string& pair : flags_.arguments) {
      const std::size_t sign = pair.find('=');
      if (sign == std::string::npos) return fail(ErrorCode::invalid, "arguments must be in the form NAME=VALUE");
      arguments.emplace_back(pair.substr(0, sign), pair.substr(sign + 1));
    }
    const analysis::TemplateLookup lookup = [&](std::string_view name,
                                                bool cluster_scope) -> std::shared_ptr<const api::AnalysisTemplate> {
      const Manifest* found = findTemplate(manifests_, name, cluster_scope);
      if (found == nullptr) return nullptr;
      return std::make_shared<const api::AnalysisTemplate>(api::decodeAnalysisTemplate(found->object));
    };
    const bool cluster_scope = tried->kind() == "ClusterAnalysisTemplate";
    auto spec = analysis::runSpec({{std::string(tried->name()), cluster_scope}}, lookup, arguments, {}, {});
    if (!spec) return fail(spec.error());
    run_ = std::make_shared<const api::AnalysisRun>(api::decodeAnalysisRun(
        {{"metadata", {{"name", tried->name()}, {"namespace", session_.ns}}}, {"spec", std::move(*spec)}}));
    // What a run of it would say before it measured anything.
    const auto resolved = analysis::resolve(*run_);
    return resolved ? Result<>() : fail(resolved.error());
  }

  // --- one metric ---

  Task<std::string> tryOne(const api::Metric& metric) {
    fmt::print(session_.out, "Metric {} ({})\n", metric.name, providers::providerType(metric));
    const json::object provider = metric.provider.object();
    const auto recorded = results_.find(metric.name);
    if (!flags_.results.empty() && recorded == results_.end()) {
      co_return verdict("Error", "there is no recorded result of this metric");
    }
    std::optional<std::vector<RecordedAnswer>> answers;
    if (recorded != results_.end()) answers = answersIn(recorded->second);
    if (recorded != results_.end() && !answers) {
      const expr::Measured result = measured(provider, recorded->second);
      const auto shown = expr::compactJson(result.value);
      show("value", shown ? *shown : format(result.value));
      showConditions(metric, result);
      const expr::Verdict judged =
          expr::assess(result, metric.success_condition, metric.failure_condition, session_.clock.now());
      co_return verdict(judged.phase, judged.error);
    }
    if (provider.contains("job") || provider.contains("plugin")) {
      co_return verdict("Unknown", "nothing is started for a trial; see `create analysisrun`");
    }
    co_return co_await measure(metric, provider, std::move(answers));
  }

  // Once without conditions, for the value; then the same answers with them, for the verdict.
  Task<std::string> measure(const api::Metric& metric, const json::object& provider,
                            std::optional<std::vector<RecordedAnswer>> answers) {
    Recorder recorder(session_.dialer, session_.clock);
    if (answers) recorder.replay(std::move(*answers));
    api::Metric bare = metric;
    bare.success_condition.clear();
    bare.failure_condition.clear();
    const api::Measurement value = co_await ask(recorder, bare);
    std::vector<RecordedAnswer> given;
    for (const Exchange& exchange : recorder.take()) {
      showExchange(exchange);
      given.push_back(exchange.answer);
    }
    keep(metric.name, given);
    if (!value.value.empty()) show("value", value.value);
    for (const auto& [name, text] : value.metadata) show(name, text);
    if (value.phase != "Successful") co_return verdict(value.phase, value.message);
    showConditions(metric, behind(provider, value.value));
    recorder.replay(std::move(given));
    const api::Measurement judged = co_await ask(recorder, metric);
    co_return verdict(judged.phase, judged.message);
  }

  void keep(const std::string& metric, const std::vector<RecordedAnswer>& answers) {
    json::array& kept = record_[metric].emplace_object()["answers"].emplace_array();
    for (const RecordedAnswer& answer : answers) {
      kept.push_back(json::object{{"status", answer.status}, {"body", answer.body}});
    }
  }

  Task<api::Measurement> ask(net::Dialer& dialer, const api::Metric& metric) {
    const auto provider = providers::makeProvider(contextFor(dialer), metric);
    if (!provider) co_return providers::failedMeasurement(session_.clock.now(), provider.error().message);
    co_return co_await (*provider)->run(*run_, metric);
  }

  providers::Context contextFor(net::Dialer& dialer) const {
    providers::Context context{session_.client, dialer, session_.clock, "", ""};
    context.environment = [](std::string_view name) -> std::optional<std::string> {
      const char* value = std::getenv(std::string(name).c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    return context;
  }

  // --- what is printed ---

  void showConditions(const api::Metric& metric, const std::optional<expr::Measured>& result) {
    for (const auto& [label, text] :
         {std::pair("success", metric.success_condition), std::pair("failure", metric.failure_condition)}) {
      if (text.empty()) continue;
      const expr::Condition condition(text);
      const auto holds = result ? condition.holds(*result, session_.clock.now()) : std::unexpected(expr::Problem{});
      const auto problem = holds ? std::nullopt : result ? std::optional(holds.error()) : condition.problem();
      if (!problem) {
        show(label, text + (holds ? fmt::format("  is {}", *holds) : std::string()));
        continue;
      }
      show(label, {fmt::format("{}: {}", expr::position(text, problem->at), problem->message),
                   expr::excerpt(text, problem->at)});
    }
  }

  std::string verdict(std::string_view phase, std::string_view message) {
    show("verdict", fmt::format("{}{}{}", phase, message.empty() ? "" : ": ", message));
    return std::string(phase);
  }

  void showExchange(const Exchange& exchange) {
    show("request", describe(exchange));
    const RecordedAnswer& answer = exchange.answer;
    show("answer", exchange.problem.empty()
                       ? fmt::format("{}, {} bytes: {}", answer.status, answer.body.size(), cut(answer.body))
                       : exchange.problem);
  }

  static std::string cut(std::string_view text) {
    constexpr std::size_t longest = 1000;
    return std::string(text.substr(0, longest)) + (text.size() > longest ? "…" : "");
  }

  void show(std::string_view label, const std::vector<std::string>& lines) {
    for (std::string line : lines) {
      for (const auto& [name, secret] : secrets_) {
        for (std::size_t at = 0; !secret.empty() && (at = line.find(secret, at)) != std::string::npos;) {
          line.replace(at, secret.size(), "*****");
        }
      }
      // Lines of a text stand below one another.
      for (std::string_view rest = line;;) {
        fmt::print(session_.out, "  {:<9} {}\n", std::exchange(label, ""), rest.substr(0, rest.find('\n')));
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
      }
    }
  }
  void show(std::string_view label, std::string line) { show(label, std::vector<std::string>{std::move(line)}); }

  Result<> writeRecord() const {
    if (flags_.record.empty()) return {};
    std::ofstream file(flags_.record);
    file << json::serialize(record_) << "\n";
    file.close();
    return file ? Result<>() : fail(ErrorCode::invalid, fmt::format("{} can't be written", flags_.record));
  }

  Session& session_;
  Flags flags_;
  std::vector<Manifest> manifests_;
  Results results_;
  json::object record_;
  std::shared_ptr<const api::AnalysisRun> run_;
  analysis::ArgumentValues secrets_;
};

Task<Result<>> tryTemplate(Session& session, Flags flags) {
  Trial trial(session, std::move(flags));
  co_return co_await trial.run();
}

}  // namespace

void addAnalysisCommand(Commands& commands) {
  CLI::App& group = commands.addGroup("analysis", "Try analyses before they decide");
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = commands.add(
      {.name = "try",
       .description = "Measure the metrics of an AnalysisTemplate once, and show how the verdict comes about",
       .min_names = 0,
       .max_names = 0,
       .valid = [flags](const Names&) { return !flags->files.empty(); },
       .action = [flags](Session& session, Names) { return tryTemplate(session, *flags); },
       .cluster_optional = true},
      &group);
  app.add_option("-f,--filename", flags->files,
                 "File with the template; more of them (or more documents) for templates that it names")
      ->allow_extra_args(false);
  app.add_option("-a,--arg", flags->arguments, "NAME=VALUE (repeatable)")->allow_extra_args(false);
  app.add_option("--result", flags->results,
                 "File with recorded results by metric, instead of asking the backends: a result, or {\"answers\": "
                 "[{\"status\": 200, \"body\": …}]}");
  app.add_option("--record", flags->record, "File to write the backends' answers to, for --result");
}

}  // namespace crossfade::cli
