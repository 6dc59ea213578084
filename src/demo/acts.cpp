#include "demo/acts.hpp"

#include <cmath>

#include "demo/objects.hpp"

namespace crossfade::demo {
namespace {

constexpr int load_rate = 300;  // requests a second
constexpr std::string_view shop_host = "shop.localhost";
constexpr std::string_view store_host = "store-active.default";
constexpr std::string_view store_preview_host = "store-preview.default";
constexpr std::string_view news_host = "news.default";
// Between a weight that is written and requests that follow it.
constexpr Duration settling = milliseconds(300);

bool isObserved(const api::Rollout& rollout) {
  return rollout.status.observed_generation == std::to_string(rollout.metadata.generation);
}
bool isHealthy(const api::Rollout& rollout) { return isObserved(rollout) && rollout.status.phase == "Healthy"; }

std::function<bool(const api::Rollout&)> healthyWith(std::string image) {
  return [image = std::move(image)](const api::Rollout& rollout) {
    return isHealthy(rollout) && rollout.spec.pod_template.text().contains('"' + image + '"') &&
           rollout.status.stable_rs == rollout.status.current_pod_hash;
  };
}

Error gaveUp(std::string_view what) { return {ErrorCode::timeout, fmt::format("{} did not happen in time", what)}; }

std::int64_t sumOf(const std::map<std::string, std::int64_t>& counts) {
  std::int64_t sum = 0;
  for (const auto& [version, count] : counts) sum += count;
  return sum;
}

// Failed requests of a load, but for answers of the version `but`, which fails on purpose.
std::int64_t failures(const Load& load, TimePoint from, std::string_view but = {}) {
  return std::ranges::count_if(load.samples(), [&](const Sample& sample) {
    return sample.sent >= from && !sample.good() && (but.empty() || sample.version != but);
  });
}

}  // namespace

Task<Result<>> playCanary(Stage& stage) {
  stage.screen().act("1. A canary of five steps: v1 to v2, the requests follow the weights");
  if (auto applied = co_await stage.apply(shopObjects(stage.prometheusUrl())); !applied) co_return applied;
  if (!co_await stage.until("shop", isHealthy, seconds(30))) co_return fail(gaveUp("the first deployment"));
  Load& load = stage.startLoad(std::string(shop_host), load_rate);
  co_await stage.watch("shop", seconds(1));
  const TimePoint began = stage.clock().now();
  if (auto set = co_await stage.setImage("shop", "crossfade.dev/demo:v2"); !set) co_return set;

  const std::vector<int> weights = shopWeights();
  for (std::size_t step = 0; step < weights.size(); ++step) {
    const std::int64_t pause = static_cast<std::int64_t>(2 * step) + 1;
    const auto at_pause = [pause](const api::Rollout& rollout) {
      return isObserved(rollout) && rollout.status.current_step_index == pause &&
             !rollout.status.pause_conditions.empty();
    };
    if (!co_await stage.until("shop", at_pause, seconds(30))) co_return fail(gaveUp(fmt::format("step {}", pause)));
    const TimePoint from = stage.clock().now() + settling;
    const auto left = [at_pause](const api::Rollout& rollout) { return !at_pause(rollout); };
    if (!co_await stage.until("shop", left, seconds(30)))
      co_return fail(gaveUp(fmt::format("the end of step {}", pause)));
    // The watch may tell of the next weight a moment late: the last instants are left out.
    auto counts = load.countSent(from, stage.clock().now() - settling);
    const double sum = static_cast<double>(sumOf(counts)),
                 share = static_cast<double>(counts["v2"]) / std::max(sum, 1.0);
    const double wanted = weights[step] / 100.0;
    // Four standard deviations of a fair coin with that bias.
    const double bound = 4 * std::sqrt(wanted * (1 - wanted) / std::max(sum, 1.0));
    stage.claim(fmt::format("weight {} %: v2 got {:.1f} % of {:.0f} requests (within {:.1f})", weights[step],
                            100 * share, sum, 100 * bound),
                sum > 0 && std::abs(share - wanted) <= bound);
  }
  const bool promoted = co_await stage.until("shop", healthyWith("crossfade.dev/demo:v2"), seconds(30));
  stage.claim("promoted by itself", promoted);
  co_await stage.watch("shop", seconds(1));
  auto last = load.countSent(stage.clock().now() - milliseconds(700), stage.clock().now());
  stage.claim("after the promotion v2 answers every request", last["v2"] > 0 && last["v2"] == sumOf(last));
  const std::int64_t failed = failures(load, began);
  stage.claim(fmt::format("{} requests failed during the release", failed), failed == 0);
  co_return Result<>();
}

Task<Result<>> playRollback(Stage& stage, std::optional<Duration>& last_bad) {
  stage.screen().act("2. v3 answers one request of ten with 500: Prometheus notices, the rollout aborts");
  Load& load = *stage.loads().back();
  const TimePoint began = stage.clock().now();
  if (auto set = co_await stage.patchImage("shop", "crossfade.dev/demo:v3?errors=0.1"); !set) co_return set;
  const auto aborted = [](const api::Rollout& rollout) { return isObserved(rollout) && rollout.status.abort; };
  if (!co_await stage.until("shop", aborted, seconds(60))) co_return fail(gaveUp("the abort"));
  const TimePoint abort = stage.clock().now();
  const std::string message = stage.rollout("shop")->status.message;
  stage.screen().say(message);
  stage.claim("background analysis failed on the error rate",
              message.contains("error-rate") && message.contains("assessed Failed"));
  co_await stage.watch("shop", seconds(5));
  TimePoint last_sent = abort, last_answered = abort;
  std::int64_t bad = 0;
  for (const Sample& sample : load.samples()) {
    if (sample.version != "v3") continue;
    ++bad;
    last_sent = std::max(last_sent, sample.sent);
    last_answered = std::max(last_answered, sample.answered);
  }
  last_bad = last_answered - abort;
  stage.claim(fmt::format("v3 had answered {} requests; {} ms after the abort no request went to it any more", bad,
                          std::chrono::duration_cast<milliseconds>(last_sent - abort).count()),
              bad > 0 && last_sent - abort < seconds(2));
  auto counts = load.countSent(stage.clock().now() - seconds(2), stage.clock().now());
  stage.claim("all traffic is back on v2", counts["v2"] > 0 && counts["v2"] == sumOf(counts));
  const auto shop = stage.rollout("shop");
  stage.claim("the Rollout is Degraded, v2 is stable",
              shop->status.phase == "Degraded" && shop->status.stable_rs != shop->status.current_pod_hash);
  const std::int64_t failed = failures(load, began, "v3");
  stage.claim(fmt::format("{} requests failed but those that v3 failed", failed), failed == 0);
  co_return Result<>();
}

Task<Result<>> playBlueGreen(Stage& stage) {
  stage.screen().act("3. Blue-green: look at green, then promote by hand");
  if (auto applied = co_await stage.apply(storeObjects()); !applied) co_return applied;
  if (!co_await stage.until("store", isHealthy, seconds(30))) co_return fail(gaveUp("the first deployment"));
  Load& load = stage.startLoad(std::string(store_host), load_rate);
  co_await stage.watch("store", seconds(1));
  const TimePoint began = stage.clock().now();
  if (auto set = co_await stage.setImage("store", "crossfade.dev/demo:green"); !set) co_return set;
  const auto paused = [](const api::Rollout& rollout) {
    return isObserved(rollout) && rollout.status.phase == "Paused";
  };
  if (!co_await stage.until("store", paused, seconds(30))) co_return fail(gaveUp("the pause before the promotion"));
  const std::string preview = co_await stage.ask(std::string(store_preview_host));
  const std::string active = co_await stage.ask(std::string(store_host));
  stage.claim(fmt::format("the preview Service shows {}, the active one {}", preview, active),
              preview == "green" && active == "blue");
  stage.screen().say("$ crossfade promote store");
  const std::vector<std::string> promote = {"promote", "store"};
  if (auto promoted = co_await stage.crossfade(promote); !promoted) co_return promoted;
  stage.claim("promoted", co_await stage.until("store", healthyWith("crossfade.dev/demo:green"), seconds(30)));
  const std::string now = co_await stage.ask(std::string(store_host));
  stage.claim(fmt::format("the active Service shows {}", now), now == "green");
  const auto scaled_down = [](const api::Rollout& rollout) {
    return rollout.status.replicas == rollout.status.updated_replicas;
  };
  // status.replicas counts the pods of all ReplicaSets.
  stage.claim("blue was scaled down after its delay", co_await stage.until("store", scaled_down, seconds(30)));
  const std::int64_t failed = failures(load, began);
  stage.claim(fmt::format("{} requests failed during the switch", failed), failed == 0);
  co_return Result<>();
}

Task<Result<>> playRollingUpdate(Stage& stage) {
  stage.screen().act("4. A plain rolling update: a canary without steps");
  if (auto applied = co_await stage.apply(newsObjects()); !applied) co_return applied;
  if (!co_await stage.until("news", isHealthy, seconds(30))) co_return fail(gaveUp("the first deployment"));
  Load& load = stage.startLoad(std::string(news_host), load_rate);
  co_await stage.watch("news", seconds(1));
  const TimePoint began = stage.clock().now();
  if (auto set = co_await stage.setImage("news", "crossfade.dev/demo:v2"); !set) co_return set;
  stage.claim("every pod was replaced",
              co_await stage.until("news", healthyWith("crossfade.dev/demo:v2"), seconds(40)));
  co_await stage.watch("news", seconds(1));
  auto last = load.countSent(stage.clock().now() - milliseconds(700), stage.clock().now());
  stage.claim("v2 answers every request", last["v2"] > 0 && last["v2"] == sumOf(last));
  const std::int64_t failed = failures(load, began);
  stage.claim(fmt::format("{} requests failed during the update", failed), failed == 0);
  load.stop();
  co_return Result<>();
}

}  // namespace crossfade::demo
