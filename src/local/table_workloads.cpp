// The tables of what makes pods, scales them and protects them.
#include <fmt/format.h>

#include "local/table_columns.hpp"

namespace crossfade::local {

namespace {

struct ContainerCells {
  std::string names, images;
};

ContainerCells containersOf(const json::object& object, std::initializer_list<std::string_view> path) {
  std::vector<std::string> names, images;
  if (const auto* containers = getArray(object, path)) {
    for (const auto& item : *containers) {
      if (!item.is_object()) continue;
      names.emplace_back(getString(item.get_object(), {"name"}));
      images.emplace_back(getString(item.get_object(), {"image"}));
    }
  }
  return {fmt::format("{}", fmt::join(names, ",")), fmt::format("{}", fmt::join(images, ","))};
}

ContainerCells templateContainers(const json::object& object) {
  return containersOf(object, {"spec", "template", "spec", "containers"});
}

// A number or a string of any shape, as its user wrote it; `fallback` when it is missing.
std::string textOf(const json::object& object, std::initializer_list<std::string_view> path,
                   std::string_view fallback) {
  const auto* value = find(object, path);
  if (value == nullptr || value->is_null()) return std::string(fallback);
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

json::array replicaSetRow(const json::object& object, TimePoint now) {
  const auto containers = templateContainers(object);
  return {nameOf(object),
          getInt(object, {"spec", "replicas"}),
          getInt(object, {"status", "replicas"}),
          getInt(object, {"status", "readyReplicas"}),
          ageOf(object, now),
          containers.names,
          containers.images,
          selectorText(getObject(object, {"spec", "selector"}))};
}

json::array deploymentRow(const json::object& object, TimePoint now) {
  const auto containers = templateContainers(object);
  return {nameOf(object),
          fmt::format("{}/{}", getInt(object, {"status", "readyReplicas"}), getInt(object, {"spec", "replicas"})),
          getInt(object, {"status", "updatedReplicas"}),
          getInt(object, {"status", "availableReplicas"}),
          ageOf(object, now),
          containers.names,
          containers.images,
          selectorText(getObject(object, {"spec", "selector"}))};
}

json::array statefulSetRow(const json::object& object, TimePoint now) {
  const auto containers = templateContainers(object);
  return {nameOf(object),
          fmt::format("{}/{}", getInt(object, {"status", "readyReplicas"}), getInt(object, {"spec", "replicas"})),
          ageOf(object, now), containers.names, containers.images};
}

json::array daemonSetRow(const json::object& object, TimePoint now) {
  const auto containers = templateContainers(object);
  const auto count = [&object](std::string_view key) { return getInt(object, {"status", key}); };
  return {nameOf(object),
          count("desiredNumberScheduled"),
          count("currentNumberScheduled"),
          count("numberReady"),
          count("updatedNumberScheduled"),
          count("numberAvailable"),
          labelsText(getObject(object, {"spec", "template", "spec", "nodeSelector"})),
          ageOf(object, now),
          containers.names,
          containers.images,
          selectorText(getObject(object, {"spec", "selector"}))};
}

std::string_view jobStatus(const json::object& job) {
  for (const auto& [condition, status] :
       {std::pair<std::string_view, std::string_view>{"Complete", "Complete"}, {"Failed", "Failed"}}) {
    if (conditionStatus(job, condition) == "True") return status;
  }
  if (find(job, {"metadata", "deletionTimestamp"}) != nullptr) return "Terminating";
  for (const std::string_view condition : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (conditionStatus(job, condition) == "True") return condition;
  }
  return "Running";
}

json::array jobRow(const json::object& object, TimePoint now) {
  const auto succeeded = getInt(object, {"status", "succeeded"});
  const auto parallelism = getInt(object, {"spec", "parallelism"});
  std::string completions = fmt::format("{}/1", succeeded);
  if (find(object, {"spec", "completions"}) != nullptr) {
    completions = fmt::format("{}/{}", succeeded, getInt(object, {"spec", "completions"}));
  } else if (parallelism > 1) {
    completions += fmt::format(" of {}", parallelism);
  }
  const auto began = parseTime(getString(object, {"status", "startTime"}));
  const auto ended = parseTime(getString(object, {"status", "completionTime"}));
  const auto containers = templateContainers(object);
  return {nameOf(object),     jobStatus(object),
          completions,        began ? humanDuration(ended.value_or(now) - *began) : std::string(),
          ageOf(object, now), containers.names,
          containers.images,  selectorText(getObject(object, {"spec", "selector"}))};
}

json::array cronJobRow(const json::object& object, TimePoint now) {
  const auto containers = containersOf(object, {"spec", "jobTemplate", "spec", "template", "spec", "containers"});
  const auto* active = getArray(object, {"status", "active"});
  const auto last = getString(object, {"status", "lastScheduleTime"});
  return {nameOf(object),
          getString(object, {"spec", "schedule"}),
          getString(object, {"spec", "timeZone"}, "<none>"),
          getBool(object, {"spec", "suspend"}) ? "True" : "False",
          active == nullptr ? std::int64_t(0) : static_cast<std::int64_t>(active->size()),
          last.empty() ? "<none>" : age(last, now),
          ageOf(object, now),
          containers.names,
          containers.images,
          selectorText(getObject(object, {"spec", "jobTemplate", "spec", "selector"}))};
}

json::array budgetRow(const json::object& object, TimePoint now) {
  return {nameOf(object), textOf(object, {"spec", "minAvailable"}, "N/A"),
          textOf(object, {"spec", "maxUnavailable"}, "N/A"), getInt(object, {"status", "disruptionsAllowed"}),
          ageOf(object, now)};
}

// "cpu: 12%/80%", "5/10", "5/10 (avg)": one metric of an autoscaler, now and as wanted.
std::string metricText(const json::object& spec, const json::object* status) {
  const auto type = getString(spec, {"type"});
  constexpr std::pair<std::string_view, std::string_view> members[] = {{"Resource", "resource"},
                                                                       {"ContainerResource", "containerResource"},
                                                                       {"Pods", "pods"},
                                                                       {"Object", "object"},
                                                                       {"External", "external"}};
  const auto* known = std::ranges::find(members, type, &std::pair<std::string_view, std::string_view>::first);
  if (known == std::end(members)) return "<unknown type>";
  const std::string_view member = known->second;
  const bool resource = type == "Resource" || type == "ContainerResource";
  const auto current = [&](std::string_view key) {
    return status == nullptr ? std::string("<unknown>") : textOf(*status, {member, "current", key}, "<unknown>");
  };
  const std::string prefix = resource ? fmt::format("{}: ", getString(spec, {member, "name"})) : std::string();
  if (find(spec, {member, "target", "averageValue"}) != nullptr) {
    const bool average = type == "Object" || type == "External";
    return fmt::format("{}{}/{}{}", prefix, current("averageValue"),
                       textOf(spec, {member, "target", "averageValue"}, ""), average ? " (avg)" : "");
  }
  if (!resource) return fmt::format("{}/{}", current("value"), textOf(spec, {member, "target", "value"}, "<unset>"));
  const auto percent = [](std::string text) { return text.starts_with('<') ? text : text + "%"; };
  return fmt::format("{}{}/{}", prefix, percent(current("averageUtilization")),
                     percent(textOf(spec, {member, "target", "averageUtilization"}, "<auto>")));
}

json::array autoscalerRow(const json::object& object, TimePoint now) {
  constexpr std::size_t shown = 2;
  std::vector<std::string> metrics;
  const auto* statuses = getArray(object, {"status", "currentMetrics"});
  if (const auto* specs = getArray(object, {"spec", "metrics"})) {
    for (std::size_t i = 0; i < specs->size(); ++i) {
      const auto* status = statuses != nullptr && i < statuses->size() ? (*statuses)[i].if_object() : nullptr;
      if ((*specs)[i].is_object()) metrics.push_back(metricText((*specs)[i].get_object(), status));
    }
  }
  std::string targets = metrics.empty() ? "<none>" : metrics.front();
  for (std::size_t i = 1; i < std::min(metrics.size(), shown); ++i) targets += ", " + metrics[i];
  if (metrics.size() > shown) targets += fmt::format(" + {} more...", metrics.size() - shown);
  return {nameOf(object),
          fmt::format("{}/{}", getString(object, {"spec", "scaleTargetRef", "kind"}),
                      getString(object, {"spec", "scaleTargetRef", "name"})),
          targets,
          textOf(object, {"spec", "minReplicas"}, "<unset>"),
          getInt(object, {"spec", "maxReplicas"}),
          getInt(object, {"status", "currentReplicas"}),
          ageOf(object, now)};
}

}  // namespace

std::vector<FixedTable> workloadTables() {
  const FixedColumn name{"Name", "string", ""};
  const FixedColumn age_column{"Age", "string", ""};
  const FixedColumn containers{"Containers", "string", "Names of each container in the template.", 1};
  const FixedColumn images{"Images", "string", "Images referenced by each container in the template.", 1};
  const FixedColumn selector{"Selector", "string", "The labels of the pods that belong to it", 1};
  const FixedColumn desired{"Desired", "integer", "The number of wanted pods"};
  const FixedColumn current{"Current", "integer", "The number of pods"};
  const FixedColumn ready{"Ready", "integer", "The number of ready pods"};
  const FixedColumn ready_of{"Ready", "string", "Number of the pod with ready state"};
  return {
      {"replicasets.apps", {name, desired, current, ready, age_column, containers, images, selector}, replicaSetRow},
      {"replicationcontrollers",
       {name, desired, current, ready, age_column, containers, images, selector},
       replicaSetRow},
      {"deployments.apps",
       {name,
        ready_of,
        {"Up-to-date", "string", "The number of pods of the newest template"},
        {"Available", "string", "The number of available pods"},
        age_column,
        containers,
        images,
        selector},
       deploymentRow},
      {"statefulsets.apps", {name, ready_of, age_column, containers, images}, statefulSetRow},
      {"daemonsets.apps",
       {name,
        desired,
        current,
        ready,
        {"Up-to-date", "integer", "The number of nodes with the newest template"},
        {"Available", "integer", "The number of nodes with an available pod"},
        {"Node Selector", "string", "The nodes that get a pod"},
        age_column,
        containers,
        images,
        selector},
       daemonSetRow},
      {"jobs.batch",
       {name,
        {"Status", "string", "Status of the job."},
        {"Completions", "string", "Pods that succeeded, of those that are wanted"},
        {"Duration", "string", "Time required to complete the job."},
        age_column,
        containers,
        images,
        selector},
       jobRow},
      {"cronjobs.batch",
       {name,
        {"Schedule", "string", "The schedule in Cron format"},
        {"Timezone", "string", "The time zone of the schedule"},
        {"Suspend", "boolean", "Whether it is suspended"},
        {"Active", "integer", "The number of running jobs"},
        {"Last Schedule", "string", "When a job was made last"},
        age_column,
        containers,
        images,
        selector},
       cronJobRow},
      {"poddisruptionbudgets.policy",
       {name,
        {"Min Available", "string", "The minimum number of pods that must be available."},
        {"Max Unavailable", "string", "The maximum number of pods that may be unavailable."},
        {"Allowed Disruptions", "integer", "Calculated number of pods that may be disrupted at this time."},
        age_column},
       budgetRow},
      {"horizontalpodautoscalers.autoscaling",
       {name,
        {"Reference", "string", "What is scaled"},
        {"Targets", "string", "The metrics, now and as wanted"},
        {"MinPods", "string", "The lower limit of replicas"},
        {"MaxPods", "string", "The upper limit of replicas"},
        {"Replicas", "string", "The current number of replicas"},
        age_column},
       autoscalerRow},
  };
}

}  // namespace crossfade::local
