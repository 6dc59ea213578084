#include "expr/jsonpath.hpp"

#include <fmt/format.h>

#include "expr/budget.hpp"
#include "expr/jsonpath_parser.hpp"

namespace crossfade::expr {

namespace {

using Node = JsonPath::Node;
using Kind = Node::Kind;

constexpr int max_ranges = 50;  // loops in one another
// A message that shows a value shows so much of it.
constexpr std::size_t max_shown = 1024;

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// What a step works on: a place in the document, or a literal of the path.
struct Found {
  const json::value* place = nullptr;
  const Value* literal = nullptr;

  bool isNull() const { return place != nullptr && place->is_null(); }
  const json::object* object() const { return place == nullptr ? nullptr : place->if_object(); }
  const json::array* array() const { return place == nullptr ? nullptr : place->if_array(); }
  Value value() const { return literal != nullptr ? *literal : fromJson(*place); }
};
using Values = std::vector<Found>;

std::string typeOf(const Found& found) {
  if (found.object() != nullptr) return "map[string]interface {}";
  if (found.array() != nullptr) return "[]interface {}";
  return typeName(found.value());
}

// A failed step still has values: an existence test asks for them alone. spec/07 C3.
struct Outcome {
  Values values = {};
  std::optional<Error> error = {};
};
Outcome failed(std::string message, Values values = {}) {
  return {std::move(values), Error{ErrorCode::invalid, std::move(message)}};
}

// Less than zero, zero, more than zero; fails where the two can't be compared.
Result<int> compare(const Value& left, const Value& right, bool ordered) {
  const auto comparable = [](const Value& value) {
    return value.boolean() != nullptr || value.isNumber() || value.string() != nullptr;
  };
  if (!comparable(left) || !comparable(right)) return bad("invalid type for comparison");
  if (left.data.index() != right.data.index()) return bad("incompatible types for comparison");
  if (left.boolean() != nullptr && ordered) return bad("invalid type for comparison");
  const auto sign = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
  if (left.boolean() != nullptr) return sign(*left.boolean(), *right.boolean());
  if (left.integer() != nullptr) return sign(left.integer()->value, right.integer()->value);
  if (left.floating() != nullptr) return sign(*left.floating(), *right.floating());
  return sign(*left.string(), *right.string());
}

Result<bool> holds(const Value& left, std::string_view op, const Value& right) {
  const bool equality = op == "==" || op == "!=";
  if (!equality && op != "<" && op != "<=" && op != ">" && op != ">=") {
    return bad(fmt::format("unrecognized filter operator {}", op));
  }
  const auto order = compare(left, right, !equality);
  if (!order) return std::unexpected(order.error());
  if (op == "==") return *order == 0;
  if (op == "!=") return *order != 0;
  if (op == "<") return *order < 0;
  if (op == "<=") return *order <= 0;
  return op == ">" ? *order > 0 : *order >= 0;
}

class Evaluation {
 public:
  // The first value that any of the pieces finds. A loop ends at the `{end}` that its body comes to; the index behind
  // that piece is left in `after`.
  Outcome run(std::span<const Node> pieces, const Found& current) {
    Values first;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      Outcome outcome = apply(pieces[i], {current});
      if (outcome.error) return outcome;
      if (ending_ > 0 && ending_ <= open_) {
        --ending_;
        after_end_ = &pieces[i] + 1;
        break;
      }
      if (beginning_ > 0) {
        --beginning_;
        if (open_ == max_ranges) return failed("the path has too many ranges in one another");
        ++open_;
        // Without anything to loop over the body is still followed, to its end.
        static const json::value nothing;
        const bool empty = outcome.values.empty();
        if (empty) outcome.values.push_back({.place = &nothing});
        const std::span<const Node> body = pieces.subspan(i + 1);
        for (const Found& element : outcome.values) {
          Outcome inner = run(body, element);
          if (inner.error) return inner;
          if (!empty && first.empty()) first = std::move(inner.values);
        }
        --open_;
        const bool ended = after_end_ > body.data() && after_end_ <= body.data() + body.size();
        if (ended) i = static_cast<std::size_t>(after_end_ - pieces.data()) - 1;
        continue;
      }
      if (first.empty() && !outcome.values.empty()) first = {outcome.values.front()};
    }
    return {std::move(first), std::nullopt};
  }

 private:
  Outcome apply(const Node& node, Values values) {
    if (const auto paid = budget_.step(static_cast<std::int64_t>(values.size()) + 1); !paid) {
      exhausted_ = true;
      return failed(paid.error().message);
    }
    switch (node.kind) {
      case Kind::action:
        for (const Node& step : node.children) {
          Outcome outcome = apply(step, std::move(values));
          if (outcome.error) return outcome;
          values = std::move(outcome.values);
        }
        return {std::move(values), std::nullopt};
      case Kind::text:
        return {{{.literal = &node.literal}}, std::nullopt};
      case Kind::literal:
        for (Found& value : values) value = {.literal = &node.literal};
        return {std::move(values), std::nullopt};
      case Kind::field:
        return field(node, values);
      case Kind::wildcard:
        return wildcard(values);
      case Kind::descent: {
        Outcome outcome;
        if (auto refused = descend(values, outcome.values)) return *refused;
        return outcome;
      }
      case Kind::slice:
        return slice(node, std::move(values));
      case Kind::selection: {
        Outcome joined;
        for (const Node& one : node.children) {
          Outcome outcome = apply(one, values);
          if (outcome.error) return outcome;
          if (auto refused = refuses(static_cast<std::int64_t>(outcome.values.size()))) return *refused;
          joined.values.insert(joined.values.end(), outcome.values.begin(), outcome.values.end());
        }
        return joined;
      }
      case Kind::filter:
        return filter(node, values);
      case Kind::identifier:
        return identifier(node, std::move(values));
    }
    return {};
  }

  // Of `count` values that are about to be found.
  std::optional<Outcome> refuses(std::int64_t count) {
    const auto paid = budget_.elements(count);
    if (paid) return std::nullopt;
    exhausted_ = true;
    return failed(paid.error().message);
  }

  Outcome identifier(const Node& node, Values values) {
    if (node.text == "range") {
      ++beginning_;
      return {std::move(values), std::nullopt};
    }
    if (node.text != "end") return failed("unrecognized identifier " + node.text, std::move(values));
    if (open_ == 0) return failed("not in range, nothing to end");
    ++ending_;
    return {};
  }

  static Outcome field(const Node& node, const Values& values) {
    Outcome outcome;
    for (const Found& value : values) {
      const json::object* object = value.object();
      const json::value* member = object == nullptr ? nullptr : object->if_contains(node.text);
      if (member != nullptr) outcome.values.push_back({.place = member});
    }
    if (outcome.values.empty() && !values.empty()) return failed(node.text + " is not found");
    return outcome;
  }

  // Members by their names, so that the first is always the same.
  static Values childrenOf(const Found& value) {
    Values children;
    if (const json::array* array = value.array()) {
      children.reserve(array->size());
      for (const json::value& element : *array) children.push_back({.place = &element});
    } else if (const json::object* object = value.object()) {
      std::vector<const json::key_value_pair*> members;
      members.reserve(object->size());
      for (const json::key_value_pair& member : *object) members.push_back(&member);
      std::ranges::sort(members, {}, [](const auto* member) { return member->key(); });
      for (const json::key_value_pair* member : members) children.push_back({.place = &member->value()});
    }
    return children;
  }

  Outcome wildcard(const Values& values) {
    Outcome outcome;
    for (const Found& value : values) {
      const Values children = childrenOf(value);
      if (auto refused = refuses(static_cast<std::int64_t>(children.size()))) return *refused;
      outcome.values.insert(outcome.values.end(), children.begin(), children.end());
    }
    return outcome;
  }

  // Every container that isn't empty, before what it contains. A document's depth is bounded by who parsed it.
  std::optional<Outcome> descend(const Values& values, Values& out) {
    if (auto refused = refuses(static_cast<std::int64_t>(values.size()))) return refused;
    for (const Found& value : values) {
      const Values children = childrenOf(value);
      if (children.empty()) continue;
      out.push_back(value);
      if (auto refused = descend(children, out)) return refused;
    }
    return std::nullopt;
  }

  Outcome slice(const Node& node, Values values) {
    Outcome outcome;
    for (const Found& value : values) {
      if (value.isNull()) continue;
      const json::array* array = value.array();
      if (array == nullptr) return failed(typeOf(value) + " is not array or slice", std::move(values));
      const auto length = static_cast<std::int64_t>(array->size());
      std::int64_t from = node.from.value_or(0);
      if (from < 0) from += length;
      std::int64_t to = node.to.value_or(length);
      if (to < 0 || (to == 0 && node.single)) to += length;
      // An empty selection ends this step, whatever comes behind it.
      if (from == to) return outcome;
      const auto outside = [&](std::int64_t index) {
        return failed(fmt::format("array index out of bounds: index {}, length {}", index, length), std::move(values));
      };
      if (from < 0 || from >= length) return outside(from);
      if (to < 0 || to > length) return outside(to - 1);
      if (from > to) {
        return failed(fmt::format("starting index {} is greater than ending index {}", from, to), std::move(values));
      }
      const std::int64_t step = node.step.value_or(1);
      if (step <= 0) return failed("step must be > 0", std::move(values));
      if (auto refused = refuses((to - from) / step + 1)) return *refused;
      for (std::int64_t i = from; i < to; i += std::min(step, length)) {
        outcome.values.push_back({.place = &(*array)[static_cast<std::size_t>(i)]});
      }
    }
    return outcome;
  }

  Outcome filter(const Node& node, Values values) {
    Outcome outcome;
    for (const Found& value : values) {
      const json::array* array = value.array();
      if (array == nullptr) {
        const Value shown = value.value();
        if (const auto paid = budget_.step(extentOf(shown).weight); !paid) {
          exhausted_ = true;
          return failed(paid.error().message);
        }
        return failed(format(shown).substr(0, max_shown) + " is not array or slice and cannot be filtered",
                      std::move(values));
      }
      for (const json::value& element : *array) {
        const auto kept = keeps(node, element);
        if (!kept) return failed(kept.error().message, std::move(values));
        if (*kept) outcome.values.push_back({.place = &element});
      }
    }
    return outcome;
  }

  Result<bool> keeps(const Node& node, const json::value& element) {
    const Outcome left = apply(node.children.front(), {{.place = &element}});
    if (exhausted_) return std::unexpected(*left.error);
    if (node.text == "exists") return !left.values.empty();
    const auto one = [](const Outcome& side) -> Result<const Found*> {
      if (side.error) return std::unexpected(*side.error);
      if (side.values.size() > 1) return bad("can only compare one element at a time");
      return side.values.empty() ? nullptr : &side.values.front();
    };
    const auto left_value = one(left);
    if (!left_value) return std::unexpected(left_value.error());
    if (*left_value == nullptr) return false;
    const Outcome right = apply(node.children.back(), {{.place = &element}});
    const auto right_value = one(right);
    if (!right_value) return std::unexpected(right_value.error());
    if (*right_value == nullptr) return false;
    return holds(scalar(**left_value), node.text, scalar(**right_value));
  }

  // Containers compare with nothing, as null does.
  static Value scalar(const Found& found) {
    return found.object() != nullptr || found.array() != nullptr ? Value() : found.value();
  }

  Budget budget_;
  bool exhausted_ = false;
  int beginning_ = 0, open_ = 0, ending_ = 0;  // ranges: about to begin, being looped, about to end
  const Node* after_end_ = nullptr;
};

}  // namespace

Result<JsonPath> JsonPath::compile(std::string_view text) {
  auto pieces = parseJsonPath(text.empty() ? "{$}" : text);
  if (!pieces) return std::unexpected(pieces.error());
  JsonPath path;
  path.pieces_ = std::make_shared<const std::vector<Node>>(std::move(*pieces));
  return path;
}

Result<std::optional<Value>> JsonPath::first(const json::value& document) const {
  const Outcome outcome = Evaluation().run(*pieces_, {.place = &document});
  if (outcome.error) return std::unexpected(*outcome.error);
  if (outcome.values.empty()) return std::nullopt;
  return outcome.values.front().value();
}

}  // namespace crossfade::expr
