#include "demo/load.hpp"

namespace crossfade::demo {
namespace {

constexpr Duration request_timeout = seconds(5);
// So many send in turn: a slow answer delays nobody else.
constexpr int senders = 32;

}  // namespace

struct Load::State {
  Clock& clock;
  std::shared_ptr<net::Transport> gateway;
  std::string host;
  Duration period;  // of one sender
  bool stopped = false;
  std::vector<Sample> samples;
};

Load::Load(Executor executor, Clock& clock, std::shared_ptr<net::Transport> gateway, std::string host, int rate)
    : state_(std::make_shared<State>(
          State{clock, std::move(gateway), std::move(host), Duration(seconds(senders)) / rate, false, {}})) {
  for (int sender = 0; sender < senders; ++sender) {
    spawn(executor, work(state_, clock.now() + state_->period * sender / senders));
  }
}

Load::~Load() { stop(); }
void Load::stop() { state_->stopped = true; }
const std::string& Load::host() const { return state_->host; }
const std::vector<Sample>& Load::samples() const { return state_->samples; }

std::map<std::string, std::int64_t> Load::countSent(TimePoint from, TimePoint to) const {
  std::map<std::string, std::int64_t> counts;
  for (auto sample = state_->samples.rbegin(); sample != state_->samples.rend(); ++sample) {
    if (sample->answered < from) break;  // answers are in order, and none came before its request
    if (sample->sent >= from && sample->sent < to) ++counts[sample->version];
  }
  return counts;
}

Task<> Load::work(std::shared_ptr<State> state, TimePoint first) {
  for (TimePoint next = first; !state->stopped; next += state->period) {
    co_await sleepUntil(state->clock, next);
    if (state->stopped) co_return;
    net::Request request;
    request.headers.set("Host", state->host);
    Sample sample;
    sample.sent = state->clock.now();
    const Result<net::Response> response = co_await state->gateway->send(std::move(request), request_timeout);
    sample.answered = state->clock.now();
    if (response) {
      sample.status = response->status;
      sample.version = response->headers.get("x-crossfade-version");
    }
    state->samples.push_back(std::move(sample));
  }
}

}  // namespace crossfade::demo
