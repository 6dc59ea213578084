// JSONPath in the dialect of Kubernetes' own command line: the `jsonPath` of a web metric. spec/07 part C, spec/08
// §8.3.
//
// A path is a text with actions in braces; "$.a" without braces is a constant. It is compiled once and evaluated any
// number of times. Numbers of a document are floats whatever they look like; a number written in the path without a dot
// is an integer, and never compares with them. An evaluation is bounded (budget.hpp): no path makes it long or deep.
#pragma once
#include <memory>
#include <optional>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

class JsonPath {
 public:
  // Fails with the bare message of spec/07 C2 ("unclosed action"). The empty text is the whole document.
  static Result<JsonPath> compile(std::string_view text);

  // The first value of the first piece that found any; none of them did: nothing (spec/07 C1, C3). Fails with the bare
  // message ("zz is not found").
  Result<std::optional<Value>> first(const json::value& document) const;

  // Of jsonpath_parser.cpp and jsonpath.cpp.
  struct Node;

 private:
  std::shared_ptr<const std::vector<Node>> pieces_;
};

}  // namespace crossfade::expr
