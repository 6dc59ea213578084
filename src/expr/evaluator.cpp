#include "expr/evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ranges>

#include "expr/builtins.hpp"
#include "expr/functions.hpp"
#include "expr/operators.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// The name of a value's kind as Go's reflect has it in its complaints.
std::string reflectKind(const Value& value) {
  if (std::holds_alternative<std::monostate>(value.data)) return "zero";
  if (value.duration() != nullptr) return "int64";
  if (value.moment() != nullptr) return "struct";
  if (value.map() != nullptr) return "map";
  if (std::holds_alternative<ZoneRef>(value.data)) return "ptr";
  if (std::holds_alternative<Function>(value.data)) return "func";
  return typeName(value);
}

class Evaluator {
 public:
  Evaluator(const Value& result, TimePoint now, Budget& budget) : result_(result), now_(now), budget_(budget) {}

  Checked<Value> run(const Node& root) {
    auto value = eval(root);
    if (!value) return std::unexpected(Problem{std::move(value.error().message), problem_at_});
    return std::move(*value);
  }

 private:
  Result<Value> eval(const Node& node) {
    auto value = valueOf(node);
    // The innermost node that fails is where the problem is.
    if (!value && !failed_) {
      failed_ = true;
      problem_at_ = node.at;
    }
    return value;
  }

  Result<Value> valueOf(const Node& node) {
    if (const auto paid = budget_.step(); !paid) return std::unexpected(paid.error());
    switch (node.kind) {
      case NodeKind::nil:
        return Value();
      case NodeKind::boolean:
        return node.boolean;
      case NodeKind::integer:
        return node.integer;
      case NodeKind::floating:
        return node.floating;
      case NodeKind::string:
        return budget_.text(node.text);
      case NodeKind::bytes:
        return Value(Bytes{std::make_shared<const std::string>(node.text)});
      case NodeKind::name:
        return name(node.text);
      case NodeKind::pointer:
        return pointer(node.text);
      case NodeKind::unary:
        return unary(node);
      case NodeKind::binary:
        return binary(node);
      case NodeKind::conditional:
        return conditional(node);
      case NodeKind::let:
        return let(node);
      case NodeKind::sequence:
        return sequence(node);
      case NodeKind::list:
        return list(node);
      case NodeKind::map:
        return map(node);
      case NodeKind::member:
        return member(node);
      case NodeKind::slice:
        return sliced(node);
      case NodeKind::chain:
        return chain(node);
      case NodeKind::call:
        return call(node);
      case NodeKind::builtin:
        return builtin(node);
      case NodeKind::predicate:
        return eval(*node.children[0]);
    }
    return Value();
  }

  // What `#`, `#index` and `#acc` are now.
  struct Scope {
    Value element = {};
    std::int64_t index = 0;
    Value accumulator = {};
  };

  // --- names ---

  Result<Value> name(std::string_view name) {
    for (const auto& [variable, value] : std::views::reverse(variables_)) {
      if (variable == name) return value;
    }
    if (name == "$env") return environment();
    if (name == "result") return result_;
    return Value(Function{std::string(name)});
  }

  Result<Value> environment() {
    Map map;
    for (const std::string_view function : {"asInt", "asFloat", "isNaN", "isInf", "isNil", "default"}) {
      const std::string text(function);
      map.entries.emplace(text, Map::Entry{Value(text), Value(Function{text})});
    }
    map.entries.emplace("result", Map::Entry{Value(std::string("result")), result_});
    return budget_.map(std::move(map));
  }

  Result<Value> pointer(std::string_view name) {
    const Scope& scope = scopes_.back();
    if (name == "index") return scope.index;
    if (name == "acc") return scope.accumulator;
    return scope.element;
  }

  Result<Value> let(const Node& node) {
    auto value = eval(*node.children[0]);
    if (!value) return value;
    variables_.emplace_back(node.text, std::move(*value));
    auto body = eval(*node.children[1]);
    variables_.pop_back();
    return body;
  }

  Result<Value> sequence(const Node& node) {
    Result<Value> last = Value();
    for (const NodeRef& child : node.children) {
      last = eval(*child);
      if (!last) break;
    }
    return last;
  }

  // --- operators ---

  Result<Value> unary(const Node& node) {
    const auto operand = eval(*node.children[0]);
    if (!operand) return operand;
    return applyUnary(node.text, *operand);
  }

  Result<Value> binary(const Node& node) {
    auto left = eval(*node.children[0]);
    if (!left) return left;
    const std::string& op = node.text;
    const Node& right_node = *node.children[1];
    if (op == "and" || op == "&&" || op == "or" || op == "||") {
      const bool decisive = op == "or" || op == "||";
      const auto boolean = toBool(*left);
      if (!boolean) return std::unexpected(boolean.error());
      return *boolean == decisive ? left : eval(right_node);
    }
    if (op == "??") return left->isNull() ? eval(right_node) : left;
    if (node.regex) return matchesConstant(*node.regex, *left);
    if (node.set) return inConstant(node, *left);
    const auto right = eval(right_node);
    if (!right) return right;
    for (const Value* operand : {&std::as_const(*left), &*right}) {
      if (!node.exact.empty() && typeName(*operand) != node.exact) return badConversion(*operand, node.exact);
    }
    return applyBinary(op, *left, *right, budget_);
  }

  Result<Value> matchesConstant(const Regex& regex, const Value& subject) {
    if (subject.isNull()) return false;
    if (const auto* bytes = std::get_if<Bytes>(&subject.data)) return regex.search(*bytes->text);
    if (subject.string() == nullptr) return badConversion(subject, "[]uint8");
    const auto paid = budget_.step(static_cast<std::int64_t>(subject.string()->size() / 64));
    if (!paid) return std::unexpected(paid.error());
    return regex.search(*subject.string());
  }

  // The needle in a list of string literals, which the reference makes a set.
  static Result<Value> inConstant(const Node& node, const Value& needle) {
    if (needle.isNull()) return node.set->contains("");
    if (needle.string() != nullptr) return node.set->contains(*needle.string());
    return refuse(
        fmt::format("reflect.Value.MapIndex: value of type {} is not assignable to type string", typeName(needle)));
  }

  Result<Value> conditional(const Node& node) {
    const auto condition = eval(*node.children[0]);
    if (!condition) return condition;
    const auto boolean = toBool(*condition);
    if (!boolean) return std::unexpected(boolean.error());
    return eval(*node.children[*boolean ? 1 : 2]);
  }

  // --- literals with parts ---

  Result<Value> list(const Node& node) {
    std::vector<Value> items;
    for (const NodeRef& child : node.children) {
      auto item = eval(*child);
      if (!item) return item;
      items.push_back(std::move(*item));
    }
    return budget_.list(std::move(items));
  }

  Result<Value> map(const Node& node) {
    Map map;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const auto key = eval(*node.children[i]);
      if (!key) return key;
      const auto text = toText(*key);
      if (!text) return std::unexpected(text.error());
      auto value = eval(*node.children[i + 1]);
      if (!value) return value;
      map.entries.insert_or_assign(**text, Map::Entry{*key, std::move(*value)});
    }
    return budget_.map(std::move(map));
  }

  // --- members and chains ---

  // Once `?.` met a nil, the rest of its chain is skipped.
  Result<Value> chain(const Node& node) {
    auto value = eval(*node.children[0]);
    if (value && broken_) value = Value();
    broken_ = false;
    return value;
  }

  Result<Value> member(const Node& node) {
    const auto base = eval(*node.children[0]);
    if (!base || broken_) return base;
    if (node.optional && base->isNull()) {
      broken_ = true;
      return Value();
    }
    const auto key = eval(*node.children[1]);
    if (!key) return key;
    return fetch(*base, *key);
  }

  Result<Value> sliced(const Node& node) {
    const auto base = eval(*node.children[0]);
    if (!base || broken_) return base;
    std::optional<Value> from, to;
    // The reference evaluates the upper bound first.
    for (const auto& [child, bound] : {std::pair(node.children[2], &to), std::pair(node.children[1], &from)}) {
      if (child == nullptr) continue;
      auto value = eval(*child);
      if (!value) return value;
      *bound = std::move(*value);
    }
    return slice(*base, from ? &*from : nullptr, to ? &*to : nullptr, budget_);
  }

  // --- calls ---

  Result<std::vector<Value>> arguments(const Node& node, std::size_t first) {
    std::vector<Value> values;
    for (std::size_t i = first; i < node.children.size(); ++i) {
      auto value = eval(*node.children[i]);
      if (!value) return std::unexpected(value.error());
      values.push_back(std::move(*value));
    }
    return values;
  }

  Result<Value> call(const Node& node) {
    const Node& callee = *node.children[0];
    const bool method = callee.kind == NodeKind::member && callee.method;
    const auto base = method ? eval(*callee.children[0]) : eval(callee);
    if (!base || broken_) return base;
    if (method && callee.optional && base->isNull()) {
      broken_ = true;
      return Value();
    }
    const auto values = arguments(node, 1);
    if (!values) return std::unexpected(values.error());
    if (!method) return callValue(*base, *values);
    const std::string& name = callee.children[1]->text;
    if (base->moment() != nullptr || base->duration() != nullptr) {
      return callMethod(*base, name, {*values, budget_, now_});
    }
    const auto function = fetch(*base, Value(name));
    if (!function) return function;
    return callValue(*function, *values);
  }

  Result<Value> callValue(const Value& callee, const std::vector<Value>& values) {
    if (const auto* function = std::get_if<Function>(&callee.data)) return callEnvironment(function->name, values);
    if (callee.isNull()) return refuse("invalid operation: cannot call nil");
    return refuse("invalid operation: cannot call non-function of type " + typeName(callee));
  }

  Result<Value> callEnvironment(std::string_view name, const std::vector<Value>& values) {
    const std::size_t wanted = name == "default" ? 2 : 1;
    if (values.size() != wanted) {
      return refuse(fmt::format("{} arguments to call {}", values.size() < wanted ? "not enough" : "too many", name));
    }
    if (const auto paid = budget_.step(extentOf(values[0]).weight / 8); !paid) return std::unexpected(paid.error());
    if (name == "asInt") return asInt(values[0]);
    if (name == "asFloat") return asFloat(values[0]);
    if (name == "isNil") return result_.isNull();
    if (name == "default") return result_.isNull() ? values[1] : result_;
    if (values[0].floating() == nullptr) return badConversion(values[0], "float64");
    const double number = *values[0].floating();
    return name == "isNaN" ? std::isnan(number) : std::isinf(number);
  }

  Result<Value> builtin(const Node& node) {
    if (predicateShape(node.text) != nullptr) return overList(node);
    auto values = arguments(node, 0);
    if (!values) return std::unexpected(values.error());
    if (node.text != "len" && node.text != "take" && findCollectionFunction(node.text) != nullptr) {
      for (Value& value : *values) {
        if (const auto* bytes = std::get_if<Bytes>(&value.data)) value = bytesOf(*bytes->text);
      }
    }
    std::int64_t weight = 0;
    for (const Value& value : *values) weight += extentOf(value).weight;
    if (const auto paid = budget_.step(weight / 8); !paid) return std::unexpected(paid.error());
    return findFunction(node.text)({*values, budget_, now_});
  }

  // --- builtins with a predicate (B7, B8) ---

  Result<std::vector<Value>> elementsOf(const Value& collection) {
    if (const List* list = collection.list()) return list->items;
    const auto* bytes = std::get_if<Bytes>(&collection.data);
    if (const std::string* text = bytes != nullptr ? bytes->text.get() : collection.string()) {
      if (const auto paid = budget_.elements(static_cast<std::int64_t>(text->size())); !paid) {
        return std::unexpected(paid.error());
      }
      return bytesOf(*text).items;
    }
    const Map* map = collection.map();
    if (map != nullptr && map->entries.empty()) return std::vector<Value>();
    return refuse(fmt::format("reflect: call of reflect.Value.{} on {} Value", map != nullptr ? "Index" : "Len",
                              reflectKind(collection)));
  }

  Result<Value> overList(const Node& node) {
    const auto collection = eval(*node.children[0]);
    if (!collection) return collection;
    const auto items = elementsOf(*collection);
    if (!items) return std::unexpected(items.error());
    if (const auto paid = budget_.step(static_cast<std::int64_t>(items->size()) / 8); !paid) {
      return std::unexpected(paid.error());
    }
    const std::size_t depth = scopes_.size();
    auto value = walk(node, *items);
    scopes_.resize(depth);
    return value;
  }

  Result<Value> walk(const Node& node, const std::vector<Value>& items) {
    const std::string& name = node.text;
    if (name == "reduce") return reduce(node, items);
    if (name == "sum") return sum(node, items);
    if (name == "map" || name == "groupBy" || name == "sortBy") return collect(node, items);
    return search(node, items);
  }

  // The predicate's value for the element at `index`.
  Result<Value> ask(const Node& predicate, const std::vector<Value>& items, std::size_t index) {
    scopes_.back().element = items[index];
    scopes_.back().index = static_cast<std::int64_t>(index);
    return eval(predicate);
  }

  // all, none, any, one, filter, count, find, findLast, findIndex, findLastIndex: elements that answer true.
  Result<Value> search(const Node& node, const std::vector<Value>& items) {
    const std::string& name = node.text;
    const bool backwards = name.starts_with("findLast");
    const bool until_first = name.starts_with("find") || name == "any" || name == "none";
    const auto size = static_cast<std::int64_t>(items.size());
    std::vector<Value> found;
    std::int64_t count = 0;
    scopes_.emplace_back();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::size_t at = backwards ? items.size() - 1 - i : i;
      const auto answer = node.children.size() > 1 ? ask(*node.children[1], items, at) : Result<Value>(items[at]);
      if (!answer) return answer;
      const auto yes = toBool(*answer);
      if (!yes) return std::unexpected(yes.error());
      if (!*yes) {
        if (name == "all") return false;
        continue;
      }
      ++count;
      if (name == "filter") found.push_back(items[at]);
      if (name == "find" || name == "findLast") return items[at];
      if (name == "findIndex" || name == "findLastIndex") return static_cast<std::int64_t>(at);
      if (until_first || (node.threshold && count >= *node.threshold)) break;
    }
    if (name == "all") return count == size;
    if (name == "any") return count > 0;
    if (name == "none") return count == 0;
    if (name == "one") return count == 1;
    if (name == "count") return count;
    if (name == "filter") return budget_.list(std::move(found));
    if (node.must_find) return refuse("reflect: slice index out of range");
    return Value();
  }

  // map, groupBy, sortBy: what every element gives.
  Result<Value> collect(const Node& node, const std::vector<Value>& items) {
    std::vector<Value> given;
    scopes_.emplace_back();
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto value = ask(*node.children[1], items, i);
      if (!value) return value;
      given.push_back(std::move(*value));
    }
    if (node.text == "map") return budget_.list(std::move(given));
    return node.text == "groupBy" ? group(items, given) : sortBy(node, items, given);
  }

  Result<Value> group(const std::vector<Value>& items, const std::vector<Value>& keys) {
    struct Group {
      Value key;
      std::vector<Value> members;
    };
    std::map<std::string, Group> groups;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto key = mapKey(keys[i]);
      if (!key) return std::unexpected(key.error());
      Group& group = groups[*key];
      group.key = keys[i];
      group.members.push_back(items[i]);
    }
    Map map{.shape = Map::Shape::groups};
    for (auto& [text, group] : groups) {
      auto members = budget_.list(std::move(group.members));
      if (!members) return members;
      map.entries.emplace(text, Map::Entry{group.key, std::move(*members)});
    }
    return budget_.map(std::move(map));
  }

  Result<Value> sortBy(const Node& node, const std::vector<Value>& items, const std::vector<Value>& keys) {
    bool descending = false;
    if (node.children.size() > 2) {
      const auto order = eval(*node.children[2]);
      if (!order) return order;
      const auto text = toText(*order);
      if (!text) return std::unexpected(text.error());
      descending = **text == "desc";
      if (!descending && **text != "asc") return refuse("unknown order, use asc or desc");
    }
    auto ordered = sorted(items, keys, descending, budget_);
    if (!ordered) return std::unexpected(ordered.error());
    return budget_.list(std::move(*ordered));
  }

  Result<Value> sum(const Node& node, const std::vector<Value>& items) {
    Value total = 0;
    scopes_.emplace_back();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto value = node.children.size() > 1 ? ask(*node.children[1], items, i) : Result<Value>(items[i]);
      if (!value) return value;
      auto added = applyBinary("+", *value, total, budget_);
      if (!added) return added;
      total = std::move(*added);
    }
    return total;
  }

  Result<Value> reduce(const Node& node, const std::vector<Value>& items) {
    std::size_t start = 0;
    Value accumulator;
    if (node.children.size() > 2) {
      auto initial = eval(*node.children[2]);
      if (!initial) return initial;
      accumulator = std::move(*initial);
    } else {
      if (items.empty()) return refuse("reduce of empty array with no initial value");
      accumulator = items[0];
      start = 1;
    }
    scopes_.emplace_back();
    for (std::size_t i = start; i < items.size(); ++i) {
      scopes_.back().accumulator = accumulator;
      auto value = ask(*node.children[1], items, i);
      if (!value) return value;
      accumulator = std::move(*value);
    }
    return accumulator;
  }

  const Value& result_;
  const TimePoint now_;
  Budget& budget_;
  std::vector<std::pair<std::string, Value>> variables_;
  std::vector<Scope> scopes_;
  bool broken_ = false;  // a chain is being skipped
  bool failed_ = false;
  std::size_t problem_at_ = 0;
};

}  // namespace

Checked<Value> evaluate(const Node& root, const Value& result, TimePoint now, Budget& budget) {
  return Evaluator(result, now, budget).run(root);
}

}  // namespace crossfade::expr
