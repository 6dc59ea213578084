// The rules of built-in kinds that refuse an object, in the API server's words.
#include <fmt/format.h>

#include "local/admission.hpp"
#include "local/custom_resources.hpp"
#include "local/json_text.hpp"
#include "local/label_selector.hpp"
#include "local/name_rules.hpp"
#include "local/registry_impl.hpp"

namespace crossfade::local {

namespace {

// Collects violations below a field.
class Rules {
 public:
  explicit Rules(std::vector<std::string>& violations) : violations_(violations) {}
  void required(std::string_view field, std::string_view detail = {}) {
    violations_.push_back(detail.empty() ? fmt::format("{}: Required value", field)
                                         : fmt::format("{}: Required value: {}", field, detail));
  }
  void invalid(std::string_view field, const json::value& value, std::string_view detail) {
    violations_.push_back(fmt::format("{}: Invalid value: {}: {}", field, jsonText(value), detail));
  }
  void duplicate(std::string_view field, const json::value& value) {
    violations_.push_back(fmt::format("{}: Duplicate value: {}", field, json::serialize(value)));
  }
  void unsupported(std::string_view field, std::string_view value, std::vector<std::string_view> supported) {
    std::ranges::sort(supported);
    std::vector<std::string> quoted;
    for (const auto item : supported) quoted.push_back(fmt::format("\"{}\"", item));
    violations_.push_back(
        fmt::format("{}: Unsupported value: \"{}\": supported values: {}", field, value, fmt::join(quoted, ", ")));
  }
  void forbidden(std::string_view field, std::string_view detail) {
    violations_.push_back(fmt::format("{}: Forbidden: {}", field, detail));
  }
  void add(std::vector<std::string> faults) {
    violations_.insert(violations_.end(), std::make_move_iterator(faults.begin()),
                       std::make_move_iterator(faults.end()));
  }
  void nonNegative(const json::object& object, std::initializer_list<std::string_view> path, std::string_view field) {
    if (const auto number = getInt(object, path); number < 0)
      invalid(field, number, "must be greater than or equal to 0");
  }

 private:
  std::vector<std::string>& violations_;
};

void validateContainers(const json::object& spec, std::string_view key, std::string_view at,
                        std::set<std::string>& names, Rules& rules) {
  const auto* containers = getArray(spec, {key});
  if (containers == nullptr || containers->empty()) {
    if (key == "containers") rules.required(fmt::format("{}.containers", at));
    return;
  }
  for (std::size_t i = 0; i < containers->size(); ++i) {
    const auto* container = (*containers)[i].if_object();
    if (container == nullptr) continue;
    const std::string field = fmt::format("{}.{}[{}]", at, key, i);
    const std::string name(getString(*container, {"name"}));
    if (name.empty()) {
      rules.required(field + ".name");
    } else if (!isLabelName(name) || name.size() > 63) {
      rules.invalid(field + ".name", json::value(name),
                    name.size() > 63 ? "must be no more than 63 characters" : label_message);
    } else if (!names.insert(name).second) {
      rules.duplicate(field + ".name", json::value(name));
    }
    if (getString(*container, {"image"}).empty()) rules.required(field + ".image");
    if (const auto* ports = getArray(*container, {"ports"})) {
      for (std::size_t p = 0; p < ports->size(); ++p) {
        const auto* port = (*ports)[p].if_object();
        if (port == nullptr) continue;
        const auto number = getInt(*port, {"containerPort"});
        const std::string port_field = fmt::format("{}.ports[{}].containerPort", field, p);
        if (number == 0) {
          rules.required(port_field);
        } else if (number < 1 || number > 65535) {
          rules.invalid(port_field, number, "must be between 1 and 65535, inclusive");
        }
      }
    }
    const auto pull = getString(*container, {"imagePullPolicy"}, "Always");
    if (pull != "Always" && pull != "IfNotPresent" && pull != "Never") {
      rules.unsupported(field + ".imagePullPolicy", pull, {"Always", "IfNotPresent", "Never"});
    }
  }
}

void validatePodSpec(const json::object* spec, std::string_view at, Rules& rules) {
  static const json::object nothing;
  const json::object& pod = spec == nullptr ? nothing : *spec;
  std::set<std::string> names;
  validateContainers(pod, "initContainers", at, names, rules);
  validateContainers(pod, "containers", at, names, rules);
  const auto policy = getString(pod, {"restartPolicy"}, "Always");
  if (policy != "Always" && policy != "OnFailure" && policy != "Never") {
    rules.unsupported(fmt::format("{}.restartPolicy", at), policy, {"Always", "OnFailure", "Never"});
  }
  rules.nonNegative(pod, {"terminationGracePeriodSeconds"}, fmt::format("{}.terminationGracePeriodSeconds", at));
}

// Selector and template of a Deployment, ReplicaSet, DaemonSet or StatefulSet.
void validateWorkload(const json::object& object, const json::object* old, Rules& rules) {
  rules.nonNegative(object, {"spec", "replicas"}, "spec.replicas");
  rules.nonNegative(object, {"spec", "minReadySeconds"}, "spec.minReadySeconds");
  const auto* selector = getObject(object, {"spec", "selector"});
  const json::object* labels = getObject(object, {"spec", "template", "metadata", "labels"});
  const json::value shown = labels == nullptr ? json::value() : json::value(*labels);
  constexpr std::string_view mismatch = "`selector` does not match template `labels`";
  bool readable = true;
  if (selector == nullptr) {
    rules.required("spec.selector");
    rules.invalid("spec.template.metadata.labels", shown, mismatch);
  } else {
    auto faults = labelSelectorFaults(*selector, "spec.selector");
    const auto parsed = Selector::fromJson(*selector);
    readable = faults.empty() && parsed;
    rules.add(std::move(faults));
    if (!readable) {
      rules.invalid("spec.selector", *selector, "invalid label selector");
    } else if (parsed->empty()) {
      rules.invalid("spec.selector", json::object(), "empty selector is invalid for deployment");
    } else if (!parsed->matches(labelsFromJson(labels))) {
      rules.invalid("spec.template.metadata.labels", shown, mismatch);
    }
  }
  if (readable) {
    validatePodSpec(getObject(object, {"spec", "template", "spec"}), "spec.template.spec", rules);
    const auto policy = getString(object, {"spec", "template", "spec", "restartPolicy"});
    if (policy == "OnFailure" || policy == "Never")
      rules.unsupported("spec.template.spec.restartPolicy", policy, {"Always"});
  }
  if (old == nullptr) return;
  const auto* before = find(*old, {"spec", "selector"});
  const auto* after = find(object, {"spec", "selector"});
  if (before != nullptr && (after == nullptr || !sameJson(*before, *after))) {
    rules.invalid("spec.selector", after == nullptr ? json::value() : *after, "field is immutable");
  }
}

// A number or a percentage of pods, not below zero.
void validatePods(const json::object& object, std::string_view key, Rules& rules) {
  const auto* value = find(object, {"spec", "strategy", "rollingUpdate", key});
  const std::string field = fmt::format("spec.strategy.rollingUpdate.{}", key);
  if (value == nullptr || value->is_null()) return;
  if (const auto number = asInteger(*value)) {
    if (*number < 0) rules.invalid(field, *value, "must be greater than or equal to 0");
    return;
  }
  const auto* text = value->if_string();
  const bool percent = text != nullptr && text->size() > 1 && text->back() == '%' &&
                       std::ranges::all_of(text->begin(), text->end() - 1, [](char c) { return c >= '0' && c <= '9'; });
  if (!percent) {
    rules.invalid(field, *value,
                  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
                  "regex used for validation is "
                  "'[0-9]+%')");
  } else if (key == "maxUnavailable" && text->size() > 3 && *text != "100%") {
    rules.invalid(field, *value, "must not be greater than 100%");
  }
}

bool isNothing(const json::value* value) { return value == nullptr || *value == json::value(0) || *value == "0%"; }

void validateDeployment(const json::object& object, Rules& rules) {
  const auto type = getString(object, {"spec", "strategy", "type"});
  if (type != "Recreate" && type != "RollingUpdate") {
    rules.unsupported("spec.strategy", type, {"Recreate", "RollingUpdate"});
  } else if (type == "Recreate" && find(object, {"spec", "strategy", "rollingUpdate"}) != nullptr) {
    rules.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
  } else if (type == "RollingUpdate") {
    validatePods(object, "maxUnavailable", rules);
    validatePods(object, "maxSurge", rules);
    const auto* unavailable = find(object, {"spec", "strategy", "rollingUpdate", "maxUnavailable"});
    if (isNothing(unavailable) && isNothing(find(object, {"spec", "strategy", "rollingUpdate", "maxSurge"}))) {
      rules.invalid("spec.strategy.rollingUpdate.maxUnavailable",
                    unavailable == nullptr ? json::value(0) : *unavailable, "may not be 0 when `maxSurge` is 0");
    }
  }
  rules.nonNegative(object, {"spec", "revisionHistoryLimit"}, "spec.revisionHistoryLimit");
  rules.nonNegative(object, {"spec", "progressDeadlineSeconds"}, "spec.progressDeadlineSeconds");
  const auto deadline = getInt(object, {"spec", "progressDeadlineSeconds"});
  if (deadline <= getInt(object, {"spec", "minReadySeconds"})) {
    rules.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
  }
}

void validateLease(const json::object& object, Rules& rules) {
  if (const auto* duration = find(object, {"spec", "leaseDurationSeconds"});
      duration != nullptr && asInteger(*duration).value_or(1) <= 0) {
    rules.invalid("spec.leaseDurationSeconds", *duration, "must be greater than 0");
  }
  rules.nonNegative(object, {"spec", "leaseTransitions"}, "spec.leaseTransitions");
}

void validateService(const json::object& object, const json::object* old, Rules& rules) {
  const std::string type(getString(object, {"spec", "type"}));
  const auto* ports = getArray(object, {"spec", "ports"});
  const bool headless = getString(object, {"spec", "clusterIP"}) == "None";
  if ((ports == nullptr || ports->empty()) && !headless && type != "ExternalName") rules.required("spec.ports");
  if (ports != nullptr) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < ports->size(); ++i) {
      const auto* port = (*ports)[i].if_object();
      if (port == nullptr) continue;
      const std::string field = fmt::format("spec.ports[{}]", i);
      const std::string name(getString(*port, {"name"}));
      if (name.empty() && ports->size() > 1) rules.required(field + ".name");
      if (!name.empty() && !names.insert(name).second) rules.duplicate(field + ".name", json::value(name));
      const auto number = getInt(*port, {"port"});
      if (number < 1 || number > 65535)
        rules.invalid(field + ".port", number, "must be between 1 and 65535, inclusive");
      if (const auto* target = port->if_contains("targetPort");
          target != nullptr && target->is_int64() && (target->get_int64() < 1 || target->get_int64() > 65535)) {
        rules.invalid(field + ".targetPort", *target, "must be between 1 and 65535, inclusive");
      }
    }
  }
  if (const auto* selector = getObject(object, {"spec", "selector"}))
    rules.add(labelFaults(*selector, "spec.selector"));
  if (type != "ClusterIP" && type != "NodePort" && type != "LoadBalancer" && type != "ExternalName") {
    rules.unsupported("spec.type", type, {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  }
  if (old == nullptr) return;
  const auto* before = find(*old, {"spec", "clusterIP"});
  const auto* after = find(object, {"spec", "clusterIP"});
  if (before != nullptr && after != nullptr && *before != *after &&
      getString(*old, {"spec", "type"}) != "ExternalName" && type != "ExternalName") {
    rules.invalid("spec.clusterIPs[0]", json::array{*after}, "may not change once set");
  }
}

// Only the image (and a few others) of a pod may change.
void validatePodUpdate(const json::object& object, const json::object& old, Rules& rules) {
  const auto strip = [](const json::object& pod) {
    json::object spec = getObject(pod, {"spec"}) == nullptr ? json::object() : *getObject(pod, {"spec"});
    for (const std::string_view key : {"containers", "initContainers"}) {
      if (auto* list = spec.if_contains(key); list != nullptr && list->is_array()) {
        for (auto& container : list->get_array()) {
          if (container.is_object()) container.get_object().erase("image");
        }
      }
    }
    for (const std::string_view key :
         {"activeDeadlineSeconds", "tolerations", "nodeName", "terminationGracePeriodSeconds", "schedulingGates"}) {
      spec.erase(key);
    }
    return spec;
  };
  const auto* before = getArray(old, {"spec", "containers"});
  const auto* after = getArray(object, {"spec", "containers"});
  if (before != nullptr && after != nullptr && before->size() != after->size()) {
    rules.forbidden("spec.containers", "pod updates may not add or remove containers");
    return;
  }
  if (!sameJson(strip(object), strip(old))) {
    rules.forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
  }
}

void validateData(const json::object& object, const json::object* old, Rules& rules,
                  std::vector<std::string>& violations, bool secret) {
  std::size_t bytes = 0;
  for (const std::string_view key : {"data", "binaryData"}) {
    const auto* data = getObject(object, {key});
    if (data == nullptr) continue;
    for (const auto& [name, value] : *data) {
      const std::string_view text(name);
      if (text.empty() || text == "." || text == ".." || !std::ranges::all_of(text, [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
          })) {
        rules.invalid(fmt::format("{}[{}]", key, text), json::value(text),
                      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
                      "or 'KEY_NAME',  or "
                      "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
      }
      const auto* content = value.if_string();
      if (content == nullptr) continue;
      // What it holds counts, not how JSON spells it.
      const bool encoded = secret || key == "binaryData";
      const std::size_t padding = content->ends_with("==") ? 2 : content->ends_with('=') ? 1 : 0;
      bytes += encoded && !content->empty() ? content->size() / 4 * 3 - padding : content->size();
    }
  }
  constexpr std::size_t limit = 1 << 20;
  if (bytes > limit)
    violations.push_back(fmt::format("{}: Too long: may not be more than {} bytes", secret ? "data" : "[]", limit));
  if (old == nullptr || !getBool(*old, {"immutable"})) return;
  if (!getBool(object, {"immutable"})) rules.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const std::string_view key : {"data", "binaryData"}) {
    const auto* before = old->if_contains(key);
    const auto* after = object.if_contains(key);
    if ((before == nullptr) != (after == nullptr) || (before != nullptr && !sameJson(*before, *after))) {
      rules.forbidden(key, "field is immutable when `immutable` is set");
    }
  }
}

void validateAutoscaler(const json::object& object, Rules& rules) {
  const auto low = getInt(object, {"spec", "minReplicas"}, 1);
  const auto high = getInt(object, {"spec", "maxReplicas"});
  if (low < 1) rules.invalid("spec.minReplicas", low, "must be greater than or equal to 1");
  if (high < 1) rules.invalid("spec.maxReplicas", high, "must be greater than 0");
  if (high < low && high >= 1)
    rules.invalid("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`");
  for (const std::string_view key : {"kind", "name"}) {
    if (getString(object, {"spec", "scaleTargetRef", key}).empty())
      rules.required(fmt::format("spec.scaleTargetRef.{}", key));
  }
}

void validateJob(const json::object& object, const json::object* old, Rules& rules) {
  for (const std::string_view key :
       {"parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"}) {
    rules.nonNegative(object, {"spec", key}, fmt::format("spec.{}", key));
  }
  validatePodSpec(getObject(object, {"spec", "template", "spec"}), "spec.template.spec", rules);
  if (getString(object, {"spec", "template", "spec", "restartPolicy"}) == "Always") {
    rules.required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
  }
  if (old == nullptr) return;
  for (const std::string_view key : {"selector", "template", "completions"}) {
    const auto* before = find(*old, {"spec", key});
    const auto* after = find(object, {"spec", key});
    if (before != nullptr && (after == nullptr || !sameJson(*before, *after))) {
      rules.invalid(fmt::format("spec.{}", key), after == nullptr ? json::value() : *after, "field is immutable");
    }
  }
}

void validateIngress(const json::object& object, Rules& rules) {
  const auto* list = getArray(object, {"spec", "rules"});
  if ((list == nullptr || list->empty()) && find(object, {"spec", "defaultBackend"}) == nullptr) {
    rules.invalid("spec", json::value(), "either `defaultBackend` or `rules` must be specified");
    return;
  }
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* paths = find((*list)[i], {"http", "paths"});
    if (paths == nullptr || !paths->is_array()) continue;
    for (std::size_t p = 0; p < paths->get_array().size(); ++p) {
      const auto* path = paths->get_array()[p].if_object();
      if (path == nullptr) continue;
      const std::string field = fmt::format("spec.rules[{}].http.paths[{}]", i, p);
      const auto type = getString(*path, {"pathType"});
      if (type.empty()) {
        rules.required(field + ".pathType", "pathType must be specified");
      } else if (type != "Exact" && type != "Prefix" && type != "ImplementationSpecific") {
        rules.unsupported(field + ".pathType", type, {"Exact", "ImplementationSpecific", "Prefix"});
      }
    }
  }
}

void validateBudget(const json::object& object, Rules& rules) {
  const auto member = [&object](std::string_view key) {
    const auto* value = find(object, {"spec", key});
    return value == nullptr ? json::value() : *value;
  };
  if (!member("minAvailable").is_null() && !member("maxUnavailable").is_null()) {
    // The API server shows the struct that it works with, whose fields have other names than those of the object.
    const json::object shown{{"MinAvailable", member("minAvailable")},
                             {"Selector", member("selector")},
                             {"MaxUnavailable", member("maxUnavailable")},
                             {"UnhealthyPodEvictionPolicy", member("unhealthyPodEvictionPolicy")}};
    rules.invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set");
  }
  if (const auto* selector = getObject(object, {"spec", "selector"}))
    rules.add(labelSelectorFaults(*selector, "spec.selector"));
}

std::string_view goType(const json::value& value) {
  if (value.is_string()) return "string";
  if (value.is_bool()) return "bool";
  if (value.is_array()) return "[]interface {}";
  if (value.is_object()) return "map[string]interface {}";
  if (value.is_null()) return "<nil>";
  return value.is_double() ? "float64" : "int64";
}

}  // namespace

std::vector<std::string> validateScale(const ResourceType& type, const json::object& object) {
  std::vector<std::string> violations;
  if (!type.custom || !type.has_scale) return violations;
  Rules rules(violations);
  for (const auto* path : {&type.scale_replicas, &type.scale_status_replicas, &type.scale_selector}) {
    const std::string field = fmt::format(".{}", fmt::join(*path, "."));
    // The last value on the path that is there.
    const json::value* value = nullptr;
    std::size_t steps = 0;
    for (const json::object* at = &object; at != nullptr && steps < path->size(); ++steps) {
      value = at->if_contains((*path)[steps]);
      at = value == nullptr ? nullptr : value->if_object();
    }
    if (value == nullptr) continue;
    const bool selector = path == &type.scale_selector;
    const auto number = asInteger(*value);
    const bool cut = steps < path->size();  // something on the way is no object
    if (cut || (selector ? !value->is_string() : !number.has_value())) {
      rules.invalid(
          field, selector ? json::value("") : json::value(0),
          fmt::format("{} accessor error: {} is of the type {}, expected {}", field,
                      value->is_string() ? std::string(value->get_string()) : jsonText(*value), goType(*value),
                      cut        ? "map[string]interface{}"
                      : selector ? "string"
                                 : "int64"));
    } else if (!selector && *number < 0) {
      rules.invalid(field, *number, "should be a non-negative integer");
    } else if (!selector && *number > INT32_MAX) {
      rules.invalid(field, *number, fmt::format("should be less than or equal to {}", INT32_MAX));
    }
  }
  return violations;
}

void validateKind(const AdmissionContext& context, const json::object& object, const json::object* old,
                  std::vector<std::string>& violations) {
  if (context.type.custom) return;
  const std::string& kind = context.type.kind;
  Rules rules(violations);
  if (kind == "Pod") {
    validatePodSpec(getObject(object, {"spec"}), "spec", rules);
    if (old != nullptr) validatePodUpdate(object, *old, rules);
  } else if (kind == "ReplicaSet" || kind == "Deployment" || kind == "DaemonSet" || kind == "StatefulSet") {
    validateWorkload(object, old, rules);
    if (kind == "Deployment") validateDeployment(object, rules);
  } else if (kind == "Job") {
    validateJob(object, old, rules);
  } else if (kind == "Service") {
    validateService(object, old, rules);
  } else if (kind == "ConfigMap") {
    validateData(object, old, rules, violations, false);
  } else if (kind == "Secret") {
    validateData(object, old, rules, violations, true);
    if (old != nullptr && getString(*old, {"type"}) != getString(object, {"type"})) {
      rules.invalid("type", json::value(getString(object, {"type"})), "field is immutable");
    }
  } else if (kind == "HorizontalPodAutoscaler") {
    validateAutoscaler(object, rules);
  } else if (kind == "Lease") {
    validateLease(object, rules);
  } else if (kind == "Ingress") {
    validateIngress(object, rules);
  } else if (kind == "PodDisruptionBudget") {
    validateBudget(object, rules);
  } else if (kind == "CustomResourceDefinition") {
    auto more = validateDefinition(object, old);
    violations.insert(violations.end(), more.begin(), more.end());
  } else if ((kind == "RoleBinding" || kind == "ClusterRoleBinding") && old != nullptr) {
    const auto* before = old->if_contains("roleRef");
    const auto* after = object.if_contains("roleRef");
    if (before != nullptr && after != nullptr && *before != *after)
      rules.invalid("roleRef", *after, "cannot change roleRef");
  }
}

}  // namespace crossfade::local
