// YAML as Kubernetes reads it: scalars resolved as its Go library does, the result a JSON document.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local {

// One document; an empty one is null. Keys become strings; anchors, aliases and merge keys are resolved. Fails with the
// place of the fault, and when aliases blow the document up.
Result<json::value> parseYaml(std::string_view text);

// Where a value begins; both from 1.
struct YamlPlace {
  int line = 1, column = 1;
};
struct YamlDocument {
  json::value value;
  std::map<std::string, YamlPlace, std::less<>> places;  // by path: "spec.metrics[0].name"; "" is the whole
  std::vector<std::string> duplicates;                   // paths of keys that stand twice in an object
};
// All documents of a stream, for whoever reports what is wrong with them. Empty ones are null.
Result<std::vector<YamlDocument>> parseYamlDocuments(std::string_view text);

}  // namespace crossfade::local
