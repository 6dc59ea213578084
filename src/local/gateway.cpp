#include "local/gateway.hpp"

#include <fmt/format.h>

#include <list>

#include "base/log.hpp"
#include "local/gateway_metrics.hpp"
#include "local/gateway_status.hpp"
#include "local/http_route.hpp"
#include "local/object_facts.hpp"
#include "local/service_endpoints.hpp"
#include "net/http.hpp"

namespace crossfade::local {

namespace {

constexpr Duration default_timeout = seconds(30);
constexpr int most_tries = 4;  // of one request, each on another endpoint
constexpr std::string_view route_group = "gateway.networking.k8s.io";
constexpr std::string_view route_plural = "httproutes";

// Fields that belong to one connection, not to the message (RFC 9110 §7.6.1).
constexpr std::array<std::string_view, 8> hop_by_hop = {"connection",       "keep-alive", "proxy-authenticate",
                                                        "proxy-connection", "te",         "transfer-encoding",
                                                        "upgrade",          "trailer"};

net::Headers endToEnd(const net::Headers& headers) {
  net::Headers result;
  for (const auto& [name, value] : headers) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::ranges::find(hop_by_hop, lower) == hop_by_hop.end()) result.add(name, value);
  }
  return result;
}

net::Response refusal(int status, std::string why) {
  net::Response response;
  response.status = status;
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.body = std::move(why) + "\n";
  return response;
}

bool repeatable(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

bool isLoopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

// The Service that a Host names, as far as the name says: "web.shop.svc" is web in shop, "web" is web in the default
// namespace.
struct NamedService {
  std::string ns, name;
  bool with_namespace = false;
};
NamedService namedService(std::string_view host) {
  const std::size_t dot = std::min(host.find('.'), host.size());
  std::string_view rest = dot == host.size() ? std::string_view() : host.substr(dot + 1);
  rest = rest.substr(0, rest.find('.'));
  if (rest.empty() || rest == "localhost") return {"default", std::string(host.substr(0, dot)), false};
  return {std::string(rest), std::string(host.substr(0, dot)), true};
}

// Where a request shall go, by value: the tables may change while it is under way.
struct Destination {
  std::string ns, service;
  std::optional<std::uint16_t> port = std::nullopt;
  HeaderChanges request = {}, response = {};
  std::vector<RouteBackend> mirrors = {};
  Duration timeout = default_timeout;
};

// The gateway itself; requests in flight hold it. `closed` ends them when the gateway's owner has gone.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Registry& registry, Pods& pods, Executor executor, Clock& clock, Random& random, bool local_clients)
      : registry_(registry),
        pods_(pods),
        executor_(std::move(executor)),
        clock_(clock),
        random_(random),
        local_clients_(local_clients),
        dialer_(net::makeDialer(executor_, clock)) {
    for (const ResourceType* type : registry.resources()) {
      if (isRoute(*type)) readRoutes(*type);
    }
    subscription_ =
        registry.subscribe(nullptr, [this](const ResourceType& type, const Event& event) { observe(type, event); });
  }

  void close() {
    closed_ = true;
    subscription_.reset();
    upstreams_.clear();
  }

  Task<net::Response> handle(net::Request request) {
    const auto self = shared_from_this();
    const TimePoint began = clock_.now();
    const std::string method = request.method;
    GatewayMetrics::Destination label;
    net::Response response = co_await route(std::move(request), &label);
    if (!closed_) metrics_.record(label, response.status, method, clock_.now() - began);
    co_return response;
  }

  std::string metricsText() const { return metrics_.text(); }

 private:
  static bool isRoute(const ResourceType& type) { return type.group == route_group && type.plural == route_plural; }

  void observe(const ResourceType& type, const Event& event) {
    if (isRoute(type)) {
      readRoutes(type);
    } else if (type.group.empty() && (type.kind == "Endpoints" || type.kind == "Service")) {
      backends_.erase(keyOf(*event.object));
      if (type.kind == "Endpoints") forgetUpstreams();
    }
  }

  void readRoutes(const ResourceType& type) {
    routes_.clear();
    for (const Object& object : registry_.list(type)) {
      if (!isDeleting(*object)) routes_.push_back(readHttpRoute(*object));
    }
  }

  bool exists(const std::string& ns, const std::string& service) const {
    return registry_.get(*registry_.resource("", "services"), ns, service).has_value();
  }

  // Where the objects send this request, or the answer when they send it nowhere.
  std::expected<Destination, net::Response> destinationOf(const net::Request& request) {
    const RouteRequest asked = routeRequest(request);
    RouteChoice choice = chooseRule(routes_, asked, true);
    if (choice.rule == nullptr) {
      const NamedService named = namedService(asked.host);
      if (named.with_namespace && exists(named.ns, named.name))
        return Destination{.ns = named.ns, .service = named.name};
      choice = chooseRule(routes_, asked, false);
      if (choice.rule == nullptr) {
        if (!named.with_namespace && exists(named.ns, named.name))
          return Destination{.ns = named.ns, .service = named.name};
        return std::unexpected(refusal(
            404, fmt::format("no HTTPRoute and no Service takes {} {}{}", asked.method, asked.host, asked.path)));
      }
    }
    const RouteBackend* backend = chooseBackend(choice.rule->backends, random_);
    if (backend == nullptr) {
      return std::unexpected(refusal(
          500, fmt::format("HTTPRoute {}/{} has no backend for this request", choice.route->ns, choice.route->name)));
    }
    Destination destination{.ns = backend->ns, .service = backend->service, .port = backend->port};
    destination.request = choice.rule->request;
    destination.response = choice.rule->response;
    destination.mirrors = choice.rule->mirrors;
    destination.timeout = choice.rule->timeout.value_or(default_timeout);
    const HeaderChanges& own = backend->request;
    auto& changes = destination.request;
    changes.set.insert(changes.set.end(), own.set.begin(), own.set.end());
    changes.add.insert(changes.add.end(), own.add.begin(), own.add.end());
    changes.remove.insert(changes.remove.end(), own.remove.begin(), own.remove.end());
    return destination;
  }

  Task<net::Response> route(net::Request request, GatewayMetrics::Destination* label) {
    auto found = destinationOf(request);
    if (!found) co_return std::move(found.error());
    const Destination destination = std::move(*found);
    label->ns = destination.ns;
    label->service = destination.service;

    net::Request forwarded = std::move(request);
    forwarded.headers = endToEnd(forwarded.headers);
    if (local_clients_) {
      const std::string before(forwarded.headers.get("x-forwarded-for"));
      forwarded.headers.set("x-forwarded-for", before.empty() ? "127.0.0.1" : before + ", 127.0.0.1");
    }
    forwarded.headers.set("x-forwarded-proto", "http");
    if (!forwarded.headers.has("x-forwarded-host"))
      forwarded.headers.set("x-forwarded-host", std::string(forwarded.headers.get("host")));
    destination.request.apply(forwarded.headers);
    for (const RouteBackend& mirror : destination.mirrors)
      spawn(executor_, sendCopy(shared_from_this(), mirror, forwarded));

    net::Response response = co_await deliver(destination.ns, destination.service, destination.port,
                                              std::move(forwarded), destination.timeout, &label->pod_template_hash);
    destination.response.apply(response.headers);
    co_return response;
  }

  static Task<> sendCopy(std::shared_ptr<Core> self, RouteBackend mirror, net::Request request) {
    std::string hash;
    if (!self->closed_)
      co_await self->deliver(mirror.ns, mirror.service, mirror.port, std::move(request), default_timeout, &hash);
  }

  // To one ready endpoint after the other until one answers. The caller keeps what it names until then.
  Task<net::Response> deliver(const std::string& ns, const std::string& service, std::optional<std::uint16_t> port,
                              net::Request request, Duration timeout, std::string* hash) {
    const TimePoint deadline = clock_.now() + timeout;
    Error last{ErrorCode::unavailable, fmt::format("Service {}/{} has no ready endpoint", ns, service)};
    bool asked = false;
    for (int tries = 0; tries < most_tries; ++tries) {
      const auto endpoint = nextEndpoint(ns, service, port);
      if (!endpoint) break;
      *hash = endpoint->pod_hash;
      const auto upstream = upstreamOf(*endpoint);
      if (!upstream) {
        last = {ErrorCode::unavailable,
                fmt::format("pod {}/{} has nothing that listens on port {}", ns, endpoint->pod, endpoint->port)};
        asked = true;
        continue;
      }
      asked = true;
      const auto transport = *upstream;
      net::Request copy = request;
      auto answer = co_await transport->send(std::move(copy), deadline - clock_.now());
      if (closed_) co_return refusal(503, "the gateway is closing");
      if (answer) {
        net::Response response = std::move(*answer);
        response.headers = endToEnd(response.headers);
        response.headers.set("x-crossfade-service", fmt::format("{}/{}", ns, service));
        response.headers.set("x-crossfade-pod", endpoint->pod);
        response.headers.set("x-crossfade-pod-hash", endpoint->pod_hash);
        co_return response;
      }
      last = answer.error();
      if (last.code == ErrorCode::timeout || clock_.now() >= deadline) {
        co_return refusal(504, fmt::format("pod {}/{} did not answer in time", ns, endpoint->pod));
      }
      const bool never_arrived = last.message.find("refused") != std::string::npos;
      if (!never_arrived && !repeatable(request.method)) break;
    }
    co_return refusal(asked ? 502 : 503, last.message);
  }

  // One Service port: who answers, and whose turn it is.
  struct Backends {
    std::vector<ServiceEndpoint> endpoints;
    std::size_t next = 0;
  };

  std::optional<ServiceEndpoint> nextEndpoint(const std::string& ns, const std::string& service,
                                              std::optional<std::uint16_t> port) {
    auto& ports = backends_[keyOf(ns, service)];
    const std::uint16_t number = port.value_or(0);
    auto known = ports.find(number);
    if (known == ports.end()) {
      auto endpoints = readyEndpoints(registry_, ns, service, port);
      // Somewhere in the middle: after a change not every Service begins with its first pod.
      const std::size_t next = endpoints.empty() ? 0 : random_.below(endpoints.size());
      known = ports.emplace(number, Backends{std::move(endpoints), next}).first;
    }
    Backends& backends = known->second;
    if (backends.endpoints.empty()) return std::nullopt;
    return backends.endpoints[backends.next++ % backends.endpoints.size()];
  }

  // The way to an endpoint; empty when nothing of it is on this machine.
  std::optional<std::shared_ptr<net::Transport>> upstreamOf(const ServiceEndpoint& endpoint) {
    PodAddress address{endpoint.ip, endpoint.port};
    if (!endpoint.pod.empty()) {
      const auto real = pods_.address(endpoint.ns, endpoint.pod, endpoint.port);
      if (!real) return std::nullopt;
      address = *real;
    }
    auto& upstream = upstreams_[{address.host, address.port}];
    if (!upstream) {
      net::Origin origin;
      origin.host = address.host;
      origin.port = address.port;
      auto transport = dialer_->dial(origin, {});
      if (!transport) return std::nullopt;
      upstream = std::move(*transport);
    }
    return upstream;
  }

  // Ways to pods that are gone add up: when there are many, all are forgotten, and made again where they are needed.
  // Requests in flight keep their own.
  void forgetUpstreams() {
    constexpr std::size_t most_upstreams = 256;
    if (upstreams_.size() > most_upstreams) upstreams_.clear();
  }

  Registry& registry_;
  Pods& pods_;
  Executor executor_;
  Clock& clock_;
  Random& random_;
  const bool local_clients_;
  std::unique_ptr<net::Dialer> dialer_;
  std::vector<HttpRoute> routes_;
  std::map<std::string, std::map<std::uint16_t, Backends>>
      backends_;  // by Service and its port (0: the first); a cache
  std::map<std::pair<std::string, std::uint16_t>, std::shared_ptr<net::Transport>> upstreams_;
  GatewayMetrics metrics_;
  std::shared_ptr<Registry::Subscription> subscription_;
  bool closed_ = false;
};

Task<net::Response> answerMetrics(std::shared_ptr<Core> core, net::Request request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path != "/metrics") co_return refusal(404, "the metrics are at /metrics");
  net::Response response;
  response.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = core->metricsText();
  co_return response;
}

class ListeningGateway : public Gateway {
 public:
  ListeningGateway(std::shared_ptr<Core> core, std::unique_ptr<RouteStatus> status, std::unique_ptr<net::Server> server,
                   std::unique_ptr<net::Server> metrics)
      : core_(std::move(core)), status_(std::move(status)), server_(std::move(server)), metrics_(std::move(metrics)) {}
  ~ListeningGateway() override { core_->close(); }
  std::uint16_t port() const override { return server_->port(); }
  std::uint16_t metricsPort() const override { return metrics_->port(); }

 private:
  std::shared_ptr<Core> core_;
  std::unique_ptr<RouteStatus> status_;
  std::unique_ptr<net::Server> server_, metrics_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(Registry& registry, Pods& pods, Executor executor, Clock& clock,
                                                Random& random, GatewayOptions options) {
  auto core = std::make_shared<Core>(registry, pods, executor, clock, random, isLoopback(options.address));
  const net::ServerOptions traffic{.address = options.address, .port = options.port};
  auto server =
      net::listen(executor, clock, traffic, [core](net::Request request) { return core->handle(std::move(request)); });
  if (!server) return fail(server.error());
  const net::ServerOptions metrics_options{.address = options.address, .port = options.metrics_port};
  auto metrics = net::listen(executor, clock, metrics_options,
                             [core](net::Request request) { return answerMetrics(core, std::move(request)); });
  if (!metrics) return fail(metrics.error());
  return std::make_unique<ListeningGateway>(std::move(core), std::make_unique<RouteStatus>(registry, clock),
                                            std::move(*server), std::move(*metrics));
}

std::vector<BackendShare> sharesOf(const Registry& registry, std::string_view ns, std::string_view http_route) {
  std::vector<BackendShare> shares;
  const ResourceType* type = registry.resource(route_group, route_plural);
  const auto stored =
      type == nullptr ? Result<Object>(fail(ErrorCode::not_found, "")) : registry.get(*type, ns, http_route);
  if (!stored) return shares;
  const HttpRoute route = readHttpRoute(**stored);
  const RouteRule* rule = chooseRule(route, RouteRequest{});
  if (rule == nullptr) return shares;
  std::uint64_t total = 0;
  for (const RouteBackend& backend : rule->backends) total += backend.weight;
  std::map<std::pair<std::string, std::string>, double> sums;
  for (const RouteBackend& backend : rule->backends) {
    if (backend.weight == 0) continue;
    const double share = static_cast<double>(backend.weight) / static_cast<double>(total);
    const auto endpoints = readyEndpoints(registry, backend.ns, backend.service, backend.port);
    if (endpoints.empty()) sums[{backend.service, ""}] += share;
    for (const auto& endpoint : endpoints) {
      sums[{backend.service, endpoint.pod_hash}] += share / static_cast<double>(endpoints.size());
    }
  }
  for (const auto& [destination, share] : sums) shares.push_back({destination.first, destination.second, share});
  return shares;
}

}  // namespace crossfade::local
