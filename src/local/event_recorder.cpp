#include "local/event_recorder.hpp"

#include <fmt/format.h>

#include <deque>

#include "base/log.hpp"
#include "local/object_facts.hpp"
#include "local/timer.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t remembered_events = 4096;
constexpr Duration event_life = hours(1);

}  // namespace

EventRecorder::EventRecorder(Registry& registry, Clock& clock, std::string component, std::string host)
    : registry_(registry),
      clock_(clock),
      type_(*registry.resource("", "events")),
      component_(std::move(component)),
      host_(std::move(host)) {}

void EventRecorder::normal(const json::object& about, std::string_view reason, std::string_view message,
                           std::string_view field_path) {
  record("Normal", about, reason, message, field_path);
}

void EventRecorder::warning(const json::object& about, std::string_view reason, std::string_view message,
                            std::string_view field_path) {
  record("Warning", about, reason, message, field_path);
}

void EventRecorder::record(std::string_view type, const json::object& about, std::string_view reason,
                           std::string_view message, std::string_view field_path) {
  const std::string now = formatTime(clock_.now());
  const std::string ns(namespaceOf(about).empty() ? std::string_view("default") : namespaceOf(about));
  const WriteOptions writer{.field_manager = component_};
  std::string what = fmt::format("{}\n{}\n{}\n{}\n{}", uidOf(about), type, reason, message, field_path);
  if (const auto known = known_.find(what); known != known_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    const auto counted = registry_.modify(
        type_, ns, known->second->second, Subresource::none,
        [&now](json::object& event) {
          event["count"] = getInt(event, {"count"}, 1) + 1;
          event["lastTimestamp"] = now;
        },
        writer);
    if (counted) return;
    recent_.erase(known->second);  // gone: tell it anew
    known_.erase(known);
  }

  json::object involved{{"kind", getString(about, {"kind"})}};
  if (!namespaceOf(about).empty()) involved["namespace"] = namespaceOf(about);
  involved["name"] = nameOf(about);
  involved["uid"] = uidOf(about);
  involved["apiVersion"] = getString(about, {"apiVersion"});
  involved["resourceVersion"] = getString(about, {"metadata", "resourceVersion"});
  if (!field_path.empty()) involved["fieldPath"] = field_path;
  json::object source{{"component", component_}};
  if (!host_.empty()) source["host"] = host_;
  json::object event{{"involvedObject", std::move(involved)},
                     {"reason", reason},
                     {"message", message},
                     {"source", std::move(source)},
                     {"firstTimestamp", now},
                     {"lastTimestamp", now},
                     {"count", 1},
                     {"type", type},
                     {"eventTime", nullptr},
                     {"reportingComponent", component_},
                     {"reportingInstance", host_}};
  // The object's name and the moment, as client-go names them; the moment moves on where that is taken.
  const std::int64_t moment = std::chrono::nanoseconds(clock_.now().time_since_epoch()).count();
  constexpr int attempts = 10000;
  for (int i = 0; i < attempts; ++i) {
    std::string name = fmt::format("{}.{:x}", nameOf(about), moment + i);
    if (registry_.get(type_, ns, name)) continue;
    event["metadata"] = json::object{{"name", name}};
    const auto made = registry_.create(type_, ns, std::move(event), writer);
    if (!made) {  // the namespace is going
      log::debug("event {} about {}: {}", reason, keyOf(about), made.error().message);
      return;
    }
    recent_.emplace_front(what, std::move(name));
    known_[std::move(what)] = recent_.begin();
    break;
  }
  if (recent_.size() > remembered_events) {
    known_.erase(recent_.back().first);
    recent_.pop_back();
  }
}

struct EventExpiry::Impl {
  Impl(Registry& registry, Clock& clock)
      : registry(registry), clock(clock), type(*registry.resource("", "events")), timer(clock) {
    for (const Object& event : registry.list(type)) touch(*event);
    subscription = registry.subscribe(&type, [this](const ResourceType&, const Event& event) {
      if (event.type != Event::Type::deleted) touch(*event.object);
    });
  }

  // Every write gives another hour; only the last one counts when the time is up.
  void touch(const json::object& event) {
    due.push_back(
        {clock.now() + event_life, keyOf(event), std::string(getString(event, {"metadata", "resourceVersion"}))});
    if (!timer.pending()) arm();
  }

  void arm() {
    timer.setAt(due.front().when, [this] {
      while (!due.empty() && due.front().when <= clock.now()) {
        const Entry entry = std::move(due.front());
        due.pop_front();
        const auto [ns, name] = splitKey(entry.key);
        DeleteOptions unchanged;
        unchanged.resource_version = entry.version;
        static_cast<void>(registry.remove(type, ns, name, unchanged));
      }
      if (!due.empty()) arm();
    });
  }

  struct Entry {
    TimePoint when;
    std::string key, version;
  };
  Registry& registry;
  Clock& clock;
  const ResourceType& type;
  std::deque<Entry> due;
  Timer timer;
  std::shared_ptr<Registry::Subscription> subscription;
};

EventExpiry::EventExpiry(Registry& registry, Clock& clock) : impl_(std::make_unique<Impl>(registry, clock)) {}
EventExpiry::~EventExpiry() = default;

}  // namespace crossfade::local
