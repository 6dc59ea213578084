#include "local/container_log.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t most_bytes = 1 << 20;

}  // namespace

void ContainerLog::append(std::string_view text) {
  kept_ += text;
  if (kept_.size() > most_bytes) {
    // Half of it, so that not every line moves a megabyte.
    const std::size_t end = std::min(kept_.find('\n', kept_.size() - most_bytes / 2), kept_.size() - 1) + 1;
    kept_.erase(0, end);
    dropped_ += end;
  }
  grown_.notify();
}

void ContainerLog::close() {
  closed_ = true;
  grown_.notify();
}

std::size_t ContainerLog::tailStart(std::optional<std::int64_t> tail_lines) const {
  if (!tail_lines) return 0;
  std::size_t start = kept_.size();
  for (std::int64_t lines = std::max<std::int64_t>(*tail_lines, 0); lines > 0 && start > 0; --lines) {
    const std::size_t newline = start < 2 ? std::string::npos : kept_.rfind('\n', start - 2);
    start = newline == std::string::npos ? 0 : newline + 1;
  }
  return start;
}

std::string ContainerLog::text(std::optional<std::int64_t> tail_lines) const {
  return kept_.substr(tailStart(tail_lines));
}

class ContainerLog::Follower : public net::BodyReader {
 public:
  Follower(std::shared_ptr<ContainerLog> log, std::uint64_t position)
      : state_(std::make_shared<State>(std::move(log), position)) {}
  ~Follower() override { cancel(); }

  Task<Result<std::string>> next(TimePoint deadline) override { return read(state_, deadline); }

  void cancel() override {
    state_->cancelled = true;
    state_->log->grown_.notify();
  }

 private:
  struct State {
    State(std::shared_ptr<ContainerLog> log, std::uint64_t position) : log(std::move(log)), position(position) {}
    std::shared_ptr<ContainerLog> log;
    std::uint64_t position;
    bool cancelled = false;
  };

  static Task<Result<std::string>> read(std::shared_ptr<State> state, TimePoint deadline) {
    bool in_time = true;
    while (true) {
      if (state->cancelled) co_return fail(ErrorCode::cancelled, "the reader of the log gave up");
      const ContainerLog& log = *state->log;
      state->position = std::max(state->position, log.dropped_);
      const std::uint64_t end = log.dropped_ + log.kept_.size();
      if (state->position < end) {
        std::string text = log.kept_.substr(state->position - log.dropped_);
        state->position = end;
        co_return text;
      }
      if (log.closed_) co_return std::string();
      if (!in_time) co_return fail(ErrorCode::timeout, "nothing was logged in time");
      in_time = co_await state->log->grown_.waitUntil(deadline);
    }
  }

  std::shared_ptr<State> state_;
};

std::unique_ptr<net::BodyReader> ContainerLog::follow(std::shared_ptr<ContainerLog> log,
                                                      std::optional<std::int64_t> tail_lines) {
  const std::uint64_t position = log->dropped_ + log->tailStart(tail_lines);
  return std::make_unique<Follower>(std::move(log), position);
}

}  // namespace crossfade::local
