#include "local/watch_hub.hpp"

#include <fmt/format.h>

#include <deque>
#include <map>

#include "local/api_status.hpp"

namespace crossfade::local {

namespace {

// A client that leaves this many events unread is cut off; it resumes where it was.
constexpr std::size_t max_pending = 4096;
// A piece of the stream ends after the event that passes this size.
constexpr std::size_t piece_bytes = 64 << 10;

std::string_view eventName(Event::Type type) {
  switch (type) {
    case Event::Type::added:
      return "ADDED";
    case Event::Type::modified:
      return "MODIFIED";
    case Event::Type::deleted:
      return "DELETED";
  }
  return "ERROR";
}

}  // namespace

// One watch. Kept alive by its reader and by the coroutine that waits in it; the hub only refers to it.
struct Watch {
  Watch(Registry& registry, Clock& clock, WatchRequest request)
      : registry(registry), clock(clock), request(std::move(request)), signal(clock) {
    planBookmark();
  }

  // The next one comes after the interval, the last one shortly before the end: whoever resumes then misses little.
  void planBookmark() {
    next_bookmark = clock.now() + request.bookmark_interval;
    const TimePoint last = request.end - seconds(2);
    if (last > clock.now()) next_bookmark = std::min(next_bookmark, last);
  }

  struct Pending {
    Event::Type type;
    Object object;
  };

  bool selects(const json::object& object) const {
    if (!request.fields.matches(object)) return false;
    return request.labels.empty() || request.labels.matches(labelsFromJson(getObject(object, {"metadata", "labels"})));
  }

  // What this watch sees of a commit: nothing, the same, or an object that enters or leaves its selection.
  void offer(const Event& event) {
    if (ended || event.resource_version <= position) return;
    position = event.resource_version;
    if (!request.ns.empty() && getString(*event.object, {"metadata", "namespace"}) != request.ns) return;
    const bool now = event.type != Event::Type::deleted && selects(*event.object);
    const bool before = event.previous && selects(*event.previous);
    if (!now && !before) return;
    if (pending.size() >= max_pending) {
      pending.clear();
      ended = true;
    } else if (now) {
      pending.push_back({before ? Event::Type::modified : Event::Type::added, event.object});
    } else if (event.type == Event::Type::deleted) {
      pending.push_back({Event::Type::deleted, event.object});
    } else {
      json::object left = *event.previous;
      left["metadata"].get_object()["resourceVersion"] = std::to_string(event.resource_version);
      pending.push_back({Event::Type::deleted, std::make_shared<const json::object>(std::move(left))});
    }
    signal.notify();
  }

  // What the client gets first.
  void begin() {
    if (!request.from) {
      for (Object& object : registry.list(*request.type, request.ns, request.labels)) {
        if (request.fields.matches(*object)) pending.push_back({Event::Type::added, std::move(object)});
      }
      position = registry.resourceVersion();
      owes_initial_bookmark = request.initial_bookmark;
      return;
    }
    position = *request.from;
    auto missed = registry.eventsSince(*request.type, position);
    if (!missed) {
      const ApiFailure failure = failureOf(missed.error(), *request.type, {});
      error = fmt::format("{{\"type\":\"ERROR\",\"object\":{}}}\n", json::serialize(statusObject(failure)));
      return;
    }
    for (const Event& event : *missed) offer(event);
    owes_initial_bookmark = request.initial_bookmark;
  }

  bool stillServed() const {
    return registry.resource(request.type->group, request.type->plural) == request.type &&
           std::ranges::find(request.type->versions, request.version) != request.type->versions.end();
  }

  std::string line(std::string_view type, const json::object& object) {
    std::string text = fmt::format("{{\"type\":\"{}\",\"object\":", type);
    text += request.view.event(object, clock.now(), first);
    text += "}\n";
    first = false;
    return text;
  }

  std::string bookmark() {
    json::object metadata{{"resourceVersion", std::to_string(std::max(position, registry.resourceVersion()))}};
    if (owes_initial_bookmark) metadata["annotations"] = json::object{{"k8s.io/initial-events-end", "true"}};
    owes_initial_bookmark = false;
    planBookmark();
    return line("BOOKMARK", json::object{{"metadata", std::move(metadata)}});
  }

  std::string drain() {
    std::string text;
    while (!pending.empty() && text.size() < piece_bytes) {
      const Pending event = std::move(pending.front());
      pending.pop_front();
      text += line(eventName(event.type), *event.object);
    }
    return text;
  }

  // The next piece that can be had without waiting; empty when there is none.
  std::string ready() {
    if (!error.empty()) {
      ended = true;
      return std::exchange(error, {});
    }
    if (!pending.empty()) return drain();
    if (ended) return {};
    if (owes_initial_bookmark || (request.bookmarks && clock.now() >= next_bookmark)) return bookmark();
    return {};
  }

  Registry& registry;
  Clock& clock;
  WatchRequest request;
  Signal signal;
  std::uint64_t position = 0;  // events up to here are in `pending`, sent, or of no interest
  std::deque<Pending> pending;
  std::string error;  // a last line before the end
  TimePoint next_bookmark;
  bool owes_initial_bookmark = false;
  bool first = true;
  bool ended = false;
  bool cancelled = false;
};

struct WatchHub::Shared {
  std::map<const ResourceType*, std::vector<Watch*>> watches;
  std::shared_ptr<Registry::Subscription> subscription;

  void leave(Watch* watch) {
    const auto of_type = watches.find(watch->request.type);
    if (of_type == watches.end()) return;
    std::erase(of_type->second, watch);
    if (of_type->second.empty()) watches.erase(of_type);
  }

  void observe(const ResourceType& type, const Event& event) {
    if (const auto of_type = watches.find(&type); of_type != watches.end()) {
      for (Watch* watch : of_type->second) watch->offer(event);
    }
    if (type.kind != "CustomResourceDefinition") return;
    // A kind that is served no longer ends its watches.
    for (const auto& [watched, of_type] : watches) {
      if (!watched->custom) continue;
      for (Watch* watch : of_type) {
        if (watch->stillServed()) continue;
        watch->ended = true;
        watch->signal.notify();
      }
    }
  }

  void endAll() {
    for (const auto& [type, of_type] : watches) {
      for (Watch* watch : of_type) {
        watch->ended = true;
        watch->pending.clear();
        watch->signal.notify();
      }
    }
    watches.clear();
  }
};

namespace {

// The state is a parameter: it outlives the reader while this waits.
Task<Result<std::string>> nextPiece(std::shared_ptr<Watch> watch, TimePoint deadline) {
  while (true) {
    if (watch->cancelled) co_return fail(ErrorCode::cancelled, "the watch was cancelled");
    std::string piece = watch->ready();
    if (!piece.empty()) co_return piece;
    const TimePoint now = watch->clock.now();
    if (watch->ended || now >= watch->request.end) {
      watch->ended = true;
      co_return std::string();
    }
    if (now >= deadline) co_return fail(ErrorCode::timeout, "no event came in time");
    TimePoint wake = std::min(deadline, watch->request.end);
    if (watch->request.bookmarks) wake = std::min(wake, watch->next_bookmark);
    co_await watch->signal.waitUntil(wake);
  }
}

class WatchReader : public net::BodyReader {
 public:
  WatchReader(std::shared_ptr<Watch> watch, std::function<void(Watch*)> leave)
      : watch_(std::move(watch)), leave_(std::move(leave)) {}
  ~WatchReader() override {
    cancel();
    leave_(watch_.get());
  }
  Task<Result<std::string>> next(TimePoint deadline) override { return nextPiece(watch_, deadline); }
  void cancel() override {
    watch_->cancelled = true;
    watch_->signal.notify();
  }

 private:
  std::shared_ptr<Watch> watch_;
  std::function<void(Watch*)> leave_;
};

}  // namespace

WatchHub::WatchHub(Registry& registry, Clock& clock)
    : shared_(std::make_shared<Shared>()), registry_(registry), clock_(clock) {
  shared_->subscription = registry.subscribe(
      nullptr,
      [shared = shared_.get()](const ResourceType& type, const Event& event) { shared->observe(type, event); });
}

WatchHub::~WatchHub() {
  shared_->subscription.reset();
  shared_->endAll();
}

std::unique_ptr<net::BodyReader> WatchHub::open(WatchRequest request) {
  auto watch = std::make_shared<Watch>(registry_, clock_, std::move(request));
  watch->begin();
  shared_->watches[watch->request.type].push_back(watch.get());
  return std::make_unique<WatchReader>(std::move(watch), [shared = shared_](Watch* gone) { shared->leave(gone); });
}

}  // namespace crossfade::local
