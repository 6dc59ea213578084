// What one evaluation may cost. Whoever makes a list, a map or a text pays here. spec/07 B11.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

class Budget {
 public:
  static constexpr std::int64_t max_elements = 1'000'000;  // of all lists and maps made
  static constexpr std::int64_t max_bytes = 64 << 20;      // of all texts made
  static constexpr std::int64_t max_steps = 5'000'000;
  static constexpr int max_value_depth = 200;            // lists in lists
  static constexpr std::int64_t max_weight = 4'000'000;  // of one value, see Extent

  // `count` more elementary steps.
  Result<> step(std::int64_t count = 1);
  // Elements that are about to be made.
  Result<> elements(std::int64_t count);

  // Whether a value may be this large.
  static Result<> extent(const Extent& extent);

  // The finished value, paid for.
  Result<Value> list(List list);
  Result<Value> list(std::vector<Value> items) { return this->list(List{.items = std::move(items)}); }
  Result<Value> map(Map map);
  Result<Value> text(std::string text);

 private:
  std::int64_t steps_ = 0, elements_ = 0, bytes_ = 0;
};

}  // namespace crossfade::expr
