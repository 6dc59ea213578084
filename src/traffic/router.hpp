// Traffic routers: from "what share of the requests goes where" to the change of one data plane's objects.
//
// A router is pure. It is given the objects that it said it needs, and answers with patches; reading and writing them
// (and reading again after a conflict) is the controller's business and exists once. Adding a router is one file that
// implements `Router` and one line in traffic/registry.cpp.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::traffic {

// A kind of object as the API server serves it. `versions` in order of preference: the first one served is used.
struct ResourceKind {
  std::string group;  // "" for core
  std::string kind;
  std::string plural;
  std::vector<std::string> versions;
  bool operator==(const ResourceKind&) const = default;
};

// One object (by name), or all objects that a selector matches (then `name` is empty).
struct ObjectRef {
  ResourceKind kind;
  std::string ns;
  std::string name;
  std::optional<Selector> selector = std::nullopt;
};

// The objects that a router asked for, as they are now. An object that could not be read is kept as its error, so that
// the router can report it in its own order. Values are shared with whoever read them and never change.
class Objects {
 public:
  using Object = std::shared_ptr<const json::object>;

  // For a ref with a name.
  void put(const ObjectRef& ref, Result<Object> object);
  // For a ref with a selector: everything that it matches.
  void putMatches(const ObjectRef& ref, Result<std::vector<Object>> objects);

  // All of `other` as well.
  void add(Objects other);

  // The object of that kind and name; `not_found` (in the API server's words) when it was never put.
  Result<Object> find(const ResourceKind& kind, std::string_view ns, std::string_view name) const;
  // What a selector matched, sorted by name; empty when it was never put.
  Result<std::vector<Object>> matches(const ObjectRef& ref) const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // kind, namespace, name or selector
  std::map<Key, Result<Object>> objects_;
  std::map<Key, Result<std::vector<Object>>> matches_;
};

// A destination beside canary and stable: a template of a running experiment that asked for a weight.
struct Destination {
  std::string service;
  std::string hash;  // pod-template hash behind that Service
  std::int64_t weight = 0;
  bool operator==(const Destination&) const = default;
};

// One condition on a header: at most one of the three is meant to be set. spec/05 §1.7.
struct HeaderMatch {
  std::string header;
  std::string exact, prefix, regex;
};

// What a pass may ask of a router, in spec/05 §1.1's words. All idempotent.
struct SetWeight {
  std::int64_t weight = 0;  // share of the canary, 0 to RolloutView::max_weight
  std::vector<Destination> extra;
};
struct UpdateHash {
  std::string canary_hash, stable_hash;  // empty: no such ReplicaSet
  std::vector<Destination> extra;
};
struct SetHeaderRoute {
  std::string name;
  std::vector<HeaderMatch> match;  // empty: remove that route
};
struct SetMirrorRoute {
  json::object step;  // name, match, percentage as in the Rollout
};
struct RemoveManagedRoutes {};
using Operation = std::variant<SetHeaderRoute, SetMirrorRoute, UpdateHash, SetWeight, RemoveManagedRoutes>;

// What routers know of a Rollout. See `viewOf` in traffic/registry.hpp.
struct RolloutView {
  std::string ns, name, uid;
  TimePoint now = {};
  std::string stable_service, canary_service;  // spec fields, may be empty with ping-pong
  std::string ping_service, pong_service;      // spec.strategy.canary.pingPong
  std::string stable_ping_pong;                // status.canary.stablePingPong: "ping", "pong" or ""
  std::int64_t max_weight = 100;
  bool has_max_weight = false;              // trafficRouting.maxTrafficWeight is there
  std::vector<std::string> managed_routes;  // names, in order of precedence
  std::vector<std::string> step_routes;     // names in setHeaderRoute and setMirrorRoute steps
  bool has_header_steps = false;            // some step is a setHeaderRoute
  std::vector<std::string> previous_extra;  // Services in the persisted status.canary.weights.additional

  // Stable and canary Service where a router follows ping-pong only if both spec fields are empty. spec/05 §1.6.
  struct Pair {
    std::string stable, canary;
  };
  Pair services() const;
};

struct EventNote {
  bool warning = false;
  std::string reason, message;
};

// What is said of a write by whoever carries it out.
struct Telling {
  std::optional<EventNote> before = {};
  std::vector<EventNote> after = {};
  std::optional<EventNote> failed = {};  // ": <error>" is added to its message
  std::string wraps = {};                // the error becomes "<wraps>: <error>"
  bool is_forgiven = false;              // a failure is no error of the pass
};

// One write, to be executed in the order given.
struct Change {
  enum class Verb { patch, create, remove };
  Verb verb = Verb::patch;
  ObjectRef object;
  // patch: a JSON merge patch of what differs; it names metadata.resourceVersion, so that a newer object answers
  // `conflict` (read again, call route() again). create: the whole object.
  json::object body;
  std::string field_manager = "rollouts-controller";
  Telling telling = {};
};

// The outcome of route(). `error` is the first failure; changes that precede it are still meant to be executed.
struct Routing {
  std::vector<Change> changes;  // empty when nothing differs
  std::vector<EventNote> events;
  std::optional<Error> error;
  // The failure happened while setting weights: reported as event TrafficRoutingError. spec/05 §1.4.
  bool weight_failed = false;
  // After so long there is more to do, although nothing happens until then.
  std::optional<Duration> look_again;
};

// Whether the data plane took the weight. Routers that can't know say `not_applicable`.
enum class Verified { not_applicable, yes, no };

// What the objects say now.
struct Observed {
  std::optional<std::int64_t> canary_weight = {};  // empty where the objects don't say, or disagree
  Verified verified = Verified::not_applicable;
  // The pod hashes that the subsets of canary and stable select; empty where a router has no such thing.
  std::optional<std::pair<std::string, std::string>> subset_hashes = {};
};

struct Capabilities {
  bool scales_to_max_weight = false;  // false: weights are shares of 100
  bool experiments = false;           // takes Destinations beside canary and stable
  bool header_routes = false;
  bool mirror_routes = false;
};

class Router {
 public:
  virtual ~Router() = default;
  // For logs: "GatewayAPI".
  virtual std::string_view type() const = 0;
  virtual Capabilities capabilities() const = 0;
  // What route() and observe() will look at. With no operations: what a watch must follow to notice drift.
  virtual std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>& operations) const = 0;
  // What else it needs, which only the objects of reads() name. Asked once.
  virtual std::vector<ObjectRef> readsNext(const RolloutView& rollout, const Objects& objects) const;
  // Applies `operations` in order to the objects and returns what to write.
  virtual Routing route(const RolloutView& rollout, const Objects& objects,
                        const std::vector<Operation>& operations) const = 0;
  // Fails where an object can't be read.
  virtual Result<Observed> observe(const RolloutView& rollout, const Objects& objects,
                                   const SetWeight& wanted) const = 0;
};

}  // namespace crossfade::traffic
