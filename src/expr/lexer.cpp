#include "expr/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/utf8.hpp"
#include "expr/characters.hpp"

namespace crossfade::expr {

std::string toString(const Token& token) {
  static constexpr std::array<std::string_view, 6> names{"Identifier", "Number",   "String",
                                                         "Bytes",      "Operator", "Bracket"};
  if (token.kind == Token::Kind::end) return "EOF";
  return fmt::format("{}({})", names[static_cast<std::size_t>(token.kind)], '"' + token.text + '"');
}

namespace {

constexpr std::uint32_t end_of_text = 0xffffffff;
// No tree of so many nodes as there may be needs more.
constexpr std::size_t max_tokens = 200'000;

bool isNamePart(std::uint32_t point) {
  return point != end_of_text && (isLetterOrDigit(point) || point == '_' || point == '$');
}

int digitValue(std::uint32_t point) {
  if (isDigit(point)) return static_cast<int>(point - '0');
  if (point >= 'a' && point <= 'f') return static_cast<int>(point - 'a') + 10;
  if (point >= 'A' && point <= 'F') return static_cast<int>(point - 'A') + 10;
  return 16;
}

bool isWordOperator(std::string_view word) {
  static constexpr std::array<std::string_view, 11> words{"not",        "in",       "or",  "and", "matches", "contains",
                                                          "startsWith", "endsWith", "let", "if",  "else"};
  return std::ranges::find(words, word) != words.end();
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Checked<std::vector<Token>> run() {
    while (!error_ && peek() != end_of_text) {
      step();
      if (tokens_.size() > max_tokens) error_ = bad("compilation failed: expression exceeds maximum allowed nodes");
    }
    if (error_) return std::unexpected(*error_);
    start_ = at_;
    emit(Token::Kind::end);
    return std::move(tokens_);
  }

 private:
  void step() {
    start_ = at_;
    const std::uint32_t point = next();
    switch (point) {
      case '\'':
      case '"':
        return quoted(Token::Kind::string, point);
      case '`':
        return raw();
      case '?':
        return oneOf(".?");
      case '/':
        return slash();
      case '#':
        return emit(Token::Kind::op);
      case '|':
        return oneOf("|");
      case ':':
        return oneOf(":");
      case '.':
        return isDigit(peek()) ? number(point) : oneOf(".");
      case '(':
      case '[':
      case '{':
      case ')':
      case ']':
      case '}':
        return emit(Token::Kind::bracket);
      case ',':
      case ';':
      case '%':
      case '+':
      case '-':
      case '^':
        return emit(Token::Kind::op);
      case '&':
      case '!':
      case '=':
      case '*':
      case '<':
      case '>':
        return oneOf("&=*");
      default:
        break;
    }
    if (isSpace(point)) return;
    if (isDigit(point)) return number(point);
    if ((point == 'b' || point == 'B') && (peek() == '"' || peek() == '\'')) return quoted(Token::Kind::bytes, next());
    if (isNamePart(point)) return word();
    error_ = bad("unrecognized character: " + describe(point));
  }

  void word() {
    while (isNamePart(peek())) next();
    // Directly behind a dot every word is a name; the parser takes operators for names there.
    emit(isWordOperator(pending()) ? Token::Kind::op : Token::Kind::identifier);
  }

  // An operator that may be followed by one of `more`.
  void oneOf(std::string_view more) {
    accept(more);
    emit(Token::Kind::op);
  }

  void slash() {
    if (accept("/")) {
      while (peek() != '\n' && peek() != end_of_text) next();
    } else if (accept("*")) {
      const std::size_t end = text_.find("*/", at_);
      if (end == std::string_view::npos) {
        error_ = bad("unclosed comment");
      } else {
        at_ = end + 2;
      }
    } else {
      emit(Token::Kind::op);
    }
  }

  void number(std::uint32_t first) {
    std::string_view digits = "0123456789_";
    if (first == '0') {
      if (accept("xX")) {
        digits = "0123456789abcdefABCDEF_";
      } else if (accept("oO")) {
        digits = "01234567_";
      } else if (accept("bB")) {
        digits = "01_";
      }
    }
    while (accept(digits)) {
    }
    // A dot before another dot belongs to a range: 1..3.
    if (first != '.' && peek() == '.' && !text_.substr(at_).starts_with("..")) {
      next();
      while (accept(digits)) {
      }
    }
    if (text_.substr(at_).starts_with("..") && first != '.') return emit(Token::Kind::number);
    if (accept("eE")) {
      accept("+-");
      while (accept(digits)) {
      }
    }
    if (isNamePart(peek())) {
      next();
      error_ = bad(fmt::format("bad number syntax: \"{}\"", pending()));
      return;
    }
    emit(Token::Kind::number);
  }

  void raw() {
    std::string value;
    while (true) {
      const std::uint32_t point = next();
      if (point == end_of_text) {
        error_ = bad("literal not terminated");
        return;
      }
      if (point == '`' && !accept("`")) break;
      utf8::append(value, point);
    }
    emit(Token::Kind::string, std::move(value));
  }

  // --- quoted text and its escapes ---

  void quoted(Token::Kind kind, std::uint32_t quote) {
    std::string value;
    while (!error_) {
      const std::uint32_t point = next();
      if (point == quote) return emit(kind, std::move(value));
      if (point == '\n' || point == end_of_text) {
        error_ = bad("literal not terminated");
      } else if (point == '\\') {
        escape(kind, quote, value);
      } else {
        utf8::append(value, point);
      }
    }
  }

  void escape(Token::Kind kind, std::uint32_t quote, std::string& value) {
    const bool bytes = kind == Token::Kind::bytes;
    const std::uint32_t point = next();
    if (point == quote) {
      value += static_cast<char>(point);
      return;
    }
    switch (point) {
      case 'a':
        value += '\a';
        return;
      case 'b':
        value += '\b';
        return;
      case 'f':
        value += '\f';
        return;
      case 'n':
        value += '\n';
        return;
      case 'r':
        value += '\r';
        return;
      case 't':
        value += '\t';
        return;
      case 'v':
        value += '\v';
        return;
      case '\\':
        value += '\\';
        return;
      case 'x':
        return code(value, digits(16, 2), bytes);
      case 'u':
        if (!bytes) return accept("{") ? bracedCode(value) : code(value, digits(16, 4), false);
        break;
      case 'U':
        if (!bytes) return code(value, digits(16, 8), false);
        break;
      default:
        if (point >= '0' && point <= '7') {
          --at_;
          const auto octal = digits(8, 3);
          if (octal && *octal > 0xff) {
            error_ = bad("unable to unescape string");
            return;
          }
          return code(value, octal, bytes);
        }
    }
    error_ = bad("invalid char escape");
  }

  std::optional<std::uint32_t> digits(int base, int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const int digit = digitValue(peek());
      if (digit >= base) return std::nullopt;
      value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
      next();
    }
    return value;
  }

  void bracedCode(std::string& value) {
    std::uint32_t point = 0;
    int count = 0;
    for (; count < 6 && digitValue(peek()) < 16; ++count)
      point = point * 16 + static_cast<std::uint32_t>(digitValue(next()));
    const bool closed = count > 0 && accept("}");
    code(value, closed ? std::optional(point) : std::nullopt, false);
  }

  // `\x` and octal give a code point in strings, one byte in bytes.
  void code(std::string& value, std::optional<std::uint32_t> point, bool as_byte) {
    if (!point) {
      error_ = bad("invalid char escape");
    } else if (*point > 0x10ffff) {
      error_ = bad("unable to unescape string");
    } else if (as_byte) {
      value += static_cast<char>(static_cast<unsigned char>(*point));
    } else {
      utf8::append(value, *point);
    }
  }

  // --- reading ---

  std::optional<utf8::CodePoint> front() const {
    if (at_ >= text_.size()) return std::nullopt;
    return utf8::decodeFront(text_.substr(at_)).value_or(utf8::CodePoint{1, 0xfffd});
  }
  std::uint32_t peek() const {
    const auto point = front();
    return point ? point->value : end_of_text;
  }
  std::uint32_t next() {
    const auto point = front();
    if (!point) return end_of_text;
    at_ += point->length;
    return point->value;
  }
  // Takes the next character if it is one of these (ASCII).
  bool accept(std::string_view characters) {
    if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  Problem bad(std::string message) const { return {std::move(message), start_}; }
  std::string_view pending() const { return text_.substr(start_, at_ - start_); }
  void emit(Token::Kind kind) { emit(kind, kind == Token::Kind::end ? "" : std::string(pending())); }
  void emit(Token::Kind kind, std::string value) { tokens_.push_back({kind, std::move(value), start_}); }

  std::string_view text_;
  std::size_t start_ = 0, at_ = 0;
  std::vector<Token> tokens_;
  std::optional<Problem> error_;
};

}  // namespace

Checked<std::vector<Token>> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace crossfade::expr
