// spec/08 §6 and the worked cases of §16 that concern New Relic.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"({"newRelic":{"query":"SELECT average(duration) FROM T"}})";

class NewRelic : public ProviderTest {
 protected:
  NewRelic() { secrets["argo-rollouts/newrelic"] = {{"personal-api-key", "KEY"}, {"account-id", "123"}}; }
  test::ScriptedTransport& backend() { return dialer.at("https://api.newrelic.com:443"); }
};

std::string results(std::string_view list) {
  return fmt::format(R"({{"data":{{"actor":{{"account":{{"nrql":{{"results":[{}]}}}}}}}}}})", list);
}

TEST_F(NewRelic, Asks) {
  backend().answer(200, results(R"({"count":1})"));
  run(metricOf(plain));
  EXPECT_EQ(
      wire(backend().requests()[0]),
      "POST /graphql\nApi-Key: KEY\nContent-Type: application/json\n"
      "NewRelic-Requesting-Services: newrelic-client-go\n"
      "User-Agent: argo-rollouts/crossfade (https://github.com/argoproj/argo-rollouts)\nAccept-Encoding: gzip\n\n"
      R"({"query":"query($query: Nrql!, $accountId: Int!, $timeout: Seconds!) { actor { account(id: $accountId) { nrql(query: $query, timeout: $timeout) { results } } } }","variables":{"accountId":123,"query":"SELECT average(duration) FROM T","timeout":5}})");
}

TEST_F(NewRelic, Values) {
  play(
      {
          {"spec/08 §16.1 #28", "result.count > 1", "", results(R"({"count":2})"), R"({"count":2})", "Successful", ""},
          {"spec/08 §16.1 #29", "all(result, {.count > 1})", "", results(R"({"count":2},{"count":3})"),
           R"([{"count":2},{"count":3}])", "Successful", ""},
          {"spec/08 §16.1 #30", "", "", results(""), "", "Error", "no results returned from NRQL query"},
          {"spec/08 §6", "result['average.duration'] < 300", "", results(R"({"average.duration":211.4})"),
           R"({"average.duration":211.4})", "Successful", ""},
          {"spec/08 §6", "", "", results("{}"), "", "Error", "no results returned from NRQL query"},
          {"spec/08 §6", "result[0].facet == '<b>'", "", results(R"({"z":1,"facet":"<b>"},{})"),
           R"([{"facet":"\u003cb\u003e","z":1},{}])", "Successful", ""},
          {"spec/08 §6", "", "", R"({"errors":[{"message":"NRQL Syntax Error"},{"message":"second"}],"data":null})", "",
           "Error", "NRQL Syntax Error, second"},
          {"spec/08 §6", "result.count == 2", "",
           R"({"errors":[{"message":"This field is deprecated! Use x"}],"data":{"actor":{"account":{"nrql":{"results":[{"count":2}]}}}}})",
           R"({"count":2})", "Successful", ""},
      },
      plain, backend());
}

TEST_F(NewRelic, AsksAgain) {
  for (const int status : {429, 500, 503}) backend().answer(status, "busy");
  backend().answer(200, results(R"({"count":2})"));
  const TimePoint began = loop.clock().now();
  EXPECT_EQ(run(metricOf(plain)).phase, "Successful");
  EXPECT_EQ(loop.clock().now() - began, seconds(7));
  EXPECT_EQ(backend().requests().size(), 4U);
  const std::string passing = R"({"errors":[{"message":"slow","extensions":{"errorClass":"TIMEOUT"}}]})";
  for (int i = 0; i < 4; ++i) backend().answer(200, passing);
  EXPECT_EQ(run(metricOf(plain)).message, "slow");
  EXPECT_EQ(backend().requests().size(), 8U);
}

TEST_F(NewRelic, Configuration) {
  const auto message = [&](const char* provider) { return run(metricOf(provider)).message; };
  EXPECT_EQ(message(R"({"newRelic":{"query":"q","timeout":-1}})"), "timeout value needs to be a positive value");
  EXPECT_EQ(message(R"({"newRelic":{"query":"q","profile":"other"}})"), "secrets \"other\" not found");
  auto& secret = secrets["argo-rollouts/newrelic"];
  secret["account-id"] = "12x";
  EXPECT_EQ(message(plain), "could not parse account ID: strconv.Atoi: parsing \"12x\": invalid syntax");
  secret.erase("account-id");
  EXPECT_EQ(message(plain), "account ID or personal API key not found");
  secret["account-id"] = "1";
  for (const auto& [region, host] : {std::pair("EU", "https://api.eu.newrelic.com:443"),
                                     {"staging", "https://staging-api.newrelic.com:443"},
                                     {"mars", "https://api.newrelic.com:443"}}) {
    secret["region"] = region;
    dialer.at(host).answer(200, results(R"({"count":2})"));
    EXPECT_EQ(run(metricOf(plain)).phase, "Successful") << region;
  }
  secret["base-url-nerdgraph"] = "http://nr.local/g";
  dialer.at("http://nr.local:80").answer(200, results(R"({"count":2})"));
  EXPECT_EQ(run(metricOf(plain)).phase, "Successful");
  EXPECT_EQ(dialer.at("http://nr.local:80").last(), "POST /g");
}

TEST_F(NewRelic, Metadata) {
  const api::Metric metric = metricOf(plain);
  EXPECT_EQ((*makeProvider(context(), metric))->metadata(metric),
            (std::map<std::string, std::string>{{"ResolvedNewRelicQuery", "SELECT average(duration) FROM T"}}));
}

TEST_F(NewRelic, BackendsThatMisbehave) {
  const std::string post = "Post \"https://api.newrelic.com/graphql\": ", none = "no results returned from NRQL query";
  EXPECT_EQ(
      misbehave(metricOf(plain), "https://api.newrelic.com:443"),
      (std::map<std::string, std::string>{
          {"down", post + "connection refused"},
          {"slow", post + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
          {"silent", post + "context deadline exceeded (Client.Timeout or context cancellation while reading body)"},
          {"half", post + "unexpected EOF"},
          {"50 MB", post + "the answer is larger than 10 MiB"},
          {"401", "Invalid credentials provided. Missing API key or an invalid API key was provided."},
          {"404", "404 response returned: no"},
          {"429", "429 response returned: slow down"},
          {"500", "500 response returned: oops"},
          {"html", "invalid character '<' looking for beginning of value"},
          {"empty", "unexpected end of JSON input"},
          {"list", "json: cannot unmarshal array into Go value of type nerdgraph.graphQLResponse"},
          {"text", "json: cannot unmarshal string into Go value of type nerdgraph.graphQLResponse"},
          {"object", none},
      }));
}

}  // namespace
}  // namespace crossfade::providers
