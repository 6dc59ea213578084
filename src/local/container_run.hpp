// One container of a pod from its first pull to its last exit: waiting, running, terminated, again. local/pods.hpp
// tells what an image stands for.
#pragma once
#include <memory>
#include <string>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "local/container_log.hpp"
#include "local/event_recorder.hpp"
#include "local/image.hpp"
#include "local/pods.hpp"
#include "local/probes.hpp"
#include "local/process.hpp"
#include "local/timer.hpp"

namespace crossfade::local {

// What every pod of the node shares. All outlive the pods.
struct NodeEnvironment {
  Registry& registry;
  Executor executor;
  Clock& clock;
  Random& random;
  const PodOptions& options;
  EventRecorder& events;
  net::Dialer* dialer;  // null without sockets
};

class ContainerRun {
 public:
  enum class Kind { init, sidecar, main };

  // The pod around it.
  class Pod {
   public:
    virtual ~Pod() = default;
    virtual const json::object& object() const = 0;  // the newest that is known
    virtual void containerChanged() = 0;             // its status() differs, or it is done
  };

  ContainerRun(const NodeEnvironment& node, Pod& pod, json::object spec, Kind kind);

  // Goes on counting where a former life of the node ended.
  void resume(const json::object& former_status);
  // Pulls, and starts a moment later.
  void begin();
  // A new spec of the same name: another image restarts the container.
  void update(const json::object& spec);
  // Asks it to end, for good.
  void stop();
  // Ends it at once.
  void kill();

  const std::string& name() const { return name_; }
  Kind kind() const { return kind_; }
  bool begun() const { return phase_ != Phase::idle; }
  bool running() const { return phase_ == Phase::running; }
  bool ready() const;
  bool started() const { return running() && started_; }
  // Terminated and not to be started again.
  bool done() const;
  bool succeeded() const { return done() && exit_code_ == 0; }
  bool failed() const { return done() && exit_code_ != 0; }
  // Waiting for the first time: it has never run.
  bool neverRan() const { return phase_ == Phase::idle || (phase_ == Phase::waiting && last_state_.empty()); }
  std::string_view waitingReason() const {
    return phase_ == Phase::waiting ? std::string_view(reason_) : std::string_view();
  }
  // The entry of status.containerStatuses.
  json::object status() const;
  std::optional<std::uint16_t> port(std::uint16_t container_port) const;
  // Null before the first start, and (previous) before the second.
  std::shared_ptr<ContainerLog> log(bool previous) const { return previous ? previous_log_ : log_; }

 private:
  enum class Phase { idle, waiting, running, terminated };

  bool runsToCompletion() const;
  bool restartsAfter(int code) const;
  void pullFails();
  void launch();
  void exited(int code);
  void backOff(Duration delay);
  void restart();
  void end(std::string_view why);
  void startProbes();
  std::unique_ptr<Prober> makeProber(std::string_view key, std::string_view title, std::function<void(bool)> verdict);
  void wait(std::string_view reason, std::string message);
  void notify() { pod_.containerChanged(); }
  void normal(std::string_view reason, const std::string& message);
  void warning(std::string_view reason, const std::string& message);
  json::object terminatedState() const;
  std::string id() const;

  const NodeEnvironment& node_;
  Pod& pod_;
  json::object spec_;
  const std::string name_;
  const Kind kind_;
  Phase phase_ = Phase::idle;
  std::string reason_, message_;  // of a waiting or terminated container
  Image image_;
  TimePoint started_at_{}, finished_at_{};
  int exit_code_ = 0;
  json::object last_state_;
  std::int64_t restarts_ = 0;
  int crashes_ = 0;  // in a row, for the back-off
  int failed_pulls_ = 0;
  bool image_changed_ = false, stopping_ = false, over_ = false;
  bool started_ = false, passes_readiness_ = false;
  std::shared_ptr<ContainerLog> log_, previous_log_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Prober> startup_, liveness_, readiness_;
  Timer timer_;       // the next thing to do: start, restart, pull
  Timer kill_timer_;  // for a process that was asked to end
};

}  // namespace crossfade::local
