// What one container wrote, the last megabyte of it, and readers that follow.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "local/log_options.hpp"
#include "net/http.hpp"

namespace crossfade::local {

// Shared by the container and those who follow it. The clock outlives it.
class ContainerLog {
 public:
  explicit ContainerLog(Clock& clock) : clock_(clock), grown_(clock) {}
  void append(std::string_view text);
  void line(std::string_view text) { append(std::string(text) + "\n"); }
  // Nothing follows: readers come to their end.
  void close();

  // What is kept of it, as far as it is asked for (`follow` and `previous` are the caller's business).
  std::string text(const LogOptions& options) const;
  // Like text(), and then what is written, until the log is closed or the limit is reached.
  static std::unique_ptr<net::BodyReader> follow(std::shared_ptr<ContainerLog> log, const LogOptions& options);

 private:
  struct Line {
    TimePoint since;   // when its first character came
    std::string text;  // with the line break, once that has come
  };
  // How far a reader has come.
  struct Position {
    std::uint64_t line = 0;      // counted from the first that was ever written
    std::size_t characters = 0;  // of that line
    std::int64_t bytes_left = 0;
  };
  class Follower;
  Position start(const LogOptions& options) const;
  // What there is from a position on; moves it behind that.
  std::string read(Position& position, const LogOptions& options) const;

  Clock& clock_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;            // of all lines
  std::uint64_t dropped_lines_ = 0;  // before these
  bool closed_ = false;
  Signal grown_;
};

}  // namespace crossfade::local
