// spec/08 §10 and the worked cases of §16 that concern Kayenta.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

std::string settings(std::string_view scopes, std::string_view more = {}) {
  return fmt::format(
      R"({{"kayenta":{{"address":"http://kayenta/","application":"a b","canaryConfigName":"cfg","metricsAccountName":"met",)"
      R"("configurationAccountName":"conf","storageAccountName":"stor","threshold":{{"pass":90,"marginal":75}},{}"scopes":[{}]}}}})",
      more, scopes);
}
constexpr const char* open_scope =
    R"({"name":"default","controlScope":{"scope":"app-base","region":"us-1","step":60},"experimentScope":{"scope":"app-can","region":"us-1","step":60}})";

class Kayenta : public ProviderTest {
 protected:
  Kayenta() { goToT(); }
  test::ScriptedTransport& backend() { return dialer.at("http://kayenta:80"); }
  api::Measurement start(const std::string& provider, std::string interval = "1h") {
    backend().answer(200, R"([{"id":"x","name":"other"},{"id":"c1","name":"cfg"}])");
    backend().answer(200, R"({"canaryExecutionId":"e7"})");
    api::Metric metric = metricOf(provider);
    metric.interval = std::move(interval);
    return run(metric);
  }
  api::Measurement resume(int status, std::string body) {
    backend().answer(status, std::move(body));
    const api::Metric metric = metricOf(settings(open_scope));
    api::Measurement measurement;
    measurement.phase = "Running";
    measurement.metadata["canaryExecutionId"] = "e7";
    return *loop.get((*makeProvider(context(), metric))->resume(analysis_run, metric, measurement));
  }
};

TEST_F(Kayenta, StartsAJudgement) {  // spec/08 §16.4 #69
  const api::Measurement measurement = start(settings(open_scope));
  EXPECT_EQ(measurement.phase, "Running");
  EXPECT_EQ(measurement.metadata, (std::map<std::string, std::string>{{"canaryExecutionId", "e7"}}));
  EXPECT_EQ(measurement.resume_at, loop.clock().now() + seconds(15));
  EXPECT_FALSE(measurement.finished_at);
  // spec/08 §18 #18: the storage account looks the configuration up.
  EXPECT_EQ(wire(backend().requests()[0]),
            "GET /canaryConfig?application=a+b&configurationAccountName=stor\nAccept-Encoding: gzip\n\n");
  EXPECT_EQ(wire(backend().requests()[1]),
            "POST /canary/c1?application=a+b&metricsAccountName=met&configurationAccountName=conf&"
            "storageAccountName=stor\nContent-Type: application/json\nAccept-Encoding: gzip\n\n"
            R"({"scopes":{"default":{"controlScope":{"scope":"app-base","location":"us-1","step":60,)"
            R"("start":"2025-12-31T23:00:00Z","end":"2026-01-01T00:00:00Z"},"experimentScope":{"scope":"app-can",)"
            R"("location":"us-1","step":60,"start":"2025-12-31T23:00:00Z","end":"2026-01-01T00:00:00Z"}}},)"
            R"("thresholds":{"pass":90,"marginal":75}})");
}

TEST_F(Kayenta, Periods) {
  analysis_run.status.started_at = loop.clock().now() - seconds(3600);
  EXPECT_EQ(start(settings(open_scope, R"("lookback":true,)"), "").phase, "Running");  // spec/08 §16.4 #73
  const std::string body = backend().requests().back().body;
  EXPECT_EQ(body.find("2025-12-31T23:00:00Z"), body.find("\"start\":\"") + 9);
  EXPECT_NE(body.rfind("2025-12-31T23:00:00Z"), body.find("2025-12-31T23:00:00Z"));
  EXPECT_EQ(
      start(settings(
                R"({"name":"d","controlScope":{"start":"s1","end":"e1"},"experimentScope":{"start":"s2","end":"e2"}})"),
            "")
          .phase,
      "Running");
  EXPECT_NE(backend().requests().back().body.find(R"("start":"s2","end":"e2")"), std::string::npos);

  const auto message = [&](std::string_view scope, std::string interval = "1m") {
    const std::string said = start(settings(scope), std::move(interval)).message;
    backend().otherwise(nullptr);
    while (backend().unusedAnswers() > 0) run(metricOf(settings(open_scope)));
    return said;
  };
  EXPECT_EQ(message(R"({"name":"d","controlScope":{"start":"s1"},"experimentScope":{}})"),  // spec/08 §16.4 #72
            "controlScope.start and experimentScope.start must both be set or be empty");
  EXPECT_EQ(message(R"({"name":"d","controlScope":{},"experimentScope":{"end":"e"}})"),
            "controlScope.end and experimentScope.end must both be set or be empty");
  EXPECT_EQ(message(open_scope, ""), "Invalid duration \"\": time: invalid duration \"\"");
}

TEST_F(Kayenta, Verdicts) {
  const auto scored = [&](std::string_view score) {
    return resume(200,
                  fmt::format(R"({{"complete":true,"result":{{"judgeResult":{{"score":{{"score":{}}}}}}}}})", score));
  };
  struct Case {
    const char *id, *score, *value, *phase;
  };
  // spec/08 §18 #18: scores are truncated.
  const Case cases[] = {{"spec/08 §16.1 #40", "89.9", "89", "Inconclusive"},
                        {"spec/08 §16.1 #41", "74.99", "74", "Failed"},
                        {"spec/08 §10.3", "90", "90", "Successful"},
                        {"spec/08 §10.3", "75", "75", "Inconclusive"}};
  for (const Case& one : cases) {
    const api::Measurement measurement = scored(one.score);
    EXPECT_EQ(measurement.value, one.value) << one.id;
    EXPECT_EQ(measurement.phase, one.phase) << one.id;
    EXPECT_EQ(measurement.finished_at, loop.clock().now()) << one.id;
  }
  EXPECT_EQ(backend().last(), "GET /canary/e7");
  const api::Measurement running = resume(200, R"({"complete":false})");  // spec/08 §16.4 #70
  EXPECT_EQ(running.phase, "Running");
  EXPECT_EQ(running.resume_at, loop.clock().now() + seconds(15));
  EXPECT_FALSE(running.finished_at);
  EXPECT_EQ(resume(200, R"({"complete":true})").message, "Missing Score");  // spec/08 §16.4 #71
  EXPECT_EQ(resume(200, "{}").message, "Missing Complete Status");
  EXPECT_EQ(resume(200, R"({"complete":"yes"})").message, "type assertion to bool failed");
  EXPECT_EQ(resume(500, "").message, "Invalid Response");
  EXPECT_EQ(resume(500, "").metadata.at("canaryExecutionId"), "e7");
}

TEST_F(Kayenta, IsNotWaitedForAnyLonger) {  // spec/08 §10.4
  const api::Metric metric = metricOf(settings(open_scope));
  const auto provider = makeProvider(context(), metric);
  const auto ended = *loop.get((*provider)->terminate(analysis_run, metric, {}));
  EXPECT_EQ(ended.phase, "Inconclusive");
  EXPECT_EQ(ended.finished_at, loop.clock().now());
}

TEST_F(Kayenta, WhatCantBeStarted) {
  const auto message = [&] { return run(metricOf(settings(open_scope))).message; };
  const std::string config = R"([{"id":"c1","name":"cfg"}])";
  backend().answer(200, R"([{"id":"x","name":"other"}])");
  EXPECT_EQ(message(), "Canary config not found");
  api::Metric metric = metricOf(settings(open_scope));
  metric.interval = "1m";
  for (const auto& [body, said] : {std::pair(R"({"canaryExecutionId":""})", "Invalid canaryExecutionId"),
                                   {"{}", "Invalid canaryExecutionId"},
                                   {"<", "invalid character '<' looking for beginning of value"}}) {
    backend().answer(200, config);
    backend().answer(200, body);
    EXPECT_EQ(run(metric).message, said);
  }
  backend().answer(200, config);
  backend().answer(400, "");
  EXPECT_EQ(run(metric).message, "Invalid Response");
}

TEST_F(Kayenta, BackendsThatMisbehave) {
  const std::string get = "Get \"http://kayenta/canaryConfig?application=a+b&configurationAccountName=stor\": ";
  EXPECT_EQ(
      misbehave(metricOf(settings(open_scope)), "http://kayenta:80"),
      (std::map<std::string, std::string>{
          {"down", get + "connection refused"},
          {"slow", get + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
          {"silent", get + "context deadline exceeded (Client.Timeout or context cancellation while reading body)"},
          {"half", get + "unexpected EOF"},
          {"50 MB", get + "the answer is larger than 10 MiB"},
          {"401", "Invalid Response: HTTP 401"},
          {"404", "Invalid Response: HTTP 404"},
          {"429", "Invalid Response: HTTP 429"},
          {"500", "Invalid Response: HTTP 500"},
          {"html", "invalid character '<' looking for beginning of value"},
          {"empty", "unexpected end of JSON input"},
          {"list", "Canary config not found"},
          {"text", "json: cannot unmarshal string into Go value of type []kayenta.canaryConfig"},
          {"object", "json: cannot unmarshal object into Go value of type []kayenta.canaryConfig"},
      }));
}

}  // namespace
}  // namespace crossfade::providers
