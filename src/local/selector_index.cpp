#include "local/selector_index.hpp"

#include <fmt/format.h>

#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

std::string bucketOf(std::string_view ns, std::string_view label, std::string_view value) {
  return fmt::format("{}\n{}={}", ns, label, value);
}

std::string restOf(std::string_view ns) { return fmt::format("{}\n", ns); }

}  // namespace

std::optional<std::pair<std::string, std::string>> demandedLabel(const Selector& selector) {
  // The last by name: "pod-template-hash" tells more than "app".
  std::optional<std::pair<std::string, std::string>> best;
  for (const auto& requirement : selector.requirements()) {
    if (requirement.op != Selector::Operator::in || requirement.values.size() != 1) continue;
    std::pair pair(requirement.key, requirement.values.front());
    if (!best || *best < pair) best = std::move(pair);
  }
  return best;
}

void SelectorIndex::set(const std::string& key, Selector selector) {
  erase(key);
  const std::string ns = splitKey(key).ns;
  const auto label = demandedLabel(selector);
  std::string bucket = label ? bucketOf(ns, label->first, label->second) : restOf(ns);
  buckets_[bucket].insert(key);
  entries_.emplace(key, Entry{std::move(selector), std::move(bucket)});
}

void SelectorIndex::erase(const std::string& key) {
  const auto known = entries_.find(key);
  if (known == entries_.end()) return;
  const auto bucket = buckets_.find(known->second.bucket);
  bucket->second.erase(key);
  if (bucket->second.empty()) buckets_.erase(bucket);
  entries_.erase(known);
}

std::vector<std::string> SelectorIndex::matching(std::string_view ns, const Labels& labels) const {
  std::set<std::string> found;
  collect(restOf(ns), labels, found);
  for (const auto& [label, value] : labels) collect(bucketOf(ns, label, value), labels, found);
  return {found.begin(), found.end()};
}

void SelectorIndex::collect(const std::string& bucket, const Labels& labels, std::set<std::string>& found) const {
  const auto keys = buckets_.find(bucket);
  if (keys == buckets_.end()) return;
  for (const auto& key : keys->second) {
    if (entries_.at(key).selector.matches(labels)) found.insert(key);
  }
}

}  // namespace crossfade::local
