#include "local/container_run.hpp"

#include <fmt/format.h>

#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

constexpr Duration first_back_off = seconds(10);
constexpr Duration last_back_off = seconds(300);
constexpr Duration good_run = minutes(10);    // after it the back-off starts anew
constexpr Duration sync_period = seconds(1);  // a kubelet sees an exit, and later that it has to wait
constexpr int killed_code = 137;
constexpr int start_error_code = 128;

Duration backOffOf(int failures) { return std::min(first_back_off * (1 << std::min(failures, 5)), last_back_off); }

}  // namespace

ContainerRun::ContainerRun(const NodeEnvironment& node, Pod& pod, json::object spec, Kind kind)
    : node_(node),
      pod_(pod),
      spec_(std::move(spec)),
      name_(getString(spec_, {"name"})),
      kind_(kind),
      timer_(node.clock),
      kill_timer_(node.clock) {}

void ContainerRun::resume(const json::object& former_status) {
  restarts_ = getInt(former_status, {"restartCount"}) + 1;
  const std::string now = formatTime(node_.clock.now());
  last_state_ = json::object{
      {"terminated", json::object{{"exitCode", 255},
                                  {"reason", "Unknown"},
                                  {"startedAt", getString(former_status, {"state", "running", "startedAt"}, now)},
                                  {"finishedAt", now},
                                  {"containerID", getString(former_status, {"containerID"})}}}};
}

bool ContainerRun::runsToCompletion() const {
  if (kind_ == Kind::sidecar) return false;
  return kind_ == Kind::init || getString(pod_.object(), {"spec", "restartPolicy"}, "Always") != "Always";
}

bool ContainerRun::restartsAfter(int code) const {
  if (stopping_ || over_) return false;
  if (kind_ == Kind::sidecar) return true;
  const auto policy = getString(pod_.object(), {"spec", "restartPolicy"}, "Always");
  if (policy == "Never") return false;
  return code != 0 || (policy == "Always" && kind_ == Kind::main);
}

bool ContainerRun::ready() const {
  if (kind_ == Kind::init) return succeeded();
  return started() && passes_readiness_;
}

bool ContainerRun::done() const { return over_ || (stopping_ && phase_ != Phase::running); }

void ContainerRun::begin() {
  const std::string name(getString(spec_, {"image"}));
  const auto image = parseImage(name);
  if (!image) {
    warning("InspectFailed", fmt::format("Failed to apply default image tag \"{}\": {}", name, image.error().message));
    warning("Failed", "Error: InvalidImageName");
    return wait("InvalidImageName",
                fmt::format("Failed to apply default image tag \"{}\": {}", name, image.error().message));
  }
  image_ = *image;
  image_changed_ = false;
  if (!image_.pullable) return pullFails();
  failed_pulls_ = 0;
  if (getString(spec_, {"imagePullPolicy"}) == "Always") {
    normal("Pulling", fmt::format("Pulling image \"{}\"", name));
    normal("Pulled",
           fmt::format("Successfully pulled image \"{}\" in 0s (0s including waiting). Image size: 0 bytes.", name));
  } else {
    normal("Pulled", fmt::format("Container image \"{}\" already present on machine", name));
  }
  const bool command = node_.options.run_commands && getArray(spec_, {"command"}) != nullptr;
  const Duration delay = command || runsToCompletion() ? Duration(0) : node_.options.ready_delay + image_.start;
  if (phase_ != Phase::terminated) wait(kind_ == Kind::main ? "ContainerCreating" : "PodInitializing", "");
  timer_.setAfter(delay, [this] { launch(); });
}

void ContainerRun::pullFails() {
  const std::string name(getString(spec_, {"image"}));
  const std::string why = fmt::format("failed to pull and unpack image \"{}\": not found", name);
  normal("Pulling", fmt::format("Pulling image \"{}\"", name));
  warning("Failed", fmt::format("Failed to pull image \"{}\": {}", name, why));
  warning("Failed", "Error: ErrImagePull");
  wait("ErrImagePull", why);
  timer_.setAfter(sync_period, [this, name, why] {
    normal("BackOff", fmt::format("Back-off pulling image \"{}\"", name));
    warning("Failed", "Error: ImagePullBackOff");
    wait("ImagePullBackOff", fmt::format("Back-off pulling image \"{}\": ErrImagePull: {}", name, why));
    timer_.setAfter(backOffOf(failed_pulls_++), [this] { pullFails(); });
  });
}

void ContainerRun::launch() {
  if (log_) log_->close();
  previous_log_ = std::exchange(log_, std::make_shared<ContainerLog>(node_.clock));
  normal("Created", fmt::format("Created container: {}", name_));
  started_at_ = node_.clock.now();
  started_ = passes_readiness_ = false;
  exit_code_ = 0;
  reason_.clear();
  message_.clear();

  const ProcessContext context{node_.executor, node_.clock, node_.random, pod_.object(), spec_, log_};
  const auto tell = [this](int code) { exited(code); };
  Result<std::unique_ptr<Process>> made;
  const bool finite = runsToCompletion();
  if (node_.options.run_commands && getArray(spec_, {"command"}) != nullptr) {
    made = startCommand(context, tell);
  } else if (image_.fails && !finite) {
    // Over before anybody saw it run.
    normal("Started", fmt::format("Started container {}", name_));
    log_->line("this image crashes, as its tag asks for");
    phase_ = Phase::running;
    return exited(1);
  } else if (image_.demo && node_.options.sockets && !finite) {
    made = startDemoApp(context, image_, tell);
  } else {
    const std::optional<Duration> life = finite ? std::optional(node_.options.ready_delay) : image_.crash;
    made = imagineProcess(node_.clock, life, finite && !image_.fails ? 0 : 1, tell);
    log_->line(fmt::format("{} runs here in name only", getString(spec_, {"image"})));
  }
  phase_ = Phase::running;
  if (!made) {
    warning("Failed", fmt::format("Error: {}", made.error().message));
    reason_ = "StartError";
    message_ = made.error().message;
    return exited(start_error_code);
  }
  normal("Started", fmt::format("Started container {}", name_));
  process_ = std::move(*made);
  startProbes();
  notify();
}

void ContainerRun::exited(int code) {
  kill_timer_.cancel();
  startup_.reset();
  liveness_.reset();
  readiness_.reset();
  process_.reset();
  phase_ = Phase::terminated;
  finished_at_ = node_.clock.now();
  exit_code_ = code;
  started_ = passes_readiness_ = false;
  if (reason_.empty()) reason_ = code == 0 ? "Completed" : "Error";
  if (!restartsAfter(code)) {
    over_ = true;
    if (log_) log_->close();
    return notify();
  }
  if (finished_at_ - started_at_ >= good_run) crashes_ = 0;
  const int crashes = image_changed_ ? 0 : crashes_++;
  if (crashes == 0) {
    timer_.setAfter(node_.options.ready_delay, [this] { restart(); });
  } else {
    timer_.setAfter(sync_period, [this, delay = backOffOf(crashes - 1)] { backOff(delay); });
  }
  notify();
}

void ContainerRun::backOff(Duration delay) {
  const json::object& pod = pod_.object();
  const std::string where = fmt::format("{}_{}({})", nameOf(pod), namespaceOf(pod), uidOf(pod));
  warning("BackOff", fmt::format("Back-off restarting failed container {} in pod {}", name_, where));
  last_state_ = json::object{{"terminated", terminatedState()}};
  wait("CrashLoopBackOff",
       fmt::format("back-off {} restarting failed container={} pod={}", formatGoDuration(delay), name_, where));
  timer_.setAfter(delay, [this] { restart(); });
}

void ContainerRun::restart() {
  if (phase_ == Phase::terminated) last_state_ = json::object{{"terminated", terminatedState()}};
  ++restarts_;
  if (image_changed_) {
    begin();
  } else {
    launch();
  }
}

void ContainerRun::update(const json::object& spec) {
  const bool other = getString(spec, {"image"}) != getString(spec_, {"image"});
  spec_ = spec;
  if (!other || stopping_ || over_) return;
  image_changed_ = true;
  if (running()) return end("definition changed, will be restarted");
  if (phase_ == Phase::waiting) {
    if (last_state_.empty()) {
      begin();
    } else {
      restart();
    }
  }
}

// Asks the process to end; what follows is decided when it has.
void ContainerRun::end(std::string_view why) {
  normal("Killing", fmt::format("Container {} {}", name_, why));
  startup_.reset();
  liveness_.reset();
  readiness_.reset();
  process_->terminate();
  const std::int64_t grace = getInt(pod_.object(), {"spec", "terminationGracePeriodSeconds"}, 30);
  kill_timer_.setAfter(seconds(grace), [this] { exited(killed_code); });
}

void ContainerRun::stop() {
  if (stopping_) return;
  stopping_ = true;
  timer_.cancel();
  kill_timer_.cancel();
  if (running()) {
    process_->terminate();
  } else {
    notify();
  }
}

void ContainerRun::kill() {
  stopping_ = true;
  timer_.cancel();
  if (running()) exited(killed_code);
}

void ContainerRun::startProbes() {
  const auto others = [this] {
    started_ = true;
    if (find(spec_, {"readinessProbe"}) == nullptr) {
      passes_readiness_ = true;
    } else {
      readiness_ = makeProber("readinessProbe", "Readiness", [this](bool healthy) {
        passes_readiness_ = healthy;
        notify();
      });
    }
    if (find(spec_, {"livenessProbe"}) == nullptr) return;
    liveness_ = makeProber("livenessProbe", "Liveness", [this](bool healthy) {
      if (!healthy) end("failed liveness probe, will be restarted");
    });
  };
  if (find(spec_, {"startupProbe"}) == nullptr) return others();
  startup_ = makeProber("startupProbe", "Startup", [this, others](bool healthy) {
    if (!healthy) return end("failed startup probe, will be restarted");
    others();
    notify();
    startup_.reset();
  });
}

std::unique_ptr<Prober> ContainerRun::makeProber(std::string_view key, std::string_view title,
                                                 std::function<void(bool)> verdict) {
  const auto* found = getObject(spec_, {key});
  const json::object probe = found == nullptr ? json::object() : *found;
  std::optional<std::uint16_t> asked = probedPort(probe, spec_);
  if (asked) asked = process_->real() ? port(*asked).value_or(0) : std::optional<std::uint16_t>();
  return std::make_unique<Prober>(
      node_.executor, node_.clock, node_.dialer, probe, asked,
      Prober::Listener{.verdict = std::move(verdict), .failed = [this, title](const std::string& output) {
                         warning("Unhealthy", fmt::format("{} probe failed: {}", title, output));
                       }});
}

void ContainerRun::wait(std::string_view reason, std::string message) {
  phase_ = Phase::waiting;
  reason_ = reason;
  message_ = std::move(message);
  notify();
}

void ContainerRun::normal(std::string_view reason, const std::string& message) {
  const std::string_view list = kind_ == Kind::main ? "containers" : "initContainers";
  node_.events.normal(pod_.object(), reason, message, fmt::format("spec.{}{{{}}}", list, name_));
}

void ContainerRun::warning(std::string_view reason, const std::string& message) {
  const std::string_view list = kind_ == Kind::main ? "containers" : "initContainers";
  node_.events.warning(pod_.object(), reason, message, fmt::format("spec.{}{{{}}}", list, name_));
}

std::string ContainerRun::id() const {
  return fmt::format("crossfade://{}-{}-{}", uidOf(pod_.object()), name_, restarts_);
}

json::object ContainerRun::terminatedState() const {
  json::object state{{"exitCode", exit_code_}, {"reason", reason_}};
  if (!message_.empty()) state["message"] = message_;
  state["startedAt"] = formatTime(started_at_);
  state["finishedAt"] = formatTime(finished_at_);
  state["containerID"] = id();
  return state;
}

json::object ContainerRun::status() const {
  json::object state;
  switch (phase_) {
    case Phase::idle:
      state["waiting"] = json::object{{"reason", "PodInitializing"}};
      break;
    case Phase::waiting: {
      json::object waiting{{"reason", reason_}};
      if (!message_.empty()) waiting["message"] = message_;
      state["waiting"] = std::move(waiting);
      break;
    }
    case Phase::running:
      state["running"] = json::object{{"startedAt", formatTime(started_at_)}};
      break;
    case Phase::terminated:
      state["terminated"] = terminatedState();
      break;
  }
  const std::string_view image = getString(spec_, {"image"});
  const bool ran = phase_ == Phase::running || phase_ == Phase::terminated;
  json::object status{{"name", name_},
                      {"state", std::move(state)},
                      {"lastState", last_state_},
                      {"ready", ready()},
                      {"restartCount", restarts_},
                      {"image", image},
                      {"imageID", ran ? image : std::string_view()}};
  if (ran) status["containerID"] = id();
  status["started"] = started();
  return status;
}

std::optional<std::uint16_t> ContainerRun::port(std::uint16_t container_port) const {
  return process_ ? process_->port(container_port) : std::nullopt;
}

}  // namespace crossfade::local
