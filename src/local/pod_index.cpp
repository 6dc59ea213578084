#include "local/pod_index.hpp"

#include <fmt/format.h>

#include "local/object_facts.hpp"
#include "local/selector_index.hpp"

namespace crossfade::local {

namespace {

void change(auto& map, const std::string& key, std::string_view name, bool insert) {
  if (insert) {
    map[key].emplace(name);
    return;
  }
  const auto known = map.find(key);
  if (known == map.end()) return;
  known->second.erase(std::string(name));
  if (known->second.empty()) map.erase(known);
}

}  // namespace

PodIndex::PodIndex(Registry& registry) : registry_(registry), type_(*registry.resource("", "pods")) {
  for (const Object& pod : registry_.list(type_)) place(*pod, true);
  subscription_ = registry_.subscribe(&type_, [this](const ResourceType&, const Event& event) { observe(event); });
}

void PodIndex::observe(const Event& event) {
  if (event.previous) place(*event.previous, false);
  if (event.type != Event::Type::deleted) place(*event.object, true);
}

void PodIndex::place(const json::object& pod, bool insert) {
  const std::string ns(namespaceOf(pod));
  const std::string_view name = nameOf(pod);
  const std::string owner(controllerUid(pod));
  if (owner.empty()) {
    change(orphans_, ns, name, insert);
  } else if (insert) {
    auto& owned = owned_[owner];
    owned.ns = ns;
    owned.names.emplace(name);
  } else if (const auto known = owned_.find(owner); known != owned_.end()) {
    known->second.names.erase(std::string(name));
    if (known->second.names.empty()) owned_.erase(known);
  }
  for (const auto& [label, value] : labelsOf(pod))
    change(labelled_, fmt::format("{}\n{}={}", ns, label, value), name, insert);
}

std::vector<Object> PodIndex::read(std::string_view ns, const Names& names) const {
  std::vector<Object> pods;
  pods.reserve(names.size());
  for (const auto& name : names) {
    if (auto pod = registry_.get(type_, ns, name)) pods.push_back(std::move(*pod));
  }
  return pods;
}

std::vector<Object> PodIndex::ownedBy(std::string_view controller_uid) const {
  const auto known = owned_.find(std::string(controller_uid));
  return known == owned_.end() ? std::vector<Object>() : read(known->second.ns, known->second.names);
}

std::vector<Object> PodIndex::orphans(std::string_view ns) const {
  const auto known = orphans_.find(std::string(ns));
  return known == orphans_.end() ? std::vector<Object>() : read(ns, known->second);
}

std::vector<Object> PodIndex::matching(std::string_view ns, const Selector& selector) const {
  if (selector.empty()) return {};
  const auto label = demandedLabel(selector);
  if (!label) return registry_.list(type_, ns, selector);
  const auto known = labelled_.find(fmt::format("{}\n{}={}", ns, label->first, label->second));
  if (known == labelled_.end()) return {};
  auto pods = read(ns, known->second);
  std::erase_if(pods, [&selector](const Object& pod) { return !selector.matches(labelsOf(*pod)); });
  return pods;
}

}  // namespace crossfade::local
