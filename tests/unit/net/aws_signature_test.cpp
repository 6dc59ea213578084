// Signatures against the test suite that AWS publishes (aws_sig_v4_test_suite.json).
#include "net/aws_signature.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.hpp"

namespace crossfade::net {
namespace {

// 2015-08-30T12:36:00Z, the suite's moment.
constexpr TimePoint moment{seconds(1440938160)};
const AwsScope scope{"us-east-1", "service"};

AwsCredentials credentials() { return {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}; }

TEST(AwsSignature, PublishedVectors) {
  std::ifstream file(CROSSFADE_SOURCE_DIR "/tests/unit/net/aws_sig_v4_test_suite.json");
  std::ostringstream text;
  text << file.rdbuf();
  const auto suite = parseJson(text.str());
  ASSERT_TRUE(suite);
  int seen = 0;
  for (const json::value& item : *getArray(suite->get_object(), {"cases"})) {
    const json::object& one = item.get_object();
    const std::string name(getString(one, {"name"}));
    Request request{.method = std::string(getString(one, {"method"})),
                    .target = std::string(getString(one, {"target"}))};
    request.body = getString(one, {"body"});
    AwsCredentials who = credentials();
    for (const json::value& header : *getArray(one, {"headers"})) {
      const std::string field(header.get_array()[0].get_string()), value(header.get_array()[1].get_string());
      if (field == "X-Amz-Security-Token") who.session_token = value;
      if (field != "X-Amz-Date" && field != "X-Amz-Security-Token") request.headers.add(field, value);
    }
    signForAws(request, "example.amazonaws.com", who, scope, moment);
    EXPECT_EQ(awsCanonicalRequest(request, "example.amazonaws.com"), getString(one, {"canonical"})) << name;
    EXPECT_EQ(request.headers.get("Authorization"), getString(one, {"authorization"})) << name;
    ++seen;
  }
  EXPECT_EQ(seen, 34);
}

TEST(AwsSignature, LeavesOutWhatProxiesChange) {
  Request plain{.method = "POST", .target = "/", .body = "x"};
  Request traced = plain;
  traced.headers.set("User-Agent", "crossfade");
  traced.headers.set("Uber-Trace-Id", "1:2:3:4");  // spec/08 §4.4 step 2
  traced.headers.set("Authorization", "replaced");
  signForAws(plain, "h", credentials(), scope, moment);
  signForAws(traced, "h", credentials(), scope, moment);
  EXPECT_EQ(plain.headers.get("Authorization"), traced.headers.get("Authorization"));
  EXPECT_EQ(plain.headers.get("X-Amz-Date"), "20150830T123600Z");
  EXPECT_FALSE(plain.headers.has("X-Amz-Security-Token"));
}

// An encoded path is encoded once more for the signature, as every service but S3 does.
TEST(AwsSignature, EncodedPaths) {
  Request request{.target = "/a%20b/c?x=1+2&y=%2F"};
  EXPECT_TRUE(awsCanonicalRequest(request, "h").starts_with("GET\n/a%2520b/c\nx=1%202&y=%2F\n"));
}

}  // namespace
}  // namespace crossfade::net
