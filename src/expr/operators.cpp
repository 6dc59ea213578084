#include "expr/operators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "expr/regex.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

std::unexpected<Error> mismatch(std::string_view op, const Value& left, const Value& right) {
  return refuse(fmt::format("invalid operation: {} {} {}", typeName(left), op, typeName(right)));
}

// Two's complement, wrapping.
std::int64_t wrapped(std::string_view op, std::int64_t left, std::int64_t right) {
  const auto a = static_cast<std::uint64_t>(left), b = static_cast<std::uint64_t>(right);
  return static_cast<std::int64_t>(op == "+" ? a + b : op == "-" ? a - b : a * b);
}
double computed(std::string_view op, double left, double right) {
  return op == "+" ? left + right : op == "-" ? left - right : left * right;
}
std::chrono::nanoseconds wrapped(std::string_view op, std::chrono::nanoseconds left, std::chrono::nanoseconds right) {
  return std::chrono::nanoseconds(wrapped(op, left.count(), right.count()));
}

// + - *
Result<Value> arithmetic(std::string_view op, const Value& left, const Value& right, Budget& budget) {
  if (left.isNumber() && right.isNumber()) {
    if (left.integer() != nullptr && right.integer() != nullptr) {
      return wrapped(op, left.integer()->value, right.integer()->value);
    }
    return computed(op, left.toDouble(), right.toDouble());
  }
  const std::chrono::nanoseconds zero(0);
  if (op == "+") {
    if (left.string() != nullptr && right.string() != nullptr) return budget.text(*left.string() + *right.string());
    if (left.moment() != nullptr && right.duration() != nullptr) return *left.moment() + *right.duration();
    if (left.duration() != nullptr && right.moment() != nullptr) return *right.moment() + *left.duration();
  }
  if (op == "-") {
    if (left.moment() != nullptr && right.moment() != nullptr) return *left.moment() - *right.moment();
    if (left.moment() != nullptr && right.duration() != nullptr) {
      return *left.moment() + wrapped("-", zero, *right.duration());
    }
  }
  if (left.duration() != nullptr && right.duration() != nullptr)
    return wrapped(op, *left.duration(), *right.duration());
  const bool scaled = op == "*" && (left.isNumber() || right.isNumber());
  if (scaled && (left.duration() != nullptr || right.duration() != nullptr)) {
    const std::chrono::nanoseconds duration = left.duration() != nullptr ? *left.duration() : *right.duration();
    const Value& factor = left.duration() != nullptr ? right : left;
    if (factor.integer() != nullptr) {
      return wrapped(op, duration, std::chrono::nanoseconds(factor.integer()->value));
    }
    return static_cast<double>(duration.count()) * *factor.floating();
  }
  return mismatch(op, left, right);
}

Result<Value> modulo(const Value& left, const Value& right) {
  if (left.integer() == nullptr || right.integer() == nullptr) return mismatch("%", left, right);
  if (right.integer()->value == 0) return refuse("runtime error: integer divide by zero");
  // The smallest integer has no remainder by -1 that the machine could compute.
  return right.integer()->value == -1 ? Value(0) : Value(left.integer()->value % right.integer()->value);
}

Result<Value> power(const Value& left, const Value& right) {
  for (const Value* operand : {&left, &right}) {
    if (!operand->isNumber()) return refuse(fmt::format("invalid operation: float({})", typeName(*operand)));
  }
  return std::pow(left.toDouble(), right.toDouble());
}

Result<Value> compare(std::string_view op, const Value& left, const Value& right) {
  // With a NaN all four are false, so none may be the negation of another.
  if (left.isNumber() && right.isNumber() && (std::isnan(left.toDouble()) || std::isnan(right.toDouble())))
    return false;
  const bool swapped = op == ">" || op == "<=";
  const auto is_less = swapped ? less(right, left, op) : less(left, right, op);
  if (!is_less) return mismatch(op, left, right);
  return op == "<" || op == ">" ? *is_less : !*is_less;
}

Result<Value> range(const Value& left, const Value& right, Budget& budget) {
  const auto low = toInteger(left);
  if (!low) return std::unexpected(low.error());
  const auto high = toInteger(right);
  if (!high) return std::unexpected(high.error());
  List list{.elements = List::Elements::integer};
  if (*low <= *high) {
    const std::uint64_t count = static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(*low);
    if (count >= Budget::max_elements - 1) return refuse("memory budget exceeded");
    list.items.reserve(count + 1);
    for (std::uint64_t i = 0; i <= count; ++i) list.items.emplace_back(*low + static_cast<std::int64_t>(i));
  }
  return budget.list(std::move(list));
}

Result<Value> contained(const Value& left, const Value& right, Budget& budget) {
  if (right.isNull()) return false;
  if (const List* list = right.list()) {
    if (const auto paid = budget.step(list->extent.weight); !paid) return std::unexpected(paid.error());
    return std::ranges::any_of(list->items, [&](const Value& item) { return equal(item, left); });
  }
  if (const auto* bytes = std::get_if<Bytes>(&right.data)) {
    const List list = bytesOf(*bytes->text);
    return std::ranges::any_of(list.items, [&](const Value& item) { return equal(item, left); });
  }
  if (const Map* map = right.map()) {
    if (map->shape == Map::Shape::structure) {
      if (left.string() != nullptr) return map->entries.contains(*left.string());
      return refuse(fmt::format("cannot use {} as field name of {}", typeName(left), map->name));
    }
    if (map->shape == Map::Shape::object) {
      if (left.isNull()) return map->entries.contains("");
      if (left.string() == nullptr) {
        return refuse(
            fmt::format("reflect.Value.MapIndex: value of type {} is not assignable to type string", typeName(left)));
      }
      return map->entries.contains(*left.string());
    }
    const auto key = mapKey(left);
    if (!key) return std::unexpected(key.error());
    return map->entries.contains(*key);
  }
  return refuse(fmt::format("operator \"in\" not defined on {}", typeName(right)));
}

Result<Value> matches(const Value& left, const Value& right, Budget& budget) {
  if (left.isNull() || right.isNull()) return false;
  const auto pattern = toText(right);
  if (!pattern) return std::unexpected(pattern.error());
  if (left.string() == nullptr) return badConversion(left, "string");
  const auto regex = Regex::compile(**pattern);
  if (!regex) return std::unexpected(regex.error());
  // Compiling costs about as much as a thousand steps.
  const auto size = static_cast<std::int64_t>(left.string()->size());
  if (const auto paid = budget.step(1000 + size / 64); !paid) return std::unexpected(paid.error());
  return regex->search(*left.string());
}

Result<Value> textTest(std::string_view op, const Value& left, const Value& right, Budget& budget) {
  if (left.isNull() || right.isNull()) return false;
  const auto text = toText(left);
  if (!text) return std::unexpected(text.error());
  const auto part = toText(right);
  if (!part) return std::unexpected(part.error());
  if (op == "startsWith") return (*text)->starts_with(**part);
  if (op == "endsWith") return (*text)->ends_with(**part);
  const auto paid = budget.step(static_cast<std::int64_t>((*text)->size() / 64));
  if (!paid) return std::unexpected(paid.error());
  return (*text)->find(**part) != std::string::npos;
}

}  // namespace

std::unexpected<Error> badConversion(const Value& value, std::string_view wanted) {
  const std::string name = typeName(value);
  return refuse(
      fmt::format("interface conversion: interface {{}} is {}, not {}", name == "<nil>" ? "nil" : name, wanted));
}

Result<bool> toBool(const Value& value) {
  if (value.boolean() == nullptr) return badConversion(value, "bool");
  return *value.boolean();
}

Result<const std::string*> toText(const Value& value) {
  if (value.string() == nullptr) return badConversion(value, "string");
  return value.string();
}

std::int64_t truncate(double value) {
  constexpr double limit = 0x1p63;
  if (!(value > -limit && value < limit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

Result<std::int64_t> toInteger(const Value& value) {
  if (value.integer() != nullptr) return value.integer()->value;
  if (value.floating() != nullptr) return truncate(*value.floating());
  return refuse(fmt::format("invalid operation: int({})", typeName(value)));
}

Result<Value> applyUnary(std::string_view op, const Value& operand) {
  if (op == "!" || op == "not") {
    const auto boolean = toBool(operand);
    if (!boolean) return std::unexpected(boolean.error());
    return !*boolean;
  }
  if (op == "+") return operand;
  if (!operand.isNumber()) return refuse(fmt::format("invalid operation: {} {}", op, typeName(operand)));
  if (operand.floating() != nullptr) return -*operand.floating();
  return Integer{wrapped("-", 0, operand.integer()->value), operand.integer()->kind};
}

Result<Value> applyBinary(std::string_view op, const Value& left, const Value& right, Budget& budget) {
  if (op == "==" || op == "!=") {
    const std::int64_t weight = std::min(extentOf(left).weight, extentOf(right).weight);
    if (const auto paid = budget.step(weight); !paid) return std::unexpected(paid.error());
    return equal(left, right) == (op == "==");
  }
  if (op == "<" || op == ">" || op == "<=" || op == ">=") return compare(op, left, right);
  if (op == "+" || op == "-" || op == "*") return arithmetic(op, left, right, budget);
  if (op == "/") {
    if (!left.isNumber() || !right.isNumber()) return mismatch(op, left, right);
    return left.toDouble() / right.toDouble();
  }
  if (op == "%") return modulo(left, right);
  if (op == "**" || op == "^") return power(left, right);
  if (op == "..") return range(left, right, budget);
  if (op == "in") return contained(left, right, budget);
  if (op == "matches") return matches(left, right, budget);
  return textTest(op, left, right, budget);
}

// --- members and slices
// --------------------------------------------------------------------------------------------------

namespace {

// The position that an index means; negative ones count from the end.
Result<std::size_t> position(const Value& key, std::size_t size) {
  const auto given = toInteger(key);
  if (!given) return std::unexpected(given.error());
  const auto length = static_cast<std::int64_t>(size);
  const std::int64_t index = *given < 0 ? wrapped("+", *given, length) : *given;
  if (index < 0 || index >= length)
    return refuse(fmt::format("index out of range: {} (array length is {})", index, length));
  return static_cast<std::size_t>(index);
}

Result<Value> byteAt(const std::string& bytes, const Value& key) {
  const auto at = position(key, bytes.size());
  if (!at) return std::unexpected(at.error());
  return Integer{static_cast<unsigned char>(bytes[*at]), Integer::Kind::byte};
}

Result<Value> fetchFromMap(const Map& map, const Value& key) {
  std::string name;
  if (map.shape == Map::Shape::structure) {
    const std::string* field = key.string();
    if (field == nullptr || !map.entries.contains(*field)) {
      return refuse(fmt::format("cannot fetch {} from {}", format(key), map.name));
    }
    name = *field;
  } else if (map.shape == Map::Shape::object) {
    if (key.string() != nullptr) {
      name = *key.string();
    } else if (!key.isNull()) {
      return refuse(
          fmt::format("reflect.Value.MapIndex: value of type {} is not assignable to type string", typeName(key)));
    }
  } else {
    auto found = mapKey(key);
    if (!found) return std::unexpected(found.error());
    name = std::move(*found);
  }
  const auto entry = map.entries.find(name);
  if (entry != map.entries.end()) return entry->second.value;
  return map.shape == Map::Shape::groups ? Value(List{.nil = true}) : Value();
}

}  // namespace

Result<Value> fetch(const Value& base, const Value& key) {
  if (const Map* map = base.map()) return fetchFromMap(*map, key);
  if (const List* list = base.list()) {
    const auto at = position(key, list->items.size());
    if (!at) return std::unexpected(at.error());
    return list->items[*at];
  }
  if (base.string() != nullptr) return byteAt(*base.string(), key);
  if (const auto* bytes = std::get_if<Bytes>(&base.data)) return byteAt(*bytes->text, key);
  return refuse(fmt::format("cannot fetch {} from {}", format(key), typeName(base)));
}

Result<Value> slice(const Value& base, const Value* from, const Value* to, Budget& budget) {
  const auto* bytes = std::get_if<Bytes>(&base.data);
  const std::string* text = bytes != nullptr ? bytes->text.get() : base.string();
  const List* list = base.list();
  if (text == nullptr && list == nullptr) {
    // The reference names the lower bound, where it has one to name.
    if (to == nullptr) return refuse(fmt::format("invalid argument for len (type {})", typeName(base)));
    return refuse(fmt::format("cannot slice {}", from == nullptr ? "0" : format(*from)));
  }
  const auto size = static_cast<std::int64_t>(text != nullptr ? text->size() : list->items.size());
  const auto bound = [&](const Value* value, std::int64_t open) -> Result<std::int64_t> {
    if (value == nullptr) return open;
    const auto given = toInteger(*value);
    if (!given) return given;
    return std::clamp<std::int64_t>(*given < 0 ? *given + size : *given, 0, size);
  };
  const auto high = bound(to, size);
  if (!high) return std::unexpected(high.error());
  const auto low = bound(from, 0);
  if (!low) return std::unexpected(low.error());
  const auto start = static_cast<std::size_t>(std::min(*low, *high)), length = static_cast<std::size_t>(*high) - start;
  if (list != nullptr) {
    const auto first = list->items.begin() + static_cast<std::ptrdiff_t>(start);
    return budget.list({.elements = list->elements, .items = {first, first + static_cast<std::ptrdiff_t>(length)}});
  }
  if (bytes != nullptr) return Value(Bytes{std::make_shared<const std::string>(text->substr(start, length))});
  return budget.text(text->substr(start, length));
}

}  // namespace crossfade::expr
