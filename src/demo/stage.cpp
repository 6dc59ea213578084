#include "demo/stage.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "cli/tree.hpp"
#include "kube/config.hpp"
#include "rollout/user_actions.hpp"

namespace crossfade::demo {
namespace {

constexpr Duration redraw_interval = milliseconds(250);
constexpr Duration command_limit = seconds(20);
constexpr Duration prometheus_limit = seconds(30);

// A loopback port that was free a moment ago.
std::uint16_t freePort() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  std::uint16_t port = 0;
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port = ntohs(address.sin_port);
  }
  close(probe);
  return port;
}

}  // namespace

Stage::Stage(boost::asio::io_context& io, Clock& clock, std::string folder, bool live)
    : executor_(io.get_executor()),
      clock_(clock),
      folder_(std::move(folder)),
      kubeconfig_(folder_ + "/kubeconfig"),
      screen_(live),
      dialer_(net::makeDialer(executor_, clock)) {}

Stage::~Stage() = default;

Task<Result<>> Stage::start() {
  local::ClusterOptions options;
  options.gateway = local::GatewayOptions{};
  auto cluster = local::Cluster::start(executor_, clock_, random_, std::move(options));
  if (!cluster) co_return fail(cluster.error());
  cluster_ = std::move(*cluster);
  std::ofstream(kubeconfig_) << cluster_->kubeconfig();

  kube::ConfigOverrides overrides;
  overrides.kubeconfig = kubeconfig_;
  const Result<kube::Config> config = kube::loadConfig(overrides, [](std::string_view) { return std::nullopt; });
  if (!config) co_return fail(config.error());
  const auto api = dialer_->dial(config->origin, config->tls);
  if (!api) co_return fail(api.error());
  client_.emplace(*api, clock_, *config, "crossfade/demo");
  net::Origin origin;
  origin.host = "127.0.0.1";
  origin.port = gatewayPort();
  const auto gateway = dialer_->dial(origin, {});
  if (!gateway) co_return fail(gateway.error());
  gateway_ = *gateway;

  controller::Settings settings;
  settings.leader_elect = false;
  metrics_.emplace(clock_, settings.version);
  controller_.emplace(controller::World{executor_, clock_, random_, *client_, *dialer_}, settings, *metrics_);
  co_await controller_->start();
  changed_ = std::make_unique<Signal>(clock_);
  view_.emplace(*client_, executor_, random_, std::string(demo_ns));
  co_await view_->follow([this] { changed_->notify(); });
  co_return co_await startPrometheus();
}

void Stage::end() {
  loads_.clear();
  prometheus_.reset();
  view_.reset();
  changed_.reset();
  controller_.reset();
  client_.reset();
  gateway_.reset();
  cluster_.reset();
}

std::string Stage::prometheusUrl() const { return fmt::format("http://127.0.0.1:{}", prometheus_port_); }

Task<Result<>> Stage::startPrometheus() {
  prometheus_port_ = freePort();
  const std::string configuration = folder_ + "/prometheus.yml";
  std::ofstream(configuration) << fmt::format(
      "global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}\n"
      "scrape_configs: [{{job_name: gateway, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}]\n",
      metricsPort());
  const std::vector<std::string> words = {
      "prometheus", "--config.file=" + configuration, "--storage.tsdb.path=" + folder_ + "/prometheus",
      fmt::format("--web.listen-address=127.0.0.1:{}", prometheus_port_), "--log.level=warn"};
  Result<ChildProcess> started = ChildProcess::start(words, {}, folder_ + "/prometheus.log");
  if (!started) co_return fail(started.error());
  prometheus_.emplace(std::move(*started));
  net::Origin origin;
  origin.host = "127.0.0.1";
  origin.port = prometheus_port_;
  const auto transport = dialer_->dial(origin, {});
  if (!transport) co_return fail(transport.error());
  for (const TimePoint deadline = clock_.now() + prometheus_limit; clock_.now() < deadline;) {
    if (prometheus_->exitCode())
      co_return fail(ErrorCode::unavailable, "prometheus ended at once: see " + folder_ + "/prometheus.log");
    net::Request request;
    request.target = "/-/ready";
    const auto response = co_await (*transport)->send(std::move(request), seconds(1));
    if (response && response->status == 200) co_return Result<>();
    co_await sleepFor(clock_, milliseconds(100));
  }
  co_return fail(ErrorCode::timeout, "prometheus is not ready after 30 s: see " + folder_ + "/prometheus.log");
}

Task<Result<>> Stage::apply(std::string_view json_list) {
  const Result<json::value> parsed = parseJson(json_list);
  if (!parsed) co_return fail(parsed.error());
  for (const json::value& value : parsed->get_array()) {
    const json::object& object = value.get_object();
    const std::string_view api_version = getString(object, {"apiVersion"}), kind = getString(object, {"kind"});
    const auto slash = api_version.find('/');
    const std::string_view group = slash == std::string_view::npos ? "" : api_version.substr(0, slash);
    const Result<kube::ResourceKey> resource = co_await client_->discover(group, kind);
    if (!resource) co_return fail(resource.error());
    const auto created = co_await client_->create(*resource, demo_ns, object);
    if (!created) co_return fail(created.error());
  }
  co_return Result<>();
}

Task<Result<>> Stage::setImage(std::string rollout, std::string image) {
  screen_.say(fmt::format("$ crossfade set image {} app={}", rollout, image));
  return crossfade({"set", "image", rollout, "app=" + image});
}

Task<Result<>> Stage::patchImage(std::string rollout, std::string image) {
  screen_.say(fmt::format("$ kubectl patch rollout {} … image: {}", rollout, image));
  const auto live = co_await client_->get(kube::resources::rollouts, demo_ns, rollout);
  if (!live) co_return fail(live.error());
  const Result<json::array> patch = rollout::setImagePatch(*live, "/spec/template", "app", image);
  if (!patch) co_return fail(patch.error());
  const json::value body = *patch;
  const auto patched =
      co_await client_->patch(kube::resources::rollouts, demo_ns, rollout, kube::PatchType::json, body);
  if (!patched) co_return fail(patched.error());
  co_return Result<>();
}

Task<Result<>> Stage::crossfade(std::vector<std::string> words) {
  std::vector<std::string> command = {"/proc/self/exe"};
  command.insert(command.end(), words.begin(), words.end());
  const std::vector<std::string> environment = {"KUBECONFIG=" + kubeconfig_};
  const std::string log = folder_ + "/commands.log";
  Result<ChildProcess> child = ChildProcess::start(command, environment, log);
  if (!child) co_return fail(child.error());
  const std::optional<int> code = co_await child->wait(clock_, clock_.now() + command_limit);
  if (code == 0) co_return Result<>();
  co_return fail(ErrorCode::internal,
                 fmt::format("crossfade {} ended with {}: see {}", words[0], code.value_or(-1), log));
}

Task<bool> Stage::until(std::string rollout, std::function<bool(const api::Rollout&)> condition, Duration limit) {
  const TimePoint deadline = clock_.now() + limit;
  while (clock_.now() < deadline) {
    const auto now = view_->rollout(rollout);
    if (now != nullptr && condition(*now)) co_return true;
    draw(rollout);
    const TimePoint next = std::min(deadline, clock_.now() + redraw_interval);
    co_await changed_->waitUntil(next);
  }
  co_return false;
}

Task<> Stage::watch(std::string rollout, Duration duration) {
  co_await until(std::move(rollout), [](const api::Rollout&) { return false; }, duration);
}

void Stage::draw(const std::string& rollout) {
  if (!screen_.live()) return;
  std::vector<std::string> lines;
  if (const auto tree = view_->rolloutTree(rollout)) lines = cli::draw(*tree, clock_.now(), true);
  std::map<std::string, std::int64_t> shares;
  if (!loads_.empty()) shares = loads_.back()->countSent(clock_.now() - seconds(1), clock_.now());
  screen_.draw(lines, shares);
}

Load& Stage::startLoad(std::string host, int rate) {
  for (const auto& load : loads_) load->stop();
  loads_.push_back(std::make_unique<Load>(executor_, clock_, gateway_, std::move(host), rate));
  return *loads_.back();
}

Task<std::string> Stage::ask(std::string host) {
  net::Request request;
  request.headers.set("Host", std::move(host));
  const Result<net::Response> response = co_await gateway_->send(std::move(request), seconds(5));
  co_return response ? std::string(response->headers.get("x-crossfade-version")) : std::string();
}

void Stage::claim(std::string text, bool held) {
  screen_.say(fmt::format("{} {}", held ? "✔" : "✘", text));
  claims_.push_back({std::move(text), held});
}

}  // namespace crossfade::demo
