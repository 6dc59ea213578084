// Prometheus, and everything that speaks its HTTP API. spec/08 §4.
#include <fmt/format.h>

#include <optional>
#include <vector>

#include "base/go_text.hpp"
#include "expr/numbers.hpp"
#include "providers/builtin.hpp"
#include "providers/oauth2.hpp"
#include "providers/query.hpp"

namespace crossfade::providers {

namespace {

// --- what the metric says -------------------------------------------------------------------------------------------

struct RangeQuery {
  std::string start, end, step;
};
struct Settings {
  net::Url address;
  bool managed = false;  // by Amazon
  std::string query;
  Duration timeout = seconds(30);
  bool insecure = false;
  HeaderList headers;
  std::string user, password;
  std::optional<net::AwsWish> sigv4;
  std::optional<OAuth2> oauth2;
  std::optional<RangeQuery> range;
};

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

Result<> readAddress(const json::object& json, const std::string& fallback, Settings& settings) {
  const std::string_view given = getString(json, {"address"});
  const std::string_view text = given.empty() ? std::string_view(fallback) : given;
  if (text.empty()) return refuse("prometheus address is not configured");
  auto url = net::parseUrl(text);
  if (!url) return refuse("prometheus address is not is url format");
  settings.address = std::move(*url);
  // Requests are only signed for the service that asks for it; elsewhere the block counts for nothing.
  settings.managed = text.find("aps-workspaces") != text.npos;
  return {};
}

Result<> readAuthentication(const json::object& json, Settings& settings) {
  settings.user = getString(json, {"authentication", "basicAuth", "username"});
  settings.password = getString(json, {"authentication", "basicAuth", "password"});
  constexpr std::string_view missing = "missing mandatory parameter in metric for basic auth setup: ";
  if (settings.user.empty() && !settings.password.empty()) return refuse(std::string(missing) + "username");
  if (!settings.user.empty() && settings.password.empty()) return refuse(std::string(missing) + "password");
  net::AwsWish wish{.region = std::string(getString(json, {"authentication", "sigv4", "region"})),
                    .profile = std::string(getString(json, {"authentication", "sigv4", "profile"})),
                    .role_arn = std::string(getString(json, {"authentication", "sigv4", "roleArn"}))};
  const bool wanted = !wish.region.empty() || !wish.profile.empty() || !wish.role_arn.empty();
  if (wanted && settings.managed) settings.sigv4 = std::move(wish);
  auto oauth2 = OAuth2::parse(getObject(json, {"authentication", "oauth2"}));
  if (!oauth2) return std::unexpected(oauth2.error());
  settings.oauth2 = std::move(*oauth2);
  return {};
}

Result<Settings> readSettings(const json::object& json, const std::string& default_address) {
  Settings settings;
  if (const auto read = readAddress(json, default_address, settings); !read) return std::unexpected(read.error());
  settings.query = getString(json, {"query"});
  settings.insecure = getBool(json, {"insecure"});
  settings.headers = readHeaders(json);
  if (const json::object* range = getObject(json, {"rangeQuery"})) {
    settings.range = RangeQuery{std::string(getString(*range, {"start"})), std::string(getString(*range, {"end"})),
                                std::string(getString(*range, {"step"}))};
  }
  if (const auto read = readAuthentication(json, settings); !read) return std::unexpected(read.error());
  const std::int64_t timeout = getInt(json, {"timeout"});
  if (timeout < 0) return refuse("prometheus timeout should not be negative");
  // An hour is longer than any query may run, and as much as the arithmetic needs to be sure of.
  constexpr std::int64_t longest = 3600;
  if (timeout > 0) settings.timeout = seconds(std::min(timeout, longest));
  return settings;
}

// --- the request ----------------------------------------------------------------------------------------------------

std::string preciseSeconds(TimePoint time) {
  const auto whole = std::chrono::floor<seconds>(time);
  return go::shortestFixed(static_cast<double>(whole.time_since_epoch().count()) +
                           static_cast<double>((time - whole).count()) / 1e6);
}

// The parameters, in the order of their names.
using Form = std::vector<std::pair<std::string, std::string>>;

Result<Form> rangeForm(const Settings& settings, TimePoint now) {
  const RangeQuery& range = *settings.range;
  const auto start = expr::evaluateTime(range.start, now);
  if (!start) return refuse("failed to parse rangeQuery.start as time: " + start.error().message);
  const auto end = expr::evaluateTime(range.end, now);
  if (!end) return refuse("failed to parse rangeQuery.end as time: " + end.error().message);
  const auto step = go::parseDuration(range.step);
  if (!step) return refuse("failed to parse rangeQuery.step as duration: " + step.error().message);
  return Form{{"end", preciseSeconds(*end)},
              {"query", settings.query},
              {"start", preciseSeconds(*start)},
              {"step", go::shortestFixed(std::chrono::duration<double>(*step).count())}};
}

Result<Form> queryForm(const Settings& settings, TimePoint now) {
  if (settings.range) return rangeForm(settings, now);
  return Form{{"query", settings.query}, {"time", preciseSeconds(now)}};
}

// How the requests of one measurement prove themselves.
struct Identity {
  std::string token;  // the Authorization that OAuth2 gave
  std::optional<net::AwsCredentials> aws;
  std::string region;
};

// OAuth2, then a signature, then Basic where nothing is set; the metric's own headers win over all. spec/08 §4.3.
void authorize(BackendRequest& request, const Settings& settings, const Identity& identity, TimePoint now) {
  const bool in_address = !settings.address.user.empty() || !settings.address.password.empty();
  if (!identity.token.empty()) request.headers.set("Authorization", identity.token);
  if (identity.aws) signForAws(request, *identity.aws, {identity.region, "aps"}, now);
  if (!settings.user.empty() && !in_address && !request.headers.has("Authorization")) {
    request.headers.set("Authorization", basicAuthorization(settings.user, settings.password));
  }
  setHeaders(request.headers, settings.headers);
}

// --- the answer -----------------------------------------------------------------------------------------------------

struct Samples {
  bool scalar = false;
  std::vector<double> values;
  std::vector<std::string> warnings;

  std::string text() const {
    if (scalar) return go::shortestFixed(values[0]);
    return listText(values, go::shortestFixed);
  }
  expr::Measured measured() const {
    if (scalar) return values[0];
    return values;
  }
};

std::unexpected<Error> badResponse(std::string_view what) {
  return fail(ErrorCode::unavailable, fmt::format("bad_response: {}", what));
}

// A sample [1767225600.25, "0.9931"].
Result<double> sample(const json::value* pair) {
  const json::array* array = pair == nullptr ? nullptr : pair->if_array();
  if (array == nullptr || array->size() != 2 || !(*array)[0].is_number() || !(*array)[1].is_string()) {
    return badResponse("a sample is no pair of a time and a text");
  }
  const auto value = expr::parseFloat((*array)[1].get_string());
  if (!value) return badResponse(value.error().message);
  return *value;
}

// One series of a vector ("value") or of a matrix ("values"). Native histograms have neither and carry no float.
Result<> addSeries(const json::object& series, Samples& samples) {
  if (const json::value* one = find(series, {"value"})) {
    const auto value = sample(one);
    if (!value) return std::unexpected(value.error());
    samples.values.push_back(*value);
  }
  if (const json::array* many = getArray(series, {"values"})) {
    for (const json::value& item : *many) {
      const auto value = sample(&item);
      if (!value) return std::unexpected(value.error());
      samples.values.push_back(*value);
    }
  }
  return {};
}

Result<Samples> readData(const json::object& answer) {
  Samples samples;
  const std::string_view type = getString(answer, {"data", "resultType"});
  const json::value* result = find(answer, {"data", "result"});
  if (type == "scalar") {
    const auto value = sample(result);
    if (!value) return std::unexpected(value.error());
    samples.scalar = true;
    samples.values.push_back(*value);
  } else if (type == "vector" || type == "matrix") {
    const json::array* list = result == nullptr ? nullptr : result->if_array();
    for (const json::value& item : list == nullptr ? json::array() : *list) {
      const json::object* series = item.if_object();
      if (series == nullptr) return badResponse("a series is no object");
      if (const auto added = addSeries(*series, samples); !added) return std::unexpected(added.error());
    }
  } else {
    return badResponse(fmt::format("unexpected value type {}", go::quote(type)));
  }
  if (const json::array* warnings = getArray(answer, {"warnings"})) {
    for (const json::value& warning : *warnings) {
      if (warning.is_string()) samples.warnings.emplace_back(warning.get_string());
    }
  }
  return samples;
}

// spec/08 §4.5.
Result<Samples> decode(const net::Response& response) {
  const int status = response.status;
  const bool api_error = status == 400 || status == 422;
  if (status / 100 != 2 && !api_error) {
    const std::string text = status / 100 == 4   ? fmt::format("client_error: client error: {}", status)
                             : status / 100 == 5 ? fmt::format("server_error: server error: {}", status)
                                                 : fmt::format("bad_response: bad response code {}", status);
    return fail(ErrorCode::unavailable, text);
  }
  const auto parsed = parseJson(response.body);
  if (!parsed) return badResponse(go::jsonProblem(response.body));
  const json::object* answer = parsed->if_object();
  const std::string_view told = answer == nullptr ? "" : getString(*answer, {"status"});
  if (told != (api_error ? "error" : "success")) return badResponse("inconsistent body for response code");
  if (api_error) {
    return fail(ErrorCode::invalid,
                fmt::format("{}: {}", getString(*answer, {"errorType"}), getString(*answer, {"error"})));
  }
  return readData(*answer);
}

// --- the provider ---------------------------------------------------------------------------------------------------

class Prometheus final : public QueryProvider {
 public:
  Prometheus(const Context& context, Settings settings) : QueryProvider(context), settings_(std::move(settings)) {}

  std::map<std::string, std::string> metadata(const api::Metric&) const override {
    if (settings_.query.empty()) return {};
    return {{"ResolvedPrometheusQuery", settings_.query}};
  }

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint began) override {
    const TimePoint deadline = began + settings_.timeout;
    const Result<Identity> identity = co_await identify(deadline);
    if (!identity) co_return fail(identity.error());
    const auto form = queryForm(settings_, began);
    if (!form) co_return fail(form.error());
    const Result<net::Response> response = co_await ask(*form, *identity, deadline);
    if (!response) co_return fail(response.error());
    const auto samples = decode(*response);
    if (!samples) co_return fail(samples.error());
    Reading reading;
    reading.result = samples->measured();
    reading.value = samples->text();
    std::string warnings;
    for (const std::string& warning : samples->warnings) {
      warnings += fmt::format("{}\"{}\"", warnings.empty() ? "" : ", ", warning);
    }
    if (!warnings.empty()) reading.metadata["warnings"] = warnings;
    co_return reading;
  }

 private:
  net::Url urlOf() const {
    net::Url url = settings_.address;
    url.path = joinPath(url.path, settings_.range ? "/api/v1/query_range" : "/api/v1/query");
    return url;
  }

  Task<Result<Identity>> identify(TimePoint deadline) {
    Identity identity;
    if (settings_.sigv4) {
      const auto aws = awsSession(context_);
      const Result<net::AwsCredentials> credentials = co_await aws->credentials(*settings_.sigv4, deadline);
      if (!credentials) co_return refuse("could not get SigV4 credentials: " + credentials.error().message);
      identity.aws = *credentials;
      identity.region = aws->region(*settings_.sigv4);
      if (identity.region.empty()) co_return refuse("region not configured in sigv4 or in default credentials chain");
    }
    if (settings_.oauth2) {
      const Result<std::string> fetched =
          co_await fetchAuthorization(context_.dialer, context_.clock, *settings_.oauth2, settings_.insecure, deadline);
      if (!fetched) {
        co_return fail(fetched.error().code, fmt::format("{}: {}", describe("POST", urlOf()), fetched.error().message));
      }
      identity.token = *fetched;
    }
    co_return identity;
  }

  // As a form, and where the server (or a proxy in front of it) wants none, as a GET.
  Task<Result<net::Response>> ask(Form form, Identity identity, TimePoint deadline) {
    BackendRequest request{.method = "POST", .url = urlOf(), .insecure = settings_.insecure};
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = formEncode(form);
    BackendRequest again = request;
    authorize(request, settings_, identity, context_.clock.now());
    Result<net::Response> response = co_await fetch(std::move(request), deadline);
    const int status = response ? response->status : 0;
    if (status != 403 && status != 405 && status != 501) co_return response;

    again.method = "GET";
    again.url.query += (again.url.query.empty() ? "" : "&") + again.body;
    again.body.clear();
    again.headers = {};
    authorize(again, settings_, identity, context_.clock.now());
    co_return co_await fetch(std::move(again), deadline);
  }

  const Settings settings_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makePrometheus(const Context& context, const json::object& json) {
  auto settings = readSettings(json, context.prometheus_address);
  if (!settings) return std::unexpected(settings.error());
  return std::make_unique<Prometheus>(context, std::move(*settings));
}

}  // namespace crossfade::providers
