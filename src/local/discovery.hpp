// What the cluster serves, as clients discover it: /api, /apis and below, in the old form and the aggregated one.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// The Kubernetes that the cluster behaves like.
inline constexpr std::string_view server_version = "v1.34.4+crossfade";

// A resource that is no kind of object: it can only be created, and the answer is all there is.
struct VirtualResource {
  std::string_view group, version, kind, plural, singular;
  bool namespaced = false;
};
const std::vector<VirtualResource>& virtualResources();

// A subresource beside `status` and `scale`.
struct ExtraSubresource {
  std::string_view name, group, version, kind;  // of what it takes
  std::vector<std::string_view> verbs;
};
std::vector<ExtraSubresource> extraSubresources(const ResourceType& type);

// The CustomResourceDefinition behind a custom resource; null for built-in ones.
Object definitionOf(const Registry& registry, const ResourceType& type);
// Whether one version serves `status` or `scale`. Versions of a custom resource may differ in that.
bool hasSubresource(const ResourceType& type, std::string_view version, const json::object* definition,
                    std::string_view name);

class Discovery {
 public:
  explicit Discovery(const Registry& registry) : registry_(registry) {}
  // metav1.APIVersions for /api; `address` is the host:port that the client used.
  static json::object coreVersions(std::string_view address);
  // False for groups that only CustomResourceDefinitions make.
  bool isBuiltinGroup(std::string_view group) const;
  json::object groupList() const;                                   // /apis
  std::optional<json::object> group(std::string_view group) const;  // /apis/GROUP
  std::optional<json::object> resourceList(std::string_view group, std::string_view version) const;
  // apidiscovery.k8s.io/v2 APIGroupDiscoveryList of /api (core) or /apis.
  json::object aggregated(bool core) const;

 private:
  struct GroupVersions {
    std::string name;
    std::vector<std::string> versions;  // best first
  };
  std::vector<GroupVersions> groups() const;  // without the core group, in the order of the registry
  static json::object describe(const GroupVersions& group);

  const Registry& registry_;
};

}  // namespace crossfade::local
