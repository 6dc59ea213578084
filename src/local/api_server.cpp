#include "local/api_server.hpp"

#include <fmt/format.h>

#include "local/api_body.hpp"
#include "local/api_calls.hpp"
#include "local/discovery.hpp"
#include "local/openapi.hpp"

namespace crossfade::local {

namespace {

net::Response pageNotFound() { return textResponse(404, "404 page not found\n"); }

net::Response health(const ApiRequest& request) {
  if (!request.has("verbose")) return textResponse(200, "ok");
  return textResponse(200,
                      fmt::format("[+]ping ok\n[+]registry ok\n{} check passed\n", request.target.segments.front()));
}

json::object versionInfo() {
  return {{"major", "1"},
          {"minor", "34"},
          {"emulationMajor", "1"},
          {"emulationMinor", "34"},
          {"minCompatibilityMajor", "1"},
          {"minCompatibilityMinor", "33"},
          {"gitVersion", server_version},
          {"gitCommit", ""},
          {"gitTreeState", ""},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", ""},
          {"compiler", "g++"},
          {"platform", "linux/amd64"}};
}

bool serves(const ResourceType& type, std::string_view version) {
  return std::ranges::find(type.versions, version) != type.versions.end();
}

}  // namespace

struct ApiServer::Impl {
  Impl(Registry& registry, Clock& clock, ApiServerOptions options, PodLogs* logs)
      : registry(registry),
        clock(clock),
        options(std::move(options)),
        logs(logs),
        watches(registry, clock),
        discovery(registry),
        open_api(registry) {}

  // A refusal that comes before the request is looked at any closer.
  std::optional<ApiFailure> turnAway(const ApiRequest& request) const {
    const std::string_view root =
        request.target.segments.empty() ? std::string_view() : request.target.segments.front();
    const bool open = root == "healthz" || root == "livez" || root == "readyz" || root == "version";
    if (!options.token.empty() && !open && request.headers.get("Authorization") != "Bearer " + options.token) {
      return ApiFailure{401, "Unauthorized", "Unauthorized", {}};
    }
    if (request.body.size() > options.max_request_bytes) return tooLarge(options.max_request_bytes);
    return std::nullopt;
  }

  // Everything that can be answered at once: all but the logs of pods.
  net::Response answer(const ApiRequest& request) {
    if (!request.path) return answerDocument(request);
    auto result = answerResource(request);
    return result ? std::move(*result) : failureResponse(result.error());
  }

  // Paths that name no resource.
  net::Response answerDocument(const ApiRequest& request) {
    const auto& segments = request.target.segments;
    if (segments.empty())
      return jsonResponse(
          200, json::object{{"paths", json::array{"/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2",
                                                  "/openapi/v3", "/readyz", "/version"}}});
    const std::string& root = segments.front();
    const bool discovers = root == "api" || root == "apis";
    const bool known = discovers || root == "version" || root == "healthz" || root == "livez" || root == "readyz";
    if (root == "openapi" && request.method == "GET") {
      if (auto document = open_api.answer(request)) return std::move(*document);
    }
    if (!known) return pageNotFound();
    if (request.method != "GET") return failureResponse(methodNotAllowed());
    if (root == "version") return segments.size() == 1 ? jsonResponse(200, versionInfo()) : pageNotFound();
    if (!discovers) return health(request);
    return discover(request, root == "api");
  }

  net::Response discover(const ApiRequest& request, bool core) const {
    const auto& segments = request.target.segments;
    if (segments.size() == 1) {
      for (const std::string_view version : {"v2", "v2beta1"}) {
        const std::string type =
            fmt::format("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", version);
        if (!acceptsExactly(request, type)) continue;
        json::object list = discovery.aggregated(core);
        list["apiVersion"] = fmt::format("apidiscovery.k8s.io/{}", version);
        net::Response response = jsonResponse(200, list);
        response.headers.set("Content-Type", type);
        return response;
      }
      return jsonResponse(200, core ? Discovery::coreVersions(request.headers.get("Host")) : discovery.groupList());
    }
    const auto found = core                   ? discovery.resourceList("", segments[1])
                       : segments.size() == 2 ? discovery.group(segments[1])
                                              : discovery.resourceList(segments[1], segments[2]);
    return found ? jsonResponse(200, *found) : pageNotFound();
  }

  Answer answerResource(const ApiRequest& request) {
    if (auto review = createVirtual(request, clock.now())) return std::move(*review);
    ResourcePath path = *request.path;
    if (path.group.empty() && path.plural == "bindings" && path.name.empty() && !path.ns.empty()) {
      if (request.method != "POST") return refuse(methodNotAllowed());
      // An older spelling of pods/NAME/binding.
      const auto body = decodeBody(request, "Binding");
      if (!body) return refuse(body.error());
      path.name = getString(body->object, {"metadata", "name"});
      path.plural = "pods";
      path.subresource = "binding";
    }
    const ResourceType* type = registry.resource(path.group, path.plural);
    if (type == nullptr || !serves(*type, path.version)) {
      if (discovery.isBuiltinGroup(path.group)) return refuse(unknownResource());
      return pageNotFound();
    }
    if (!path.ns.empty() && !type->namespaced) return refuse(unknownResource());
    if (path.ns.empty() && type->namespaced && !path.name.empty()) return refuse(unknownResource());
    const ApiCall call{registry, clock, options, watches, request, path, *type, definitionOf(registry, *type)};
    if (path.name.empty()) return answerCollection(call);
    return path.subresource.empty() ? answerObject(call) : answerSubresource(call);
  }

  static Answer answerCollection(const ApiCall& call) {
    const std::string& method = call.request.method;
    if (method == "GET") return call.request.flag("watch") ? watchObjects(call) : listObjects(call);
    const bool everywhere = call.type.namespaced && call.path.ns.empty();
    if (method == "POST" && !everywhere) return createObject(call);
    const bool namespaces = call.type.group.empty() && call.type.plural == "namespaces";
    if (method == "DELETE" && !everywhere && !namespaces) return deleteCollection(call);
    return refuse(methodNotAllowed());
  }

  static Answer answerObject(const ApiCall& call) {
    const std::string& method = call.request.method;
    if (method == "GET") return readObject(call);
    if (method == "PUT") return updateObject(call, Subresource::none);
    if (method == "PATCH") return patchObject(call, Subresource::none);
    if (method == "DELETE") return deleteObject(call);
    return refuse(methodNotAllowed());
  }

  static Answer answerSubresource(const ApiCall& call) {
    const std::string& method = call.request.method;
    const std::string& name = call.path.subresource;
    const bool served = (name == "status" || name == "scale") &&
                        hasSubresource(call.type, call.path.version, call.definition.get(), name);
    if (call.type.custom && !served) {
      // As if it were the object that is missing.
      return refuse(failureOf(
          {ErrorCode::not_found, fmt::format("{} \"{}\" not found", call.type.qualifiedName(), call.path.name)},
          call.type, call.path.name));
    }
    if (name == "status" && served) {
      if (method == "GET") return readObject(call);
      if (method == "PUT") return updateObject(call, Subresource::status);
      if (method == "PATCH") return patchObject(call, Subresource::status);
      return refuse(methodNotAllowed());
    }
    if (name == "scale" && served) {
      if (method == "GET") return getScale(call);
      if (method == "PUT") return updateScale(call);
      if (method == "PATCH") return patchObject(call, Subresource::scale);
      return refuse(methodNotAllowed());
    }
    const auto extras = extraSubresources(call.type);
    const auto extra = std::ranges::find(extras, name, &ExtraSubresource::name);
    if (extra == extras.end()) return refuse(unknownResource());
    if (method == "PUT" && name == "finalize") return finalizeNamespace(call);
    if (method == "POST" && name == "binding") return bindPod(call);
    if (method == "POST" && name == "eviction") return evictPod(call);
    if (method == "POST" && name == "token") return requestToken(call);
    return refuse(methodNotAllowed());
  }

  static bool asksForLog(const ApiRequest& request) {
    return request.path && request.method == "GET" && request.path->group.empty() && request.path->version == "v1" &&
           request.path->plural == "pods" && request.path->subresource == "log" && !request.path->ns.empty();
  }

  Registry& registry;
  Clock& clock;
  const ApiServerOptions options;
  PodLogs* logs;
  WatchHub watches;
  Discovery discovery;
  OpenApi open_api;
};

ApiServer::ApiServer(Registry& registry, Clock& clock, ApiServerOptions options, PodLogs* logs)
    : impl_(std::make_unique<Impl>(registry, clock, std::move(options), logs)) {}

ApiServer::~ApiServer() = default;

namespace {

Outcome<LogOptions> logOptions(const ApiRequest& request, TimePoint now) {
  LogOptions options{.follow = request.flag("follow"),
                     .previous = request.flag("previous"),
                     .timestamps = request.flag("timestamps"),
                     .tail_lines = {},
                     .since = {},
                     .limit_bytes = {}};
  std::optional<std::int64_t> since_seconds;
  for (const auto& [name, value] :
       {std::pair("tailLines", &options.tail_lines), std::pair("limitBytes", &options.limit_bytes),
        std::pair("sinceSeconds", &since_seconds)}) {
    const auto number = request.integer(name);
    if (!number) return refuse(number.error());
    *value = *number;
  }
  const auto since = request.query("sinceTime");
  if (!since.empty()) {
    options.since = parseTime(since);
    if (!options.since) {
      return refuse(badRequest(fmt::format(
          "parsing time \"{0}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\" as \"2006\"", since)));
    }
  }
  std::vector<std::string> violations;
  if (options.tail_lines && *options.tail_lines < 0) {
    violations.push_back(
        fmt::format("tailLines: Invalid value: {}: must be greater than or equal to 0", *options.tail_lines));
  }
  if (options.limit_bytes && *options.limit_bytes < 1)
    violations.push_back(fmt::format("limitBytes: Invalid value: {}: must be greater than 0", *options.limit_bytes));
  if (since_seconds && options.since) {
    violations.emplace_back("[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");
  } else if (since_seconds && *since_seconds < 1) {
    violations.push_back(fmt::format("sinceSeconds: Invalid value: {}: must be greater than 0", *since_seconds));
  }
  if (!violations.empty()) return refuse(invalidObject("", "PodLogOptions", request.path->name, violations));
  // More than any log is old would be more than a TimePoint can hold.
  constexpr std::int64_t century_seconds = 3'200'000'000;
  if (since_seconds) options.since = now - seconds(std::min(*since_seconds, century_seconds));
  return options;
}

Task<net::Response> readLog(PodLogs* logs, const ResourceType* pods, ApiRequest request, TimePoint now) {
  if (logs == nullptr) co_return failureResponse(badRequest("this cluster keeps no logs of its pods"));
  const auto options = logOptions(request, now);
  if (!options) co_return failureResponse(options.error());
  const ResourcePath path = *request.path;
  const std::string container(request.query("container"));
  auto answer = co_await logs->log(path.ns, path.name, container, *options);
  if (!answer) co_return failureResponse(failureOf(answer.error(), *pods, path.name));
  co_return std::move(*answer);
}

}  // namespace

Task<net::Response> ApiServer::handle(net::Request request) {
  auto parsed = parseApiRequest(std::move(request));
  if (!parsed) co_return failureResponse(badRequest("the request's target can't be parsed"));
  const bool head = parsed->method == "HEAD";
  if (head) parsed->method = "GET";
  if (auto failure = impl_->turnAway(*parsed)) co_return failureResponse(*failure);
  net::Response response;
  if (Impl::asksForLog(*parsed)) {
    response =
        co_await readLog(impl_->logs, impl_->registry.resource("", "pods"), std::move(*parsed), impl_->clock.now());
  } else {
    response = impl_->answer(*parsed);
  }
  if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-cache, private");
  if (head) {
    response.body.clear();
    response.stream.reset();
  }
  co_return response;
}

}  // namespace crossfade::local
