// Builtins over numbers, conversions, times. spec/07 A2, B9.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>

#include "base/go_text.hpp"
#include "expr/functions.hpp"
#include "expr/numbers.hpp"
#include "expr/operators.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

Result<Value> abs(const Call& call) {
  if (call[0].floating() != nullptr) return std::fabs(*call[0].floating());
  if (call[0].integer() == nullptr) return refuse(fmt::format("invalid argument for abs (type {})", typeName(call[0])));
  if (call[0].integer()->value >= 0) return call[0];
  return applyUnary("-", call[0]);
}

Result<Value> rounded(const Call& call, std::string_view name, double (*round)(double)) {
  if (!call[0].isNumber()) return refuse(fmt::format("invalid argument for {} (type {})", name, typeName(call[0])));
  return round(call[0].toDouble());
}
Result<Value> ceil(const Call& call) {
  return rounded(call, "ceil", [](double value) { return std::ceil(value); });
}
Result<Value> floor(const Call& call) {
  return rounded(call, "floor", [](double value) { return std::floor(value); });
}
Result<Value> round(const Call& call) {
  return rounded(call, "round", [](double value) { return std::round(value); });
}

Result<Value> toInt(const Call& call) {
  if (const std::string* text = call[0].string()) {
    const auto value = parseInteger(*text);
    if (!value) return refuse(fmt::format("invalid operation: int({})", *text));
    return *value;
  }
  const auto value = toInteger(call[0]);
  if (!value) return std::unexpected(value.error());
  return *value;
}

Result<Value> toFloat(const Call& call) {
  if (call[0].isNumber()) return call[0].toDouble();
  if (const std::string* text = call[0].string()) {
    const auto value = parseFloat(*text);
    if (!value) return refuse(fmt::format("invalid operation: float({})", *text));
    return *value;
  }
  return refuse(fmt::format("invalid operation: float({})", typeName(call[0])));
}

Result<Value> toString(const Call& call) {
  if (call[0].string() != nullptr) return call[0];
  return call.budget.text(format(call[0]));
}

Result<Value> type(const Call& call) {
  const Value& value = call[0];
  if (std::holds_alternative<std::monostate>(value.data)) return std::string("nil");
  if (value.list() != nullptr || std::holds_alternative<Bytes>(value.data)) return std::string("array");
  if (const Map* map = value.map()) return map->shape == Map::Shape::structure ? map->name : std::string("map");
  if (value.floating() != nullptr) return std::string("float");
  if (std::holds_alternative<Function>(value.data)) return std::string("func");
  if (const Integer* integer = value.integer()) {
    if (integer->kind == Integer::Kind::byte || integer->kind == Integer::Kind::uint64) return std::string("uint");
    if (integer->kind == Integer::Kind::plain || integer->kind == Integer::Kind::int64) return std::string("int");
  }
  return typeName(value);
}

// --- bits
// ----------------------------------------------------------------------------------------------------------------

Result<Value> bits(const Call& call, std::int64_t (*combine)(std::int64_t, std::int64_t)) {
  std::array<std::int64_t, 2> operands{};
  for (std::size_t i = 0; i < call.size() && i < 2; ++i) {
    if (call[i].integer() == nullptr) return badConversion(call[i], "int");
    operands[i] = call[i].integer()->value;
  }
  return combine(operands[0], operands[1]);
}
Result<Value> shift(const Call& call, std::int64_t (*combine)(std::int64_t, std::int64_t)) {
  const Integer* count = call[1].integer();
  if (count != nullptr && count->value < 0) {
    return refuse(fmt::format("invalid operation: negative shift count {} (type int)", count->value));
  }
  return bits(call, combine);
}
std::int64_t shifted(std::int64_t value, std::int64_t count, bool left) {
  if (count > 63) return 0;
  const auto raw = static_cast<std::uint64_t>(value);
  return static_cast<std::int64_t>(left ? raw << count : raw >> count);
}

using I = std::int64_t;
Result<Value> bitand_(const Call& call) {
  return bits(call, [](I a, I b) { return a & b; });
}
Result<Value> bitor_(const Call& call) {
  return bits(call, [](I a, I b) { return a | b; });
}
Result<Value> bitxor_(const Call& call) {
  return bits(call, [](I a, I b) { return a ^ b; });
}
Result<Value> bitnand(const Call& call) {
  // Go's &^ : what the second has is taken away.
  return bits(call, [](I a, I b) { return a & ~b; });
}
Result<Value> bitnot(const Call& call) {
  return bits(call, [](I a, I) { return ~a; });
}
Result<Value> bitshl(const Call& call) {
  return shift(call, [](I a, I b) { return shifted(a, b, true); });
}
Result<Value> bitshr(const Call& call) {
  return shift(call, [](I a, I b) { return b > 63 ? (a < 0 ? I{-1} : I{0}) : a >> b; });
}
Result<Value> bitushr(const Call& call) {
  return shift(call, [](I a, I b) { return shifted(a, b, false); });
}

// --- times
// ---------------------------------------------------------------------------------------------------------------

Result<Value> now(const Call& call) {
  Moment moment = Moment::from(call.now);
  if (call.size() > 0) {
    const ZoneRef* zone = std::get_if<ZoneRef>(&call[0].data);
    if (zone == nullptr) return badConversion(call[0], "*time.Location");
    moment.zone = *zone;
  }
  return moment;
}

Result<Value> duration(const Call& call) {
  const auto text = toText(call[0]);
  if (!text) return std::unexpected(text.error());
  const auto parsed = go::parseDuration(**text);
  if (!parsed) return std::unexpected(parsed.error());
  return *parsed;
}

Result<Value> timezone(const Call& call) {
  const auto name = toText(call[0]);
  if (!name) return std::unexpected(name.error());
  auto zone = loadZone(**name);
  if (!zone) return std::unexpected(zone.error());
  return Value(std::move(*zone));
}

// date([location,] text [, layout [, zone]])
Result<Value> date(const Call& call) {
  std::size_t at = 0;
  ZoneRef zone;
  if (const ZoneRef* given = std::get_if<ZoneRef>(&call[0].data)) {
    zone = *given;
    at = 1;
  }
  std::vector<std::string> texts;
  for (; at < call.size(); ++at) {
    const auto text = toText(call[at]);
    if (!text) return std::unexpected(text.error());
    texts.push_back(**text);
  }
  if (texts.empty()) return refuse("not enough arguments to call date");
  if (texts.size() > 2) {
    auto named = loadZone(texts[2]);
    if (!named) return std::unexpected(named.error());
    zone = std::move(*named);
  }
  if (texts.size() > 1) {
    const auto moment = parseMoment(texts[1], texts[0], zone);
    if (!moment) return std::unexpected(moment.error());
    return *moment;
  }
  static constexpr std::array<std::string_view, 7> layouts{"2006-01-02",
                                                           "15:04:05",
                                                           "2006-01-02 15:04:05",
                                                           "2006-01-02T15:04:05Z07:00",
                                                           "02 Jan 06 15:04 MST",
                                                           "Monday, 02-Jan-06 15:04:05 MST",
                                                           "Mon, 02 Jan 2006 15:04:05 MST"};
  for (const std::string_view layout : layouts) {
    if (const auto moment = parseMoment(layout, texts[0], zone)) return *moment;
  }
  return refuse("invalid date " + texts[0]);
}

Result<Value> momentMethod(const Moment& moment, std::string_view name, const Call& call) {
  const auto at = [&] { return calendar(moment); };
  if (name == "Year") return at().year;
  if (name == "Month") return Integer{at().month, Integer::Kind::month};
  if (name == "Day") return at().day;
  if (name == "Hour") return at().hour;
  if (name == "Minute") return at().minute;
  if (name == "Second") return at().second;
  if (name == "Nanosecond") return std::int64_t{moment.nanoseconds};
  if (name == "Weekday") return Integer{at().weekday, Integer::Kind::weekday};
  if (name == "YearDay") return at().year_day;
  if (name == "Unix") return Integer{moment.unix_seconds, Integer::Kind::int64};
  if (name == "UnixMilli") {
    return Integer{moment.timePoint().time_since_epoch().count() / 1000, Integer::Kind::int64};
  }
  if (name == "String") return format(moment);
  if (name == "UTC") return Moment{moment.unix_seconds, moment.nanoseconds, nullptr};
  if (call.size() != 1) return refuse("not enough arguments to call " + std::string(name));
  const Value& argument = call[0];
  if (name == "Format" && argument.string() != nullptr) return call.budget.text(format(moment, *argument.string()));
  if (name == "In") {
    if (const ZoneRef* zone = std::get_if<ZoneRef>(&argument.data)) {
      return Moment{moment.unix_seconds, moment.nanoseconds, *zone};
    }
  }
  if (const auto* duration = argument.duration()) {
    if (name == "Add") return moment + *duration;
    if (name == "Truncate") {
      if (duration->count() <= 0) return moment;
      // Counted from Go's zero time, which lies a whole number of any usual duration before the epoch.
      constexpr std::int64_t zero_time = -62'135'596'800;
      const std::chrono::nanoseconds rest(static_cast<std::int64_t>(
          ((static_cast<__int128>(moment.unix_seconds) - zero_time) * 1'000'000'000 + moment.nanoseconds) %
          duration->count()));
      return moment + -rest;
    }
  }
  if (const Moment* other = argument.moment()) {
    if (name == "Sub") return moment - *other;
    if (name == "Before") return moment.order() < other->order();
    if (name == "After") return moment.order() > other->order();
    if (name == "Equal") return moment.order() == other->order();
  }
  return refuse(fmt::format("cannot use {} as argument to call {}", typeName(argument), name));
}

Result<Value> durationMethod(std::chrono::nanoseconds duration, std::string_view name) {
  using std::chrono::duration_cast;
  const auto count = static_cast<double>(duration.count());
  if (name == "Hours") return count / 3.6e12;
  if (name == "Minutes") return count / 6e10;
  if (name == "Seconds") return count / 1e9;
  if (name == "Milliseconds") return Integer{duration.count() / 1'000'000, Integer::Kind::int64};
  return go::formatDuration(duration);
}

}  // namespace

Result<Value> asInt(const Value& value) {
  if (value.isNumber()) return Integer{toInteger(value).value_or(0), Integer::Kind::int64};
  if (const std::string* text = value.string()) {
    const auto parsed = parseInteger(*text);
    if (!parsed) return std::unexpected(parsed.error());
    return Integer{*parsed, Integer::Kind::int64};
  }
  return refuse(fmt::format("asInt() not supported on {} {}", typeName(value), format(value)));
}

Result<Value> asFloat(const Value& value) {
  if (value.isNumber()) return value.toDouble();
  if (const std::string* text = value.string()) {
    const auto parsed = parseFloat(*text);
    if (!parsed) return std::unexpected(parsed.error());
    return *parsed;
  }
  return refuse(fmt::format("asFloat() not supported on {} {}", typeName(value), format(value)));
}

FunctionPointer findNumberFunction(std::string_view name) {
  static const std::map<std::string_view, FunctionPointer> functions{
      {"abs", abs},        {"ceil", ceil},     {"floor", floor},     {"round", round},
      {"int", toInt},      {"float", toFloat}, {"string", toString}, {"type", type},
      {"bitand", bitand_}, {"bitor", bitor_},  {"bitxor", bitxor_},  {"bitnand", bitnand},
      {"bitnot", bitnot},  {"bitshl", bitshl}, {"bitshr", bitshr},   {"bitushr", bitushr}};
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

FunctionPointer findTimeFunction(std::string_view name) {
  static const std::map<std::string_view, FunctionPointer> functions{
      {"now", now}, {"duration", duration}, {"timezone", timezone}, {"date", date}};
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

FunctionPointer findFunction(std::string_view name) {
  for (const auto find : {findCollectionFunction, findTextFunction, findNumberFunction, findTimeFunction}) {
    if (const FunctionPointer function = find(name)) return function;
  }
  return nullptr;
}

Result<Value> callMethod(const Value& base, std::string_view name, const Call& call) {
  if (const Moment* moment = base.moment()) return momentMethod(*moment, name, call);
  return durationMethod(*base.duration(), name);
}

}  // namespace crossfade::expr
