// Graphite's render API. spec/08 §12.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "expr/numbers.hpp"
#include "expr/value.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(10);

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// The parameters of the render request, sorted by name; blanks anywhere in the query mean nothing.
Result<std::string> renderQuery(std::string query) {
  std::erase_if(query, [](unsigned char c) { return std::isspace(c) != 0; });
  auto parameters = net::parseQuery(query);
  if (!parameters) {
    std::size_t at = query.find('%');
    while (at != query.npos && net::percentDecode(query.substr(at, 3))) at = query.find('%', at + 1);
    return refuse(fmt::format("parse {}: invalid URL escape {}", go::quote("./render?" + query),
                              go::quote(query.substr(std::min(at, query.size()), 3))));
  }
  std::erase_if(*parameters, [](const auto& parameter) { return parameter.first == "format"; });
  parameters->emplace_back("format", "json");
  std::ranges::stable_sort(*parameters, {}, [](const auto& parameter) { return parameter.first; });
  return formEncode(*parameters);
}

std::string printed(const json::value& value) { return expr::format(expr::fromJson(value)); }

// The value of a point [value, timestamp]; empty where it is null.
Result<std::optional<double>> readPoint(const json::value& item) {
  const json::array* point = item.if_array();
  if (point == nullptr) return refuse(wrongType(item, "[]interface {}"));
  if (point->size() != 2) return refuse("error unmarshaling data point: " + printed(item));
  const json::value &value = (*point)[0], &time = (*point)[1];
  std::optional<double> number;
  if (value.is_number()) {
    number = value.to_number<double>();
  } else if (value.is_string()) {
    const auto parsed = expr::parseFloat(value.get_string());
    if (!parsed) return std::unexpected(parsed.error());
    number = *parsed;
  } else if (!value.is_null()) {
    return refuse("error unmarshaling value: " + printed(value));
  }
  if (time.is_string()) {
    const auto parsed = expr::parseInteger(time.get_string());
    if (!parsed) return std::unexpected(parsed.error());
  } else if (!time.is_null() && !time.is_number()) {
    return refuse("error unmarshaling timestamp: " + printed(time));
  }
  return number;
}

// fixed-6.
std::string spell(double value) {
  return std::isfinite(value) ? fmt::format("{:.6f}", value) : go::shortestFixed(value);
}

Result<Reading> decode(const net::Response& response) {
  if (response.status >= 400) return fail(ErrorCode::unavailable, "error response: " + response.body);
  const auto answer = expr::parseAnswer(response.body);
  if (!answer) return refuse(go::jsonProblem(response.body));
  const json::array* targets = answer->if_array();
  if (targets == nullptr && !answer->is_null()) return refuse(wrongType(*answer, "[]graphite.dataPointsResponse"));
  // Only the first target counts.
  const json::value* points = targets == nullptr || targets->empty() ? nullptr : find(targets->front(), {"datapoints"});
  const json::array* list = points == nullptr ? nullptr : points->if_array();
  if (points != nullptr && list == nullptr && !points->is_null())
    return refuse(wrongType(*points, "[]graphite.dataPoint"));
  if (list == nullptr || list->empty()) return fail(ErrorCode::not_found, "no values found");
  std::vector<double> values;
  for (const json::value& item : *list) {
    const auto value = readPoint(item);
    if (!value) return std::unexpected(value.error());
    if (*value) values.push_back(**value);
  }
  Reading reading;
  reading.value = listText(values, spell);
  reading.result = std::move(values);
  reading.keeps_value = true;
  return reading;
}

class Graphite final : public QueryProvider {
 public:
  Graphite(const Context& context, net::Url address, std::string query)
      : QueryProvider(context), address_(std::move(address)), query_(std::move(query)) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    const auto query = renderQuery(query_);
    if (!query) co_return fail(query.error());
    BackendRequest request{.url = address_, .client_timeout = true};
    request.url.path = joinPath(address_.path, "/render");
    request.url.query = *query;
    const Result<net::Response> response = co_await fetch(std::move(request), began + patience);
    if (!response) co_return fail(response.error());
    co_return decode(*response);
  }

 private:
  const net::Url address_;
  const std::string query_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeGraphite(const Context& context, const json::object& json) {
  const std::string_view address = getString(json, {"address"});
  auto url = net::parseUrl(address);
  if (!url) return refuse(fmt::format("Graphite address {} is not a valid URL", address));
  return std::make_unique<Graphite>(context, std::move(*url), std::string(getString(json, {"query"})));
}

}  // namespace crossfade::providers
