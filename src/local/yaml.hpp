// YAML as Kubernetes reads it: scalars resolved as its Go library does, the result a JSON document.
#pragma once
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local {

// One document; an empty one is null. Keys become strings; anchors, aliases and merge keys are resolved. Fails with the
// place of the fault, and when aliases blow the document up.
Result<json::value> parseYaml(std::string_view text);

}  // namespace crossfade::local
