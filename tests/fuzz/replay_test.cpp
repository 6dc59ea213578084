// What fuzzing found once stays found: every input that is kept goes through its target.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/targets.hpp"

namespace crossfade::fuzz {
namespace {

TEST(Corpus, EveryInputComesBack) {
  const std::filesystem::path corpus = std::filesystem::path(CROSSFADE_SOURCE_DIR) / "tests/fuzz/corpus";
  for (const Target& target : targets()) {
    int inputs = 0;
    for (const auto& file : std::filesystem::directory_iterator(corpus / target.name)) {
      std::ifstream stream(file.path(), std::ios::binary);
      const std::string input{std::istreambuf_iterator<char>(stream), {}};
      SCOPED_TRACE(file.path().string());
      const auto began = std::chrono::steady_clock::now();
      target.run(input);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      EXPECT_LT(took.count(), 30);
      ++inputs;
    }
    EXPECT_GT(inputs, 0) << target.name;
  }
  for (const auto& folder : std::filesystem::directory_iterator(corpus)) {
    EXPECT_NE(findTarget(folder.path().filename().string()), nullptr) << folder.path();
  }
}

}  // namespace
}  // namespace crossfade::fuzz
