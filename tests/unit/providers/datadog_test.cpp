// spec/08 §5 and the worked cases of §16 that concern Datadog.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* first = R"({"datadog":{"query":"avg:x{*}"}})";
constexpr const char* second = R"({"datadog":{"apiVersion":"v2","query":"avg:x{*}"}})";
constexpr const char* empty_result = "metric result is nil or empty: no data returned from the metric provider";

class Datadog : public ProviderTest {
 protected:
  Datadog() { secrets["argo-rollouts/datadog"] = {{"api-key", "AK"}, {"app-key", "PK"}}; }
  test::ScriptedTransport& backend() { return dialer.at("https://api.datadoghq.com:443"); }
};

std::string columns(std::string_view list) {
  return fmt::format(R"({{"data":{{"attributes":{{"columns":[{}]}}}}}})", list);
}

TEST_F(Datadog, FirstVersionAsks) {  // spec/08 §16.2 #48, spec/08 §18 #11: the interval is the window
  goToT();
  backend().answer(200, R"({"series":[]})");
  run(metricOf(R"({"datadog":{"query":"avg:x{*}","interval":"5m","apiVersion":"v1"}})"));
  EXPECT_EQ(wire(backend().requests()[0]),
            "GET /api/v1/query?from=1767225300&query=avg%3Ax%7B%2A%7D&to=1767225600\n"
            "Content-Type: application/json\nDD-API-KEY: AK\nDD-APPLICATION-KEY: PK\nAccept-Encoding: gzip\n\n");
}

TEST_F(Datadog, SecondVersionAsks) {
  goToT();
  backend().answer(200, columns(""));
  run(metricOf(second));
  EXPECT_EQ(wire(backend().requests()[0]),
            "POST /api/v2/query/scalar\n"
            "Content-Type: application/json\nDD-API-KEY: AK\nDD-APPLICATION-KEY: PK\nAccept-Encoding: gzip\n\n"
            R"({"data":{"attributes":{"from":1767225300000,"to":1767225600000,"queries":[{"aggregator":"last",)"
            R"("data_source":"metrics","name":"query","query":"avg:x{*}"}],"formulas":[]},"type":"scalar_request"}})");
  // spec/08 §16.2 #49
  backend().answer(200, columns(""));
  run(metricOf(R"({"datadog":{"apiVersion":"v2","interval":"1m","queries":{"b":"q2","a":"q1"},"formula":"a/b"}})"));
  EXPECT_EQ(backend().requests()[1].body,
            R"({"data":{"attributes":{"from":1767225540000,"to":1767225600000,"queries":[{"aggregator":"last",)"
            R"("data_source":"metrics","name":"a","query":"q1"},{"aggregator":"last","data_source":"metrics",)"
            R"("name":"b","query":"q2"}],"formulas":[{"formula":"a/b"}]},"type":"scalar_request"}})");
  backend().answer(200, columns(""));
  run(metricOf(R"({"datadog":{"apiVersion":"v2","query":"q","aggregator":"avg"}})"));
  EXPECT_NE(backend().requests()[2].body.find(R"("aggregator":"avg")"), std::string::npos);
}

TEST_F(Datadog, FirstVersionValues) {
  const std::string condition = "could not evaluate successCondition \"result < 0.05\": ";
  play(
      {
          {"spec/08 §16.1 #17", "result < 0.05", "", R"({"series":[{"pointlist":[[1,0.003],[2,0.006]]}]})", "0.006",
           "Successful", ""},
          // spec/08 §18 #2: no data is nil, and default() helps.
          {"spec/08 §16.1 #18", "default(result, 0) < 0.05", "", R"({"series":[]})", "[]", "Successful", ""},
          {"spec/08 §16.1 #19", "result < 0.05", "", R"({"series":[]})", "", "Error", condition + empty_result},
          {"spec/08 §16.1 #20", "", "", R"({"series":[{"pointlist":[[2]]}]})", "", "Error",
           "Datapoint does not have 2 values"},
          {"spec/08 §5.5", "isNil(result)", "", R"({})", "null", "Successful", ""},
          {"spec/08 §5.5", "isNil(result)", "", R"({"series":[{"metric":"x","pointlist":[]}]})",
           R"([{"pointlist":[]}])", "Successful", ""},
          {"spec/08 §5.5", "isNil(result)", "", R"({"series":[{"metric":"x"}]})", R"([{"pointlist":null}])",
           "Successful", ""},
          // A null at the end is no 0.
          {"spec/08 §5.5", "result > 0", "", R"({"series":[{"pointlist":[[1,7],[2,null]]}]})", "7", "Successful", ""},
          {"spec/08 §5.5", "isNil(result)", "", R"({"series":[{"pointlist":[[1,null]]}]})",
           R"([{"pointlist":[[1,null]]}])", "Successful", ""},
          // spec/08 §18 #5: never an exponent.
          {"spec/08 §5.5", "", "", R"({"series":[{"pointlist":[[1,1e-9]]}]})", "0.000000001", "Successful", ""},
          {"spec/08 §5.5", "", "", R"({"series":"x"})", "", "Error",
           "Could not parse JSON body: json: cannot unmarshal string into Go value of type []struct"},
      },
      first, backend());
  backend().answer(403, "no");  // spec/08 §16.1 #21
  EXPECT_EQ(run(metricOf(first)).message, "received authentication error response code: 403 no");
  backend().answer(204, "");
  EXPECT_EQ(run(metricOf(first)).message, "received non 2xx response code: 204 ");
}

TEST_F(Datadog, SecondVersionValues) {
  const std::string region = R"({"type":"group","name":"region","values":[["a"]]})";
  play(
      {
          {"spec/08 §16.1 #22", "result < 0.05", "", columns(R"({"values":[0.0016]})"), "0.0016", "Successful", ""},
          // spec/08 §18 #1: a grouped answer is a list, even of one.
          {"spec/08 §16.1 #23", "len(result) == 1 && result[0] < 1", "",
           columns(region + R"(,{"type":"number","values":[0.5]})"), "[0.5]", "Successful", ""},
          {"spec/08 §16.1 #24", "default(result, 0) < 1", "", columns(R"({"type":"number","values":[null]})"), "[]",
           "Successful", ""},
          {"spec/08 §16.1 #25", "", "", columns(R"({"type":"number","name":"query","values":["x"]})"), "", "Error",
           "could not parse numeric value \"\\\"x\\\"\" in column \"query\": json: cannot unmarshal string into Go "
           "value of type float64"},
          {"spec/08 §16.1 #26", "", "",
           columns(R"({"type":"group","values":[["a"],null]},{"type":"number","values":[1,2]})"), "", "Error",
           "could not parse group label at index 1"},
          {"spec/08 §16.1 #27", "", "", R"({"data":{"errors":"bad q"}})", "", "Error",
           "There were errors in your query: bad q"},
          {"spec/08 §5.5", "isNil(result)", "", columns(region), "[]", "Successful", ""},
          {"spec/08 §5.5", "result == 2", "", columns(R"({"type":"number","values":[null,2,3]})"), "2", "Successful",
           ""},
      },
      second, backend());
  backend().answer(200, columns(region + R"(,{"type":"number","values":[0.5]})"));
  EXPECT_EQ(run(metricOf(second)).metadata,
            (std::map<std::string, std::string>{{"groups", R"([{"name":"a","value":0.5}])"}}));
}

TEST_F(Datadog, Groups) {  // spec/08 §5.6
  const std::string answer = columns(R"({"name":"region","type":"group","values":[["eu"],["eu"],["us"]]},)"
                                     R"({"name":"host","type":"group","values":[["h1"],["h2"],["h9"]]},)"
                                     R"({"name":"query","type":"number","values":[0.01,null,0.087]})");
  backend().answer(200, answer);
  const api::Measurement measurement = run(metricOf(second, "max(result) < 0.05"));
  EXPECT_EQ(measurement.value, "[0.01,0.087]");
  EXPECT_EQ(measurement.phase, "Failed");
  EXPECT_EQ(measurement.metadata,
            (std::map<std::string, std::string>{
                {"groups", R"([{"name":"eu,h1","value":0.01},{"name":"us,h9","value":0.087}])"}}));
  backend().answer(200, answer);
  EXPECT_TRUE(run(metricOf(second, "result < 1")).metadata.empty());  // an Error drops it
}

TEST_F(Datadog, VeryManyGroupsAreToldInPart) {  // spec/08 §5.5, v2, 7
  const auto groups = [&](int count) {
    std::string names, values;
    for (int i = 0; i < count; ++i) {
      names += fmt::format("{}[\"g{}\"]", i == 0 ? "" : ",", i);
      values += fmt::format("{}{}", i == 0 ? "" : ",", (i * 7) % count);  // each once, in disorder
    }
    backend().answer(200, columns(fmt::format(R"({{"type":"group","values":[{}]}},{{"type":"number","values":[{}]}})",
                                              names, values)));
    return run(metricOf(second, fmt::format("len(result) == {}", count)));
  };
  const api::Measurement hundred = groups(100);
  EXPECT_EQ(hundred.phase, "Successful");
  EXPECT_FALSE(hundred.metadata.contains("groups_truncated"));
  EXPECT_EQ(json::parse(hundred.metadata.at("groups")).get_array().size(), 100U);
  const api::Measurement many = groups(120);
  EXPECT_EQ(many.phase, "Successful");
  EXPECT_EQ(many.metadata.at("groups_truncated"), "true");
  const json::array told = json::parse(many.metadata.at("groups")).get_array();
  ASSERT_EQ(told.size(), 100U);
  EXPECT_EQ(told.front().at("value"), 0);
  EXPECT_EQ(told[49].at("value"), 49);
  EXPECT_EQ(told[50].at("value"), 70);
  EXPECT_EQ(told.back().at("value"), 119);
}

TEST_F(Datadog, Credentials) {  // spec/08 §5.2
  const auto key = [&](const char* provider) {
    backend().answer(200, R"({"series":[]})");
    const api::Measurement measurement = run(metricOf(provider));
    return measurement.phase == "Error" ? measurement.message
                                        : std::string(backend().requests().back().headers.get("DD-API-KEY"));
  };
  const std::string none = "failed to find the credentials for datadog metrics provider";
  analysis_run.metadata.ns = "team";
  secrets["argo-rollouts/mine"] = {{"api-key", "controller"}, {"app-key", "x"}};
  secrets["team/mine"] = {{"api-key", "team"}, {"app-key", "x"}};
  EXPECT_EQ(key(R"({"datadog":{"query":"q","secretRef":{"name":"mine"}}})"), "controller");
  EXPECT_EQ(key(R"({"datadog":{"query":"q","secretRef":{"name":"mine","namespaced":true}}})"), "team");
  // spec/08 §16.2 #51
  EXPECT_EQ(key(R"({"datadog":{"query":"q","secretRef":{"namespaced":true}}})"),
            "secret name is required for namespaced credentials");
  // spec/08 §18 #12: a named secret has no fallback, and hides what else is wrong.
  environment = {{"DD_API_KEY", "env"}, {"DD_APP_KEY", "x"}, {"DD_ADDRESS", ""}};
  EXPECT_EQ(key(R"({"datadog":{"query":"q","secretRef":{"name":"other"}}})"), none);
  EXPECT_EQ(key(R"({"datadog":{"secretRef":{"name":"other"}}})"), none);
  EXPECT_EQ(key(first), "env");
  environment.erase("DD_ADDRESS");  // spec/08 §16.2 #50, spec/08 §18 #11
  EXPECT_EQ(key(first), "AK");
  environment = {{"DD_API_KEY", ""}, {"DD_APP_KEY", "x"}, {"DD_ADDRESS", ""}};
  EXPECT_EQ(key(first), "AK");
  secrets["argo-rollouts/datadog"]["api-key"] = "rotated";  // spec/08 §18 #24
  EXPECT_EQ(key(first), "rotated");
  secrets["argo-rollouts/datadog"].erase("app-key");
  EXPECT_EQ(key(first), none);

  secrets["argo-rollouts/datadog"] = {{"api-key", "a"}, {"app-key", "b"}, {"address", "://wrong.schema"}};
  EXPECT_EQ(run(metricOf(first)).message, "parse \"://wrong.schema\": missing protocol scheme");
  secrets["argo-rollouts/datadog"]["address"] = "https://dd.local/";
  dialer.at("https://dd.local:443").answer(200, R"({"series":[]})");
  EXPECT_EQ(run(metricOf(first)).phase, "Successful");
  EXPECT_TRUE(dialer.at("https://dd.local:443").last().starts_with("GET //api/v1/query?"));
}

TEST_F(Datadog, TemplatesThatMakeNoSense) {  // spec/08 §5.3, spec/08 §18 #13
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "Must have either a query or queries. Please review the Analysis Template."},
      {R"({"query":"q","queries":{"a":"b"}})",
       "Cannot have both a query and queries. Please review the Analysis Template."},
      {R"({"queries":{"a":"b"}})",
       "Query is empty. API Version v1 only supports using the query parameter in your Analysis Template."},
      {R"({"query":"q","formula":"a"})",
       "Formula are only valid when queries are set. Please review the Analysis Template."},
      {R"({"apiVersion":"v2","queries":{"a":"b","c":"d"}})",
       "When multiple queries are provided you must include a formula."},
      {R"({"query":"q","aggregator":"avg"})",
       "Aggregator is not supported in v1. Please review the Analysis Template."},
      {R"({"query":"q","requestTimeout":"x"})",
       "Could not parse the request timeout: time: invalid duration \"x\". Please review the Analysis Template."},
      {R"({"query":"q","requestTimeout":"0s"})",
       "Request timeout must be a positive duration (e.g. 30s). Please review the Analysis Template."},
      {R"({"query":"q","interval":""})", "time: invalid duration \"\""},
  };
  for (const auto& [settings, message] : cases) {
    EXPECT_EQ(run(metricOf(fmt::format(R"({{"datadog":{}}})", settings))).message, message);
  }
}

TEST_F(Datadog, BackendsThatMisbehave) {
  const std::string get =
      "Get \"https://api.datadoghq.com/api/v1/query?from=1704066900&query=avg%3Ax%7B%2A%7D&to=1704067200\": ";
  auto said = misbehave(metricOf(first, "result > 1"), "https://api.datadoghq.com:443");
  EXPECT_EQ(said["down"], get + "connection refused");
  EXPECT_TRUE(said["slow"].ends_with("context deadline exceeded (Client.Timeout exceeded while awaiting headers)"));
  said.erase("down");
  said.erase("slow");
  const std::string condition = "could not evaluate successCondition \"result > 1\": ";
  EXPECT_EQ(said, (std::map<std::string, std::string>{
                      {"silent",
                       "Received no bytes in response: context deadline exceeded (Client.Timeout or context "
                       "cancellation while reading body)"},
                      {"half", "Received no bytes in response: unexpected EOF"},
                      {"50 MB", "Received no bytes in response: the answer is larger than 10 MiB"},
                      {"401", "received authentication error response code: 401 no"},
                      {"404", "received non 2xx response code: 404 no"},
                      {"429", "received non 2xx response code: 429 slow down"},
                      {"500", "received non 2xx response code: 500 oops"},
                      {"html", "Could not parse JSON body: invalid character '<' looking for beginning of value"},
                      {"empty", "Could not parse JSON body: unexpected end of JSON input"},
                      {"list", "Could not parse JSON body: json: cannot unmarshal array into Go value of type struct"},
                      {"text", "Could not parse JSON body: json: cannot unmarshal string into Go value of type struct"},
                      {"object", condition + empty_result},
                  }));
}

}  // namespace
}  // namespace crossfade::providers
