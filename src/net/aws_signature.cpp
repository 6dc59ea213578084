#include "net/aws_signature.hpp"

#include <fmt/format.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

#include "net/url.hpp"

namespace crossfade::net {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

std::string hex(const Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256(std::string_view text) {
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return hex(digest);
}

Digest hmac(std::string_view key, std::string_view text) {
  Digest digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &length);
  return digest;
}

std::string_view bytesOf(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

std::string lowerCase(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// "a/./b//../c/" is "/a/c/"; every byte but the unreserved ones and the slashes encoded (once more).
std::string canonicalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  const bool folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") segments.push_back(segment);
  }
  std::string canonical;
  for (const std::string_view segment : segments) canonical += "/" + percentEncode(segment);
  return folder || canonical.empty() ? canonical + "/" : canonical;
}

std::string canonicalQuery(std::string_view query) {
  QueryParameters encoded;
  // A query with a broken escape is the service's to refuse.
  for (const auto& [name, value] : parseQuery(query).value_or(QueryParameters{})) {
    encoded.emplace_back(percentEncode(name), percentEncode(value));
  }
  std::ranges::sort(encoded);
  std::string canonical;
  for (const auto& [name, value] : encoded) {
    canonical += fmt::format("{}{}={}", canonical.empty() ? "" : "&", name, value);
  }
  return canonical;
}

// Without blanks around it, and with one blank for several.
std::string canonicalValue(std::string_view value) {
  std::string canonical;
  bool blank = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      blank = !canonical.empty();
      continue;
    }
    if (blank) canonical += ' ';
    blank = false;
    canonical += c;
  }
  return canonical;
}

// By lower-case name; several fields of one name are one list.
std::map<std::string, std::string> signedFields(const Request& request, std::string_view host) {
  static constexpr std::array<std::string_view, 5> changed_on_the_way{"authorization", "user-agent", "expect",
                                                                      "x-amzn-trace-id", "uber-trace-id"};
  std::map<std::string, std::string> fields{{"host", canonicalValue(host)}};
  for (const auto& [name, value] : request.headers) {
    const std::string lower = lowerCase(name);
    if (lower == "host" || std::ranges::find(changed_on_the_way, lower) != changed_on_the_way.end()) continue;
    const auto [entry, first] = fields.emplace(lower, canonicalValue(value));
    if (!first) entry->second += "," + canonicalValue(value);
  }
  return fields;
}

std::string namesOf(const std::map<std::string, std::string>& fields) {
  std::string names;
  for (const auto& [name, value] : fields) names += (names.empty() ? "" : ";") + name;
  return names;
}

}  // namespace

std::string awsCanonicalRequest(const Request& request, std::string_view host) {
  const std::string_view target = request.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  const auto fields = signedFields(request, host);
  std::string text = request.method + "\n" + canonicalPath(target.substr(0, question)) + "\n" +
                     canonicalQuery(target.substr(std::min(question + 1, target.size()))) + "\n";
  for (const auto& [name, value] : fields) text += name + ":" + value + "\n";
  return text + "\n" + namesOf(fields) + "\n" + sha256(request.body);
}

void signForAws(Request& request, std::string_view host, const AwsCredentials& credentials, const AwsScope& scope,
                TimePoint now) {
  std::string time = formatTime(now);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  const std::string day = time.substr(0, time.find('T'));
  request.headers.set("X-Amz-Date", time);
  if (!credentials.session_token.empty()) request.headers.set("X-Amz-Security-Token", credentials.session_token);

  const std::string where = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string to_sign =
      fmt::format("{}\n{}\n{}\n{}", algorithm, time, where, sha256(awsCanonicalRequest(request, host)));
  Digest key = hmac("AWS4" + credentials.secret_key, day);
  for (const std::string_view part : {std::string_view(scope.region), std::string_view(scope.service),
                                      std::string_view("aws4_request"), std::string_view(to_sign)}) {
    key = hmac(bytesOf(key), part);
  }
  request.headers.set("Authorization",
                      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm,
                                  credentials.access_key, where, namesOf(signedFields(request, host)), hex(key)));
}

}  // namespace crossfade::net
