// The chain that finds AWS credentials. spec/08 §3.2.
#include "net/aws_credentials.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/scripted_dialer.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::net {
namespace {

class AwsCredentialsTest : public testing::Test {
 protected:
  AwsCredentialsTest() {
    folder = std::filesystem::temp_directory_path() / fmt::format("crossfade-aws-{}", static_cast<void*>(this));
    std::filesystem::create_directories(folder / ".aws");
    environment = {{"HOME", folder.string()}};
  }
  ~AwsCredentialsTest() override {
    loop.kill();
    std::filesystem::remove_all(folder);
  }

  std::string put(const std::string& name, std::string_view content) {
    std::ofstream(folder / name) << content;
    return (folder / name).string();
  }
  // "access secret token", or the error.
  std::string find(AwsWish wish = {}) {
    const auto found = *loop.get(session.credentials(wish, loop.clock().now() + seconds(20)));
    if (!found) return found.error().message;
    return fmt::format("{} {} {}", found->access_key, found->secret_key, found->session_token);
  }
  static std::string stsAnswer(std::string_view operation, std::string_view expiration) {
    return fmt::format(
        "<{0}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n<{0}Result><Credentials>"
        "<AccessKeyId>TK</AccessKeyId><SecretAccessKey>TS/+=</SecretAccessKey>\n<SessionToken>TT//=</SessionToken>"
        "<Expiration>{1}</Expiration></Credentials></{0}Result></{0}Response>",
        operation, expiration);
  }

  std::filesystem::path folder;
  std::map<std::string, std::string, std::less<>> environment;
  test::VirtualLoop loop;
  test::ScriptedDialer dialer{loop.clock()};
  AwsSession session{dialer, loop.clock(), [this](std::string_view name) -> std::optional<std::string> {
                       const auto entry = environment.find(name);
                       return entry == environment.end() ? std::nullopt : std::optional(entry->second);
                     }};
};

TEST_F(AwsCredentialsTest, KeysOfTheEnvironment) {
  environment["AWS_ACCESS_KEY_ID"] = "K";
  environment["AWS_SECRET_ACCESS_KEY"] = "S";
  EXPECT_EQ(find(), "K S ");
  environment["AWS_SESSION_TOKEN"] = "T";  // rotated: counts at once
  EXPECT_EQ(find(), "K S T");
}

TEST_F(AwsCredentialsTest, WebIdentity) {
  environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = put("token", "e.y.J\n");
  EXPECT_EQ(find(), "a web identity needs a role: AWS_ROLE_ARN is not set");
  environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  environment["AWS_REGION"] = "eu-west-1";
  auto& sts = dialer.at("https://sts.eu-west-1.amazonaws.com:443");
  EXPECT_EQ(find(), "operation error STS: AssumeRoleWithWebIdentity, connection refused");
  sts.answer(
      403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>");
  EXPECT_EQ(find(),
            "operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, api error "
            "AccessDenied: Not authorized");
  sts.answer(200, "<html>");
  EXPECT_EQ(find(), "operation error STS: AssumeRoleWithWebIdentity, the answer has no credentials");

  sts.answer(200, stsAnswer("AssumeRoleWithWebIdentity", "2024-01-01T01:00:00Z"));
  EXPECT_EQ(find(), "TK TS/+= TT//=");
  EXPECT_EQ(test::wire(sts.requests().back()),
            "POST /\nContent-Type: application/x-www-form-urlencoded\n\n"
            "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=crossfade&"
            "Version=2011-06-15&WebIdentityToken=e.y.J");
  // Kept until shortly before the end, also for many at once.
  const std::size_t asked = sts.requests().size();
  EXPECT_EQ(find(), "TK TS/+= TT//=");
  loop.run(minutes(54));
  EXPECT_EQ(find(), "TK TS/+= TT//=");
  EXPECT_EQ(sts.requests().size(), asked);
  loop.run(minutes(2));
  sts.setLatency(seconds(1));
  sts.answer(200, stsAnswer("AssumeRoleWithWebIdentity", "2024-01-01T02:00:00Z"));
  loop.spawn([](AwsSession& session, TimePoint deadline) -> Task<> {
    const auto found = co_await session.credentials(AwsWish(), deadline);
    EXPECT_TRUE(found);
  }(session, loop.clock().now() + seconds(20)));
  EXPECT_EQ(find(), "TK TS/+= TT//=");
  EXPECT_EQ(sts.requests().size(), asked + 1);
}

TEST_F(AwsCredentialsTest, ProfilesOfTheSharedFiles) {
  put(".aws/credentials",
      "[default]\naws_access_key_id = DK\naws_secret_access_key=DS\n; a comment\n[base]\naws_access_key_id=BK\n"
      "aws_secret_access_key=BS\n");
  put(".aws/config",
      "[default]\nregion=eu-north-1\n[profile base]\naws_access_key_id=never\n[profile deploy]\nrole_arn=arn:x\n"
      "source_profile=base\nexternal_id=e\nregion=us-west-2 # far\n[profile loop]\nsource_profile=loop2\nrole_arn=a\n"
      "[profile loop2]\nsource_profile=loop\nrole_arn=b\n[profile sso]\nsso_session=x\n");
  EXPECT_EQ(find(), "DK DS ");
  EXPECT_EQ(session.region({}), "eu-north-1");
  EXPECT_EQ(find({.profile = "base"}), "BK BS ");
  EXPECT_EQ(find({.profile = "other"}), "failed to get shared config profile, other");
  EXPECT_EQ(find({.profile = "sso"}), "profile sso: sso_session is not supported");
  EXPECT_EQ(find({.profile = "loop"}), "profile loop2: source_profile leads round in circles");

  environment["AWS_PROFILE"] = "deploy";
  EXPECT_EQ(session.region({}), "us-west-2");
  auto& sts = dialer.at("https://sts.us-west-2.amazonaws.com:443");
  sts.answer(200, stsAnswer("AssumeRole", "2024-01-01T01:00:00Z"));
  EXPECT_EQ(find(), "TK TS/+= TT//=");
  EXPECT_EQ(sts.requests()[0].body,
            "Action=AssumeRole&RoleArn=arn%3Ax&RoleSessionName=crossfade&Version=2011-06-15&ExternalId=e");
  EXPECT_TRUE(sts.requests()[0]
                  .headers.get("Authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=BK/20240101/us-west-2/sts/aws4_request, "
                               "SignedHeaders=content-type;host;x-amz-date, Signature="));
  // The role of the metric on top of it, with what the first role gave.
  sts.answer(200, stsAnswer("AssumeRole", "2024-01-01T01:00:00Z"));
  EXPECT_EQ(find({.role_arn = "arn:metric"}), "TK TS/+= TT//=");
  EXPECT_EQ(sts.requests()[1].headers.get("X-Amz-Security-Token"), "TT//=");
}

TEST_F(AwsCredentialsTest, Containers) {
  environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = put("pod-token", "abc\n");
  auto& agent = dialer.at("http://169.254.170.23:80");
  EXPECT_EQ(find(), "the container's credentials: connection refused");
  agent.answer(500, "");
  EXPECT_EQ(find(), "the container's credentials: status 500");
  agent.answer(200, "{}");
  EXPECT_EQ(find(), "the container's credentials: the answer has no credentials");
  agent.answer(200, R"({"AccessKeyId":"A","SecretAccessKey":"B","Token":"C","Expiration":"2024-01-01T06:00:00Z"})");
  EXPECT_EQ(find(), "A B C");
  EXPECT_EQ(test::wire(agent.requests().back()), "GET /v1/credentials\nAuthorization: abc\n\n");
}

TEST_F(AwsCredentialsTest, Instances) {
  auto& metadata = dialer.at("http://169.254.169.254:80");
  metadata.setLatency(seconds(9));
  const TimePoint began = loop.clock().now();
  EXPECT_EQ(find(), "no EC2 IMDS role found: no answer in time");
  EXPECT_EQ(loop.clock().now() - began, seconds(2));
  metadata.setLatency(Duration(0));
  metadata.answer(200, "tok");
  metadata.answer(200, "my-role\n");
  metadata.answer(200, R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"B","Token":"C",)"
                       R"("Expiration":"2024-01-01T06:00:00Z"})");
  EXPECT_EQ(find(), "A B C");
  EXPECT_EQ(test::wire(metadata.requests()[1]), "PUT /latest/api/token\nX-aws-ec2-metadata-token-ttl-seconds: 300\n\n");
  EXPECT_EQ(test::wire(metadata.requests()[3]),
            "GET /latest/meta-data/iam/security-credentials/my-role\nX-aws-ec2-metadata-token: tok\n\n");
  environment["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_TRUE(find().starts_with("no AWS credentials: "));
}

TEST_F(AwsCredentialsTest, Endpoints) {
  EXPECT_EQ(session.endpoint("CLOUDWATCH", "monitoring", "eu-west-1"), "https://monitoring.eu-west-1.amazonaws.com");
  EXPECT_EQ(session.endpoint("STS", "sts", "cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn");
  environment["AWS_ENDPOINT_URL"] = "http://localstack:4566/";
  EXPECT_EQ(session.endpoint("CLOUDWATCH", "monitoring", "x"), "http://localstack:4566");
  environment["AWS_ENDPOINT_URL_CLOUDWATCH"] = "http://cw";
  EXPECT_EQ(session.endpoint("CLOUDWATCH", "monitoring", "x"), "http://cw");
}

}  // namespace
}  // namespace crossfade::net
