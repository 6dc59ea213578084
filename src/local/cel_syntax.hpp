// Expressions as trees. Internal to local/cel.hpp.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local::cel {

struct Node {
  enum class Kind : std::uint8_t {
    literal,      // value
    variable,     // text
    list,         // children
    select,       // children[0] . text
    test,         // has(children[0] . text)
    index,        // children[0] [ children[1] ]
    call,         // text(children...): functions, and methods with their object as the first child
    unary,        // text children[0]
    binary,       // children[0] text children[1]
    conditional,  // children[0] ? children[1] : children[2]
    macro,        // children[0].text(variable, children[1])
  };
  Kind kind;
  std::string text;
  std::string variable;  // of a macro
  json::value value;
  std::vector<std::unique_ptr<Node>> children;
};

Result<std::unique_ptr<Node>> parseExpression(std::string_view text);

}  // namespace crossfade::local::cel
