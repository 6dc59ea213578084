// Requests to a Kubernetes API server, one method a verb. Objects are JSON. Stateless but for the transport and the
// credential in use. What is passed by reference is used up before the call returns, and a request that is under way
// when the client is destroyed ends as if it still existed.
//
// Errors carry the API server's own message and its meaning as ErrorCode (see base/result.hpp). 429, and 503 with a
// Retry-After, are waited out here (as long as the server asks, a second when it does not say; at most
// `max_throttle_wait` in total), so that callers see `throttled` only when that was not enough, or when a
// PodDisruptionBudget forbids an eviction. A 401 is tried again once with a new credential where there may be one.
// Nothing else is retried: writes are decided by plans.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "kube/config.hpp"
#include "kube/resources.hpp"
#include "net/http.hpp"

namespace crossfade::kube {

enum class PatchType { merge, strategic, json, apply };

// Options have constructors, so that `{}` makes one by a call: g++ 12 destroys an aggregate twice that is made as the
// argument of an awaited call.
struct ListOptions {
  ListOptions() {}  // see above
  std::string label_selector = {}, field_selector = {};
  std::string resource_version = {};  // "" : newest
  int limit = 500;                    // page size while listing; the whole list is returned
};
struct List {
  std::string resource_version = {};
  std::vector<json::object> items = {};  // apiVersion and kind filled in
};
// Takes a list while its pages arrive. `begin` comes first, and again when the server could not continue and the list
// starts over: what came before does not count then.
struct ListSink {
  std::function<void()> begin = {};
  std::function<void(json::object item)> item = {};
};

struct WatchOptions {
  WatchOptions() {}  // see above
  std::string label_selector = {}, field_selector = {};
  std::string resource_version = {};
  int timeout_seconds = 300;  // the server ends the watch after about this long
};

struct WriteOptions {
  WriteOptions() {}  // see above
  std::string field_manager = "rollouts-controller";
  bool dry_run = false;
  bool strict = false;  // fieldValidation=Strict
};
enum class Propagation { background, foreground, orphan };

class Client {
 public:
  // Told of every request that got an answer: method, target (without the path of the server's URL), status.
  using Observer = std::function<void(std::string_view method, std::string_view target, int status)>;

  // `clock` outlives the client. `user_agent` e.g. "crossfade/v0.1.0".
  Client(std::shared_ptr<net::Transport> transport, Clock& clock, Config config, std::string user_agent);
  ~Client();

  void setObserver(Observer observer);
  Clock& clock() const;

  Task<Result<json::object>> get(const ResourceKey& resource, std::string_view ns, std::string_view name);
  Task<Result<List>> list(const ResourceKey& resource, std::string_view ns, ListOptions options = {});
  // The same, page by page, so that a large list is never in memory as a whole. Returns the list's resource version.
  Task<Result<std::string>> listInto(const ResourceKey& resource, std::string_view ns, ListOptions options,
                                     ListSink sink);
  // The open stream of a watch, for kube/watcher.hpp. `gone` when the resource version is too old.
  Task<Result<std::unique_ptr<net::BodyReader>>> watch(const ResourceKey& resource, std::string_view ns,
                                                       WatchOptions options);
  Task<Result<json::object>> create(const ResourceKey& resource, std::string_view ns, const json::object& object,
                                    WriteOptions options = {}, std::string_view name = {},
                                    std::string_view subresource = {});
  Task<Result<json::object>> update(const ResourceKey& resource, std::string_view ns, std::string_view name,
                                    const json::object& object, WriteOptions options = {},
                                    std::string_view subresource = {});
  Task<Result<json::object>> patch(const ResourceKey& resource, std::string_view ns, std::string_view name,
                                   PatchType type, const json::value& patch, WriteOptions options = {},
                                   std::string_view subresource = {});
  // `uid` as a precondition when not empty. Returns the server's answer (the object or a Status).
  Task<Result<json::object>> remove(const ResourceKey& resource, std::string_view ns, std::string_view name,
                                    Propagation propagation = Propagation::background, std::string_view uid = {});
  // Any GET: discovery, /version, a pod's log.
  Task<Result<std::string>> getRaw(std::string target);
  // A streaming GET: a pod's log that is followed.
  Task<Result<std::unique_ptr<net::BodyReader>>> openRaw(std::string target);
  // The resource of a group and kind as the server serves it (preferred version, or the first of `versions` that is
  // served). `not_found` when it isn't. Asks discovery each time: callers keep the answer.
  Task<Result<ResourceKey>> discover(std::string_view group, std::string_view kind,
                                     const std::vector<std::string>& versions = {});

  static constexpr Duration request_timeout = seconds(30);
  static constexpr Duration max_throttle_wait = seconds(60);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// What an answer's status and body (a Status object, or anything else) mean.
Error errorFromResponse(const net::Response& response);

}  // namespace crossfade::kube
