// The files in which the tools of AWS keep profiles: ~/.aws/config and ~/.aws/credentials.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace crossfade::net {

using Environment = std::function<std::optional<std::string>(std::string_view)>;

// The settings of one profile by name ("role_arn"), those of the credentials file before those of the config file.
using AwsProfile = std::map<std::string, std::string, std::less<>>;

// The profile of that name out of the two files (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, else those in HOME).
// Files that don't exist hold nothing. `not_found` when neither knows the profile.
Result<AwsProfile> readAwsProfile(std::string_view name, const Environment& environment);

// The content of a file, without white space around it: a token. Fails with the path in the message.
Result<std::string> readTokenFile(const std::string& path);

}  // namespace crossfade::net
