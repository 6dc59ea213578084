// The pieces of a JSONPath. spec/07 C2.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "expr/jsonpath.hpp"

namespace crossfade::expr {

struct JsonPath::Node {
  enum class Kind {
    action,      // children: what stands in the braces
    literal,     // literal
    text,        // literal: text outside of braces, a quoted text inside
    field,       // text
    wildcard,    // every member and element
    descent,     // ..
    slice,       // from, to, step
    selection,   // children: actions whose results are joined: [0,2]
    filter,      // text: operator or "exists"; children: left, right (both actions)
    identifier,  // text: a word: "range", "end", and those that mean nothing
  };
  Kind kind;
  std::string text = {};
  Value literal = {};
  std::optional<std::int64_t> from = {}, to = {}, step = {};
  bool single = false;  // slice: [n], `to` is n + 1
  std::vector<Node> children = {};
};

Result<std::vector<JsonPath::Node>> parseJsonPath(std::string_view text);

}  // namespace crossfade::expr
