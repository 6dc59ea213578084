// A text with {{args.x}} in it, and the arguments: lines of name=value.
#include <map>

#include "expr/template.hpp"
#include "fuzz/targets.hpp"

namespace crossfade::fuzz {

void arguments(std::string_view input) {
  auto [text, rest] = halves(input);
  std::map<std::string, std::string, std::less<>> values;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) values.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  const auto filled = expr::substituteArgs(text, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
  if (!filled) return require(!filled.error().message.empty(), "a problem has a message");
  if (text.find("{{") == std::string_view::npos) require(*filled == text, "a text without arguments stays");
}

}  // namespace crossfade::fuzz
