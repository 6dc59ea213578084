// Standard base64 (RFC 4648 §4), as Secrets, kubeconfig files and HTTP's basic authentication have it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace crossfade {

// With padding, without line breaks.
std::string encodeBase64(std::string_view bytes);
// Line breaks and spaces between characters are skipped; empty when anything else is wrong (alphabet, padding, length).
std::optional<std::string> decodeBase64(std::string_view text);

}  // namespace crossfade
