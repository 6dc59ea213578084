// Builtins over texts. spec/07 B9.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/base64.hpp"
#include "base/go_text.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"
#include "expr/functions.hpp"
#include "expr/json_text.hpp"
#include "expr/operators.hpp"

namespace crossfade::expr {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// The first `N` arguments as texts.
template <std::size_t N>
Result<std::array<const std::string*, N>> texts(const Call& call) {
  std::array<const std::string*, N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    if (i >= call.size()) return refuse("not enough arguments");
    const auto text = toText(call[i]);
    if (!text) return std::unexpected(text.error());
    result[i] = *text;
  }
  return result;
}

Result<Value> trim(const Call& call) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *(*text)[0];
  std::string_view cut = " \t\n\v\f\r";
  if (call.size() > 1) {
    const auto given = toText(call[1]);
    if (!given) return std::unexpected(given.error());
    cut = **given;
  }
  const std::size_t start = rest.find_first_not_of(cut);
  if (start == std::string_view::npos) return std::string();
  rest = rest.substr(start, rest.find_last_not_of(cut) - start + 1);
  return call.budget.text(std::string(rest));
}

// trimPrefix, trimSuffix: text and what to take off it, a blank when not given.
Result<std::pair<std::string_view, std::string_view>> textAndEnd(const Call& call) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  std::string_view end = " ";
  if (call.size() > 1) {
    const auto given = toText(call[1]);
    if (!given) return std::unexpected(given.error());
    end = **given;
  }
  return std::pair(std::string_view(*(*text)[0]), end);
}
Result<Value> trimPrefix(const Call& call) {
  const auto parts = textAndEnd(call);
  if (!parts) return std::unexpected(parts.error());
  auto [text, prefix] = *parts;
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return call.budget.text(std::string(text));
}
Result<Value> trimSuffix(const Call& call) {
  const auto parts = textAndEnd(call);
  if (!parts) return std::unexpected(parts.error());
  auto [text, suffix] = *parts;
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return call.budget.text(std::string(text));
}

// Letters of ASCII, Latin-1, Greek and Cyrillic; those of other scripts have no case or stay as they are.
std::uint32_t upperPoint(std::uint32_t point) {
  if (point >= 'a' && point <= 'z') return point - 32;
  if ((point >= 0xe0 && point <= 0xfe && point != 0xf7) || (point >= 0x3b1 && point <= 0x3c9 && point != 0x3c2) ||
      (point >= 0x430 && point <= 0x44f)) {
    return point - 32;
  }
  if (point >= 0x450 && point <= 0x45f) return point - 80;
  if (point == 0xff) return 0x178;
  if (point == 0x3c2) return 0x3a3;
  if (point >= 0x100 && point <= 0x137 && point != 0x131) return point & ~1U;
  return point;
}
std::uint32_t lowerPoint(std::uint32_t point) {
  if (point >= 'A' && point <= 'Z') return point + 32;
  if ((point >= 0xc0 && point <= 0xde && point != 0xd7) || (point >= 0x391 && point <= 0x3a9 && point != 0x3a2) ||
      (point >= 0x410 && point <= 0x42f)) {
    return point + 32;
  }
  if (point >= 0x400 && point <= 0x40f) return point + 80;
  if (point == 0x178) return 0xff;
  if (point >= 0x100 && point <= 0x137 && point != 0x130) return point | 1U;
  return point;
}
Result<Value> changeCase(const Call& call, std::uint32_t (*change)(std::uint32_t)) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  std::string changed;
  for (std::string_view rest = *(*text)[0]; !rest.empty();) {
    const auto point = utf8::decodeFront(rest);
    if (point) {
      utf8::append(changed, change(point->value));
    } else {
      changed += rest[0];
    }
    rest.remove_prefix(point.value_or(utf8::CodePoint()).length);
  }
  return call.budget.text(std::move(changed));
}
Result<Value> upper(const Call& call) { return changeCase(call, upperPoint); }
Result<Value> lower(const Call& call) { return changeCase(call, lowerPoint); }

// --- taking apart and putting together
// -----------------------------------------------------------------------------------

// An optional number as the last argument: -1 when it isn't given.
Result<std::int64_t> limitAt(const Call& call, std::size_t index) {
  if (call.size() <= index) return -1;
  return toInteger(call[index]);
}

Result<Value> splitWith(const Call& call, bool keep_separator) {
  const auto parts = texts<2>(call);
  if (!parts) return std::unexpected(parts.error());
  const auto limit = limitAt(call, 2);
  if (!limit) return std::unexpected(limit.error());
  std::string_view rest = *(*parts)[0];
  const std::string_view separator = *(*parts)[1];
  List list{.elements = List::Elements::string};
  const auto mayCut = [&] { return *limit < 0 || static_cast<std::int64_t>(list.items.size()) + 1 < *limit; };
  const auto add = [&](std::string_view piece) -> Result<> {
    auto text = call.budget.text(std::string(piece));
    if (!text) return std::unexpected(text.error());
    if (list.items.size() >= static_cast<std::size_t>(Budget::max_elements)) return refuse("memory budget exceeded");
    list.items.push_back(std::move(*text));
    return {};
  };
  if (*limit == 0) return call.budget.list(std::move(list));
  while (mayCut()) {
    std::size_t cut = separator.empty()
                          ? (rest.empty() ? 0 : utf8::decodeFront(rest).value_or(utf8::CodePoint()).length)
                          : rest.find(separator);
    if (cut == std::string_view::npos || (separator.empty() && cut >= rest.size())) break;
    if (const auto added = add(rest.substr(0, cut + (keep_separator ? separator.size() : 0))); !added) {
      return std::unexpected(added.error());
    }
    rest.remove_prefix(cut + separator.size());
  }
  if (!separator.empty() || !rest.empty()) {
    if (const auto added = add(rest); !added) return std::unexpected(added.error());
  }
  return call.budget.list(std::move(list));
}
Result<Value> split(const Call& call) { return splitWith(call, false); }
Result<Value> splitAfter(const Call& call) { return splitWith(call, true); }

Result<Value> replace(const Call& call) {
  const auto parts = texts<3>(call);
  if (!parts) return std::unexpected(parts.error());
  const auto limit = limitAt(call, 3);
  if (!limit) return std::unexpected(limit.error());
  const auto& [text, old, fresh] = *parts;
  std::string result;
  std::size_t at = 0;
  for (std::int64_t count = 0; *limit < 0 || count < *limit; ++count) {
    std::size_t found = text->find(*old, at);
    // An empty text is found before every character and at the end.
    if (old->empty() && count > 0) {
      if (at >= text->size()) break;
      found = at + utf8::decodeFront(std::string_view(*text).substr(at)).value_or(utf8::CodePoint()).length;
    }
    if (found == std::string::npos) break;
    result.append(*text, at, found - at);
    result += *fresh;
    at = found + old->size();
    if (result.size() > Budget::max_bytes) return refuse("memory budget exceeded");
  }
  result.append(*text, at);
  return call.budget.text(std::move(result));
}

Result<Value> repeat(const Call& call) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  const auto count = toInteger(call[1]);
  if (!count) return std::unexpected(count.error());
  if (*count < 0) {
    return refuse(fmt::format("invalid argument for repeat (expected positive integer, got {})", *count));
  }
  const auto size = static_cast<std::int64_t>((*text)[0]->size());
  if (*count > Budget::max_elements || size * *count > Budget::max_bytes) return refuse("memory budget exceeded");
  std::string repeated;
  repeated.reserve(static_cast<std::size_t>(size * *count));
  for (std::int64_t i = 0; i < *count; ++i) repeated += *(*text)[0];
  return call.budget.text(std::move(repeated));
}

Result<Value> offset(const Call& call, bool from_the_end) {
  const auto parts = texts<2>(call);
  if (!parts) return std::unexpected(parts.error());
  const auto& [text, part] = *parts;
  const std::size_t found = from_the_end ? text->rfind(*part) : text->find(*part);
  return found == std::string::npos ? -1 : static_cast<std::int64_t>(found);
}
Result<Value> indexOf(const Call& call) { return offset(call, false); }
Result<Value> lastIndexOf(const Call& call) { return offset(call, true); }

Result<Value> hasPrefix(const Call& call) {
  const auto parts = texts<2>(call);
  if (!parts) return std::unexpected(parts.error());
  return (*parts)[0]->starts_with(*(*parts)[1]);
}
Result<Value> hasSuffix(const Call& call) {
  const auto parts = texts<2>(call);
  if (!parts) return std::unexpected(parts.error());
  return (*parts)[0]->ends_with(*(*parts)[1]);
}

// --- JSON and base64
// -----------------------------------------------------------------------------------------------------

Result<Value> toJson(const Call& call) {
  auto text = indentedJson(call[0]);
  if (!text) return std::unexpected(text.error());
  return call.budget.text(std::move(*text));
}

Result<Value> parsedJson(const Call& call) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  const std::string& input = *(*text)[0];
  if (const auto paid = call.budget.elements(static_cast<std::int64_t>(input.size() / 4)); !paid) {
    return std::unexpected(paid.error());
  }
  if (const auto parsed = parseAnswer(input)) {
    Value value = fromJson(*parsed);
    if (const auto fits = Budget::extent(extentOf(value)); !fits) return std::unexpected(fits.error());
    return value;
  }
  return refuse(go::jsonProblem(input));
}

Result<Value> toBase64(const Call& call) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  return call.budget.text(encodeBase64(*(*text)[0]));
}

Result<Value> fromBase64(const Call& call) {
  const auto text = texts<1>(call);
  if (!text) return std::unexpected(text.error());
  const std::string& input = *(*text)[0];
  if (auto decoded = decodeBase64(input)) return call.budget.text(std::move(*decoded));
  // The first character that can't be there, or the end that came too early.
  const auto foreign = std::ranges::find_if(
      input, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '+' && c != '/'; });
  return refuse(fmt::format("illegal base64 data at input byte {}", foreign - input.begin()));
}

}  // namespace

FunctionPointer findTextFunction(std::string_view name) {
  static const std::map<std::string_view, FunctionPointer> functions{{"trim", trim},
                                                                     {"trimPrefix", trimPrefix},
                                                                     {"trimSuffix", trimSuffix},
                                                                     {"upper", upper},
                                                                     {"lower", lower},
                                                                     {"split", split},
                                                                     {"splitAfter", splitAfter},
                                                                     {"replace", replace},
                                                                     {"repeat", repeat},
                                                                     {"indexOf", indexOf},
                                                                     {"lastIndexOf", lastIndexOf},
                                                                     {"hasPrefix", hasPrefix},
                                                                     {"hasSuffix", hasSuffix},
                                                                     {"toJSON", toJson},
                                                                     {"fromJSON", parsedJson},
                                                                     {"toBase64", toBase64},
                                                                     {"fromBase64", fromBase64}};
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

}  // namespace crossfade::expr
