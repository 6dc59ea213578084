#include "local/cluster.hpp"

#include <fmt/format.h>

#include "local/default_objects.hpp"
#include "local/persistence.hpp"
#include "local/workloads.hpp"

namespace crossfade::local {

namespace {

// The members end in the reverse of this order: sockets first, the registry last.
class LocalCluster : public Cluster {
 public:
  LocalCluster(Executor executor, Clock& clock, Random& random, ClusterOptions options)
      : executor_(std::move(executor)),
        clock_(clock),
        random_(random),
        options_(std::move(options)),
        registry_(clock, random) {}

  Result<> begin() {
    if (!options_.data.empty()) {
      auto journal = openJournal(registry_, clock_, options_.data);
      if (!journal) return fail(journal.error());
      journal_ = std::move(*journal);
    }
    if (options_.install_crds) {
      if (auto ok = installDefinitions(registry_); !ok) return ok;
    }
    defaults_.emplace(registry_, clock_);
    workloads_.emplace(registry_, clock_, random_);
    pods_.emplace(registry_, executor_, clock_, random_, options_.pods);
    if (options_.gateway) {
      auto gateway = Gateway::start(registry_, *pods_, executor_, clock_, random_, *options_.gateway);
      if (!gateway) return fail(gateway.error());
      gateway_ = std::move(*gateway);
    }
    api_.emplace(registry_, clock_, options_.api, &*pods_);
    if (!options_.listen) return {};
    // The API server tells a body that is too large itself; this bound is for those who don't stop.
    const net::ServerOptions listen{.port = options_.port, .max_body_bytes = 2 * options_.api.max_request_bytes};
    auto server = net::listen(executor_, clock_, listen,
                              [this](net::Request request) { return api_->handle(std::move(request)); });
    if (!server) return fail(server.error());
    server_ = std::move(*server);
    return {};
  }

  Registry& registry() override { return registry_; }
  ApiServer& apiServer() override { return *api_; }
  Pods& pods() override { return *pods_; }
  Gateway* gateway() override { return gateway_.get(); }
  std::uint16_t port() const override { return server_ ? server_->port() : 0; }

  std::string kubeconfig() const override {
    const std::string user = options_.api.token.empty()
                                 ? "{}"
                                 : fmt::format("{{token: {}}}", json::serialize(json::string(options_.api.token)));
    return fmt::format(
        "apiVersion: v1\nkind: Config\ncurrent-context: crossfade-local\n"
        "clusters:\n- name: crossfade-local\n  cluster:\n    server: http://127.0.0.1:{}\n"
        "users:\n- name: crossfade-local\n  user: {}\n"
        "contexts:\n- name: crossfade-local\n  context:\n    cluster: crossfade-local\n    user: crossfade-local\n",
        port(), user);
  }

 private:
  Executor executor_;
  Clock& clock_;
  Random& random_;
  ClusterOptions options_;
  Registry registry_;
  std::unique_ptr<Journal> journal_;
  std::optional<DefaultObjects> defaults_;
  std::optional<Workloads> workloads_;
  std::optional<Pods> pods_;
  std::unique_ptr<Gateway> gateway_;
  std::optional<ApiServer> api_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::start(Executor executor, Clock& clock, Random& random,
                                                ClusterOptions options) {
  auto cluster = std::make_unique<LocalCluster>(std::move(executor), clock, random, std::move(options));
  if (auto ok = cluster->begin(); !ok) return fail(ok.error());
  return cluster;
}

}  // namespace crossfade::local
