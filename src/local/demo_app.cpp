// The built-in demo application: answers every path with its version, pod and pod-template hash, some of them with 500
// and all of them late, as its image's name asks for. /healthz answers 200, and 503 once it was asked to end.
#include <fmt/format.h>

#include "base/log.hpp"
#include "local/object_facts.hpp"
#include "local/process.hpp"
#include "local/service_endpoints.hpp"
#include "local/timer.hpp"
#include "net/http.hpp"

namespace crossfade::local {

namespace {

constexpr std::uint16_t default_port = 8080;
// For the last answer to reach its socket before that is closed.
constexpr Duration last_answer_delay = milliseconds(20);

// Shared with the requests in flight, which may outlive the process object.
struct State {
  State(const ProcessContext& context, const Image& image)
      : clock(context.clock), random(context.random), image(image), log(context.log), idle(context.clock) {
    hash = podHash(context.pod);
    pod = nameOf(context.pod);
    ns = namespaceOf(context.pod);
  }

  Clock& clock;
  Random& random;
  const Image image;
  std::shared_ptr<ContainerLog> log;
  std::string pod, ns, hash;
  int in_flight = 0;
  bool ending = false;
  Timer idle;  // fires the exit when nothing is in flight any more
  Exited exited;

  void endWhenIdle() {
    if (!ending || in_flight > 0) return;
    idle.setAfter(last_answer_delay, [this] {
      if (in_flight > 0 || !exited) return;
      Exited tell = std::move(exited);
      tell(0);
    });
  }
};

net::Response answer(int status, json::object body) {
  net::Response response;
  response.status = status;
  response.headers.set("content-type", "application/json");
  response.body = json::serialize(body) + "\n";
  return response;
}

Task<net::Response> handle(std::shared_ptr<State> state, net::Request request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/healthz") {
    co_return answer(state->ending ? 503 : 200, {{"status", state->ending ? "ending" : "ok"}});
  }
  ++state->in_flight;
  if (state->image.latency > Duration(0)) co_await sleepFor(state->clock, state->image.latency);
  const bool failed = state->random.chance(state->image.errors);
  json::object body{
      {"version", state->image.tag}, {"pod", state->pod}, {"namespace", state->ns}, {"hash", state->hash}};
  if (failed) {
    body["error"] = "this version fails now and then";
    state->log->line(fmt::format("{} {} 500 {}", formatTime(state->clock.now()), request.method, request.target));
  }
  net::Response response = answer(failed ? 500 : 200, std::move(body));
  response.headers.set("x-crossfade-version", state->image.tag);
  --state->in_flight;
  state->endWhenIdle();
  co_return response;
}

class DemoApp : public Process {
 public:
  DemoApp(std::shared_ptr<State> state, std::unique_ptr<net::Server> server, std::set<std::uint16_t> ports,
          Clock& clock, Exited exited)
      : state_(std::move(state)), server_(std::move(server)), ports_(std::move(ports)), crash_(clock) {
    state_->exited = std::move(exited);
    if (!state_->image.crash) return;
    crash_.setAfter(*state_->image.crash, [this] {
      state_->log->line("the demo crashes, as its image asks for");
      Exited tell = std::move(state_->exited);
      if (tell) tell(1);
    });
  }
  ~DemoApp() override {
    state_->exited = {};
    state_->idle.cancel();
  }

  void terminate() override {
    if (state_->ending) return;
    state_->ending = true;
    crash_.cancel();
    state_->log->line(
        fmt::format("{} asked to end; {} requests in flight", formatTime(state_->clock.now()), state_->in_flight));
    state_->endWhenIdle();
  }

  bool real() const override { return true; }
  std::optional<std::uint16_t> port(std::uint16_t container_port) const override {
    if (!ports_.contains(container_port)) return std::nullopt;
    return server_->port();
  }

 private:
  std::shared_ptr<State> state_;
  std::unique_ptr<net::Server> server_;
  std::set<std::uint16_t> ports_;
  Timer crash_;
};

}  // namespace

Result<std::unique_ptr<Process>> startDemoApp(const ProcessContext& context, const Image& image, Exited exited) {
  auto state = std::make_shared<State>(context, image);
  std::set<std::uint16_t> ports;
  if (const auto* declared = getArray(context.container, {"ports"})) {
    for (const auto& port : *declared) {
      if (port.is_object()) ports.insert(static_cast<std::uint16_t>(getInt(port.get_object(), {"containerPort"})));
    }
  }
  if (ports.empty()) ports.insert(default_port);
  auto server = net::listen(context.executor, context.clock, {},
                            [state](net::Request request) { return handle(state, std::move(request)); });
  if (!server) return fail(server.error());
  context.log->line(fmt::format("{} demo {} listens on port {} (127.0.0.1:{} of this machine)",
                                formatTime(context.clock.now()), image.tag, *ports.begin(), (*server)->port()));
  return std::make_unique<DemoApp>(std::move(state), std::move(*server), std::move(ports), context.clock,
                                   std::move(exited));
}

}  // namespace crossfade::local
