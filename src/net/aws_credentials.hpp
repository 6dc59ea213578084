// Who we are to AWS, found out as AWS's own libraries do it. spec/08 §3.2.
//
// A profile that is asked for by name comes first; else the environment's keys (AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); else its web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN: service
// accounts of EKS); else the profile AWS_PROFILE or "default" of the shared files, with its source_profile,
// credential_source and role; else the container's credentials (ECS, EKS Pod Identity); else the instance's (EC2).
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "net/aws_profile.hpp"
#include "net/aws_signature.hpp"

namespace crossfade::net {

// What a caller asks for; empty members: what the environment says.
struct AwsWish {
  std::string region = {}, profile = {};
  std::string role_arn = {};  // to be assumed with what the chain finds
};

// Files and environment are read again for each call, so a rotated key counts at once; temporary credentials are kept
// until shortly before they expire. Not thread safe. `dialer` and `clock` outlive it; it outlives its tasks.
class AwsSession {
 public:
  AwsSession(Dialer& dialer, Clock& clock, Environment environment);
  ~AwsSession();

  // The wish's, AWS_REGION, AWS_DEFAULT_REGION, the profile's; empty when nobody says.
  std::string region(const AwsWish& wish) const;
  // Fails with `unauthorized` in words that name the source that was tried.
  Task<Result<AwsCredentials>> credentials(AwsWish wish, TimePoint deadline);
  // "https://monitoring.eu-west-1.amazonaws.com", or what AWS_ENDPOINT_URL_<service> or AWS_ENDPOINT_URL says.
  // `service_id` is the variable's: "CLOUDWATCH"; `prefix` the host's: "monitoring".
  std::string endpoint(std::string_view service_id, std::string_view prefix, std::string_view region) const;

 private:
  struct Temporary {
    AwsCredentials credentials;
    TimePoint expires{};
  };
  struct Entry {
    explicit Entry(Clock& clock) : done(clock) {}
    Temporary kept;
    bool busy = false;
    Signal done;
  };
  struct Role {
    std::string arn, session_name, external_id;
  };

  std::string env(std::string_view name) const;
  Task<Result<AwsCredentials>> fromChain(AwsWish wish, TimePoint deadline);
  Task<Result<AwsCredentials>> fromProfile(std::string name, bool required, int depth, TimePoint deadline);
  Task<Result<AwsCredentials>> fromSource(AwsProfile profile, std::string name, int depth, TimePoint deadline);
  Task<Result<AwsCredentials>> fromWebIdentity(std::string token_file, Role role, std::string region,
                                               TimePoint deadline);
  Task<Result<AwsCredentials>> assumeRole(AwsCredentials base, Role role, std::string region, TimePoint deadline);
  Task<Result<AwsCredentials>> fromContainer(TimePoint deadline);
  Task<Result<AwsCredentials>> fromInstance(TimePoint deadline);

  // What is kept under a key, or what `request` brings: asked for once when many want it at the same time.
  Task<Result<AwsCredentials>> cached(std::string key, Task<Result<Temporary>> request, TimePoint deadline);
  Task<Result<Temporary>> askSecurityTokenService(std::string operation, std::string form, AwsCredentials signer,
                                                  std::string region, TimePoint deadline);
  Task<Result<Temporary>> askContainer(std::string url, TimePoint deadline);
  Task<Result<Temporary>> askInstance(TimePoint deadline);
  Task<Result<Response>> ask(std::string origin, Request request, TimePoint deadline);

  Dialer& dialer_;
  Clock& clock_;
  const Environment environment_;
  std::map<std::string, std::unique_ptr<Entry>> cache_;
};

}  // namespace crossfade::net
