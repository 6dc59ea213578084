// A world for providers: a virtual clock, an API server and any number of backends, all scripted.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.hpp"
#include "kube/client.hpp"
#include "providers/provider.hpp"
#include "support/scripted_dialer.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::providers {

class ProviderTest : public testing::Test {
 protected:
  ProviderTest() {
    api->otherwise([this](const net::Request& request) { return secretAnswer(request); });
  }
  ~ProviderTest() override { loop.kill(); }

  Context context() {
    Context context{client, dialer, loop.clock(), prometheus_address, job_namespace};
    context.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto entry = environment.find(name);
      return entry == environment.end() ? std::nullopt : std::optional(entry->second);
    };
    context.plugins = plugins;
    return context;
  }

  static api::Measurement measurementIn(std::string phase, std::string message = {}, std::string value = {}) {
    api::Measurement measurement;
    measurement.phase = std::move(phase);
    measurement.message = std::move(message);
    measurement.value = std::move(value);
    return measurement;
  }
  static api::Metric metricOf(std::string_view provider, std::string success = {}, std::string failure = {}) {
    api::Metric metric;
    metric.name = "m";
    metric.success_condition = std::move(success);
    metric.failure_condition = std::move(failure);
    metric.provider = api::Carried(json::parse(provider));
    return metric;
  }

  // run(), or the error of making the provider.
  api::Measurement run(const api::Metric& metric) {
    const auto provider = makeProvider(context(), metric);
    if (!provider) return failedMeasurement(loop.clock().now(), provider.error().message);
    return *loop.get((*provider)->run(analysis_run, metric));
  }

  // A worked case: what the backend answers, and what becomes of it. `id` is the case's in the specification.
  struct Case {
    const char* id;
    std::string success, failure, answer, value, phase, message;
  };
  void play(const std::vector<Case>& cases, std::string_view provider, test::ScriptedTransport& backend) {
    for (const Case& one : cases) {
      backend.answer(200, one.answer);
      const api::Measurement measurement = run(metricOf(provider, one.success, one.failure));
      EXPECT_EQ(measurement.value, one.value) << one.id;
      EXPECT_EQ(measurement.phase, one.phase) << one.id;
      EXPECT_EQ(measurement.message, one.message) << one.id;
      EXPECT_EQ(measurement.started_at, loop.clock().now()) << one.id;
      EXPECT_EQ(measurement.finished_at, loop.clock().now()) << one.id;
    }
  }

  // What a measurement says of a backend at `origin` that behaves badly, by how it does. Each ends in an Error without
  // a value, and none lasts longer than two minutes.
  std::map<std::string, std::string> misbehave(const api::Metric& metric, const std::string& origin) {
    using Handler = test::ScriptedTransport::Handler;
    const auto status = [](int code, std::string body) -> Handler {
      return [=](const net::Request&) { return net::Response{code, {}, body, nullptr}; };
    };
    const auto pieces = [this](int count, std::string piece, bool breaks_off) -> Handler {
      return [=, this](const net::Request&) {
        const auto stream = std::make_shared<test::ScriptedStream>(loop.clock());
        for (int i = 0; i < count; ++i) stream->push(piece);
        if (breaks_off) stream->fail(ErrorCode::unavailable, "unexpected EOF");
        return net::Response{200, {}, {}, std::make_unique<test::ScriptedReader>(stream)};
      };
    };
    const std::pair<const char*, Handler> ways[] = {
        {"down", nullptr},
        {"silent", pieces(0, "", false)},
        {"half", pieces(1, "{\"", true)},
        {"50 MB", pieces(50, std::string(1 << 20, ' '), false)},
        {"401", status(401, "no")},
        {"404", status(404, "no")},
        {"429", status(429, "slow down")},
        {"500", status(500, "oops")},
        {"html", status(200, "<html>")},
        {"empty", status(200, "")},
        {"list", status(200, "[1]")},
        {"text", status(200, "\"x\"")},
        {"object", status(200, "{}")},
    };
    std::map<std::string, std::string> said;
    test::ScriptedTransport& backend = dialer.at(origin);
    const auto ask = [&](const char* way) {
      const TimePoint began = loop.clock().now();
      const api::Measurement measurement = run(metric);
      const bool failed = measurement.phase == "Error";
      EXPECT_TRUE(!failed || measurement.value.empty()) << way;
      EXPECT_EQ(measurement.started_at, began) << way;
      EXPECT_EQ(measurement.finished_at, loop.clock().now()) << way;
      EXPECT_LE(loop.clock().now() - began, minutes(2)) << way;
      said[way] = failed ? measurement.message : measurement.phase;
    };
    for (const auto& [way, handler] : ways) {
      backend.otherwise(handler);
      ask(way);
    }
    backend.setLatency(minutes(10));
    ask("slow");
    backend.setLatency(Duration(0));
    backend.otherwise(nullptr);
    return said;
  }

  static std::string wire(const net::Request& request) { return test::wire(request); }

  // To 2026-01-01T00:00:00Z, the T of the worked cases.
  void goToT() { loop.run(TimePoint(seconds(1767225600)) - loop.clock().now()); }

  test::VirtualLoop loop;
  std::shared_ptr<test::ScriptedTransport> api = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client client{api, loop.clock(), kube::Config(), "crossfade/test"};
  test::ScriptedDialer dialer{loop.clock()};
  std::string prometheus_address, job_namespace;
  std::map<std::string, std::string, std::less<>> environment;
  // "namespace/name": keys and values.
  std::map<std::string, std::map<std::string, std::string>> secrets;
  PluginHost* plugins = nullptr;
  api::AnalysisRun analysis_run;

 private:
  Result<net::Response> secretAnswer(const net::Request& request) {
    for (const auto& [path, values] : secrets) {
      const auto slash = path.find('/');
      if (request.method != "GET" || request.target != fmt::format("/api/v1/namespaces/{}/secrets/{}",
                                                                   path.substr(0, slash), path.substr(slash + 1))) {
        continue;
      }
      json::object data;
      for (const auto& [key, value] : values) data[key] = encodeBase64(value);
      return net::Response{200, {}, json::serialize(json::object{{"kind", "Secret"}, {"data", data}}), nullptr};
    }
    const auto mark = request.target.find("/secrets/");
    if (mark == request.target.npos) return fail(ErrorCode::unavailable, "connection refused");
    json::object status{{"kind", "Status"},
                        {"code", 404},
                        {"reason", "NotFound"},
                        {"message", fmt::format("secrets \"{}\" not found", request.target.substr(mark + 9))}};
    return net::Response{404, {}, json::serialize(status), nullptr};
  }
};

}  // namespace crossfade::providers
