// Builtins over lists and maps. spec/07 B8.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/utf8.hpp"
#include "expr/functions.hpp"
#include "expr/operators.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

Result<const std::vector<Value>*> itemsOf(const Value& value, std::string_view verb) {
  if (const List* list = value.list()) return &list->items;
  return refuse(fmt::format("cannot {} {}", verb, value.isNull() ? "invalid" : typeName(value)));
}

Result<Value> length(const Call& call) {
  const Value& value = call[0];
  if (const List* list = value.list()) return static_cast<std::int64_t>(list->items.size());
  if (const Map* map = value.map()) return static_cast<std::int64_t>(map->entries.size());
  if (const std::string* text = value.string()) return static_cast<std::int64_t>(utf8::count(*text));
  if (const auto* bytes = std::get_if<Bytes>(&value.data)) return static_cast<std::int64_t>(bytes->text->size());
  return refuse(fmt::format("invalid argument for len (type {})", typeName(value)));
}

Result<Value> first(const Call& call) {
  const List* list = call[0].list();
  return list == nullptr || list->items.empty() ? Value() : list->items.front();
}
Result<Value> last(const Call& call) {
  const List* list = call[0].list();
  return list == nullptr || list->items.empty() ? Value() : list->items.back();
}

// The element, or nil where there is none.
Result<Value> get(const Call& call) {
  if (call[0].list() != nullptr) {
    if (const auto index = toInteger(call[1]); !index) return std::unexpected(index.error());
  }
  return fetch(call[0], call[1]).value_or(Value());
}

Result<Value> take(const Call& call) {
  const auto items = itemsOf(call[0], "take from");
  if (!items) return std::unexpected(items.error());
  const auto count = toInteger(call[1]);
  if (!count) return std::unexpected(count.error());
  if (*count < 0) return refuse("reflect.Value.Slice: slice index out of bounds");
  const Value end(*count);
  return slice(call[0], nullptr, &end, call.budget);
}

Result<Value> reverse(const Call& call) {
  const auto items = itemsOf(call[0], "reverse");
  if (!items) return std::unexpected(items.error());
  return call.budget.list(std::vector<Value>((*items)->rbegin(), (*items)->rend()));
}

Result<Value> uniq(const Call& call) {
  const auto items = itemsOf(call[0], "uniq");
  if (!items) return std::unexpected(items.error());
  std::vector<Value> kept;
  for (const Value& item : **items) {
    const auto paid = call.budget.step(static_cast<std::int64_t>(kept.size()) * extentOf(item).weight);
    if (!paid) return std::unexpected(paid.error());
    const bool known = std::ranges::any_of(kept, [&](const Value& other) { return equal(item, other); });
    if (!known) kept.push_back(item);
  }
  return call.budget.list(std::move(kept));
}

Result<Value> concat(const Call& call) {
  std::vector<Value> all;
  for (const Value& argument : call.arguments) {
    const auto items = itemsOf(argument, "concat");
    if (!items) return std::unexpected(items.error());
    if (all.size() + (*items)->size() > Budget::max_elements) return refuse("memory budget exceeded");
    all.insert(all.end(), (*items)->begin(), (*items)->end());
  }
  return call.budget.list(std::move(all));
}

void flattenInto(const std::vector<Value>& items, std::vector<Value>& flat) {
  for (const Value& item : items) {
    if (const List* list = item.list()) {
      flattenInto(list->items, flat);
    } else {
      flat.push_back(item);
    }
  }
}
Result<Value> flatten(const Call& call) {
  const auto items = itemsOf(call[0], "flatten");
  if (!items) return std::unexpected(items.error());
  if (call[0].list()->extent.weight > Budget::max_elements) return refuse("memory budget exceeded");
  std::vector<Value> flat;
  flattenInto(**items, flat);
  return call.budget.list(std::move(flat));
}

Result<Value> sort(const Call& call) {
  bool descending = false;
  if (call.size() == 2) {
    const auto order = toText(call[1]);
    if (!order) return std::unexpected(order.error());
    descending = **order == "desc";
    if (!descending && **order != "asc") return refuse(fmt::format("invalid order {}, expected asc or desc", **order));
  }
  const List* list = call[0].list();
  if (list == nullptr) return call.budget.list(std::vector<Value>());
  auto items = sorted(list->items, list->items, descending, call.budget);
  if (!items) return std::unexpected(items.error());
  return call.budget.list(std::move(*items));
}

Result<Value> join(const Call& call) {
  const List* list = call[0].list();
  if (list == nullptr) {
    const std::string name = call[0].isNull() ? "%!s(<nil>)" : typeName(call[0]);
    return refuse(fmt::format("invalid argument for join (type {})", name));
  }
  std::string separator;
  if (call.size() == 2) {
    const auto given = toText(call[1]);
    if (!given) return std::unexpected(given.error());
    separator = **given;
  }
  std::size_t size = 0;
  for (const Value& item : list->items) {
    const auto text = toText(item);
    if (!text) return std::unexpected(text.error());
    size += (*text)->size() + separator.size();
  }
  if (size > Budget::max_bytes) return refuse("memory budget exceeded");
  std::string joined;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    if (i > 0) joined += separator;
    joined += *list->items[i].string();
  }
  return call.budget.text(std::move(joined));
}

// --- maps
// ----------------------------------------------------------------------------------------------------------------

Result<const Map*> mapOf(const Value& value, std::string_view problem_before, std::string_view problem_behind = {}) {
  if (const Map* map = value.map()) return map;
  const std::string name = typeName(value);
  return refuse(fmt::format("{} {}{}", problem_before, name == "<nil>" ? "invalid" : name, problem_behind));
}

Result<Value> keys(const Call& call) {
  const auto map = mapOf(call[0], "cannot get keys from");
  if (!map) return std::unexpected(map.error());
  std::vector<Value> list;
  for (const auto& [text, entry] : (*map)->entries) list.push_back(entry.key);
  return call.budget.list(std::move(list));
}

Result<Value> values(const Call& call) {
  const auto map = mapOf(call[0], "cannot get values from");
  if (!map) return std::unexpected(map.error());
  std::vector<Value> list;
  for (const auto& [text, entry] : (*map)->entries) list.push_back(entry.value);
  return call.budget.list(std::move(list));
}

Result<Value> toPairs(const Call& call) {
  const auto map = mapOf(call[0], "cannot transform", " to pairs");
  if (!map) return std::unexpected(map.error());
  std::vector<Value> list;
  for (const auto& [text, entry] : (*map)->entries) {
    auto pair = call.budget.list(std::vector<Value>{entry.key, entry.value});
    if (!pair) return pair;
    list.push_back(std::move(*pair));
  }
  return call.budget.list(std::move(list));
}

Result<Value> fromPairs(const Call& call) {
  const List* list = call[0].list();
  if (list == nullptr)
    return refuse(fmt::format("cannot transform {} from pairs",
                              call[0].isNull() ? "<invalid reflect.Value>" : typeName(call[0])));
  Map map{.shape = Map::Shape::pairs};
  for (const Value& item : list->items) {
    const List* pair = item.list();
    if (pair == nullptr) return refuse("invalid pair " + format(item));
    if (pair->items.size() != 2) return refuse(fmt::format("invalid pair length {}", pair->items.size()));
    const auto key = mapKey(pair->items[0]);
    if (!key) return std::unexpected(key.error());
    map.entries.insert_or_assign(*key, Map::Entry{pair->items[0], pair->items[1]});
  }
  return call.budget.map(std::move(map));
}

// --- numbers in lists
// ----------------------------------------------------------------------------------------------------

// The largest (or smallest) number of `arguments` and of the lists among them; nil when there is no number at all.
Result<Value> extreme(std::string_view name, std::span<const Value> arguments, Budget& budget) {
  std::optional<Value> best;
  const auto consider = [&](const Value& candidate) {
    const bool better = !best || (name == "max" ? less(*best, candidate) : less(candidate, *best)).value_or(false);
    if (better) best = candidate;
  };
  const auto paid = budget.step(static_cast<std::int64_t>(arguments.size()));
  if (!paid) return std::unexpected(paid.error());
  for (const Value& argument : arguments) {
    if (const List* list = argument.list()) {
      for (const Value& item : list->items) {
        const auto inner = extreme(name, std::span(&item, 1), budget);
        if (!inner) return inner;
        if (!inner->isNumber()) return refuse(fmt::format("invalid argument for {} (type {})", name, typeName(*inner)));
        consider(*inner);
      }
    } else if (argument.isNumber()) {
      consider(argument);
    } else if (arguments.size() == 1) {
      return argument;
    } else {
      return refuse(fmt::format("invalid argument for {} (type {})", name, typeName(argument)));
    }
  }
  return best.value_or(Value());
}

Result<> collectNumbers(std::string_view name, std::span<const Value> values, std::vector<double>& numbers) {
  for (const Value& value : values) {
    if (const List* list = value.list()) {
      if (const auto inner = collectNumbers(name, list->items, numbers); !inner) return inner;
    } else if (value.isNumber()) {
      numbers.push_back(value.toDouble());
    } else {
      return refuse(fmt::format("invalid argument for {} (type {})", name, typeName(value)));
    }
  }
  return {};
}

Result<Value> max(const Call& call) { return extreme("max", call.arguments, call.budget); }
Result<Value> min(const Call& call) { return extreme("min", call.arguments, call.budget); }

// Numbers of shared lists count as often as they occur.
Result<Value> mean(const Call& call) {
  std::vector<double> numbers;
  if (const auto all = collectNumbers("mean", call.arguments, numbers); !all) return std::unexpected(all.error());
  if (numbers.empty()) return 0.0;
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

Result<Value> median(const Call& call) {
  std::vector<double> numbers;
  if (const auto all = collectNumbers("median", call.arguments, numbers); !all) return std::unexpected(all.error());
  if (numbers.empty()) return 0.0;
  // NaN has no place in an order: as Go sorts, in front.
  std::ranges::sort(numbers, [](double a, double b) { return a < b || (a != a && b == b); });
  const std::size_t middle = numbers.size() / 2;
  return numbers.size() % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2;
}

}  // namespace

Result<std::vector<Value>> sorted(const std::vector<Value>& items, const std::vector<Value>& keys, bool descending,
                                  Budget& budget) {
  constexpr std::int64_t comparisons_an_item = 20;
  const auto paid = budget.step(static_cast<std::int64_t>(items.size()) * comparisons_an_item);
  if (!paid) return std::unexpected(paid.error());
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::optional<Error> problem;
  // A stable sort bears keys without an order (NaN, mixed types), which only makes its outcome meaningless.
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    if (problem) return false;
    const auto before = descending ? less(keys[b], keys[a]) : less(keys[a], keys[b]);
    if (!before) problem = before.error();
    return before.value_or(false);
  });
  if (problem) return std::unexpected(*problem);
  std::vector<Value> result;
  result.reserve(items.size());
  for (const std::size_t index : order) result.push_back(items[index]);
  return result;
}

FunctionPointer findCollectionFunction(std::string_view name) {
  static const std::map<std::string_view, FunctionPointer> functions{
      {"len", length},      {"first", first}, {"last", last},     {"get", get},         {"take", take},
      {"reverse", reverse}, {"uniq", uniq},   {"concat", concat}, {"flatten", flatten}, {"sort", sort},
      {"join", join},       {"keys", keys},   {"values", values}, {"toPairs", toPairs}, {"fromPairs", fromPairs},
      {"max", max},         {"min", min},     {"mean", mean},     {"median", median}};
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

}  // namespace crossfade::expr
