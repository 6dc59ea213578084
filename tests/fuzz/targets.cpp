#include "fuzz/targets.hpp"

#include <algorithm>
#include <array>

namespace crossfade::fuzz {

std::span<const Target> targets() {
  static constexpr std::array<Target, 5> all{
      {{"condition", condition}, {"jsonpath", jsonpath}, {"arguments", arguments}, {"time", time}, {"answer", answer}}};
  return all;
}

const Target* findTarget(std::string_view name) {
  const auto all = targets();
  const auto found = std::ranges::find(all, name, &Target::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace crossfade::fuzz
