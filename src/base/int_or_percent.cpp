#include "base/int_or_percent.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/json.hpp"

namespace crossfade {

Result<IntOrPercent> IntOrPercent::fromJson(const json::value& value) {
  if (const auto* text = value.if_string()) return IntOrPercent{std::string(*text)};
  const auto number = asInteger(value);
  if (!number || *number < std::numeric_limits<int>::min() || *number > std::numeric_limits<int>::max()) {
    return fail(ErrorCode::invalid, "must be a 32-bit integer or a string, is " + json::serialize(value));
  }
  return IntOrPercent{static_cast<int>(*number)};
}

Result<int> IntOrPercent::resolve(int total, Rounding rounding) const {
  if (const int* number = std::get_if<int>(&value)) return *number;
  // Any string is a percentage, wherever its "%" stand. spec/01 §7.1.
  const std::string& written = std::get<std::string>(value);
  std::string digits = written;
  std::erase(digits, '%');
  const char* begin = digits.data() + (digits.starts_with('+') ? 1 : 0);
  const char* end = digits.data() + digits.size();
  int percent = 0;
  const auto [rest, error] = std::from_chars(begin, end, percent);
  if (error != std::errc() || rest != end || (begin != digits.data() && *begin == '-')) {
    return fail(ErrorCode::invalid, "invalid value for IntOrString: \"" + written + "\" is not a percentage");
  }
  const double share = static_cast<double>(percent) * total / 100;
  constexpr double low = std::numeric_limits<int>::min(), high = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp(rounding == Rounding::up ? std::ceil(share) : std::floor(share), low, high));
}

}  // namespace crossfade
