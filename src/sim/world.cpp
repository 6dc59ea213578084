#include "sim/world.hpp"

#include <array>

#include "sim/backend.hpp"

namespace crossfade::sim {
namespace {

constexpr Duration restart_delay = seconds(1);
// A deposed controller loses its lease at the latest after this.
constexpr std::uint64_t deposed_seconds = 15;
constexpr std::size_t max_story = 20000;

// A definition without a schema: what simulated users write is well-formed, and a world must be cheap to make.
json::object definition(std::string_view group, std::string_view version, std::string_view kind,
                        std::string_view plural, bool cluster_scope, bool status, bool scale) {
  json::object subresources;
  if (status) subresources["status"] = json::object();
  if (scale) {
    subresources["scale"] = json::object{{"specReplicasPath", ".spec.replicas"},
                                         {"statusReplicasPath", ".status.HPAReplicas"},
                                         {"labelSelectorPath", ".status.selector"}};
  }
  const json::object served = {
      {"name", version},
      {"served", true},
      {"storage", true},
      {"subresources", subresources},
      {"schema", {{"openAPIV3Schema", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata",
           {{"name", fmt::format("{}.{}", plural, group)},
            {"annotations", {{"api-approved.kubernetes.io", "unapproved, simulated"}}}}},
          {"spec",
           {{"group", group},
            {"names", {{"kind", kind}, {"plural", plural}}},
            {"scope", cluster_scope ? "Cluster" : "Namespaced"},
            {"versions", json::array{served}}}}};
}

std::string describe(const net::Request& request) {
  constexpr std::size_t shown = 1500;
  return fmt::format("{} {} {}", request.method, request.target, request.body.substr(0, shown));
}

}  // namespace

struct SimWorld::Program {
  Program(SimWorld& world)
      : clock(std::make_shared<VirtualClock>(world.loop_.time())),
        client(makeTransport(*world.network_, clock, life), *clock, kube::Config(), "crossfade/sim"),
        dialer(*clock),
        metrics(*clock, "sim"),
        controller({world.loop_.executor(), *clock, world.controller_random_, client, dialer}, settings(), metrics) {}

  static controller::Settings settings() {
    controller::Settings settings;
    settings.leader_elect = false;
    return settings;
  }

  std::shared_ptr<VirtualClock> clock;
  std::shared_ptr<Life> life = std::make_shared<Life>();
  kube::Client client;
  SimDialer dialer;
  controller::Metrics metrics;
  controller::Controller controller;
};

SimWorld::SimWorld(std::uint64_t seed, Faults faults, Kill kill)
    : cluster_random_(seed), network_random_(seed + 1), controller_random_(seed + 2), kill_(kill) {
  local::ClusterOptions options;
  options.listen = false;
  options.install_crds = false;
  options.pods.sockets = false;
  auto cluster = local::Cluster::start(loop_.executor(), loop_.clock(), cluster_random_, std::move(options));
  if (!cluster) throw std::logic_error("a cluster without sockets can't fail: " + cluster.error().message);
  cluster_ = std::move(*cluster);
  const std::array definitions = {
      definition("argoproj.io", "v1alpha1", "Rollout", "rollouts", false, true, true),
      definition("argoproj.io", "v1alpha1", "AnalysisRun", "analysisruns", false, false, false),
      definition("argoproj.io", "v1alpha1", "AnalysisTemplate", "analysistemplates", false, false, false),
      definition("argoproj.io", "v1alpha1", "ClusterAnalysisTemplate", "clusteranalysistemplates", true, false, false),
      definition("argoproj.io", "v1alpha1", "Experiment", "experiments", false, false, false),
      definition("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", false, true, false)};
  for (const json::object& one : definitions) {
    if (const Result<> made = create("apiextensions.k8s.io", "customresourcedefinitions", one); !made)
      throw std::logic_error(made.error().message);
  }
  network_ = std::make_unique<Network>(
      Network{cluster_->apiServer(), loop_.executor(), loop_.clock(), network_random_, faults, 0, {}, {}});
  network_->on_write = [this](const net::Request& request, bool done) { return letWrite(request, done); };
  network_->on_answer = [this](const net::Request& request, int code) {
    const bool measured = request.method == "PATCH" && request.target.contains("/analysisruns/");
    if (!measured) ++rollout_writes_;
    tell(fmt::format("{} {}", code, describe(request)));
  };
}

SimWorld::~SimWorld() {
  killController();
  end(deposed_);
  loop_.kill();
}

// Before a write is carried out, `writes` counts those before it.
bool SimWorld::letWrite(const net::Request& request, bool done) {
  const std::uint64_t number = network_->writes + (done ? 0 : 1);
  const bool asked = kill_.write == number && kill_.after == done;
  // A probability for each of the two moments.
  if (!asked && !network_random_.chance(network_->faults.kill / 2)) {
    if (!depose_ && deposed_ == nullptr && network_random_.chance(network_->faults.depose / 2)) depose_ = true;
    return true;
  }
  tell(fmt::format("controller killed {} write {}: {}", done ? "after" : "before", number, describe(request)));
  kill_.write = 0;
  return false;
}

void SimWorld::startController() {
  program_ = std::make_unique<Program>(*this);
  program_->controller.setPlanObserver([this](const rollout::Snapshot& snapshot, const rollout::Plan& plan) {
    for (const rollout::Wait& wait : plan.waits) {
      tell(fmt::format("{}: waits ({}): {}", snapshot.rollout->metadata.name, rollout::toString(wait.kind),
                       wait.sentence));
    }
  });
  loop_.spawn(program_->controller.start());
}

void SimWorld::killController() { end(program_); }

void SimWorld::end(std::unique_ptr<Program>& program) {
  if (program == nullptr) return;
  program->life->alive = false;
  loop_.kill(*program->clock);
  program = nullptr;
  loop_.settle();
}

bool SimWorld::stepUntil(TimePoint limit) {
  loop_.settle();  // what a user did or started since the last step has its effect before time passes
  if (std::exchange(depose_, false) && deposed_ == nullptr && program_ != nullptr && program_->life->alive) {
    deposed_ = std::move(program_);
    deposed_->life->deaf = true;
    deposed_end_ = now() + seconds(static_cast<std::int64_t>(1 + network_random_.below(deposed_seconds)));
    tell("a second controller takes over; the first doesn't know yet");
    startController();
    loop_.settle();
    return true;
  }
  const bool moved = loop_.stepUntil(deposed_ != nullptr ? std::min(limit, deposed_end_) : limit);
  if (deposed_ != nullptr && (!deposed_->life->alive || !moved || now() >= deposed_end_)) {
    tell("the first controller has ended");
    end(deposed_);
    split_end_ = now() + network_->faults.max_delay + restart_delay;
    return true;
  }
  if (program_ != nullptr && !program_->life->alive) {
    killController();
    const TimePoint again = now() + restart_delay;
    while (loop_.stepUntil(again)) {
    }
    loop_.time().advanceTo(again);
    startController();
    loop_.settle();
    return true;
  }
  if (!moved) loop_.time().advanceTo(limit);
  return moved;
}

void SimWorld::tell(std::string line) {
  if (story_.size() < max_story) story_.push_back(fmt::format("{} {}", formatMicroTime(now()), std::move(line)));
}

// --- a user's access -------------------------------------------------------------------------------------------------

namespace {

std::string namespaceOf(const local::ResourceType& type) { return type.namespaced ? std::string(world_ns) : ""; }

}  // namespace

Result<> SimWorld::create(std::string_view group, std::string_view plural, json::object object) {
  const local::ResourceType* type = registry().resource(group, plural);
  const auto created = registry().create(*type, namespaceOf(*type), std::move(object));
  if (!created) return fail(created.error());
  return {};
}

Result<> SimWorld::mergePatch(std::string_view group, std::string_view plural, std::string_view name,
                              local::Subresource subresource, const json::object& patch) {
  const local::ResourceType* type = registry().resource(group, plural);
  const auto changed = registry().modify(*type, namespaceOf(*type), name, subresource, [&](json::object& object) {
    json::value value = std::move(object);
    crossfade::mergePatch(value, patch);
    object = std::move(value.get_object());
  });
  if (!changed) return fail(changed.error());
  return {};
}

Result<> SimWorld::remove(std::string_view group, std::string_view plural, std::string_view name) {
  const local::ResourceType* type = registry().resource(group, plural);
  const auto removed = registry().remove(*type, namespaceOf(*type), name);
  if (!removed) return fail(removed.error());
  return {};
}

local::Object SimWorld::get(std::string_view group, std::string_view plural, std::string_view name) {
  const local::ResourceType* type = registry().resource(group, plural);
  const auto found = registry().get(*type, namespaceOf(*type), name);
  return found ? *found : nullptr;
}

std::vector<local::Object> SimWorld::list(std::string_view group, std::string_view plural) {
  const local::ResourceType* type = registry().resource(group, plural);
  return registry().list(*type, namespaceOf(*type));
}

}  // namespace crossfade::sim
