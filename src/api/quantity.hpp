// Resource quantities: "150m", "1Gi", 0.5. spec/01 §8.5.
#pragma once
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace crossfade::api {

// The canonical spelling; empty when the text is no quantity.
std::optional<std::string> canonicalQuantity(std::string_view text);
// How two quantities compare by value ("1" and "1000m" are equal); empty when one of them is no quantity.
std::optional<std::strong_ordering> compareQuantities(std::string_view left, std::string_view right);

}  // namespace crossfade::api
