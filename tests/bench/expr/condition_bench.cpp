// What conditions cost on one core: kept and compiled, as analysis has them, and from their text on.
#include <benchmark/benchmark.h>

#include "expr/condition.hpp"
#include "expr/jsonpath.hpp"

namespace crossfade::expr {
namespace {

const std::vector<double> one_number{0.97};

void measure(benchmark::State& state, const Condition& condition, const Measured& result) {
  for (auto _ : state) {
    auto holds = condition.holds(result, TimePoint());
    if (!holds) state.SkipWithError(holds.error().message.c_str());
    benchmark::DoNotOptimize(holds);
  }
  state.SetItemsProcessed(state.iterations());
}

void Typical(benchmark::State& state) { measure(state, Condition("result[0] >= 0.95"), one_number); }
BENCHMARK(Typical);

void OverAList(benchmark::State& state) {
  measure(state, Condition("len(result) == 0 || all(result, # < 0.95)"), std::vector<double>(20, 0.5));
}
BENCHMARK(OverAList);

void OverAnObject(benchmark::State& state) {
  measure(state, Condition("result.ok && result.successPercent >= 0.95 && result.name matches \"^a.*z$\""),
          json::parse(R"({"ok":true,"successPercent":0.97,"name":"abcz"})"));
}
BENCHMARK(OverAnObject);

// With its text looked up among those that are kept.
void Assess(benchmark::State& state) {
  Conditions conditions;
  for (auto _ : state) {
    benchmark::DoNotOptimize(assess(conditions, one_number, "result[0] >= 0.95", "result[0] < 0.5", TimePoint()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Assess);

void FromTheText(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(assess(one_number, "result[0] >= 0.95", "", TimePoint()));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FromTheText);

void Path(benchmark::State& state) {
  const auto path = JsonPath::compile("{$.data.result[?(@.metric.app==\"x\")].value[1]}");
  const json::value document = json::parse(
      R"({"data":{"result":[{"metric":{"app":"w"},"value":[1,"1"]},{"metric":{"app":"x"},"value":[1,"2"]}]}})");
  for (auto _ : state) benchmark::DoNotOptimize(path->first(document));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Path);

}  // namespace
}  // namespace crossfade::expr
