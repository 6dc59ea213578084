// Label sets and label selectors (metav1.LabelSelector and the query syntax of the API server).
#pragma once
#include <boost/container/flat_map.hpp>
#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace crossfade {

// A sorted vector: objects have a handful of labels, and the caches hold a hundred thousand such sets.
using Labels = boost::container::flat_map<std::string, std::string, std::less<>>;

// The string-to-string members of a JSON object; others are skipped.
Labels labelsFromJson(const boost::json::object* object);

class Selector {
 public:
  enum class Operator { in, not_in, exists, does_not_exist };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
    bool operator==(const Requirement&) const = default;
  };

  // Matches everything.
  Selector() = default;
  explicit Selector(std::vector<Requirement> requirements) : requirements_(std::move(requirements)) {}

  // {"matchLabels":{...},"matchExpressions":[...]}. An empty object selects everything.
  static Result<Selector> fromJson(const boost::json::object& selector);
  // Equality with each of these labels.
  static Selector fromLabels(const Labels& labels);

  bool matches(const Labels& labels) const;
  bool empty() const { return requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }
  // The query syntax, keys sorted: what `status.selector` holds.
  std::string toString() const;

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace crossfade
