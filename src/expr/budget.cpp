#include "expr/budget.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> exceeded(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

}  // namespace

Result<> Budget::step(std::int64_t count) {
  steps_ += count;
  if (steps_ > max_steps) return exceeded("the evaluation takes too many steps");
  return {};
}

Result<> Budget::elements(std::int64_t count) {
  if (count >= max_elements - elements_) return exceeded("memory budget exceeded");
  elements_ += count;
  return step(count);
}

Result<> Budget::extent(const Extent& extent) {
  if (extent.depth > max_value_depth) return exceeded("recursion depth exceeded");
  if (extent.weight > max_weight) return exceeded("memory budget exceeded");
  return {};
}

Result<Value> Budget::list(List list) {
  if (const auto paid = elements(static_cast<std::int64_t>(list.items.size())); !paid)
    return std::unexpected(paid.error());
  measure(list);
  if (const auto fits = extent(list.extent); !fits) return std::unexpected(fits.error());
  return Value(std::move(list));
}

Result<Value> Budget::map(Map map) {
  if (const auto paid = elements(static_cast<std::int64_t>(map.entries.size())); !paid) {
    return std::unexpected(paid.error());
  }
  measure(map);
  if (const auto fits = extent(map.extent); !fits) return std::unexpected(fits.error());
  return Value(std::move(map));
}

Result<Value> Budget::text(std::string text) {
  const auto size = static_cast<std::int64_t>(text.size());
  bytes_ += size;
  if (bytes_ > max_bytes) return exceeded("memory budget exceeded");
  if (const auto paid = step(size / 64); !paid) return std::unexpected(paid.error());
  return Value(std::move(text));
}

}  // namespace crossfade::expr
