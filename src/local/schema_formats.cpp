#include <arpa/inet.h>
#include <re2/re2.h>

#include <charconv>

#include "base/base64.hpp"
#include "base/time.hpp"
#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

bool matches(std::string_view text, const re2::RE2& expression) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), expression);
}

bool isAddress(const std::string& text, int family) {
  unsigned char bytes[16];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

bool isCidr(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  const bool v4 = isAddress(address, AF_INET);
  if (!v4 && !isAddress(address, AF_INET6)) return false;
  int bits = -1;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, bits);
  return error == std::errc() && rest == end && bits >= 0 && bits <= (v4 ? 32 : 128);
}

bool isDate(std::string_view text) {
  return text.size() == 10 && parseTime(std::string(text) + "T00:00:00Z").has_value();
}

// By name without dashes, as Go's registry of formats normalizes them.
const re2::RE2* expressionOf(std::string_view format) {
  static const re2::RE2 uuid("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}");
  static const re2::RE2 mac("(?i)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5,19}|(?:[0-9a-f]{4}\\.)+[0-9a-f]{4}");
  static const re2::RE2 hostname(
      "[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,62})?(?:\\.[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,62})?)*\\.?");
  static const re2::RE2 email("[^@\\s]+@[^@\\s]+");
  static const re2::RE2 uri("[a-zA-Z][a-zA-Z0-9+.-]*:\\S*|/\\S*");
  static const re2::RE2 color("#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
  static const re2::RE2 short_name("[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?");
  static const re2::RE2 long_name("[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*");
  if (format == "uuid") return &uuid;
  if (format == "mac") return &mac;
  if (format == "hostname") return &hostname;
  if (format == "email") return &email;
  if (format == "uri") return &uri;
  if (format == "hexcolor") return &color;
  if (format == "k8sshortname") return &short_name;
  if (format == "k8slongname") return &long_name;
  return nullptr;
}

}  // namespace

bool hasFormat(std::string_view text, std::string_view format) {
  std::string name(format);
  std::erase(name, '-');
  if (name == "datetime") return parseTime(text).has_value();
  if (name == "date") return isDate(text);
  if (name == "duration") return parseGoDuration(text).has_value();
  if (name == "ipv4") return isAddress(std::string(text), AF_INET);
  if (name == "ipv6") return isAddress(std::string(text), AF_INET6);
  if (name == "cidr") return isCidr(std::string(text));
  if (name == "byte") return decodeBase64(text).has_value();
  if (name == "k8slongname" && text.size() > 253) return false;
  const re2::RE2* expression = expressionOf(name);
  return expression == nullptr || matches(text, *expression);
}

}  // namespace crossfade::local
