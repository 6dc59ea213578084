#include "api/quantity.hpp"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <utility>

namespace crossfade::api {
namespace {

using boost::multiprecision::cpp_int;

enum class Format { decimal, exponent, binary };

// A quantity taken apart: sign, digits before and after the point without leading zeros, and what the suffix means.
struct Spelling {
  bool negative = false;
  std::string whole, fraction;
  Format format = Format::decimal;
  int power = 0;  // of ten, or of two in the binary format
};

constexpr std::array<std::pair<std::string_view, int>, 10> decimal_suffixes{
    {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}}};
constexpr std::array<std::pair<std::string_view, int>, 6> binary_suffixes{
    {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

bool readSuffix(std::string_view suffix, Spelling& spelling) {
  for (const auto& [name, power] : decimal_suffixes) {
    if (suffix != name) continue;
    spelling.power = power;
    return true;
  }
  for (const auto& [name, power] : binary_suffixes) {
    if (suffix != name) continue;
    spelling.format = Format::binary;
    spelling.power = power;
    return true;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
  suffix.remove_prefix(suffix[1] == '+' ? 2 : 1);
  spelling.format = Format::exponent;
  const auto [rest, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), spelling.power);
  return error == std::errc() && rest == suffix.data() + suffix.size() && !suffix.empty();
}

std::optional<Spelling> read(std::string_view text) {
  constexpr std::size_t longest = 256;  // nobody writes that; bounds the arithmetic
  Spelling spelling;
  if (text.empty() || text.size() > longest) return std::nullopt;
  if (text.front() == '-' || text.front() == '+') {
    spelling.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool digits = false;
  const auto take = [&](std::string& into) {
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      into += text.front();
      text.remove_prefix(1);
      digits = true;
    }
  };
  take(spelling.whole);
  spelling.whole.erase(0, spelling.whole.find_first_not_of('0'));
  if (spelling.whole.empty()) spelling.whole = "0";
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    take(spelling.fraction);
  }
  if (!digits || !readSuffix(text, spelling)) return std::nullopt;
  return spelling;
}

// All digits of a number without leading zeros; "0" for zero.
std::string significant(const Spelling& spelling) {
  std::string digits = spelling.whole + spelling.fraction;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return digits;
}

cpp_int powerOfTen(int power) { return boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(power)); }

// value = mantissa × 10^power.
struct Amount {
  cpp_int mantissa;
  int power = 0;
};

constexpr int nano = -9;
// Beyond this many places no quantity differs from the largest or the smallest one.
constexpr int far = 100;

// The reference holds short numbers in 64 bits, exactly: those it neither rounds nor caps.
bool isShort(const Spelling& spelling) {
  const int digits = static_cast<int>(spelling.whole.size() + spelling.fraction.size());
  if (spelling.format == Format::binary) return spelling.fraction.empty() && 14 - digits - spelling.power * 3 / 10 >= 0;
  return digits <= 18 && std::int64_t{spelling.power} - static_cast<int>(spelling.fraction.size()) >= nano;
}

// The absolute value; capped at the largest 64-bit integer and rounded up to a nano unless it is short.
Amount evaluate(const Spelling& spelling) {
  Amount amount{cpp_int(significant(spelling)), -static_cast<int>(spelling.fraction.size())};
  if (spelling.format == Format::binary) {
    amount.mantissa <<= spelling.power;
  } else {
    amount.power += std::clamp(spelling.power, -1'000'000'000, 1'000'000'000);
  }
  if (isShort(spelling)) return amount;
  if (amount.mantissa == 0) return {0, 0};
  static const cpp_int largest = (cpp_int(1) << 63) - 1;
  if (amount.power > far) return {largest, 0};
  if (amount.power < nano) {
    const cpp_int unit =
        powerOfTen(std::min(nano - amount.power, static_cast<int>(significant(spelling).size()) + far));
    amount.mantissa = (amount.mantissa + unit - 1) / unit;
    amount.power = nano;
  }
  const bool capped = amount.power >= 0 ? amount.mantissa * powerOfTen(amount.power) > largest
                                        : amount.mantissa > largest * powerOfTen(-amount.power);
  return capped ? Amount{largest, 0} : amount;
}

// The value as a whole number; empty when it has a fraction.
std::optional<cpp_int> wholeNumber(const Amount& amount) {
  if (amount.power >= 0) return amount.mantissa * powerOfTen(std::min(amount.power, far));
  const cpp_int unit = powerOfTen(-amount.power);
  if (amount.mantissa % unit != 0) return std::nullopt;
  return amount.mantissa / unit;
}

template <std::size_t N>
std::string suffixOf(const std::array<std::pair<std::string_view, int>, N>& suffixes, int power) {
  const auto found = std::ranges::find(suffixes, power, &std::pair<std::string_view, int>::second);
  return found == suffixes.end() ? std::string() : std::string(found->first);
}

// An integer mantissa with the largest suffix that leaves one.
std::string print(Amount amount, Format format) {
  if (format == Format::binary) {
    const auto whole = wholeNumber(amount);
    if (whole && *whole >= 1024) {
      cpp_int number = *whole;
      int power = 0;
      for (; number % 1024 == 0; number /= 1024) power += 10;
      return number.str() + suffixOf(binary_suffixes, power);
    }
    format = Format::decimal;
  }
  for (; amount.mantissa % 10 == 0; amount.mantissa /= 10) ++amount.power;
  for (; amount.power % 3 != 0; amount.mantissa *= 10) --amount.power;
  if (format == Format::decimal) return amount.mantissa.str() + suffixOf(decimal_suffixes, amount.power);
  return amount.mantissa.str() + (amount.power == 0 ? "" : "e" + std::to_string(amount.power));
}

// Spellings that are "normal enough" are kept as they are. spec/01 §8.5 rule 4.
bool keepsSpelling(const Spelling& spelling) {
  if (!isShort(spelling)) return false;
  const std::string digits = spelling.whole + spelling.fraction;
  if (spelling.format == Format::binary) return std::stoll(digits) % 8 != 0;
  return (spelling.power - static_cast<int>(spelling.fraction.size())) % 3 == 0 && !digits.ends_with("000") &&
         digits.front() != '0';
}

}  // namespace

std::optional<std::string> canonicalQuantity(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto spelling = read(text);
  if (!spelling) return std::nullopt;
  if (keepsSpelling(*spelling)) return std::string(text);
  const Amount amount = evaluate(*spelling);
  if (amount.mantissa == 0) return "0";
  return (spelling->negative ? "-" : "") + print(amount, spelling->format);
}

std::optional<std::strong_ordering> compareQuantities(std::string_view left, std::string_view right) {
  const auto value = [](std::string_view text) -> std::optional<Amount> {
    const auto spelling = read(text);
    if (!spelling) return std::nullopt;
    Amount amount = evaluate(*spelling);
    if (spelling->negative) amount.mantissa = -amount.mantissa;
    return amount;
  };
  auto a = value(left), b = value(right);
  if (!a || !b) return std::nullopt;
  const int power = std::min(a->power, b->power);
  for (Amount* amount : {&*a, &*b}) {
    amount->mantissa *= powerOfTen(std::min(amount->power - power, 2 * far));
  }
  return a->mantissa < b->mantissa   ? std::strong_ordering::less
         : a->mantissa > b->mantissa ? std::strong_ordering::greater
                                     : std::strong_ordering::equal;
}

}  // namespace crossfade::api
