// libFuzzer's way in: CROSSFADE_FUZZ_TARGET names the target.
#include <cstdint>

#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crossfade::fuzz::Target* target = [] {
    const char* name = std::getenv("CROSSFADE_FUZZ_TARGET");
    const auto* found = crossfade::fuzz::findTarget(name == nullptr ? "" : name);
    crossfade::fuzz::require(found != nullptr, "CROSSFADE_FUZZ_TARGET names a target");
    return found;
  }();
  target->run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
