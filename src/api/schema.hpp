// The types behind the two hashes: which members an object has and in which order they are printed. Written as text, in
// the notation of spec/02 Appendix A, and parsed once:
//
//   Type: member member … ;
//   name         a scalar, left out when absent, null, "", 0 or false; with `!` always printed
//   name:int     the same, where the zero value is 0 and not ""
//   name:time    a time, left out when null
//   name:T       an object of type T        name:*     left out only when absent or null (*T, *q, …)
//   name:[T]     a list of T                name:{T}   a map of T, keys sorted; left out when empty
//   q            a quantity                 ios        an integer or a string (0 when absent)
//   raw          JSON of any shape          &T         the members of T
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace crossfade::api {

struct Schema {
  enum class Shape { plain, pointer, list, map };
  enum class Kind { scalar, integer, time, quantity, int_or_string, raw, object };
  struct Type;
  struct Member {
    std::string_view name;
    Shape shape = Shape::plain;
    Kind kind = Kind::scalar;
    bool required = false;
    const Type* type = nullptr;  // of an object
  };
  struct Type {
    std::string_view name;
    std::vector<Member> members;
  };
};

// The type of this name; it must exist. Lives as long as the program.
const Schema::Type& schemaType(std::string_view name);

// The texts: of a pod template, and of canary steps (which use types of the former).
std::string_view podTemplateTypes();
std::string_view canaryStepTypes();

}  // namespace crossfade::api
