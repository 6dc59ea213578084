// The fieldSelector query parameter: "status.phase!=Running,spec.nodeName=a". Which fields a kind offers is the API
// server's choice, not the schema's.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "local/api_status.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

class FieldSelector {
 public:
  FieldSelector() = default;  // matches everything
  // `definition` is the CustomResourceDefinition of a custom resource (its selectableFields); null otherwise.
  static Outcome<FieldSelector> parse(std::string_view text, const ResourceType& type, std::string_view version,
                                      const json::object* definition);
  bool matches(const json::object& object) const;
  bool empty() const { return terms_.empty(); }

 private:
  struct Term {
    std::vector<std::string> path;  // members to walk
    std::string value;
    bool equal = true;
  };
  std::vector<Term> terms_;
};

}  // namespace crossfade::local
