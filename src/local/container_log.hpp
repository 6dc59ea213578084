// What one container wrote, the last megabyte of it, and readers that follow.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::local {

// Shared by the container and those who follow it. The clock outlives it.
class ContainerLog {
 public:
  explicit ContainerLog(Clock& clock) : grown_(clock) {}
  void append(std::string_view text);
  void line(std::string_view text) { append(std::string(text) + "\n"); }
  // Nothing follows: readers come to their end.
  void close();

  // All that is kept, or its last lines.
  std::string text(std::optional<std::int64_t> tail_lines) const;
  // Like text(), and then what is written, until the log is closed.
  static std::unique_ptr<net::BodyReader> follow(std::shared_ptr<ContainerLog> log,
                                                 std::optional<std::int64_t> tail_lines);

 private:
  class Follower;
  std::size_t tailStart(std::optional<std::int64_t> tail_lines) const;

  std::string kept_;
  std::uint64_t dropped_ = 0;  // bytes before kept_
  bool closed_ = false;
  Signal grown_;
};

}  // namespace crossfade::local
