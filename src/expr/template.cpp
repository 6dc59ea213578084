#include "expr/template.hpp"

#include <fmt/format.h>

#include "base/go_text.hpp"

namespace crossfade::expr {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

Result<std::string> substituteArgs(std::string_view text,
                                   const std::function<std::optional<std::string>(std::string_view)>& lookup) {
  constexpr std::string_view opening = "{{", closing = "}}", prefix = "args.";
  const std::string_view whole = text;
  std::string result;
  std::optional<Error> unresolved;
  while (true) {
    const std::size_t start = text.find(opening);
    result += text.substr(0, start);
    if (start == std::string_view::npos) break;
    text.remove_prefix(start + opening.size());
    const std::size_t end = text.find(closing);
    if (end == std::string_view::npos) {
      return fail(ErrorCode::invalid, fmt::format("Cannot find end tag={} in the template={} starting from {}",
                                                  go::quote(closing), go::quote(whole), go::quote(text)));
    }
    const std::string_view tag = text.substr(0, end);
    const std::string_view name = trimmed(tag);
    std::optional<std::string> value;
    if (name.starts_with(prefix)) value = lookup(name.substr(prefix.size()));
    if (value) {
      result += *value;
    } else {
      unresolved = Error{ErrorCode::invalid, fmt::format("failed to resolve {{{{{}}}}}", tag)};
    }
    text.remove_prefix(end + closing.size());
  }
  if (unresolved) return fail(*unresolved);
  return result;
}

}  // namespace crossfade::expr
