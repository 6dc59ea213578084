#include "kube/events.hpp"

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <list>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/log.hpp"

namespace crossfade::kube {

namespace {

// client-go's correlator, its defaults.
constexpr std::size_t remembered = 4096;
constexpr std::size_t similar_messages = 10;  // the tenth different message of a kind joins the combined event
constexpr Duration similar_interval = minutes(10);
constexpr double burst = 25;  // per object
constexpr Duration refill_interval = minutes(5);
constexpr std::string_view combined_prefix = "(combined from similar events): ";

// Happenings of one reason within this time are one Event: a release whose steps take a second each would otherwise
// cost more writes for its Events than for everything else, and run into the limit above before it is done.
constexpr Duration fold_window = seconds(5);
constexpr std::size_t max_message = 1000;

constexpr std::size_t max_waiting = 5000;
constexpr int max_tries = 12;
constexpr Duration retry_pause = seconds(10);
constexpr std::size_t max_object_name = 253 - 17;  // room for "." and 16 hex digits

// What was used lately, by the hash of a key: the `remembered` newest.
template <class Value>
class Recent {
 public:
  // The value of the key, made when it is not there; it becomes the newest.
  Value& operator[](std::size_t key) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
    } else {
      order_.emplace_front(key, Value());
      index_[key] = order_.begin();
      if (order_.size() > remembered) {
        index_.erase(order_.back().first);
        order_.pop_back();
      }
    }
    return order_.front().second;
  }

 private:
  std::list<std::pair<std::size_t, Value>> order_;
  std::unordered_map<std::size_t, typename std::list<std::pair<std::size_t, Value>>::iterator> index_;
};

std::size_t hashOf(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) joined.append(part).push_back('\0');
  return std::hash<std::string>()(joined);
}

// The different messages of one object, type and reason.
struct Similar {
  std::set<std::size_t> messages;
  TimePoint last{};
};

// The tokens that one object has left.
struct Bucket {
  double tokens = burst;
  std::optional<TimePoint> filled;

  bool take(TimePoint now) {
    if (filled) {
      const double gained = static_cast<double>((now - *filled).count()) / static_cast<double>(refill_interval.count());
      tokens = std::min(burst, tokens + gained);
    }
    filled = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }
};

// What one object had to say for one reason, until it is written.
struct Resting {
  ObjectReference object;
  std::string reason;
  std::vector<std::string> messages;  // different ones, in order
  int count = 0;
  TimePoint first{}, last{};

  // All of it, as far as an Event has room.
  std::string text() const {
    std::string joined = messages.front();
    for (std::size_t index = 1; index < messages.size(); ++index) {
      if (joined.size() + messages[index].size() > max_message)
        return joined + fmt::format("; and {} more", messages.size() - index);
      joined.append("; ").append(messages[index]);
    }
    return joined;
  }
};

// One Event object on the server: equal emissions are counted up in it. What it says is known only while it is to be
// written.
struct Series {
  ObjectReference object;
  std::string name, type, reason, message;
  int count = 0;
  TimePoint first{}, last{};
  bool created = false;  // the server has it
  bool waiting = false;  // to be written

  void forget() {
    object = {};
    for (std::string* text : {&type, &reason, &message}) *text = std::string();
  }
};

}  // namespace

struct EventRecorder::Impl : std::enable_shared_from_this<Impl> {
  Impl(Client& client, Executor executor, Random& random, std::string component)
      : client(client),
        clock(client.clock()),
        executor(std::move(executor)),
        random(random),
        component(std::move(component)),
        hurried(clock),
        written(clock) {}

  Client& client;
  Clock& clock;
  const Executor executor;
  Random& random;
  const std::string component;

  std::unordered_map<std::size_t, Resting> resting;
  std::deque<std::size_t> resting_order;  // oldest first
  bool folding = false;
  bool hurrying = false;  // nothing rests any more
  Signal hurried;

  Recent<Similar> similar;
  Recent<Bucket> buckets;
  Recent<std::shared_ptr<Series>> series;
  std::deque<std::shared_ptr<Series>> waiting;
  bool writing = false;
  bool ended = false;
  std::int64_t last_name_nanoseconds = 0;
  std::size_t dropped = 0;  // since the queue was last empty
  Signal written;

  void emit(const ObjectReference& object, std::string_view type, std::string_view reason, std::string_view message) {
    const TimePoint now = clock.now();
    if (type != "Normal" || hurrying) return record(object, type, reason, message, 1, now, now);
    const std::size_t key = hashOf({object.api_version, object.kind, object.ns, object.name, object.uid, reason});
    const auto [found, added] = resting.try_emplace(key);
    Resting& rest = found->second;
    if (added) {
      rest.reason = reason;
      rest.first = now;
      resting_order.push_back(key);
    }
    rest.object = object;
    rest.last = now;
    ++rest.count;
    if (std::ranges::find(rest.messages, message) == rest.messages.end()) rest.messages.emplace_back(message);
    if (!std::exchange(folding, true)) spawn(executor, fold(shared_from_this()));
  }

  // Records what has rested long enough, until nothing rests.
  static Task<> fold(std::shared_ptr<Impl> self) {
    while (!self->ended && !self->resting.empty()) {
      const std::size_t key = self->resting_order.front();
      const TimePoint due = self->resting.at(key).first + fold_window;
      if (!self->hurrying && self->clock.now() < due) {
        co_await self->hurried.waitUntil(due);
        continue;
      }
      self->resting_order.pop_front();
      const Resting rest = std::move(self->resting.extract(key).mapped());
      self->record(rest.object, "Normal", rest.reason, rest.text(), rest.count, rest.first, rest.last);
    }
    self->folding = false;
    self->written.notify();
  }

  // Finds or makes the Event that says it, and queues its write.
  void record(const ObjectReference& object, std::string_view type, std::string_view reason, std::string_view message,
              int count, TimePoint first, TimePoint last) {
    const TimePoint now = clock.now();
    const std::size_t object_key = hashOf({object.api_version, object.kind, object.ns, object.name, object.uid});
    const std::size_t kind_key = hashOf({std::to_string(object_key), type, reason});
    std::size_t key = hashOf({std::to_string(kind_key), message});
    std::string text(message);
    if (tooManySimilar(kind_key, key, now)) {
      key = kind_key;
      text.insert(0, combined_prefix);
    }
    if (!buckets[object_key].take(now)) return;

    std::shared_ptr<Series>& entry = series[key];
    if (entry == nullptr) {
      entry = std::make_shared<Series>();
      entry->name = nameFor(object.name, first);
      entry->first = first;
    }
    const bool queued = entry->waiting;
    if (!queued && waiting.size() >= max_waiting) {
      if (dropped++ == 0) log::warn("more than {} events wait to be written: further ones are dropped", max_waiting);
      return;
    }
    entry->object = object;
    entry->type = type;
    entry->reason = reason;
    entry->message = std::move(text);
    entry->last = last;
    entry->count += count;
    if (queued) return;
    entry->waiting = true;
    waiting.push_back(entry);
    if (!std::exchange(writing, true)) spawn(executor, writeAll(shared_from_this()));
  }

  bool tooManySimilar(std::size_t kind_key, std::size_t message_key, TimePoint now) {
    Similar& messages = similar[kind_key];
    if (now - messages.last > similar_interval) messages.messages.clear();
    messages.last = now;
    messages.messages.insert(message_key);
    if (messages.messages.size() < similar_messages) return false;
    messages.messages.erase(messages.messages.begin());  // never more than that
    return true;
  }

  // `<object>.<hex of nanoseconds>`, never the same twice.
  std::string nameFor(std::string_view object, TimePoint now) {
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    last_name_nanoseconds = std::max(last_name_nanoseconds + 1, static_cast<std::int64_t>(nanoseconds));
    return fmt::format("{}.{:x}", object.substr(0, max_object_name), last_name_nanoseconds);
  }

  json::object whole(const Series& event) const {
    // Objects without a namespace have their events in the default one.
    const std::string ns = namespaceOf(event);
    json::object involved{{"kind", event.object.kind}};
    if (!event.object.ns.empty()) involved["namespace"] = event.object.ns;
    involved["name"] = event.object.name;
    if (!event.object.uid.empty()) involved["uid"] = event.object.uid;
    involved["apiVersion"] = event.object.api_version;
    if (!event.object.resource_version.empty()) involved["resourceVersion"] = event.object.resource_version;
    return {{"apiVersion", "v1"},
            {"kind", "Event"},
            {"metadata", {{"name", event.name}, {"namespace", ns}}},
            {"involvedObject", std::move(involved)},
            {"reason", event.reason},
            {"message", event.message},
            {"source", {{"component", component}}},
            {"firstTimestamp", formatTime(event.first)},
            {"lastTimestamp", formatTime(event.last)},
            {"count", event.count},
            {"type", event.type},
            {"eventTime", nullptr},
            {"reportingComponent", component},
            {"reportingInstance", ""}};
  }

  static json::object change(const Series& event) {
    json::object patch{{"count", event.count}, {"lastTimestamp", formatTime(event.last)}};
    if (event.message.starts_with(combined_prefix)) patch["message"] = event.message;
    return patch;
  }

  static std::string namespaceOf(const Series& event) { return event.object.ns.empty() ? "default" : event.object.ns; }

  static Task<> writeAll(std::shared_ptr<Impl> self) {
    while (!self->ended && !self->waiting.empty()) {
      const std::shared_ptr<Series> event = std::move(self->waiting.front());
      self->waiting.pop_front();
      event->waiting = false;
      co_await write(self, event);
      if (!event->waiting) event->forget();
    }
    if (self->dropped > 1) log::warn("{} events were dropped", self->dropped);
    self->dropped = 0;
    self->writing = false;
    self->written.notify();
  }

  // Creates or counts up one event. Only what may pass is tried again.
  static Task<> write(std::shared_ptr<Impl> self, std::shared_ptr<Series> event) {
    for (int tries = 1; !self->ended; ++tries) {
      const bool patching = event->created;
      Task<Result<json::object>> writing =
          patching ? self->client.patch(resources::events, namespaceOf(*event), event->name, PatchType::merge,
                                        change(*event))
                   : self->client.create(resources::events, namespaceOf(*event), self->whole(*event));
      const auto done = co_await std::move(writing);
      const ErrorCode code = done ? ErrorCode::internal : done.error().code;
      if (done || code == ErrorCode::already_exists) {
        event->created = true;
        co_return;
      }
      if (patching && code == ErrorCode::not_found) {
        event->created = false;  // it has expired
        continue;
      }
      const bool passing = code == ErrorCode::unavailable || code == ErrorCode::timeout || code == ErrorCode::throttled;
      if (!passing || tries >= max_tries) {
        log::warn("event {} of {} {}/{} was not written: {}", event->reason, event->object.kind, event->object.ns,
                  event->object.name, done.error().message);
        co_return;
      }
      const double jitter = 0.5 + self->random.unit();
      co_await sleepFor(
          self->clock,
          Duration(static_cast<Duration::rep>(static_cast<double>(Duration(retry_pause).count()) * jitter)));
    }
  }
};

EventRecorder::EventRecorder(Client& client, Executor executor, Random& random, std::string component)
    : impl_(std::make_shared<Impl>(client, std::move(executor), random, std::move(component))) {}
EventRecorder::~EventRecorder() { impl_->ended = true; }

void EventRecorder::emit(const ObjectReference& object, std::string_view type, std::string_view reason,
                         std::string_view message) {
  impl_->emit(object, type, reason, message);
}

Task<> EventRecorder::flush(TimePoint deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->hurrying = true;
  impl->hurried.notify();
  while (impl->folding || impl->writing) {
    if (!co_await impl->written.waitUntil(deadline)) co_return;
  }
}

}  // namespace crossfade::kube
