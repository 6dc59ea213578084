#include "providers/oauth2.hpp"

#include <fmt/format.h>

#include "base/go_text.hpp"

namespace crossfade::providers {

namespace {

struct Answer {
  std::string access_token, token_type, error, description, uri;
};

// Forms and plain texts are read as forms, everything else as JSON.
Result<Answer> decode(const net::Response& response) {
  const std::string_view type = response.headers.get("Content-Type");
  const bool form = type.starts_with("application/x-www-form-urlencoded") || type.starts_with("text/plain");
  if (form) {
    const auto fields = net::parseQuery(response.body);
    if (!fields) return fail(ErrorCode::invalid, "oauth2: cannot parse response: invalid URL escape");
    const auto get = [&](std::string_view name) { return std::string(net::firstValue(*fields, name)); };
    return Answer{get("access_token"), get("token_type"), get("error"), get("error_description"), get("error_uri")};
  }
  const auto parsed = parseJson(response.body);
  if (!parsed || !parsed->is_object()) {
    return fail(ErrorCode::invalid, "oauth2: cannot parse json: " + go::jsonProblem(response.body));
  }
  const auto get = [&](std::string_view name) { return std::string(getString(parsed->get_object(), {name})); };
  return Answer{get("access_token"), get("token_type"), get("error"), get("error_description"), get("error_uri")};
}

Result<Answer> judge(const net::Response& response) {
  auto answer = decode(response);
  const bool refused = response.status < 200 || response.status > 299;
  if (answer && !answer->error.empty()) {
    std::string text = "oauth2: " + go::quote(answer->error);
    if (!answer->description.empty()) text += " " + go::quote(answer->description);
    if (!answer->uri.empty()) text += " " + go::quote(answer->uri);
    return fail(ErrorCode::unauthorized, std::move(text));
  }
  if (refused) {
    constexpr std::size_t shown = 1024;
    return fail(ErrorCode::unauthorized, fmt::format("oauth2: cannot fetch token: {}\nResponse: {}",
                                                     statusLine(response.status), response.body.substr(0, shown)));
  }
  if (answer && answer->access_token.empty()) {
    return fail(ErrorCode::unauthorized, "oauth2: server response missing access_token");
  }
  return answer;
}

std::string schemeOf(const std::string& token_type) {
  std::string lower;
  for (const char c : token_type) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower.empty() || lower == "bearer") return "Bearer";
  if (lower == "mac") return "MAC";
  return lower == "basic" ? "Basic" : token_type;
}

BackendRequest tokenRequest(const OAuth2& settings, const net::Url& url, bool insecure, bool in_body) {
  BackendRequest request{.method = "POST", .url = url, .insecure = insecure};
  std::vector<std::pair<std::string, std::string>> form{{"grant_type", "client_credentials"}};
  if (in_body) {
    form.insert(form.begin(), {{"client_id", settings.client_id}, {"client_secret", settings.client_secret}});
  } else {
    const auto encoded = [](const std::string& text) { return formEncode({{"", text}}).substr(1); };
    request.headers.set("Authorization",
                        basicAuthorization(encoded(settings.client_id), encoded(settings.client_secret)));
  }
  if (!settings.scopes.empty()) form.emplace_back("scope", fmt::format("{}", fmt::join(settings.scopes, " ")));
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = formEncode(form);
  return request;
}

}  // namespace

Result<std::optional<OAuth2>> OAuth2::parse(const json::object* block) {
  if (block == nullptr || getString(*block, {"tokenUrl"}).empty()) return std::optional<OAuth2>();
  OAuth2 settings{.token_url = std::string(getString(*block, {"tokenUrl"})),
                  .client_id = std::string(getString(*block, {"clientId"})),
                  .client_secret = std::string(getString(*block, {"clientSecret"})),
                  .scopes = {}};
  if (settings.client_id.empty() || settings.client_secret.empty()) {
    return fail(ErrorCode::invalid, "missing mandatory parameter in metric for OAuth2 setup");
  }
  if (const json::array* scopes = getArray(*block, {"scopes"})) {
    for (const json::value& scope : *scopes) {
      if (scope.is_string()) settings.scopes.emplace_back(scope.get_string());
    }
  }
  return std::optional(std::move(settings));
}

Task<Result<std::string>> fetchAuthorization(net::Dialer& dialer, Clock& clock, OAuth2 settings, bool insecure,
                                             TimePoint deadline) {
  const auto url = net::parseUrl(settings.token_url);
  if (!url) co_return fail(ErrorCode::invalid, "oauth2: the token URL is no URL: " + go::quote(settings.token_url));
  // Servers differ in where they want the credentials: the header first, then the body.
  Result<Answer> answer = fail(ErrorCode::internal, "");
  for (const bool in_body : {false, true}) {
    BackendRequest request = tokenRequest(settings, *url, insecure, in_body);
    const Result<net::Response> response = co_await fetch(dialer, clock, std::move(request), deadline);
    answer = response ? judge(*response) : fail(response.error());
    if (answer) break;
  }
  if (!answer) co_return fail(answer.error());
  co_return schemeOf(answer->token_type) + " " + answer->access_token;
}

}  // namespace crossfade::providers
