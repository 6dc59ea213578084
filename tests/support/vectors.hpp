// Recorded facts: files of one JSON object a line, in the folder that CROSSFADE_VECTORS names.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace crossfade::test {

// The objects of one file; a failure of the test where it can't be read. Without CROSSFADE_VECTORS the folder is the
// one beside the project.
inline std::vector<json::object> vectors(const std::string& file) {
  const char* folder = std::getenv("CROSSFADE_VECTORS");
  const std::string path =
      (folder != nullptr ? std::string(folder) : std::string(CROSSFADE_SOURCE_DIR) + "/../shared/vectors") + "/" + file;
  std::ifstream input(path);
  EXPECT_TRUE(input) << "no " << path;
  std::vector<json::object> all;
  for (std::string line; std::getline(input, line);) {
    if (line.empty()) continue;
    auto value = parseJson(line);
    EXPECT_TRUE(value && value->is_object()) << path << ": " << line;
    if (value && value->is_object()) all.push_back(std::move(value->get_object()));
  }
  EXPECT_FALSE(all.empty()) << path;
  return all;
}

}  // namespace crossfade::test
