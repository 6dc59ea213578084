// What a reader asks of a container's log.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace crossfade::local {

struct LogOptions {
  bool follow = false;                           // goes on until the container ends
  bool previous = false;                         // of the run before this one
  bool timestamps = false;                       // each line begins with the moment it was written, to the nanosecond
  std::optional<std::int64_t> tail_lines = {};   // only the last lines of those that are there
  std::optional<TimePoint> since = {};           // of these, only what was written then or later
  std::optional<std::int64_t> limit_bytes = {};  // ends after so many, within a line if need be
};

}  // namespace crossfade::local
