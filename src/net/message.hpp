// HTTP/1.1 messages as bytes: heads written, messages read out of whatever pieces the network delivers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace crossfade::net {

class Wire;

// "GET /x HTTP/1.1" with fields and the empty line. `target` as it goes on the wire (absolute for a proxy). `host` is
// used when the request has no Host field of its own. Fields about the framing (Content-Length, Connection...) are
// ours: those given are dropped. Fails with `invalid` on a method, target or field that would break the message apart.
Result<std::string> formatRequestHead(const Request& request, std::string_view target, std::string_view host);

// How the end of a response's body is told to the client.
enum class Framing { length, chunked, until_close, none };

// "HTTP/1.1 200 OK" with fields, Date and the empty line. Same rules as above; `keep_alive` is for the Connection
// field.
Result<std::string> formatResponseHead(const Response& response, Framing framing, bool keep_alive, TimePoint now);

// The usual words for a status: "Not Found"; empty when there are none.
std::string_view reasonPhrase(int status);

// Reads one message. What was parsed is public: `method`, `target` or `status`, and `headers` from headDone() on,
// `body` as it grows (callers may take from it).
class MessageParser {
 public:
  static std::unique_ptr<MessageParser> ofRequest();
  // `answers_head`: the request was a HEAD, so no body follows whatever the fields say.
  static std::unique_ptr<MessageParser> ofResponse(bool answers_head);
  virtual ~MessageParser() = default;

  // Takes what it can use of `bytes` and returns how much; give the rest again with more behind it. Stops after the
  // head. `invalid` for what is not HTTP (the connection is then worthless), `too_large` for a head above 64 KiB or a
  // body above the limit.
  virtual Result<std::size_t> put(std::string_view bytes) = 0;
  // The peer has closed. `unavailable` unless that is how this message ends.
  virtual Result<> putEnd() = 0;
  // Call after headDone(): without it no body is accepted at all. `too_large` when the announced length is above it.
  virtual Result<> allowBody(std::uint64_t max_bytes) = 0;

  virtual bool headDone() const = 0;
  virtual bool done() const = 0;
  // The connection can carry another message after this one.
  virtual bool keepAlive() const = 0;

  std::string method;
  std::string target;
  int status = 0;
  int minor_version = 1;  // of HTTP/1.x
  Headers headers;
  std::string body;
};

// Moves the parser on by what was read `ahead`, or by one read of the wire when that is not enough.
// The caller keeps all three alive.
Task<Result<>> advance(Wire& wire, std::string& ahead, MessageParser& parser, TimePoint deadline);

}  // namespace crossfade::net
