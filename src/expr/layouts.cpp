// Go's time layouts: a layout is the reference time "Mon Jan 2 15:04:05 MST 2006" written the way a time is to look.
#include <fmt/format.h>

#include <array>
#include <optional>
#include <vector>

#include "base/go_text.hpp"
#include "expr/moments.hpp"

namespace crossfade::expr {

namespace {

enum class Part {
  none,
  long_month,
  month,
  number_month,
  zero_month,
  long_weekday,
  weekday,
  day,
  blank_day,
  zero_day,
  blank_year_day,
  zero_year_day,
  hour,
  hour12,
  zero_hour12,
  minute,
  zero_minute,
  second,
  zero_second,
  long_year,
  year,
  upper_pm,
  lower_pm,
  zone_name,
  offset,    // ±07, ±0700, ±07:00, ±07:00:00
  z_offset,  // the same, or Z
  fraction0,
  fraction9,
};

constexpr std::array<std::string_view, 12> month_names{"January",   "February", "March",    "April",
                                                       "May",       "June",     "July",     "August",
                                                       "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};

// A piece of a layout: literal text, then a part.
struct Piece {
  std::string_view literal;
  Part part = Part::none;
  std::string_view spelled;
};

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLower(std::string_view text) { return !text.empty() && text[0] >= 'a' && text[0] <= 'z'; }

// The part at the front of a layout, and its spelling; Part::none where there is none.
Piece partAt(std::string_view layout) {
  struct Word {
    std::string_view text;
    Part part;
    bool not_before_lower = false;
  };
  // The longer spelling first.
  static constexpr std::array<Word, 37> words{{{"January", Part::long_month},
                                               {"Jan", Part::month, true},
                                               {"Monday", Part::long_weekday},
                                               {"Mon", Part::weekday, true},
                                               {"MST", Part::zone_name},
                                               {"002", Part::zero_year_day},
                                               {"01", Part::zero_month},
                                               {"02", Part::zero_day},
                                               {"03", Part::zero_hour12},
                                               {"04", Part::zero_minute},
                                               {"05", Part::zero_second},
                                               {"06", Part::year},
                                               {"15", Part::hour},
                                               {"1", Part::number_month},
                                               {"2006", Part::long_year},
                                               {"2", Part::day},
                                               {"__2", Part::blank_year_day},
                                               {"_2", Part::blank_day},
                                               {"3", Part::hour12},
                                               {"4", Part::minute},
                                               {"5", Part::second},
                                               {"PM", Part::upper_pm},
                                               {"pm", Part::lower_pm},
                                               {"-070000", Part::offset},
                                               {"-07:00:00", Part::offset},
                                               {"-0700", Part::offset},
                                               {"-07:00", Part::offset},
                                               {"-07", Part::offset},
                                               {"Z070000", Part::z_offset},
                                               {"Z07:00:00", Part::z_offset},
                                               {"Z0700", Part::z_offset},
                                               {"Z07:00", Part::z_offset},
                                               {"Z07", Part::z_offset}}};
  if (layout.starts_with("_2006")) return {};
  for (const Word& word : words) {
    if (word.text.empty() || !layout.starts_with(word.text)) continue;
    if (word.not_before_lower && isLower(layout.substr(word.text.size()))) continue;
    return {{}, word.part, layout.substr(0, word.text.size())};
  }
  if ((layout[0] == '.' || layout[0] == ',') && layout.size() > 1 && (layout[1] == '0' || layout[1] == '9')) {
    std::size_t length = 1;
    while (length < layout.size() && layout[length] == layout[1]) ++length;
    if (length == layout.size() || !isDigit(layout[length])) {
      return {{}, layout[1] == '0' ? Part::fraction0 : Part::fraction9, layout.substr(0, length)};
    }
  }
  return {};
}

std::vector<Piece> split(std::string_view layout) {
  std::vector<Piece> pieces;
  std::size_t literal = 0;
  for (std::size_t at = 0; at < layout.size();) {
    const Piece found = partAt(layout.substr(at));
    if (found.part == Part::none) {
      ++at;
      continue;
    }
    pieces.push_back({layout.substr(literal, at - literal), found.part, found.spelled});
    at += found.spelled.size();
    literal = at;
  }
  pieces.push_back({layout.substr(literal), Part::none, {}});
  return pieces;
}

// --- writing
// -------------------------------------------------------------------------------------------------------------

std::string formatOffset(int offset, std::string_view spelled) {
  const bool colons = spelled.find(':') != std::string_view::npos;
  const int magnitude = std::abs(offset);
  std::string text = fmt::format("{}{:02}", offset < 0 ? '-' : '+', magnitude / 3600);
  if (spelled.size() > 3) text += fmt::format("{}{:02}", colons ? ":" : "", magnitude / 60 % 60);
  if (spelled.size() > 6) text += fmt::format("{}{:02}", colons ? ":" : "", magnitude % 60);
  return text;
}

std::string formatFraction(std::int32_t nanos, const Piece& piece) {
  std::string digits = fmt::format("{:09}", nanos).substr(0, std::min<std::size_t>(piece.spelled.size() - 1, 9));
  if (piece.part == Part::fraction9) digits.erase(digits.find_last_not_of('0') + 1);
  return digits.empty() ? "" : piece.spelled[0] + digits;
}

std::string formatPart(const Moment& moment, const Calendar& at, const Piece& piece) {
  const auto month = static_cast<std::size_t>(at.month - 1), weekday = static_cast<std::size_t>(at.weekday);
  const int hour12 = at.hour % 12 == 0 ? 12 : at.hour % 12;
  switch (piece.part) {
    case Part::none:
      return "";
    case Part::long_month:
      return std::string(month_names[month]);
    case Part::month:
      return std::string(month_names[month].substr(0, 3));
    case Part::number_month:
      return std::to_string(at.month);
    case Part::zero_month:
      return fmt::format("{:02}", at.month);
    case Part::long_weekday:
      return std::string(day_names[weekday]);
    case Part::weekday:
      return std::string(day_names[weekday].substr(0, 3));
    case Part::day:
      return std::to_string(at.day);
    case Part::blank_day:
      return fmt::format("{:2}", at.day);
    case Part::zero_day:
      return fmt::format("{:02}", at.day);
    case Part::blank_year_day:
      return fmt::format("{:3}", at.year_day);
    case Part::zero_year_day:
      return fmt::format("{:03}", at.year_day);
    case Part::hour:
      return fmt::format("{:02}", at.hour);
    case Part::hour12:
      return std::to_string(hour12);
    case Part::zero_hour12:
      return fmt::format("{:02}", hour12);
    case Part::minute:
      return std::to_string(at.minute);
    case Part::zero_minute:
      return fmt::format("{:02}", at.minute);
    case Part::second:
      return std::to_string(at.second);
    case Part::zero_second:
      return fmt::format("{:02}", at.second);
    case Part::long_year:
      return at.year < 0 ? fmt::format("-{:04}", -at.year) : fmt::format("{:04}", at.year);
    case Part::year:
      return fmt::format("{:02}", (at.year % 100 + 100) % 100);
    case Part::upper_pm:
      return at.hour >= 12 ? "PM" : "AM";
    case Part::lower_pm:
      return at.hour >= 12 ? "pm" : "am";
    case Part::zone_name:
      if (!at.abbreviation.empty()) return at.abbreviation;
      return formatOffset(at.offset_seconds, at.offset_seconds / 60 % 60 == 0 ? "-07" : "-0700");
    case Part::offset:
      return formatOffset(at.offset_seconds, piece.spelled);
    case Part::z_offset:
      return at.offset_seconds == 0 ? "Z" : formatOffset(at.offset_seconds, piece.spelled);
    case Part::fraction0:
    case Part::fraction9:
      return formatFraction(moment.nanoseconds, piece);
  }
  return "";
}

// --- reading
// -------------------------------------------------------------------------------------------------------------

// Whether `text` begins with `literal`, a blank of which stands for any number of them; takes it off.
bool skip(std::string_view& text, std::string_view literal) {
  const auto cutBlanks = [](std::string_view& from) {
    while (from.starts_with(' ')) from.remove_prefix(1);
  };
  while (!literal.empty()) {
    if (literal[0] == ' ') {
      if (!text.empty() && text[0] != ' ') return false;
      cutBlanks(literal);
      cutBlanks(text);
    } else {
      if (text.empty() || text[0] != literal[0]) return false;
      literal.remove_prefix(1);
      text.remove_prefix(1);
    }
  }
  return true;
}

struct Fields {
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::int32_t nanos = 0;
  std::optional<int> year_day;
  bool pm_set = false, pm = false;
  std::optional<int> offset;
  std::string zone_name;
  bool utc = false;
  std::string_view out_of_range;
};

std::optional<int> takeNumber(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t length = 0;
  int value = 0;
  while (length < most && length < text.size() && isDigit(text[length])) value = value * 10 + (text[length++] - '0');
  if (length < least) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

bool takeFraction(std::string_view& text, std::size_t digits, std::int32_t& nanos) {
  if (text.size() < digits + 1 || (text[0] != '.' && text[0] != ',')) return false;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const bool given = i < digits;
    if (given && !isDigit(text[i + 1])) return false;
    value = value * 10 + (given ? text[i + 1] - '0' : 0);
  }
  nanos = static_cast<std::int32_t>(value);
  text.remove_prefix(digits + 1);
  return true;
}

std::size_t fractionLength(std::string_view text) {
  if (text.size() < 2 || (text[0] != '.' && text[0] != ',')) return 0;
  std::size_t length = 1;
  while (length < text.size() && isDigit(text[length])) ++length;
  return length - 1;
}

template <std::size_t N>
std::optional<int> takeWord(std::string_view& text, const std::array<std::string_view, N>& words, bool whole) {
  for (std::size_t i = 0; i < N; ++i) {
    const std::string_view word = whole ? words[i] : words[i].substr(0, 3);
    const bool same =
        text.size() >= word.size() && std::ranges::equal(text.substr(0, word.size()), word, {}, ::tolower, ::tolower);
    if (!same) continue;
    text.remove_prefix(word.size());
    return static_cast<int>(i);
  }
  return std::nullopt;
}

bool takeOffset(std::string_view& text, std::string_view spelled, std::optional<int>& offset) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  std::string_view rest = text.substr(1);
  const int sign = text[0] == '-' ? -1 : 1;
  const bool colons = spelled.find(':') != std::string_view::npos;
  const std::size_t groups = spelled.size() <= 3 ? 1 : spelled.size() <= 6 ? 2 : 3;
  int total = 0;
  constexpr std::array<int, 3> scale{3600, 60, 1};
  for (std::size_t i = 0; i < groups; ++i) {
    if (i > 0 && colons) {
      if (!rest.starts_with(':')) return false;
      rest.remove_prefix(1);
    }
    const auto number = takeNumber(rest, 2, 2);
    if (!number || *number > (i == 0 ? 24 : 60)) return false;
    total += *number * scale[i];
  }
  offset = sign * total;
  text = rest;
  return true;
}

// "UTC", or three to five capitals ("GMT+3" with its hours).
bool takeZoneName(std::string_view& text, Fields& fields) {
  if (text.starts_with("UTC")) {
    fields.utc = true;
    text.remove_prefix(3);
    return true;
  }
  std::size_t length = 0;
  while (length < text.size() && length < 6 && text[length] >= 'A' && text[length] <= 'Z') ++length;
  if (length < 3 || length > 5) return false;
  fields.zone_name = text.substr(0, length);
  text.remove_prefix(length);
  if (fields.zone_name == "GMT" && !text.empty() && (text[0] == '+' || text[0] == '-')) {
    const bool negative = text[0] == '-';
    std::string_view rest = text.substr(1);
    if (const auto number = takeNumber(rest, 1, 2); number && *number <= 23) {
      fields.offset = (negative ? -3600 : 3600) * *number;
      text = rest;
    }
  }
  return true;
}

// A number into `field`; a number out of its range is remembered under that name.
bool takeInto(int& field, std::string_view& text, std::size_t least, std::size_t most, int low, int high,
              std::string_view name, std::string_view& out_of_range) {
  const auto number = takeNumber(text, least, most);
  if (!number) return false;
  field = *number;
  if (field < low || field > high) out_of_range = name;
  return true;
}

bool takePart(std::string_view& text, const Piece& piece, const Piece* next, Fields& fields) {
  const auto into = [&](int& field, std::size_t least, int low, int high, std::string_view name) {
    return takeInto(field, text, least, 2, low, high, name, fields.out_of_range);
  };
  switch (piece.part) {
    case Part::none:
      return true;
    case Part::long_month:
    case Part::month: {
      const auto index = takeWord(text, month_names, piece.part == Part::long_month);
      if (index) fields.month = *index + 1;
      return index.has_value();
    }
    case Part::long_weekday:
    case Part::weekday:
      return takeWord(text, day_names, piece.part == Part::long_weekday).has_value();
    case Part::number_month:
      return into(fields.month, 1, 1, 12, "month");
    case Part::zero_month:
      return into(fields.month, 2, 1, 12, "month");
    case Part::blank_day:
      if (text.starts_with(' ')) text.remove_prefix(1);
      [[fallthrough]];
    case Part::day:
      return into(fields.day, 1, 1, 31, "day");
    case Part::zero_day:
      return into(fields.day, 2, 1, 31, "day");
    case Part::blank_year_day:
      while (text.starts_with(' ')) text.remove_prefix(1);
      [[fallthrough]];
    case Part::zero_year_day: {
      fields.year_day = takeNumber(text, piece.part == Part::zero_year_day ? 3 : 1, 3);
      return fields.year_day.has_value();
    }
    case Part::hour:
      return into(fields.hour, 2, 0, 23, "hour");
    case Part::hour12:
      return into(fields.hour, 1, 0, 12, "hour");
    case Part::zero_hour12:
      return into(fields.hour, 2, 0, 12, "hour");
    case Part::minute:
      return into(fields.minute, 1, 0, 59, "minute");
    case Part::zero_minute:
      return into(fields.minute, 2, 0, 59, "minute");
    case Part::second:
    case Part::zero_second: {
      if (!into(fields.second, piece.part == Part::second ? 1 : 2, 0, 59, "second")) return false;
      // A fraction is taken even where the layout has none.
      const bool expected =
          next != nullptr && next->literal.empty() && (next->part == Part::fraction0 || next->part == Part::fraction9);
      const std::size_t digits = expected ? 0 : fractionLength(text);
      return digits == 0 || takeFraction(text, digits, fields.nanos);
    }
    case Part::long_year: {
      const auto number = takeNumber(text, 4, 4);
      if (number) fields.year = *number;
      return number.has_value();
    }
    case Part::year: {
      const auto number = takeNumber(text, 2, 2);
      if (number) fields.year = *number + (*number >= 69 ? 1900 : 2000);
      return number.has_value();
    }
    case Part::upper_pm:
    case Part::lower_pm: {
      const bool upper = piece.part == Part::upper_pm;
      fields.pm_set = true;
      fields.pm = text.starts_with(upper ? "PM" : "pm");
      if (!fields.pm && !text.starts_with(upper ? "AM" : "am")) return false;
      text.remove_prefix(2);
      return true;
    }
    case Part::zone_name:
      return takeZoneName(text, fields);
    case Part::z_offset:
      if (text.starts_with('Z')) {
        fields.utc = true;
        text.remove_prefix(1);
        return true;
      }
      [[fallthrough]];
    case Part::offset:
      return takeOffset(text, piece.spelled, fields.offset);
    case Part::fraction0:
      return takeFraction(text, piece.spelled.size() - 1, fields.nanos);
    case Part::fraction9: {
      const std::size_t digits = fractionLength(text);
      return digits == 0 || takeFraction(text, digits, fields.nanos);
    }
  }
  return false;
}

Moment assemble(const Fields& fields, const ZoneRef& zone) {
  using namespace std::chrono;
  auto date =
      sys_days(year(fields.year) / month(static_cast<unsigned>(fields.month)) / day(static_cast<unsigned>(fields.day)));
  if (fields.year_day) date = sys_days(year(fields.year) / January / 1) + days(*fields.year_day - 1);
  int hour = fields.hour;
  if (fields.pm_set) hour = fields.pm ? (hour < 12 ? hour + 12 : hour) : (hour == 12 ? 0 : hour);
  const std::int64_t local =
      date.time_since_epoch().count() * 86'400LL + hour * 3600LL + fields.minute * 60LL + fields.second;
  Moment moment{local, fields.nanos, nullptr};
  if (fields.utc) return moment;
  if (fields.offset || !fields.zone_name.empty()) {
    const int offset = fields.offset.value_or(0);
    moment.unix_seconds -= offset;
    if (offset != 0 || !fields.zone_name.empty()) {
      moment.zone = std::make_shared<const Zone>(Zone{fields.zone_name, {{0, offset, fields.zone_name}}});
    }
    return moment;
  }
  moment.zone = zone;
  // The offset is that of the moment which it leads to; around a change of it the first guess may be off.
  for (int guess = 0; guess < 2; ++guess) moment.unix_seconds = local - calendar(moment).offset_seconds;
  return moment;
}

}  // namespace

std::string format(const Moment& moment, std::string_view layout) {
  const Calendar at = calendar(moment);
  std::string text;
  for (const Piece& piece : split(layout)) {
    text += piece.literal;
    text += formatPart(moment, at, piece);
  }
  return text;
}

std::string format(const Moment& moment) { return format(moment, "2006-01-02 15:04:05.999999999 -0700 MST"); }

Result<Moment> parseMoment(std::string_view layout, std::string_view text, const ZoneRef& zone) {
  const std::string_view whole = text;
  const auto mismatch = [&](std::string_view rest, std::string_view element) {
    return fail(ErrorCode::invalid, fmt::format("parsing time {} as {}: cannot parse {} as {}", go::quote(whole),
                                                go::quote(layout), go::quote(rest), go::quote(element)));
  };
  const std::vector<Piece> pieces = split(layout);
  Fields fields;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view rest = text;
    if (!skip(rest, pieces[i].literal)) return mismatch(text, pieces[i].literal);
    text = rest;
    const Piece* next = i + 1 < pieces.size() ? &pieces[i + 1] : nullptr;
    if (!takePart(rest, pieces[i], next, fields)) return mismatch(text, pieces[i].spelled);
    if (!fields.out_of_range.empty()) {
      return fail(ErrorCode::invalid,
                  fmt::format("parsing time {}: {} out of range", go::quote(whole), fields.out_of_range));
    }
    text = rest;
  }
  if (!text.empty()) {
    return fail(ErrorCode::invalid, fmt::format("parsing time {}: extra text: {}", go::quote(whole), go::quote(text)));
  }
  const std::chrono::year_month_day date(std::chrono::year(fields.year),
                                         std::chrono::month(static_cast<unsigned>(fields.month)),
                                         std::chrono::day(static_cast<unsigned>(fields.day)));
  if (!date.ok() || fields.year_day.value_or(1) < 1 || fields.year_day.value_or(1) > 366) {
    return fail(ErrorCode::invalid, fmt::format("parsing time {}: day out of range", go::quote(whole)));
  }
  return assemble(fields, zone);
}

}  // namespace crossfade::expr
