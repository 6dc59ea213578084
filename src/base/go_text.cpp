#include "base/go_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/stream_parser.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/utf8.hpp"

namespace crossfade::go {

namespace {

// The shortest digits "d.ddd" without the point, and the decimal exponent of the first.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};
Decimal shortestDecimal(double value) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  Decimal decimal;
  decimal.negative = text.starts_with('-');
  if (decimal.negative) text.remove_prefix(1);
  const std::size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c != '.') decimal.digits += c;
  }
  std::string_view exponent = text.substr(e + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), decimal.exponent);
  return decimal;
}

std::string plain(const Decimal& decimal) {
  std::string text = decimal.negative ? "-" : "";
  const int count = static_cast<int>(decimal.digits.size());
  if (decimal.exponent < 0) {
    text += "0." + std::string(static_cast<std::size_t>(-decimal.exponent - 1), '0') + decimal.digits;
  } else if (decimal.exponent >= count - 1) {
    text += decimal.digits + std::string(static_cast<std::size_t>(decimal.exponent - count + 1), '0');
  } else {
    const auto point = static_cast<std::size_t>(decimal.exponent) + 1;
    text += decimal.digits.substr(0, point) + "." + decimal.digits.substr(point);
  }
  return text;
}

std::string withExponent(const Decimal& decimal, int exponent_width) {
  std::string text = decimal.negative ? "-" : "";
  text += decimal.digits.substr(0, 1);
  if (decimal.digits.size() > 1) text += "." + decimal.digits.substr(1);
  return text + fmt::format("e{}{:0{}}", decimal.exponent < 0 ? '-' : '+', std::abs(decimal.exponent), exponent_width);
}

std::optional<std::string> special(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return std::nullopt;
}

}  // namespace

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const auto point = utf8::decodeFront(text);
    if (!point) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    switch (point->value) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\a':
        quoted += "\\a";
        break;
      case '\b':
        quoted += "\\b";
        break;
      case '\f':
        quoted += "\\f";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\v':
        quoted += "\\v";
        break;
      default:
        if (point->value < 0x20 || point->value == 0x7f) {
          quoted += fmt::format("\\x{:02x}", point->value);
        } else if (point->value >= 0x80 && point->value <= 0xa0) {
          quoted += fmt::format("\\u{:04x}", point->value);
        } else {
          quoted += text.substr(0, point->length);
        }
    }
    text.remove_prefix(point->length);
  }
  return quoted + '"';
}

std::string shortestFixed(double value) {
  if (const auto text = special(value)) return *text;
  return plain(shortestDecimal(value));
}

std::string shortestGeneral(double value) {
  if (const auto text = special(value)) return *text;
  const Decimal decimal = shortestDecimal(value);
  return decimal.exponent < -4 || decimal.exponent >= 6 ? withExponent(decimal, 2) : plain(decimal);
}

std::string jsonNumber(double value) {
  const Decimal decimal = shortestDecimal(value);
  const double magnitude = std::fabs(value);
  return magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) ? withExponent(decimal, 1) : plain(decimal);
}

std::string jsonProblem(std::string_view text) {
  boost::json::stream_parser parser;
  boost::system::error_code error;
  const std::size_t at = parser.write_some(text.data(), text.size(), error);
  if (at >= text.size()) return "unexpected end of JSON input";
  const auto point = utf8::decodeFront(text.substr(at)).value_or(utf8::CodePoint{});
  const std::string_view shown = text.substr(at, point.length);
  return fmt::format("invalid character '{}' {}", shown,
                     parser.done() ? "after top-level value" : "looking for beginning of value");
}

Result<std::chrono::nanoseconds> parseDuration(std::string_view text) {
  using Unit = std::pair<std::string_view, std::uint64_t>;
  static constexpr std::array<Unit, 8> units{{{"ns", 1},
                                              {"us", 1'000},
                                              {"\u00b5s", 1'000},
                                              {"\u03bcs", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000}}};
  constexpr std::uint64_t limit = std::uint64_t{1} << 63;
  const auto invalid = fail(ErrorCode::invalid, "time: invalid duration " + quote(text));
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };

  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return invalid;

  std::uint64_t total = 0;
  while (!rest.empty()) {
    std::uint64_t whole = 0;
    std::size_t whole_digits = 0;
    while (!rest.empty() && digit(rest.front())) {
      if (whole > limit / 10) return invalid;
      whole = whole * 10 + static_cast<std::uint64_t>(rest.front() - '0');
      if (whole > limit) return invalid;
      rest.remove_prefix(1);
      ++whole_digits;
    }
    std::uint64_t fraction = 0;
    double scale = 1;
    std::size_t fraction_digits = 0;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      // Digits beyond what an int64 holds can't change the outcome.
      for (bool overflow = false; !rest.empty() && digit(rest.front()); rest.remove_prefix(1), ++fraction_digits) {
        overflow = overflow || fraction > (limit - 1) / 10;
        if (overflow) continue;
        fraction = fraction * 10 + static_cast<std::uint64_t>(rest.front() - '0');
        scale *= 10;
      }
    }
    if (whole_digits + fraction_digits == 0) return invalid;

    std::size_t length = 0;
    while (length < rest.size() && rest[length] != '.' && !digit(rest[length])) ++length;
    if (length == 0) return fail(ErrorCode::invalid, "time: missing unit in duration " + quote(text));
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    const auto unit = std::ranges::find(units, name, &Unit::first);
    if (unit == units.end()) {
      return fail(ErrorCode::invalid, fmt::format("time: unknown unit {} in duration {}", quote(name), quote(text)));
    }
    if (whole > limit / unit->second) return invalid;
    whole *= unit->second;
    whole += static_cast<std::uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit->second) / scale));
    if (whole > limit) return invalid;
    total += whole;
    if (total > limit) return invalid;
  }
  if (negative) return std::chrono::nanoseconds(static_cast<std::int64_t>(0 - total));
  if (total == limit) return invalid;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

std::string formatDuration(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const std::uint64_t nanos = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  // `value` units of 10^width nanoseconds, without trailing zeros.
  const auto decimal = [](std::uint64_t value, std::uint64_t unit, int width) {
    std::string text = fmt::format("{}", value / unit);
    if (value % unit == 0) return text;
    std::string digits = fmt::format("{:0{}}", value % unit, width);
    digits.erase(digits.find_last_not_of('0') + 1);
    return text + "." + digits;
  };
  if (nanos < 1'000) return fmt::format("{}{}ns", sign, nanos);
  if (nanos < 1'000'000) return sign + decimal(nanos, 1'000, 3) + "\u00b5s";
  if (nanos < 1'000'000'000) return sign + decimal(nanos, 1'000'000, 6) + "ms";
  const std::uint64_t minutes = nanos / 60'000'000'000;
  const std::string second_part = decimal(nanos % 60'000'000'000, 1'000'000'000, 9) + "s";
  if (minutes == 0) return sign + second_part;
  if (minutes < 60) return fmt::format("{}{}m{}", sign, minutes, second_part);
  return fmt::format("{}{}h{}m{}", sign, minutes / 60, minutes % 60, second_part);
}

}  // namespace crossfade::go
