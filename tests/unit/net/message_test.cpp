// The parser of messages, on pieces of any size and on damaged bytes.
#include "net/message.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace crossfade::net {
namespace {

// What came of these bytes: the message, or "" when they are none. (A head that is broken before its end may count as
// broken or as unfinished, depending on the pieces.)
std::string parse(std::string_view bytes, bool request, Random& random, std::size_t most) {
  const auto parser = request ? MessageParser::ofRequest() : MessageParser::ofResponse(false);
  std::string ahead;
  bool allowed = false;
  while (!parser->done() && !bytes.empty()) {
    const std::string_view piece = bytes.substr(0, 1 + random.below(most));
    bytes.remove_prefix(piece.size());
    ahead += piece;
    for (bool progress = true; progress && !parser->done();) {
      const auto used = parser->put(ahead);
      if (!used) return "";
      ahead.erase(0, *used);
      progress = *used > 0;
      if (parser->headDone() && !std::exchange(allowed, true)) {
        if (!parser->allowBody(100)) return "";
      }
    }
  }
  if (!parser->done() && !parser->putEnd()) return "";
  std::string all = fmt::format("{} {} {} {}", parser->method, parser->target, parser->status, parser->keepAlive());
  for (const auto& [name, value] : parser->headers) all += "|" + name + "=" + value;
  return all + "|" + parser->body;
}

const std::vector<std::string> messages{
    "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;q=1\r\nde\r\n0\r\nT: 1\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nX:  a b \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 500 \r\n\r\nuntil the end",
};

TEST(Message, IsTheSameInPiecesOfAnySize) {
  Random random(1);
  for (const std::string& message : messages) {
    const bool request = !message.starts_with("HTTP");
    const std::string whole = parse(message, request, random, 1'000'000'000);
    EXPECT_NE(whole, "") << message;
    for (int i = 0; i < 50; ++i) EXPECT_EQ(parse(message, request, random, 1 + random.below(20)), whole) << message;
  }
}

TEST(Message, SurvivesDamage) {
  static constexpr std::string_view likely = "\r\n :;0123456789abcdefGHTP/.,\t\"%\x01\x7f\x80\xff";
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    std::string message = messages[random.below(messages.size())];
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      const std::size_t at = random.below(message.size());
      switch (random.below(4)) {
        case 0:
          message[at] = likely[random.below(likely.size())];
          break;
        case 1:
          message.insert(at, 1, likely[random.below(likely.size())]);
          break;
        case 2:
          message.erase(at, 1 + random.below(4));
          break;
        default:
          message.insert(at, message.substr(random.below(message.size()), random.below(20)));
      }
      if (message.empty()) message = "x";
    }
    const bool request = random.chance(0.5);
    Random whole_random(seed);
    const std::string whole = parse(message, request, whole_random, 1'000'000'000);
    // How it is cut makes no difference.
    EXPECT_EQ(parse(message, request, random, 1 + random.below(10)), whole) << seed << "\n" << message;
  }
}

TEST(Headers, CompareWithoutCaseAndKeepTheirOrder) {
  Headers headers{{"B", "1"}, {"a", "2"}, {"b", "3"}};
  EXPECT_EQ(headers.get("b"), "1");
  EXPECT_TRUE(headers.has("A"));
  EXPECT_FALSE(headers.has("ab"));
  EXPECT_EQ(headers.get("none"), "");
  headers.set("B", "4");
  headers.add("C", "5");
  std::string all;
  for (const auto& [name, value] : headers) all += name + value;
  EXPECT_EQ(all, "a2B4C5");
}

}  // namespace
}  // namespace crossfade::net
