// POST, PUT and DELETE on objects, and what all writes share.
#include <fmt/format.h>

#include "local/api_body.hpp"
#include "local/api_calls.hpp"
#include "local/api_versions.hpp"
#include "local/schema.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t max_manager_bytes = 128;

// The name and namespace that the body gives must be those of the URL. Fills in the namespace.
Outcome<void> matchNames(const ApiCall& call, json::object& object) {
  json::object& metadata = ensureObject(object, {"metadata"});
  const std::string name(getString(metadata, {"name"}));
  if (name.empty()) {
    return refuse(badRequest(fmt::format(
        "the name of the object ({} based on URL) was undeterminable: name must be provided", call.path.name)));
  }
  if (name != call.path.name) {
    return refuse(badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.path.name)));
  }
  const auto ns = getString(metadata, {"namespace"});
  if (call.type.namespaced && !ns.empty() && ns != call.path.ns) {
    return refuse(badRequest("the namespace of the provided object does not match the namespace sent on the request"));
  }
  const auto version = getString(metadata, {"resourceVersion"});
  if (!std::ranges::all_of(version, [](char c) { return c >= '0' && c <= '9'; })) {
    return refuse(internalError(fmt::format("strconv.ParseUint: parsing \"{}\": invalid syntax", version)));
  }
  return {};
}

// From the query and from the body, which wins.
Outcome<DeleteOptions> deleteOptions(const ApiRequest& request, bool& dry_run) {
  json::object body;
  if (!request.body.empty()) {
    auto decoded = readBody(request);
    if (!decoded) {
      if (decoded.error().unsupported) return refuse(unsupportedMediaType(readable_types));
      return refuse(internalError(decoded.error().why));
    }
    body = std::move(decoded->object);
    const auto kind = getString(body, {"kind"});
    if (!kind.empty() && kind != "DeleteOptions") {
      return refuse(internalError(unregisteredKind(kind, getString(body, {"apiVersion"}))));
    }
  }
  const auto invalid = [](std::string violation) {
    return refuse(invalidObject("meta.k8s.io", "DeleteOptions", "", {std::move(violation)}));
  };
  DeleteOptions options;
  std::string policy(getString(body, {"propagationPolicy"}, request.query("propagationPolicy")));
  const auto* orphan = body.if_contains("orphanDependents");
  if (orphan != nullptr && orphan->is_bool()) {
    if (!policy.empty()) {
      return invalid(fmt::format(
          "propagationPolicy: Invalid value: \"{}\": orphanDependents and deletionPropagation cannot be both set",
          policy));
    }
    policy = orphan->get_bool() ? "Orphan" : "Background";
  } else if (request.has("orphanDependents")) {
    policy = request.flag("orphanDependents") ? "Orphan" : "Background";
  }
  if (policy == "Background") {
    options.propagation = Propagation::background;
  } else if (policy == "Foreground") {
    options.propagation = Propagation::foreground;
  } else if (policy == "Orphan") {
    options.propagation = Propagation::orphan;
  } else if (!policy.empty()) {
    return invalid(
        fmt::format("propagationPolicy: Unsupported value: \"{}\": supported values: \"Foreground\", \"Background\", "
                    "\"Orphan\", \"nil\"",
                    policy));
  }
  const auto grace = request.integer("gracePeriodSeconds");
  if (!grace) return refuse(grace.error());
  options.grace_period_seconds = *grace;
  if (const auto* given = body.if_contains("gracePeriodSeconds")) options.grace_period_seconds = asInteger(*given);
  if (const auto uid = getString(body, {"preconditions", "uid"}); !uid.empty()) options.uid = uid;
  if (const auto version = getString(body, {"preconditions", "resourceVersion"}); !version.empty())
    options.resource_version = version;
  dry_run = request.query("dryRun") == "All";
  if (const auto* list = getArray(body, {"dryRun"})) {
    for (const auto& item : *list) {
      if (item != "All")
        return invalid(fmt::format("dryRun: Unsupported value: {}: supported values: \"All\"", json::serialize(*list)));
      dry_run = true;
    }
  }
  options.dry_run = dry_run;
  return options;
}

}  // namespace

Outcome<WriteParameters> writeParameters(const ApiRequest& request, std::string_view options_kind, bool apply) {
  const auto invalid = [&options_kind](std::string violation) {
    return refuse(invalidObject("meta.k8s.io", options_kind, "", {std::move(violation)}));
  };
  WriteParameters parameters;
  if (const auto dry_run = request.query("dryRun"); dry_run == "All") {
    parameters.dry_run = true;
  } else if (!dry_run.empty()) {
    return invalid(fmt::format("dryRun: Unsupported value: [\"{}\"]: supported values: \"All\"", dry_run));
  }
  parameters.force = request.flag("force");
  if (!apply && request.has("force")) return invalid("force: Forbidden: may not be specified for non-apply patch");
  parameters.manager = request.query("fieldManager");
  if (parameters.manager.size() > max_manager_bytes) {
    return invalid(fmt::format("fieldManager: Too long: may not be more than {} bytes", max_manager_bytes));
  }
  if (parameters.manager.empty()) {
    if (apply) return invalid("fieldManager: Required value: is required for apply patch");
    // The program's name: "kubectl/v1.20.2 (linux/amd64)" without its version.
    const auto agent = request.headers.get("User-Agent");
    parameters.manager = agent.substr(0, std::min(agent.find('/'), max_manager_bytes));
    if (parameters.manager.empty()) parameters.manager = "unknown";
  }
  const auto validation = request.query("fieldValidation");
  if (validation == "Ignore") {
    parameters.validation = WriteParameters::Validation::ignore;
  } else if (validation == "Strict") {
    parameters.validation = WriteParameters::Validation::strict;
  } else if (!validation.empty() && validation != "Warn") {
    return invalid(fmt::format(
        "fieldValidation: Unsupported value: \"{}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
        validation));
  }
  return parameters;
}

void addWarnings(net::Response& response, const std::vector<std::string>& messages) {
  for (const auto& message : messages) {
    std::string quoted;
    for (const char c : message) {
      if (c == '"' || c == '\\') quoted += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
    }
    response.headers.add("Warning", fmt::format("299 - \"{}\"", quoted));
  }
}

std::vector<std::string> fieldWarnings(const std::vector<std::string>& unknown,
                                       const std::vector<std::string>& duplicates) {
  std::vector<std::string> messages;
  for (const auto& field : duplicates) messages.push_back(fmt::format("duplicate field \"{}\"", field));
  for (const auto& field : unknown) messages.push_back(fmt::format("unknown field \"{}\"", field));
  return messages;
}

std::vector<std::string> unknownFields(const ApiCall& call, const json::object& object) {
  std::vector<std::string> unknown;
  if (const Schema* schema = call.registry.schema(call.type, call.path.version)) {
    json::object copy = object;
    schema->prune(copy, unknown);
  }
  return unknown;
}

namespace {

// What a create and an update do alike with the object of their body, before it goes to the registry. `warnings`
// receives what is to be told in headers.
Outcome<json::object> admitBody(const ApiCall& call, const WriteParameters& parameters,
                                std::vector<std::string>& warnings) {
  auto body = decodeResource(call.request, call.registry, call.type, call.path.version);
  if (!body) return refuse(std::move(body.error()));
  const auto cannot = [&call](std::string_view why) {
    return refuse(badRequest(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", call.type.kind,
                                         call.path.version, call.type.kind, why)));
  };
  if (const Schema* schema = call.registry.schema(call.type, call.path.version)) {
    if (const auto fault = schema->mistyped(body->object)) return cannot(*fault);
  }
  if (parameters.validation != WriteParameters::Validation::ignore) {
    auto messages = fieldWarnings(unknownFields(call, body->object), body->duplicates);
    if (!messages.empty() && parameters.validation == WriteParameters::Validation::strict) {
      return cannot(fmt::format("strict decoding error: {}", fmt::join(messages, ", ")));
    }
    warnings = std::move(messages);
  }
  return fromVersion(call.type, call.path.version, std::move(body->object));
}

}  // namespace

Answer createObject(const ApiCall& call) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  auto parameters = writeParameters(call.request, "CreateOptions");
  if (!parameters) return refuse(std::move(parameters.error()));
  std::vector<std::string> warnings;
  auto object = admitBody(call, *parameters, warnings);
  if (!object) return refuse(std::move(object.error()));
  const json::object* metadata = crossfade::getObject(*object, {"metadata"});
  if (metadata != nullptr && !getString(*metadata, {"resourceVersion"}).empty()) {
    return refuse(internalError("resourceVersion should not be set on objects to be created"));
  }
  const std::string name(getString(*object, {"metadata", "name"}));
  WriteReport report;
  const WriteOptions options{.field_manager = parameters->manager, .dry_run = parameters->dry_run, .report = &report};
  const auto created = call.registry.create(call.type, call.path.ns, std::move(*object), options);
  if (!created) return refuse(failureOf(created.error(), call.type, name, &report));
  auto response = view->one(201, **created);
  if (response) addWarnings(*response, warnings);
  return response;
}

Answer updateObject(const ApiCall& call, Subresource subresource) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  auto parameters = writeParameters(call.request, "UpdateOptions");
  if (!parameters) return refuse(std::move(parameters.error()));
  std::vector<std::string> warnings;
  auto object = admitBody(call, *parameters, warnings);
  if (!object) return refuse(std::move(object.error()));
  if (auto ok = matchNames(call, *object); !ok) return refuse(std::move(ok.error()));
  const auto version = getString(*object, {"metadata", "resourceVersion"});
  if (version.empty() && !call.type.unconditional_update) {
    if (auto stored = call.registry.get(call.type, call.path.ns, call.path.name); !stored) {
      return refuse(failureOf(stored.error(), call.type, call.path.name));
    }
    return refuse(invalidObject(call.type.group, call.type.plural, call.path.name,
                                {"metadata.resourceVersion: Invalid value: 0: must be specified for an update"}));
  }
  WriteReport report;
  const WriteOptions options{.field_manager = parameters->manager, .dry_run = parameters->dry_run, .report = &report};
  const auto updated =
      call.registry.update(call.type, call.path.ns, call.path.name, subresource, std::move(*object), options);
  if (!updated) return refuse(failureOf(updated.error(), call.type, call.path.name, &report));
  auto response = view->one(200, **updated);
  if (response) addWarnings(*response, warnings);
  return response;
}

Answer deleteObject(const ApiCall& call) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  bool dry_run = false;
  const auto options = deleteOptions(call.request, dry_run);
  if (!options) return refuse(options.error());
  const auto removed = call.registry.remove(call.type, call.path.ns, call.path.name, *options);
  if (!removed) {
    ApiFailure failure = failureOf(removed.error(), call.type, call.path.name);
    // Preconditions are checked below the resource's name: the API server tells the kind there.
    if (failure.code == 409) failure.details["kind"] = call.type.kind;
    return refuse(std::move(failure));
  }
  const json::object& object = **removed;
  const auto left = call.registry.get(call.type, call.path.ns, call.path.name);
  const auto uid = getString(object, {"metadata", "uid"});
  const bool stays = !dry_run && left && getString(**left, {"metadata", "uid"}) == uid;
  const bool returned = call.type.group.empty() && (call.type.plural == "pods" || call.type.plural == "services");
  if (stays || returned) return view->one(200, object);
  json::object details{{"name", call.path.name}};
  if (!call.type.group.empty()) details["group"] = call.type.group;
  details["kind"] = call.type.plural;
  details["uid"] = uid;
  return jsonResponse(200, successStatus(std::move(details)));
}

Answer deleteCollection(const ApiCall& call) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  auto selection = selectionOf(call);
  if (!selection) return refuse(std::move(selection.error()));
  bool dry_run = false;
  const auto options = deleteOptions(call.request, dry_run);
  if (!options) return refuse(options.error());
  std::vector<Object> deleted;
  for (const Object& object : call.registry.list(call.type, call.path.ns, selection->labels)) {
    if (!selection->fields.matches(*object)) continue;
    const std::string name(getString(*object, {"metadata", "name"}));
    const auto removed = call.registry.remove(call.type, getString(*object, {"metadata", "namespace"}), name, *options);
    if (!removed && removed.error().code != ErrorCode::not_found)
      return refuse(failureOf(removed.error(), call.type, name));
    deleted.push_back(object);
  }
  return view->list(deleted,
                    {.resource_version = call.registry.resourceVersion(), .continuation = {}, .remaining = {}});
}

}  // namespace crossfade::local
