#include "kube/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"

namespace crossfade::kube {

namespace {

constexpr Duration first_backoff = milliseconds(100);
constexpr Duration max_backoff = seconds(10);
// A watch that the server ends sooner than this, without an event, counts as failed.
constexpr Duration shortest_watch = seconds(1);
// The server ends each watch after 5 to 10 minutes: not all of them at once.
constexpr int watch_seconds = 300;
// After so many unreadable watches in a row at one resource version, the state is listed anew.
constexpr int max_unreadable = 3;
constexpr std::size_t max_line_bytes = 64 << 20;

// Cuts pieces of any size into lines.
class Lines {
 public:
  void append(std::string_view piece) {
    buffer_.erase(0, taken_);
    taken_ = 0;
    buffer_ += piece;
  }
  // The next whole line without its end; valid until append.
  std::optional<std::string_view> next() {
    const auto end = buffer_.find('\n', std::max(scanned_, taken_));
    if (end == std::string::npos) {
      scanned_ = buffer_.size() - taken_;
      return std::nullopt;
    }
    const std::string_view line = std::string_view(buffer_).substr(taken_, end - taken_);
    taken_ = end + 1;
    scanned_ = 0;
    return line;
  }
  // Bytes of a line that has not ended yet.
  std::size_t pending() const { return buffer_.size() - taken_; }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;    // already returned
  std::size_t scanned_ = 0;  // of the pending line: known to hold no line end, once append has dropped what was taken
};

}  // namespace

struct Watcher::Impl : std::enable_shared_from_this<Impl> {
  Impl(Client& client, Executor executor, Random& random, WatchTarget target, WatchHandler& handler)
      : client(client),
        clock(client.clock()),
        executor(std::move(executor)),
        random(random),
        target(std::move(target)),
        handler(handler),
        changed(clock) {}

  Client& client;
  Clock& clock;
  const Executor executor;
  Random& random;
  const WatchTarget target;
  WatchHandler& handler;

  bool stopped = false;
  bool synced = false;
  std::string version;    // of the newest thing that the handler knows; empty: a list is needed
  int failures = 0;       // in a row
  int unreadable = 0;     // watches in a row that ended with something unreadable, without progress
  bool progress = false;  // of the watch that is open: an event came
  std::optional<Error> error;
  net::BodyReader* stream = nullptr;  // the open watch
  Signal changed;                     // stopped, synced

  // Lets stop() reach the open watch, also when the coroutine that reads it is destroyed.
  struct OpenStream {
    OpenStream(Impl& impl, net::BodyReader& stream) : impl(impl) { impl.stream = &stream; }
    ~OpenStream() { impl.stream = nullptr; }
    Impl& impl;
  };

  static Task<> run(std::shared_ptr<Impl> self) {
    while (!self->stopped) {
      Task<Result<>> step = self->version.empty() ? list(self) : watch(self);
      const auto done = co_await std::move(step);
      if (!done && !self->stopped) co_await pauseAfter(self, done.error());
    }
  }

  static Task<Result<>> list(std::shared_ptr<Impl> self) {
    ListOptions options;
    options.label_selector = self->target.label_selector;
    options.field_selector = self->target.field_selector;
    ListSink sink;
    sink.begin = [self] {
      if (!self->stopped) self->handler.listBegin();
    };
    sink.item = [self](json::object item) {
      if (!self->stopped) self->handler.apply(std::move(item));
    };
    Task<Result<std::string>> listing =
        self->client.listInto(self->target.resource, self->target.ns, std::move(options), std::move(sink));
    auto version = co_await std::move(listing);
    if (self->stopped) co_return Result<>();
    if (!version) co_return fail(std::move(version.error()));
    if (version->empty()) co_return fail(ErrorCode::internal, "the list has no resourceVersion");
    self->handler.listEnd(*version);
    self->version = std::move(*version);
    self->unreadable = 0;
    self->error.reset();
    self->synced = true;
    self->changed.notify();
    co_return Result<>();
  }

  // One watch, to its end. A success may be followed by the next at once.
  static Task<Result<>> watch(std::shared_ptr<Impl> self) {
    WatchOptions options;
    options.label_selector = self->target.label_selector;
    options.field_selector = self->target.field_selector;
    options.resource_version = self->version;
    options.timeout_seconds = watch_seconds + static_cast<int>(self->random.below(watch_seconds));
    Task<Result<std::unique_ptr<net::BodyReader>>> opening =
        self->client.watch(self->target.resource, self->target.ns, std::move(options));
    auto opened = co_await std::move(opening);
    if (self->stopped) co_return Result<>();
    if (!opened) {
      if (opened.error().code == ErrorCode::gone) self->version.clear();
      co_return fail(std::move(opened.error()));
    }
    self->error.reset();
    const TimePoint began = self->clock.now();
    self->progress = false;
    const OpenStream open(*self, **opened);
    Task<Result<>> reading = readEvents(self, **opened);
    const auto ended = co_await std::move(reading);
    const bool lasted = self->progress || self->clock.now() - began >= shortest_watch;
    if (lasted) self->failures = 0;
    if (ended && !lasted) co_return fail(ErrorCode::unavailable, "the watch ended as soon as it began");
    co_return ended;
  }

  static Task<Result<>> readEvents(std::shared_ptr<Impl> self, net::BodyReader& stream) {
    Lines lines;
    while (true) {
      auto piece = co_await stream.next(self->clock.now() + self->target.silence);
      if (self->stopped) co_return Result<>();
      if (!piece && piece.error().code == ErrorCode::timeout) {
        co_return fail(ErrorCode::timeout, fmt::format("no byte for {}", formatGoDuration(self->target.silence)));
      }
      if (!piece) co_return fail(std::move(piece.error()));
      if (piece->empty()) {
        if (lines.pending() == 0) co_return Result<>();
        co_return self->unreadableWatch(ErrorCode::unavailable, "the watch ended in the middle of an event");
      }
      lines.append(*piece);
      while (const auto line = lines.next()) {
        const auto taken = self->take(*line);
        if (!taken || self->stopped) co_return taken;
      }
      if (lines.pending() > max_line_bytes)
        co_return self->unreadableWatch(ErrorCode::too_large, "an event is larger than 64 MiB");
    }
  }

  // One event. An error ends the watch.
  Result<> take(std::string_view line) {
    if (line.empty()) return {};
    auto event = parseJson(line);
    json::object* whole = event ? event->if_object() : nullptr;
    json::value* body = whole != nullptr ? whole->if_contains("object") : nullptr;
    if (body == nullptr || !body->is_object())
      return unreadableWatch(ErrorCode::invalid, "an event of the watch is unreadable");
    json::object& object = body->get_object();
    const std::string type(getString(*whole, {"type"}));
    if (type == "ERROR") return serverError(object);

    const std::string seen(getString(object, {"metadata", "resourceVersion"}));
    if (type == "ADDED" || type == "MODIFIED") {
      handler.apply(std::move(object));
    } else if (type == "DELETED") {
      handler.remove(std::move(object));
    } else if (type != "BOOKMARK") {
      return unreadableWatch(ErrorCode::invalid,
                             fmt::format("an event of the watch has the unknown type \"{}\"", type));
    }
    if (!seen.empty()) version = seen;
    progress = true;
    unreadable = 0;
    return {};
  }

  Result<> serverError(const json::object& status) {
    net::Response response;
    response.status = static_cast<int>(getInt(status, {"code"}, 500));
    response.body = json::serialize(status);
    const Error error = errorFromResponse(response);
    if (error.code != ErrorCode::gone) return unreadableWatch(error.code, error.message);
    version.clear();
    return fail(error);
  }

  // A watch that stumbles at the same place again and again is given up for a new list.
  Result<> unreadableWatch(ErrorCode code, std::string message) {
    if (++unreadable >= max_unreadable) version.clear();
    return fail(code, std::move(message));
  }

  static Task<> pauseAfter(std::shared_ptr<Impl> self, Error error) {
    const Duration backoff = std::min<Duration>(first_backoff * (1 << std::min(self->failures, 10)), max_backoff);
    ++self->failures;
    const auto jittered =
        Duration(static_cast<Duration::rep>(static_cast<double>(backoff.count()) * (0.5 + self->random.unit() / 2)));
    const Duration wait = std::max(jittered, error.retry_after.value_or(Duration(0)));
    const std::string message = fmt::format("watching {}: {}; again in {}", self->target.resource.plural, error.message,
                                            formatGoDuration(wait));
    if (self->failures > 1) {
      log::warn("{}", message);
    } else {
      log::debug("{}", message);
    }
    self->error = std::move(error);
    const TimePoint until = self->clock.now() + wait;
    while (!self->stopped && self->clock.now() < until) co_await self->changed.waitUntil(until);
  }
};

Watcher::Watcher(Client& client, Executor executor, Random& random, WatchTarget target, WatchHandler& handler)
    : impl_(std::make_shared<Impl>(client, std::move(executor), random, std::move(target), handler)) {}

Watcher::~Watcher() { stop(); }

void Watcher::start() { spawn(impl_->executor, Impl::run(impl_)); }

void Watcher::stop() {
  impl_->stopped = true;
  if (impl_->stream != nullptr) impl_->stream->cancel();
  impl_->changed.notify();
}

bool Watcher::synced() const { return impl_->synced; }

Task<bool> Watcher::waitSynced(TimePoint deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  while (!impl->synced && !impl->stopped) {
    if (!co_await impl->changed.waitUntil(deadline)) break;
  }
  co_return impl->synced;
}

std::optional<Error> Watcher::lastError() const { return impl_->error; }

}  // namespace crossfade::kube
