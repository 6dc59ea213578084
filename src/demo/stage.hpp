// Where the demo plays: the embedded cluster, the controller, a client, a picture of the namespace, Prometheus, and the
// claims.
#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cli/namespace_view.hpp"
#include "controller/controller.hpp"
#include "demo/child_process.hpp"
#include "demo/load.hpp"
#include "demo/screen.hpp"
#include "local/cluster.hpp"

namespace crossfade::demo {

inline constexpr std::string_view demo_ns = "default";

struct Claim {
  std::string text;
  bool held = false;
};

class Stage {
 public:
  // `folder` holds the kubeconfig and Prometheus' files.
  Stage(boost::asio::io_context& io, Clock& clock, std::string folder, bool live);
  ~Stage();

  // Everything up, or the reason why not.
  Task<Result<>> start();
  // In the order in which things must end.
  void end();

  Clock& clock() { return clock_; }
  Screen& screen() { return screen_; }
  kube::Client& client() { return *client_; }
  const std::string& kubeconfig() const { return kubeconfig_; }
  std::string prometheusUrl() const;
  std::uint16_t gatewayPort() const { return cluster_->gateway()->port(); }
  std::uint16_t metricsPort() const { return cluster_->gateway()->metricsPort(); }

  // Creates the objects of a JSON list.
  Task<Result<>> apply(std::string_view json_list);
  // By `crossfade set image`.
  Task<Result<>> setImage(std::string rollout, std::string image);
  // By a patch: the command refuses images that have a `=` in them.
  Task<Result<>> patchImage(std::string rollout, std::string image);
  // Runs `crossfade WORDS...` as a person would, with this cluster's kubeconfig.
  Task<Result<>> crossfade(std::vector<std::string> words);
  // The Rollout as the watch last told; null before.
  std::shared_ptr<const api::Rollout> rollout(std::string_view name) const { return view_->rollout(name); }
  // Waits until the condition holds on the Rollout, redrawing meanwhile; false after `limit`.
  Task<bool> until(std::string rollout, std::function<bool(const api::Rollout&)> condition, Duration limit);
  // Lets time pass, redrawing.
  Task<> watch(std::string rollout, Duration duration);

  // One load at a time is drawn.
  Load& startLoad(std::string host, int rate);
  // One request through the gateway: the version that answered; empty when nobody did.
  Task<std::string> ask(std::string host);

  void claim(std::string text, bool held);
  const std::vector<Claim>& claims() const { return claims_; }
  const std::vector<std::unique_ptr<Load>>& loads() const { return loads_; }

 private:
  Task<Result<>> startPrometheus();
  void draw(const std::string& rollout);

  Executor executor_;
  Clock& clock_;
  std::string folder_, kubeconfig_;
  Screen screen_;
  Random random_ = Random::fromSystem();
  std::unique_ptr<net::Dialer> dialer_;
  std::unique_ptr<local::Cluster> cluster_;
  std::shared_ptr<net::Transport> gateway_;
  std::optional<kube::Client> client_;
  std::optional<controller::Metrics> metrics_;
  std::optional<controller::Controller> controller_;
  std::optional<cli::NamespaceView> view_;
  std::unique_ptr<Signal> changed_;
  std::vector<std::unique_ptr<Load>> loads_;
  std::optional<ChildProcess> prometheus_;
  std::uint16_t prometheus_port_ = 0;
  std::vector<Claim> claims_;
};

}  // namespace crossfade::demo
