#include "expr/numbers.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/go_text.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> problem(std::string_view function, std::string_view text, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("strconv.{}: parsing {}: {}", function, go::quote(text), what));
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Whether the text is a hexadecimal float with the exponent that Go demands. Underscores are gone.
bool wellFormedHex(std::string_view text) {
  const std::size_t exponent = text.find_first_of("pP");
  return exponent != std::string_view::npos && exponent + 1 < text.size();
}

// Go takes underscores only between digits (or behind the prefix) of a number that has a prefix.
bool underscoresFit(std::string_view text) {
  if (text.find('_') == std::string_view::npos) return true;
  if (!text.starts_with("0x") && !text.starts_with("0X")) return false;
  char before = '0';
  for (std::size_t i = 2; i < text.size(); ++i) {
    const bool digit = std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (text[i] == '_' && !(before == '0' || std::isxdigit(static_cast<unsigned char>(before)) != 0)) return false;
    if (before == '_' && !digit) return false;
    before = text[i];
  }
  return before != '_';
}

}  // namespace

Result<std::int64_t> parseInteger(std::string_view text, int base) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (base != 10) {
    if (digits.size() < 2) return problem("ParseInt", text, "invalid syntax");
    digits.remove_prefix(2);
  }
  if (digits.empty() || digits.front() == '-' || digits.front() == '+')
    return problem("ParseInt", text, "invalid syntax");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) {
    return problem("ParseInt", text, "invalid syntax");
  }
  constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error == std::errc::result_out_of_range || value > limit + (negative ? 1 : 0)) {
    return problem("ParseInt", text, "value out of range");
  }
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

Result<double> parseFloat(std::string_view text) {
  const auto invalid = [&] { return problem("ParseFloat", text, "invalid syntax"); };
  std::string_view body = text;
  const bool negative = body.starts_with('-');
  if (negative || body.starts_with('+')) body.remove_prefix(1);
  std::string lower;
  for (const char c : body) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const double sign = negative ? -1 : 1;
  if (lower == "inf" || lower == "infinity") return sign * std::numeric_limits<double>::infinity();
  if (lower == "nan" && body.size() == text.size()) return std::numeric_limits<double>::quiet_NaN();
  if (!underscoresFit(lower)) return invalid();
  std::erase(lower, '_');
  const bool hex = lower.starts_with("0x");
  std::string_view digits = lower;
  if (hex) digits.remove_prefix(2);
  if (digits.empty() || !(isDigit(digits.front()) || digits.front() == '.' || hex)) return invalid();
  if (hex && !wellFormedHex(digits)) return invalid();
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                            hex ? std::chars_format::hex : std::chars_format::general);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) return invalid();
  if (error == std::errc::result_out_of_range) {
    // Too small reads as zero, too large is an error.
    const std::size_t exponent = digits.find_first_of(hex ? "p" : "e");
    const bool tiny = exponent != std::string_view::npos ? digits.substr(exponent + 1).starts_with('-')
                                                         : digits.starts_with("0") || digits.starts_with(".");
    if (!tiny) return problem("ParseFloat", text, "value out of range");
    value = 0;
  }
  return sign * value;
}

}  // namespace crossfade::expr
