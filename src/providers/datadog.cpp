// Datadog, versions 1 and 2 of its query API. spec/08 §5.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/canonical.hpp"
#include "base/go_text.hpp"
#include "base/log.hpp"
#include "expr/json_text.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// --- what the metric says --------------------------------------------------------------------------------------------

struct Settings {
  std::string interval, query, formula, aggregator, request_timeout;
  std::map<std::string, std::string> queries;
  bool first_version = true;
  std::string secret_name;
  bool namespaced = false;
};

Settings readSettings(const json::object& json) {
  Settings settings;
  settings.interval = getString(json, {"interval"}, "5m");
  settings.query = getString(json, {"query"});
  settings.formula = getString(json, {"formula"});
  settings.aggregator = getString(json, {"aggregator"});
  settings.request_timeout = getString(json, {"requestTimeout"});
  if (settings.request_timeout.empty()) settings.request_timeout = "10s";
  settings.first_version = getString(json, {"apiVersion"}) != "v2";
  settings.secret_name = getString(json, {"secretRef", "name"});
  settings.namespaced = getBool(json, {"secretRef", "namespaced"});
  const json::object* queries = getObject(json, {"queries"});
  for (const auto& [name, query] : queries == nullptr ? json::object() : *queries) {
    if (query.is_string()) settings.queries.emplace(name, query.get_string());
  }
  return settings;
}

// spec/08 §5.3. The time that a request may take.
Result<Duration> validate(const Settings& settings) {
  constexpr std::string_view review = "Please review the Analysis Template.";
  const auto say = [&](std::string_view what) { return refuse(fmt::format("{} {}", what, review)); };
  if (settings.query.empty() && settings.queries.empty()) return say("Must have either a query or queries.");
  if (!settings.query.empty() && !settings.queries.empty()) return say("Cannot have both a query and queries.");
  if (settings.first_version && settings.query.empty()) {
    return refuse("Query is empty. API Version v1 only supports using the query parameter in your Analysis Template.");
  }
  if (!settings.formula.empty() && settings.queries.empty()) return say("Formula are only valid when queries are set.");
  if (settings.queries.size() > 1 && settings.formula.empty()) {
    return refuse("When multiple queries are provided you must include a formula.");
  }
  if (settings.first_version && !settings.aggregator.empty()) return say("Aggregator is not supported in v1.");
  const auto timeout = go::parseDuration(settings.request_timeout);
  if (!timeout) return say(fmt::format("Could not parse the request timeout: {}.", timeout.error().message));
  if (*timeout <= std::chrono::nanoseconds(0)) {
    return say("Request timeout must be a positive duration (e.g. 30s).");
  }
  return std::min<Duration>(std::chrono::ceil<Duration>(*timeout), hours(1));
}

struct Credentials {
  std::string address, api_key, app_key;
};

// --- version 1 -------------------------------------------------------------------------------------------------------

// The series with nothing but their points: what is shown where there is no number.
std::string seriesText(const json::array& series) {
  json::array shown;
  for (const json::value& one : series) {
    const json::value* points = find(one, {"pointlist"});
    shown.push_back(json::object{{"pointlist", points == nullptr ? json::value() : *points}});
  }
  return compactJson(shown);
}

Result<Reading> readFirstVersion(const json::value& answer) {
  Reading reading;
  const json::value* series = find(answer, {"series"});
  if (series == nullptr || series->is_null()) {
    reading.value = "null";
    return reading;
  }
  const json::array* list = series->if_array();
  if (list == nullptr) return refuse("Could not parse JSON body: " + wrongType(*series, "[]struct"));
  const json::value* points = list->empty() ? nullptr : find(list->front(), {"pointlist"});
  const json::array* pairs = points == nullptr ? nullptr : points->if_array();
  if (points != nullptr && pairs == nullptr && !points->is_null()) {
    return refuse("Could not parse JSON body: " + wrongType(*points, "[][]float64"));
  }
  // The newest point that holds a number.
  for (auto point = pairs == nullptr ? std::size_t{0} : pairs->size(); point > 0; --point) {
    const json::array* pair = (*pairs)[point - 1].if_array();
    if (pair == nullptr || pair->size() != 2) return refuse("Datapoint does not have 2 values");
    const json::value& value = (*pair)[1];
    if (value.is_null()) continue;
    if (!value.is_number()) return refuse("Could not parse JSON body: " + wrongType(value, "float64"));
    reading.result = value.to_number<double>();
    reading.value = go::shortestFixed(value.to_number<double>());
    return reading;
  }
  reading.value = seriesText(*list);
  return reading;
}

// --- version 2 -------------------------------------------------------------------------------------------------------

struct Group {
  std::string label;
  double value = 0;
};

// Of a column that may be missing.
const json::array& valuesOf(const json::object* column) {
  static const json::array none;
  const json::array* values = column == nullptr ? nullptr : getArray(*column, {"values"});
  return values == nullptr ? none : *values;
}

Result<std::string> labelAt(const std::vector<const json::object*>& columns, std::size_t index) {
  const auto problem = refuse(fmt::format("could not parse group label at index {}", index));
  std::string label;
  for (const json::object* column : columns) {
    const json::array& values = valuesOf(column);
    const json::array* tags = index < values.size() ? values[index].if_array() : nullptr;
    if (tags == nullptr || tags->empty()) return problem;
    for (const json::value& tag : *tags) {
      if (!tag.is_string()) return problem;
      label += (label.empty() ? "" : ",") + std::string(tag.get_string());
    }
  }
  return label;
}

// All groups; of very many only the lowest and the highest.
void describe(std::vector<Group> groups, std::map<std::string, std::string>& metadata) {
  constexpr std::size_t most = 100, each_end = 50;
  if (groups.size() > most) {
    std::ranges::stable_sort(groups, {}, &Group::value);
    groups.erase(groups.begin() + each_end, groups.end() - each_end);
    metadata["groups_truncated"] = "true";
  }
  std::string text;
  for (const Group& group : groups) {
    text += text.empty() ? "{\"name\":" : ",{\"name\":";
    api::appendCanonicalString(text, group.label);
    text += ",\"value\":" + go::jsonNumber(group.value) + "}";
  }
  metadata["groups"] = "[" + text + "]";
}

Result<Reading> readSecondVersion(const json::value& answer) {
  if (const json::value* errors = find(answer, {"data", "errors"}); errors != nullptr && errors->is_string()) {
    const std::string_view text = errors->get_string();
    if (!text.empty()) return refuse(fmt::format("There were errors in your query: {}", text));
  }
  const json::value* columns = find(answer, {"data", "attributes", "columns"});
  if (columns != nullptr && !columns->is_array() && !columns->is_null()) {
    return refuse("Could not parse JSON body: " + wrongType(*columns, "[]struct"));
  }
  const json::object* numbers = nullptr;
  std::vector<const json::object*> group_columns;
  static const json::array none;
  const json::array* all = columns == nullptr ? nullptr : columns->if_array();
  for (const json::value& item : all == nullptr ? none : *all) {
    const json::object* column = item.if_object();
    if (column == nullptr) return refuse("Could not parse JSON body: " + wrongType(item, "struct"));
    const std::string_view type = getString(*column, {"type"});
    if (numbers == nullptr && (type.empty() || type == "number")) numbers = column;
    if (type == "group") group_columns.push_back(column);
  }
  std::vector<Group> found;
  const json::array& values = valuesOf(numbers);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].is_null()) continue;
    if (!values[i].is_number()) {
      return refuse(fmt::format("could not parse numeric value {} in column {}: {}",
                                go::quote(json::serialize(values[i])), go::quote(getString(*numbers, {"name"})),
                                wrongType(values[i], "float64")));
    }
    Group group{.label = {}, .value = values[i].to_number<double>()};
    if (!group_columns.empty()) {
      auto label = labelAt(group_columns, i);
      if (!label) return std::unexpected(label.error());
      group.label = std::move(*label);
    }
    found.push_back(std::move(group));
  }
  Reading reading;
  reading.value = "[]";
  if (found.empty()) return reading;
  if (group_columns.empty()) {
    reading.result = found.front().value;
    reading.value = go::shortestFixed(found.front().value);
    return reading;
  }
  std::vector<double> list;
  for (const Group& group : found) list.push_back(group.value);
  reading.value = listText(list, go::shortestFixed);
  reading.result = std::move(list);
  describe(std::move(found), reading.metadata);
  return reading;
}

// --- the provider ----------------------------------------------------------------------------------------------------

class Datadog final : public QueryProvider {
 public:
  Datadog(const Context& context, Settings settings) : QueryProvider(context), settings_(std::move(settings)) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun& run, TimePoint began) override {
    // Credentials come first: a problem with them hides those of the template.
    const Result<Credentials> credentials = co_await findCredentials(run);
    if (!credentials) co_return fail(credentials.error());
    const auto timeout = validate(settings_);
    if (!timeout) co_return fail(timeout.error());
    const auto interval = go::parseDuration(settings_.interval);
    if (!interval) co_return fail(interval.error());
    if (settings_.first_version) {
      log::warn("Datadog will soon deprecate their API v1. Please consider switching to v2 soon.");
    }
    auto request = prepare(*credentials, began, std::chrono::floor<seconds>(*interval));
    if (!request) co_return fail(request.error());
    BackendRequest asked = std::move(*request);
    const Result<net::Response> response = co_await fetch(std::move(asked), began + *timeout);
    if (!response) co_return fail(response.error());
    co_return decode(*response);
  }

 private:
  // spec/08 §5.2.
  Task<Result<Credentials>> findCredentials(const api::AnalysisRun& run) const {
    if (settings_.namespaced && settings_.secret_name.empty()) {
      co_return refuse("secret name is required for namespaced credentials");
    }
    if (settings_.secret_name.empty() && context_.environment) {
      const auto api_key = context_.environment("DD_API_KEY"), app_key = context_.environment("DD_APP_KEY"),
                 address = context_.environment("DD_ADDRESS");
      if (api_key && app_key && address && !api_key->empty() && !app_key->empty()) {
        co_return Credentials{*address, *api_key, *app_key};
      }
    }
    std::string ns = settings_.namespaced ? run.metadata.ns : context_.controller_namespace;
    std::string name = settings_.secret_name;
    if (name.empty()) name = "datadog";
    const auto secret = co_await readSecret(context_.client, ns, name);
    if (!secret) log::debug("secret {}/{}: {}", ns, name, secret.error().message);
    const auto values = secret ? *secret : std::map<std::string, std::string>();
    Credentials found{secretValue(values, "address"), secretValue(values, "api-key"), secretValue(values, "app-key")};
    if (found.api_key.empty() || found.app_key.empty()) {
      co_return fail(ErrorCode::not_found, "failed to find the credentials for datadog metrics provider");
    }
    co_return found;
  }

  // spec/08 §5.4.
  Result<BackendRequest> prepare(const Credentials& credentials, TimePoint began, seconds interval) const {
    const std::string address = credentials.address.empty() ? "https://api.datadoghq.com" : credentials.address;
    auto url = parseAddress(address);
    if (!url) return std::unexpected(url.error());
    BackendRequest request{.method = "GET",
                           .url = std::move(*url),
                           .client_timeout = true,
                           .body_problem = "Received no bytes in response: "};
    request.headers = {{"Content-Type", "application/json"},
                       {"DD-API-KEY", credentials.api_key},
                       {"DD-APPLICATION-KEY", credentials.app_key}};
    const std::int64_t to = unixSeconds(began), from = to - interval.count();
    if (settings_.first_version) {
      request.url.path += "/api/v1/query";
      request.url.query =
          formEncode({{"from", std::to_string(from)}, {"query", settings_.query}, {"to", std::to_string(to)}});
      return request;
    }
    constexpr std::int64_t milliseconds_a_second = 1000;
    request.method = "POST";
    request.url.path += "/api/v2/query/scalar";
    json::array queries, formulas;
    auto named = settings_.queries;
    if (named.empty()) named.emplace("query", settings_.query);
    for (const auto& [name, query] : named) {
      queries.push_back(json::object{{"aggregator", settings_.aggregator.empty() ? "last" : settings_.aggregator},
                                     {"data_source", "metrics"},
                                     {"name", name},
                                     {"query", query}});
    }
    if (!settings_.formula.empty()) formulas.push_back(json::object{{"formula", settings_.formula}});
    request.body = json::serialize(
        json::object{{"data", json::object{{"attributes", json::object{{"from", from * milliseconds_a_second},
                                                                       {"to", to * milliseconds_a_second},
                                                                       {"queries", std::move(queries)},
                                                                       {"formulas", std::move(formulas)}}},
                                           {"type", "scalar_request"}}}});
    return request;
  }

  // spec/08 §5.5.
  Result<Reading> decode(const net::Response& response) const {
    if (response.status == 401 || response.status == 403) {
      return fail(ErrorCode::unauthorized,
                  fmt::format("received authentication error response code: {} {}", response.status, response.body));
    }
    if (response.status != 200) {
      return fail(ErrorCode::unavailable,
                  fmt::format("received non 2xx response code: {} {}", response.status, response.body));
    }
    const auto answer = expr::parseAnswer(response.body);
    if (!answer) return refuse("Could not parse JSON body: " + go::jsonProblem(response.body));
    if (!answer->is_object()) return refuse("Could not parse JSON body: " + wrongType(*answer, "struct"));
    return settings_.first_version ? readFirstVersion(*answer) : readSecondVersion(*answer);
  }

  const Settings settings_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeDatadog(const Context& context, const json::object& json) {
  return std::make_unique<Datadog>(context, readSettings(json));
}

}  // namespace crossfade::providers
