// Apache SkyWalking's GraphQL API. spec/08 §14.
#include <fmt/format.h>

#include <ctime>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(30);

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// "2026-01-01 0830" where this process runs: SkyWalking reads times in its own zone and is told none.
std::string localMinute(TimePoint time) {
  const std::time_t seconds = unixSeconds(time);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min);
}

// The answer's own errors come first, then its data; the HTTP status says nothing.
Result<Reading> decode(const net::Response& response) {
  const auto answer = expr::parseAnswer(response.body);
  if (!answer) return refuse("decoding response: " + go::jsonProblem(response.body));
  if (!answer->is_object()) return refuse("decoding response: " + wrongType(*answer, "graphql.graphResponse"));
  const json::array* errors = getArray(answer->get_object(), {"errors"});
  if (errors != nullptr && !errors->empty()) {
    const json::object* first = errors->front().if_object();
    return refuse(fmt::format("graphql: {}", first == nullptr ? "" : getString(*first, {"message"})));
  }
  const json::value* data = find(*answer, {"data"});
  if (data == nullptr || data->is_null()) {
    return fail(ErrorCode::not_found, "no results returned from SkyWalking query");
  }
  if (!data->is_object()) return refuse("decoding response: " + wrongType(*data, "map[string]interface {}"));
  Reading reading;
  reading.value = compactJson(*data);
  reading.result = *data;
  return reading;
}

class SkyWalking final : public QueryProvider {
 public:
  SkyWalking(const Context& context, const json::object& json)
      : QueryProvider(context),
        address_(getString(json, {"address"})),
        query_(getString(json, {"query"})),
        interval_(getString(json, {"interval"})) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    const auto interval = go::parseDuration(interval_);
    if (!interval) co_return fail(interval.error());
    auto url = parseAddress(address_);
    if (!url) co_return fail(url.error());
    BackendRequest request{.method = "POST", .url = std::move(*url)};
    request.url.path = joinPath(request.url.path, "/graphql");
    request.headers = {{"Content-Type", "application/json; charset=utf-8"},
                       {"Accept", "application/json; charset=utf-8"}};
    json::object duration{{"start", localMinute(began - std::chrono::floor<Duration>(*interval))},
                          {"end", localMinute(began)},
                          {"step", "MINUTE"}};
    request.body = json::serialize(
        json::object{{"query", query_}, {"variables", json::object{{"duration", std::move(duration)}}}});
    const Result<net::Response> response = co_await fetch(std::move(request), began + patience);
    if (!response) co_return fail(response.error());
    co_return decode(*response);
  }

 private:
  const std::string address_, query_, interval_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeSkyWalking(const Context& context, const json::object& json) {
  return std::make_unique<SkyWalking>(context, json);
}

}  // namespace crossfade::providers
