// spec/08 §4 and the worked cases of §16 that concern Prometheus, by their numbers.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"({"prometheus":{"address":"http://prom:9090","query":"up{a=\"b c\"}"}})";

class Prometheus : public ProviderTest {
 protected:
  test::ScriptedTransport& prom() { return dialer.at("http://prom:9090"); }
};

std::string vectorOf(std::initializer_list<const char*> values) {
  std::string series;
  for (const char* value : values) {
    series += fmt::format("{}{{\"metric\":{{}},\"value\":[1767225600.25,\"{}\"]}}", series.empty() ? "" : ",", value);
  }
  return fmt::format(R"({{"status":"success","data":{{"resultType":"vector","result":[{}]}}}})", series);
}

TEST_F(Prometheus, SendsTheQueryAsAForm) {
  loop.run(milliseconds(250));
  prom().answer(200, vectorOf({"1"}));
  run(metricOf(plain));
  ASSERT_EQ(prom().requests().size(), 1U);
  // 2024-01-01T00:00:00.25Z
  EXPECT_EQ(wire(prom().requests()[0]),
            "POST /api/v1/query\nContent-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n"
            "query=up%7Ba%3D%22b+c%22%7D&time=1704067200.25");
}

TEST_F(Prometheus, WorkedValues) {
  const std::string scalar = R"({"status":"success","data":{"resultType":"scalar","result":[1,"10"]}})";
  const std::string nothing =
      "could not evaluate successCondition \"result[0] > 5\": metric result is nil or empty: no data returned from the "
      "metric provider";
  const std::string number = "could not evaluate successCondition \"result[0]\": expected bool, but got float64";
  play(
      {
          {"spec/08 §16.1 #1", "result[0] > 5", "", vectorOf({"10"}), "[10]", "Successful", ""},
          {"spec/08 §16.1 #2", "result > 5", "", scalar, "10", "Successful", ""},
          {"spec/08 §16.1 #3", "result[0] > 5", "", vectorOf({}), "", "Error", nothing},
          {"spec/08 §16.1 #4", "len(result) == 0 || result[0] < 1", "", vectorOf({}), "[]", "Successful", ""},
          {"spec/08 §16.1 #5", "result[0] > 5", "", vectorOf({"NaN"}), "[NaN]", "Failed", ""},
          {"spec/08 §16.1 #6", "isNaN(result[0]) || result[0] > 5", "", vectorOf({"NaN"}), "[NaN]", "Successful", ""},
          // spec/08 §18 #4: failure wins over success; neither is Inconclusive.
          {"spec/08 §16.1 #7", "result[0] > 10", "result[0] < 5", vectorOf({"7"}), "[7]", "Inconclusive", ""},
          {"spec/08 §16.1 #8", "result[0] > 10", "result[0] < 5", vectorOf({"4"}), "[4]", "Failed", ""},
          {"spec/08 §16.1 #9", "true", "true", vectorOf({"4"}), "[4]", "Failed", ""},
          {"spec/08 §16.1 #10", "", "", vectorOf({"0.0000001"}), "[0.0000001]", "Successful", ""},
          {"spec/08 §16.1 #11", "result[0]", "", vectorOf({"1"}), "", "Error", number},
          // spec/08 §18 #5: never an exponent.
          {"spec/08 §4.5", "", "", vectorOf({"1", "2.5", "+Inf", "1e8"}), "[1,2.5,+Inf,100000000]", "Successful", ""},
      },
      plain, prom());
  // spec/08 §18 #1: a vector is a list, whatever its length.
  prom().answer(200, vectorOf({"10"}));
  EXPECT_EQ(run(metricOf(plain, "result > 5")).phase, "Error");
}

TEST_F(Prometheus, RangeQueries) {  // spec/08 §16.1 #12
  const auto provider = [](std::string_view start, std::string_view step) {
    json::object range{{"start", start}, {"end", "now()"}, {"step", step}};
    json::object settings{{"address", "http://prom:9090"}, {"query", "q"}, {"rangeQuery", std::move(range)}};
    return json::serialize(json::object{{"prometheus", std::move(settings)}});
  };
  prom().answer(
      200,
      R"({"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"11"],[2,"12"]]},{"values":[[1,"13"],[2,"14"]]}]}})");
  const api::Measurement measurement =
      run(metricOf(provider("now() - duration(\"5m\")", "500ms"), "all(result, # < 20)"));
  EXPECT_EQ(measurement.value, "[11,12,13,14]");
  EXPECT_EQ(measurement.phase, "Successful");
  EXPECT_EQ(wire(prom().requests()[0]),
            "POST /api/v1/query_range\nContent-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n"
            "end=1704067200&query=q&start=1704066900&step=0.5");

  const auto message = [&](std::string_view start, std::string_view step) {
    return run(metricOf(provider(start, step))).message;
  };
  EXPECT_EQ(message("hello", "1m"), "failed to parse rangeQuery.start as time: unknown name hello");
  EXPECT_EQ(message("5", "1m"), "failed to parse rangeQuery.start as time: expected time.Time, but got int");
  EXPECT_EQ(message("now()", ""), "failed to parse rangeQuery.step as duration: time: invalid duration \"\"");
  EXPECT_EQ(prom().requests().size(), 1U);
}

TEST_F(Prometheus, ConfigurationThatMakesNoSense) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"prometheus":{"address":"http://prom:9090","timeout":-20}})",
       "prometheus timeout should not be negative"},                                             // spec/08 §16.1 #13
      {R"({"prometheus":{"address":"prom:9090"}})", "prometheus address is not is url format"},  // spec/08 §16.1 #14
      {R"({"prometheus":{}})", "prometheus address is not configured"},
      {R"({"prometheus":{"address":"http://p","authentication":{"basicAuth":{"password":"x"}}}})",
       "missing mandatory parameter in metric for basic auth setup: username"},
      {R"({"prometheus":{"address":"http://p","authentication":{"basicAuth":{"username":"x"}}}})",
       "missing mandatory parameter in metric for basic auth setup: password"},
      {R"({"prometheus":{"address":"http://p","authentication":{"oauth2":{"tokenUrl":"http://t","clientId":"x"}}}})",
       "missing mandatory parameter in metric for OAuth2 setup"},
      {R"({})", "no valid provider in metric 'm'"},
  };
  for (const auto& [provider, message] : cases) {
    const api::Measurement measurement = run(metricOf(provider));
    EXPECT_EQ(measurement.phase, "Error");
    EXPECT_EQ(measurement.message, message);
  }
}

TEST_F(Prometheus, AnswersThatAreNone) {
  struct Case {
    int number;
    int status;
    const char *body, *message;
  };
  const Case cases[] = {
      // spec/08 §16.1 #15-#16
      {15, 503, "busy", "server_error: server error: 503"},
      {16, 400, R"({"status":"error","errorType":"bad_data","error":"parse error"})", "bad_data: parse error"},
      {0, 422, R"({"status":"error","errorType":"execution","error":"too many"})", "execution: too many"},
      {0, 404, "", "client_error: client error: 404"},
      {0, 304, "", "bad_response: bad response code 304"},
      {0, 200, "<html>hello</html>", "bad_response: invalid character '<' looking for beginning of value"},
      {0, 200, R"({"status":"success","data":{"resultT)", "bad_response: unexpected end of JSON input"},
      {0, 200, "", "bad_response: unexpected end of JSON input"},
      {0, 200, R"({"status":"error","errorType":"x","error":"y"})",
       "bad_response: inconsistent body for response code"},
      {0, 400, R"({"status":"success"})", "bad_response: inconsistent body for response code"},
      {0, 200, "[1]", "bad_response: inconsistent body for response code"},
      {0, 200, R"({"status":"success","data":{"resultType":"string","result":[1,"x"]}})",
       "bad_response: unexpected value type \"string\""},
      {0, 200, R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}})",
       "bad_response: strconv.ParseFloat: parsing \"x\": invalid syntax"},
      {0, 200, R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}})",
       "bad_response: a sample is no pair of a time and a text"},
  };
  for (const Case& one : cases) {
    prom().answer(one.status, one.body);
    const api::Measurement measurement = run(metricOf(plain));
    EXPECT_EQ(measurement.phase, "Error") << one.message;
    EXPECT_EQ(measurement.message, one.message);
    EXPECT_EQ(measurement.value, "");
  }
}

TEST_F(Prometheus, DownSlowOrTooTalkative) {
  EXPECT_EQ(run(metricOf(plain)).message, "Post \"http://prom:9090/api/v1/query\": connection refused");

  prom().setLatency(minutes(5));
  const TimePoint began = loop.clock().now();
  EXPECT_EQ(run(metricOf(plain)).message, "Post \"http://prom:9090/api/v1/query\": context deadline exceeded");
  EXPECT_EQ(loop.clock().now() - began, seconds(30));
  run(metricOf(R"({"prometheus":{"address":"http://prom:9090","timeout":7}})"));
  EXPECT_EQ(loop.clock().now() - began, seconds(37));
  prom().setLatency(Duration(0));

  // A head, and then nothing more.
  prom().stream();
  EXPECT_EQ(run(metricOf(plain)).message, "Post \"http://prom:9090/api/v1/query\": context deadline exceeded");
  // Half an answer.
  const auto half = prom().stream();
  half->push(R"({"status":"succ)");
  half->fail(ErrorCode::unavailable, "unexpected end of the connection");
  EXPECT_EQ(run(metricOf(plain)).message, "Post \"http://prom:9090/api/v1/query\": unexpected end of the connection");
  const auto endless = prom().stream();
  for (int i = 0; i < 11; ++i) endless->push(std::string(1 << 20, ' '));
  EXPECT_EQ(run(metricOf(plain)).message, "Post \"http://prom:9090/api/v1/query\": the answer is larger than 10 MiB");
  EXPECT_TRUE(endless->closed());
}

TEST_F(Prometheus, FallsBackToGet) {  // spec/08 §16.2 #52, spec/08 §18 #8
  for (const int status : {403, 405, 501}) {
    prom().answer(status, "");
    prom().answer(200, vectorOf({"1"}));
    EXPECT_EQ(
        run(metricOf(
                R"({"prometheus":{"address":"http://prom:9090","query":"a b","headers":[{"key":"X-Scope","value":"t"}]}})"))
            .phase,
        "Successful");
    EXPECT_EQ(wire(prom().requests().back()),
              "GET /api/v1/query?query=a+b&time=1704067200\nX-Scope: t\nAccept-Encoding: gzip\n\n");
  }
}

TEST_F(Prometheus, KeepsTheAddressAsItIs) {  // spec/08 §16.2 #53
  dialer.at("https://h:443").answer(405, "");
  dialer.at("https://h:443").answer(200, vectorOf({"1"}));
  run(metricOf(R"({"prometheus":{"address":"https://h/prefix/?tenant=1","query":"q","insecure":true}})"));
  EXPECT_EQ(dialer.at("https://h:443").requests()[0].target, "/prefix/api/v1/query?tenant=1");
  EXPECT_EQ(dialer.at("https://h:443").requests()[1].target, "/prefix/api/v1/query?tenant=1&query=q&time=1704067200");
  EXPECT_TRUE(dialer.last_tls.insecure_skip_verify);
}

TEST_F(Prometheus, TakesItsAddressFromTheControllerWhereItHasNone) {
  prometheus_address = "http://prom:9090";
  prom().answer(200, vectorOf({"1"}));
  EXPECT_EQ(run(metricOf(R"({"prometheus":{"query":"q"}})")).phase, "Successful");
}

TEST_F(Prometheus, Authorization) {
  const auto sent = [&](const char* address, const char* rest) {
    prom().answer(200, vectorOf({"1"}));
    run(metricOf(fmt::format(R"({{"prometheus":{{"address":"{}","query":"q",{}}}}})", address, rest)));
    return std::string(prom().requests().back().headers.get("Authorization"));
  };
  constexpr const char* basic = R"("authentication":{"basicAuth":{"username":"u","password":"p"}})";
  EXPECT_EQ(sent("http://prom:9090", R"("insecure":false)"), "");
  EXPECT_EQ(sent("http://prom:9090", basic), "Basic dTpw");
  EXPECT_EQ(sent("http://me:secret@prom:9090", basic), "Basic bWU6c2VjcmV0");
  EXPECT_EQ(
      sent(
          "http://prom:9090",  // spec/08 §16.2 #54, spec/08 §18 #7
          R"("headers":[{"key":"Authorization","value":"X"}],"authentication":{"basicAuth":{"username":"u","password":"p"}})"),
      "X");
  // A password is not told.
  EXPECT_EQ(run(metricOf(R"({"prometheus":{"address":"http://me:secret@prom:9090","query":"q"}})")).message,
            "Post \"http://me:xxxxx@prom:9090/api/v1/query\": connection refused");
}

TEST_F(Prometheus, OAuth2) {
  constexpr const char* provider =
      R"({"prometheus":{"address":"http://prom:9090","query":"q","headers":[{"key":"X-Scope","value":"t"}],"authentication":{"oauth2":{"tokenUrl":"http://login/token","clientId":"i d","clientSecret":"s+t","scopes":["a","b"]}}}})";
  test::ScriptedTransport& login = dialer.at("http://login:80");
  login.answer(401, "no");  // spec/08 §16.2 #57
  login.answer(200, R"({"access_token":"tok","token_type":"bearer","expires_in":"3600"})",
               {{"Content-Type", "application/json"}});
  prom().answer(200, vectorOf({"1"}));
  EXPECT_EQ(run(metricOf(provider)).phase, "Successful");
  ASSERT_EQ(login.requests().size(), 2U);
  EXPECT_EQ(wire(login.requests()[0]),
            "POST /token\nAuthorization: Basic aStkOnMlMkJ0\nContent-Type: "
            "application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n"
            "grant_type=client_credentials&scope=a+b");
  EXPECT_EQ(wire(login.requests()[1]),
            "POST /token\nContent-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n"
            "client_id=i+d&client_secret=s%2Bt&grant_type=client_credentials&scope=a+b");
  EXPECT_EQ(prom().requests().back().headers.get("Authorization"), "Bearer tok");
  EXPECT_EQ(prom().requests().back().headers.get("X-Scope"), "t");

  const auto failure = [&](int status, const char* body, const char* type) {
    for (int i = 0; i < 2; ++i) login.answer(status, body, {{"Content-Type", type}});
    return run(metricOf(provider)).message;
  };
  const std::string prefix = "Post \"http://prom:9090/api/v1/query\": oauth2: ";
  EXPECT_EQ(failure(401, "no", "text/html"), prefix + "cannot fetch token: 401 Unauthorized\nResponse: no");
  EXPECT_EQ(failure(400, R"({"error":"invalid_client","error_description":"who?"})", "application/json"),
            prefix + "\"invalid_client\" \"who?\"");
  EXPECT_EQ(failure(200, "{}", "application/json"), prefix + "server response missing access_token");
  EXPECT_EQ(failure(200, "x", "application/json"),
            prefix + "cannot parse json: invalid character 'x' looking for beginning of value");
  login.answer(200, "access_token=f%2Fg&token_type=MAC", {{"Content-Type", "text/plain; charset=utf-8"}});
  prom().answer(200, vectorOf({"1"}));
  run(metricOf(provider));
  EXPECT_EQ(prom().requests().back().headers.get("Authorization"), "MAC f/g");
}

TEST_F(Prometheus, Redirects) {
  constexpr const char* provider =
      R"({"prometheus":{"address":"http://prom:9090","query":"q","authentication":{"basicAuth":{"username":"u","password":"p"}}}})";
  prom().answer(307, "", {{"Location", "/moved"}});
  prom().answer(302, "", {{"Location", "http://other/x?y=1"}});
  dialer.at("http://other:80").answer(200, vectorOf({"1"}));
  EXPECT_EQ(run(metricOf(provider)).phase, "Successful");
  EXPECT_EQ(wire(prom().requests()[1]),
            "POST /moved\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic "
            "dTpw\nAccept-Encoding: gzip\n\nquery=q&time=1704067200");
  EXPECT_EQ(dialer.at("http://other:80").last(), "GET /x?y=1");
  EXPECT_FALSE(dialer.at("http://other:80").requests()[0].headers.has("Authorization"));
  for (int i = 0; i < 12; ++i) prom().answer(302, "", {{"Location", "/again"}});
  EXPECT_EQ(run(metricOf(provider)).message, "Get \"http://prom:9090/again\": stopped after 10 redirects");
}

TEST_F(Prometheus, Metadata) {
  const api::Metric metric = metricOf(plain);
  EXPECT_EQ((*makeProvider(context(), metric))->metadata(metric),
            (std::map<std::string, std::string>{{"ResolvedPrometheusQuery", "up{a=\"b c\"}"}}));  // spec/08 §16.4 #75
  prom().answer(200,
                R"({"status":"success","data":{"resultType":"vector","result":[]},"warnings":["slow shard","x"]})");
  EXPECT_EQ(run(metric).metadata, (std::map<std::string, std::string>{{"warnings", "\"slow shard\", \"x\""}}));
  prom().answer(200, R"({"status":"success","data":{"resultType":"vector","result":[]},"warnings":["slow shard"]})");
  EXPECT_TRUE(run(metricOf(plain, "result[0] > 1")).metadata.empty());
}

TEST_F(Prometheus, LeavesWhatIsInFlightAlone) {  // spec/08 §16.4 #74
  api::Measurement measurement;
  measurement.phase = "Running";
  const api::Metric metric = metricOf(plain);
  const auto provider = makeProvider(context(), metric);
  EXPECT_EQ(loop.get((*provider)->terminate(analysis_run, metric, measurement)), measurement);
  EXPECT_EQ(loop.get((*provider)->resume(analysis_run, metric, measurement)), measurement);
}

// spec/08 §18 #9: no time at all is no time limit that anybody wants.
TEST_F(Prometheus, ATimeLimitOfZeroIsTheUsualOne) {
  prom().setLatency(seconds(20));
  prom().answer(200, vectorOf({"1"}));
  EXPECT_EQ(run(metricOf(R"({"prometheus":{"address":"http://prom:9090","timeout":0}})")).phase, "Successful");
}

// --- SigV4, spec/08 §4.4 ---------------------------------------------------------------------------------------------

constexpr const char* managed =
    R"({"prometheus":{"address":"https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1","query":"up","headers":[{"key":"X-Scope","value":"t"}],"authentication":{"sigv4":{"region":"eu-west-1"}}}})";

TEST_F(Prometheus, SignsForAmazon) {
  environment = {{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
                 {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
                 {"AWS_SESSION_TOKEN", "tok"}};
  auto& aps = dialer.at("https://aps-workspaces.eu-west-1.amazonaws.com:443");
  aps.answer(405, "");
  aps.answer(200, vectorOf({"1"}));
  EXPECT_EQ(run(metricOf(managed)).phase, "Successful");
  // The signatures were computed with AWS's own library for Python.
  EXPECT_EQ(wire(aps.requests()[0]),
            "POST /workspaces/ws-1/api/v1/query\nContent-Type: application/x-www-form-urlencoded\n"
            "X-Amz-Date: 20240101T000000Z\nX-Amz-Security-Token: tok\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240101/eu-west-1/aps/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
            "Signature=cdccacafec8937acf037dfb107400b2cf4ab8791d0815f1bae3253875bb92d08\nX-Scope: t\n"
            "Accept-Encoding: gzip\n\nquery=up&time=1704067200");
  // The second try has no body.
  EXPECT_EQ(wire(aps.requests()[1]),
            "GET /workspaces/ws-1/api/v1/query?query=up&time=1704067200\n"
            "X-Amz-Date: 20240101T000000Z\nX-Amz-Security-Token: tok\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240101/eu-west-1/aps/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-security-token, "
            "Signature=e2a65dbcc4e13de1fc451b64502d4e44a9eea56924090101519c963886607b01\nX-Scope: t\nAccept-Encoding: "
            "gzip\n\n");
}

TEST_F(Prometheus, SignsForNobodyElse) {  // spec/08 §16.2 #55, spec/08 §18 #10
  dialer.at("https://prom.example:443").answer(200, vectorOf({"1"}));
  const api::Measurement measurement = run(metricOf(
      R"({"prometheus":{"address":"https://prom.example","query":"up","authentication":{"sigv4":{"region":"eu-west-1"}}}})"));
  EXPECT_EQ(measurement.phase, "Successful");
  EXPECT_FALSE(dialer.at("https://prom.example:443").requests()[0].headers.has("Authorization"));
}

TEST_F(Prometheus, SaysWhatItLacksToSign) {
  environment["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(run(metricOf(managed)).message,
            "could not get SigV4 credentials: no AWS credentials: none in the environment, the shared files or the "
            "container, and the instance's metadata are disabled");
  environment = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "B"}, {"HOME", "/nonexistent"}};
  EXPECT_EQ(
      run(metricOf(
              R"({"prometheus":{"address":"https://aps-workspaces/","authentication":{"sigv4":{"roleArn":"arn:x"}}}})"))
          .message,
      "could not get SigV4 credentials: operation error STS: AssumeRole, connection refused");
  environment["AWS_REGION"] = "";
  dialer.at("https://sts.us-east-1.amazonaws.com:443")
      .answer(200, "<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>C</SessionToken>");
  EXPECT_EQ(
      run(metricOf(
              R"({"prometheus":{"address":"https://aps-workspaces/","authentication":{"sigv4":{"roleArn":"arn:x"}}}})"))
          .message,
      "region not configured in sigv4 or in default credentials chain");
}

TEST_F(Prometheus, BackendsThatMisbehave) {
  const std::string post = "Post \"http://prom:9090/api/v1/query\": ";
  EXPECT_EQ(misbehave(metricOf(plain), "http://prom:9090"),
            (std::map<std::string, std::string>{
                {"down", post + "connection refused"},
                {"slow", post + "context deadline exceeded"},
                {"silent", post + "context deadline exceeded"},
                {"half", post + "unexpected EOF"},
                {"50 MB", post + "the answer is larger than 10 MiB"},
                {"401", "client_error: client error: 401"},
                {"404", "client_error: client error: 404"},
                {"429", "client_error: client error: 429"},
                {"500", "server_error: server error: 500"},
                {"html", "bad_response: invalid character '<' looking for beginning of value"},
                {"empty", "bad_response: unexpected end of JSON input"},
                {"list", "bad_response: inconsistent body for response code"},
                {"text", "bad_response: inconsistent body for response code"},
                {"object", "bad_response: inconsistent body for response code"},
            }));
}

}  // namespace
}  // namespace crossfade::providers
