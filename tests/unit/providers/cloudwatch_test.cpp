// spec/08 §11 and the worked case of §16 that concerns CloudWatch.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"({"cloudWatch":{"interval":"5m","metricDataQueries":[
  {"id":"rate","expression":"errors / requests","returnData":true,"period":"300"},
  {"id":"errors","metricStat":{"metric":{"metricName":"Err","namespace":"app","dimensions":[{"name":"svc","value":"shop"}]},
   "period":60,"stat":"Sum","unit":"Count"}}]}})";

class CloudWatch : public ProviderTest {
 protected:
  CloudWatch() {
    environment = {{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
                   {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
                   {"AWS_REGION", "eu-west-1"},
                   {"HOME", "/nonexistent"}};
  }
  test::ScriptedTransport& backend() { return dialer.at("https://monitoring.eu-west-1.amazonaws.com:443"); }
};

TEST_F(CloudWatch, Asks) {
  goToT();
  backend().answer(200, R"({"MetricDataResults":[]})");
  run(metricOf(plain));
  // The signature was computed with AWS's own library for Python.
  EXPECT_EQ(
      wire(backend().requests()[0]),
      "POST /\nContent-Type: application/x-amz-json-1.0\nX-Amz-Target: GraniteServiceVersion20100801.GetMetricData\n"
      "X-Amz-Date: 20260101T000000Z\n"
      "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/monitoring/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
      "Signature=ad976f01324ec676f1a9a011b0d4789f50e5145b081d55b65b33dc06975b3eb4\nAccept-Encoding: gzip\n\n"
      R"({"EndTime":1767225600,"MetricDataQueries":[{"Id":"rate","Expression":"errors / requests","ReturnData":true,)"
      R"("Period":300},{"Id":"errors","MetricStat":{"Metric":{"MetricName":"Err","Namespace":"app","Dimensions":[)"
      R"({"Name":"svc","Value":"shop"}]},"Period":60,"Stat":"Sum","Unit":"Count"}}],"StartTime":1767225300})");
}

TEST_F(CloudWatch, Values) {
  const std::string results =
      R"({"MetricDataResults":[{"Id":"rate","Label":"Rate","StatusCode":"Complete","Timestamps":[1704067200,1704067140.5],"Values":[0.2,0.1]},{"Id":"x","Values":[3]}]})";
  play(
      {
          {"spec/08 §16.1 #42", "all(result[0].Values, {# <= 1000000})", "",
           R"({"MetricDataResults":[{"Values":[1000000,0.5]}]})", "[[1e+06 0.5]]", "Successful", ""},
          // spec/08 §18 #19: capitalised members, the newest value first.
          {"spec/08 §11.3", "", "result[0].Values[0] > 0.15",
           R"({"MetricDataResults":[{"Id":"rate","Values":[0.2,0.1]}]})", "[[0.2 0.1]]", "Failed", ""},
          {"spec/08 §11.3",
           "result[0].Id == \"rate\" && result[0].Label == \"Rate\" && result[0].StatusCode == \"Complete\" && "
           "result[0].Timestamps[1].Year() == 2023 && result[1].Values[0] == 3",
           "", results, "[[0.2 0.1] [3]]", "Successful", ""},
          {"spec/08 §11.3", "len(result[0].Values) > 0 && result[0].Values[0] < 1", "",
           R"({"MetricDataResults":[{"Values":[]}]})", "[[]]", "Failed", ""},
          {"spec/08 §11.3", "len(result) == 0", "", R"({})", "[]", "Successful", ""},
          // What can't be evaluated keeps its value.
          {"spec/08 §11.3", "result[0].Values[0] < 1", "", R"({"MetricDataResults":[{"Values":[]}]})", "[[]]", "Error",
           "could not evaluate successCondition \"result[0].Values[0] < 1\": index out of range: 0 (array length is "
           "0)"},
          {"spec/08 §11.3", "true", "",
           R"({"NextToken":"more","MetricDataResults":[{"StatusCode":"PartialData","Values":[1]}]})", "[[1]]",
           "Successful", ""},
      },
      plain, backend());
  backend().answer(200, R"({"MetricDataResults":[],"Messages":[{"Code":"c","Value":"v"}]})");
  EXPECT_EQ(run(metricOf(plain)).metadata, (std::map<std::string, std::string>{{"messages", "[map[Code:c Value:v]]"}}));
}

TEST_F(CloudWatch, Refusals) {
  backend().answer(400, R"({"__type":"com.amazonaws.cloudwatch#ValidationError","message":"no such metric"})",
                   {{"x-amzn-RequestId", "r1"}});
  EXPECT_EQ(run(metricOf(plain)).message,
            "operation error CloudWatch: GetMetricData, https response error StatusCode: 400, RequestID: r1, api error "
            "ValidationError: no such metric");
  const std::size_t asked = backend().requests().size();
  backend().answer(400, R"({"__type":"ThrottlingException","message":"Rate exceeded"})");
  backend().answer(503, "");
  backend().answer(200, R"({"MetricDataResults":[{"Values":[1]}]})");
  EXPECT_EQ(run(metricOf(plain)).phase, "Successful");
  EXPECT_EQ(backend().requests().size(), asked + 3);
}

TEST_F(CloudWatch, Configuration) {
  EXPECT_EQ(run(metricOf(R"({"cloudWatch":{"interval":"x"}})")).message, "time: invalid duration \"x\"");
  environment.erase("AWS_REGION");
  EXPECT_TRUE(run(metricOf(plain)).message.ends_with("Invalid Configuration: Missing Region"));
  environment = {{"AWS_REGION", "eu-west-1"}, {"HOME", "/nonexistent"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
  EXPECT_TRUE(run(metricOf(plain))
                  .message.starts_with("operation error CloudWatch: GetMetricData, get identity: get credentials: "
                                       "failed to refresh cached credentials, "
                                       "no AWS credentials: "));
}

TEST_F(CloudWatch, BackendsThatMisbehave) {
  const std::string prefix = "operation error CloudWatch: GetMetricData, ",
                    thrice = "exceeded maximum number of attempts, 3, ", error = "https response error StatusCode: ",
                    post =
                        "0, RequestID: , request send failed, Post \"https://monitoring.eu-west-1.amazonaws.com/\": ",
                    decoding = "https response error StatusCode: 200, deserialization failed, ";
  EXPECT_EQ(misbehave(metricOf(plain, "len(result) > 0"), "https://monitoring.eu-west-1.amazonaws.com:443"),
            (std::map<std::string, std::string>{
                {"down", prefix + thrice + error + post + "connection refused"},
                {"slow", prefix + error + post + "context deadline exceeded"},
                {"silent", prefix + error + post + "context deadline exceeded"},
                {"half", prefix + thrice + error + post + "unexpected EOF"},
                {"50 MB", prefix + error + post + "the answer is larger than 10 MiB"},
                {"401", prefix + error + "401, RequestID: , api error UnknownError: no"},
                {"404", prefix + error + "404, RequestID: , api error UnknownError: no"},
                {"429", prefix + thrice + error + "429, RequestID: , api error UnknownError: slow down"},
                {"500", prefix + thrice + error + "500, RequestID: , api error UnknownError: oops"},
                {"html", prefix + decoding + "invalid character '<' looking for beginning of value"},
                {"empty", prefix + decoding + "unexpected end of JSON input"},
                {"list", prefix + decoding + "json: cannot unmarshal array into Go value of type GetMetricDataOutput"},
                {"text", prefix + decoding + "json: cannot unmarshal string into Go value of type GetMetricDataOutput"},
                {"object", "Failed"},
            }));
}

}  // namespace
}  // namespace crossfade::providers
