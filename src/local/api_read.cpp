// GET: one object, lists in pages, and watches.
#include <fmt/format.h>

#include <charconv>

#include "base/base64.hpp"
#include "local/api_calls.hpp"
#include "local/json_text.hpp"
#include "local/label_selector.hpp"

namespace crossfade::local {

namespace {

constexpr Duration default_watch_time = minutes(30);
constexpr std::size_t max_page = 1'000'000;

// Where a list goes on: `continue` is an opaque token to clients.
struct Continuation {
  std::int64_t resource_version = 0;  // -1: whatever is there now
  std::string after;                  // the storage key of the last object that was listed
};

// base64url without padding, and back.
std::string encode(const Continuation& continuation) {
  std::string text = encodeBase64(jsonText(json::object{
      {"v", "meta.k8s.io/v1"}, {"rv", continuation.resource_version}, {"start", continuation.after + '\0'}}));
  std::erase(text, '=');
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

Outcome<Continuation> decodeContinuation(std::string_view token) {
  const auto bad = [](std::string_view why) {
    return refuse(badRequest(fmt::format("invalid continue token: continue key is not valid: {}", why)));
  };
  std::string padded(token);
  std::erase(padded, '=');
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  padded.append((4 - padded.size() % 4) % 4, '=');
  const auto text = decodeBase64(padded);
  if (!text || text->empty()) return bad("illegal base64 data");
  const auto value = parseJson(*text);
  if (!value || !value->is_object()) {
    const auto first = static_cast<unsigned char>(text->front());
    return bad(fmt::format("invalid character {} looking for beginning of value",
                           first >= 0x20 && first < 0x7f ? fmt::format("'{}'", static_cast<char>(first))
                                                         : fmt::format("'\\u{:04x}'", first)));
  }
  const json::object& object = value->get_object();
  Continuation continuation{.resource_version = getInt(object, {"rv"}),
                            .after = std::string(getString(object, {"start"}))};
  if (getString(object, {"v"}) != "meta.k8s.io/v1") return bad("server does not recognize this encoded version");
  if (continuation.resource_version == 0)
    return bad("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (continuation.after.empty()) return bad("encoded start key empty (version meta.k8s.io/v1)");
  continuation.after.pop_back();
  return continuation;
}

std::string keyOf(const json::object& object) {
  const auto ns = getString(object, {"metadata", "namespace"});
  const auto name = getString(object, {"metadata", "name"});
  return ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
}

ApiFailure invalidOptions(std::string violation) {
  return invalidObject("meta.k8s.io", "ListOptions", "", {std::move(violation)});
}

// The resourceVersion parameter; empty when absent.
Outcome<std::optional<std::uint64_t>> resourceVersionParameter(const ApiRequest& request) {
  const auto text = request.query("resourceVersion");
  if (text.empty()) return std::nullopt;
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error == std::errc() && end == text.data() + text.size()) return version;
  return refuse(
      badRequest(fmt::format("invalid resource version: resourceVersion: Invalid value: \"{}\": strconv.ParseUint: "
                             "parsing \"{}\": invalid syntax",
                             text, text)));
}

Outcome<void> checkListOptions(const ApiRequest& request, bool watch) {
  const auto version = request.query("resourceVersion");
  const auto match = request.query("resourceVersionMatch");
  const bool initial = request.has("sendInitialEvents");
  if (initial && !watch)
    return refuse(invalidOptions("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"));
  if (initial && match != "NotOlderThan") {
    return refuse(invalidOptions(
        "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match.empty()) return {};
  if (watch && !initial)
    return refuse(
        invalidOptions("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless "
                       "sendInitialEvents is provided"));
  if (match != "Exact" && match != "NotOlderThan") {
    return refuse(invalidOptions(fmt::format(
        "resourceVersionMatch: Unsupported value: \"{}\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
        match)));
  }
  if (watch) return {};
  if (version.empty())
    return refuse(invalidOptions(
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"));
  if (!request.query("continue").empty())
    return refuse(
        invalidOptions("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided"));
  if (match == "Exact" && version == "0") {
    return refuse(invalidOptions(
        "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
  }
  return {};
}

ApiFailure tooNew(std::uint64_t asked, std::uint64_t current) {
  return {504, "Timeout", fmt::format("Timeout: Too large resource version: {}, current: {}", asked, current),
          json::object{{"causes", json::array{json::object{{"reason", "ResourceVersionTooLarge"},
                                                           {"message", "Too large resource version"}}}},
                       {"retryAfterSeconds", 1}}};
}

// The objects that a page is cut from, and the moment they stand for.
struct Snapshot {
  std::vector<Object> objects;
  std::uint64_t resource_version = 0;
};

Outcome<Snapshot> snapshotAt(const ApiCall& call, std::uint64_t version) {
  auto objects = call.registry.listAt(call.type, call.path.ns, version);
  if (!objects) return refuse(failureOf(objects.error(), call.type, {}));
  return Snapshot{std::move(*objects), version};
}

Outcome<Snapshot> continued(const ApiCall& call, const Continuation& continuation) {
  if (continuation.resource_version < 0) {
    return Snapshot{call.registry.list(call.type, call.path.ns), call.registry.resourceVersion()};
  }
  auto snapshot = snapshotAt(call, static_cast<std::uint64_t>(continuation.resource_version));
  if (snapshot || snapshot.error().code != 410) return snapshot;
  // The rest of the list, without the promise that it fits the beginning.
  const std::string token = encode({-1, continuation.after});
  return refuse(
      {410,
       "Expired",
       "The provided continue parameter is too old to display a consistent list result. You can start a new list "
       "without "
       "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
       "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
       "deleted between the time the first chunk was returned and now may show up in the list.",
       {},
       json::object{{"continue", token}}});
}

Outcome<Snapshot> firstPage(const ApiCall& call) {
  const auto version = resourceVersionParameter(call.request);
  if (!version) return refuse(version.error());
  const std::uint64_t current = call.registry.resourceVersion();
  if (*version && **version > current) return refuse(tooNew(**version, current));
  // Exact, and the old form of it: a limit with a resource version and nothing said about the match.
  const auto match = call.request.query("resourceVersionMatch");
  const bool exact = match == "Exact" || (match.empty() && !call.request.query("limit").empty());
  if (*version && **version > 0 && exact) return snapshotAt(call, **version);
  return Snapshot{call.registry.list(call.type, call.path.ns), current};
}

}  // namespace

Outcome<Selection> selectionOf(const ApiCall& call) {
  Selection selection;
  auto labels = parseLabelSelector(call.request.query("labelSelector"));
  if (!labels) return refuse(badRequest(labels.error().message));
  selection.labels = std::move(*labels);
  auto fields =
      FieldSelector::parse(call.request.query("fieldSelector"), call.type, call.path.version, call.definition.get());
  if (!fields) return refuse(std::move(fields.error()));
  selection.fields = std::move(*fields);
  return selection;
}

Answer readObject(const ApiCall& call) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  const auto object = call.registry.get(call.type, call.path.ns, call.path.name);
  if (!object) return refuse(failureOf(object.error(), call.type, call.path.name));
  const auto version = resourceVersionParameter(call.request);
  if (!version) return refuse(version.error());
  if (*version && **version > call.registry.resourceVersion())
    return refuse(tooNew(**version, call.registry.resourceVersion()));
  return view->one(200, **object);
}

Answer listObjects(const ApiCall& call) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  auto selection = selectionOf(call);
  if (!selection) return refuse(std::move(selection.error()));
  if (auto ok = checkListOptions(call.request, false); !ok) return refuse(std::move(ok.error()));
  const auto limit = call.request.integer("limit");
  if (!limit) return refuse(limit.error());

  Continuation from;
  Outcome<Snapshot> snapshot;
  if (const auto token = call.request.query("continue"); !token.empty()) {
    auto decoded = decodeContinuation(token);
    if (!decoded) return refuse(std::move(decoded.error()));
    if (const auto version = call.request.query("resourceVersion"); !version.empty() && version != "0") {
      return refuse(badRequest("specifying resource version is not allowed when using continue"));
    }
    from = std::move(*decoded);
    snapshot = continued(call, from);
  } else {
    snapshot = firstPage(call);
  }
  if (!snapshot) return refuse(std::move(snapshot.error()));

  const std::size_t page = limit->value_or(0) > 0 ? static_cast<std::size_t>(**limit) : max_page;
  ListMetadata metadata{.resource_version = snapshot->resource_version, .continuation = {}, .remaining = {}};
  std::vector<Object> chosen;
  std::size_t left_out = 0;
  for (Object& object : snapshot->objects) {
    if (!from.after.empty() && keyOf(*object) <= from.after) continue;
    if (!selection->fields.matches(*object)) continue;
    if (!selection->labels.empty() &&
        !selection->labels.matches(labelsFromJson(getObject(*object, {"metadata", "labels"}))))
      continue;
    if (chosen.size() < page) {
      chosen.push_back(std::move(object));
    } else {
      ++left_out;
    }
  }
  if (left_out > 0) {
    metadata.continuation = encode({static_cast<std::int64_t>(snapshot->resource_version), keyOf(*chosen.back())});
    if (selection->all()) metadata.remaining = left_out;
  }
  return view->list(chosen, metadata);
}

Answer watchObjects(const ApiCall& call) {
  const auto view = call.view();
  if (!view) return refuse(view.error());
  if (const auto accepted = negotiate(call.request); accepted && accepted->yaml) {
    return refuse(
        {406, "NotAcceptable", "only the following media types are accepted: application/json;stream=watch", {}});
  }
  auto selection = selectionOf(call);
  if (!selection) return refuse(std::move(selection.error()));
  if (auto ok = checkListOptions(call.request, true); !ok) return refuse(std::move(ok.error()));
  const auto version = resourceVersionParameter(call.request);
  if (!version) {
    // A watch finds out too late to call it a bad request.
    constexpr std::string_view prefix = "invalid resource version: ";
    return refuse(internalError(version.error().message.substr(prefix.size())));
  }
  const auto timeout = call.request.integer("timeoutSeconds");
  if (!timeout) return refuse(timeout.error());

  const bool initial = call.request.flag("sendInitialEvents");
  // Without a version, or with 0, a watch begins with what is there; so it does when asked for initial events.
  const bool synthetic = call.request.has("sendInitialEvents") ? initial : version->value_or(0) == 0;
  WatchRequest watch{
      .type = &call.type,
      .version = call.path.version,
      .ns = call.path.ns,
      .labels = std::move(selection->labels),
      .fields = std::move(selection->fields),
      .view = *view,
      .from = {},
      .bookmarks = call.request.flag("allowWatchBookmarks"),
      .initial_bookmark = initial && call.request.flag("allowWatchBookmarks"),
      .bookmark_interval = call.options.bookmark_interval,
      .end = call.clock.now() + (timeout->value_or(0) > 0 ? Duration(seconds(**timeout)) : default_watch_time)};
  if (!synthetic) watch.from = version->value_or(0) > 0 ? **version : call.registry.resourceVersion();
  return net::Response{.status = 200,
                       .headers = {{"Content-Type", "application/json"}},
                       .body = {},
                       .stream = call.watches.open(std::move(watch))};
}

}  // namespace crossfade::local
