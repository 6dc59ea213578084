// Kubernetes' IntOrString where it means a number or a percentage.
#pragma once
#include <boost/json.hpp>
#include <string>
#include <variant>

#include "base/result.hpp"

namespace crossfade {

enum class Rounding { up, down };

// A value as the user wrote it. spec/01 §7.
struct IntOrPercent {
  std::variant<int, std::string> value = 0;

  static Result<IntOrPercent> fromJson(const boost::json::value& value);
  // The share of `total`: an int stands for itself, a string ("30%", and "30" as well) for that percentage of it,
  // rounded. Any other string is an error that names it.
  Result<int> resolve(int total, Rounding rounding) const;
  bool operator==(const IntOrPercent&) const = default;
};

}  // namespace crossfade
