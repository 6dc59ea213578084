// FNV-1a and the safe encoding that Kubernetes uses for names. spec/02 §4.1.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace crossfade {

constexpr std::uint32_t fnv_offset_basis = 2166136261U;

// FNV-1a, 32 bit, of `bytes` continued from `hash`.
std::uint32_t fnv1a(std::string_view bytes, std::uint32_t hash = fnv_offset_basis);
// The decimal digits of the hash, each mapped to Kubernetes' vowel-free alphabet: "7dcd65" and the like.
std::string safeEncode(std::uint32_t hash);

}  // namespace crossfade
