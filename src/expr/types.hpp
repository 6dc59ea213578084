// The static types of a condition. spec/07 B3, B4.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crossfade::expr {

struct Type;
using TypeRef = std::shared_ptr<const Type>;

struct Type {
  enum class Kind {
    any,      // known only at run time: a member of an object
    unknown,  // the same, as the outcome of an operator; differs in its name only
    nil,
    boolean,
    integer,
    floating,
    string,
    bytes,
    list,
    map,
    structure,  // a struct of Go
    time,
    duration,
    location,
    function,
    environment,  // $env
  };
  Kind kind = Kind::any;
  std::string name;                                          // as messages print it
  TypeRef element = {};                                      // of lists and maps
  TypeRef key = {};                                          // of maps
  std::vector<std::pair<std::string, TypeRef>> fields = {};  // of structures

  bool is(Kind wanted) const { return kind == wanted; }
  bool dynamic() const { return kind == Kind::any || kind == Kind::unknown; }
  bool number() const { return kind == Kind::integer || kind == Kind::floating; }
};

namespace types {
const TypeRef& any();
const TypeRef& unknown();
const TypeRef& nil();
const TypeRef& boolean();
const TypeRef& integer();  // int
const TypeRef& int64();    // what asInt gives
const TypeRef& month();
const TypeRef& weekday();
const TypeRef& floating();
const TypeRef& string();
const TypeRef& bytes();
const TypeRef& time();
const TypeRef& duration();
const TypeRef& location();
const TypeRef& environment();
const TypeRef& floatList();   // []float64
const TypeRef& intList();     // of integers; named like a list of anything
const TypeRef& stringList();  // []string
// []interface {} whose elements have this type.
TypeRef listOf(TypeRef element);
const TypeRef& object();  // map[string]interface {}
TypeRef mapOf(TypeRef key, TypeRef element, std::string name);
TypeRef function(std::string name);
TypeRef structure(std::string name, std::vector<std::pair<std::string, TypeRef>> fields);
// A list whose type has a name of its own: "[]types.MetricDataResult".
TypeRef namedList(std::string name, TypeRef element);
}  // namespace types

// Go's assignability, as far as conditions can see it.
bool assignable(const Type& from, const Type& to);
// Whether the two are one type, inside as well.
bool same(const Type& left, const Type& right);
// Whether `==` may be asked of the two.
bool comparable(const Type& left, const Type& right);

}  // namespace crossfade::expr
