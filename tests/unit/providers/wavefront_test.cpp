// spec/08 §7 and the worked cases of §16 that concern Wavefront.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"x({"wavefront":{"address":"acme.wavefront.com","query":"ts(a.b)"}})x";

class Wavefront : public ProviderTest {
 protected:
  Wavefront() {
    goToT();
    secrets["argo-rollouts/wavefront-api-tokens"] = {{"acme.wavefront.com", "tok"}};
  }
  test::ScriptedTransport& backend() { return dialer.at("https://acme.wavefront.com:443"); }
};

TEST_F(Wavefront, Asks) {
  backend().answer(200, R"({"timeseries":[{"data":[[1767225600,1]]}]})");
  run(metricOf(plain));
  EXPECT_EQ(wire(backend().requests()[0]),
            "GET /api/v2/chart/api?autoEvents=false&e=1767225600000&g=s&i=true&includeObsoleteMetrics=false&"
            "listmode=false&p=1&q=ts%28a.b%29&s=1767225600000&strict=false\n"
            "Accept: application/json\nAuthorization: Bearer tok\nAccept-Encoding: gzip\n\n");
}

TEST_F(Wavefront, Values) {
  const std::string two = R"({"timeseries":[{"data":[[1767225599,10]]},{"data":[[1767225600,11]]}]})";
  play(
      {
          {"spec/08 §16.1 #31", "result < 15", "", R"({"timeseries":[{"data":[[1767225599,12],[1767225605,99]]}]})",
           "12.00", "Successful", ""},
          // spec/08 §18 #5: two decimals.
          {"spec/08 §16.1 #32", "result[0] < 15 && result[1] < 15", "", two, "[10.00,11.00]", "Successful", ""},
          {"spec/08 §7", "result > 4.2", "", R"({"timeseries":[{"data":[[1767225590,3],[1767225601,4.256]]}]})", "4.26",
           "Successful", ""},
          {"spec/08 §7", "", "", R"({"timeseries":[{"label":"x","data":[]}]})", "", "Error",
           "TimeSeries \"x\" in response from Wavefront has no points"},
          {"spec/08 §7", "", "", R"({"timeseries":[{"data":[[1,"x"]]}]})", "", "Error",
           "a point of a TimeSeries is no pair of numbers: [1,\"x\"]"},
      },
      plain, backend());
}

TEST_F(Wavefront, Metadata) {
  using Metadata = std::map<std::string, std::string>;
  const auto metadata = [&](const char* answer, const char* condition = "") {
    backend().answer(200, answer);
    return run(metricOf(plain, condition)).metadata;
  };
  EXPECT_EQ(metadata(R"({"timeseries":[{"data":[[1767225599,12],[1767225605,99]]}]})"),
            (Metadata{{"timestamps", "1767225599"}, {"drift", "-1"}}));  // spec/08 §16.1 #31
  EXPECT_EQ(metadata(R"({"timeseries":[{"data":[[1767225590,3],[1767225601,4.256]]}]})"),
            (Metadata{{"timestamps", "1767225601"}, {"drift", "1"}}));
  EXPECT_EQ(metadata(R"({"warnings":"w","timeseries":[{"data":[[1767225599,1]]},{"data":[[1767225600,1]]}]})"),
            (Metadata{{"warnings", "w"}, {"timestamps", "[1767225599,1767225600]"}, {"drift", "[-1,0]"}}));
  // The first of two that are equally near.
  EXPECT_EQ(metadata(R"({"timeseries":[{"data":[[1767225599,12],[1767225601,99]]}]})")["drift"], "-1");
  // Warnings stay when it goes wrong.
  EXPECT_EQ(metadata(R"({"warnings":"w","timeseries":[]})"), (Metadata{{"warnings", "w"}}));
  EXPECT_EQ(metadata(R"({"warnings":"w","timeseries":[{"data":[[1767225600,1]]}]})", "result")["warnings"], "w");
}

TEST_F(Wavefront, Tokens) {  // spec/08 §18 #22, spec/08 §18 #23
  EXPECT_EQ(run(metricOf(R"({"wavefront":{"address":"other.wavefront.com"}})")).message, "API token not found");
  EXPECT_EQ(run(metricOf(R"({"wavefront":{"address":"https://acme.wavefront.com"}})")).message, "API token not found");
  secrets.clear();
  analysis_run.metadata.ns = "team";
  secrets["team/wavefront-api-tokens"] = {{"acme.wavefront.com", "tok"}};
  EXPECT_EQ(run(metricOf(plain)).message, "secrets \"wavefront-api-tokens\" not found");
}

TEST_F(Wavefront, AsksAgainWhenThereWereTooMany) {
  for (int i = 0; i < 3; ++i) backend().answer(406, "");
  backend().answer(200, R"({"timeseries":[{"data":[[1767225600,1]]}]})");
  const TimePoint began = loop.clock().now();
  EXPECT_EQ(run(metricOf(plain)).phase, "Successful");
  EXPECT_EQ(loop.clock().now() - began, milliseconds(575 + 1075 + 1575));
}

TEST_F(Wavefront, BackendsThatMisbehave) {
  auto said = misbehave(metricOf(plain), "https://acme.wavefront.com:443");
  for (const auto& [way, cause] : {std::pair("down", "connection refused"),
                                   {"slow", "context deadline exceeded"},
                                   {"silent", "context deadline exceeded"},
                                   {"half", "unexpected EOF"},
                                   {"50 MB", "the answer is larger than 10 MiB"}}) {
    EXPECT_TRUE(said[way].starts_with("Get \"https://acme.wavefront.com/api/v2/chart/api?")) << said[way];
    EXPECT_TRUE(said[way].ends_with(fmt::format("\": {}", cause))) << said[way];
    said.erase(way);
  }
  EXPECT_EQ(said, (std::map<std::string, std::string>{
                      {"401", "server returned 401 Unauthorized\nno\n"},
                      {"404", "server returned 404 Not Found\nno\n"},
                      {"429", "server returned 429 Too Many Requests\nslow down\n"},
                      {"500", "server returned 500 Internal Server Error\noops\n"},
                      {"html", "invalid character '<' looking for beginning of value"},
                      {"empty", "unexpected end of JSON input"},
                      {"list", "json: cannot unmarshal array into Go value of type wavefront.QueryResponse"},
                      {"text", "json: cannot unmarshal string into Go value of type wavefront.QueryResponse"},
                      {"object", "No TimeSeries found in response from Wavefront"},
                  }));
}

}  // namespace
}  // namespace crossfade::providers
