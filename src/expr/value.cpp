#include "expr/value.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/go_text.hpp"

namespace crossfade::expr {

namespace {
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::string_view nameOf(Integer::Kind kind) {
  switch (kind) {
    case Integer::Kind::plain:
      return "int";
    case Integer::Kind::int64:
      return "int64";
    case Integer::Kind::uint64:
      return "uint64";
    case Integer::Kind::month:
      return "time.Month";
    case Integer::Kind::weekday:
      return "time.Weekday";
    case Integer::Kind::byte:
      return "uint8";
  }
  return "int";
}
}  // namespace

Value::Value(List value) : data(std::make_shared<const List>(std::move(value))) {}
Value::Value(Map value) : data(std::make_shared<const Map>(std::move(value))) {}

bool Value::isNull() const {
  const List* items = list();
  return std::holds_alternative<std::monostate>(data) || (items != nullptr && items->nil);
}
const std::string* Value::string() const {
  const Text* text = std::get_if<Text>(&data);
  return text == nullptr ? nullptr : text->get();
}
const List* Value::list() const {
  const ListRef* list = std::get_if<ListRef>(&data);
  return list == nullptr ? nullptr : list->get();
}
const Map* Value::map() const {
  const MapRef* map = std::get_if<MapRef>(&data);
  return map == nullptr ? nullptr : map->get();
}
double Value::toDouble() const {
  const Integer* whole = integer();
  return whole == nullptr ? *floating() : static_cast<double>(whole->value);
}

std::string typeName(const Value& value) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string("<nil>"); }, [](bool) { return std::string("bool"); },
                 [](const Integer& integer) { return std::string(nameOf(integer.kind)); },
                 [](double) { return std::string("float64"); }, [](const Text&) { return std::string("string"); },
                 [](const Bytes&) { return std::string("[]uint8"); },
                 [](const ListRef& list) {
                   if (!list->name.empty()) return list->name;
                   switch (list->elements) {
                     case List::Elements::floating:
                       return std::string("[]float64");
                     case List::Elements::integer:
                       return std::string("[]int");
                     case List::Elements::string:
                       return std::string("[]string");
                     case List::Elements::any:
                       break;
                   }
                   return std::string("[]interface {}");
                 },
                 [](const MapRef& map) {
                   switch (map->shape) {
                     case Map::Shape::groups:
                       return std::string("map[interface {}][]interface {}");
                     case Map::Shape::pairs:
                       return std::string("map[interface {}]interface {}");
                     case Map::Shape::structure:
                       return map->name;
                     case Map::Shape::object:
                       break;
                   }
                   return std::string("map[string]interface {}");
                 },
                 [](const Moment&) { return std::string("time.Time"); },
                 [](std::chrono::nanoseconds) { return std::string("time.Duration"); },
                 [](const ZoneRef&) { return std::string("*time.Location"); },
                 [](const Function& function) {
                   if (function.name == "default") return std::string("func(interface {}, interface {}) interface {}");
                   const bool number = function.name == "isNaN" || function.name == "isInf";
                   const std::string_view result = function.name == "asInt"     ? "int64"
                                                   : function.name == "asFloat" ? "float64"
                                                                                : "bool";
                   return fmt::format("func({}) {}", number ? "float64" : "interface {}", result);
                 }},
      value.data);
}

namespace {

std::string formatInteger(const Integer& integer) {
  static constexpr std::array<std::string_view, 13> months{"",        "January",  "February", "March",  "April",
                                                           "May",     "June",     "July",     "August", "September",
                                                           "October", "November", "December"};
  static constexpr std::array<std::string_view, 7> days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                        "Thursday", "Friday", "Saturday"};
  if (integer.kind == Integer::Kind::month && integer.value >= 1 && integer.value <= 12) {
    return std::string(months[static_cast<std::size_t>(integer.value)]);
  }
  if (integer.kind == Integer::Kind::weekday && integer.value >= 0 && integer.value <= 6) {
    return std::string(days[static_cast<std::size_t>(integer.value)]);
  }
  if (integer.kind == Integer::Kind::uint64) return std::to_string(static_cast<std::uint64_t>(integer.value));
  return std::to_string(integer.value);
}

// Go sorts numbers as numbers; mapKey's text sorts them otherwise, which only a printed group could show.
std::string formatMap(const Map& map) {
  const bool structure = map.shape == Map::Shape::structure;
  std::string text = structure ? "{" : "map[";
  const std::size_t start = text.size();
  for (const auto& [key, entry] : map.entries) {
    if (text.size() > start) text += ' ';
    if (!structure) text += format(entry.key) + ":";
    text += format(entry.value);
  }
  return text + (structure ? "}" : "]");
}

std::string formatList(const List& list) {
  std::string text = "[";
  for (const Value& item : list.items) {
    if (text.size() > 1) text += ' ';
    text += format(item);
  }
  return text + "]";
}

std::string formatBytes(const std::string& bytes) {
  std::string text = "[";
  for (const char c : bytes) {
    if (text.size() > 1) text += ' ';
    text += std::to_string(static_cast<unsigned char>(c));
  }
  return text + "]";
}

}  // namespace

std::string format(const Value& value) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string("<nil>"); },
                 [](bool boolean) { return std::string(boolean ? "true" : "false"); },
                 [](const Integer& integer) { return formatInteger(integer); },
                 [](double number) { return go::shortestGeneral(number); }, [](const Text& text) { return *text; },
                 [](const Bytes& bytes) { return formatBytes(*bytes.text); },
                 [](const ListRef& list) { return formatList(*list); },
                 [](const MapRef& map) { return formatMap(*map); }, [](const Moment& moment) { return format(moment); },
                 [](std::chrono::nanoseconds duration) { return go::formatDuration(duration); },
                 [](const ZoneRef& zone) { return zone == nullptr ? std::string("UTC") : zone->name; },
                 [](const Function& function) { return function.name; }},
      value.data);
}

namespace {

// Go's reflect.DeepEqual: what `==` means inside maps.
bool identical(const Value& left, const Value& right) {
  if (left.data.index() != right.data.index()) return false;
  if (const Integer* ours = left.integer()) {
    return ours->kind == right.integer()->kind && ours->value == right.integer()->value;
  }
  if (const List* ours = left.list()) {
    const List* theirs = right.list();
    return ours->elements == theirs->elements && ours->nil == theirs->nil &&
           std::ranges::equal(ours->items, theirs->items, identical);
  }
  if (const Map* ours = left.map()) {
    const Map* theirs = right.map();
    return ours->shape == theirs->shape && ours->name == theirs->name &&
           std::ranges::equal(ours->entries, theirs->entries, [](const auto& a, const auto& b) {
             return a.first == b.first && identical(a.second.value, b.second.value);
           });
  }
  return equal(left, right);
}

}  // namespace

bool equal(const Value& left, const Value& right) {
  if (left.isNumber() && right.isNumber()) {
    if (left.integer() != nullptr && right.integer() != nullptr) return left.integer()->value == right.integer()->value;
    return left.toDouble() == right.toDouble();
  }
  const auto* left_bytes = std::get_if<Bytes>(&left.data);
  const auto* right_bytes = std::get_if<Bytes>(&right.data);
  if (left_bytes != nullptr && right.list() != nullptr) return equal(bytesOf(*left_bytes->text), right);
  if (right_bytes != nullptr && left.list() != nullptr) return equal(left, bytesOf(*right_bytes->text));
  if (left.data.index() != right.data.index()) return false;
  return std::visit(
      Overloaded{[](std::monostate) { return true; }, [&](bool ours) { return ours == *right.boolean(); },
                 [](const Integer&) { return false; }, [](double) { return false; },
                 [&](const Text& ours) { return *ours == *right.string(); },
                 [&](const Bytes& ours) { return *ours.text == *std::get<Bytes>(right.data).text; },
                 [&](const ListRef& ours) { return std::ranges::equal(ours->items, right.list()->items, equal); },
                 [&](const MapRef&) { return identical(left, right); },
                 [&](const Moment& ours) { return ours.order() == right.moment()->order(); },
                 [&](std::chrono::nanoseconds ours) { return ours == *right.duration(); },
                 [&](const ZoneRef& ours) { return ours == std::get<ZoneRef>(right.data); },
                 [](const Function&) { return false; }},
      left.data);
}

Result<bool> less(const Value& left, const Value& right, std::string_view op) {
  if (left.isNumber() && right.isNumber()) {
    if (left.integer() != nullptr && right.integer() != nullptr) return left.integer()->value < right.integer()->value;
    return left.toDouble() < right.toDouble();
  }
  if (left.string() != nullptr && right.string() != nullptr) return *left.string() < *right.string();
  if (left.moment() != nullptr && right.moment() != nullptr) return left.moment()->order() < right.moment()->order();
  if (left.duration() != nullptr && right.duration() != nullptr) return *left.duration() < *right.duration();
  return fail(ErrorCode::invalid, fmt::format("invalid operation: {} {} {}", typeName(left), op, typeName(right)));
}

Extent extentOf(const Value& value) {
  if (const List* list = value.list()) return list->extent;
  if (const Map* map = value.map()) return map->extent;
  const std::string* text = value.string();
  return {.depth = 0, .weight = text == nullptr ? 1 : 1 + static_cast<std::int64_t>(text->size() / 16)};
}

namespace {
// Clamped: what is that heavy is refused before anybody walks it.
void add(Extent& whole, const Value& part) {
  constexpr std::int64_t heaviest = std::int64_t{1} << 40;
  const Extent extent = extentOf(part);
  whole.depth = std::max(whole.depth, extent.depth + 1);
  whole.weight = std::min(whole.weight + extent.weight, heaviest);
}
}  // namespace

List bytesOf(std::string_view text) {
  List list;
  list.items.reserve(text.size());
  for (const char c : text) list.items.emplace_back(Integer{static_cast<unsigned char>(c), Integer::Kind::byte});
  measure(list);
  return list;
}

void measure(List& list) {
  list.extent = {1, 1};
  for (const Value& item : list.items) add(list.extent, item);
}
void measure(Map& map) {
  map.extent = {1, 1};
  for (const auto& [text, entry] : map.entries) {
    add(map.extent, entry.key);
    add(map.extent, entry.value);
  }
}

Result<std::string> mapKey(const Value& key) {
  if (key.list() != nullptr || key.map() != nullptr) {
    return fail(ErrorCode::invalid, "runtime error: hash of unhashable type " + typeName(key));
  }
  // The type's name keeps 1 and 1.0 and "1" apart.
  return typeName(key) + " " + format(key);
}

Value fromJson(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return value.get_bool();
    case json::kind::int64:
      return static_cast<double>(value.get_int64());
    case json::kind::uint64:
      return static_cast<double>(value.get_uint64());
    case json::kind::double_:
      return value.get_double();
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::array: {
      List list;
      list.items.reserve(value.get_array().size());
      for (const json::value& item : value.get_array()) list.items.push_back(fromJson(item));
      measure(list);
      return list;
    }
    case json::kind::object: {
      Map map;
      for (const auto& [key, member] : value.get_object()) {
        map.entries.emplace(std::string(key), Map::Entry{std::string(key), fromJson(member)});
      }
      measure(map);
      return map;
    }
  }
  return {};
}

}  // namespace crossfade::expr
