#include "kube/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/log.hpp"
#include "kube/credentials.hpp"
#include "net/url.hpp"

namespace crossfade::kube {

namespace {

constexpr Duration default_throttle_wait = seconds(1);
constexpr std::size_t shown_body_bytes = 200;
constexpr std::size_t remembered_warnings = 1000;

enum class Body { whole, streamed };

std::string withQuery(std::string path, const net::QueryParameters& parameters) {
  return parameters.empty() ? path : path + "?" + net::formatQuery(parameters);
}

void addSelectors(net::QueryParameters& query, const std::string& labels, const std::string& fields) {
  if (!labels.empty()) query.emplace_back("labelSelector", labels);
  if (!fields.empty()) query.emplace_back("fieldSelector", fields);
}

net::QueryParameters writeQuery(const WriteOptions& options) {
  net::QueryParameters query;
  if (!options.field_manager.empty()) query.emplace_back("fieldManager", options.field_manager);
  if (options.dry_run) query.emplace_back("dryRun", "All");
  if (options.strict) query.emplace_back("fieldValidation", "Strict");
  return query;
}

net::Request getRequest(std::string target, std::string_view accept = "application/json") {
  net::Request request;
  request.target = std::move(target);
  request.headers.set("Accept", std::string(accept));
  return request;
}

net::Request requestWithBody(std::string_view method, std::string target, std::string_view content_type,
                             std::string body) {
  return {.method = std::string(method),
          .target = std::move(target),
          .headers = {{"Content-Type", std::string(content_type)}},
          .body = std::move(body)};
}

std::string_view contentType(PatchType type) {
  switch (type) {
    case PatchType::merge:
      return "application/merge-patch+json";
    case PatchType::strategic:
      return "application/strategic-merge-patch+json";
    case PatchType::json:
      return "application/json-patch+json";
    case PatchType::apply:
      return "application/apply-patch+yaml";  // JSON is YAML
  }
  return {};
}

// An eviction that a PodDisruptionBudget forbids is a 429 too, but no throttling: waiting is the caller's decision.
bool disruptionForbidden(const net::Response& response) {
  return response.body.find("DisruptionBudget") != std::string::npos;
}

// The texts of a Warning header: `299 - "text"`, several with commas between.
std::vector<std::string> warningTexts(std::string_view header) {
  std::vector<std::string> texts;
  std::size_t at = 0;
  while ((at = header.find('"', at)) != std::string_view::npos) {
    std::string text;
    for (++at; at < header.size() && header[at] != '"'; ++at) {
      if (header[at] == '\\' && at + 1 < header.size()) ++at;
      text += header[at];
    }
    if (at >= header.size()) break;  // not closed: no warning that we understand
    ++at;
    texts.push_back(std::move(text));
  }
  return texts;
}

bool sameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

Result<json::object> parseObject(const net::Response& response) {
  auto body = parseJson(response.body);
  if (!body || !body->is_object()) {
    return fail(ErrorCode::internal, fmt::format("the API server's answer is no JSON object: {}",
                                                 std::string_view(response.body).substr(0, shown_body_bytes)));
  }
  return std::move(body->get_object());
}

}  // namespace

struct Client::Impl {
  Impl(std::shared_ptr<net::Transport> transport, Clock& clock, Config config, std::string user_agent)
      : transport(std::move(transport)),
        clock(clock),
        config(std::move(config)),
        user_agent(std::move(user_agent)),
        credentials(this->config, clock) {}

  const std::shared_ptr<net::Transport> transport;
  Clock& clock;
  const Config config;
  const std::string user_agent;
  Credentials credentials;
  Observer observer;
  std::set<std::string, std::less<>> warned;

  // The request as it goes over the wire.
  net::Request dressed(const net::Request& request, const std::string& authorization) const {
    net::Request full = request;
    full.target = config.origin.base_path + request.target;
    full.headers.set("User-Agent", user_agent);
    if (!full.headers.has("Accept")) full.headers.set("Accept", "application/json");
    if (!authorization.empty()) full.headers.set("Authorization", authorization);
    if (!config.as_user.empty()) full.headers.set("Impersonate-User", config.as_user);
    if (!config.as_uid.empty()) full.headers.set("Impersonate-Uid", config.as_uid);
    for (const std::string& group : config.as_groups) full.headers.add("Impersonate-Group", group);
    return full;
  }

  // Each warning once: a controller would repeat it with every patch.
  void logWarnings(const net::Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (!sameName(name, "Warning")) continue;
      for (std::string& text : warningTexts(value)) {
        if (warned.size() >= remembered_warnings) warned.clear();
        if (warned.insert(text).second) log::warn("the API server warns: {}", text);
      }
    }
  }

  // Sends the request until it is neither throttled nor refused for an outdated credential; errors are what the server
  // says.
  static Task<Result<net::Response>> exchange(std::shared_ptr<Impl> self, net::Request request, Body body) {
    Duration waited{0};
    bool renewed = false;
    while (true) {
      auto authorization = co_await self->credentials.header();
      if (!authorization) co_return fail(std::move(authorization.error()));
      net::Request full = self->dressed(request, *authorization);
      Task<Result<net::Response>> sending = body == Body::streamed
                                                ? self->transport->open(std::move(full), request_timeout)
                                                : self->transport->send(std::move(full), request_timeout);
      auto response = co_await std::move(sending);
      if (!response) co_return fail(std::move(response.error()));
      if (self->observer) self->observer(request.method, request.target, response->status);
      self->logWarnings(*response);
      if (response->status >= 200 && response->status < 300) co_return std::move(*response);

      Error error = errorFromResponse(*response);
      if (error.code == ErrorCode::unauthorized) {
        if (!std::exchange(renewed, true) && self->credentials.refused(*authorization)) continue;
        error.message += fmt::format(" (the API server refused the credentials of {})", self->config.description);
      }
      const bool throttled = (response->status == 429 && !disruptionForbidden(*response)) ||
                             (response->status == 503 && error.retry_after);
      const Duration wait = error.retry_after.value_or(default_throttle_wait);
      if (!throttled || waited + wait > max_throttle_wait) co_return fail(std::move(error));
      waited += wait;
      co_await sleepFor(self->clock, wait);
    }
  }

  static Task<Result<json::object>> object(std::shared_ptr<Impl> self, net::Request request) {
    auto response = co_await exchange(std::move(self), std::move(request), Body::whole);
    if (!response) co_return fail(std::move(response.error()));
    co_return parseObject(*response);
  }

  static Task<Result<std::string>> text(std::shared_ptr<Impl> self, net::Request request) {
    auto response = co_await exchange(std::move(self), std::move(request), Body::whole);
    if (!response) co_return fail(std::move(response.error()));
    co_return std::move(response->body);
  }

  static Task<Result<std::unique_ptr<net::BodyReader>>> stream(std::shared_ptr<Impl> self, net::Request request) {
    auto response = co_await exchange(std::move(self), std::move(request), Body::streamed);
    if (!response) co_return fail(std::move(response.error()));
    if (response->stream == nullptr) co_return fail(ErrorCode::internal, "the API server's answer is no stream");
    co_return std::move(response->stream);
  }

  static Task<Result<std::string>> listInto(std::shared_ptr<Impl> self, ResourceKey resource, std::string ns,
                                            ListOptions options, ListSink sink) {
    std::string next;  // the server's token for the next page
    bool restarted = false;
    sink.begin();
    while (true) {
      net::QueryParameters query;
      addSelectors(query, options.label_selector, options.field_selector);
      if (options.limit > 0) query.emplace_back("limit", std::to_string(options.limit));
      if (!next.empty()) {
        query.emplace_back("continue", next);
      } else if (!options.resource_version.empty()) {
        query.emplace_back("resourceVersion", options.resource_version);
      }
      net::Request request = getRequest(withQuery(resource.path(ns), query));
      auto page = co_await object(self, std::move(request));
      if (!page && page.error().code == ErrorCode::gone && !next.empty() && !std::exchange(restarted, true)) {
        // The pages were too old to go on: once more, in one piece.
        next.clear();
        options.limit = 0;
        sink.begin();
        continue;
      }
      if (!page) co_return fail(std::move(page.error()));
      deliver(*page, resource, sink);
      std::string token(getString(*page, {"metadata", "continue"}));
      if (token.empty()) co_return std::string(getString(*page, {"metadata", "resourceVersion"}));
      if (token == next) co_return fail(ErrorCode::internal, "the API server repeats a page of a list");
      next = std::move(token);
    }
  }

  // Hands the items of a page over, one by one, so that each is freed before the next is decoded.
  static void deliver(json::object& page, const ResourceKey& resource, const ListSink& sink) {
    json::value* items = find(page, {"items"});
    if (items == nullptr || !items->is_array()) return;
    for (json::value& item : items->get_array()) {
      if (!item.is_object()) continue;
      json::object object = std::move(item.get_object());
      if (!object.contains("apiVersion")) object["apiVersion"] = resource.apiVersion();
      if (!object.contains("kind")) object["kind"] = resource.kind;
      sink.item(std::move(object));
    }
  }

  static Task<Result<List>> list(std::shared_ptr<Impl> self, ResourceKey resource, std::string ns,
                                 ListOptions options) {
    auto items = std::make_shared<std::vector<json::object>>();
    ListSink sink{.begin = [items] { items->clear(); },
                  .item = [items](json::object item) { items->push_back(std::move(item)); }};
    auto version =
        co_await listInto(std::move(self), std::move(resource), std::move(ns), std::move(options), std::move(sink));
    if (!version) co_return fail(std::move(version.error()));
    co_return List{.resource_version = std::move(*version), .items = std::move(*items)};
  }

  static Task<Result<ResourceKey>> discover(std::shared_ptr<Impl> self, std::string group, std::string kind,
                                            std::vector<std::string> versions) {
    if (versions.empty() && group.empty()) versions = {"v1"};
    if (versions.empty()) {
      net::Request request = getRequest("/apis/" + net::percentEncode(group));
      auto answer = co_await object(self, std::move(request));
      if (!answer) co_return fail(std::move(answer.error()));
      versions = servedVersions(*answer);
    }
    for (const std::string& version : versions) {
      ResourceKey resource{.group = group, .version = version, .plural = {}, .kind = kind};
      net::Request request = getRequest(resource.groupPath());
      auto answer = co_await object(self, std::move(request));
      if (!answer && answer.error().code == ErrorCode::not_found) continue;
      if (!answer) co_return fail(std::move(answer.error()));
      if (completeFrom(*answer, resource)) co_return resource;
    }
    co_return fail(ErrorCode::not_found, fmt::format("the API server serves no kind {} in group \"{}\"", kind, group));
  }

  // The versions of an APIGroup, the preferred one first.
  static std::vector<std::string> servedVersions(const json::object& group) {
    std::vector<std::string> versions;
    if (const auto preferred = getString(group, {"preferredVersion", "version"}); !preferred.empty()) {
      versions.emplace_back(preferred);
    }
    if (const json::array* all = getArray(group, {"versions"})) {
      for (const json::value& entry : *all) {
        const json::value* version = find(entry, {"version"});
        if (version == nullptr || !version->is_string()) continue;
        std::string name(version->get_string());
        if (std::ranges::find(versions, name) == versions.end()) versions.push_back(std::move(name));
      }
    }
    return versions;
  }

  // Fills plural and scope from an APIResourceList; false when the kind is not in it.
  static bool completeFrom(const json::object& resources, ResourceKey& resource) {
    const json::array* all = getArray(resources, {"resources"});
    if (all == nullptr) return false;
    for (const json::value& entry : *all) {
      const json::object* served = entry.if_object();
      if (served == nullptr || getString(*served, {"kind"}) != resource.kind) continue;
      const std::string_view name = getString(*served, {"name"});
      if (name.empty() || name.contains('/')) continue;  // a subresource
      resource.plural = name;
      resource.namespaced = getBool(*served, {"namespaced"});
      return true;
    }
    return false;
  }
};

Client::Client(std::shared_ptr<net::Transport> transport, Clock& clock, Config config, std::string user_agent)
    : impl_(std::make_shared<Impl>(std::move(transport), clock, std::move(config), std::move(user_agent))) {}
Client::~Client() = default;

void Client::setObserver(Observer observer) { impl_->observer = std::move(observer); }
Clock& Client::clock() const { return impl_->clock; }

// None of these is a coroutine itself: what a caller passes by reference is used up before the call returns.

Task<Result<json::object>> Client::get(const ResourceKey& resource, std::string_view ns, std::string_view name) {
  return Impl::object(impl_, getRequest(resource.path(ns, name)));
}

Task<Result<List>> Client::list(const ResourceKey& resource, std::string_view ns, ListOptions options) {
  return Impl::list(impl_, resource, std::string(ns), std::move(options));
}

Task<Result<std::string>> Client::listInto(const ResourceKey& resource, std::string_view ns, ListOptions options,
                                           ListSink sink) {
  return Impl::listInto(impl_, resource, std::string(ns), std::move(options), std::move(sink));
}

Task<Result<std::unique_ptr<net::BodyReader>>> Client::watch(const ResourceKey& resource, std::string_view ns,
                                                             WatchOptions options) {
  net::QueryParameters query{{"watch", "true"}, {"allowWatchBookmarks", "true"}};
  addSelectors(query, options.label_selector, options.field_selector);
  if (!options.resource_version.empty()) query.emplace_back("resourceVersion", options.resource_version);
  query.emplace_back("timeoutSeconds", std::to_string(options.timeout_seconds));
  return Impl::stream(impl_, getRequest(withQuery(resource.path(ns), query)));
}

Task<Result<json::object>> Client::create(const ResourceKey& resource, std::string_view ns, const json::object& object,
                                          WriteOptions options, std::string_view name, std::string_view subresource) {
  return Impl::object(impl_,
                      requestWithBody("POST", withQuery(resource.path(ns, name, subresource), writeQuery(options)),
                                      "application/json", json::serialize(object)));
}

Task<Result<json::object>> Client::update(const ResourceKey& resource, std::string_view ns, std::string_view name,
                                          const json::object& object, WriteOptions options,
                                          std::string_view subresource) {
  return Impl::object(impl_,
                      requestWithBody("PUT", withQuery(resource.path(ns, name, subresource), writeQuery(options)),
                                      "application/json", json::serialize(object)));
}

Task<Result<json::object>> Client::patch(const ResourceKey& resource, std::string_view ns, std::string_view name,
                                         PatchType type, const json::value& patch, WriteOptions options,
                                         std::string_view subresource) {
  net::QueryParameters query = writeQuery(options);
  if (type == PatchType::apply) query.emplace_back("force", "true");
  return Impl::object(impl_, requestWithBody("PATCH", withQuery(resource.path(ns, name, subresource), query),
                                             contentType(type), json::serialize(patch)));
}

Task<Result<json::object>> Client::remove(const ResourceKey& resource, std::string_view ns, std::string_view name,
                                          Propagation propagation, std::string_view uid) {
  json::object options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  options["propagationPolicy"] = propagation == Propagation::background   ? "Background"
                                 : propagation == Propagation::foreground ? "Foreground"
                                                                          : "Orphan";
  if (!uid.empty()) options["preconditions"] = json::object{{"uid", uid}};
  return Impl::object(impl_,
                      requestWithBody("DELETE", resource.path(ns, name), "application/json", json::serialize(options)));
}

Task<Result<std::string>> Client::getRaw(std::string target) {
  return Impl::text(impl_, getRequest(std::move(target), "application/json, */*"));
}

Task<Result<std::unique_ptr<net::BodyReader>>> Client::openRaw(std::string target) {
  return Impl::stream(impl_, getRequest(std::move(target), "application/json, */*"));
}

Task<Result<ResourceKey>> Client::discover(std::string_view group, std::string_view kind,
                                           const std::vector<std::string>& versions) {
  return Impl::discover(impl_, std::string(group), std::string(kind), versions);
}

}  // namespace crossfade::kube
