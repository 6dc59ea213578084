// Beast's parser behind MessageParser. The only file that includes Beast: it costs seconds to compile.
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include "net/message.hpp"

namespace crossfade::net {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t max_head_bytes = 64 << 10;

template <bool is_request>
class BeastParser final : public MessageParser, private http::basic_parser<is_request> {
  using Base = http::basic_parser<is_request>;

 public:
  explicit BeastParser(bool no_body) {
    Base::header_limit(max_head_bytes);
    Base::body_limit(boost::none);  // ours is below: it may be set after the head
    Base::skip(no_body);
  }

  Result<std::size_t> put(std::string_view bytes) override {
    if (Base::is_done()) return 0;
    error_code error;
    const std::size_t used = Base::put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    // What follows the head is taken in one go, and never before the caller has allowed it.
    if (Base::is_header_done()) Base::eager(true);
    if (!error || error == http::error::need_more) return used;
    if (error == http::error::header_limit) {
      return fail(ErrorCode::too_large, fmt::format("HTTP head above {} bytes", max_head_bytes));
    }
    if (error == http::error::body_limit) return tooLarge();
    if (!refused_.empty()) return fail(ErrorCode::invalid, "malformed HTTP: " + refused_);
    return fail(ErrorCode::invalid, "malformed HTTP: " + error.message());
  }

  Result<> putEnd() override {
    error_code error;
    if (Base::got_some()) Base::put_eof(error);
    if (Base::is_done()) return {};
    return fail(ErrorCode::unavailable, Base::is_header_done() ? "the connection was closed in the middle of the body"
                                                               : "the connection was closed before an answer");
  }

  Result<> allowBody(std::uint64_t max_bytes) override {
    limit_ = max_bytes;
    if (const auto length = Base::content_length(); !Base::is_done() && length && *length > max_bytes)
      return tooLarge();
    return {};
  }

  bool headDone() const override { return Base::is_header_done(); }
  bool done() const override { return Base::is_done(); }
  bool keepAlive() const override { return Base::keep_alive(); }

 private:
  std::unexpected<Error> tooLarge() const {
    return fail(ErrorCode::too_large, fmt::format("HTTP body above {} bytes", limit_));
  }

  void on_request_impl(http::verb, boost::beast::string_view method_text, boost::beast::string_view target_text,
                       int version, error_code&) override {
    method = method_text;
    target = target_text;
    minor_version = version % 10;
  }
  void on_response_impl(int code, boost::beast::string_view, int version, error_code&) override {
    status = code;
    minor_version = version % 10;
  }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     error_code&) override {
    // Trailers come here, too, after the body: nobody asked for them.
    if (!Base::is_header_done()) headers.add(name, value);
  }
  void on_header_impl(error_code& error) override {
    if constexpr (is_request) {
      const auto hosts =
          std::ranges::count_if(headers, [](const auto& field) { return boost::beast::iequals(field.first, "host"); });
      if (hosts > 1 || (hosts == 0 && minor_version == 1)) refused_ = "exactly one Host field is required";
      // Anything else would hide where this request ends and the next begins.
      if (headers.has("Transfer-Encoding") && !Base::chunked()) refused_ = "unknown transfer encoding";
      if (!refused_.empty()) error = http::error::bad_value;
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view bytes, error_code& error) override {
    if (bytes.size() > limit_ - received_) {
      error = http::error::body_limit;
      return 0;
    }
    received_ += bytes.size();
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, error_code& error) override {
    return on_body_impl(bytes, error);
  }
  void on_finish_impl(error_code&) override {}

  std::uint64_t limit_ = 0;
  std::uint64_t received_ = 0;
  std::string refused_;
};

}  // namespace

std::unique_ptr<MessageParser> MessageParser::ofRequest() { return std::make_unique<BeastParser<true>>(false); }
std::unique_ptr<MessageParser> MessageParser::ofResponse(bool answers_head) {
  return std::make_unique<BeastParser<false>>(answers_head);
}

std::string_view reasonPhrase(int status) {
  const http::status known = http::int_to_status(static_cast<unsigned>(status));
  return known == http::status::unknown ? std::string_view() : std::string_view(http::obsolete_reason(known));
}

}  // namespace crossfade::net
