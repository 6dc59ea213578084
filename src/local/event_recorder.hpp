// Events as `kubectl describe` and `kubectl get events` show them: repeats of one are counted, not added.
#pragma once
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "local/registry.hpp"

namespace crossfade::local {

class EventRecorder {
 public:
  // `component` says who speaks ("kubelet"), `host` where. Registry and clock outlive the recorder.
  EventRecorder(Registry& registry, Clock& clock, std::string component, std::string host = {});

  // `field_path` narrows `about` to a part: "spec.containers{app}".
  void normal(const json::object& about, std::string_view reason, std::string_view message,
              std::string_view field_path = {});
  void warning(const json::object& about, std::string_view reason, std::string_view message,
               std::string_view field_path = {});

 private:
  void record(std::string_view type, const json::object& about, std::string_view reason, std::string_view message,
              std::string_view field_path);

  Registry& registry_;
  Clock& clock_;
  const ResourceType& type_;
  std::string component_, host_;
  // The name of the event that tells a thing, newest first; bounded.
  std::list<std::pair<std::string, std::string>> recent_;
  std::unordered_map<std::string, std::list<std::pair<std::string, std::string>>::iterator> known_;
};

// Forgets events an hour after they were last told, as an API server does (--event-ttl).
class EventExpiry {
 public:
  EventExpiry(Registry& registry, Clock& clock);
  ~EventExpiry();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::local
