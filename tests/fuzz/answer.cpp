// A metric's provider (JSON), and what its backend answers, whoever is asked and whatever for.
#include "base/base64.hpp"
#include "base/virtual_clock.hpp"
#include "fuzz/targets.hpp"
#include "providers/provider.hpp"

namespace crossfade::fuzz {
namespace {

// Every request gets the same body.
class OneAnswer final : public net::Transport {
 public:
  explicit OneAnswer(std::string body) : body_(std::move(body)) {}
  Task<Result<net::Response>> send(net::Request, Duration) override { return reply(body_); }
  Task<Result<net::Response>> open(net::Request, Duration) override { return reply(body_); }

 private:
  static Task<Result<net::Response>> reply(std::string body) {
    co_return net::Response{200, {}, std::move(body), nullptr};
  }
  const std::string body_;
};

class OneBackend final : public net::Dialer {
 public:
  explicit OneBackend(std::string body) : backend_(std::make_shared<OneAnswer>(std::move(body))) {}
  Result<std::shared_ptr<net::Transport>> dial(const net::Origin&, const net::TlsOptions&) override { return backend_; }

 private:
  std::shared_ptr<net::Transport> backend_;
};

// A Secret with all that any provider looks for.
std::string secret() {
  json::object data;
  for (const auto& [key, value] :
       {std::pair("address", "https://backend"), std::pair("api-key", "a"), std::pair("app-key", "b"),
        std::pair("authToken", "t"), std::pair("org", "o"), std::pair("personal-api-key", "p"),
        std::pair("account-id", "7"), std::pair("region", "us"), std::pair("acme.wavefront.com", "w")})
    data[key] = encodeBase64(value);
  return json::serialize(json::object{{"kind", "Secret"}, {"data", std::move(data)}});
}

}  // namespace

void answer(std::string_view input) {
  const auto [provider, body] = halves(input);
  const auto parsed = parseJson(provider);
  if (!parsed || !parsed->is_object()) return;
  VirtualLoop loop;
  kube::Client client(std::make_shared<OneAnswer>(secret()), loop.clock(), kube::Config(), "fuzz");
  OneBackend backend{std::string(body)};
  providers::Context context{client, backend, loop.clock(), "", ""};
  context.environment = [](std::string_view name) -> std::optional<std::string> {
    return name.starts_with("AWS_") ? std::optional<std::string>("x") : std::nullopt;
  };
  api::Metric metric;
  metric.name = "m";
  metric.success_condition = "result[0] < 5";
  metric.provider = api::Carried(*parsed);
  const auto made = providers::makeProvider(context, metric);
  if (!made) return require(!made.error().message.empty(), "a problem has a message");
  const api::AnalysisRun run;
  const std::optional<api::Measurement> measurement = loop.get((*made)->run(run, metric));
  require(measurement.has_value(), "a measurement is made");
  require(measurement->started_at.has_value(), "it has begun");
  require(measurement->phase != "Error" || !measurement->message.empty(), "an error says why");
  loop.kill();
}

}  // namespace crossfade::fuzz
