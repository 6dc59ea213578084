// spec/08 §8 and the worked cases of §16 that concern web metrics.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"({"web":{"url":"http://qa/check?svc=x"}})";

class Web : public ProviderTest {
 protected:
  test::ScriptedTransport& backend() { return dialer.at("http://qa:80"); }
};

std::string at(std::string_view path) {
  return json::serialize(json::object{{"web", json::object{{"url", "http://qa/check"}, {"jsonPath", path}}}});
}

TEST_F(Web, Asks) {
  backend().answer(200, "1");
  run(metricOf(plain));
  EXPECT_EQ(wire(backend().requests()[0]), "GET /check?svc=x\nAccept-Encoding: gzip\n\n");
  // spec/08 §16.2 #56, spec/08 §18 #14: jsonBody overrides Content-Type; the last of a header wins; Host is the URL's.
  backend().answer(200, "1");
  run(metricOf(
      R"({"web":{"url":"http://qa/check","method":"POST","jsonBody":{"b":1},"headers":[{"key":"Content-Type","value":"text/x"},{"key":"X-A","value":"1"},{"key":"x-a","value":"2"},{"key":"Host","value":"other"}]}})"));
  EXPECT_EQ(wire(backend().requests()[1]),
            "POST /check\nx-a: 2\nContent-Type: application/json\nAccept-Encoding: gzip\n\n{\"b\":1}");
  backend().answer(200, "1");
  run(metricOf(R"({"web":{"url":"http://qa/check","method":"PUT","body":"hello"}})"));
  EXPECT_EQ(wire(backend().requests()[2]), "PUT /check\nAccept-Encoding: gzip\n\nhello");
}

TEST_F(Web, Values) {
  const std::string list = R"({"a":[{"x":1},{"x":5.5}]})", missing = "Could not find JSONPath in body: ";
  struct Path {
    const char *id, *path;
    std::string success, answer, value, phase, message;
  };
  const std::vector<Path> cases = {
      // spec/08 §18 #5: text is as it came, strings of JSON are quoted.
      {"spec/08 §16.1 #33", "", "result == \"OK\"", "OK", "OK", "Successful", ""},
      {"spec/08 §16.1 #34", "{$.a}", "result == \"OK\"", R"({"a":"OK"})", "\"OK\"", "Successful", ""},
      {"spec/08 §16.1 #35", "{$.a}", "result > 1", R"({"a":"2"})", "", "Error",
       "could not evaluate successCondition \"result > 1\": invalid operation: > (mismatched types string and int)"},
      {"spec/08 §16.1 #36", "{$.a}", "asFloat(result) > 1", R"({"a":"2"})", "\"2\"", "Successful", ""},
      {"spec/08 §16.1 #37", "{$.b}", "", R"({"a":1})", "", "Error", missing + "b is not found"},
      {"spec/08 §16.1 #37a", "{$.a[*].x}", "result == 1", list, "1", "Successful", ""},
      {"spec/08 §16.1 #37b", "{$.a[?(@.x > 3.0)].x}", "result > 5", list, "5.5", "Successful", ""},
      {"spec/08 §16.1 #37c", "{$.a[?(@.x > 3)].x}", "", list, "", "Error",
       missing + "incompatible types for comparison"},
      {"spec/08 §16.1 #37d", "{$.a[*]}", "", R"({"a":[]})", "", "Error", "result of web metric produced no value"},
      {"spec/08 §16.1 #37e", "$.a", "result == \"$.a\"", R"({"a":1})", "\"$.a\"", "Successful", ""},
      // spec/08 §8.2: types are kept, null is nil, other text is text.
      {"spec/08 §8.2", "{$.data}", "result.ok && result.ratio >= 0.9", R"({"data":{"ok":true,"ratio":0.91}})",
       R"({"ok":true,"ratio":0.91})", "Successful", ""},
      {"spec/08 §8.2, spec/06 §18 D1", "", "isNil(result)", "null", "null", "Successful", ""},
      {"spec/08 §8.2", "{$.a}", "default(result, 3) == 3", R"({"a":null})", "null", "Successful", ""},
      {"spec/08 §8.2", "{$.a}", "", "null", "", "Error", missing + "a is not found"},
      // spec/08 §18 #3: default() doesn't look at its first argument.
      {"spec/08 §8.2", "{$.a}", "default(result.zz, 0).b == 1", R"({"a":{"b":1}})", R"({"b":1})", "Successful", ""},
      // spec/08 §18 #14, spec/07 §C4 #60: what is no JSON is not asked for a path.
      {"spec/08 §8.2", "{$.a}", "result == \"<html>\"", "<html>", "<html>", "Successful", ""},
      {"spec/08 §8.2", "{$.a}", "result == \"\"", "", "", "Successful", ""},
      {"spec/08 §8.2", "", "", R"({"z":1,"a":"<&"})", R"({"a":"\u003c\u0026","z":1})", "Successful", ""},
      {"spec/08 §8.2", "{$.a[1:9]}", "", R"({"a":[1,2,3]})", "", "Error",
       missing + "array index out of bounds: index 8, length 3"},
      {"spec/08 §8.2", "", "result == 9007199254740992", "9007199254740993", "9007199254740992", "Successful", ""},
  };
  for (const Path& one : cases) {
    play({{one.id, one.success, "", one.answer, one.value, one.phase, one.message}}, at(one.path), backend());
  }
  backend().answer(300, "");  // spec/08 §16.1 #38
  EXPECT_EQ(run(metricOf(plain)).message, "received non 2xx response code: 300");
}

TEST_F(Web, SettingsThatMakeNoSense) {
  const auto message = [&](const char* provider) { return run(metricOf(provider)).message; };
  const std::string payload = "Body/JSONBody can only be used with POST or PUT WebMetric Method types";
  EXPECT_EQ(message(R"({"web":{"url":"http://qa","body":"x"}})"), payload);  // spec/08 §16.1 #39, spec/08 §18 #14
  EXPECT_EQ(message(R"({"web":{"url":"http://qa","jsonBody":{}}})"), payload);
  EXPECT_EQ(message(R"({"web":{"url":"http://qa","body":"x","jsonBody":{}}})"),
            "use either Body or JSONBody; both cannot exists for WebMetric payload");
  EXPECT_EQ(message(R"({"web":{"url":"http://qa","jsonPath":"{$.a"}})"), "unclosed action");
  EXPECT_EQ(message(R"({"web":{"url":"://qa"}})"), "parse \"://qa\": missing protocol scheme");
  EXPECT_EQ(message(R"({"web":{"url":"ftp://qa/x"}})"), "Get \"ftp://qa/x\": unsupported protocol scheme \"ftp\"");
}

TEST_F(Web, Authorization) {
  dialer.at("http://login:80").answer(200, R"({"access_token":"tok"})", {{"Content-Type", "application/json"}});
  backend().answer(200, "1");
  run(metricOf(
      R"({"web":{"url":"http://qa/x","headers":[{"key":"Authorization","value":"mine"}],"authentication":{"oauth2":{"tokenUrl":"http://login/t","clientId":"i","clientSecret":"s"}}}})"));
  EXPECT_EQ(backend().requests().back().headers.get("Authorization"), "Bearer tok");
  backend().answer(200, "1");
  run(metricOf(R"({"web":{"url":"http://qa/x","authentication":{"basicAuth":{"username":"u","password":"p"}}}})"));
  EXPECT_EQ(backend().requests().back().headers.get("Authorization"), "Basic dTpw");
  backend().answer(200, "1");
  run(metricOf(R"({"web":{"url":"http://qa/x","insecure":true}})"));
  EXPECT_TRUE(dialer.last_tls.insecure_skip_verify);
}

TEST_F(Web, BackendsThatMisbehave) {
  const auto measured = [&](const char* condition) {
    auto said =
        misbehave(metricOf(R"({"web":{"url":"http://qa/check","jsonPath":"{$.a}","timeoutSeconds":3}})", condition),
                  "http://qa:80");
    return said;
  };
  const std::string get = "Get \"http://qa/check\": ", bytes = "Received no bytes in response: ",
                    missing = "Could not find JSONPath in body: a is not found";
  EXPECT_EQ(
      measured("result > 1"),
      (std::map<std::string, std::string>{
          {"down", get + "connection refused"},
          {"slow", get + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
          {"silent", bytes + "context deadline exceeded (Client.Timeout or context cancellation while reading body)"},
          {"half", bytes + "unexpected EOF"},
          {"50 MB", bytes + "the answer is larger than 10 MiB"},
          {"401", "received non 2xx response code: 401"},
          {"404", "received non 2xx response code: 404"},
          {"429", "received non 2xx response code: 429"},
          {"500", "received non 2xx response code: 500"},
          {"html",
           "could not evaluate successCondition \"result > 1\": invalid operation: > (mismatched types string and "
           "int)"},
          {"empty",
           "could not evaluate successCondition \"result > 1\": invalid operation: > (mismatched types string and "
           "int)"},
          {"list", missing},
          {"text", missing},
          {"object", missing},
      }));
}

}  // namespace
}  // namespace crossfade::providers
