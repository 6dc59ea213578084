#include "sim/backend.hpp"

#include <array>

namespace crossfade::sim {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> answers = {
    {{verdict_good, "1"}, {verdict_bad, "0"}, {verdict_unclear, "0.5"}, {verdict_steady, "1"}}};
constexpr Duration answer_time = milliseconds(30);
// Shorter than what the end of a run waits for measurements that could change its verdict.
constexpr std::uint64_t longest_delay_ms = 6000;
constexpr int most_errors = 2;

std::string answerWith(std::string_view value) {
  return fmt::format(
      R"({{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[0,"{}"]}}]}}}})",
      value);
}

std::string queryOf(const std::string& text) {
  const auto from = text.find("query=");
  return from == std::string::npos ? "" : text.substr(from + 6, text.find('&', from) - from - 6);
}

class Backend : public net::Transport {
 public:
  Backend(Clock& clock, MetricBackend& backend) : clock_(clock), backend_(backend) {}

  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    return answer(clock_, backend_, std::move(request), timeout);
  }
  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    return answer(clock_, backend_, std::move(request), timeout);
  }

 private:
  static Task<Result<net::Response>> answer(Clock& clock, MetricBackend& backend, net::Request request,
                                            Duration timeout) {
    net::Response response;
    response.status = 400;
    response.headers.set("Content-Type", "application/json");
    response.body = R"({"status":"error","errorType":"bad_data","error":"unknown query, simulated"})";
    const std::string asked = queryOf(request.target + "&" + request.body);
    for (const auto& [query, value] : answers) {
      if (!asked.starts_with(query)) continue;
      response.status = 200;
      response.body = answerWith(value);
    }
    Duration delay = answer_time;
    if (backend.random.chance(backend.faults.backend_delay))
      delay += milliseconds(static_cast<std::int64_t>(backend.random.below(longest_delay_ms)));
    int& errors = backend.errors[asked];
    const bool fails = errors < most_errors && backend.random.chance(backend.faults.backend_error);
    errors = fails ? errors + 1 : 0;
    const std::uint64_t kind = fails ? backend.random.below(4) : 0;
    if (fails && kind == 0) delay = timeout;
    co_await sleepFor(clock, std::min(delay, timeout));
    if (delay >= timeout) co_return fail(ErrorCode::timeout, "no answer in time (simulated)");
    if (fails && kind == 1) co_return fail(ErrorCode::unavailable, "connection reset by peer (simulated)");
    if (fails && kind == 2) response.status = 503;
    if (fails && kind == 3) response.body.resize(response.body.size() / 2);
    co_return response;
  }

  Clock& clock_;
  MetricBackend& backend_;
};

}  // namespace

Result<std::shared_ptr<net::Transport>> SimDialer::dial(const net::Origin& origin, const net::TlsOptions&) {
  if (const auto known = net::Origin::parse(metric_address); known->host == origin.host && known->port == origin.port)
    return std::make_shared<Backend>(clock_, backend_);
  return fail(ErrorCode::unavailable,
              fmt::format("connect to {}:{}: connection refused (simulated)", origin.host, origin.port));
}

}  // namespace crossfade::sim
