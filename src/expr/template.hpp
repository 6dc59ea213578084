// {{args.name}} substitution. spec/06 §3.4.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace crossfade::expr {

// Replaces every {{args.x}} (white space inside the braces allowed) by lookup("x"), once: what comes in is not looked
// at again. Fails with "failed to resolve {{…}}" where the braces hold anything else or lookup gives nothing (the last
// such place is named), and where braces are not closed. Other text stays.
Result<std::string> substituteArgs(std::string_view text,
                                   const std::function<std::optional<std::string>(std::string_view)>& lookup);

}  // namespace crossfade::expr
