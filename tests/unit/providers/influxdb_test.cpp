// spec/08 §13 and the worked case of §16 that concerns InfluxDB.
#include <gtest/gtest.h>

#include "providers/csv.hpp"
#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* plain = R"x({"influxdb":{"query":"from(bucket:\"b\")"}})x";

class Influxdb : public ProviderTest {
 protected:
  Influxdb() {
    secrets["argo-rollouts/influxdb"] = {{"authToken", "tok"}, {"org", "my org"}, {"address", "http://influx:8086"}};
  }
  test::ScriptedTransport& backend() { return dialer.at("http://influx:8086"); }
};

// A table with a column _value of that type.
std::string table(std::string_view type, std::initializer_list<std::string_view> values,
                  std::string_view fallback = {}) {
  std::string text = fmt::format(
      "#datatype,string,long,{}\r\n#group,false,false,false\r\n#default,_result,,{}\r\n,result,table,_value\r\n", type,
      fallback);
  for (const std::string_view value : values) text += fmt::format(",,0,{}\r\n", value);
  return text + "\r\n";
}

TEST_F(Influxdb, Asks) {
  backend().answer(200, table("double", {"1"}));
  run(metricOf(plain));
  EXPECT_EQ(wire(backend().requests()[0]),
            "POST /api/v2/query?org=my+org\nAuthorization: Token tok\nContent-Type: application/json; charset=utf-8\n"
            "Accept-Encoding: gzip\n\n"
            R"({"dialect":{"annotations":["datatype","group","default"],"delimiter":",","header":true},)"
            R"x("query":"from(bucket:\"b\")","type":"flux"})x");
}

TEST_F(Influxdb, Values) {
  const std::string none = "no results returned from flux query";
  play(
      {
          {"spec/08 §16.1 #46", "result[0] < 5", "", table("double", {"1", "6.6"}), "[1 6.6]", "Successful", ""},
          {"spec/08 §13", "result[0] <= 15", "", table("long", {"10", "20"}), "[10 20]", "Successful", ""},
          // spec/08 §18 #5: an exponent from the seventh digit on, for floats.
          {"spec/08 §13", "", "", table("double", {"1000000", "0.5"}), "[1e+06 0.5]", "Successful", ""},
          {"spec/08 §13", "result[1] == nil", "", table("string", {"text", ""}), "[text <nil>]", "Successful", ""},
          {"spec/08 §13", "result[0] == 7", "", table("long", {""}, "7"), "[7]", "Successful", ""},
          {"spec/08 §13", "result[0] % 2 == 0", "", table("unsignedLong", {"4"}), "[4]", "Successful", ""},
          {"spec/08 §13", "result[0] && !result[1]", "", table("boolean", {"true", "false"}), "[true false]",
           "Successful", ""},
          {"spec/08 §13", "result[0].Year() == 2024", "", table("dateTime:RFC3339", {"2024-05-01T12:00:00Z"}),
           "[2024-05-01 12:00:00 +0000 UTC]", "Successful", ""},
          {"spec/08 §13", "result[0] == duration(\"90s\")", "", table("duration", {"1m30s"}), "[1m30s]", "Successful",
           ""},
          // Several tables, one after the other; those without a _value have none.
          {"spec/08 §13", "len(result) == 2", "",
           table("double", {"1"}) + "#datatype,string,long,string\r\n,result,table,host\r\n,,1,a\r\n\r\n" +
               table("long", {"2"}),
           "[1 2]", "Successful", ""},
          {"spec/08 §13", "", "", "\r\n", "", "Error", none},
          {"spec/08 §13", "", "", table("double", {}), "", "Error", none},
          // An error in the middle is one.
          {"spec/08 §13", "", "",
           table("double", {"1"}) + "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,"
                                    "too much data,897\r\n",
           "", "Error", "too much data"},
          {"spec/08 §13", "", "", table("double", {"1"}) + ",,0", "", "Error",
           "flux query error: the answer ends inside of a row"},
          {"spec/08 §13", "", "", table("string", {"\"a,b"}), "", "Error",
           "flux query error: the answer ends inside of a quoted field"},
          {"spec/08 §13", "", "", table("long", {"1.5"}), "", "Error",
           "strconv.ParseInt: parsing \"1.5\": invalid syntax"},
          {"spec/08 §13", "", "", table("double", {"1,2"}), "", "Error",
           "flux query error: a row has too few or too many fields"},
          {"spec/08 §13", "", "", table("complex", {"1"}), "", "Error", "_value has unknown data type complex"},
          {"spec/08 §13", "result[0] == \"a,\\\"b\\\"\\nc\"", "", table("string", {"\"a,\"\"b\"\"\nc\""}),
           "[a,\"b\"\nc]", "Successful", ""},
      },
      plain, backend());
}

TEST_F(Influxdb, Configuration) {
  auto& secret = secrets["argo-rollouts/influxdb"];
  secret.erase("org");
  EXPECT_EQ(run(metricOf(plain)).message, "authToken, org, or address not found");
  EXPECT_EQ(run(metricOf(R"({"influxdb":{"profile":"other"}})")).message, "secrets \"other\" not found");
}

TEST_F(Influxdb, Refusals) {
  backend().answer(404, R"({"code":"not found","message":"could not find bucket \"b\""})");
  EXPECT_EQ(run(metricOf(plain)).message, "not found: could not find bucket \"b\"");
  const std::string post = "Post \"http://influx:8086/api/v2/query?org=my+org\": ";
  EXPECT_EQ(
      misbehave(metricOf(plain), "http://influx:8086"),
      (std::map<std::string, std::string>{
          {"down", post + "connection refused"},
          {"slow", post + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
          {"silent", post + "context deadline exceeded (Client.Timeout or context cancellation while reading body)"},
          {"half", post + "unexpected EOF"},
          {"50 MB", post + "the answer is larger than 10 MiB"},
          {"401", "Unexpected status code 401"},
          {"404", "Unexpected status code 404"},
          {"429", "Unexpected status code 429"},
          {"500", "Unexpected status code 500"},
          {"html", "flux query error: the answer ends inside of a row"},
          {"empty", "no results returned from flux query"},
          {"list", "flux query error: the answer ends inside of a row"},
          {"text", "flux query error: the answer ends inside of a row"},
          {"object", "flux query error: the answer ends inside of a row"},
      }));
}

}  // namespace
}  // namespace crossfade::providers
