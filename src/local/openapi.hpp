// The OpenAPI documents of the cluster: v2 (one document, JSON or protobuf: what older kubectl validates, explains and
// applies by) and v3 (one a group version, behind an index). Made from the schemas when they are first asked for, and
// again when a definition has changed.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "local/api_request.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

class OpenApi {
 public:
  explicit OpenApi(const Registry& registry) : registry_(registry) {}
  // /openapi/v2, /openapi/v3 and /openapi/v3/...; empty for other paths.
  std::optional<net::Response> answer(const ApiRequest& request);

 private:
  struct Served {
    const ResourceType* type;
    std::string version;
  };

  net::Response version2(const ApiRequest& request);
  net::Response version3Index() const;
  std::optional<net::Response> version3(const ApiRequest& request, std::string_view group, std::string_view version);
  std::vector<Served> served() const;
  // The same as long as the same definitions are there.
  std::string stateOf(std::string_view group) const;
  void forgetIfChanged();

  json::object document2() const;
  json::object document3(std::string_view group, std::string_view version) const;

  const Registry& registry_;
  std::string state_;
  std::string json2_, protobuf2_;             // of the v2 document; empty: not made yet
  std::map<std::string, std::string> json3_;  // by "group/version"
};

// The gnostic openapi_v2.Document of a v2 document, encoded (openapi_protobuf.cpp).
std::string openApiProtobuf(const json::object& document);

// A v3 schema as v2 can say it, as far as kubectl understands it (openapi_schema.cpp). References move to
// #/definitions/.
json::object openApiSchema2(const json::object& schema);
// The schema of a custom resource as documents show it: with apiVersion, kind, metadata and its kind.
json::object customDocument(const ResourceType& type, std::string_view version, const json::object* schema);
// "io.argoproj.v1alpha1.Rollout"
std::string customDefinitionName(const ResourceType& type, std::string_view version);
// The paths of one resource: operations with their parameters and kinds, in the shape of v2 or v3.
void addPaths(json::object& paths, const ResourceType& type, std::string_view version, std::string_view reference,
              bool version3);

}  // namespace crossfade::local
