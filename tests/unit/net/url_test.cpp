#include "net/url.hpp"

#include <gtest/gtest.h>

#include "net/http.hpp"

namespace crossfade::net {
namespace {

TEST(Url, EncodesAllButUnreserved) {
  EXPECT_EQ(percentEncode("a-b_c.d~9"), "a-b_c.d~9");
  EXPECT_EQ(percentEncode("sum(rate(x[1m])) > 0 & ö/"), "sum%28rate%28x%5B1m%5D%29%29%20%3E%200%20%26%20%C3%B6%2F");
}

TEST(Url, DecodesOrRefuses) {
  EXPECT_EQ(percentDecode("a%20b+c%2f"), "a b+c/");
  for (const char* broken : {"%", "%2", "a%2", "%zz", "%2g"}) EXPECT_EQ(percentDecode(broken), std::nullopt) << broken;
}

TEST(Url, QueryKeepsOrderAndRepeats) {
  const auto query = parseQuery("b=2&a=x+y%2B&&flag&b=3&c=d=e");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, (QueryParameters{{"b", "2"}, {"a", "x y+"}, {"flag", ""}, {"b", "3"}, {"c", "d=e"}}));
  EXPECT_EQ(firstValue(*query, "b"), "2");
  EXPECT_EQ(firstValue(*query, "none"), "");
  EXPECT_EQ(formatQuery(*query), "b=2&a=x%20y%2B&flag=&b=3&c=d%3De");
  EXPECT_EQ(parseQuery("a=%1"), std::nullopt);
}

TEST(Url, TargetIsPathSegmentsAndQuery) {
  const auto target = parseTarget("/api/v1//namespaces/a%2Fb/?limit=5#frag");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/v1//namespaces/a%2Fb/");
  EXPECT_EQ(target->segments, (std::vector<std::string>{"api", "v1", "namespaces", "a/b"}));
  EXPECT_EQ(target->query, (QueryParameters{{"limit", "5"}}));
  EXPECT_TRUE(parseTarget("/")->segments.empty());
  EXPECT_EQ(parseTarget("http://host:1/x?u=http://y/z")->path, "/x");
  EXPECT_EQ(parseTarget("/redirect?u=http://y/z")->path, "/redirect");
  for (const char* broken : {"", "x", "*", "/%", "/?a=%"}) EXPECT_FALSE(parseTarget(broken)) << broken;
}

TEST(Origin, SplitsUrls) {
  struct Case {
    const char* url;
    bool tls;
    const char* host;
    int port;
    const char* base_path;
  };
  for (const Case& c : {Case{"http://a", false, "a", 80, ""}, Case{"https://a.b/", true, "a.b", 443, ""},
                        Case{"HTTPS://a:6443/k8s/c-1/", true, "a", 6443, "/k8s/c-1"},
                        Case{"http://[::1]:8080/x", false, "::1", 8080, "/x"},
                        Case{"https://10.0.0.1", true, "10.0.0.1", 443, ""}, Case{"http://a:/", false, "a", 80, ""}}) {
    const auto origin = Origin::parse(c.url);
    ASSERT_TRUE(origin) << c.url;
    EXPECT_EQ(origin->tls, c.tls) << c.url;
    EXPECT_EQ(origin->host, c.host) << c.url;
    EXPECT_EQ(origin->port, c.port) << c.url;
    EXPECT_EQ(origin->base_path, c.base_path) << c.url;
  }
}

TEST(Origin, RefusesAndNamesTheUrl) {
  for (const char* url :
       {"", "a", "a:80", "ftp://a", "http://", "http://:80", "http://a:x", "http://a:99999", "http://a:0",
        "http://[::1", "http://[::1]x", "http://a?b=c", "http://a/#f", "http://u:p@a", "http://a b/"}) {
    const auto origin = Origin::parse(url);
    ASSERT_FALSE(origin) << url;
    EXPECT_EQ(origin.error().code, ErrorCode::invalid);
    EXPECT_NE(origin.error().message.find("\"" + std::string(url) + "\""), std::string::npos) << origin.error().message;
  }
}

}  // namespace
}  // namespace crossfade::net
