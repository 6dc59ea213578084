// The server, against clients of every manner.
#include "unit/net/net_fixture.hpp"

namespace crossfade::net {
namespace {

using namespace test;

// Answers with the request: method, target and body.
Task<Response> echo(Request request) {
  Response response;
  response.headers = {{"Content-Type", "text/plain"}};
  response.body = request.method + " " + request.target + " " + request.body;
  co_return response;
}

struct ServerTest : testing::Test {
  Loop loop;
  std::unique_ptr<Server> server;

  void start(Handler handler, ServerOptions options = {}) {
    auto listening = listen(loop.executor(), loop.clock(), std::move(options), std::move(handler));
    ASSERT_TRUE(listening) << listening.error().message;
    server = std::move(*listening);
  }
  // What comes back for these bytes until the server closes.
  std::string talk(const std::string& bytes) {
    RawClient client(loop, server->port());
    client.send(bytes);
    return client.receive();
  }
  // A server whose every answer is the stream of one faucet.
  std::shared_ptr<Faucet> startStreaming(ServerOptions options = {}) {
    auto faucet = std::make_shared<Faucet>(loop.clock());
    start(
        [faucet](Request) {
          Response response;
          response.stream = std::make_unique<FaucetReader>(faucet);
          return answer(std::move(response));
        },
        std::move(options));
    return faucet;
  }
};

std::string statusOf(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
std::string bodyOf(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == answer.npos ? "no head" : answer.substr(end + 4);
}

TEST_F(ServerTest, AnswersWithLengthAndDate) {
  start(echo);
  const std::string answer = talk("GET /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ")) << answer;
  EXPECT_TRUE(answer.contains(" GMT\r\nContent-Length: 9\r\nConnection: close\r\n")) << answer;
  EXPECT_EQ(bodyOf(answer), "GET /a?b ");
}

TEST_F(ServerTest, ServesPipelinedRequestsInOrder) {
  start(echo);
  const std::string answer = talk(
      "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;ext=1\r\nf\r\n0\r\nTrailer: "
      "t\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto first = answer.find("POST /1 abc");
  const auto second = answer.find("POST /2 def");
  const auto third = answer.find("GET /3 ");
  EXPECT_TRUE(first < second && second < third && third != answer.npos) << answer;
}

TEST_F(ServerTest, TakesABodyByteByByte) {
  start(echo);
  RawClient client(loop, server->port());
  for (const char c : std::string("PUT /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")) {
    client.send(std::string(1, c));
    loop.get(answer({}));  // lets the server read
  }
  EXPECT_EQ(bodyOf(client.receive()), "PUT /x hi");
}

TEST_F(ServerTest, RefusesWhatIsNotHttp) {
  start(echo);
  struct Case {
    std::string bytes;
    const char* status;
  };
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  for (const Case& c : {
           Case{"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{"GET / HTTP/9.9\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{"GET / HTTP/1.1\r\nHost: x\r\nbad field\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello", "HTTP/1.1 400 Bad Request"},
           Case{head + "Content-Length: -1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{head + "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           Case{head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 Bad Request"},
           Case{head + "Expect: tea\r\n\r\n", "HTTP/1.1 417 Expectation Failed"},
           Case{head + "X: " + std::string(70'000, 'x') + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
       }) {
    const std::string answer = talk(c.bytes);
    EXPECT_EQ(statusOf(answer), c.status) << c.bytes.substr(0, 100);
    EXPECT_TRUE(answer.contains("Connection: close\r\n"));
  }
}

TEST_F(ServerTest, RefusesBodiesAboveTheLimit) {
  start(echo, {.max_body_bytes = 10});
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  EXPECT_EQ(statusOf(talk(head + "Content-Length: 10\r\n\r\n0123456789")), "HTTP/1.1 200 OK");
  EXPECT_EQ(statusOf(talk(head + "Content-Length: 11\r\n\r\n")), "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(statusOf(talk(head + "Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n3\r\n890\r\n0\r\n\r\n")),
            "HTTP/1.1 413 Payload Too Large");
  // The answer survives even when the client has sent much more than was read.
  EXPECT_EQ(statusOf(talk(head + "Content-Length: 100000\r\n\r\n" + std::string(100'000, 'x'))),
            "HTTP/1.1 413 Payload Too Large");
}

TEST_F(ServerTest, InvitesTheBodyThatWaits) {
  start(echo);
  RawClient client(loop, server->port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.receive("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(bodyOf(client.receive()), "PUT / ok");
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  start(echo);
  const std::string answer = talk("HEAD /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.contains("Content-Length: 11\r\n")) << answer;
  EXPECT_EQ(bodyOf(answer), "");
}

TEST_F(ServerTest, SomeStatusesHaveNoBody) {
  start([](Request) {
    Response response;
    response.status = 204;
    response.body = "ignored";
    return answer(std::move(response));
  });
  const std::string answer = talk("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_FALSE(answer.contains("Content-Length")) << answer;
  EXPECT_EQ(bodyOf(answer), "");
}

TEST_F(ServerTest, AHandlerCantBreakTheFraming) {
  start([](Request request) {
    Response response;
    response.headers = {{"Content-Length", "999"}, {"Transfer-Encoding", "chunked"}};
    if (request.target == "/bad") response.headers.add("X", "a\r\nSet-Cookie: evil");
    return answer(std::move(response));
  });
  const std::string head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string plain = talk("GET / " + head);
  EXPECT_TRUE(plain.contains("Content-Length: 0\r\n"));
  EXPECT_FALSE(plain.contains("999") || plain.contains("chunked"));
  const std::string refused = talk("GET /bad " + head);
  EXPECT_EQ(statusOf(refused), "HTTP/1.1 500 Internal Server Error");
  EXPECT_FALSE(refused.contains("evil"));
}

TEST_F(ServerTest, OldClientsAreServedAndClosed) {
  start(echo);
  EXPECT_EQ(bodyOf(talk("GET / HTTP/1.0\r\n\r\n")), "GET / ");
}

TEST_F(ServerTest, DropsHalfHeads) {
  start(echo, {.head_timeout = milliseconds(50)});
  EXPECT_EQ(statusOf(talk("GET / HTTP/1.1\r\nHo")), "HTTP/1.1 408 Request Timeout");
}

TEST_F(ServerTest, DropsHalfBodies) {
  start(echo, {.head_timeout = milliseconds(50)});
  EXPECT_EQ(statusOf(talk("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc")),
            "HTTP/1.1 408 Request Timeout");
}

TEST_F(ServerTest, DropsIdleClientsSilently) {
  start(echo, {.idle_timeout = milliseconds(50)});
  EXPECT_EQ(talk(""), "");
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("GET / "));
}

TEST_F(ServerTest, StreamsPieceByPiece) {
  const auto faucet = startStreaming();
  RawClient client(loop, server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  // The head comes before there is any piece.
  const std::string head = client.receive("\r\n\r\n");
  EXPECT_TRUE(head.contains("Transfer-Encoding: chunked\r\n")) << head;
  faucet->pour("one");
  EXPECT_EQ(client.receive("one\r\n"), "3\r\none\r\n");
  faucet->pour(std::string(20, 'x'));
  EXPECT_EQ(client.receive("x\r\n"), "14\r\n" + std::string(20, 'x') + "\r\n");
  faucet->end();
  EXPECT_EQ(client.receive("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_TRUE(faucet->destroyed);
  EXPECT_FALSE(faucet->cancelled);
}

TEST_F(ServerTest, TheConnectionLivesOnAfterAStream) {
  const auto faucet = startStreaming();
  RawClient client(loop, server->port());
  // The second request arrives while the first answer is still streaming.
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HT");
  client.receive("\r\n\r\n");
  client.send("TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  faucet->pour("first");
  client.receive("first\r\n");
  faucet->end();
  EXPECT_EQ(bodyOf(client.receive().substr(5)), "0\r\n\r\n");
}

TEST_F(ServerTest, OldClientsGetStreamsUntilClose) {
  const auto faucet = startStreaming();
  faucet->pour("abc");
  faucet->end();
  EXPECT_EQ(bodyOf(talk("GET / HTTP/1.0\r\n\r\n")), "abc");
}

TEST_F(ServerTest, AClientThatLeavesCancelsItsStream) {
  const auto faucet = startStreaming();
  RawClient client(loop, server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive("\r\n\r\n");
  client.close();
  EXPECT_TRUE(loop.until([&] { return faucet->destroyed; }));
  EXPECT_TRUE(faucet->cancelled);
}

TEST_F(ServerTest, AStreamThatFailsIsCutOff) {
  const auto faucet = startStreaming();
  RawClient client(loop, server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive("\r\n\r\n");
  faucet->cancelled = true;
  faucet->pour("");
  EXPECT_FALSE(client.receive().contains("0\r\n\r\n"));
}

TEST_F(ServerTest, AClientThatDoesNotReadIsDropped) {
  const auto faucet = startStreaming({.idle_timeout = milliseconds(100)});
  RawClient client(loop, server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  faucet->pour(std::string(50 << 20, 'x'));
  EXPECT_TRUE(loop.until([&] { return faucet->destroyed; }));
}

TEST_F(ServerTest, DroppingTheServerClosesAll) {
  const auto faucet = startStreaming();
  RawClient idle(loop, server->port());
  RawClient streaming(loop, server->port());
  streaming.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  streaming.receive("\r\n\r\n");
  server.reset();
  EXPECT_EQ(idle.receive(), "");
  EXPECT_EQ(streaming.receive(), "");
  EXPECT_TRUE(loop.until([&] { return faucet->destroyed; }));
}

TEST_F(ServerTest, HoldsManyIdleStreams) {
  const auto faucet = startStreaming();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 500; ++i) {
    clients.push_back(std::make_unique<RawClient>(loop, server->port()));
    clients.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (const auto& client : clients) EXPECT_TRUE(client->receive("\r\n\r\n").starts_with("HTTP/1.1 200"));
  faucet->end();
  for (const auto& client : clients) EXPECT_EQ(client->receive("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(ServerTest, SaysWhyItCantListen) {
  start(echo);
  const auto taken = listen(loop.executor(), loop.clock(), {.port = server->port()}, echo);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message, fmt::format("listen on 127.0.0.1:{}: Address already in use", server->port()));
  const auto nowhere = listen(loop.executor(), loop.clock(), {.address = "somewhere"}, echo);
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().message.starts_with("listen on somewhere:0: ")) << nowhere.error().message;
}

TEST(ServerEnd, ALoopMayEndInTheMiddleOfEverything) {
  std::shared_ptr<Faucet> faucet;
  {
    Loop loop;
    faucet = std::make_shared<Faucet>(loop.clock());
    auto server = listen(loop.executor(), loop.clock(), {}, [faucet](Request) {
      Response response;
      response.stream = std::make_unique<FaucetReader>(faucet);
      return answer(std::move(response));
    });
    ASSERT_TRUE(server);
    const auto dialer = makeDialer(loop.executor(), loop.clock());
    const Origin origin{.tls = false, .host = "127.0.0.1", .port = (*server)->port(), .base_path = ""};
    const auto transport = dialer->dial(origin, {});
    auto stream = loop.get((*transport)->open({}, seconds(5)));
    ASSERT_TRUE(stream);
    const auto read = [](BodyReader& reader) -> Task<> { (void)co_await reader.next(TimePoint::max()); };
    loop.spawn(read(*stream->stream));
    loop.get(answer({}));
  }
  EXPECT_TRUE(faucet->destroyed);
  faucet->changed.notify();
}

}  // namespace
}  // namespace crossfade::net
