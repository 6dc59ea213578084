// Watches: from the registry's commits to the lines of a streaming answer. One hub serves them all, so that a commit
// looks only at the watches of its own kind. Internal to the room.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/labels.hpp"
#include "local/api_view.hpp"
#include "local/field_selector.hpp"
#include "local/registry.hpp"
#include "net/http.hpp"

namespace crossfade::local {

struct WatchRequest {
  const ResourceType* type = nullptr;
  std::string version;  // of the path
  std::string ns;       // empty: all
  Selector labels;
  FieldSelector fields;
  View view;
  // Events after this resource version. Empty: what is there now comes first, as ADDED.
  std::optional<std::uint64_t> from;
  bool bookmarks = false;
  // After the initial ADDED events a bookmark says that they are complete (sendInitialEvents).
  bool initial_bookmark = false;
  Duration bookmark_interval{};
  TimePoint end;  // the stream ends regularly
};

class WatchHub {
 public:
  // Both outlive the hub. Streams may outlive it: they end.
  WatchHub(Registry& registry, Clock& clock);
  ~WatchHub();
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  std::unique_ptr<net::BodyReader> open(WatchRequest request);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  Registry& registry_;
  Clock& clock_;
};

}  // namespace crossfade::local
