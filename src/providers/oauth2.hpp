// OAuth2 client credentials, for the providers that offer them. spec/08 §3.1.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "providers/backend.hpp"

namespace crossfade::providers {

struct OAuth2 {
  std::string token_url, client_id, client_secret;
  std::vector<std::string> scopes;

  // Reads `authentication.oauth2`; empty when it names no token URL. Fails when the credentials are incomplete.
  static Result<std::optional<OAuth2>> parse(const json::object* block);
};

// Asks for a token and returns the value of the Authorization header. `insecure` as the metric's.
Task<Result<std::string>> fetchAuthorization(net::Dialer& dialer, Clock& clock, OAuth2 settings, bool insecure,
                                             TimePoint deadline);

}  // namespace crossfade::providers
