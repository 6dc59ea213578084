// What the answers of an API server mean when they are no success.
#include <array>
#include <charconv>

#include "base/json.hpp"
#include "kube/client.hpp"

namespace crossfade::kube {

namespace {

constexpr std::size_t shown_body_bytes = 200;

// metav1.StatusReason, where the HTTP status alone does not say enough.
std::optional<ErrorCode> codeOfReason(std::string_view reason) {
  static constexpr std::array<std::pair<std::string_view, ErrorCode>, 7> codes{
      {{"AlreadyExists", ErrorCode::already_exists},
       {"Conflict", ErrorCode::conflict},
       {"Expired", ErrorCode::gone},
       {"Gone", ErrorCode::gone},
       {"Timeout", ErrorCode::timeout},
       {"TooManyRequests", ErrorCode::throttled},
       {"Invalid", ErrorCode::invalid}}};
  for (const auto& [name, code] : codes) {
    if (name == reason) return code;
  }
  return std::nullopt;
}

ErrorCode codeOfStatus(int status) {
  switch (status) {
    case 401:
      return ErrorCode::unauthorized;
    case 403:
      return ErrorCode::forbidden;
    case 404:
      return ErrorCode::not_found;
    case 408:
    case 504:
      return ErrorCode::timeout;
    case 409:
      return ErrorCode::conflict;
    case 410:
      return ErrorCode::gone;
    case 413:
      return ErrorCode::too_large;
    case 429:
      return ErrorCode::throttled;
    default:
      break;
  }
  if (status >= 500) return ErrorCode::unavailable;
  return status >= 400 ? ErrorCode::invalid : ErrorCode::internal;
}

std::optional<Duration> wholeSeconds(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0 || count > 86400) return std::nullopt;
  return seconds(count);
}

}  // namespace

Error errorFromResponse(const net::Response& response) {
  Error error{.code = codeOfStatus(response.status),
              .message = {},
              .retry_after = wholeSeconds(response.headers.get("Retry-After"))};
  if (const auto body = parseJson(response.body); body && body->is_object()) {
    const json::object& status = body->get_object();
    error.message = getString(status, {"message"});
    error.code = codeOfReason(getString(status, {"reason"})).value_or(error.code);
    if (const auto asked = getInt(status, {"details", "retryAfterSeconds"}); asked > 0 && !error.retry_after) {
      error.retry_after = seconds(asked);
    }
  }
  if (error.message.empty()) {
    const std::string_view text = std::string_view(response.body).substr(0, shown_body_bytes);
    error.message = fmt::format("HTTP status {}{}{}", response.status, text.empty() ? "" : ": ", text);
  }
  return error;
}

}  // namespace crossfade::kube
