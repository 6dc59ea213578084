// Moments and durations, and their spellings in Kubernetes objects and in Go.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace crossfade {

// Wall-clock moments, UTC, to the microsecond (the resolution of a Lease's MicroTime).
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// metav1.Time: "2024-05-01T12:00:00Z", truncated to the second.
std::string formatTime(TimePoint time);
// metav1.MicroTime: "2024-05-01T12:00:00.000000Z".
std::string formatMicroTime(TimePoint time);
// Parses RFC 3339 with any fraction and any offset. Empty when the text is not a valid time.
std::optional<TimePoint> parseTime(std::string_view text);

// Parses Go's duration syntax: "1h30m", "1.5s", "-2ms", "0". Sub-microsecond parts are truncated.
// Empty when malformed or out of range.
std::optional<Duration> parseGoDuration(std::string_view text);
// Prints as Go does: "1h30m0s", "1.5s", "300ms", "0s".
std::string formatGoDuration(Duration duration);

}  // namespace crossfade
