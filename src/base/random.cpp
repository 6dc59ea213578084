#include "base/random.hpp"

#include <fmt/format.h>

namespace crossfade {

Random Random::fromSystem() {
  std::random_device device;
  return Random((static_cast<std::uint64_t>(device()) << 32) | device());
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Not std::uniform_int_distribution: its results differ between standard libraries, and a seed must not.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = engine_();
  while (value >= limit) value = engine_();
  return value % bound;
}

double Random::unit() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

std::string Random::uuid() {
  const std::uint64_t high = (engine_() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (engine_() & ~(0xC000ULL << 48)) | (0x8000ULL << 48);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF, low >> 48,
                     low & 0xFFFFFFFFFFFFULL);
}

std::string Random::nameSuffix(int length) {
  static constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (int i = 0; i < length; ++i) text += alphabet[below(alphabet.size())];
  return text;
}

}  // namespace crossfade
