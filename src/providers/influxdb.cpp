// InfluxDB 2, by Flux. spec/08 §13.
#include <fmt/format.h>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "providers/builtin.hpp"
#include "providers/csv.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(20);

// "[1 6.6 text <nil>]".
std::string spell(const expr::List& list) {
  std::string text;
  for (const expr::Value& value : list.items) text += (text.empty() ? "" : " ") + expr::format(value);
  return "[" + text + "]";
}

Error refusalOf(const net::Response& response) {
  const auto parsed = parseJson(response.body);
  const json::object* body = parsed ? parsed->if_object() : nullptr;
  if (body != nullptr && !getString(*body, {"message"}).empty()) {
    const std::string code(getString(*body, {"code"}));
    return {ErrorCode::unavailable, fmt::format("{}: {}", code, getString(*body, {"message"}))};
  }
  return {ErrorCode::unavailable, fmt::format("Unexpected status code {}", response.status)};
}

Result<Reading> decode(const net::Response& response) {
  if (response.status / 100 != 2) return fail(refusalOf(response));
  auto list = readAnnotatedCsv(response.body);
  if (!list) return std::unexpected(list.error());
  if (list->items.empty()) return fail(ErrorCode::not_found, "no results returned from flux query");
  Reading reading;
  reading.value = spell(*list);
  expr::measure(*list);
  reading.result = expr::Measured(expr::Value(std::move(*list)));
  return reading;
}

class Influxdb final : public QueryProvider {
 public:
  Influxdb(const Context& context, const json::object& json)
      : QueryProvider(context), profile_(getString(json, {"profile"})), query_(getString(json, {"query"})) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    std::string name = profile_;
    if (name.empty()) name = "influxdb";
    const auto secret = co_await readSecret(context_.client, context_.controller_namespace, std::move(name));
    if (!secret) co_return fail(secret.error());
    const std::string token = secretValue(*secret, "authToken"), org = secretValue(*secret, "org"),
                      address = secretValue(*secret, "address");
    if (token.empty() || org.empty() || address.empty()) {
      co_return fail(ErrorCode::not_found, "authToken, org, or address not found");
    }
    auto url = parseAddress(address);
    if (!url) co_return fail(url.error());
    BackendRequest request{.method = "POST", .url = std::move(*url), .client_timeout = true};
    request.url.path = joinPath(request.url.path, "/api/v2/query");
    request.url.query = formEncode({{"org", org}});
    request.headers = {{"Authorization", "Token " + token},
                       {"Content-Type", "application/json; charset=utf-8"},
                       {"Accept-Encoding", "gzip"}};
    json::object dialect{
        {"annotations", json::array{"datatype", "group", "default"}}, {"delimiter", ","}, {"header", true}};
    request.body = json::serialize(json::object{{"dialect", std::move(dialect)}, {"query", query_}, {"type", "flux"}});
    const Result<net::Response> response = co_await fetch(std::move(request), began + patience);
    if (!response) co_return fail(response.error());
    co_return decode(*response);
  }

 private:
  const std::string profile_, query_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeInfluxdb(const Context& context, const json::object& json) {
  return std::make_unique<Influxdb>(context, json);
}

}  // namespace crossfade::providers
