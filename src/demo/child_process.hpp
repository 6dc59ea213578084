// A program that the demo runs beside itself: Prometheus, and the commands that a person would type.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace crossfade::demo {

class ChildProcess {
 public:
  // Starts `words[0]`, found by PATH, with `environment` ("NAME=value") added to ours; stdout and stderr go to
  // `log_file`.
  static Result<ChildProcess> start(const std::vector<std::string>& words, const std::vector<std::string>& environment,
                                    const std::string& log_file);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) = delete;
  ~ChildProcess();  // kills it

  // The exit code once it has ended (128 + the signal that ended it).
  std::optional<int> exitCode();
  // Waits for that; empty when `deadline` passed first.
  Task<std::optional<int>> wait(Clock& clock, TimePoint deadline);

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace crossfade::demo
