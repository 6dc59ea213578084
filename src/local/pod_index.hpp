// The pods of the registry by what the controllers ask for: their controller, their labels. Follows the registry by
// itself; made before the controllers, so that it is up to date when they are told of the same event.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/labels.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

class PodIndex {
 public:
  explicit PodIndex(Registry& registry);

  // All sorted by name.
  std::vector<Object> ownedBy(std::string_view controller_uid) const;
  std::vector<Object> orphans(std::string_view ns) const;  // without a controller
  // An empty selector matches nothing: that is what a Service or a budget means by it.
  std::vector<Object> matching(std::string_view ns, const Selector& selector) const;

 private:
  using Names = std::set<std::string, std::less<>>;
  void observe(const Event& event);
  void place(const json::object& pod, bool insert);
  std::vector<Object> read(std::string_view ns, const Names& names) const;

  Registry& registry_;
  const ResourceType& type_;
  struct Owned {
    std::string ns;
    Names names;
  };
  std::unordered_map<std::string, Owned> owned_;
  std::unordered_map<std::string, Names> orphans_;   // by namespace
  std::unordered_map<std::string, Names> labelled_;  // by "namespace\nlabel=value"
  std::shared_ptr<Registry::Subscription> subscription_;
};

}  // namespace crossfade::local
