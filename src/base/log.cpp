#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

namespace crossfade::log {

namespace {

bool as_json = false;

spdlog::level::level_enum spdlogLevel(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("crossfade", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *instance;
}

}  // namespace

void configure(Format format, Level level) {
  as_json = format == Format::json;
  if (as_json) {
    logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","msg":%v})", spdlog::pattern_time_type::utc);
  }
  setLevel(level);
}

void setLevel(Level level) { logger().set_level(spdlogLevel(level)); }

bool enabled(Level level) { return logger().should_log(spdlogLevel(level)); }

void write(Level level, std::string_view message) {
  if (as_json) {
    logger().log(spdlogLevel(level), boost::json::serialize(boost::json::string(message)));
  } else {
    logger().log(spdlogLevel(level), message);
  }
}

}  // namespace crossfade::log
