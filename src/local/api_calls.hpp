// What the REST face does with a resource: one function a verb. Each takes the call apart no further than it needs, and
// answers a response or the failure that is to be told. Internal to the room.
#pragma once
#include "local/api_request.hpp"
#include "local/api_server.hpp"
#include "local/api_status.hpp"
#include "local/api_view.hpp"
#include "local/registry.hpp"
#include "local/watch_hub.hpp"

namespace crossfade::local {

// One request for a resource that is served.
struct ApiCall {
  Registry& registry;
  Clock& clock;
  const ApiServerOptions& options;
  WatchHub& watches;
  const ApiRequest& request;
  const ResourcePath& path;
  const ResourceType& type;
  Object definition;  // the CustomResourceDefinition of a custom resource; null otherwise

  Outcome<View> view() const { return View::of(request, type, path.version, definition.get(), clock.now()); }
};

// How a write wants to be treated, from its query.
struct WriteParameters {
  bool dry_run = false;
  bool force = false;
  std::string manager;
  enum class Validation { ignore, warn, strict } validation = Validation::warn;
};
// `options_kind` is "CreateOptions" and the like: failures name it. `apply`: a manager is required, and force allowed.
Outcome<WriteParameters> writeParameters(const ApiRequest& request, std::string_view options_kind, bool apply = false);

// Adds a Warning header a message, as far as the client asked for warnings.
void addWarnings(net::Response& response, const std::vector<std::string>& messages);
// `unknown field "spec.foo"`, `duplicate field "a"`.
std::vector<std::string> fieldWarnings(const std::vector<std::string>& unknown,
                                       const std::vector<std::string>& duplicates);
// The members of an object that its kind doesn't know.
std::vector<std::string> unknownFields(const ApiCall& call, const json::object& object);

using Answer = Outcome<net::Response>;

// api_read.cpp
Answer readObject(const ApiCall& call);
Answer listObjects(const ApiCall& call);
Answer watchObjects(const ApiCall& call);
// What a list, a watch and a deletion of a collection select.
struct Selection {
  Selector labels;
  FieldSelector fields;
  bool all() const { return labels.empty() && fields.empty(); }
};
Outcome<Selection> selectionOf(const ApiCall& call);

// api_write.cpp
Answer createObject(const ApiCall& call);
Answer updateObject(const ApiCall& call, Subresource subresource);
Answer deleteObject(const ApiCall& call);
Answer deleteCollection(const ApiCall& call);

// api_patch.cpp
Answer patchObject(const ApiCall& call, Subresource subresource);

// api_subresources.cpp
Answer getScale(const ApiCall& call);
Answer updateScale(const ApiCall& call);
Answer finalizeNamespace(const ApiCall& call);
Answer bindPod(const ApiCall& call);
Answer evictPod(const ApiCall& call);
Answer requestToken(const ApiCall& call);
// Reviews: resources without objects (see virtualResources). Empty when the path names none of them.
std::optional<Answer> createVirtual(const ApiRequest& request, TimePoint now);

}  // namespace crossfade::local
