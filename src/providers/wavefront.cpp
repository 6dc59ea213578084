// Wavefront (VMware Aria Operations for Applications). spec/08 §7.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(30);
constexpr std::string_view secret_name = "wavefront-api-tokens";
// The service's way to say: too many requests.
constexpr int rate_limited = 406;
constexpr int max_retries = 10;

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// Longer from one try to the next, and never as a multiple of what others wait.
Duration pause(int retry) {
  constexpr Duration step = milliseconds(500), longest = seconds(5), apart = milliseconds(75);
  return std::min<Duration>(retry * step + apart, longest);
}

struct Point {
  std::int64_t time = 0;
  double value = 0;
};

// The point nearest to `start`, the first of those that are equally near.
Result<Point> nearest(const json::object& series, std::int64_t start) {
  const json::array* data = getArray(series, {"data"});
  Point best;
  bool found = false;
  for (const json::value& item : data == nullptr ? json::array() : *data) {
    const json::array* pair = item.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_number() || !(*pair)[1].is_number()) {
      return refuse("a point of a TimeSeries is no pair of numbers: " + compactJson(item));
    }
    const double time = (*pair)[0].to_number<double>();
    constexpr double last = 1e15;
    const Point point{static_cast<std::int64_t>(std::clamp(time, -last, last)), (*pair)[1].to_number<double>()};
    if (found && std::llabs(point.time - start) >= std::llabs(best.time - start)) continue;
    best = point;
    found = true;
  }
  if (!found) {
    return refuse(
        fmt::format("TimeSeries {} in response from Wavefront has no points", go::quote(getString(series, {"label"}))));
  }
  return best;
}

// fixed-2.
std::string spell(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f}", value) : go::shortestFixed(value);
}

Result<Reading> decode(const net::Response& response, std::int64_t start) {
  if (response.status / 100 != 2) {
    return fail(ErrorCode::unavailable,
                fmt::format("server returned {}\n{}\n", statusLine(response.status), response.body));
  }
  const auto answer = expr::parseAnswer(response.body);
  if (!answer) return refuse(go::jsonProblem(response.body));
  if (!answer->is_object()) return refuse(wrongType(*answer, "wavefront.QueryResponse"));
  Reading reading;
  reading.keeps_metadata = true;
  const std::string_view warnings = getString(answer->get_object(), {"warnings"});
  if (!warnings.empty()) reading.metadata["warnings"] = warnings;
  const json::array* series = getArray(answer->get_object(), {"timeseries"});
  if (series == nullptr || series->empty()) {
    reading.error = "No TimeSeries found in response from Wavefront";
    return reading;
  }
  std::vector<double> values;
  std::string times, drifts;
  for (const json::value& item : *series) {
    const auto point = nearest(item.is_object() ? item.get_object() : json::object(), start);
    if (!point) {
      reading.error = point.error().message;
      return reading;
    }
    values.push_back(point->value);
    times += fmt::format("{}{}", times.empty() ? "" : ",", point->time);
    drifts += fmt::format("{}{}", drifts.empty() ? "" : ",", point->time - start);
  }
  const bool one = values.size() == 1;
  reading.metadata["timestamps"] = one ? times : "[" + times + "]";
  reading.metadata["drift"] = one ? drifts : "[" + drifts + "]";
  reading.value = one ? spell(values.front()) : listText(values, spell);
  if (one) {
    reading.result = values.front();
  } else {
    reading.result = std::move(values);
  }
  return reading;
}

class Wavefront final : public QueryProvider {
 public:
  Wavefront(const Context& context, const json::object& json)
      : QueryProvider(context), address_(getString(json, {"address"})), query_(getString(json, {"query"})) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    const auto secret = co_await readSecret(context_.client, context_.controller_namespace, std::string(secret_name));
    if (!secret) co_return fail(secret.error());
    const std::string token = secretValue(*secret, address_);
    if (token.empty()) co_return fail(ErrorCode::not_found, "API token not found");
    auto url = parseAddress("https://" + address_);
    if (!url) co_return fail(url.error());

    const std::int64_t start = unixSeconds(began);
    const std::string time = fmt::format("{}000", start);
    BackendRequest request{.url = std::move(*url)};
    request.url.path = "/api/v2/chart/api";
    request.url.query = formEncode({{"autoEvents", "false"},
                                    {"e", time},
                                    {"g", "s"},
                                    {"i", "true"},
                                    {"includeObsoleteMetrics", "false"},
                                    {"listmode", "false"},
                                    {"p", "1"},
                                    {"q", query_},
                                    {"s", time},
                                    {"strict", "false"}});
    request.headers = {{"Accept", "application/json"}, {"Authorization", "Bearer " + token}};
    const Result<net::Response> response = co_await ask(std::move(request), began + patience);
    if (!response) co_return fail(response.error());
    co_return decode(*response, start);
  }

 private:
  Task<Result<net::Response>> ask(BackendRequest request, TimePoint deadline) const {
    for (int retry = 1;; ++retry) {
      BackendRequest one = request;
      Result<net::Response> response = co_await fetch(std::move(one), deadline);
      const TimePoint next = context_.clock.now() + pause(retry);
      const bool again = response && response->status == rate_limited && retry <= max_retries && next < deadline;
      if (!again) co_return response;
      co_await sleepUntil(context_.clock, next);
    }
  }

  const std::string address_, query_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeWavefront(const Context& context, const json::object& json) {
  return std::make_unique<Wavefront>(context, json);
}

}  // namespace crossfade::providers
