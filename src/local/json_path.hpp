// The JSONPath of printer columns: members, indexes, wildcards and simple filters
// ('.status.conditions[?(@.type=="Ready")].status').
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace crossfade::local {

class JsonPath {
 public:
  // Empty when the text is none that we know.
  static std::optional<JsonPath> parse(std::string_view text);
  // What the path leads to, in the order of the document. Missing members lead nowhere.
  std::vector<const json::value*> find(const json::value& root) const;

 private:
  struct Step {
    enum class Kind { member, index, all, filter } kind = Kind::member;
    std::string name;        // of a member
    std::int64_t index = 0;  // from the end when negative
    // A filter: where `path` leads below an item, compared with `operand`; without an operator, that it leads anywhere.
    std::shared_ptr<const JsonPath> path;
    std::string comparison;
    json::value operand;
  };
  static bool passes(const Step& filter, const json::value& item);

  std::vector<Step> steps_;
};

}  // namespace crossfade::local
