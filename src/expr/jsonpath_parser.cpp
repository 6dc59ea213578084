#include "expr/jsonpath_parser.hpp"

#include <fmt/format.h>

#include "base/utf8.hpp"
#include "expr/characters.hpp"
#include "expr/numbers.hpp"

namespace crossfade::expr {

namespace {

using Node = JsonPath::Node;
using Kind = Node::Kind;

// Filters whose quoted parts hold filters.
constexpr int max_nesting = 16;
constexpr std::size_t max_nodes_of_path = 10'000;

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// Where a name ends.
bool isTerminator(char c) { return std::string_view(" \t\r\n.,[]$@{}").find(c) != std::string_view::npos; }

// The value of the escape at the front of `text` (behind its backslash), which is taken off. As in Go's strings.
Result<> unescape(std::string_view& text, char quote, std::string& out) {
  const auto wrong = [] { return bad("invalid syntax"); };
  if (text.empty()) return wrong();
  const char kind = text.front();
  text.remove_prefix(1);
  constexpr std::string_view names = "abfnrtv\\", values = "\a\b\f\n\r\t\v\\";
  if (const std::size_t at = names.find(kind); at != std::string_view::npos) {
    out += values[at];
    return {};
  }
  if (kind == quote) {
    out += quote;
    return {};
  }
  const bool octal = kind >= '0' && kind <= '7';
  const std::size_t length = octal ? 3 : kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (length == 0) return wrong();
  const std::string digits = octal ? kind + std::string(text.substr(0, 2)) : std::string(text.substr(0, length));
  const bool well_formed = digits.size() == length && std::ranges::all_of(digits, [&](unsigned char c) {
                             return octal ? c >= '0' && c <= '7' : std::isxdigit(c) != 0;
                           });
  if (!well_formed) return wrong();
  const unsigned long value = std::stoul(digits, nullptr, octal ? 8 : 16);
  text.remove_prefix(octal ? 2 : length);
  if (octal || kind == 'x') {
    if (value > 0xff) return wrong();
    out += static_cast<char>(static_cast<unsigned char>(value));
    return {};
  }
  if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return wrong();
  utf8::append(out, static_cast<std::uint32_t>(value));
  return {};
}

Result<std::string> unquote(std::string_view quoted) {
  const char quote = quoted.front();
  std::string_view rest = quoted.substr(1, quoted.size() - 2);
  std::string text;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '\\') {
      text += c;
    } else if (const auto escape = unescape(rest, quote, text); !escape) {
      return bad(fmt::format("unquote string {} error {}", quoted, escape.error().message));
    }
  }
  return text;
}

class Parser {
 public:
  Parser(std::string_view text, int nesting, std::size_t& nodes) : text_(text), nesting_(nesting), nodes_(nodes) {}

  Result<std::vector<Node>> pieces() {
    std::vector<Node> pieces;
    while (at_ < text_.size()) {
      const std::size_t brace = std::min(text_.find('{', at_), text_.size());
      if (brace > at_) add(pieces, {.kind = Kind::text, .literal = std::string(text_.substr(at_, brace - at_))});
      at_ = brace;
      if (at_ == text_.size()) break;
      ++at_;
      Node action{.kind = Kind::action};
      if (const auto parsed = inside(action.children); !parsed) return std::unexpected(parsed.error());
      add(pieces, std::move(action));
    }
    if (nodes_ > max_nodes_of_path) return bad("the path has too many elements");
    return pieces;
  }

 private:
  bool takes(std::string_view prefix) {
    if (!text_.substr(at_).starts_with(prefix)) return false;
    at_ += prefix.size();
    return true;
  }

  void add(std::vector<Node>& nodes, Node node) {
    ++nodes_;
    nodes.push_back(std::move(node));
  }

  // From behind the opening brace to behind the closing one.
  Result<> inside(std::vector<Node>& nodes) {
    while (true) {
      if (nodes_ > max_nodes_of_path) return bad("the path has too many elements");
      if (takes("}")) return {};
      if (takes("[?(")) {
        if (const auto parsed = filter(nodes); !parsed) return parsed;
        continue;
      }
      if (takes("..")) {
        if (!nodes.empty() && nodes.back().kind == Kind::descent) return bad("invalid multiple recursive descent");
        add(nodes, {.kind = Kind::descent});
        if (at_ < text_.size() && (text_[at_] == '_' || isLetterOrDigit(front().value))) field(nodes);
        continue;
      }
      if (at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r') return bad("unclosed action");
      const utf8::CodePoint point = front();
      const char c = text_[at_];
      if (c == ' ' || c == '@' || c == '$') {
        ++at_;
      } else if (c == '[') {
        if (const auto parsed = brackets(nodes); !parsed) return parsed;
      } else if (c == '"' || c == '\'') {
        if (const auto parsed = quoted(nodes); !parsed) return parsed;
      } else if (takes(".")) {
        field(nodes);
      } else if (c == '+' || c == '-' || isDigit(point.value)) {
        if (const auto parsed = number(nodes); !parsed) return parsed;
      } else if (c == '_' || isLetterOrDigit(point.value)) {
        word(nodes);
      } else {
        return bad("unrecognized character in action: " + describe(point.value));
      }
    }
  }

  utf8::CodePoint front() const { return utf8::decodeFront(text_.substr(at_)).value_or(utf8::CodePoint{1, 0xfffd}); }

  // A backslash lets the character behind it be part of the name, and goes.
  void field(std::vector<Node>& nodes) {
    std::string name;
    const std::size_t start = at_;
    while (at_ < text_.size() && !isTerminator(text_[at_])) {
      if (text_[at_] == '\\') ++at_;
      if (at_ == text_.size()) break;
      if (text_[at_] != '\\') name += text_[at_];
      ++at_;
    }
    if (text_.substr(start, at_ - start) == "*") return add(nodes, {.kind = Kind::wildcard});
    add(nodes, {.kind = Kind::field, .text = std::move(name)});
  }

  void word(std::vector<Node>& nodes) {
    const std::size_t start = at_;
    while (at_ < text_.size() && !isTerminator(text_[at_])) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (name == "true" || name == "false") return add(nodes, {.kind = Kind::literal, .literal = name == "true"});
    add(nodes, {.kind = Kind::identifier, .text = std::string(name)});
  }

  Result<> number(std::vector<Node>& nodes) {
    const std::size_t start = at_++;
    while (at_ < text_.size() && (text_[at_] == '.' || isDigit(static_cast<unsigned char>(text_[at_])))) ++at_;
    const std::string_view text = text_.substr(start, at_ - start);
    Node node{.kind = Kind::literal};
    if (const auto integer = parseInteger(text)) {
      node.literal = *integer;
    } else if (const auto floating = parseFloat(text)) {
      node.literal = *floating;
    } else {
      return bad(fmt::format("cannot parse number {}", text));
    }
    add(nodes, std::move(node));
    return {};
  }

  Result<> quoted(std::vector<Node>& nodes) {
    const std::size_t start = at_;
    const char quote = text_[at_++];
    while (true) {
      if (at_ == text_.size() || text_[at_] == '\n') return bad("unterminated quoted string");
      const bool end = text_[at_] == quote && text_[at_ - 1] != '\\';
      ++at_;
      if (end) break;
    }
    auto text = unquote(text_.substr(start, at_ - start));
    if (!text) return std::unexpected(text.error());
    add(nodes, {.kind = Kind::text, .literal = std::move(*text)});
    return {};
  }

  // One action, of its own text.
  Result<Node> action(const std::string& text) {
    if (nesting_ == max_nesting) return bad("the path is nested too deeply");
    const std::string braced = "{" + text + "}";
    auto parsed = Parser(braced, nesting_ + 1, nodes_).pieces();
    if (!parsed) return std::unexpected(parsed.error());
    return std::move(parsed->front());
  }

  Result<> brackets(std::vector<Node>& nodes) {
    const std::size_t start = ++at_;
    const std::size_t end = text_.find_first_of("]\n", at_);
    if (end == std::string_view::npos || text_[end] == '\n') return bad("unterminated array");
    std::string_view text = text_.substr(start, end - start);
    at_ = end + 1;
    if (text.find(',') != std::string_view::npos) return alternatives(nodes, text);
    const bool key = text.size() >= 2 && text.starts_with('\'') && text.ends_with('\'') &&
                     text.substr(1, text.size() - 2).find('\'') == std::string_view::npos;
    if (key) {
      auto named = action("." + std::string(text.substr(1, text.size() - 2)));
      if (!named) return std::unexpected(named.error());
      for (Node& node : named->children) nodes.push_back(std::move(node));
      return {};
    }
    return slice(nodes, text == "*" ? ":" : text);
  }

  Result<> alternatives(std::vector<Node>& nodes, std::string_view text) {
    Node node{.kind = Kind::selection};
    while (true) {
      const std::size_t comma = text.find(',');
      std::string_view one = text.substr(0, comma);
      while (one.starts_with(' ')) one.remove_prefix(1);
      while (one.ends_with(' ')) one.remove_suffix(1);
      auto parsed = action("[" + std::string(one) + "]");
      if (!parsed) return std::unexpected(parsed.error());
      node.children.push_back(std::move(*parsed));
      if (comma == std::string_view::npos) break;
      text.remove_prefix(comma + 1);
    }
    add(nodes, std::move(node));
    return {};
  }

  // "n", "a:b", "a:b:s"; what is missing is open, and nothing at all is [0].
  Result<> slice(std::vector<Node>& nodes, std::string_view whole) {
    Node node{.kind = Kind::slice};
    std::string_view text = whole;
    int parts = 0;
    while (true) {
      const std::size_t colon = text.find(':');
      const std::string_view part = text.substr(0, colon);
      const std::string_view digits = part.starts_with('-') ? part.substr(1) : part;
      const bool well_formed = std::ranges::all_of(digits, [](unsigned char c) { return isDigit(c); });
      if (!well_formed || parts == 3) return bad(fmt::format("invalid array index {}", whole));
      if (!part.empty()) {
        const auto number = parseInteger(part);
        if (!number) return bad(fmt::format("array index {} is not a number", part));
        (parts == 0 ? node.from : parts == 1 ? node.to : node.step) = *number;
      }
      ++parts;
      if (colon == std::string_view::npos) break;
      text.remove_prefix(colon + 1);
    }
    if (parts == 1) {
      node.single = true;
      node.to = node.from.value_or(0) + 1;
    }
    add(nodes, std::move(node));
    return {};
  }

  // From behind "[?(" to behind ")]".
  Result<> filter(std::vector<Node>& nodes) {
    const std::size_t start = at_;
    // One quoted text is seen as such; from then on quotes are characters like others.
    char quote = 0;
    bool closed = false;
    for (;; ++at_) {
      if (at_ == text_.size() || text_[at_] == '\n') return bad("unterminated filter");
      const char c = text_[at_];
      if ((c == '"' || c == '\'') && quote == 0) {
        quote = c;
      } else if (c == quote && quote != 0 && text_[at_ - 1] != '\\') {
        closed = true;
      } else if (c == ')' && (quote != 0) == closed) {
        break;
      }
    }
    const std::string text(text_.substr(start, at_ - start));
    ++at_;
    if (!takes("]")) return bad("unclosed array expect ]");

    Node node{.kind = Kind::filter, .text = "exists"};
    // The operator is the first run of these characters; something must be left on both sides.
    constexpr std::string_view signs = "!<>=";
    const std::size_t from = text.find_first_of(signs);
    const std::size_t to =
        from == std::string::npos ? from : std::min(text.find_first_not_of(signs, from), text.size());
    const std::size_t right = to == text.size() ? to - 1 : to;
    if (from == 0 || from == std::string::npos || right == from) {
      auto left = action(text);
      if (!left) return std::unexpected(left.error());
      node.children.push_back(std::move(*left));
    } else {
      node.text = text.substr(from, right - from);
      for (const std::string& side : {text.substr(0, from), text.substr(right)}) {
        auto parsed = action(side);
        if (!parsed) return std::unexpected(parsed.error());
        node.children.push_back(std::move(*parsed));
      }
    }
    add(nodes, std::move(node));
    return {};
  }

  std::string_view text_;
  int nesting_;
  std::size_t& nodes_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<JsonPath::Node>> parseJsonPath(std::string_view text) {
  std::size_t nodes = 0;
  return Parser(text, 0, nodes).pieces();
}

}  // namespace crossfade::expr
