// Any web service: its answer, or what a JSONPath finds in it. spec/08 §8, spec/07 part C.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "expr/jsonpath.hpp"
#include "providers/builtin.hpp"
#include "providers/oauth2.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

struct Settings {
  std::string url, method, body;
  HeaderList headers;
  std::optional<std::string> json_body;
  Duration timeout = seconds(10);
  bool insecure = false;
  std::string user, password;
  std::optional<OAuth2> oauth2;
  expr::JsonPath path;
};

Result<Settings> readSettings(const json::object& json) {
  auto path = expr::JsonPath::compile(getString(json, {"jsonPath"}));
  if (!path) return std::unexpected(path.error());
  Settings settings{.url = std::string(getString(json, {"url"})),
                    .method = std::string(getString(json, {"method"})),
                    .body = std::string(getString(json, {"body"})),
                    .headers = readHeaders(json),
                    .json_body = std::nullopt,
                    .insecure = getBool(json, {"insecure"}),
                    .user = std::string(getString(json, {"authentication", "basicAuth", "username"})),
                    .password = std::string(getString(json, {"authentication", "basicAuth", "password"})),
                    .oauth2 = std::nullopt,
                    .path = std::move(*path)};
  if (settings.method.empty()) settings.method = "GET";
  const json::value* json_body = find(json, {"jsonBody"});
  if (json_body != nullptr && !json_body->is_null()) settings.json_body = json::serialize(*json_body);
  constexpr std::int64_t longest = 3600;
  const std::int64_t timeout = getInt(json, {"timeoutSeconds"});
  if (timeout > 0) settings.timeout = seconds(std::min(timeout, longest));
  auto oauth2 = OAuth2::parse(getObject(json, {"authentication", "oauth2"}));
  if (!oauth2) return std::unexpected(oauth2.error());
  settings.oauth2 = std::move(*oauth2);
  return settings;
}

// What has to be right before anything is asked. spec/08 §8.1.
Result<> validate(const Settings& settings) {
  if (!settings.body.empty() && settings.json_body) {
    return refuse("use either Body or JSONBody; both cannot exists for WebMetric payload");
  }
  const bool payload = !settings.body.empty() || settings.json_body;
  if (payload && settings.method == "GET") {
    return refuse("Body/JSONBody can only be used with POST or PUT WebMetric Method types");
  }
  return {};
}

Result<Reading> decode(const net::Response& response, const expr::JsonPath& path) {
  if (response.status < 200 || response.status >= 300) {
    return fail(ErrorCode::unavailable, fmt::format("received non 2xx response code: {}", response.status));
  }
  Reading reading;
  const auto document = expr::parseAnswer(response.body);
  if (!document) {
    reading.value = response.body;
    reading.result = response.body;
    return reading;
  }
  const auto found = path.first(*document);
  if (!found) return refuse("Could not find JSONPath in body: " + found.error().message);
  if (!*found) return refuse("result of web metric produced no value");
  auto text = expr::compactJson(**found);
  if (!text) return std::unexpected(text.error());
  reading.value = std::move(*text);
  reading.result = expr::Measured(**found);
  return reading;
}

class Web final : public QueryProvider {
 public:
  Web(const Context& context, Settings settings) : QueryProvider(context), settings_(std::move(settings)) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    if (const auto valid = validate(settings_); !valid) co_return fail(valid.error());
    auto url = parseAddress(settings_.url);
    if (!url) co_return fail(url.error());
    const TimePoint deadline = began + settings_.timeout;
    BackendRequest request{.method = settings_.method,
                           .url = std::move(*url),
                           .headers = {},
                           .body = settings_.json_body.value_or(settings_.body),
                           .insecure = settings_.insecure,
                           .client_timeout = true,
                           .body_problem = "Received no bytes in response: "};
    if (!settings_.user.empty()) {
      request.headers.set("Authorization", basicAuthorization(settings_.user, settings_.password));
    }
    setHeaders(request.headers, settings_.headers);
    if (settings_.oauth2) {
      const Result<std::string> token =
          co_await fetchAuthorization(context_.dialer, context_.clock, *settings_.oauth2, settings_.insecure, deadline);
      if (!token) {
        co_return fail(token.error().code,
                       fmt::format("{}: {}", describe(request.method, request.url), token.error().message));
      }
      request.headers.set("Authorization", *token);
    }
    if (settings_.json_body) request.headers.set("Content-Type", "application/json");
    const Result<net::Response> response = co_await fetch(std::move(request), deadline);
    if (!response) co_return fail(response.error());
    co_return decode(*response, settings_.path);
  }

 private:
  const Settings settings_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeWeb(const Context& context, const json::object& json) {
  auto settings = readSettings(json);
  if (!settings) return std::unexpected(settings.error());
  return std::make_unique<Web>(context, std::move(*settings));
}

}  // namespace crossfade::providers
