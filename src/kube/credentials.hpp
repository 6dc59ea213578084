// The Authorization header of requests, from whatever the configuration names; renewed when it expires or is refused.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "kube/config.hpp"

namespace crossfade::kube {

class Credentials {
 public:
  // Both outlive this.
  Credentials(const Config& config, Clock& clock) : config_(config), clock_(clock), renewed_(clock) {}

  // The header's value; empty when the configuration has no credential. Reads the token file or runs the plugin when
  // it is time to; many callers at once share one run.
  Task<Result<std::string>> header();
  // After a 401 to a request with this header: true when the next header() may be another one.
  bool refused(std::string_view header);

 private:
  Result<std::string> fromFile();
  Task<Result<std::string>> fromPlugin();

  const Config& config_;
  Clock& clock_;
  std::string token_;                 // of the file or the plugin; empty: none yet
  TimePoint obtained_{};              // when that was
  std::optional<TimePoint> expires_;  // as the plugin says
  bool renewing_ = false;
  Signal renewed_;                     // a run of the plugin has ended
  std::optional<Error> plugin_error_;  // how the last run failed
};

// What an exec credential plugin answers (client.authentication.k8s.io ExecCredential, status).
struct ExecCredential {
  std::string token;
  std::optional<TimePoint> expires;
};
// Runs the plugin without blocking the loop, at most `limit`; its stderr is ours, and so is the terminal where it may
// ask. Errors are `unauthorized` and name the command.
Task<Result<ExecCredential>> runCredentialPlugin(const Config::Exec& exec, Clock& clock, Duration limit);

}  // namespace crossfade::kube
