// The run-time values of a condition: cheap to copy, never changed once made. spec/07 B3, B5.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "expr/moments.hpp"

namespace crossfade::expr {

struct Value;
struct List;
struct Map;
using ListRef = std::shared_ptr<const List>;
using MapRef = std::shared_ptr<const Map>;
using Text = std::shared_ptr<const std::string>;

// The integers of Go that conditions can tell apart by name.
struct Integer {
  enum class Kind { plain, int64, uint64, month, weekday, byte };
  std::int64_t value = 0;
  Kind kind = Kind::plain;
};
struct Bytes {
  Text text;
};
// A function of the environment, by name.
struct Function {
  std::string name;
};

struct Value {
  std::variant<std::monostate, bool, Integer, double, Text, Bytes, ListRef, MapRef, Moment, std::chrono::nanoseconds,
               ZoneRef, Function>
      data = std::monostate();

  Value() = default;
  Value(bool value) : data(value) {}
  Value(Integer value) : data(value) {}
  Value(std::int64_t value) : data(Integer{value}) {}
  Value(int value) : data(Integer{value}) {}
  Value(double value) : data(value) {}
  Value(std::string value) : data(std::make_shared<const std::string>(std::move(value))) {}
  Value(Bytes value) : data(std::move(value)) {}
  Value(ListRef value) : data(std::move(value)) {}
  Value(MapRef value) : data(std::move(value)) {}
  Value(List value);
  Value(Map value);
  Value(Moment value) : data(std::move(value)) {}
  Value(std::chrono::nanoseconds value) : data(value) {}
  Value(ZoneRef value) : data(std::move(value)) {}
  Value(Function value) : data(std::move(value)) {}

  bool isNull() const;  // nil, and the nil list
  const bool* boolean() const { return std::get_if<bool>(&data); }
  const Integer* integer() const { return std::get_if<Integer>(&data); }
  const double* floating() const { return std::get_if<double>(&data); }
  const std::string* string() const;
  const List* list() const;
  const Map* map() const;
  const Moment* moment() const { return std::get_if<Moment>(&data); }
  const std::chrono::nanoseconds* duration() const { return std::get_if<std::chrono::nanoseconds>(&data); }
  bool isNumber() const { return integer() != nullptr || floating() != nullptr; }
  // Of a number: the double.
  double toDouble() const;
};

// How large a value is when it is walked through: what several lists share counts for each of them.
struct Extent {
  int depth = 0;            // of lists and maps in one another
  std::int64_t weight = 1;  // values in it, long texts for more than one
};
Extent extentOf(const Value& value);

struct List {
  // What Go would have as elements; only names and the depth of equality depend on it.
  enum class Elements { any, floating, integer, string };
  Elements elements = Elements::any;
  std::string name = {};  // of its type, where it has one of its own
  bool nil = false;       // Go's nil slice: empty, and nil to `??`
  std::vector<Value> items = {};
  Extent extent = {1, 1};  // set by measure()
};

struct Map {
  enum class Shape { object, groups, pairs, structure };  // map[string]any; of groupBy; of fromPairs; a struct of Go
  struct Entry {
    Value key, value;
  };
  Shape shape = Shape::object;
  std::string name = {};  // of a structure's type
  // By the text of a string key of an object, or by mapKey(). Sorted, so that everything that walks is deterministic.
  std::map<std::string, Entry, std::less<>> entries = {};
  Extent extent = {1, 1};  // set by measure()
};
// The bytes of a text as numbers.
List bytesOf(std::string_view text);
void measure(List& list);
void measure(Map& map);

// The type's name as Go's %T prints it.
std::string typeName(const Value& value);
// As Go's %v prints it.
std::string format(const Value& value);

// `==` (numbers by value, lists element by element, maps by deep identity).
bool equal(const Value& left, const Value& right);
// `<`; fails where the two have no order. `op` is the operator that the message names.
Result<bool> less(const Value& left, const Value& right, std::string_view op = "<");

// A key of groups and pairs; fails for lists and maps.
Result<std::string> mapKey(const Value& key);

Value fromJson(const json::value& value);

}  // namespace crossfade::expr
