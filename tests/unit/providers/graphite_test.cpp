// spec/08 §12 and the worked cases of §16 that concern Graphite.
#include <gtest/gtest.h>

#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"({"graphite":{"address":"http://graphite:8080","query":"target=a.b&from=-2min"}})";

class Graphite : public ProviderTest {
 protected:
  test::ScriptedTransport& backend() { return dialer.at("http://graphite:8080"); }
};

std::string points(std::string_view list) { return fmt::format(R"([{{"target":"x","datapoints":[{}]}}])", list); }

TEST_F(Graphite, Asks) {  // spec/08 §16.1 #45
  backend().answer(200, points("[1,1]"));
  run(metricOf(R"({"graphite":{"address":"http://graphite:8080","query":"target=sum(a.b) \n &from=-5min"}})"));
  EXPECT_EQ(wire(backend().requests()[0]),
            "GET /render?format=json&from=-5min&target=sum%28a.b%29\nAccept-Encoding: gzip\n\n");
  // Below the address's path; the format is ours; blanks go even where they mean something (spec/08 §18 #20).
  backend().answer(200, points("[1,1]"));
  run(metricOf(
      R"({"graphite":{"address":"http://u:p@graphite:8080/g/","query":"target=alias(x,'a b')&target=y&format=png"}})"));
  EXPECT_EQ(wire(backend().requests()[1]),
            "GET /g/render?format=json&target=alias%28x%2C%27ab%27%29&target=y\nAccept-Encoding: gzip\n"
            "Authorization: Basic dTpw\n\n");
}

TEST_F(Graphite, Values) {
  const std::string nothing =
      "could not evaluate successCondition \"result[0] < 1\": metric result is nil or empty: no data returned from the "
      "metric provider";
  play(
      {
          // spec/08 §18 #2: nothing but nulls is an empty list, no points at all are an Error.
          {"spec/08 §16.1 #43", "result[0] < 1", "", points("[null,1],[null,2]"), "[]", "Error", nothing},
          {"spec/08 §16.1 #44", "", "", "[]", "", "Error", "no values found"},
          {"spec/08 §12", "", "", points(""), "", "Error", "no values found"},
          {"spec/08 §12", "len(result) == 0", "", points("[null,1]"), "[]", "Successful", ""},
          // spec/08 §18 #5: six decimals.
          {"spec/08 §12", "all(result, {# < 1})", "",
           points(R"([0.5,1700000000],[null,1700000060],["0.75",1700000120])"), "[0.500000,0.750000]", "Successful",
           ""},
          // spec/08 §18 #20: only the first target.
          {"spec/08 §12", "len(result) == 1", "", R"([{"datapoints":[[10,null]]},{"datapoints":[[1,2],[3,4]]}])",
           "[10.000000]", "Successful", ""},
          // The value stays when the condition makes no sense.
          {"spec/08 §1.4", "result[0]", "", points("[3,1.6]"), "[3.000000]", "Error",
           "could not evaluate successCondition \"result[0]\": expected bool, but got float64"},
          {"spec/08 §12", "", "", points("[1,2,3]"), "", "Error", "error unmarshaling data point: [1 2 3]"},
          {"spec/08 §12", "", "", points(R"(["x",2])"), "", "Error",
           "strconv.ParseFloat: parsing \"x\": invalid syntax"},
          {"spec/08 §12", "", "", points(R"([true,2])"), "", "Error", "error unmarshaling value: true"},
          {"spec/08 §12", "", "", points(R"([1,"2"])"), "[1.000000]", "Successful", ""},
          {"spec/08 §12", "", "", points(R"([1,"2.5"])"), "", "Error",
           "strconv.ParseInt: parsing \"2.5\": invalid syntax"},
          {"spec/08 §12", "", "", points(R"([1,{}])"), "", "Error", "error unmarshaling timestamp: map[]"},
          {"spec/08 §12", "", "", points("7"), "", "Error",
           "json: cannot unmarshal number into Go value of type []interface {}"},
      },
      plain, backend());
}

TEST_F(Graphite, Configuration) {
  EXPECT_EQ(run(metricOf(R"({"graphite":{"query":"target=x"}})")).message, "Graphite address  is not a valid URL");
  EXPECT_EQ(run(metricOf(R"({"graphite":{"address":"://x","query":"target=x"}})")).message,
            "Graphite address ://x is not a valid URL");
  EXPECT_EQ(run(metricOf(R"({"graphite":{"address":"http://g","query":"target=%^&b"}})")).message,
            "parse \"./render?target=%^&b\": invalid URL escape \"%^&\"");
}

TEST_F(Graphite, BackendsThatMisbehave) {
  const std::string get = "Get \"http://graphite:8080/render?format=json&from=-2min&target=a.b\": ";
  EXPECT_EQ(
      misbehave(metricOf(plain), "http://graphite:8080"),
      (std::map<std::string, std::string>{
          {"down", get + "connection refused"},
          {"slow", get + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
          {"silent", get + "context deadline exceeded (Client.Timeout or context cancellation while reading body)"},
          {"half", get + "unexpected EOF"},
          {"50 MB", get + "the answer is larger than 10 MiB"},
          {"401", "error response: no"},
          {"404", "error response: no"},
          {"429", "error response: slow down"},
          {"500", "error response: oops"},
          {"html", "invalid character '<' looking for beginning of value"},
          {"empty", "unexpected end of JSON input"},
          {"list", "no values found"},
          {"text", "json: cannot unmarshal string into Go value of type []graphite.dataPointsResponse"},
          {"object", "json: cannot unmarshal object into Go value of type []graphite.dataPointsResponse"},
      }));
}

}  // namespace
}  // namespace crossfade::providers
