// Which of many selectors match a set of labels, without asking each. A selector with an equality is found through one
// of the labels that it demands; the few others are asked.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/labels.hpp"

namespace crossfade::local {

class SelectorIndex {
 public:
  // Replaces what stood under that key. Keys are "namespace/name"; a selector matches in its own namespace only.
  void set(const std::string& key, Selector selector);
  void erase(const std::string& key);
  // The keys whose selectors match, sorted.
  std::vector<std::string> matching(std::string_view ns, const Labels& labels) const;

 private:
  struct Entry {
    Selector selector;
    std::string bucket;
  };
  void collect(const std::string& bucket, const Labels& labels, std::set<std::string>& found) const;

  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::set<std::string>> buckets_;  // "namespace\nlabel=value", "namespace\n"
};

// The label that an object must carry for the selector to match; empty when there is no such single one.
std::optional<std::pair<std::string, std::string>> demandedLabel(const Selector& selector);

}  // namespace crossfade::local
