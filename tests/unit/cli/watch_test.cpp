// Commands that show something, once and over time. spec/10 §3.1, §3.3, §3.5.
#include <gtest/gtest.h>

#include "cli_fixture.hpp"

namespace crossfade::cli {
namespace {

// A server that holds rollouts and nothing else, and tells watchers of changes.
class WatchTest : public CliTest {
 protected:
  WatchTest() {
    transport->otherwise([this](const net::Request& request) -> Result<net::Response> { return answer(request); });
  }
  ~WatchTest() override { loop.kill(); }

  void set(const std::string& status, const std::string& name = "x") {
    ++version;
    rollouts[name] = fmt::format(
        R"({{"metadata":{{"name":"{}","namespace":"web","uid":"u-{}","generation":1,"resourceVersion":"{}"}},)"
        R"("spec":{{"replicas":5,"strategy":{{"canary":{{"steps":[{{"setWeight":20}},{{"pause":{{}}}}]}}}}}},)"
        R"("status":{}}})",
        name, name, version, status);
    for (const auto& stream : watches) stream->push(R"({"type":"MODIFIED","object":)" + rollouts[name] + "}\n");
  }
  void setLater(Duration after, const std::string& status, const std::string& name = "x") {
    loop.clock().callAt(loop.clock().now() + after, [this, status, name] { set(status, name); });
  }

  std::map<std::string, std::string> rollouts;
  int version = 1;

 private:
  Result<net::Response> answer(const net::Request& request) {
    net::Response response;
    const bool about_rollouts = request.target.contains("/rollouts");
    if (request.target.contains("watch=")) {
      auto stream = std::make_shared<test::ScriptedStream>(loop.clock());
      response.stream = std::make_unique<test::ScriptedReader>(stream);
      if (about_rollouts) watches.push_back(stream);
      return response;
    }
    const std::string path = request.target.substr(0, request.target.find('?'));
    const std::string last = path.substr(path.rfind('/') + 1);
    if (about_rollouts && last != "rollouts") {
      const auto found = rollouts.find(last);
      response.status = found == rollouts.end() ? 404 : 200;
      response.body = found == rollouts.end()
                          ? statusBody(404, "NotFound", fmt::format("rollouts.argoproj.io \"{}\" not found", last))
                          : found->second;
      return response;
    }
    std::string items;
    if (about_rollouts) {
      for (const auto& [name, object] : rollouts) items += (items.empty() ? "" : ",") + object;
    }
    response.body = fmt::format(R"({{"metadata":{{"resourceVersion":"{}"}},"items":[{}]}})", version, items);
    return response;
  }

  std::vector<std::shared_ptr<test::ScriptedStream>> watches;
};

const char* const paused = R"({"phase":"Paused","message":"BlueGreenPause"})";
const char* const healthy = R"({"phase":"Healthy"})";
const char* const degraded = R"({"phase":"Degraded","message":"M"})";

// Cases 33 to 36.
TEST_F(WatchTest, Status) {
  const struct {
    const char *command, *status, *out, *err;
    int exit_code;
  } cases[] = {
      {"status x --watch=false", paused, "Paused - BlueGreenPause\n", "", 0},
      {"status x -t 1s", paused, "Paused - BlueGreenPause\n", "Error: Rollout status watch exceeded timeout\n", 1},
      {"status x", degraded, "Degraded - M\n", "Error: The rollout is in a degraded state with message: M\n", 1},
      {"status x --watch=false", degraded, "Degraded\n", "Error: The rollout is in a degraded state with message: M\n",
       1},
      {"status x", healthy, "Healthy\n", "", 0},
  };
  for (const auto& [command, status, out, err, exit_code] : cases) {
    set(status);
    const Outcome done = run(command);
    EXPECT_EQ(done.out, out) << command;
    EXPECT_EQ(done.err, err) << command;
    EXPECT_EQ(done.exit_code, exit_code) << command;
  }
}

TEST_F(WatchTest, StatusFollowsUntilHealthy) {
  set(paused);
  setLater(seconds(5), R"({"phase":"Progressing"})");
  setLater(seconds(6), R"({"phase":"Progressing","replicas":3})");
  setLater(seconds(9), healthy);
  const Outcome done = run("status x");
  EXPECT_EQ(done.out, "Paused - BlueGreenPause\nProgressing\nHealthy\n");
  EXPECT_EQ(done.exit_code, 0);
}

TEST_F(WatchTest, GetOnce) {
  set(healthy);
  const Outcome done = run("get ro x");
  EXPECT_TRUE(done.out.starts_with("Name:            x\nNamespace:       web\nStatus:          ✔ Healthy\n"))
      << done.out;
  EXPECT_TRUE(done.out.contains("\n⟳ x   Rollout  ✔ Healthy  ")) << done.out;
  EXPECT_EQ(done.exit_code, 0);
}

TEST_F(WatchTest, GetWatchRedraws) {
  set(paused);
  setLater(milliseconds(2500), healthy);
  const Outcome done = run("get ro x -w --timeout-seconds 5");
  EXPECT_EQ(done.exit_code, 0);  // trap 2
  EXPECT_EQ(done.err, "");
  std::size_t draws = 0;
  for (std::size_t at = 0; (at = done.out.find("\x1b[H\x1b[2J\x1b[0;0HName:", at)) != std::string::npos; ++at) ++draws;
  EXPECT_GE(draws, 5u);
  EXPECT_LE(draws, 8u);
  EXPECT_LT(done.out.find("Paused"), done.out.find("Healthy"));
}

TEST_F(WatchTest, GetWatchEndsWithAnInterrupt) {
  set(paused);
  loop.clock().callAt(loop.clock().now() + seconds(3), [this] {
    session.interrupted = true;
    wake.notify();
  });
  EXPECT_EQ(run("get ro x -w", seconds(10)).exit_code, 0);
  EXPECT_TRUE(session.watching);
}

TEST_F(WatchTest, List) {
  const Outcome none = run("list rollouts");
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(none.err, "No resources found.\n");
  EXPECT_EQ(none.exit_code, 0);
  set(R"({"phase":"Paused","currentStepIndex":1,"replicas":4,"readyReplicas":4,"updatedReplicas":1})", "shop");
  EXPECT_EQ(run("list ro").out,
            "NAME        STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE\n"
            "shop        Canary     Paused        1/2   20          4/4    5        1           0        \n");
  EXPECT_TRUE(run("list ro -A --timestamps").out.contains("\n2024-01-01T00:00:00Z  web        shop        Canary"));
}

TEST_F(WatchTest, ListWatchPrintsWhatDiffers) {
  set(healthy);
  setLater(seconds(2), R"({"phase":"Healthy","message":"shown nowhere"})");
  setLater(seconds(3), degraded);
  loop.clock().callAt(loop.clock().now() + seconds(5), [this] { session.interrupted = true; });
  const Outcome done = run("list rollouts -w");
  EXPECT_EQ(std::ranges::count(done.out, '\n'), 3) << done.out;
  EXPECT_TRUE(done.out.contains("Degraded")) << done.out;
}

}  // namespace
}  // namespace crossfade::cli
