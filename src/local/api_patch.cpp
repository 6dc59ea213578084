// PATCH: JSON patch, merge patch, strategic merge patch and server-side apply, on objects, their status and their
// scale.
#include <fmt/format.h>

#include "local/api_body.hpp"
#include "local/api_calls.hpp"
#include "local/api_versions.hpp"
#include "local/json_text.hpp"
#include "local/patch.hpp"
#include "local/schema.hpp"
#include "local/yaml.hpp"

namespace crossfade::local {

namespace {

enum class PatchType { json, merge, strategic, apply };

Outcome<PatchType> patchType(const ApiCall& call) {
  const auto content_type = call.request.contentType();
  if (content_type == "application/json-patch+json") return PatchType::json;
  if (content_type == "application/merge-patch+json") return PatchType::merge;
  if (content_type == "application/apply-patch+yaml") return PatchType::apply;
  if (content_type == "application/strategic-merge-patch+json") {
    if (!call.type.custom) return PatchType::strategic;
    return refuse(unsupportedMediaType(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"));
  }
  return refuse({415, "UnsupportedMediaType", "415: Unsupported Media Type", {}, {}, true});
}

// The patch as a JSON value: an object, or for JSON patch an array.
Outcome<json::value> decodePatch(const ApiCall& call, PatchType type) {
  if (type == PatchType::apply) {
    auto value = parseYaml(call.request.body);
    if (!value)
      return refuse(
          badRequest(fmt::format("error decoding YAML: error converting YAML to JSON: {}", value.error().message)));
    if (value->is_null()) return json::value(json::object());
    if (!value->is_object()) {
      return refuse(badRequest(fmt::format(
          "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into "
          "Go value of type map[string]interface {{}}",
          decodedKind(*value))));
    }
    return std::move(*value);
  }
  auto value = parseJson(call.request.body);
  if (!value) {
    const bool cut = value.error().message.find("incomplete") != std::string::npos;
    return refuse(badRequest(fmt::format(
        "error decoding patch: {}", cut ? "unexpected end of JSON input" : std::string_view(value.error().message))));
  }
  if (type == PatchType::json && !value->is_array()) {
    return refuse(badRequest(
        fmt::format("error decoding patch: json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
                    decodedKind(*value))));
  }
  if (type != PatchType::json && !value->is_object()) {
    return refuse(badRequest(
        fmt::format("error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    decodedKind(*value))));
  }
  return std::move(*value);
}

// The 422 that names no object: the patch itself is at fault.
ApiFailure badPatch(std::string_view shown, std::string_view why) {
  return invalidObject("", "", "", {fmt::format("patch: Invalid value: {}: {}", jsonText(json::string(shown)), why)});
}

// A value as Go's %v prints it: "map[spec:map[replicas:x]]".
std::string goText(const json::value& value) {
  if (const auto* object = value.if_object()) {
    std::map<std::string, std::string> members;
    for (const auto& [key, member] : *object) members.emplace(key, goText(member));
    std::string text;
    for (const auto& [key, member] : members) text += fmt::format("{}{}:{}", text.empty() ? "" : " ", key, member);
    return fmt::format("map[{}]", text);
  }
  if (const auto* array = value.if_array()) {
    std::vector<std::string> items;
    for (const auto& item : *array) items.push_back(goText(item));
    return fmt::format("[{}]", fmt::join(items, " "));
  }
  if (value.is_null()) return "<nil>";
  return value.is_string() ? std::string(value.get_string()) : jsonText(value);
}

// What a strategic merge says where the decoder says "json: cannot unmarshal string into Go struct field ... of type
// int32".
std::string strategicFault(std::string_view mistyped) {
  const auto found = mistyped.find("cannot unmarshal ");
  const auto of_type = mistyped.rfind(" of type ");
  if (found == std::string_view::npos || of_type == std::string_view::npos) return std::string(mistyped);
  std::string_view given = mistyped.substr(found + 17);
  given = given.substr(0, given.find(' '));
  const std::string_view wanted = mistyped.substr(of_type + 9);
  if (wanted.starts_with("[]")) return fmt::format("cannot restore slice from {}", given);
  if (wanted.starts_with("map[")) return fmt::format("cannot restore map from {}", given);
  for (const std::string_view plain : {"int32", "int64", "float64", "string", "bool"}) {
    if (wanted == plain) return fmt::format("unrecognized type: {}", wanted);
  }
  return fmt::format("cannot restore struct from: {}", given);
}

// What a strategic merge patch that can't be merged is answered.
ApiFailure strategicFailure(const json::value& patch, std::string_view why) {
  constexpr std::string_view begin = "map: ", keyless = " does not contain declared merge key: ";
  const auto at = why.find(keyless);
  if (!why.starts_with(begin) || at == std::string_view::npos) return badPatch(goText(patch), why);
  // Nobody expected an element without its key: the server calls it an error of its own.
  const auto element = parseJson(why.substr(begin.size(), at - begin.size()));
  return internalError(fmt::format("{}{}{}", begin, element ? goText(*element) : std::string(), why.substr(at)));
}

// A conflict of server-side apply, whose message tells managers and fields, with both as causes.
ApiFailure applyConflict(const Error& error) {
  json::array causes;
  std::string manager;
  std::string_view rest = error.message;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::string_view field;
    if (line.starts_with("- ")) {
      field = line.substr(2);
    } else if (const auto at = line.find("conflict"); at != std::string_view::npos) {
      // `conflict with "m1" using v1: .data.x` on one line, or `conflicts with "m1":` before a list of fields.
      const auto with = line.find(" with \"");
      const auto close = std::min(line.find(": ."), line.size() - 1);
      if (with == std::string_view::npos || line[close] != ':') continue;
      manager = line.substr(with + 1, close - (with + 1));
      field = line.substr(std::min(close + 2, line.size()));
    }
    if (!field.empty()) {
      causes.push_back(
          json::object{{"reason", "FieldManagerConflict"}, {"message", "conflict " + manager}, {"field", field}});
    }
  }
  return {409, "Conflict", error.message, json::object{{"causes", std::move(causes)}}};
}

Outcome<json::object> applyPatch(const ApiCall& call, PatchType type, const json::object& live,
                                 const json::value& patch) {
  Result<json::object> patched = [&] {
    switch (type) {
      case PatchType::json:
        return jsonPatch(live, patch);
      case PatchType::strategic:
        if (const Schema* schema = call.registry.schema(call.type, call.path.version))
          return strategicMergePatch(live, patch, *schema);
        return jsonMergePatch(live, patch);
      default:
        return jsonMergePatch(live, patch);
    }
  }();
  if (patched) return std::move(*patched);
  if (type == PatchType::json) {
    return refuse({422, "Invalid", "the server rejected our request due to an error in our request", {}, {}, true});
  }
  if (type == PatchType::strategic) return refuse(strategicFailure(patch, patched.error().message));
  return refuse(badPatch(jsonText(patch), patched.error().message));
}

// The name of an object never changes, nor do its kind and version.
Outcome<void> checkIdentity(const ApiCall& call, const json::object& live, const json::object& patched) {
  const auto* metadata = crossfade::getObject(patched, {"metadata"});
  if (metadata == nullptr)
    return refuse(
        badPatch(jsonText(patched), "json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta"));
  const auto name = getString(*metadata, {"name"});
  if (name != call.path.name) {
    return refuse(badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.path.name)));
  }
  if (call.type.namespaced && getString(*metadata, {"namespace"}) != call.path.ns) {
    return refuse(badRequest("the namespace of the provided object does not match the namespace sent on the request"));
  }
  const auto uid = getString(*metadata, {"uid"});
  if (!uid.empty() && uid != getString(live, {"metadata", "uid"})) {
    // The API server checks it twice, and tells both.
    const std::string violation = fmt::format("metadata.uid: Invalid value: \"{}\": field is immutable", uid);
    return refuse(invalidObject(call.type.group, call.type.kind, call.path.name, {violation, violation}));
  }
  return {};
}

Outcome<void> checkKind(const ApiCall& call, const json::object& before, const json::object& patched) {
  for (const std::string_view key : {"apiVersion", "kind"}) {
    if (getString(patched, {key}) == getString(before, {key})) continue;
    const std::string_view kind = getString(patched, {"kind"}), version = getString(patched, {"apiVersion"});
    // A kind that the server knows is decoded as what it says it is before anything else is found wrong.
    const ResourceType* known = key == "kind" ? call.registry.kind(call.type.group, kind) : nullptr;
    const Schema* schema = known == nullptr ? nullptr : call.registry.schema(*known, call.path.version);
    const auto fault = schema == nullptr ? std::nullopt : schema->mistyped(patched);
    return refuse(
        badPatch(jsonText(patched),
                 fault ? *fault : fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, version)));
  }
  return {};
}

Answer patchScale(const ApiCall& call, PatchType type, const json::value& patch, const WriteParameters& parameters) {
  const auto live = call.registry.scale(call.type, call.path.ns, call.path.name);
  if (!live) return refuse(failureOf(live.error(), call.type, call.path.name));
  // Apply and strategic merge come to the same for an object this plain.
  auto patched = applyPatch(call, type == PatchType::json ? PatchType::json : PatchType::merge, *live, patch);
  if (!patched) return refuse(std::move(patched.error()));
  if (auto ok = checkKind(call, *live, *patched); !ok) return refuse(std::move(ok.error()));
  WriteReport report;
  const WriteOptions options{.field_manager = parameters.manager, .dry_run = parameters.dry_run, .report = &report};
  const auto scaled =
      call.registry.update(call.type, call.path.ns, call.path.name, Subresource::scale, std::move(*patched), options);
  if (!scaled) return refuse(failureOf(scaled.error(), call.type, call.path.name, &report));
  const auto now = call.registry.scale(call.type, call.path.ns, call.path.name);
  return now ? jsonResponse(200, *now) : Answer(refuse(failureOf(now.error(), call.type, call.path.name)));
}

// What is wrong with the name and namespace that an applied object gives.
std::optional<ApiFailure> misnamedPatch(const ApiCall& call, const json::object& metadata) {
  const auto name = getString(metadata, {"name"});
  if (!name.empty() && name != call.path.name) {
    return badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.path.name));
  }
  const auto ns = getString(metadata, {"namespace"});
  if (call.type.namespaced && !ns.empty() && ns != call.path.ns) {
    return badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  return std::nullopt;
}

Answer apply(const ApiCall& call, const View& view, Subresource subresource, json::object applied,
             const WriteParameters& parameters) {
  const std::string version =
      call.type.group.empty() ? call.path.version : fmt::format("{}/{}", call.type.group, call.path.version);
  const auto given_version = getString(applied, {"apiVersion"});
  const auto given_kind = getString(applied, {"kind"});
  if (given_version != version || given_kind != call.type.kind) {
    const std::size_t slash = given_version.find('/');
    const auto group = slash == std::string_view::npos ? std::string_view() : given_version.substr(0, slash);
    const auto bare = slash == std::string_view::npos ? given_version : given_version.substr(slash + 1);
    return refuse(badRequest(fmt::format("invalid object type: {}/{}, Kind={}", group, bare, given_kind)));
  }
  json::object& metadata = ensureObject(applied, {"metadata"});
  if (const auto* fields = metadata.if_contains("managedFields"); fields != nullptr && !fields->is_null()) {
    return refuse(badRequest("metadata.managedFields must be nil"));
  }
  // Told only when nothing else is wrong.
  const auto misnamed = misnamedPatch(call, metadata);
  const std::string given_ns(getString(metadata, {"namespace"}));
  const auto typedFailure = [&](std::string_view why) {
    return refuse(internalError(fmt::format("failed to create typed patch object ({}/{}; {}/{}, Kind={}): {}", given_ns,
                                            call.path.name, call.type.group, call.path.version, call.type.kind, why)));
  };
  if (const auto unknown = unknownFields(call, applied); !unknown.empty()) {
    return typedFailure(fmt::format(".{}: field not declared in schema", unknown.front()));
  }
  metadata["name"] = call.path.name;
  if (call.type.namespaced) metadata["namespace"] = call.path.ns;
  applied = fromVersion(call.type, call.path.version, std::move(applied));

  const auto stored = call.registry.get(call.type, call.path.ns, call.path.name);
  if (!stored && subresource != Subresource::none) return refuse(failureOf(stored.error(), call.type, call.path.name));
  const json::object live = stored ? **stored : json::object();
  const Schema* schema = call.registry.schema(call.type);
  auto merged =
      serverSideApply(live, applied, schema, parameters.manager, parameters.force, formatTime(call.clock.now()));
  if (!merged) {
    if (merged.error().code == ErrorCode::conflict) return refuse(applyConflict(merged.error()));
    return typedFailure(merged.error().message);
  }
  if (misnamed) return refuse(*misnamed);
  WriteReport report;
  const WriteOptions options{
      .field_manager = parameters.manager, .dry_run = parameters.dry_run, .fields_tracked = true, .report = &report};
  const auto written =
      stored ? call.registry.update(call.type, call.path.ns, call.path.name, subresource, std::move(*merged), options)
             : call.registry.create(call.type, call.path.ns, std::move(*merged), options);
  if (!written) return refuse(failureOf(written.error(), call.type, call.path.name, &report));
  return view.one(stored ? 200 : 201, **written);
}

}  // namespace

Answer patchObject(const ApiCall& call, Subresource subresource) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  const auto type = patchType(call);
  if (!type) return refuse(type.error());
  const auto parameters = writeParameters(call.request, "PatchOptions", *type == PatchType::apply);
  if (!parameters) return refuse(parameters.error());
  auto patch = decodePatch(call, *type);
  if (!patch) return refuse(std::move(patch.error()));
  if (subresource == Subresource::scale) return patchScale(call, *type, *patch, *parameters);
  if (*type == PatchType::apply) return apply(call, *view, subresource, std::move(patch->get_object()), *parameters);

  const auto stored = call.registry.get(call.type, call.path.ns, call.path.name);
  if (!stored) return refuse(failureOf(stored.error(), call.type, call.path.name));
  const json::object live = toVersion(call.type, call.path.version, **stored);
  auto patched = applyPatch(call, *type, live, *patch);
  if (!patched) return refuse(std::move(patched.error()));
  if (auto ok = checkKind(call, live, *patched); !ok) return refuse(std::move(ok.error()));
  if (auto ok = checkIdentity(call, live, *patched); !ok) return refuse(std::move(ok.error()));
  const bool strategic = *type == PatchType::strategic;
  const auto shown = [&] { return strategic ? goText(*patch) : jsonText(*patched); };
  if (const Schema* schema = call.registry.schema(call.type, call.path.version)) {
    if (const auto fault = schema->mistyped(*patched)) {
      return refuse(badPatch(shown(), strategic ? strategicFault(*fault) : *fault));
    }
  }
  std::vector<std::string> warnings;
  if (parameters->validation != WriteParameters::Validation::ignore) {
    warnings = fieldWarnings(unknownFields(call, *patched), {});
    if (!warnings.empty() && parameters->validation == WriteParameters::Validation::strict) {
      return refuse(badPatch(shown(), fmt::format("strict decoding error: {}", fmt::join(warnings, ", "))));
    }
  }
  WriteReport report;
  const WriteOptions options{.field_manager = parameters->manager, .dry_run = parameters->dry_run, .report = &report};
  const auto updated = call.registry.update(call.type, call.path.ns, call.path.name, subresource,
                                            fromVersion(call.type, call.path.version, std::move(*patched)), options);
  if (!updated) return refuse(failureOf(updated.error(), call.type, call.path.name, &report));
  auto response = view->one(200, **updated);
  if (response) addWarnings(*response, warnings);
  return response;
}

}  // namespace crossfade::local
