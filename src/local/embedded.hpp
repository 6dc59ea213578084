// Files that are compiled into the program (src/local/embed.cmake).
#pragma once
#include <string_view>

namespace crossfade::local {

// "builtin.json": {"kinds":{"apps/v1/Deployment":NAME,…},"schemas":{NAME:OpenAPI v3 schema,…}}, from a real API server.
// "protobuf.json": the layouts of messages, from Kubernetes' sources (tools/generate_protobuf_table.py).
// "crds.json": a List of CustomResourceDefinitions: our five, and the Gateway API's.
// Empty when there is no file of that name.
std::string_view embedded(std::string_view name);

}  // namespace crossfade::local
