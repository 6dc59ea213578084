#include "analysis/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/base64.hpp"
#include "base/go_text.hpp"
#include "base/json.hpp"
#include "net/url.hpp"

namespace crossfade::analysis {

namespace {

Result<std::string> readKey(const json::object& secret, const api::Argument& argument) {
  const json::value* encoded = find(secret, {"data", argument.secret_key});
  if (encoded == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("key '{}' does not exist in secret '{}'", argument.secret_key, argument.secret_name));
  }
  const auto content = decodeBase64(encoded->is_string() ? std::string_view(encoded->get_string()) : "");
  if (!content) {
    return fail(ErrorCode::invalid,
                fmt::format("key '{}' of secret '{}' is no base64", argument.secret_key, argument.secret_name));
  }
  return *content;
}

std::string withoutQuotes(std::string quoted) { return quoted.substr(1, quoted.size() - 2); }

// Every way in which a secret may be written, the longest first: one may hold another.
std::vector<std::string> spellings(const ArgumentValues& secrets) {
  std::vector<std::string> found;
  for (const auto& [name, secret] : secrets) {
    if (secret.empty()) continue;
    found.insert(found.end(), {secret, withoutQuotes(json::serialize(json::string(secret))),
                               withoutQuotes(go::quote(secret)), net::percentEncode(secret)});
  }
  std::ranges::sort(found, [](const std::string& left, const std::string& right) {
    return std::pair(right.size(), left) < std::pair(left.size(), right);
  });
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

void redact(std::string& text, const std::vector<std::string>& secrets) {
  constexpr std::string_view mask = "*****";
  for (const std::string& secret : secrets) {
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + mask.size())) {
      text.replace(at, secret.size(), mask);
    }
  }
}

}  // namespace

bool isAboutTheRun(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::invalid || error.code == ErrorCode::forbidden;
}

Task<Result<ArgumentValues>> readSecrets(kube::Client& client, std::shared_ptr<const api::AnalysisRun> run) {
  ArgumentValues values;
  std::map<std::string, json::object> secrets;
  for (const api::Argument& argument : run->args) {
    if (argument.secret_name.empty()) continue;
    if (!secrets.contains(argument.secret_name)) {
      const Result<json::object> secret =
          co_await client.get(kube::resources::secrets, run->metadata.ns, argument.secret_name);
      if (!secret) co_return fail(secret.error());
      secrets.emplace(argument.secret_name, *secret);
    }
    const auto content = readKey(secrets.find(argument.secret_name)->second, argument);
    if (!content) co_return fail(content.error());
    values.emplace_back(argument.name, *content);
  }
  co_return values;
}

void redact(Measured& measured, const ArgumentValues& secrets) {
  if (secrets.empty()) return;
  const std::vector<std::string> written = spellings(secrets);
  redact(measured.measurement.message, written);
  redact(measured.measurement.value, written);
  for (auto& [key, value] : measured.metadata) redact(value, written);
  // While it is in flight its metadata is what the provider finds its work again by.
  if (!api::isCompletedPhase(measured.measurement.phase)) return;
  for (auto& [key, value] : measured.measurement.metadata) redact(value, written);
}

}  // namespace crossfade::analysis
