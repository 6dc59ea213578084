// What all providers share: who is picked, what is contained, how a body comes. spec/08 §1, §3.
#include "providers/query.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <stdexcept>

#include "net/gzip.hpp"
#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

using Query = ProviderTest;

TEST_F(Query, TypesAndSelection) {  // spec/08 §1.1, §1.2
  const char* order[] = {"prometheus", "job",        "kayenta",  "web",      "datadog",    "wavefront",
                         "newRelic",   "cloudWatch", "graphite", "influxdb", "skywalking", "plugin"};
  const char* types[] = {"Prometheus", "Job",        "Kayenta",  "Web",      "Datadog",    "Wavefront",
                         "NewRelic",   "CloudWatch", "Graphite", "Influxdb", "skywalking", "RPCPlugin"};
  for (std::size_t first = 0; first < 12; ++first) {
    json::object several;
    for (std::size_t i = 12; i-- > first;) several[order[i]].emplace_object();
    EXPECT_EQ(providerType(metricOf(json::serialize(several))), types[first]);
  }
  EXPECT_EQ(providerType(metricOf("{}")), "Unknown Provider");
  EXPECT_EQ(run(metricOf("{}")).message, "no valid provider in metric 'm'");
}

TEST_F(Query, QueriesAreNeverInFlight) {
  for (const char* provider : {"web", "datadog", "wavefront", "newRelic", "cloudWatch", "influxdb", "skywalking"}) {
    const api::Metric metric = metricOf(json::serialize(json::object{{provider, json::object()}}));
    const auto made = makeProvider(context(), metric);
    const api::Measurement measurement = measurementIn("Running");
    EXPECT_EQ(loop.get((*made)->resume(analysis_run, metric, measurement)), measurement);
    EXPECT_EQ(loop.get((*made)->terminate(analysis_run, metric, measurement)), measurement);
    EXPECT_TRUE(loop.get((*made)->garbageCollect(analysis_run, metric, 1))->has_value());
    EXPECT_EQ((*made)->metadata(metric), (std::map<std::string, std::string>{}));
  }
}

class Crash final : public QueryProvider {
 public:
  explicit Crash(const Context& context) : QueryProvider(context) {}

 protected:
  Task<Result<Reading>> read(const api::AnalysisRun&, TimePoint) override {
    co_await yieldNow();
    throw std::runtime_error("boom");
  }
};

TEST_F(Query, ACrashEndsItsMeasurementOnly) {  // spec/08 §18 #28
  Crash crash(context());
  const api::Metric metric = metricOf("{}");
  const api::Measurement measurement = *loop.get(crash.run(analysis_run, metric));
  EXPECT_EQ(measurement.phase, "Error");
  EXPECT_EQ(measurement.message, "internal error: boom");
  EXPECT_EQ(measurement.finished_at, loop.clock().now());
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Query, CompressedAnswers) {  // spec/08 §3
  const api::Metric metric = metricOf(R"({"web":{"url":"http://qa/x"}})");
  const auto answered = [&](std::string body) {
    dialer.at("http://qa:80").answer(200, std::move(body), {{"Content-Encoding", "gzip"}});
    return run(metric);
  };
  EXPECT_EQ(answered(gzip("[1, 2]")).value, "[1,2]");
  EXPECT_EQ(answered(gzip("[1,") + gzip("2]")).value, "[1,2]");
  EXPECT_EQ(answered(gzip("[1, 2]").substr(0, 20)).message, "Received no bytes in response: gzip: unexpected EOF");
  EXPECT_EQ(answered("[1]").message, "Received no bytes in response: gzip: invalid data");
  // 50 MB in 50 kB.
  EXPECT_EQ(answered(gzip(std::string(50 << 20, ' '))).message,
            "Received no bytes in response: the answer is larger than 10 MiB");
}

TEST_F(Query, CausesInWordsThatPeopleKnow) {  // spec/08 §18 #27
  const auto cause = [&](const char* problem) {
    dialer.at("https://qa:443").fail(ErrorCode::unavailable, problem);
    return run(metricOf(R"({"web":{"url":"https://qa/x"}})")).message;
  };
  const std::string get = "Get \"https://qa/x\": ";
  EXPECT_EQ(cause("connect to 10.0.0.1:9090: Connection refused"),
            get + "dial tcp 10.0.0.1:9090: connect: connection refused");
  EXPECT_EQ(cause("lookup of prom: Host not found (authoritative)"), get + "dial tcp: lookup prom: no such host");
  EXPECT_EQ(cause("qa:443: TLS handshake failed: certificate verify failed: self-signed certificate"),
            get + "x509: certificate signed by unknown authority");
  EXPECT_EQ(cause("qa:443: TLS handshake failed: certificate verify failed: certificate has expired"),
            get + "x509: certificate has expired");
}

// spec/08 §18 #26: each measurement has a provider, settings and an answer of its own.
TEST_F(Query, ManyAtOnceDoNotMeet) {
  std::vector<std::shared_ptr<api::Measurement>> measured;
  std::vector<std::shared_ptr<Provider>> providers;
  std::vector<std::unique_ptr<api::Metric>> metrics;
  dialer.at("http://qa:80").setLatency(seconds(1));
  dialer.at("http://qa:80").otherwise([](const net::Request& request) {
    return net::Response{200, {}, request.target.substr(1), nullptr};
  });
  for (int i = 0; i < 50; ++i) {
    metrics.push_back(std::make_unique<api::Metric>(
        metricOf(fmt::format(R"({{"web":{{"url":"http://qa/{}"}}}})", i), fmt::format("result == {}", i))));
    providers.push_back(std::move(*makeProvider(context(), *metrics.back())));
    measured.push_back(std::make_shared<api::Measurement>());
    loop.spawn([](Provider& provider, const api::AnalysisRun& run, const api::Metric& metric,
                  std::shared_ptr<api::Measurement> out) -> Task<> {
      *out = co_await provider.run(run, metric);
    }(*providers.back(), analysis_run, *metrics.back(), measured.back()));
  }
  loop.run(seconds(2));
  for (const auto& one : measured) EXPECT_EQ(one->phase, "Successful") << one->message;
}

}  // namespace
}  // namespace crossfade::providers
