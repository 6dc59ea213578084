// The objects that traffic routers read and write. Their kinds are watched from the first moment somebody needs them,
// so that a change by hand is noticed; a kind that the server does not serve is asked for again now and then.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/object.hpp"
#include "controller/settings.hpp"
#include "controller/world.hpp"
#include "kube/cache.hpp"
#include "kube/watcher.hpp"
#include "traffic/router.hpp"

namespace crossfade::controller {

// A route as it is: routers work on the whole document.
struct RouteObject {
  api::Metadata metadata;
  std::shared_ptr<const json::object> object;
};

class Routes {
 public:
  // Told of every change of a watched object: kind, namespace, name.
  using Listener = std::function<void(const traffic::ResourceKind&, const std::string& ns, const std::string& name)>;

  // `world` outlives the routes.
  Routes(const World& world, const Settings& settings, Listener listener);

  // What these refs name, each with its error where it can't be read. `live`: asks the server (after a conflict).
  Task<traffic::Objects> read(std::vector<traffic::ObjectRef> refs, bool live);
  // Carries out one change.
  Task<Result<>> write(traffic::Change change);

 private:
  struct Followed {
    kube::ResourceKey resource;
    kube::Cache<RouteObject> cache;
    std::unique_ptr<kube::Watcher> watcher;
    explicit Followed(std::function<RouteObject(const json::object&)> decode) : cache(std::move(decode)) {}
  };

  Task<Result<kube::ResourceKey>> resourceOf(traffic::ResourceKind kind);
  // Null for kinds that are not worth a watch (Services). Returns after the first list, or fails.
  Task<Result<Followed*>> follow(traffic::ResourceKind kind);

  const World& world_;
  std::string ns_;
  Listener listener_;
  std::map<std::string, kube::ResourceKey> resources_;             // by group/kind
  std::map<std::string, std::pair<TimePoint, Error>> not_served_;  // when that was found
  std::map<std::string, std::unique_ptr<Followed>> followed_;
};

}  // namespace crossfade::controller
