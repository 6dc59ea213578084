// The glyphs and colours of states. spec/10 §2.5, §3.1 "Colour".
#pragma once
#include <string>
#include <string_view>

namespace crossfade::cli {

// SGR codes.
enum class Colour { none = 0, red = 31, green = 32, yellow = 33, blue = 94 };

// Puts texts in colour, or leaves them alone.
class Painter {
 public:
  explicit Painter(bool colour) : colour_(colour) {}
  // Also a text without a colour is wrapped (code 0).
  std::string paint(std::string_view text, Colour colour) const;
  // The painted icon of a state.
  std::string icon(std::string_view glyph) const;

 private:
  bool colour_;
};

// The glyph of a state; one blank where there is none.
std::string_view rolloutIcon(std::string_view status);
std::string_view replicaSetIcon(std::string_view status);
// AnalysisRuns, Experiments, the jobs of measurements.
std::string_view runIcon(std::string_view status);
std::string_view podIcon(std::string_view status);

}  // namespace crossfade::cli
