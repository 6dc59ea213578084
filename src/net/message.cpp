#include "net/message.hpp"

#include <algorithm>

#include "net/wire.hpp"

namespace crossfade::net {

namespace {

constexpr std::size_t head_read_bytes = 4 << 10;
constexpr std::size_t body_read_bytes = 16 << 10;
// What may be read without making sense yet: a head, or the line before a chunk.
constexpr std::size_t max_ahead_bytes = 80 << 10;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool sameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// RFC 9110 §5.6.2: what a method or a field's name is made of.
bool isToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

bool isFieldValue(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool isTarget(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

// Fields that speak about this connection or the framing of this message, not about its content.
bool isOurs(std::string_view name) {
  static constexpr std::array<std::string_view, 7> ours{
      "connection", "keep-alive", "proxy-connection", "content-length", "transfer-encoding", "expect", "upgrade"};
  return std::ranges::any_of(ours, [&](std::string_view own) { return sameName(own, name); });
}

Result<> appendFields(std::string& head, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!isToken(name) || !isFieldValue(value)) {
      return fail(ErrorCode::invalid, fmt::format("the HTTP field \"{}\" holds characters that it can't", name));
    }
    if (!isOurs(name)) head.append(name).append(": ").append(value).append("\r\n");
  }
  return {};
}

// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string formatHttpDate(TimePoint time) {
  static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

}  // namespace

std::string_view Headers::get(std::string_view name) const {
  const auto field = std::ranges::find_if(fields_, [&](const auto& field) { return sameName(field.first, name); });
  return field == fields_.end() ? std::string_view() : field->second;
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const auto& field) { return sameName(field.first, name); });
}

void Headers::set(std::string_view name, std::string value) {
  std::string owned(name);  // `name` may point into a field that goes
  std::erase_if(fields_, [&](const auto& field) { return sameName(field.first, owned); });
  fields_.emplace_back(std::move(owned), std::move(value));
}

Result<std::string> formatRequestHead(const Request& request, std::string_view target, std::string_view host) {
  if (!isToken(request.method)) {
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is not an HTTP method", request.method));
  }
  if (!isTarget(target)) {
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is not an HTTP target: encode it", target));
  }
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, target);
  if (!request.headers.has("Host")) head += fmt::format("Host: {}\r\n", host);
  if (!request.headers.has("User-Agent")) head += "User-Agent: crossfade\r\n";
  if (const auto appended = appendFields(head, request.headers); !appended) return fail(appended.error());
  const bool takes_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (takes_body || !request.body.empty()) head += fmt::format("Content-Length: {}\r\n", request.body.size());
  return head + "\r\n";
}

Result<std::string> formatResponseHead(const Response& response, Framing framing, bool keep_alive, TimePoint now) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reasonPhrase(response.status));
  if (const auto appended = appendFields(head, response.headers); !appended) return fail(appended.error());
  if (!response.headers.has("Date")) head += fmt::format("Date: {}\r\n", formatHttpDate(now));
  if (framing == Framing::length) head += fmt::format("Content-Length: {}\r\n", response.body.size());
  if (framing == Framing::chunked) head += "Transfer-Encoding: chunked\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

Task<Result<>> advance(Wire& wire, std::string& ahead, MessageParser& parser, TimePoint deadline) {
  // The first round uses what is there; the second, what one read brought.
  for (bool has_read = false;; has_read = true) {
    if (!ahead.empty()) {
      const auto used = parser.put(ahead);
      if (!used) co_return fail(used.error());
      ahead.erase(0, *used);
      if (*used > 0 || parser.done()) co_return Result<>();
    }
    if (has_read) co_return Result<>();
    if (ahead.size() > max_ahead_bytes) co_return fail(ErrorCode::invalid, "malformed HTTP: a line has no end");

    const std::size_t had = ahead.size();
    ahead.resize(had + (parser.headDone() ? body_read_bytes : head_read_bytes));
    const std::span<char> room = std::span<char>(ahead).subspan(had);
    const auto got = co_await wire.read(room, deadline);
    ahead.resize(had + got.value_or(0));
    if (!got) co_return fail(got.error());
    if (*got == 0) co_return parser.putEnd();
  }
}

}  // namespace crossfade::net
