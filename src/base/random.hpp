// The one door to chance: seeded from the machine in production, from a number in simulation.
#pragma once
#include <cstdint>
#include <random>
#include <string>

namespace crossfade {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // Seeded from the operating system.
  static Random fromSystem();

  // Uniform in [0, bound). `bound` must be above zero.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1).
  double unit();
  // True with this probability.
  bool chance(double probability) { return unit() < probability; }
  // A version 4 UUID.
  std::string uuid();
  // The suffix of a generated name: `length` characters of Kubernetes' vowel-free alphabet.
  std::string nameSuffix(int length = 5);

 private:
  std::mt19937_64 engine_;
};

}  // namespace crossfade
