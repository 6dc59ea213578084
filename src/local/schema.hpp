// Structural schemas: what the API server does to an object before it is stored. One implementation for built-in kinds
// (from the embedded excerpt of a real kube-apiserver's OpenAPI) and for CustomResourceDefinitions.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local {

struct SchemaNode;  // local/schema_node.hpp

class Schema {
 public:
  virtual ~Schema() = default;

  // Drops members the schema doesn't know (unless it preserves them); `unknown` receives their paths
  // ("spec.foo"), for `fieldValidation=Warn|Strict`: in the order of the document, sorted for custom resources.
  virtual void prune(json::object& object, std::vector<std::string>& unknown) const = 0;
  // Drops nulls where the API server does, then fills in defaults.
  virtual void applyDefaults(json::object& object) const = 0;
  // Every violation, in the API server's words and order: `spec.replicas: Invalid value: "string": ...`.
  // `old` is null on create; transition rules (x-kubernetes-validations with oldSelf) apply only where it is given.
  virtual std::vector<std::string> validate(const json::object& object, const json::object* old) const = 0;
  // The first value that a built-in kind (or anybody's metadata) can't hold, as the API server's decoder words it:
  // `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. Answered with 400.
  virtual std::optional<std::string> mistyped(const json::object& object) const = 0;
  // An object of this type before anything is written into it: built-in kinds have parts that are always there.
  virtual json::object blank() const = 0;
  // The OpenAPI v3 document of this type, as served by discovery.
  virtual const json::object& document() const = 0;
  // The tree that the patches walk. Lives as long as the schema.
  virtual const SchemaNode& root() const = 0;
};

// From `openAPIV3Schema` of a CustomResourceDefinition version. Fails, naming the path, when it isn't structural.
Result<std::shared_ptr<const Schema>> makeSchema(const json::object& open_api_v3_schema);

// The schema of a built-in kind; null for kinds that the cluster keeps as plain storage.
std::shared_ptr<const Schema> builtinSchema(std::string_view group, std::string_view version, std::string_view kind);

}  // namespace crossfade::local
