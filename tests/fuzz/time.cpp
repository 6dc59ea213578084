// The start or the end of a range query.
#include "expr/condition.hpp"
#include "fuzz/targets.hpp"

namespace crossfade::fuzz {

void time(std::string_view input) {
  const TimePoint now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
  const auto time = expr::evaluateTime(input, now);
  if (!time) require(!time.error().message.empty(), "a problem has a message");
}

}  // namespace crossfade::fuzz
