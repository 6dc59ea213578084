// Requests a second over one kept connection, client and server in one loop.
#include <benchmark/benchmark.h>

#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::net {
namespace {

Task<Response> echo(Request request) {
  Response response;
  response.body = std::move(request.body);
  co_return response;
}

Task<> ask(Transport& transport, std::string body, bool& done) {
  for (int i = 0; i < 100; ++i) {
    Request request{.method = "POST", .body = body};
    const auto response = co_await transport.send(std::move(request), seconds(10));
    if (!response) std::abort();
  }
  done = true;
}

void hundredRequests(benchmark::State& state) {
  boost::asio::io_context io;
  const auto clock = makeSystemClock(io.get_executor());
  const auto server = listen(io.get_executor(), *clock, {}, echo).value();
  const auto dialer = makeDialer(io.get_executor(), *clock);
  const auto transport = dialer->dial({.host = "127.0.0.1", .port = server->port()}, {}).value();
  for (auto iteration : state) {
    bool done = false;
    spawn(io.get_executor(), ask(*transport, std::string(static_cast<std::size_t>(state.range(0)), 'x'), done));
    while (!done) io.run_one();
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(hundredRequests)->Arg(0)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace crossfade::net
