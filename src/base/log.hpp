// The process's logger: text for people, JSON lines for machines; written to stderr. The only global state.
#pragma once
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace crossfade::log {

enum class Level { debug, info, warn, error };
enum class Format { text, json };

// Call once, before anything logs. The default is text at level info.
void configure(Format format, Level level);
void setLevel(Level level);
bool enabled(Level level);
void write(Level level, std::string_view message);

// `log::info("listed {} {}", n, kind)`.
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace crossfade::log
