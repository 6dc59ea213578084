#include "kube/credentials.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "base/base64.hpp"
#include "base/log.hpp"

namespace crossfade::kube {

namespace {

constexpr Duration token_file_age = minutes(1);
// A refused credential is not asked for again sooner than this: it would be the same one.
constexpr Duration plugin_pause = seconds(10);
// A person may have to log in.
constexpr Duration plugin_limit = minutes(2);
// A token that expires this soon might not survive its request.
constexpr Duration expiry_margin = seconds(10);

std::string trimmed(std::string text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  text.erase(end == std::string::npos ? 0 : end + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  return text;
}

}  // namespace

Task<Result<std::string>> Credentials::header() {
  if (!config_.token.empty()) co_return "Bearer " + config_.token;
  if (!config_.token_file.empty()) co_return fromFile();
  if (!config_.username.empty()) {
    co_return "Basic " + encodeBase64(config_.username + ":" + config_.password);
  }
  if (config_.exec) co_return co_await fromPlugin();
  co_return std::string();
}

Result<std::string> Credentials::fromFile() {
  if (token_.empty() || clock_.now() - obtained_ >= token_file_age) {
    std::ifstream file(config_.token_file, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    std::string token = file ? trimmed(std::move(text).str()) : std::string();
    // While the file is being replaced, the token that we have is still good.
    if (token.empty() && token_.empty()) {
      return fail(ErrorCode::unauthorized,
                  fmt::format("{}: no token can be read from {}", config_.description, config_.token_file));
    }
    if (!token.empty()) token_ = std::move(token);
    obtained_ = clock_.now();
  }
  return "Bearer " + token_;
}

Task<Result<std::string>> Credentials::fromPlugin() {
  while (renewing_) {
    co_await renewed_.wait();
    if (!renewing_ && plugin_error_) co_return fail(*plugin_error_);
  }
  if (token_.empty() || (expires_ && *expires_ - expiry_margin <= clock_.now())) {
    renewing_ = true;
    auto credential = co_await runCredentialPlugin(*config_.exec, clock_, plugin_limit);
    renewing_ = false;
    obtained_ = clock_.now();
    plugin_error_.reset();
    if (credential) {
      token_ = std::move(credential->token);
      expires_ = credential->expires;
    } else {
      plugin_error_ = credential.error();
    }
    renewed_.notify();
    if (plugin_error_) co_return fail(*plugin_error_);
  }
  co_return "Bearer " + token_;
}

bool Credentials::refused(std::string_view header) {
  const bool renewable = config_.token.empty() && (!config_.token_file.empty() || config_.exec);
  if (!renewable) return false;
  if (header != "Bearer " + token_) return true;  // someone else has renewed it meanwhile
  if (!config_.token_file.empty()) {
    obtained_ = TimePoint{};
    return true;
  }
  if (clock_.now() - obtained_ < plugin_pause) return false;
  token_.clear();
  return true;
}

}  // namespace crossfade::kube
