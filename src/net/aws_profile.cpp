#include "net/aws_profile.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace crossfade::net {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string pathOf(const Environment& environment, std::string_view variable, std::string_view file) {
  if (const auto path = environment(variable); path && !path->empty()) return *path;
  return environment("HOME").value_or("") + "/.aws/" + std::string(file);
}

// Adds the section [name] of a file to `profile`, where it does not have the setting already; whether there is one.
bool addSection(const std::string& path, std::string_view name, AwsProfile& profile) {
  std::ifstream file(path);
  bool found = false, inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string_view text = trim(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    if (text.front() == '[') {
      inside = trim(text.substr(1, text.find(']') - 1)) == name;
      found = found || inside;
      continue;
    }
    const auto equals = text.find('=');
    // What is indented belongs to a setting of several lines, of which none matters here.
    if (!inside || equals == text.npos || blanks.find(line.front()) != blanks.npos) continue;
    std::string_view value = text.substr(equals + 1);
    if (const auto comment = value.find(" #"); comment != value.npos) value = value.substr(0, comment);
    profile.emplace(trim(text.substr(0, equals)), trim(value));
  }
  return found;
}

}  // namespace

Result<AwsProfile> readAwsProfile(std::string_view name, const Environment& environment) {
  AwsProfile profile;
  bool found = addSection(pathOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), name, profile);
  const std::string config = pathOf(environment, "AWS_CONFIG_FILE", "config");
  found = addSection(config, fmt::format("profile {}", name), profile) || found;
  if (name == "default") found = addSection(config, name, profile) || found;
  if (!found) return fail(ErrorCode::not_found, fmt::format("failed to get shared config profile, {}", name));
  return profile;
}

Result<std::string> readTokenFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail(ErrorCode::not_found, fmt::format("open {}: it can't be read", path));
  return std::string(trim(content));
}

}  // namespace crossfade::net
