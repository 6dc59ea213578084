// Failures that the world can cause travel as values. An exception in this program means a bug.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace crossfade {

// What kind of failure it is: enough for a caller to choose between retry, give up and report.
// The Kubernetes ones carry the meaning of the API server's `reason` of the same name.
enum class ErrorCode {
  invalid,         // bad input: 400 BadRequest or 422 Invalid; retrying is useless
  unauthorized,    // 401
  forbidden,       // 403
  not_found,       // 404
  already_exists,  // 409 AlreadyExists
  conflict,        // 409 Conflict: read again, plan again
  gone,            // 410 Expired: the resource version is too old, list again
  too_large,       // 413, or a body above our own limit
  throttled,       // 429: wait `retry_after`
  unavailable,     // connection refused, reset, half-open; 5xx that may pass
  timeout,         // no answer within the deadline
  cancelled,       // the caller gave up
  internal,        // anything else
};

// The code's name as it appears in logs: "not_found".
std::string_view toString(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  // Complete sentence or phrase for a person; names the field and the value where there is one.
  std::string message;
  // The server asked to wait this long before the next try (429 and 503).
  std::optional<Duration> retry_after = std::nullopt;

  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

// Shorthand for returning a failure: `return fail(ErrorCode::not_found, "service \"x\" not found");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace crossfade
