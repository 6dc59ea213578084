// Follows one kind of object: lists, watches, and recovers by itself from everything the world does to a watch: 410
// Gone (list again), an end, a reset, a half-open connection (no byte for `silence`, although bookmarks are asked for),
// a truncated or unreadable line, a server restart, 429. Waits with back-off (100 ms doubling to 10 s, with jitter)
// between failed tries, and reports every object in order.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/random.hpp"
#include "kube/client.hpp"

namespace crossfade::kube {

// A (re-)list arrives object by object, so that a large one is never in memory as a whole: listBegin, any number of
// apply, then listEnd; or, when the list failed half-way, another listBegin. Between lists, apply and remove tell of
// events.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;
  virtual void listBegin() = 0;
  virtual void apply(json::object object) = 0;   // listed, ADDED or MODIFIED
  virtual void remove(json::object object) = 0;  // DELETED: the last state
  // Everything that was not applied since listBegin is gone, unless it is newer than the list.
  virtual void listEnd(std::string_view resource_version) = 0;
};

struct WatchTarget {
  ResourceKey resource = {};
  std::string ns = {};  // "": all namespaces
  std::string label_selector = {}, field_selector = {};
  // Without a byte for this long the connection counts as dead.
  Duration silence = seconds(90);
};

class Watcher {
 public:
  // All references outlive the watcher. Its coroutine ends soon after stop() or the destructor, and does not touch the
  // handler or the client any more; `random` and the client's clock must live until then.
  Watcher(Client& client, Executor executor, Random& random, WatchTarget target, WatchHandler& handler);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void start();
  void stop();
  // True after the first complete list.
  bool synced() const;
  // Waits for that; false when `deadline` passed first.
  Task<bool> waitSynced(TimePoint deadline);
  // The newest failure, empty while all is well: for /readyz and for the log of a start that hangs.
  std::optional<Error> lastError() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace crossfade::kube
