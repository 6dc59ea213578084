// Kubernetes Events (core/v1), as client-go's recorder writes them: equal ones are counted up by a patch, a flood of
// similar ones is merged, and writing never delays a reconcile. spec/11 §7.1.
//
// What is ours: Normal events of one object and one reason within 5 s are one Event, which says all their messages,
// joined by "; ", and counts them. A release that takes its time reads as ever; a quick one costs a write a reason, and
// its last events aren't lost to client-go's limit of 25. Warnings are written at once.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/random.hpp"
#include "kube/client.hpp"

namespace crossfade::kube {

struct ObjectReference {
  std::string api_version = {}, kind = {}, ns = {}, name = {}, uid = {}, resource_version = {};
};

class EventRecorder {
 public:
  // `component` becomes source.component ("rollouts-controller"). References outlive the recorder.
  EventRecorder(Client& client, Executor executor, Random& random, std::string component);
  ~EventRecorder();
  // Queues an Event; `type` is "Normal" or "Warning". At most 5,000 wait; further ones are dropped with a log line.
  void emit(const ObjectReference& object, std::string_view type, std::string_view reason, std::string_view message);
  // For the end: nothing rests any more. Waits until everything queued was written, or `deadline`.
  Task<> flush(TimePoint deadline);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace crossfade::kube
