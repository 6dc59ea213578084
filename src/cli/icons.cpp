#include "cli/icons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace crossfade::cli {
namespace {

constexpr std::string_view waiting = "◷", progressing = "◌", warning = "⚠", unknown = "?", ok = "✔", bad = "✖",
                           paused = "॥", neutral = "•", none = " ";

bool isOneOf(std::string_view status, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, status) != words.end();
}

}  // namespace

std::string Painter::paint(std::string_view text, Colour colour) const {
  return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(colour), text) : std::string(text);
}

std::string Painter::icon(std::string_view glyph) const {
  if (glyph == waiting || glyph == unknown) return paint(glyph, Colour::yellow);
  if (glyph == progressing) return paint(glyph, Colour::blue);
  if (glyph == warning || glyph == bad) return paint(glyph, Colour::red);
  return paint(glyph, glyph == ok ? Colour::green : Colour::none);
}

std::string_view rolloutIcon(std::string_view status) {
  if (status == "Progressing") return progressing;
  if (isOneOf(status, {"Error", "InvalidSpec"})) return warning;
  if (status == "Paused") return paused;
  if (status == "Healthy") return ok;
  if (status == "Degraded") return bad;
  if (status == "Unknown") return unknown;
  return status == "ScaledDown" ? neutral : none;
}

std::string_view replicaSetIcon(std::string_view status) {
  if (status == "Progressing") return progressing;
  if (status == "Healthy") return ok;
  if (status == "ReplicaFailure") return bad;
  return status == "ScaledDown" ? neutral : none;
}

std::string_view runIcon(std::string_view status) {
  if (status == "Successful") return ok;
  if (status == "Inconclusive") return unknown;
  if (status == "Failed") return bad;
  if (status == "Error") return warning;
  if (status == "Running") return progressing;
  return status == "Pending" ? waiting : none;
}

std::string_view podIcon(std::string_view status) {
  if (status.starts_with("Init:")) return progressing;
  if (status.starts_with("Signal:") || status.starts_with("ExitCode:")) return bad;
  if (status.ends_with("Error") || status.starts_with("Err")) return warning;
  if (isOneOf(status, {"Pending", "Terminating", "ContainerCreating"})) return progressing;
  if (isOneOf(status, {"Running", "Completed"})) return ok;
  if (isOneOf(status, {"Failed", "InvalidImageName", "CrashLoopBackOff"})) return bad;
  if (isOneOf(status, {"ImagePullBackOff", "RegistryUnavailable"})) return warning;
  return status == "Unknown" ? unknown : none;
}

}  // namespace crossfade::cli
