#include "expr/checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "expr/builtins.hpp"

namespace crossfade::expr {

namespace {

using Kind = Type::Kind;

Error bad(std::string message) { return {ErrorCode::invalid, std::move(message)}; }
std::unexpected<Error> refuse(std::string message) { return std::unexpected(bad(std::move(message))); }

class Checker {
 public:
  explicit Checker(const Environment& environment) : environment_(environment) {}

  Checked<TypeRef> run(Node& root) {
    auto type = visit(root);
    if (!type) return std::unexpected(Problem{std::move(type.error().message), problem_at_});
    return std::move(*type);
  }

 private:
  Result<TypeRef> visit(Node& node) {
    // The operand in the middle of a < b < c stands in the tree twice. Looked at twice, chains in chains would take
    // exponential time.
    if (node.type != nullptr) return node.type;
    auto type = typeOf(node);
    if (type) node.type = *type;
    // The innermost node that fails is where the problem is.
    if (!type && !found_) {
      found_ = true;
      problem_at_ = node.at;
    }
    return type;
  }

  Result<TypeRef> typeOf(Node& node) {
    switch (node.kind) {
      case NodeKind::nil:
        return types::nil();
      case NodeKind::boolean:
        return types::boolean();
      case NodeKind::integer:
        return types::integer();
      case NodeKind::floating:
        return types::floating();
      case NodeKind::string:
        return types::string();
      case NodeKind::bytes:
        return types::bytes();
      case NodeKind::name:
        return name(node);
      case NodeKind::pointer:
        return pointer(node);
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
        return slice(node);
      case NodeKind::chain:
      case NodeKind::predicate:
        return visit(*node.children[0]);
      case NodeKind::call:
        return call(node);
      case NodeKind::builtin:
        return builtin(node);
    }
    return types::unknown();
  }

  // What `#` and its like mean inside of a predicate.
  struct Scope {
    TypeRef element;
    bool has_index = false;
    TypeRef accumulator = nullptr;
  };

  // --- names ---

  TypeRef lookUp(std::string_view name) const {
    for (const auto& [variable, type] : std::views::reverse(variables_)) {
      if (variable == name) return type;
    }
    if (name == "$env") return types::environment();
    if (name == "result") return environment_.result;
    const bool number_test = name == "isNaN" || name == "isInf";
    if (number_test || (environment_.result != nullptr && isEnvironmentFunction(name))) return types::function("func");
    return nullptr;
  }

  Result<TypeRef> name(const Node& node) {
    if (const TypeRef type = lookUp(node.text)) return type;
    return refuse("unknown name " + node.text);
  }

  Result<TypeRef> pointer(const Node& node) {
    const Scope* scope = scopes_.empty() ? nullptr : &scopes_.back();
    if (scope != nullptr && node.text.empty()) return scope->element;
    if (scope != nullptr && node.text == "index" && scope->has_index) return types::integer();
    if (scope != nullptr && node.text == "acc" && scope->accumulator != nullptr) return scope->accumulator;
    return refuse("unknown pointer #" + node.text);
  }

  Result<TypeRef> let(Node& node) {
    if (node.text != "$env" && lookUp(node.text) != nullptr) {
      const bool variable = std::ranges::find(variables_, node.text, &Variable::first) != variables_.end();
      return refuse(fmt::format("cannot redeclare {}{}", variable ? "variable " : "", node.text));
    }
    if (isBuiltin(node.text)) return refuse("cannot redeclare builtin " + node.text);
    const auto value = visit(*node.children[0]);
    if (!value) return value;
    variables_.emplace_back(node.text, *value);
    auto body = visit(*node.children[1]);
    variables_.pop_back();
    return body;
  }

  Result<TypeRef> sequence(Node& node) {
    Result<TypeRef> last = types::nil();
    for (const NodeRef& child : node.children) {
      last = visit(*child);
      if (!last) break;
    }
    return last;
  }

  // --- operators ---

  Result<TypeRef> unary(Node& node) {
    const auto operand = visit(*node.children[0]);
    if (!operand) return operand;
    const bool logical = node.text == "!" || node.text == "not";
    if ((*operand)->dynamic()) return logical ? types::boolean() : types::unknown();
    if (logical ? (*operand)->is(Kind::boolean) : (*operand)->number()) return *operand;
    return refuse(fmt::format("invalid operation: {} (mismatched type {})", node.text, (*operand)->name));
  }

  Result<TypeRef> binary(Node& node) {
    const auto left = visit(*node.children[0]);
    if (!left) return left;
    const auto right = visit(*node.children[1]);
    if (!right) return right;
    if (node.text == "??") return coalesce(*left, *right);
    if (node.text == "in") return in(node, **left, **right);
    const TypeRef type = binaryType(node.text, **left, **right);
    if (type == nullptr) return mismatch(node, **left, **right);
    const bool equality = node.text == "==" || node.text == "!=";
    const std::string& name = (*left)->name;
    if (equality && name == (*right)->name && (name == "int" || name == "string")) node.exact = name;
    const Node& pattern = *node.children[1];
    if (node.text == "matches" && pattern.kind == NodeKind::string) {
      auto regex = Regex::compile(pattern.text);
      if (!regex) return std::unexpected(regex.error());
      node.regex = std::move(*regex);
    }
    return type;
  }

  static std::unexpected<Error> mismatch(const Node& node, const Type& left, const Type& right) {
    return refuse(fmt::format("invalid operation: {} (mismatched types {} and {})", node.text, left.name, right.name));
  }

  static TypeRef coalesce(const TypeRef& left, const TypeRef& right) {
    if (left->is(Kind::nil)) return right;
    if (right->is(Kind::nil) || assignable(*right, *left)) return left;
    return types::unknown();
  }

  // Null where the operator doesn't take the two.
  static TypeRef binaryType(std::string_view op, const Type& left, const Type& right) {
    // Both are of these kinds, or one is and the other is dynamic, or both are dynamic.
    const auto among = [&](std::initializer_list<Kind> kinds) {
      const auto fits = [&](const Type& type) {
        return type.dynamic() || std::ranges::find(kinds, type.kind) != kinds.end();
      };
      return fits(left) && fits(right);
    };
    const bool dynamic = left.dynamic() || right.dynamic();
    const bool numbers = left.number() && right.number();
    const bool whole = left.is(Kind::integer) && right.is(Kind::integer);
    const auto are = [&](Kind first, Kind second) { return left.is(first) && right.is(second); };
    const TypeRef promoted = whole ? types::integer() : types::floating();

    if (op == "==" || op == "!=") return comparable(left, right) ? types::boolean() : nullptr;
    if (op == "and" || op == "&&" || op == "or" || op == "||")
      return among({Kind::boolean}) ? types::boolean() : nullptr;
    if (op == "<" || op == ">" || op == "<=" || op == ">=") {
      const bool same = numbers || are(Kind::string, Kind::string) || are(Kind::time, Kind::time) ||
                        are(Kind::duration, Kind::duration);
      const bool late = dynamic && among({Kind::integer, Kind::floating, Kind::string, Kind::time, Kind::duration});
      return same || late ? types::boolean() : nullptr;
    }
    if (op == "+") {
      if (numbers) return promoted;
      if (are(Kind::string, Kind::string)) return types::string();
      if (are(Kind::time, Kind::duration) || are(Kind::duration, Kind::time)) return types::time();
      if (are(Kind::duration, Kind::duration)) return types::duration();
      const bool late = dynamic && among({Kind::integer, Kind::floating, Kind::string, Kind::time, Kind::duration});
      return late ? types::unknown() : nullptr;
    }
    if (op == "-") {
      if (numbers) return promoted;
      if (are(Kind::time, Kind::time) || are(Kind::duration, Kind::duration)) return types::duration();
      if (are(Kind::time, Kind::duration)) return types::time();
      const bool late = dynamic && among({Kind::integer, Kind::floating, Kind::time, Kind::duration});
      return late ? types::unknown() : nullptr;
    }
    if (op == "*") {
      if (numbers) return promoted;
      const bool scaled = (left.number() && right.is(Kind::duration)) || (left.is(Kind::duration) && right.number());
      if (scaled || are(Kind::duration, Kind::duration)) return types::duration();
      return dynamic && among({Kind::integer, Kind::floating, Kind::duration}) ? types::unknown() : nullptr;
    }
    if (op == "/" || op == "**" || op == "^")
      return among({Kind::integer, Kind::floating}) ? types::floating() : nullptr;
    if (op == "%") return among({Kind::integer}) ? types::integer() : nullptr;
    if (op == "..") return among({Kind::integer}) ? types::intList() : nullptr;
    if (op == "matches") {
      const bool subject = left.dynamic() || left.is(Kind::string) || left.is(Kind::bytes);
      return subject && (right.dynamic() || right.is(Kind::string)) ? types::boolean() : nullptr;
    }
    return among({Kind::string}) ? types::boolean() : nullptr;  // contains, startsWith, endsWith
  }

  static Result<TypeRef> in(Node& node, const Type& left, const Type& right) {
    if (right.is(Kind::map) || right.is(Kind::environment)) {
      const TypeRef key = right.key == nullptr ? types::string() : right.key;
      if (!left.dynamic() && !assignable(left, *key)) {
        return refuse(fmt::format("cannot use {} as type {} in map key", left.name, key->name));
      }
      return types::boolean();
    }
    if (right.is(Kind::structure) && (left.dynamic() || left.is(Kind::string))) return types::boolean();
    if (right.is(Kind::list) || right.is(Kind::bytes)) {
      if (!comparable(left, *right.element)) {
        return refuse(fmt::format("cannot use {} as type {} in array", left.name, right.element->name));
      }
      noteStringSet(node);
      return types::boolean();
    }
    // A text has no elements, which a dynamic needle finds out at run time.
    if (right.dynamic() || (left.dynamic() && right.is(Kind::string))) return types::boolean();
    return mismatch(node, left, right);
  }

  static void noteStringSet(Node& node) {
    const Node& list = *node.children[1];
    const bool texts =
        list.kind == NodeKind::list && !list.children.empty() &&
        std::ranges::all_of(list.children, [](const NodeRef& item) { return item->kind == NodeKind::string; });
    if (!texts) return;
    node.set.emplace();
    for (const NodeRef& item : list.children) node.set->insert(item->text);
  }

  Result<TypeRef> conditional(Node& node) {
    const auto condition = visit(*node.children[0]);
    if (!condition) return condition;
    if (!(*condition)->dynamic() && !(*condition)->is(Kind::boolean)) {
      return refuse(fmt::format("non-bool expression (type {}) used as condition", (*condition)->name));
    }
    const auto then = visit(*node.children[1]);
    if (!then) return then;
    const auto otherwise = visit(*node.children[2]);
    if (!otherwise) return otherwise;
    if ((*then)->is(Kind::nil)) return *otherwise;
    if ((*otherwise)->is(Kind::nil) || assignable(**then, **otherwise)) return *then;
    return types::unknown();
  }

  // --- literals with parts ---

  Result<TypeRef> list(Node& node) {
    TypeRef element;
    for (const NodeRef& child : node.children) {
      const auto type = visit(*child);
      if (!type) return type;
      const bool same = element == nullptr || (element->kind == (*type)->kind && element->name == (*type)->name);
      element = same ? *type : types::any();
    }
    const bool dynamic = element == nullptr || element->dynamic() || element->is(Kind::nil);
    return types::listOf(dynamic ? types::any() : element);
  }

  Result<TypeRef> map(Node& node) {
    for (const NodeRef& child : node.children) {
      if (const auto type = visit(*child); !type) return type;
    }
    return types::object();
  }

  // --- members ---

  Result<TypeRef> member(Node& node) {
    const auto base = visit(*node.children[0]);
    if (!base) return base;
    const Node& property_node = *node.children[1];
    const auto property = visit(*node.children[1]);
    if (!property) return property;
    const bool named = property_node.kind == NodeKind::string;
    const Type& from = **base;
    const Type& key = **property;
    switch (from.kind) {
      case Kind::any:
      case Kind::unknown:
        return types::unknown();
      case Kind::environment: {
        if (!named) return types::unknown();
        if (const TypeRef type = lookUp(property_node.text)) return type;
        if (node.optional) return types::unknown();
        return refuse("unknown name " + property_node.text);
      }
      case Kind::list:
      case Kind::bytes:
        if (key.is(Kind::integer) || key.dynamic()) return from.element;
        return refuse(fmt::format("array elements can only be selected using an integer (got {})", key.name));
      case Kind::map:
        if (key.dynamic() || assignable(key, *from.key)) return from.element;
        return refuse(fmt::format("cannot use {} to get an element from {}", key.name, from.name));
      case Kind::structure:
        if (key.dynamic()) return types::any();
        for (const auto& [field, type] : from.fields) {
          if (named && field == property_node.text && !node.method) return type;
        }
        break;
      case Kind::nil:
        if (named) return refuse("type nil has no field " + property_node.text);
        break;
      default:
        break;
    }
    if (named) {
      return refuse(
          fmt::format("type {} has no {} {}", from.name, node.method ? "method" : "field", property_node.text));
    }
    return refuse(fmt::format("type {}[{}] is undefined", from.name, key.name));
  }

  Result<TypeRef> slice(Node& node) {
    const auto base = visit(*node.children[0]);
    if (!base) return base;
    const Type& from = **base;
    const bool sliceable = from.dynamic() || from.is(Kind::list) || from.is(Kind::string) || from.is(Kind::bytes);
    if (!sliceable) return refuse("cannot slice " + from.name);
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      if (node.children[i] == nullptr) continue;
      const auto bound = visit(*node.children[i]);
      if (!bound) return bound;
      if (!(*bound)->dynamic() && !(*bound)->is(Kind::integer))
        return refuse("non-integer slice index " + (*bound)->name);
    }
    return *base;
  }

  // --- calls ---

  Result<std::vector<TypeRef>> argumentTypes(const Node& node, std::size_t first) {
    std::vector<TypeRef> arguments;
    for (std::size_t i = first; i < node.children.size(); ++i) {
      const auto type = visit(*node.children[i]);
      if (!type) return std::unexpected(type.error());
      arguments.push_back(*type);
    }
    return arguments;
  }

  Result<TypeRef> call(Node& node) {
    Node& callee = *node.children[0];
    if (callee.kind == NodeKind::member && callee.method) return methodCall(node, callee);
    const auto type = visit(callee);
    if (!type) return type;
    if (callee.kind == NodeKind::name && isEnvironmentFunction(callee.text) && (*type)->is(Kind::function)) {
      const bool number = callee.text == "isNaN" || callee.text == "isInf";
      for (std::size_t i = 1; number && i < node.children.size(); ++i) toFloats(*node.children[i]);
    }
    const auto arguments = argumentTypes(node, 1);
    if (!arguments) return std::unexpected(arguments.error());
    if ((*type)->dynamic()) return types::unknown();
    const std::string& name = callee.text;
    if ((*type)->is(Kind::function)) return isEnvironmentFunction(name) ? callType(name, *arguments) : types::unknown();
    if ((*type)->is(Kind::nil)) return refuse(name + " is nil; cannot call nil as function");
    return refuse(name + " is not callable");
  }

  // An integer literal given for a float is one, also as an operand of + - * and behind a sign.
  static void toFloats(Node& node) {
    if (node.kind == NodeKind::integer) {
      node.kind = NodeKind::floating;
      node.floating = static_cast<double>(node.integer);
      return;
    }
    const bool sign = node.kind == NodeKind::unary && (node.text == "-" || node.text == "+");
    const bool sum = node.kind == NodeKind::binary && (node.text == "+" || node.text == "-" || node.text == "*");
    if (!sign && !sum) return;
    for (const NodeRef& child : node.children) toFloats(*child);
  }

  Result<TypeRef> methodCall(Node& node, Node& callee) {
    const auto base = visit(*callee.children[0]);
    if (!base) return base;
    const auto arguments = argumentTypes(node, 1);
    if (!arguments) return std::unexpected(arguments.error());
    const std::string& name = callee.children[1]->text;
    if ((*base)->is(Kind::time) || (*base)->is(Kind::duration)) {
      const auto type = methodType(**base, name, *arguments);
      if (type && *type == nullptr) return refuse(fmt::format("type {} has no method {}", (*base)->name, name));
      return type;
    }
    const auto type = member(callee);
    if (!type) return type;
    if ((*type)->dynamic()) return types::unknown();
    if ((*type)->is(Kind::function)) return callType(name, *arguments);
    return refuse(name + " is not callable");
  }

  Result<TypeRef> builtin(Node& node) {
    if (predicateShape(node.text) != nullptr) return predicateBuiltin(node);
    const auto arguments = argumentTypes(node, 0);
    if (!arguments) return std::unexpected(arguments.error());
    return callType(node.text, *arguments);
  }

  Result<TypeRef> predicateBuiltin(Node& node) {
    const auto collection = visit(*node.children[0]);
    if (!collection) return collection;
    if (!(*collection)->dynamic() && !(*collection)->is(Kind::list) && !(*collection)->is(Kind::bytes)) {
      return refuse(fmt::format("builtin {} takes only array (got {})", node.text, (*collection)->name));
    }
    const TypeRef element = (*collection)->dynamic() ? types::any() : (*collection)->element;
    const std::string& name = node.text;
    TypeRef outcome = element;
    if (node.children.size() > 1) {
      const auto predicate = predicateType(node, element);
      if (!predicate) return predicate;
      outcome = *predicate;
    }
    if (node.children.size() > 2 && name != "reduce") {
      const auto extra = visit(*node.children[2]);
      if (!extra) return extra;
    }
    if (name == "sortBy" && (*collection)->dynamic()) return types::unknown();
    if (name == "filter" || name == "sortBy") return types::listOf(element);
    if (name == "find" || name == "findLast") return element;
    if (name == "map") return types::listOf(outcome);
    if (name == "sum" || name == "reduce") return outcome;
    if (name == "groupBy") {
      return types::mapOf(types::any(), types::listOf(types::any()), "map[interface {}][]interface {}");
    }
    return name == "count" || name.starts_with("find") ? types::integer() : types::boolean();
  }

  Result<TypeRef> predicateType(Node& node, const TypeRef& element) {
    const std::string& name = node.text;
    Scope scope{.element = element, .has_index = name == "map" || name == "reduce"};
    if (name == "reduce") {
      // What the predicate gives in the first round is not known here.
      scope.accumulator = types::unknown();
      if (node.children.size() > 2) {
        if (const auto initial = visit(*node.children[2]); !initial) return initial;
      }
    }
    scopes_.push_back(std::move(scope));
    const auto type = visit(*node.children[1]);
    scopes_.pop_back();
    if (!type) return type;
    if ((*type)->is(Kind::nil)) return refuse("predicate should has one input and one output param");
    static constexpr std::array<std::string_view, 10> boolean{
        "all", "none", "any", "one", "filter", "count", "find", "findLast", "findIndex", "findLastIndex"};
    const bool wants_boolean = std::ranges::find(boolean, name) != boolean.end();
    if (wants_boolean && !(*type)->dynamic() && !(*type)->is(Kind::boolean)) {
      return refuse(fmt::format("predicate should return boolean (got {})", (*type)->name));
    }
    return type;
  }

  using Variable = std::pair<std::string, TypeRef>;
  const Environment& environment_;
  std::vector<Variable> variables_;
  std::vector<Scope> scopes_;
  bool found_ = false;
  std::size_t problem_at_ = 0;
};

}  // namespace

Checked<TypeRef> check(Node& root, const Environment& environment) { return Checker(environment).run(root); }

}  // namespace crossfade::expr
