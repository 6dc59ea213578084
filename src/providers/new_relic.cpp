// New Relic, by NRQL over its GraphQL API. spec/08 §6.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/go_text.hpp"
#include "expr/json_text.hpp"
#include "providers/builtin.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

constexpr Duration patience = seconds(30);  // of one request
constexpr int max_retries = 3;
constexpr Duration first_pause = seconds(1);

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

constexpr std::string_view document =
    "query($query: Nrql!, $accountId: Int!, $timeout: Seconds!) { actor { account(id: $accountId) { nrql(query: "
    "$query, timeout: $timeout) { results } } } }";

struct Account {
  std::int64_t id = 0;
  std::string key, url;
};

std::string lowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string regionUrl(const std::string& region) {
  const std::string name = lowerCase(region);
  if (name == "eu") return "https://api.eu.newrelic.com/graphql";
  if (name == "staging") return "https://staging-api.newrelic.com/graphql";
  return name == "local" ? "http://localhost:3000/graphql" : "https://api.newrelic.com/graphql";
}

Result<Account> readAccount(const std::map<std::string, std::string>& secret) {
  Account account;
  account.key = secretValue(secret, "personal-api-key");
  const std::string id = secretValue(secret, "account-id");
  if (account.key.empty() || id.empty()) {
    return fail(ErrorCode::not_found, "account ID or personal API key not found");
  }
  const char* begin = id.data() + (id.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, id.data() + id.size(), account.id);
  if (error == std::errc::result_out_of_range) {
    return refuse(
        fmt::format("could not parse account ID: strconv.Atoi: parsing {}: value out of range", go::quote(id)));
  }
  if (error != std::errc() || end != id.data() + id.size()) {
    return refuse(fmt::format("could not parse account ID: strconv.Atoi: parsing {}: invalid syntax", go::quote(id)));
  }
  account.url = secretValue(secret, "base-url-nerdgraph");
  if (account.url.empty()) account.url = regionUrl(secretValue(secret, "region"));
  return account;
}

// The problems that an answer tells, joined; those that only warn of the future left out.
struct GraphErrors {
  std::string text;
  bool passing = false;  // of a kind that may be gone the next time
};
GraphErrors errorsOf(const json::object& answer) {
  static constexpr std::array<std::string_view, 3> passing{"TIMEOUT", "INTERNAL_SERVER_ERROR", "SERVER_ERROR"};
  GraphErrors found;
  const json::array* errors = getArray(answer, {"errors"});
  for (const json::value& item : errors == nullptr ? json::array() : *errors) {
    const json::object* error = item.if_object();
    if (error == nullptr) continue;
    const std::string_view message = getString(*error, {"message"});
    if (message.starts_with("This field is deprecated!")) continue;
    found.text += (found.text.empty() ? "" : ", ") + std::string(message);
    const std::string_view kind = getString(*error, {"extensions", "errorClass"});
    found.passing = found.passing || std::ranges::find(passing, kind) != passing.end();
  }
  return found;
}

Result<Reading> decode(const net::Response& response) {
  if (response.status == 401) {
    return fail(ErrorCode::unauthorized,
                "Invalid credentials provided. Missing API key or an invalid API key was provided.");
  }
  if (response.status == 402) return fail(ErrorCode::forbidden, "402 Payment Required");
  if (response.status / 100 != 2) {
    return fail(ErrorCode::unavailable, fmt::format("{} response returned: {}", response.status, response.body));
  }
  const auto answer = expr::parseAnswer(response.body);
  if (!answer) return refuse(go::jsonProblem(response.body));
  if (!answer->is_object()) return refuse(wrongType(*answer, "nerdgraph.graphQLResponse"));
  const GraphErrors errors = errorsOf(answer->get_object());
  if (!errors.text.empty()) return refuse(errors.text);
  const json::value* results = find(*answer, {"data", "actor", "account", "nrql", "results"});
  if (results != nullptr && !results->is_null() && !results->is_array()) {
    return refuse(wrongType(*results, "[]nrdb.NRDBResult"));
  }
  const json::array* rows = results == nullptr ? nullptr : results->if_array();
  const bool one = rows != nullptr && rows->size() == 1;
  const json::object* row = one ? rows->front().if_object() : nullptr;
  if (rows == nullptr || rows->empty() || (one && (row == nullptr || row->empty()))) {
    return fail(ErrorCode::not_found, "no results returned from NRQL query");
  }
  Reading reading;
  const json::value value = one ? rows->front() : *results;
  reading.value = compactJson(value);
  reading.result = value;
  return reading;
}

// Whether asking again may help.
bool isPassing(const Result<net::Response>& response) {
  if (!response) return response.error().code == ErrorCode::unavailable;
  if (response->status == 429 || response->status >= 500) return true;
  const auto answer = expr::parseAnswer(response->body);
  return answer && answer->is_object() && errorsOf(answer->get_object()).passing;
}

class NewRelic final : public QueryProvider {
 public:
  NewRelic(const Context& context, const json::object& json)
      : QueryProvider(context),
        profile_(getString(json, {"profile"}, "newrelic")),
        query_(getString(json, {"query"})),
        timeout_(getInt(json, {"timeout"}, 5)) {}

  std::map<std::string, std::string> metadata(const api::Metric&) const override {
    if (query_.empty()) return {};
    return {{"ResolvedNewRelicQuery", query_}};
  }

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint) override {
    std::string name = profile_;
    if (name.empty()) name = "newrelic";
    const auto secret = co_await readSecret(context_.client, context_.controller_namespace, std::move(name));
    if (!secret) co_return fail(secret.error());
    const auto account = readAccount(*secret);
    if (!account) co_return fail(account.error());
    if (timeout_ < 0) co_return refuse("timeout value needs to be a positive value");
    auto url = parseAddress(account->url);
    if (!url) co_return fail(url.error());

    BackendRequest request{.method = "POST", .url = std::move(*url), .client_timeout = true};
    request.headers = {{"Api-Key", account->key},
                       {"Content-Type", "application/json"},
                       {"NewRelic-Requesting-Services", "newrelic-client-go"},
                       {"User-Agent", "argo-rollouts/crossfade (https://github.com/argoproj/argo-rollouts)"}};
    request.body = json::serialize(json::object{
        {"query", document},
        {"variables", json::object{{"accountId", account->id}, {"query", query_}, {"timeout", timeout_}}}});
    const Result<net::Response> response = co_await ask(std::move(request));
    if (!response) co_return fail(response.error());
    co_return decode(*response);
  }

 private:
  Task<Result<net::Response>> ask(BackendRequest request) const {
    Duration pause = first_pause;
    for (int retry = 0;; ++retry, pause *= 2) {
      BackendRequest one = request;
      Result<net::Response> response = co_await fetch(std::move(one), context_.clock.now() + patience);
      if (retry == max_retries || !isPassing(response)) co_return response;
      co_await sleepFor(context_.clock, pause);
    }
  }

  const std::string profile_, query_;
  const std::int64_t timeout_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeNewRelic(const Context& context, const json::object& json) {
  return std::make_unique<NewRelic>(context, json);
}

}  // namespace crossfade::providers
