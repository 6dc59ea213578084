#include "local/json_path.hpp"

#include <charconv>

namespace crossfade::local {

namespace {

constexpr std::size_t max_steps = 64;

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The end of what a bracket or parenthesis at the beginning of `text` encloses; quotes protect.
std::optional<std::size_t> closing(std::string_view text) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '(') {
      ++depth;
    } else if (c == ']' || c == ')') {
      if (--depth == 0) return i;
    }
  }
  return std::nullopt;
}

std::optional<std::string> unquote(std::string_view text) {
  if (text.size() < 2 || (text.front() != '"' && text.front() != '\'') || text.back() != text.front())
    return std::nullopt;
  std::string result;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    result += text[i];
  }
  return result;
}

std::optional<double> number(const json::value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_double()) return value.get_double();
  return std::nullopt;
}

template <class T>
bool compare(const T& left, std::string_view comparison, const T& right) {
  if (comparison == "==") return left == right;
  if (comparison == "!=") return left != right;
  if (comparison == "<") return left < right;
  if (comparison == "<=") return left <= right;
  if (comparison == ">") return left > right;
  return left >= right;
}

}  // namespace

std::optional<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath path;
  text = trim(text);
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  if (text.starts_with('$')) text.remove_prefix(1);
  while (!text.empty()) {
    if (path.steps_.size() >= max_steps) return std::nullopt;
    Step step;
    if (text.front() != '[') {
      if (text.front() == '.') text.remove_prefix(1);
      std::size_t end = 0;
      while (end < text.size() && text[end] != '.' && text[end] != '[') {
        if (text[end] == '\\' && end + 1 < text.size()) ++end;
        step.name += text[end++];
      }
      text.remove_prefix(end);
      if (step.name.empty()) return std::nullopt;
      if (step.name == "*") step.kind = Step::Kind::all;
      path.steps_.push_back(std::move(step));
      continue;
    }
    const auto end = closing(text);
    if (!end) return std::nullopt;
    std::string_view inside = trim(text.substr(1, *end - 1));
    text.remove_prefix(*end + 1);
    if (inside == "*") {
      step.kind = Step::Kind::all;
    } else if (auto name = unquote(inside)) {
      step.name = std::move(*name);
    } else if (inside.starts_with("?(") && inside.ends_with(')')) {
      step.kind = Step::Kind::filter;
      std::string_view condition = trim(inside.substr(2, inside.size() - 3));
      if (!condition.starts_with('@')) return std::nullopt;
      condition.remove_prefix(1);
      const std::size_t at = condition.find_first_of("=!<>");
      auto below = parse(condition.substr(0, at));
      if (!below) return std::nullopt;
      step.path = std::make_shared<const JsonPath>(std::move(*below));
      if (at != std::string_view::npos) {
        const std::size_t length = at + 1 < condition.size() && condition[at + 1] == '=' ? 2 : 1;
        step.comparison = condition.substr(at, length);
        if (step.comparison == "=" || step.comparison == "!") return std::nullopt;
        const auto operand = trim(condition.substr(at + length));
        if (auto word = unquote(operand)) {
          step.operand = json::string(*word);
        } else {
          auto value = parseJson(operand);
          if (!value) return std::nullopt;
          step.operand = std::move(*value);
        }
      }
    } else {
      step.kind = Step::Kind::index;
      const auto [rest, error] = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
      if (error != std::errc() || rest != inside.data() + inside.size()) return std::nullopt;
    }
    path.steps_.push_back(std::move(step));
  }
  return path;
}

bool JsonPath::passes(const Step& filter, const json::value& item) {
  const auto found = filter.path->find(item);
  if (found.empty()) return false;
  if (filter.comparison.empty()) return true;
  const json::value& left = *found.front();
  const auto left_number = number(left);
  const auto right_number = number(filter.operand);
  if (left_number && right_number) return compare(*left_number, filter.comparison, *right_number);
  if (left.is_string() && filter.operand.is_string()) {
    return compare<std::string_view>(left.get_string(), filter.comparison, filter.operand.get_string());
  }
  if (filter.comparison == "==") return left == filter.operand;
  return filter.comparison == "!=" && left != filter.operand;
}

std::vector<const json::value*> JsonPath::find(const json::value& root) const {
  std::vector<const json::value*> current{&root};
  for (const Step& step : steps_) {
    std::vector<const json::value*> next;
    for (const json::value* value : current) {
      const auto* array = value->if_array();
      const auto* object = value->if_object();
      switch (step.kind) {
        case Step::Kind::member:
          if (object != nullptr) {
            if (const auto* member = object->if_contains(step.name)) next.push_back(member);
          }
          break;
        case Step::Kind::index:
          if (array != nullptr) {
            const std::int64_t size = static_cast<std::int64_t>(array->size());
            const std::int64_t at = step.index < 0 ? size + step.index : step.index;
            if (at >= 0 && at < size) next.push_back(&(*array)[static_cast<std::size_t>(at)]);
          }
          break;
        case Step::Kind::all:
          if (array != nullptr) {
            for (const auto& item : *array) next.push_back(&item);
          } else if (object != nullptr) {
            for (const auto& [key, member] : *object) next.push_back(&member);
          }
          break;
        case Step::Kind::filter:
          if (array != nullptr) {
            for (const auto& item : *array) {
              if (passes(step, item)) next.push_back(&item);
            }
          }
          break;
      }
    }
    current = std::move(next);
  }
  return current;
}

}  // namespace crossfade::local
