#include "net/aws_credentials.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "net/url.hpp"

namespace crossfade::net {

namespace {

constexpr int max_source_profiles = 8;
// Temporary credentials are renewed this long before they end.
constexpr Duration renew_before = minutes(5);
// The metadata services are next door: whoever isn't there by then isn't there.
constexpr Duration metadata_patience = seconds(2);

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::unauthorized, std::move(message)); }

// The text of the first element of that name. Keys, tokens and times have no entities in them.
std::string element(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name), close = fmt::format("</{}>", name);
  const auto begin = xml.find(open);
  if (begin == xml.npos) return {};
  const auto end = xml.find(close, begin);
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

std::string member(const AwsProfile& profile, std::string_view name) {
  const auto setting = profile.find(name);
  return setting == profile.end() ? "" : setting->second;
}

AwsCredentials keysOf(const AwsProfile& profile) {
  return {member(profile, "aws_access_key_id"), member(profile, "aws_secret_access_key"),
          member(profile, "aws_session_token")};
}

bool complete(const AwsCredentials& credentials) {
  return !credentials.access_key.empty() && !credentials.secret_key.empty();
}

}  // namespace

AwsSession::AwsSession(Dialer& dialer, Clock& clock, Environment environment)
    : dialer_(dialer), clock_(clock), environment_(std::move(environment)) {}
AwsSession::~AwsSession() = default;

std::string AwsSession::env(std::string_view name) const {
  return environment_ ? environment_(name).value_or("") : std::string();
}

std::string AwsSession::region(const AwsWish& wish) const {
  for (std::string region : {wish.region, env("AWS_REGION"), env("AWS_DEFAULT_REGION")}) {
    if (!region.empty()) return region;
  }
  std::string name = wish.profile.empty() ? env("AWS_PROFILE") : wish.profile;
  if (name.empty()) name = "default";
  const auto profile = environment_ ? readAwsProfile(name, environment_) : Result<AwsProfile>(AwsProfile());
  return profile ? member(*profile, "region") : std::string();
}

std::string AwsSession::endpoint(std::string_view service_id, std::string_view prefix, std::string_view region) const {
  for (std::string url : {env(fmt::format("AWS_ENDPOINT_URL_{}", service_id)), env("AWS_ENDPOINT_URL")}) {
    while (url.ends_with('/')) url.pop_back();
    if (!url.empty()) return url;
  }
  const std::string_view china = region.starts_with("cn-") ? ".cn" : "";
  return fmt::format("https://{}.{}.amazonaws.com{}", prefix, region, china);
}

Task<Result<AwsCredentials>> AwsSession::credentials(AwsWish wish, TimePoint deadline) {
  Result<AwsCredentials> base = co_await fromChain(wish, deadline);
  if (!base || wish.role_arn.empty()) co_return base;
  Role role{.arn = wish.role_arn, .session_name = env("AWS_ROLE_SESSION_NAME"), .external_id = {}};
  std::string where = region(wish);
  co_return co_await assumeRole(*base, std::move(role), std::move(where), deadline);
}

Task<Result<AwsCredentials>> AwsSession::fromChain(AwsWish wish, TimePoint deadline) {
  if (!wish.profile.empty()) co_return co_await fromProfile(wish.profile, true, 0, deadline);
  AwsCredentials keys{env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")};
  if (complete(keys)) co_return keys;
  const std::string token_file = env("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!token_file.empty()) {
    Role role{.arn = env("AWS_ROLE_ARN"), .session_name = env("AWS_ROLE_SESSION_NAME"), .external_id = {}};
    std::string where = region(wish);
    co_return co_await fromWebIdentity(token_file, std::move(role), std::move(where), deadline);
  }
  std::string name = env("AWS_PROFILE");
  const bool required = !name.empty();
  if (!required) name = "default";
  co_return co_await fromProfile(std::move(name), required, 0, deadline);
}

// --- profiles --------------------------------------------------------------------------------------------------------

Task<Result<AwsCredentials>> AwsSession::fromProfile(std::string name, bool required, int depth, TimePoint deadline) {
  if (depth > max_source_profiles) {
    co_return refuse(fmt::format("profile {}: source_profile leads round in circles", name));
  }
  auto profile = environment_ ? readAwsProfile(name, environment_) : Result<AwsProfile>(AwsProfile());
  if (!profile && required) co_return refuse(profile.error().message);
  const AwsProfile settings = profile ? *profile : AwsProfile();
  Role role{.arn = member(settings, "role_arn"),
            .session_name = member(settings, "role_session_name"),
            .external_id = member(settings, "external_id")};
  const AwsWish wish{.region = {}, .profile = name, .role_arn = {}};
  const std::string token_file = member(settings, "web_identity_token_file");
  std::string where = region(wish);
  if (!token_file.empty()) co_return co_await fromWebIdentity(token_file, std::move(role), std::move(where), deadline);
  Result<AwsCredentials> base = co_await fromSource(settings, name, depth, deadline);
  if (!base || role.arn.empty()) co_return base;
  co_return co_await assumeRole(*base, std::move(role), std::move(where), deadline);
}

// What a profile's role (or its user) is assumed with.
Task<Result<AwsCredentials>> AwsSession::fromSource(AwsProfile profile, std::string name, int depth,
                                                    TimePoint deadline) {
  const std::string source_profile = member(profile, "source_profile");
  AwsCredentials keys = keysOf(profile);
  if (!source_profile.empty() && (source_profile != name || !complete(keys))) {
    co_return co_await fromProfile(source_profile, true, depth + 1, deadline);
  }
  if (complete(keys)) co_return keys;
  const std::string source = member(profile, "credential_source");
  if (source == "Environment") {
    AwsCredentials given{env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")};
    if (complete(given)) co_return given;
    co_return refuse(fmt::format("profile {}: credential_source is Environment, which has no keys", name));
  }
  if (source == "EcsContainer") co_return co_await fromContainer(deadline);
  if (source == "Ec2InstanceMetadata") co_return co_await fromInstance(deadline);
  if (!source.empty()) co_return refuse(fmt::format("profile {}: unknown credential_source \"{}\"", name, source));
  for (const std::string_view unsupported : {"sso_session", "sso_account_id", "credential_process"}) {
    if (!member(profile, unsupported).empty()) {
      co_return refuse(fmt::format("profile {}: {} is not supported", name, unsupported));
    }
  }
  const bool container =
      !env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() || !env("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
  if (container) co_return co_await fromContainer(deadline);
  co_return co_await fromInstance(deadline);
}

// --- temporary credentials -------------------------------------------------------------------------------------------

Task<Result<AwsCredentials>> AwsSession::cached(std::string key, Task<Result<Temporary>> request, TimePoint deadline) {
  auto& slot = cache_[key];
  if (slot == nullptr) slot = std::make_unique<Entry>(clock_);
  Entry& entry = *slot;
  for (;;) {
    if (entry.kept.expires - renew_before > clock_.now()) co_return entry.kept.credentials;
    if (!entry.busy) break;
    const bool told = co_await entry.done.waitUntil(deadline);
    if (!told) co_return refuse("no credentials came in time");
  }
  entry.busy = true;
  const Result<Temporary> fresh = co_await std::move(request);
  entry.busy = false;
  if (fresh) entry.kept = *fresh;
  entry.done.notify();
  if (!fresh) co_return fail(fresh.error());
  co_return fresh->credentials;
}

Task<Result<AwsCredentials>> AwsSession::fromWebIdentity(std::string token_file, Role role, std::string region,
                                                         TimePoint deadline) {
  if (role.arn.empty()) co_return refuse("a web identity needs a role: AWS_ROLE_ARN is not set");
  const auto token = readTokenFile(token_file);
  if (!token) co_return refuse("failed to retrieve jwt from provided source, " + token.error().message);
  std::string form = formatQuery({{"Action", "AssumeRoleWithWebIdentity"},
                                  {"RoleArn", role.arn},
                                  {"RoleSessionName", role.session_name.empty() ? "crossfade" : role.session_name},
                                  {"Version", "2011-06-15"},
                                  {"WebIdentityToken", *token}});
  std::string key = fmt::format("web\n{}\n{}\n{}", role.arn, role.session_name, token_file);
  auto request = askSecurityTokenService("AssumeRoleWithWebIdentity", std::move(form), {}, std::move(region), deadline);
  co_return co_await cached(std::move(key), std::move(request), deadline);
}

Task<Result<AwsCredentials>> AwsSession::assumeRole(AwsCredentials base, Role role, std::string region,
                                                    TimePoint deadline) {
  QueryParameters form{{"Action", "AssumeRole"},
                       {"RoleArn", role.arn},
                       {"RoleSessionName", role.session_name.empty() ? "crossfade" : role.session_name},
                       {"Version", "2011-06-15"}};
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  std::string key = fmt::format("role\n{}\n{}\n{}\n{}", role.arn, role.session_name, role.external_id, base.access_key);
  auto request = askSecurityTokenService("AssumeRole", formatQuery(form), base, std::move(region), deadline);
  co_return co_await cached(std::move(key), std::move(request), deadline);
}

Task<Result<AwsSession::Temporary>> AwsSession::askSecurityTokenService(std::string operation, std::string form,
                                                                        AwsCredentials signer, std::string region,
                                                                        TimePoint deadline) {
  if (region.empty()) region = "us-east-1";
  Request request{.method = "POST", .target = "/", .headers = {}, .body = std::move(form)};
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  const std::string origin = endpoint("STS", "sts", region);
  if (complete(signer)) {
    const std::string host = origin.substr(origin.find("://") + 3);
    signForAws(request, host, signer, {region, "sts"}, clock_.now());
  }
  const Result<Response> answer = co_await ask(origin, std::move(request), deadline);
  if (!answer) co_return refuse(fmt::format("operation error STS: {}, {}", operation, answer.error().message));
  if (answer->status != 200) {
    co_return refuse(fmt::format("operation error STS: {}, https response error StatusCode: {}, api error {}: {}",
                                 operation, answer->status, element(answer->body, "Code"),
                                 element(answer->body, "Message")));
  }
  Temporary temporary{.credentials = {element(answer->body, "AccessKeyId"), element(answer->body, "SecretAccessKey"),
                                      element(answer->body, "SessionToken")},
                      .expires = parseTime(element(answer->body, "Expiration")).value_or(TimePoint())};
  if (!complete(temporary.credentials)) {
    co_return refuse(fmt::format("operation error STS: {}, the answer has no credentials", operation));
  }
  co_return temporary;
}

// --- the machine's ---------------------------------------------------------------------------------------------------

Task<Result<Response>> AwsSession::ask(std::string origin, Request request, TimePoint deadline) {
  const auto parsed = Origin::parse(origin);
  if (!parsed) co_return fail(parsed.error());
  const auto transport = dialer_.dial(*parsed, TlsOptions());
  if (!transport) co_return fail(transport.error());
  request.target = parsed->base_path + request.target;
  const Duration left = std::max(deadline - clock_.now(), Duration(0));
  co_return co_await (*transport)->send(std::move(request), left);
}

Task<Result<AwsCredentials>> AwsSession::fromContainer(TimePoint deadline) {
  std::string url = env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const std::string relative = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) url = "http://169.254.170.2" + relative;
  if (url.empty()) co_return refuse("AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
  std::string key = "container\n" + url;
  auto request = askContainer(url, deadline);
  co_return co_await cached(std::move(key), std::move(request), deadline);
}

namespace {

Result<std::pair<AwsCredentials, TimePoint>> readJsonCredentials(const Result<Response>& answer, std::string_view who) {
  if (!answer) return refuse(fmt::format("{}: {}", who, answer.error().message));
  if (answer->status != 200) return refuse(fmt::format("{}: status {}", who, answer->status));
  const auto parsed = parseJson(answer->body);
  const json::object none, *object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) object = &none;
  const auto get = [&](std::string_view name) { return std::string(getString(*object, {name})); };
  AwsCredentials credentials{get("AccessKeyId"), get("SecretAccessKey"), get("Token")};
  if (!complete(credentials)) return refuse(fmt::format("{}: the answer has no credentials", who));
  return std::pair(credentials, parseTime(get("Expiration")).value_or(TimePoint()));
}

}  // namespace

Task<Result<AwsSession::Temporary>> AwsSession::askContainer(std::string url, TimePoint deadline) {
  const auto parsed = parseUrl(url);
  if (!parsed) co_return refuse("the container's credentials have no usable address: " + url);
  const auto path = url.find('/', url.find("://") + 3);
  Request request{.method = "GET", .target = path == url.npos ? "/" : url.substr(path), .headers = {}, .body = {}};
  std::string token = env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const std::string token_file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!token_file.empty()) {
    const auto read = readTokenFile(token_file);
    if (!read) co_return refuse(read.error().message);
    token = *read;
  }
  if (!token.empty()) request.headers.set("Authorization", token);
  const TimePoint patience = std::min(deadline, clock_.now() + metadata_patience);
  const Result<Response> answer = co_await ask(url.substr(0, path), std::move(request), patience);
  const auto read = readJsonCredentials(answer, "the container's credentials");
  if (!read) co_return fail(read.error());
  co_return Temporary{read->first, read->second};
}

Task<Result<AwsCredentials>> AwsSession::fromInstance(TimePoint deadline) {
  if (env("AWS_EC2_METADATA_DISABLED") == "true") {
    co_return refuse(
        "no AWS credentials: none in the environment, the shared files or the container, and the "
        "instance's metadata are disabled");
  }
  auto request = askInstance(deadline);
  std::string key = "instance";
  co_return co_await cached(std::move(key), std::move(request), deadline);
}

Task<Result<AwsSession::Temporary>> AwsSession::askInstance(TimePoint deadline) {
  std::string origin = env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (origin.empty()) origin = "http://169.254.169.254";
  const TimePoint patience = std::min(deadline, clock_.now() + metadata_patience);
  constexpr std::string_view who = "no EC2 IMDS role found";
  Request session{.method = "PUT", .target = "/latest/api/token", .headers = {}, .body = {}};
  session.headers.set("X-aws-ec2-metadata-token-ttl-seconds", "300");
  const Result<Response> token = co_await ask(origin, std::move(session), patience);
  if (!token) co_return refuse(fmt::format("{}: {}", who, token.error().message));

  Request request{.method = "GET", .target = "/latest/meta-data/iam/security-credentials/", .headers = {}, .body = {}};
  // An instance that only knows the first version of the service has no tokens.
  if (token->status == 200) request.headers.set("X-aws-ec2-metadata-token", token->body);
  Request second = request;
  const Result<Response> role = co_await ask(origin, std::move(request), patience);
  if (!role) co_return refuse(fmt::format("{}: {}", who, role.error().message));
  const std::string name = role->body.substr(0, role->body.find_first_of("\r\n"));
  if (role->status != 200 || name.empty()) co_return refuse(fmt::format("{}: status {}", who, role->status));
  second.target += percentEncode(name);
  const Result<Response> answer = co_await ask(origin, std::move(second), patience);
  const auto read = readJsonCredentials(answer, who);
  if (!read) co_return fail(read.error());
  co_return Temporary{read->first, read->second};
}

}  // namespace crossfade::net
