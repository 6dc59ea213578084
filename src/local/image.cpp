#include "local/image.hpp"

#include <fmt/format.h>

#include <charconv>

namespace crossfade::local {

namespace {

constexpr std::string_view demo_repository = "crossfade.dev/demo";

std::unexpected<Error> refuse(std::string_view name, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("couldn't parse image name \"{}\": {}", name, why));
}

Result<void> readSetting(std::string_view name, std::string_view key, std::string_view text, Image& image) {
  if (key == "errors") {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), image.errors);
    if (error != std::errc() || end != text.data() + text.size() || image.errors < 0 || image.errors > 1) {
      return refuse(name, fmt::format("errors={} is not a share from 0 to 1", text));
    }
    return {};
  }
  const auto duration = parseGoDuration(text);
  if (!duration || *duration < Duration(0)) return refuse(name, fmt::format("{}={} is not a duration", key, text));
  if (key == "latency") {
    image.latency = *duration;
  } else if (key == "start") {
    image.start = *duration;
  } else if (key == "crash") {
    image.crash = *duration;
  } else {
    return refuse(name, fmt::format("unknown setting \"{}\" (errors, latency, start, crash)", key));
  }
  return {};
}

}  // namespace

Result<Image> parseImage(std::string_view name) {
  Image image;
  const std::size_t question = std::min(name.find('?'), name.size());
  std::string_view reference = name.substr(0, question);
  reference = reference.substr(0, reference.find('@'));
  const std::size_t slash = reference.rfind('/');
  const std::size_t colon = reference.find(':', slash == std::string_view::npos ? 0 : slash);
  image.repository = reference.substr(0, colon);
  image.tag = colon == std::string_view::npos ? "latest" : reference.substr(colon + 1);
  if (image.repository.empty() || image.tag.empty()) return refuse(name, "invalid reference format");
  for (const char c : reference) {
    const bool upper =
        c >= 'A' && c <= 'Z' && &c - reference.data() < static_cast<std::ptrdiff_t>(image.repository.size());
    if (upper) return refuse(name, "repository name must be lowercase");
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string_view("._-/:").find(c) == std::string_view::npos) {
      return refuse(name, "invalid reference format");
    }
  }
  image.demo = image.repository == demo_repository;
  image.pullable = image.tag != "missing" && reference.find("/bad:") == std::string_view::npos;
  image.fails = image.tag == "fail" || image.tag.find("crash") != std::string::npos;
  if (question == name.size()) return image;
  if (!image.demo) return refuse(name, "invalid reference format");
  std::string_view settings = name.substr(question + 1);
  while (!settings.empty()) {
    const std::string_view setting = settings.substr(0, settings.find('&'));
    settings.remove_prefix(std::min(setting.size() + 1, settings.size()));
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos) return refuse(name, fmt::format("\"{}\" is not key=value", setting));
    if (auto read = readSetting(name, setting.substr(0, equals), setting.substr(equals + 1), image); !read)
      return fail(read.error());
  }
  return image;
}

}  // namespace crossfade::local
