// {{args.name}} substitution. spec/06 §3.4.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace crossfade::expr {

// Replaces every {{args.x}} (white space inside the braces allowed) by lookup("x"); fails, naming the placeholder, where
// lookup gives nothing. Other text stays.
Result<std::string> substituteArgs(std::string_view text,
                                   const std::function<std::optional<std::string>(std::string_view)>& lookup);

}  // namespace crossfade::expr
