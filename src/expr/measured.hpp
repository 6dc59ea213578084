// What a provider measured: the value of `result` and the static type that conditions see it with. spec/07 A3.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "expr/types.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

// Cheap to copy. Whatever is inside of an object or a list of anything is dynamic: typed when it is reached.
struct Measured {
  Value value = {};
  TypeRef type = types::nil();

  Measured() = default;                // no data
  Measured(bool value);                // a boolean
  Measured(double value);              // a number, NaN and infinities among them
  Measured(std::vector<double> list);  // []float64; empty where there is no data
  Measured(std::string text);
  Measured(const char* text) : Measured(std::string(text)) {}
  Measured(const json::value& document);  // as the web provider sees JSON: all numbers are floats
  // Anything else: a list of an InfluxDB's integers, times and texts, a literal of a JSONPath.
  explicit Measured(Value value);

  // nil, or a list without elements: what A5 calls no data.
  bool isEmpty() const;
};

// A list of Go structs ("types.MetricDataResult" of CloudWatch). Each row has a value for each field.
Measured structures(const std::string& name, const std::vector<std::pair<std::string, TypeRef>>& fields,
                    const std::vector<std::vector<Value>>& rows);

}  // namespace crossfade::expr
