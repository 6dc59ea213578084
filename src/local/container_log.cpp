#include "local/container_log.hpp"

#include <fmt/format.h>

#include <limits>

namespace crossfade::local {

namespace {

constexpr std::size_t most_bytes = 1 << 20;
// What a line costs beside its text: a program that writes empty lines doesn't get to keep millions.
constexpr std::size_t line_bytes = 48;

// A program that never ends its line has it ended here (at the cost of a character).
constexpr std::size_t longest_line = most_bytes / 4;

// As a kubelet writes it: always nine digits of a fraction.
std::string timestamp(TimePoint time) {
  std::string text = formatMicroTime(time);
  text.insert(text.size() - 1, "000");
  return text;
}

}  // namespace

void ContainerLog::append(std::string_view text) {
  while (!text.empty()) {
    if (lines_.empty() || lines_.back().text.ends_with('\n')) {
      lines_.push_back({clock_.now(), {}});
      bytes_ += line_bytes;
    }
    std::string& line = lines_.back().text;
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view part = text.substr(0, std::min(end, longest_line - line.size()));
    line += part;
    bytes_ += part.size();
    text.remove_prefix(part.size());
    if (line.size() == longest_line && !line.ends_with('\n')) line.back() = '\n';
  }
  while (bytes_ > most_bytes && lines_.size() > 1) {
    bytes_ -= lines_.front().text.size() + line_bytes;
    lines_.pop_front();
    ++dropped_lines_;
  }
  grown_.notify();
}

void ContainerLog::close() {
  closed_ = true;
  grown_.notify();
}

ContainerLog::Position ContainerLog::start(const LogOptions& options) const {
  const auto wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(options.tail_lines.value_or(0), 0));
  const std::uint64_t skipped = options.tail_lines && wanted < lines_.size() ? lines_.size() - wanted : 0;
  return {.line = dropped_lines_ + skipped,
          .characters = 0,
          .bytes_left = options.limit_bytes.value_or(std::numeric_limits<std::int64_t>::max())};
}

std::string ContainerLog::read(Position& position, const LogOptions& options) const {
  std::string result;
  if (position.line < dropped_lines_) position = {dropped_lines_, 0, position.bytes_left};
  while (position.line < dropped_lines_ + lines_.size() && position.bytes_left > 0) {
    const Line& line = lines_[position.line - dropped_lines_];
    if (position.characters < line.text.size() && (!options.since || line.since >= *options.since)) {
      std::string text = options.timestamps && position.characters == 0 ? timestamp(line.since) + " " : std::string();
      text += std::string_view(line.text).substr(position.characters);
      if (std::cmp_greater(text.size(), position.bytes_left))
        text.resize(static_cast<std::size_t>(position.bytes_left));
      position.bytes_left -= static_cast<std::int64_t>(text.size());
      result += text;
    }
    position.characters = line.text.size();
    if (!line.text.ends_with('\n')) break;  // the rest of it is still to come
    position = {position.line + 1, 0, position.bytes_left};
  }
  return result;
}

std::string ContainerLog::text(const LogOptions& options) const {
  Position position = start(options);
  return read(position, options);
}

class ContainerLog::Follower : public net::BodyReader {
 public:
  Follower(std::shared_ptr<ContainerLog> log, const LogOptions& options)
      : state_(std::make_shared<State>(std::move(log), options)) {}
  ~Follower() override { cancel(); }

  Task<Result<std::string>> next(TimePoint deadline) override { return wait(state_, deadline); }

  void cancel() override {
    state_->cancelled = true;
    state_->log->grown_.notify();
  }

 private:
  struct State {
    State(std::shared_ptr<ContainerLog> log, const LogOptions& options)
        : log(std::move(log)), options(options), position(this->log->start(options)) {}
    std::shared_ptr<ContainerLog> log;
    LogOptions options;
    Position position;
    bool cancelled = false;
  };

  static Task<Result<std::string>> wait(std::shared_ptr<State> state, TimePoint deadline) {
    bool in_time = true;
    while (true) {
      if (state->cancelled) co_return fail(ErrorCode::cancelled, "the reader of the log gave up");
      std::string text = state->log->read(state->position, state->options);
      if (!text.empty() || state->log->closed_ || state->position.bytes_left <= 0) co_return text;
      if (!in_time) co_return fail(ErrorCode::timeout, "nothing was logged in time");
      in_time = co_await state->log->grown_.waitUntil(deadline);
    }
  }

  std::shared_ptr<State> state_;
};

std::unique_ptr<net::BodyReader> ContainerLog::follow(std::shared_ptr<ContainerLog> log, const LogOptions& options) {
  return std::make_unique<Follower>(std::move(log), options);
}

}  // namespace crossfade::local
