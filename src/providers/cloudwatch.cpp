// Amazon CloudWatch's GetMetricData. spec/08 §11.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "expr/value.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(30);
constexpr int max_attempts = 3;
constexpr Duration first_pause = milliseconds(500);
constexpr std::string_view operation = "operation error CloudWatch: GetMetricData, ";

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// --- the request -----------------------------------------------------------------------------------------------------

// The members of `from`, under CloudWatch's names.
using Names = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void copyMembers(const json::object& from, Names names, json::object& to) {
  for (const auto& [ours, theirs] : names) {
    const json::value* value = find(from, {ours});
    if (value != nullptr && !value->is_null()) to[theirs] = *value;
  }
}

// A period is a number or a text with one; any other text counts as 0.
void copyPeriod(const json::object& from, json::object& to) {
  const json::value* period = find(from, {"period"});
  if (period == nullptr || period->is_null()) return;
  std::int64_t number = asInteger(*period).value_or(0);
  if (period->is_string()) {
    const std::string_view text = period->get_string();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = 0;
  }
  to["Period"] = number;
}

json::object statistic(const json::object& from) {
  json::object metric, stat;
  if (const json::object* given = getObject(from, {"metric"})) {
    copyMembers(*given, {{"metricName", "MetricName"}, {"namespace", "Namespace"}}, metric);
    if (const json::array* dimensions = getArray(*given, {"dimensions"})) {
      json::array& list = metric["Dimensions"].emplace_array();
      for (const json::value& item : *dimensions) {
        json::object dimension;
        if (item.is_object()) copyMembers(item.get_object(), {{"name", "Name"}, {"value", "Value"}}, dimension);
        list.push_back(std::move(dimension));
      }
    }
  }
  stat["Metric"] = std::move(metric);
  copyPeriod(from, stat);
  copyMembers(from, {{"stat", "Stat"}, {"unit", "Unit"}}, stat);
  return stat;
}

json::array dataQueries(const json::object& json) {
  json::array queries;
  const json::array* given = getArray(json, {"metricDataQueries"});
  for (const json::value& item : given == nullptr ? json::array() : *given) {
    const json::object* from = item.if_object();
    if (from == nullptr) continue;
    json::object query;
    copyMembers(*from, {{"id", "Id"}, {"expression", "Expression"}, {"label", "Label"}, {"returnData", "ReturnData"}},
                query);
    copyPeriod(*from, query);
    if (const json::object* stat = getObject(*from, {"metricStat"})) query["MetricStat"] = statistic(*stat);
    queries.push_back(std::move(query));
  }
  return queries;
}

// --- the answer ------------------------------------------------------------------------------------------------------

expr::Value textOf(const json::object& record, std::string_view name) {
  const json::value* text = find(record, {name});
  return text == nullptr || !text->is_string() ? expr::Value() : expr::Value(std::string(text->get_string()));
}

expr::Value finished(expr::List list) {
  expr::measure(list);
  return list;
}

// What conditions see of a record. spec/07 A3.
const std::vector<std::pair<std::string, expr::TypeRef>>& recordFields() {
  using namespace expr::types;
  static const std::vector<std::pair<std::string, expr::TypeRef>> fields = {{"Id", string()},
                                                                            {"Label", string()},
                                                                            {"Messages", listOf(any())},
                                                                            {"StatusCode", string()},
                                                                            {"Timestamps", listOf(time())},
                                                                            {"Values", floatList()}};
  return fields;
}

// A record's fields in that order. `shown` gets its values as a measurement shows them.
std::vector<expr::Value> recordValues(const json::object& record, std::string& shown) {
  expr::List values{.elements = expr::List::Elements::floating}, times, messages;
  if (const json::array* list = getArray(record, {"Values"})) {
    for (const json::value& value : *list) {
      if (!value.is_number()) continue;
      values.items.emplace_back(value.to_number<double>());
      shown += (shown.empty() ? "" : " ") + go::shortestGeneral(value.to_number<double>());
    }
  }
  if (const json::array* list = getArray(record, {"Timestamps"})) {
    constexpr double last = 1e11;
    for (const json::value& time : *list) {
      if (!time.is_number()) continue;
      const double at = std::clamp(time.to_number<double>(), -last, last);
      times.items.emplace_back(expr::Moment{static_cast<std::int64_t>(std::floor(at))});
    }
  }
  if (const json::array* list = getArray(record, {"Messages"})) {
    for (const json::value& message : *list) messages.items.push_back(expr::fromJson(message));
  }
  return {textOf(record, "Id"),         textOf(record, "Label"),    finished(std::move(messages)),
          textOf(record, "StatusCode"), finished(std::move(times)), finished(std::move(values))};
}

Result<Reading> decode(const net::Response& response) {
  const auto answer = expr::parseAnswer(response.body);
  if (!answer || !answer->is_object()) {
    return refuse(fmt::format("{}https response error StatusCode: {}, deserialization failed, {}", operation,
                              response.status,
                              answer ? wrongType(*answer, "GetMetricDataOutput") : go::jsonProblem(response.body)));
  }
  Reading reading;
  reading.keeps_value = reading.keeps_metadata = true;
  const json::array* records = getArray(answer->get_object(), {"MetricDataResults"});
  std::vector<std::vector<expr::Value>> rows;
  std::string shown;
  for (const json::value& item : records == nullptr ? json::array() : *records) {
    std::string values;
    rows.push_back(recordValues(item.is_object() ? item.get_object() : json::object(), values));
    shown += fmt::format("{}[{}]", shown.empty() ? "" : " ", values);
  }
  reading.value = "[" + shown + "]";
  reading.result = expr::structures("types.MetricDataResult", recordFields(), rows);
  const json::array* messages = getArray(answer->get_object(), {"Messages"});
  if (messages != nullptr && !messages->empty()) reading.metadata["messages"] = expr::format(expr::fromJson(*messages));
  return reading;
}

// "ValidationError" of "com.amazonaws.cloudwatch#ValidationError:http://…".
std::string codeOf(const json::object& error) {
  std::string_view type = getString(error, {"__type"});
  if (type.empty()) type = getString(error, {"code"});
  type = type.substr(type.rfind('#') == type.npos ? 0 : type.rfind('#') + 1);
  return std::string(type.substr(0, type.find(':')));
}

struct Refusal {
  std::string code, text;
};
Refusal refusalOf(const net::Response& response) {
  const auto parsed = expr::parseAnswer(response.body);
  const json::object* error = parsed ? parsed->if_object() : nullptr;
  Refusal refusal;
  std::string message = response.body.substr(0, 1024);
  if (error != nullptr) {
    refusal.code = codeOf(*error);
    message = getString(*error, {"message"}, getString(*error, {"Message"}));
  }
  if (refusal.code.empty()) refusal.code = "UnknownError";
  refusal.text = fmt::format("https response error StatusCode: {}, RequestID: {}, api error {}: {}", response.status,
                             response.headers.get("x-amzn-RequestId"), refusal.code, message);
  return refusal;
}

bool isPassing(const net::Response& response, std::string_view code) {
  static constexpr std::array<std::string_view, 5> throttled{"Throttling", "ThrottlingException", "ThrottledException",
                                                             "RequestThrottled", "TooManyRequestsException"};
  return response.status >= 500 || response.status == 429 || std::ranges::find(throttled, code) != throttled.end();
}

// --- the provider ----------------------------------------------------------------------------------------------------

class CloudWatch final : public QueryProvider {
 public:
  CloudWatch(const Context& context, json::object settings, std::chrono::nanoseconds interval)
      : QueryProvider(context), settings_(std::move(settings)), interval_(interval) {}

  // Left as they are, without a word. spec/08 §1.1.
  Task<api::Measurement> resume(const api::AnalysisRun&, const api::Metric&, api::Measurement measurement) override {
    co_return measurement;
  }
  Task<api::Measurement> terminate(const api::AnalysisRun&, const api::Metric&, api::Measurement measurement) override {
    co_return measurement;
  }

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    const TimePoint deadline = began + patience;
    const auto aws = awsSession(context_);
    const net::AwsWish wish;
    const std::string region = aws->region(wish);
    if (region.empty()) {
      co_return refuse(std::string(operation) +
                       "failed to resolve service endpoint, endpoint rule error, "
                       "Invalid Configuration: Missing Region");
    }
    const Result<net::AwsCredentials> credentials = co_await aws->credentials(wish, deadline);
    if (!credentials) {
      co_return refuse(fmt::format("{}get identity: get credentials: failed to refresh cached credentials, {}",
                                   operation, credentials.error().message));
    }
    auto url = parseAddress(aws->endpoint("CLOUDWATCH", "monitoring", region));
    if (!url) co_return fail(url.error());
    if (url->path.empty()) url->path = "/";
    BackendRequest request{.method = "POST", .url = std::move(*url)};
    request.headers = {{"Content-Type", "application/x-amz-json-1.0"},
                       {"X-Amz-Target", "GraniteServiceVersion20100801.GetMetricData"}};
    const std::int64_t end = unixSeconds(began);
    request.body = json::serialize(json::object{{"EndTime", end},
                                                {"MetricDataQueries", dataQueries(settings_)},
                                                {"StartTime", end - std::chrono::floor<seconds>(interval_).count()}});
    net::AwsScope scope{region, "monitoring"};
    co_return co_await ask(std::move(request), *credentials, std::move(scope), deadline);
  }

 private:
  Task<Result<Reading>> ask(BackendRequest request, net::AwsCredentials credentials, net::AwsScope scope,
                            TimePoint deadline) const {
    Duration pause = first_pause;
    for (int attempt = 1;; ++attempt, pause *= 2) {
      BackendRequest signed_now = request;
      signForAws(signed_now, credentials, scope, context_.clock.now());
      const Result<net::Response> response = co_await fetch(std::move(signed_now), deadline);
      if (response && response->status == 200) co_return decode(*response);
      std::string problem;
      bool again = false;
      if (response) {
        Refusal refusal = refusalOf(*response);
        again = isPassing(*response, refusal.code);
        problem = std::move(refusal.text);
      } else {
        again = response.error().code == ErrorCode::unavailable;
        problem = "https response error StatusCode: 0, RequestID: , request send failed, " + response.error().message;
      }
      const bool last = attempt == max_attempts || context_.clock.now() + pause >= deadline;
      if (!again || last) {
        const std::string prefix =
            again ? fmt::format("exceeded maximum number of attempts, {}, ", attempt) : std::string();
        co_return fail(ErrorCode::unavailable, fmt::format("{}{}{}", operation, prefix, problem));
      }
      co_await sleepFor(context_.clock, pause);
    }
  }

  const json::object settings_;
  const std::chrono::nanoseconds interval_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeCloudWatch(const Context& context, const json::object& json) {
  const std::string_view text = getString(json, {"interval"});
  const auto interval = go::parseDuration(text.empty() ? "5m" : text);
  if (!interval) return std::unexpected(interval.error());
  return std::make_unique<CloudWatch>(context, json, *interval);
}

}  // namespace crossfade::providers
