// A team stops the reference in the middle of something and starts our controller, or the other way round: every state
// of tests/takeover.
#include <filesystem>

#include "base/log.hpp"
#include "takeover.hpp"

namespace crossfade::sim {
namespace {

Recording read(const std::string& file) {
  Result<Recording> recording = readRecording(file);
  if (!recording) throw std::runtime_error(file + ": " + recording.error().message);
  return std::move(*recording);
}

std::vector<std::string> filesWithAWayBack() {
  std::vector<std::string> files = recordedFiles();
  std::erase_if(files, [](const std::string& file) { return !read(file).back; });
  return files;
}

std::string nameOf(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string told(const Recording& recording, const Played& played) {
  std::string text = recording.file + " (" + recording.spec + ")";
  for (const std::string& fault : played.faults) text += "\n- " + fault;
  text += "\nwhat happened:";
  for (const std::string& line : played.story) text += "\n  " + line;
  return text;
}

class QuietTest : public ::testing::Test {
 protected:
  QuietTest() { log::setLevel(log::Level::error); }
};
class Forth : public QuietTest, public ::testing::WithParamInterface<std::string> {};
class Back : public QuietTest, public ::testing::WithParamInterface<std::string> {};
using TakeoverWatchTest = QuietTest;

TEST_P(Forth, GoesOnToTheEndAndDoesNothingAgain) {
  const Recording recording = read(GetParam());
  const Played played = takeOver(recording);
  EXPECT_TRUE(played.faults.empty()) << told(recording, played);
}

TEST_P(Back, LeavesWhatTheReferenceWouldHaveLeft) {
  const Recording recording = read(GetParam());
  const Played played = leadThere(recording);
  EXPECT_TRUE(played.faults.empty()) << told(recording, played);
}

INSTANTIATE_TEST_SUITE_P(Takeover, Forth, ::testing::ValuesIn(recordedFiles()), nameOf);
INSTANTIATE_TEST_SUITE_P(Takeover, Back, ::testing::ValuesIn(filesWithAWayBack()), nameOf);

// A watch that sees nothing would let everything pass: recordings with a fault in them are found out.
TEST_F(TakeoverWatchTest, SeesWhatIsDoneAgain) {
  const Recording recorded = read(CROSSFADE_SOURCE_DIR "/tests/takeover/canary-pause-indefinite.yaml");
  const auto faultsOf = [&](std::string_view kind, auto change) {
    Recording recording = recorded;
    for (json::object& object : recording.objects) {
      if (getString(object, {"kind"}) == kind) change(object);
    }
    std::string all;
    for (const std::string& fault : takeOver(recording).faults) all += fault + "\n";
    return all;
  };
  EXPECT_EQ(faultsOf("Rollout", [](json::object&) {}), "");
  const std::string steps =
      faultsOf("Rollout", [](json::object& object) { ensureObject(object, {"status"})["currentStepHash"] = "4"; });
  EXPECT_TRUE(steps.contains("wrote although it should wait")) << steps;
  const std::string pods = faultsOf("ReplicaSet", [](json::object& object) {
    ensureObject(object, {"spec", "template", "spec"})["hostname"] = "other";
    ensureObject(object, {"metadata", "labels"})["rollouts-pod-template-hash"] = "4";
  });
  EXPECT_TRUE(pods.contains("a ReplicaSet was made: web-")) << pods;
}

// spec/02 §9.3: a Deployment that rolls out tells of itself many times; its new generation is written down once.
TEST_F(TakeoverWatchTest, AWorkloadsGenerationIsWrittenOnce) {
  const Recording recorded = read(CROSSFADE_SOURCE_DIR "/tests/takeover/workload-ref-never.yaml");
  const Played played = leadThere(recorded);
  const auto writes = std::ranges::count_if(played.story, [](const std::string& line) {
    return line.contains(R"( {"metadata":{"annotations":{"rollout.argoproj.io/workload-generation":"2"}}})");
  });
  EXPECT_EQ(writes, 1) << told(recorded, played);
}

}  // namespace
}  // namespace crossfade::sim
