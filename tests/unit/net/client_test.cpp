// The client, against our own server and against scripted ones that misbehave.
#include "unit/net/net_fixture.hpp"

namespace crossfade::net {
namespace {

using namespace test;

struct ClientTest : testing::Test {
  Loop loop;
  std::unique_ptr<Dialer> dialer = makeDialer(loop.executor(), loop.clock());
  std::unique_ptr<Server> server;

  std::shared_ptr<Transport> dial(const Origin& origin) { return dialer->dial(origin, {}).value(); }
  // A transport to a server of our own.
  std::shared_ptr<Transport> serve(Handler handler, ServerOptions options = {}) {
    server = listen(loop.executor(), loop.clock(), std::move(options), std::move(handler)).value();
    return dial({.tls = false, .host = "127.0.0.1", .port = server->port(), .base_path = ""});
  }
  std::shared_ptr<Faucet> faucet = std::make_shared<Faucet>(loop.clock());
  Handler streaming() {
    return [faucet = faucet](Request) {
      Response response;
      response.stream = std::make_unique<FaucetReader>(faucet);
      return answer(std::move(response));
    };
  }
  Result<Response> send(const std::shared_ptr<Transport>& transport, Request request = {},
                        Duration timeout = seconds(10)) {
    return loop.get(transport->send(std::move(request), timeout));
  }
};

Request post(std::string body) { return {.method = "POST", .target = "/", .headers = {}, .body = std::move(body)}; }

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(ClientTest, SendsAndReadsWhole) {
  const auto transport = serve([](Request request) {
    Response response;
    response.status = 404;
    response.headers = {{"X-Saw", std::string(request.headers.get("x-given"))}};
    response.body = request.method + request.target + request.body;
    return answer(std::move(response));
  });
  const auto response = send(transport, {"PATCH", "/a?b=c", {{"X-Given", "v"}}, "body"});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->headers.get("x-saw"), "v");
  EXPECT_EQ(response->body, "PATCH/a?b=cbody");
}

TEST_F(ClientTest, WritesAPlainHead) {
  RawServer raw(loop, {ok}, 1);
  const std::string host = hostAndPort("127.0.0.1", raw.origin().port);
  ASSERT_TRUE(send(dial(raw.origin()), {"POST", "/x", {{"Content-Length", "77"}, {"Accept", "*/*"}}, ""}));
  EXPECT_EQ(raw.received(), "POST /x HTTP/1.1\r\nHost: " + host +
                                "\r\nUser-Agent: crossfade\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ClientTest, KeepsConnections) {
  RawServer raw(loop, {ok, ok, ok}, 2);
  const auto transport = dial(raw.origin());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(send(transport));
  EXPECT_EQ(raw.connections(), 1);
  // Another transport to the same place shares them; the server has closed, so a new one is made.
  ASSERT_TRUE(send(dial(raw.origin())));
  EXPECT_EQ(raw.connections(), 2);
}

TEST_F(ClientTest, ReplacesAStaleConnectionOnce) {
  // The second request finds a connection that looks alive but is closed as soon as something is written: "" closes.
  RawServer raw(loop, {ok, "", ok}, 2);
  const auto transport = dial(raw.origin());
  ASSERT_TRUE(send(transport));
  const auto second = send(transport);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->body, "ok");
  EXPECT_EQ(raw.connections(), 2);
}

TEST_F(ClientTest, DoesNotRepeatOnAFreshConnection) {
  RawServer raw(loop, {"", ok}, 1);
  const auto response = send(dial(raw.origin()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(response.error().message.ends_with(": the connection was closed before an answer"))
      << response.error().message;
  EXPECT_EQ(raw.connections(), 1);
}

TEST_F(ClientTest, DoesNotRepeatWhenPartOfTheAnswerCame) {
  RawServer raw(loop, {ok, "HTTP/1.1 200", ok}, 2);
  const auto transport = dial(raw.origin());
  ASSERT_TRUE(send(transport));
  EXPECT_FALSE(send(transport));
  EXPECT_EQ(raw.connections(), 1);
}

TEST_F(ClientTest, ReadsEveryFraming) {
  struct Case {
    const char* answer;
    const char* body;
  };
  for (const Case& c : {
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"},
           Case{"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
           Case{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a"},
           Case{"HTTP/1.1 204 No Content\r\n\r\n", ""},
           Case{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb", "b"},
       }) {
    RawServer raw(loop, {c.answer}, 1);
    const auto response = send(dial(raw.origin()));
    ASSERT_TRUE(response) << c.answer << response.error().message;
    EXPECT_EQ(response->body, c.body) << c.answer;
  }
}

TEST_F(ClientTest, SaysWhatIsWrongWithAnAnswer) {
  struct Case {
    const char* answer;
    ErrorCode code;
    const char* message;
  };
  for (const Case& c : {
           Case{"SSH-2.0-OpenSSH\r\n\r\n", ErrorCode::unavailable, "malformed HTTP"},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", ErrorCode::unavailable,
                "closed in the middle of the body"},
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", ErrorCode::unavailable,
                "closed in the middle of the body"},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n", ErrorCode::too_large, "above 67108864 bytes"},
       }) {
    RawServer raw(loop, {c.answer}, 1);
    const auto response = send(dial(raw.origin()));
    ASSERT_FALSE(response) << c.answer;
    EXPECT_EQ(response.error().code, c.code) << c.answer;
    EXPECT_TRUE(response.error().message.contains(c.message)) << response.error().message;
  }
}

TEST_F(ClientTest, AnswersToHeadHaveNoBody) {
  RawServer raw(loop, {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", ok}, 2);
  const auto transport = dial(raw.origin());
  const auto response = send(transport, {.method = "HEAD", .target = "/", .headers = {}, .body = {}});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->headers.get("content-length"), "7");
  ASSERT_TRUE(send(transport));
  EXPECT_EQ(raw.connections(), 1);
}

TEST_F(ClientTest, RefusesToSendWhatBreaksTheFraming) {
  RawServer raw(loop, {ok}, 1);
  const auto transport = dial(raw.origin());
  for (const Request& request :
       {Request{"GET", "/a b", {}, ""}, Request{"GET", "", {}, ""}, Request{"GE T", "/", {}, ""},
        Request{"GET", "/", {{"X", "a\r\nY: b"}}, ""}, Request{"GET", "/", {{"X Y", ""}}, ""}}) {
    const auto response = send(transport, request);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::invalid);
  }
  EXPECT_EQ(raw.connections(), 0);
}

TEST_F(ClientTest, CarriesBigBodiesBothWays) {
  const auto transport = serve(
      [](Request request) {
        Response response;
        response.body = std::move(request.body);
        return answer(std::move(response));
      },
      {.max_body_bytes = 64 << 20});
  std::string body(20 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + i / 1000);
  const auto response = send(transport, post(body));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body == body);
}

TEST_F(ClientTest, HearsARefusalOfItsBody) {
  const auto transport = serve([](Request) { return answer({}); }, {.max_body_bytes = 1000});
  const auto response = send(transport, post(std::string(1 << 20, 'x')));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 413);
}

TEST_F(ClientTest, NamesWhoRefused) {
  RawServer gone(loop, {}, 1);
  const Origin origin = gone.origin();
  server = listen(loop.executor(), loop.clock(), {}, [](Request) { return answer({}); }).value();
  const std::uint16_t port = server->port();
  server.reset();
  const auto response = send(dial({.tls = false, .host = "127.0.0.1", .port = port, .base_path = ""}));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::unavailable);
  EXPECT_EQ(response.error().message, fmt::format("connect to 127.0.0.1:{}: Connection refused", port));
}

TEST_F(ClientTest, ResolvesNames) {
  server = listen(loop.executor(), loop.clock(), {}, [](Request request) {
             Response response;
             response.body = request.headers.get("host");
             return answer(std::move(response));
           }).value();
  const auto response = send(dial({.tls = false, .host = "localhost", .port = server->port(), .base_path = ""}));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, fmt::format("localhost:{}", server->port()));
}

TEST_F(ClientTest, TimesOutOnASilentServer) {
  const auto transport = serve([this](Request) {
    return [](Clock& clock) -> Task<Response> {
      co_await sleepFor(clock, hours(1));
      co_return Response{};
    }(loop.clock());
  });
  const auto response = send(transport, {}, milliseconds(50));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::timeout);
  EXPECT_EQ(response.error().message, fmt::format("127.0.0.1:{}: timed out", server->port()));
}

TEST_F(ClientTest, StreamsInPiecesAndThenReusesTheConnection) {
  const auto transport = serve(streaming());
  auto response = loop.get(transport->open({}, seconds(5)));
  ASSERT_TRUE(response) << response.error().message;
  ASSERT_TRUE(response->stream);
  EXPECT_EQ(response->headers.get("transfer-encoding"), "chunked");
  for (const std::string piece : {"one", "two", "three"}) {
    faucet->pour(piece);
    EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())), piece);
  }
  faucet->end();
  EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())), "");
  EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())), "");
}

TEST_F(ClientTest, ASilentStreamTimesOutAndStaysUsable) {
  const auto transport = serve(streaming());
  const auto response = loop.get(transport->open({}, seconds(5)));
  ASSERT_TRUE(response);
  for (int i = 0; i < 3; ++i) {
    const auto piece = loop.get(response->stream->next(loop.clock().now() + milliseconds(10)));
    ASSERT_FALSE(piece);
    EXPECT_EQ(piece.error().code, ErrorCode::timeout);
  }
  faucet->pour("late");
  EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())), "late");
}

TEST_F(ClientTest, CancelEndsAPendingNext) {
  const auto transport = serve(streaming());
  const auto response = loop.get(transport->open({}, seconds(5)));
  ASSERT_TRUE(response);
  std::optional<Result<std::string>> got;
  const auto read = [](BodyReader& reader, std::optional<Result<std::string>>& got) -> Task<> {
    got = co_await reader.next(TimePoint::max());
  };
  loop.spawn(read(*response->stream, got));
  loop.get(answer({}));
  EXPECT_FALSE(got);
  response->stream->cancel();
  response->stream->cancel();
  ASSERT_TRUE(loop.until([&] { return got.has_value(); }));
  EXPECT_EQ(got->error().code, ErrorCode::cancelled);
  EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())).error().code, ErrorCode::cancelled);
  // The server sees it.
  EXPECT_TRUE(loop.until([&] { return faucet->destroyed; }));
}

TEST_F(ClientTest, AReaderMayGoWhileItsNextIsPending) {
  const auto transport = serve(streaming());
  auto response = loop.get(transport->open({}, seconds(5)));
  ASSERT_TRUE(response);
  std::optional<Result<std::string>> got;
  const auto read = [](Task<Result<std::string>> next, std::optional<Result<std::string>>& got) -> Task<> {
    got = co_await std::move(next);
  };
  loop.spawn(read(response->stream->next(TimePoint::max()), got));
  loop.get(answer({}));
  response->stream.reset();
  ASSERT_TRUE(loop.until([&] { return got.has_value(); }));
  EXPECT_EQ(got->error().code, ErrorCode::cancelled);
}

TEST_F(ClientTest, OpenReadsRefusalsWhole) {
  const auto transport = serve([](Request) {
    Response response;
    response.status = 410;
    response.body = "gone";
    return answer(std::move(response));
  });
  const auto response = loop.get(transport->open({}, seconds(5)));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->stream);
  EXPECT_EQ(response->status, 410);
  EXPECT_EQ(response->body, "gone");
}

TEST_F(ClientTest, AStreamThatIsCutIsAnError) {
  RawServer raw(loop, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}, 1);
  const auto response = loop.get(dial(raw.origin())->open({}, seconds(5)));
  ASSERT_TRUE(response);
  EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())), "abc");
  const auto end = loop.get(response->stream->next(TimePoint::max()));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::unavailable);
}

TEST_F(ClientTest, TransportsMayGoDuringARequest) {
  RawServer raw(loop, {ok}, 1);
  auto transport = dial(raw.origin());
  auto sending = transport->send({}, seconds(5));
  transport.reset();
  dialer.reset();
  const auto response = loop.get(std::move(sending));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "ok");
}

}  // namespace
}  // namespace crossfade::net
