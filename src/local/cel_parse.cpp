#include <fmt/format.h>

#include <charconv>

#include "local/cel_syntax.hpp"

namespace crossfade::local::cel {

namespace {

constexpr int max_depth = 100;

struct Token {
  enum class Kind : std::uint8_t { end, name, number, text, symbol };
  Kind kind = Kind::end;
  std::string text;
  std::size_t offset = 0;
};

std::unexpected<Error> notUnderstood(std::size_t offset, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("character {}: {}", offset + 1, what));
}

bool startsName(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool inName(char c) { return startsName(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Reads a string literal that starts at `at` (behind an r where `raw`); `at` ends up behind it.
Result<std::string> readText(std::string_view text, std::size_t& at, bool raw) {
  const std::size_t start = at;
  const char quote = text[at];
  const std::string triple(3, quote);
  const std::string_view closing = text.substr(at).starts_with(triple) ? std::string_view(triple) : text.substr(at, 1);
  at += closing.size();
  std::string result;
  while (at < text.size()) {
    if (text.substr(at).starts_with(closing)) {
      at += closing.size();
      return result;
    }
    if (text[at] != '\\' || raw) {
      result += text[at++];
      continue;
    }
    static constexpr std::pair<char, char> escapes[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'},  {'\\', '\\'},
                                                        {'"', '"'},  {'`', '`'},  {'\'', '\''}, {'?', '?'}};
    const char escaped = at + 1 < text.size() ? text[at + 1] : '\0';
    const auto* known = std::ranges::find(escapes, escaped, [](const auto& pair) { return pair.first; });
    if (known == std::end(escapes)) return notUnderstood(at, "unknown escape in a string");
    result += known->second;
    at += 2;
  }
  return notUnderstood(start, "the string doesn't end");
}

Result<std::vector<Token>> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = at;
    const char c = text[at];
    const bool raw = (c == 'r' || c == 'R') && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\'');
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
    } else if (c == '"' || c == '\'' || raw) {
      if (raw) ++at;
      auto literal = readText(text, at, raw);
      if (!literal) return fail(literal.error());
      tokens.push_back({Token::Kind::text, std::move(*literal), start});
    } else if (startsName(c)) {
      while (at < text.size() && inName(text[at])) ++at;
      tokens.push_back({Token::Kind::name, std::string(text.substr(start, at - start)), start});
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      while (at < text.size() && (std::isdigit(static_cast<unsigned char>(text[at])) != 0 || text[at] == '.')) ++at;
      tokens.push_back({Token::Kind::number, std::string(text.substr(start, at - start)), start});
    } else {
      static constexpr std::string_view pairs[] = {"&&", "||", "==", "!=", "<=", ">="};
      const auto* pair = std::ranges::find(pairs, text.substr(at, 2));
      const std::size_t length = pair == std::end(pairs) ? 1 : 2;
      if (length == 1 && std::string_view("()[]<>!?:.,+-*/%").find(c) == std::string_view::npos) {
        return notUnderstood(at, fmt::format("'{}' is not understood", c));
      }
      tokens.push_back({Token::Kind::symbol, std::string(text.substr(at, length)), start});
      at += length;
    }
  }
  tokens.push_back({Token::Kind::end, "the end", text.size()});
  return tokens;
}

// "__namespace__": a field whose name is a word of the language, or has other characters.
std::string unescaped(std::string name) {
  static constexpr std::pair<std::string_view, std::string_view> marks[] = {
      {"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}};
  for (const auto& [mark, meaning] : marks) {
    for (std::size_t at = name.find(mark); at != std::string::npos; at = name.find(mark, at + meaning.size())) {
      name.replace(at, mark.size(), meaning);
    }
  }
  const bool keyword = name.size() > 4 && name.starts_with("__") && name.ends_with("__");
  return keyword ? name.substr(2, name.size() - 4) : name;
}

using Tree = Result<std::unique_ptr<Node>>;

std::unique_ptr<Node> makeNode(Node::Kind kind, std::string text = {}) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->text = std::move(text);
  return node;
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Tree whole() {
    auto tree = expression();
    if (tree && peek().kind != Token::Kind::end) return unexpected();
    return tree;
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  bool isSymbol(std::string_view symbol) const { return peek().kind == Token::Kind::symbol && peek().text == symbol; }
  bool take(std::string_view symbol) {
    if (!isSymbol(symbol)) return false;
    ++at_;
    return true;
  }
  std::unexpected<Error> unexpected() const {
    return notUnderstood(peek().offset, fmt::format("'{}' is not understood here", peek().text));
  }

  Tree expression();
  Tree binary(std::size_t level);
  Tree unary();
  Tree member();
  Tree primary();
  Tree number();
  // After the name and the opening bracket of a call; `object` is null for a function.
  Tree call(std::string name, std::unique_ptr<Node> object, std::size_t offset);
  Result<std::vector<std::unique_ptr<Node>>> arguments(std::string_view closing);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Tree Parser::expression() {
  if (++depth_ > max_depth) return notUnderstood(peek().offset, "nested too deeply");
  auto condition = binary(0);
  if (condition && take("?")) {
    auto node = makeNode(Node::Kind::conditional);
    node->children.push_back(std::move(*condition));
    auto yes = expression();
    if (!yes) return yes;
    if (!take(":")) return unexpected();
    auto no = expression();
    if (!no) return no;
    node->children.push_back(std::move(*yes));
    node->children.push_back(std::move(*no));
    condition = std::move(node);
  }
  --depth_;
  return condition;
}

// Operators by how loosely they bind.
Tree Parser::binary(std::size_t level) {
  static const std::vector<std::vector<std::string_view>> levels = {
      {"||"}, {"&&"}, {"==", "!=", "<", "<=", ">", ">=", "in"}, {"+", "-"}, {"*", "/", "%"}};
  if (level == levels.size()) return unary();
  auto left = binary(level + 1);
  while (left) {
    const Token& token = peek();
    const bool can = token.kind == Token::Kind::symbol || (token.kind == Token::Kind::name && token.text == "in");
    if (!can || std::ranges::find(levels[level], token.text) == levels[level].end()) return left;
    auto node = makeNode(Node::Kind::binary, token.text);
    ++at_;
    auto right = binary(level + 1);
    if (!right) return right;
    node->children.push_back(std::move(*left));
    node->children.push_back(std::move(*right));
    left = std::move(node);
  }
  return left;
}

Tree Parser::unary() {
  if (!isSymbol("!") && !isSymbol("-")) return member();
  if (++depth_ > max_depth) return notUnderstood(peek().offset, "nested too deeply");
  auto node = makeNode(Node::Kind::unary, peek().text);
  ++at_;
  auto operand = unary();
  if (!operand) return operand;
  --depth_;
  node->children.push_back(std::move(*operand));
  return node;
}

Tree Parser::member() {
  auto tree = primary();
  while (tree) {
    if (take("[")) {
      auto index = expression();
      if (!index) return index;
      if (!take("]")) return unexpected();
      auto node = makeNode(Node::Kind::index);
      node->children.push_back(std::move(*tree));
      node->children.push_back(std::move(*index));
      tree = std::move(node);
    } else if (take(".")) {
      if (peek().kind != Token::Kind::name) return unexpected();
      const Token name = peek();
      ++at_;
      if (take("(")) {
        tree = call(name.text, std::move(*tree), name.offset);
      } else {
        auto node = makeNode(Node::Kind::select, unescaped(name.text));
        node->children.push_back(std::move(*tree));
        tree = std::move(node);
      }
    } else {
      return tree;
    }
  }
  return tree;
}

Tree Parser::number() {
  const std::string& text = peek().text;
  auto node = makeNode(Node::Kind::literal);
  if (text.find('.') == std::string::npos) {
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return unexpected();
    node->value = value;
  } else {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return unexpected();
    node->value = value;
  }
  ++at_;
  return node;
}

Tree Parser::primary() {
  const Token token = peek();
  if (token.kind == Token::Kind::number) return number();
  if (token.kind == Token::Kind::text) {
    ++at_;
    auto node = makeNode(Node::Kind::literal);
    node->value = token.text;
    return node;
  }
  if (take("(")) {
    auto tree = expression();
    if (tree && !take(")")) return unexpected();
    return tree;
  }
  if (take("[")) {
    auto items = arguments("]");
    if (!items) return fail(items.error());
    auto node = makeNode(Node::Kind::list);
    node->children = std::move(*items);
    return node;
  }
  if (token.kind != Token::Kind::name) return unexpected();
  ++at_;
  if (take("(")) return call(token.text, nullptr, token.offset);
  if (token.text == "true" || token.text == "false" || token.text == "null") {
    auto node = makeNode(Node::Kind::literal);
    if (token.text != "null") node->value = token.text == "true";
    return node;
  }
  return makeNode(Node::Kind::variable, token.text);
}

Result<std::vector<std::unique_ptr<Node>>> Parser::arguments(std::string_view closing) {
  std::vector<std::unique_ptr<Node>> items;
  if (take(closing)) return items;
  while (true) {
    auto item = expression();
    if (!item) return fail(item.error());
    items.push_back(std::move(*item));
    if (take(closing)) return items;
    if (!take(",")) return unexpected();
  }
}

Tree Parser::call(std::string name, std::unique_ptr<Node> object, std::size_t offset) {
  static constexpr std::string_view macros[] = {"all", "exists", "exists_one", "map", "filter"};
  static const std::map<std::string, std::size_t, std::less<>> functions = {
      {"size", 1},  {"matches", 2},    {"contains", 2}, {"startsWith", 2}, {"endsWith", 2},
      {"split", 2}, {"lowerAscii", 1}, {"duration", 1}, {"int", 1},        {"string", 1}};
  auto given = arguments(")");
  if (!given) return fail(given.error());
  std::vector<std::unique_ptr<Node>>& all = *given;
  if (object == nullptr && name == "has") {
    if (all.size() != 1 || all[0]->kind != Node::Kind::select) return notUnderstood(offset, "has() wants a field");
    all[0]->kind = Node::Kind::test;
    return std::move(all[0]);
  }
  if (object != nullptr && std::ranges::find(macros, name) != std::end(macros)) {
    if (all.size() != 2 || all[0]->kind != Node::Kind::variable) {
      return notUnderstood(offset, fmt::format("{}() wants a variable and an expression", name));
    }
    auto node = makeNode(Node::Kind::macro, std::move(name));
    node->variable = all[0]->text;
    node->children.push_back(std::move(object));
    node->children.push_back(std::move(all[1]));
    return node;
  }
  auto node = makeNode(Node::Kind::call, name);
  if (object != nullptr) node->children.push_back(std::move(object));
  for (auto& argument : all) node->children.push_back(std::move(argument));
  const auto known = functions.find(name);
  if (known == functions.end() || known->second != node->children.size()) {
    return notUnderstood(offset, fmt::format("no function {}() of {} values is known", name, node->children.size()));
  }
  return node;
}

}  // namespace

Result<std::unique_ptr<Node>> parseExpression(std::string_view text) {
  auto tokens = tokenize(text);
  if (!tokens) return fail(tokens.error());
  return Parser(std::move(*tokens)).whole();
}

}  // namespace crossfade::local::cel
