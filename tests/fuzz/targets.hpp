// What a fuzzer may feed. A target takes any bytes and must come back soon; it aborts when something that always holds
// doesn't. `./dev fuzz` makes inputs up; replay_test.cpp repeats those that are kept in tests/fuzz/corpus/TARGET.
//
// A target is one file here, a line in targets.cpp, and a folder of seeds.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace crossfade::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view input);
};
std::span<const Target> targets();
// Null when there is none of this name.
const Target* findTarget(std::string_view name);

// Inputs of two parts are divided by the first line "====".
inline std::pair<std::string_view, std::string_view> halves(std::string_view input) {
  constexpr std::string_view divider = "\n====\n";
  const std::size_t at = input.find(divider);
  if (at == std::string_view::npos) return {input, {}};
  return {input.substr(0, at), input.substr(at + divider.size())};
}

inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void condition(std::string_view input);
void jsonpath(std::string_view input);
void arguments(std::string_view input);
void time(std::string_view input);
void answer(std::string_view input);

}  // namespace crossfade::fuzz
