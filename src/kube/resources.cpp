#include "kube/resources.hpp"

#include "net/url.hpp"

namespace crossfade::kube {

std::string ResourceKey::groupPath() const {
  return group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
}

std::string ResourceKey::path(std::string_view ns, std::string_view name, std::string_view subresource) const {
  std::string path = groupPath();
  if (namespaced && !ns.empty()) path += "/namespaces/" + net::percentEncode(ns);
  path += "/" + plural;
  if (!name.empty()) path += "/" + net::percentEncode(name);
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace crossfade::kube
