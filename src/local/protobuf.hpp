// Objects of built-in kinds as newer Kubernetes clients send them: application/vnd.kubernetes.protobuf. Read only;
// answers are JSON, which those clients accept.
#pragma once
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local {

// The object as its JSON would have it, with apiVersion and kind. Fails for broken bytes and for kinds that
// schemas/protobuf.json doesn't lay out.
Result<json::object> decodeProtobuf(std::string_view body);

}  // namespace crossfade::local
