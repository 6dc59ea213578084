#include "local/api_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "local/api_versions.hpp"
#include "local/json_text.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view readable[] = {"application/json", "application/yaml"};

std::uint64_t versionOf(const json::object& object) {
  const auto text = getString(object, {"metadata", "resourceVersion"});
  std::uint64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

Outcome<View> View::of(const ApiRequest& request, const ResourceType& type, std::string_view version,
                       const json::object* definition, TimePoint now) {
  // Custom resources are served by another part of an API server, which leaves all of this to negotiate().
  if (!type.custom && !acceptsAny(request, readable)) {
    const bool watchable = request.method == "GET" && request.path && request.path->name.empty();
    return refuse({406,
                   "NotAcceptable",
                   fmt::format("406: Not Acceptable\n\nAvailable representations: {}{}", fmt::join(readable, ", "),
                               watchable ? ", application/json;stream=watch" : ""),
                   {},
                   {},
                   true});
  }
  auto accepted = negotiate(request);
  if (!accepted) return refuse(std::move(accepted.error()));
  View view;
  view.type_ = &type;
  view.version_ = version;
  view.api_version_ = type.group.empty() ? std::string(version) : fmt::format("{}/{}", type.group, version);
  view.accepted_ = std::move(*accepted);
  view.now_ = now;
  if (view.accepted_.as != Accepted::As::table) return view;
  view.printer_ = tablePrinter(type, version, definition);
  const auto include = request.query("includeObject");
  if (include == "Object") {
    view.include_ = Include::object;
  } else if (include == "None") {
    view.include_ = Include::none;
  } else if (!include.empty() && include != "Metadata") {
    return refuse(
        badRequest(fmt::format("Unable to convert to Table as requested: includeObject: Invalid value: \"{}\": must be "
                               "'Metadata', 'Object', 'None', or empty",
                               include)));
  }
  return view;
}

Outcome<net::Response> View::one(int status, const json::object& object) const {
  std::string text;
  switch (accepted_.as) {
    case Accepted::As::object:
      appendObject(text, object, true);
      break;
    case Accepted::As::partial:
      appendPartial(text, object);
      break;
    case Accepted::As::partial_list:
      return refuse({406,
                     "NotAcceptable",
                     fmt::format("you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                                 type_->kind),
                     {}});
    case Accepted::As::table:
      appendTable(text, {&object}, {.resource_version = versionOf(object), .continuation = {}, .remaining = {}}, now_,
                  true);
      break;
  }
  return respond(status, std::move(text));
}

Outcome<net::Response> View::list(const std::vector<Object>& objects, const ListMetadata& metadata) const {
  std::string text;
  if (accepted_.as == Accepted::As::partial) {
    return refuse(
        {406,
         "NotAcceptable",
         fmt::format("you requested PartialObjectMetadata, but the requested object is a list ({}List)", type_->kind),
         {}});
  }
  if (accepted_.as == Accepted::As::table) {
    std::vector<const json::object*> rows;
    rows.reserve(objects.size());
    for (const auto& object : objects) rows.push_back(object.get());
    appendTable(text, rows, metadata, now_, true);
    return respond(200, std::move(text));
  }
  const bool partial = accepted_.as == Accepted::As::partial_list;
  text =
      fmt::format(R"({{"kind":"{}List","apiVersion":"{}","metadata":)", partial ? "PartialObjectMetadata" : type_->kind,
                  partial ? "meta.k8s.io/" + accepted_.meta_version : api_version_);
  appendMetadata(text, metadata);
  text += R"(,"items":[)";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i > 0) text += ',';
    if (partial) {
      appendPartial(text, *objects[i]);
    } else {
      // The items of built-in lists don't repeat what they are; those of custom resources do.
      appendObject(text, *objects[i], type_->custom);
    }
  }
  text += "]}";
  return respond(200, std::move(text));
}

std::string View::event(const json::object& object, TimePoint now, bool first) const {
  std::string text;
  switch (accepted_.as) {
    case Accepted::As::object:
      appendObject(text, object, true);
      break;
    case Accepted::As::partial:
    case Accepted::As::partial_list:
      appendPartial(text, object);
      break;
    case Accepted::As::table:
      appendTable(text, {&object}, {.resource_version = versionOf(object), .continuation = {}, .remaining = {}}, now,
                  first);
      break;
  }
  return text;
}

void View::appendObject(std::string& text, const json::object& stored, bool with_kind) const {
  const json::object other = versionsDiffer(*type_, version_) ? toVersion(*type_, version_, stored) : json::object();
  const json::object& object = other.empty() ? stored : other;
  text += '{';
  if (with_kind) text += fmt::format(R"("kind":"{}","apiVersion":"{}")", type_->kind, api_version_);
  bool separate = with_kind;
  for (const auto& [key, value] : object) {
    if (key == "kind" || key == "apiVersion") continue;
    if (separate) text += ',';
    separate = true;
    appendJsonString(text, key);
    text += ':';
    appendJson(text, value);
  }
  text += '}';
}

void View::appendPartial(std::string& text, const json::object& object) const {
  text += fmt::format(R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{}","metadata":)",
                      accepted_.meta_version);
  const auto* metadata = object.if_contains("metadata");
  appendJson(text, metadata == nullptr ? json::value(json::object()) : *metadata);
  text += '}';
}

void View::appendTable(std::string& text, const std::vector<const json::object*>& objects, const ListMetadata& metadata,
                       TimePoint now, bool columns) const {
  text += fmt::format(R"({{"kind":"Table","apiVersion":"meta.k8s.io/{}","metadata":)", accepted_.meta_version);
  appendMetadata(text, metadata);
  text += R"(,"columnDefinitions":)";
  appendJson(text, columns ? json::value(printer_->columns()) : json::value());
  text += R"(,"rows":[)";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i > 0) text += ',';
    text += R"({"cells":)";
    appendJson(text, printer_->cells(*objects[i], now));
    text += R"(,"object":)";
    switch (include_) {
      case Include::none:
        text += "null";
        break;
      case Include::object:
        appendObject(text, *objects[i], true);
        break;
      case Include::metadata:
        appendPartial(text, *objects[i]);
        break;
    }
    text += '}';
  }
  text += "]}";
}

void View::appendMetadata(std::string& text, const ListMetadata& metadata) const {
  json::object object{{"resourceVersion", std::to_string(metadata.resource_version)}};
  // Lists of custom resources say so when there is no more.
  const bool said = type_->custom && accepted_.as == Accepted::As::object;
  if (!metadata.continuation.empty() || said) object["continue"] = metadata.continuation;
  if (metadata.remaining) object["remainingItemCount"] = *metadata.remaining;
  appendJson(text, object);
}

net::Response View::respond(int status, std::string text) const {
  // Every JSON text is a YAML document.
  return {.status = status,
          .headers = {{"Content-Type", accepted_.yaml ? "application/yaml" : "application/json"}},
          .body = std::move(text),
          .stream = nullptr};
}

}  // namespace crossfade::local
