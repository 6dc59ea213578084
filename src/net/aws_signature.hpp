// AWS Signature Version 4: the header that proves who sends a request to a service of AWS. Pure.
#pragma once
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace crossfade::net {

struct AwsCredentials {
  std::string access_key, secret_key;
  std::string session_token;  // of temporary credentials; empty for lasting ones
  bool operator==(const AwsCredentials&) const = default;
};
// What a signature is good for: "eu-west-1" and "aps" (Prometheus), "monitoring" (CloudWatch), "sts" …
struct AwsScope {
  std::string region, service;
};

// Sets X-Amz-Date, X-Amz-Security-Token where there is one, and Authorization. Signed are the host, the body and every
// field that the request has by now, but those that proxies change (User-Agent, Expect, the trace ids). `host` is what
// goes out as Host. The path is signed as it is written, without "//", "." and "..".
void signForAws(Request& request, std::string_view host, const AwsCredentials& credentials, const AwsScope& scope,
                TimePoint now);

// The text whose hash is signed: to be compared with the one that AWS prints when it refuses a signature.
std::string awsCanonicalRequest(const Request& request, std::string_view host);

}  // namespace crossfade::net
