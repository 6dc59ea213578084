// The objects of one namespace that trees are drawn from: read once, or followed by watches. spec/10 §4.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/random.hpp"
#include "cli/model.hpp"
#include "kube/client.hpp"

namespace crossfade::cli {

class NamespaceView {
 public:
  // The references outlive the view. A view must be destroyed, or stop()ped, before its client.
  NamespaceView(kube::Client& client, Executor executor, Random& random, std::string ns);
  ~NamespaceView();
  NamespaceView(const NamespaceView&) = delete;
  NamespaceView& operator=(const NamespaceView&) = delete;

  // Reads everything once. A kind that the server does not serve counts as empty.
  Task<Result<>> load();

  // Follows every change from now on; `changed` is called after each. Returns when everything is there, or after
  // `patience`: kinds that can't be read then go on being tried.
  Task<> follow(std::function<void()> changed, Duration patience = seconds(1));
  void stop();

  // Empty when there is no such object (yet).
  std::shared_ptr<const api::Rollout> rollout(std::string_view name) const;
  std::optional<RolloutTree> rolloutTree(std::string_view name) const;
  std::optional<ExperimentTree> experimentTree(std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::cli
