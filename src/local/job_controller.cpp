// Jobs: pods until enough of them succeeded or too many failed. Without completion indexes and without pod failure
// policies: a Job that asks for them gets an event that says so.
#include <fmt/format.h>

#include "local/controllers.hpp"
#include "local/event_recorder.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

constexpr Duration first_back_off = seconds(10);
constexpr Duration last_back_off = minutes(10);

bool isOver(const json::object& job) {
  return conditionIs(job, "Complete", "True") || conditionIs(job, "Failed", "True");
}

// When a finished pod's last container ended.
TimePoint finishedAt(const json::object& pod) {
  TimePoint last = createdAt(pod);
  if (const auto* statuses = getArray(pod, {"status", "containerStatuses"})) {
    for (const auto& status : *statuses) {
      if (!status.is_object()) continue;
      if (auto time = parseTime(getString(status.get_object(), {"state", "terminated", "finishedAt"})))
        last = std::max(last, *time);
    }
  }
  return last;
}

std::int64_t restartsOf(const json::object& pod) {
  std::int64_t restarts = 0;
  if (const auto* statuses = getArray(pod, {"status", "containerStatuses"})) {
    for (const auto& status : *statuses) {
      if (status.is_object()) restarts += getInt(status.get_object(), {"restartCount"});
    }
  }
  return restarts;
}

class JobController : public Controller {
 public:
  explicit JobController(const ControllerContext& context)
      : context_(context),
        type_(*context.registry.resource("batch", "jobs")),
        pod_type_(*context.registry.resource("", "pods")),
        queue_(context.clock, [this](const std::string& key) { sync(key); }),
        events_(context.registry, context.clock, "job-controller") {
    for (const Object& job : context.registry.list(type_)) queue_.add(keyOf(*job));
    jobs_ = context.registry.subscribe(&type_, [this](const ResourceType&, const Event& event) {
      if (event.type != Event::Type::deleted) queue_.add(keyOf(*event.object));
    });
    pods_ = context.registry.subscribe(&pod_type_, [this](const ResourceType&, const Event& event) {
      const auto* owner = controllerOf(*event.object);
      if (owner != nullptr && getString(*owner, {"kind"}) == "Job")
        queue_.add(keyOf(namespaceOf(*event.object), getString(*owner, {"name"})));
    });
  }

 private:
  struct Pods {
    std::vector<Object> active;
    std::int64_t ready = 0, terminating = 0, succeeded = 0, failed = 0, restarts = 0;
    int failures_in_row = 0;  // since the last success
    TimePoint last_failure{};
  };

  // What the next status shall be about.
  struct Verdict {
    bool failing = false, succeeding = false;
    std::string reason, message;
  };

  Pods podsOf(const json::object& job) const {
    Pods pods;
    std::vector<std::pair<TimePoint, bool>> ends;  // when, well
    for (const Object& pod : context_.pods.ownedBy(uidOf(job))) {
      const auto phase = getString(*pod, {"status", "phase"});
      if (phase == "Succeeded" || phase == "Failed") {
        const bool well = phase == "Succeeded";
        ++(well ? pods.succeeded : pods.failed);
        ends.emplace_back(finishedAt(*pod), well);
      } else if (isDeleting(*pod)) {
        ++pods.terminating;
      } else {
        pods.ready += isReady(*pod) ? 1 : 0;
        pods.restarts += restartsOf(*pod);
        pods.active.push_back(pod);
      }
    }
    std::ranges::sort(ends);
    for (const auto& [when, well] : ends) {
      pods.failures_in_row = well ? 0 : pods.failures_in_row + 1;
      if (!well) pods.last_failure = when;
    }
    return pods;
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = context_.registry.get(type_, ns, name);
    if (!stored || isDeleting(**stored)) return;
    const Object job = *stored;
    if (isOver(*job)) return expire(key, *job);

    warnOfUnsupported(*job);
    const bool suspended = getBool(*job, {"spec", "suspend"});
    Pods pods = podsOf(*job);
    const Verdict verdict = judge(key, *job, pods, suspended);
    if (verdict.failing || verdict.succeeding || suspended) {
      removePods(*job, pods.active, pods.active.size());
    } else {
      manage(key, *job, pods);
    }
    pods = podsOf(*job);
    writeStatus(*job, pods, verdict, suspended);
  }

  Verdict judge(const std::string& key, const json::object& job, const Pods& pods, bool suspended) {
    if (const auto* target = findCondition(job, "FailureTarget");
        target != nullptr && getString(*target, {"status"}) == "True") {
      return {.failing = true,
              .reason = std::string(getString(*target, {"reason"})),
              .message = std::string(getString(*target, {"message"}))};
    }
    const std::int64_t limit = getInt(job, {"spec", "backoffLimit"}, 6);
    const bool in_place = getString(job, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure";
    if (pods.failed > limit || (in_place && pods.restarts > 0 && pods.restarts >= std::max<std::int64_t>(limit, 1))) {
      return {
          .failing = true, .reason = "BackoffLimitExceeded", .message = "Job has reached the specified backoff limit"};
    }
    const auto started = parseTime(getString(job, {"status", "startTime"}));
    const std::int64_t deadline = getInt(job, {"spec", "activeDeadlineSeconds"}, -1);
    if (deadline >= 0 && started && !suspended) {
      const TimePoint due = *started + seconds(deadline);
      if (context_.clock.now() >= due) {
        return {
            .failing = true, .reason = "DeadlineExceeded", .message = "Job was active longer than specified deadline"};
      }
      queue_.addAt(key, due);
    }
    const std::int64_t completions = getInt(job, {"spec", "completions"}, -1);
    const bool enough = completions >= 0 ? pods.succeeded >= completions : pods.succeeded > 0 && pods.active.empty();
    if (!enough) return {};
    return {.succeeding = true, .reason = "CompletionsReached", .message = "Reached expected number of succeeded pods"};
  }

  // Makes or deletes active pods.
  void manage(const std::string& key, const json::object& job, const Pods& pods) {
    const std::int64_t parallelism = getInt(job, {"spec", "parallelism"}, 1);
    const std::int64_t completions = getInt(job, {"spec", "completions"}, -1);
    const auto active = static_cast<std::int64_t>(pods.active.size());
    std::int64_t wanted = parallelism;
    if (completions >= 0) {
      wanted = std::min(parallelism, completions - pods.succeeded);
    } else if (pods.succeeded > 0) {
      wanted = std::min(parallelism, active);  // one success says that there is no more work
    }
    if (active > wanted) return removePods(job, pods.active, static_cast<std::size_t>(active - wanted));
    if (active == wanted) return;
    if (pods.failures_in_row > 0) {
      const Duration delay = std::min(first_back_off * (1 << std::min(pods.failures_in_row - 1, 6)), last_back_off);
      if (context_.clock.now() < pods.last_failure + delay) return queue_.addAt(key, pods.last_failure + delay);
    }
    const auto* pod_template = getObject(job, {"spec", "template"});
    for (std::int64_t i = active; i < wanted; ++i) {
      const auto made =
          context_.registry.create(pod_type_, namespaceOf(job), podFromTemplate(*pod_template, job), writer_);
      if (!made) {
        events_.warning(job, "FailedCreate", fmt::format("Error creating: {}", made.error().message));
        return queue_.retry(key);
      }
      events_.normal(job, "SuccessfulCreate", fmt::format("Created pod: {}", nameOf(**made)));
    }
    queue_.forget(key);
  }

  void removePods(const json::object& job, const std::vector<Object>& pods, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!removeExactly(context_.registry, pod_type_, *pods[i])) continue;
      events_.normal(job, "SuccessfulDelete", fmt::format("Deleted pod: {}", nameOf(*pods[i])));
    }
  }

  void writeStatus(const json::object& job, const Pods& pods, const Verdict& verdict, bool suspended) {
    const TimePoint now = context_.clock.now();
    const bool was_suspended = conditionIs(job, "Suspended", "True");
    // The last word is said when no pod runs any more.
    const bool still = pods.active.empty() && pods.terminating == 0;
    static_cast<void>(context_.registry.modify(
        type_, namespaceOf(job), nameOf(job), Subresource::status,
        [&](json::object& copy) {
          json::object& status = ensureObject(copy, {"status"});
          setCount(status, "active", static_cast<std::int64_t>(pods.active.size()));
          setCount(status, "succeeded", pods.succeeded);
          setCount(status, "failed", pods.failed);
          status["ready"] = pods.ready;
          status["terminating"] = pods.terminating;
          if (suspended) {
            setCondition(status, "Suspended", "True", "JobSuspended", "Job suspended", now);
            status.erase("startTime");
          } else {
            if (was_suspended) {
              setCondition(status, "Suspended", "False", "JobResumed", "Job resumed", now);
              status["startTime"] = formatTime(now);
            }
            if (!status.contains("startTime")) status["startTime"] = formatTime(now);
          }
          if (verdict.failing) {
            setCondition(status, "FailureTarget", "True", verdict.reason, verdict.message, now);
            if (still) setCondition(status, "Failed", "True", verdict.reason, verdict.message, now);
          }
          if (verdict.succeeding) {
            setCondition(status, "SuccessCriteriaMet", "True", verdict.reason, verdict.message, now);
            if (still) {
              setCondition(status, "Complete", "True", verdict.reason, verdict.message, now);
              status["completionTime"] = formatTime(now);
            }
          }
          if (auto* conditions = status.if_contains("conditions"); conditions != nullptr && conditions->is_array()) {
            for (auto& item : conditions->get_array()) {
              auto* condition = item.if_object();
              if (condition != nullptr && !condition->contains("lastProbeTime"))
                (*condition)["lastProbeTime"] = formatTime(now);
            }
          }
        },
        writer_));
    if (suspended != was_suspended) {
      events_.normal(job, suspended ? "Suspended" : "Resumed", suspended ? "Job suspended" : "Job resumed");
    }
    if (still && verdict.succeeding) events_.normal(job, "Completed", "Job completed");
    if (still && verdict.failing) events_.warning(job, verdict.reason, verdict.message);
  }

  // ttlSecondsAfterFinished.
  void expire(const std::string& key, const json::object& job) {
    const auto* ttl = find(job, {"spec", "ttlSecondsAfterFinished"});
    if (ttl == nullptr) return;
    const auto* end = findCondition(job, conditionIs(job, "Complete", "True") ? "Complete" : "Failed");
    const TimePoint due = parseTime(getString(*end, {"lastTransitionTime"})).value_or(context_.clock.now()) +
                          seconds(asInteger(*ttl).value_or(0));
    if (context_.clock.now() < due) return queue_.addAt(key, due);
    DeleteOptions options;
    options.uid = std::string(uidOf(job));
    options.propagation = Propagation::foreground;
    static_cast<void>(context_.registry.remove(type_, namespaceOf(job), nameOf(job), options));
  }

  void warnOfUnsupported(const json::object& job) {
    if (find(job, {"status", "startTime"}) != nullptr) return;  // said before
    if (getString(job, {"spec", "completionMode"}) == "Indexed") {
      events_.warning(job, "Unsupported",
                      "completionMode Indexed is not known to the embedded cluster: pods get no index");
    }
    if (find(job, {"spec", "podFailurePolicy"}) != nullptr) {
      events_.warning(job, "Unsupported",
                      "podFailurePolicy is not known to the embedded cluster: every failure counts");
    }
  }

  ControllerContext context_;
  const ResourceType& type_;
  const ResourceType& pod_type_;
  const WriteOptions writer_{.field_manager = std::string(controller_manager)};
  KeyQueue queue_;
  EventRecorder events_;
  std::shared_ptr<Registry::Subscription> jobs_, pods_;
};

}  // namespace

std::unique_ptr<Controller> makeJobController(const ControllerContext& context) {
  return std::make_unique<JobController>(context);
}

}  // namespace crossfade::local
