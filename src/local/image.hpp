// What the embedded cluster reads from an image's name (local/pods.hpp tells the rules).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::local {

struct Image {
  std::string repository, tag;
  bool demo = false;  // the built-in demo application
  bool pullable = true;
  bool fails = false;  // ends with an error as soon as it runs
  // Of the demo application: crossfade.dev/demo:TAG?errors=0.1&latency=20ms&start=2s&crash=5s
  double errors = 0;              // share of requests answered with 500
  Duration latency{0};            // before each answer
  Duration start{0};              // from the container's start to the first answer, on top of the ready delay
  std::optional<Duration> crash;  // from the first answer to exit code 1
};

// `invalid`, naming what is wrong with it, where no such image can exist.
Result<Image> parseImage(std::string_view name);

}  // namespace crossfade::local
