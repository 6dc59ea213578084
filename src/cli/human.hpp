// Moments and durations as people read them. spec/10 §1.2.
#pragma once
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::cli {

// "4m10s", "9d", "<invalid>" for what is clearly negative. Truncated, never rounded.
std::string humanDuration(Duration duration);

// "30s", "5m", "1h30m"; a bare integer means seconds. Fails with Go's words.
Result<Duration> parseDuration(const std::string& text);

}  // namespace crossfade::cli
