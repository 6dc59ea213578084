// One pod on the node: its containers in order, its status as a kubelet reports it, and its end.
//
// The end of a pod that is being deleted: preStop hooks (sleep), then a moment in which the rest of the cluster takes
// it out of its endpoints, then every container is asked to end (the demo application answers what is in flight), then
// the last status and the object's removal. When the grace period is over, what still runs is killed.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "local/container_run.hpp"

namespace crossfade::local {

class PodRun : public ContainerRun::Pod {
 public:
  // A pod that was bound to a node. One that ran before the node started goes on counting its restarts.
  PodRun(const NodeEnvironment& node, Object pod, std::string ip);

  const std::string& ip() const { return ip_; }
  std::string_view uid() const;
  // The object changed: deletion, images, readiness gates.
  void update(Object pod);
  std::optional<std::uint16_t> port(std::uint16_t container_port) const;
  // Null when it has no such container.
  const ContainerRun* container(std::string_view name) const;

  // For the containers.
  const json::object& object() const override { return *pod_; }
  void containerChanged() override;

 private:
  void advance();
  void publish();
  json::object status() const;
  std::string_view phase() const;
  void addConditions(json::object& status) const;
  void beginEnd();
  void stopContainers();
  void finishWhenStopped();
  Duration preStopDelay();

  const NodeEnvironment& node_;
  Object pod_;
  const std::string ip_;
  std::string started_at_;
  std::vector<std::unique_ptr<ContainerRun>> containers_;  // in the order of their start: init, then main
  bool ending_ = false, finished_ = false;
  Timer publish_timer_, end_timer_, deadline_timer_;
};

}  // namespace crossfade::local
