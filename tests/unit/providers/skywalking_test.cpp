// spec/08 §14 and the worked case of §16 that concerns SkyWalking.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain =
    R"({"skywalking":{"address":"http://oap:12800","interval":"3m","query":"query q($duration: Duration!) { x }"}})";

class SkyWalking : public ProviderTest {
 protected:
  test::ScriptedTransport& backend() { return dialer.at("http://oap:12800"); }
};

TEST_F(SkyWalking, AsksInLocalTime) {  // spec/08 §18 #21
  setenv("TZ", "XXX-5:30", 1);
  tzset();
  backend().answer(200, R"({"data":{}})");
  run(metricOf(plain));
  unsetenv("TZ");
  tzset();
  EXPECT_EQ(wire(backend().requests()[0]),
            "POST /graphql\nContent-Type: application/json; charset=utf-8\nAccept: application/json; charset=utf-8\n"
            "Accept-Encoding: gzip\n\n"
            R"({"query":"query q($duration: Duration!) { x }","variables":{"duration":{"start":"2024-01-01 0527",)"
            R"("end":"2024-01-01 0530","step":"MINUTE"}}})");
}

TEST_F(SkyWalking, Values) {
  play(
      {
          {"spec/08 §16.1 #47", "", "", R"({"data":null})", "", "Error", "no results returned from SkyWalking query"},
          {"spec/08 §14", "all(result.apdex.values.values, {asFloat(.value) >= 9000})", "",
           R"({"data":{"apdex":{"values":{"values":[{"value":9900},{"value":"9100"}]}}}})",
           R"({"apdex":{"values":{"values":[{"value":9900},{"value":"9100"}]}}})", "Successful", ""},
          {"spec/08 §14", "", "", R"({"errors":[{"message":"bad query"},{"message":"x"}],"data":null})", "", "Error",
           "graphql: bad query"},
          {"spec/08 §14", "", "", R"({"data":[1]})", "", "Error",
           "decoding response: json: cannot unmarshal array into Go value of type map[string]interface {}"},
      },
      plain, backend());
  backend().answer(500, R"({"data":{"a":1}})");  // spec/08 §18 #21: the status says nothing
  EXPECT_EQ(run(metricOf(plain, "result.a == 1")).phase, "Successful");
}

TEST_F(SkyWalking, Configuration) {
  EXPECT_EQ(run(metricOf(R"({"skywalking":{"address":"http://oap:12800","query":"q"}})")).message,
            "time: invalid duration \"\"");
  EXPECT_EQ(run(metricOf(R"({"skywalking":{"interval":"1m","query":"q"}})")).message,
            "\"\": unsupported protocol scheme \"\"");
}

TEST_F(SkyWalking, BackendsThatMisbehave) {
  const std::string post = "Post \"http://oap:12800/graphql\": ";
  EXPECT_EQ(
      misbehave(metricOf(plain), "http://oap:12800"),
      (std::map<std::string, std::string>{
          {"down", post + "connection refused"},
          {"slow", post + "context deadline exceeded"},
          {"silent", post + "context deadline exceeded"},
          {"half", post + "unexpected EOF"},
          {"50 MB", post + "the answer is larger than 10 MiB"},
          {"401", "decoding response: invalid character 'o' looking for beginning of value"},
          {"404", "decoding response: invalid character 'o' looking for beginning of value"},
          {"429", "decoding response: invalid character 's' looking for beginning of value"},
          {"500", "decoding response: invalid character 'o' looking for beginning of value"},
          {"html", "decoding response: invalid character '<' looking for beginning of value"},
          {"empty", "decoding response: unexpected end of JSON input"},
          {"list", "decoding response: json: cannot unmarshal array into Go value of type graphql.graphResponse"},
          {"text", "decoding response: json: cannot unmarshal string into Go value of type graphql.graphResponse"},
          {"object", "no results returned from SkyWalking query"},
      }));
}

}  // namespace
}  // namespace crossfade::providers
