#include "sim/backend.hpp"

#include <array>

namespace crossfade::sim {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> answers = {
    {{verdict_good, "1"}, {verdict_bad, "0"}, {verdict_unclear, "0.5"}, {verdict_steady, "1"}}};
constexpr Duration answer_time = milliseconds(30);

class Backend : public net::Transport {
 public:
  explicit Backend(Clock& clock) : clock_(clock) {}

  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    co_await sleepFor(clock_, std::min(answer_time, timeout));
    net::Response response;
    response.status = 400;
    response.headers.set("Content-Type", "application/json");
    response.body = R"({"status":"error","errorType":"bad_data","error":"unknown query, simulated"})";
    for (const auto& [query, value] : answers) {
      const std::string parameter = "query=" + std::string(query);
      if (!request.target.contains(parameter) && !request.body.contains(parameter)) continue;
      response.status = 200;
      response.body = fmt::format(
          R"({{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[0,"{}"]}}]}}}})",
          value);
    }
    co_return response;
  }
  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    return send(std::move(request), timeout);
  }

 private:
  Clock& clock_;
};

}  // namespace

Result<std::shared_ptr<net::Transport>> SimDialer::dial(const net::Origin& origin, const net::TlsOptions&) {
  if (const auto known = net::Origin::parse(metric_address); known->host == origin.host && known->port == origin.port)
    return std::make_shared<Backend>(clock_);
  return fail(ErrorCode::unavailable,
              fmt::format("connect to {}:{}: connection refused (simulated)", origin.host, origin.port));
}

}  // namespace crossfade::sim
