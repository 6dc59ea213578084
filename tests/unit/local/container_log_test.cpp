// What readers of a container's log get of it.
#include "local/container_log.hpp"

#include <gtest/gtest.h>

#include "support/virtual_clock.hpp"

namespace crossfade::local {
namespace {

class ContainerLogs : public testing::Test {
 protected:
  ContainerLogs() : log(std::make_shared<ContainerLog>(loop.clock())), began(loop.clock().now()) {}
  ~ContainerLogs() override { loop.kill(); }

  // One line a second: "0", "1", ...
  void write(int lines) {
    for (int i = 0; i < lines; ++i) {
      loop.run(began + seconds(written) - loop.clock().now());
      log->line(std::to_string(written++));
    }
  }
  // What a follower gets within a moment; "(end)" when there will be no more, "(later)" when nothing came.
  std::string next(net::BodyReader& reader) {
    auto piece = loop.get(reader.next(loop.clock().now() + milliseconds(1)));
    if (!piece || !*piece) return "(later)";
    return (*piece)->empty() ? "(end)" : std::move(**piece);
  }

  test::VirtualLoop loop;
  std::shared_ptr<ContainerLog> log;
  TimePoint began;
  int written = 0;
};

TEST_F(ContainerLogs, TellTheLastLines) {
  write(4);
  EXPECT_EQ(log->text({}), "0\n1\n2\n3\n");
  EXPECT_EQ(log->text({.tail_lines = 2}), "2\n3\n");
  EXPECT_EQ(log->text({.tail_lines = 0}), "");
  EXPECT_EQ(log->text({.tail_lines = 9}), "0\n1\n2\n3\n");
  log->append("unfinished");
  EXPECT_EQ(log->text({.tail_lines = 2}), "3\nunfinished");
}

TEST_F(ContainerLogs, TellWhatIsYoung) {
  write(4);
  EXPECT_EQ(log->text({.since = began + seconds(2)}), "2\n3\n");
  EXPECT_EQ(log->text({.since = began + milliseconds(2001)}), "3\n");
  EXPECT_EQ(log->text({.since = began + seconds(9)}), "");
  EXPECT_EQ(log->text({.tail_lines = 1, .since = began}), "3\n");
}

TEST_F(ContainerLogs, BeginLinesWithTheirMoments) {
  write(1);
  loop.run(began + Duration(1'500'001) - loop.clock().now());
  log->append("a");
  loop.run(began + seconds(2) - loop.clock().now());
  log->append("b\nc\n");
  const auto at = [this](Duration after) {
    std::string text = formatMicroTime(began + after);
    return text.insert(text.size() - 1, "000");
  };
  EXPECT_EQ(log->text({.timestamps = true}),
            at(seconds(0)) + " 0\n" + at(Duration(1'500'001)) + " ab\n" + at(seconds(2)) + " c\n");
}

TEST_F(ContainerLogs, EndAtTheLimit) {
  write(3);
  EXPECT_EQ(log->text({.limit_bytes = 3}), "0\n1");
  EXPECT_EQ(log->text({.timestamps = true, .limit_bytes = 32}).substr(29), "Z 0");
  const auto reader = ContainerLog::follow(log, {.tail_lines = 1, .limit_bytes = 3});
  EXPECT_EQ(next(*reader), "2\n");
  EXPECT_EQ(next(*reader), "(later)");
  write(1);
  EXPECT_EQ(next(*reader), "3");
  EXPECT_EQ(next(*reader), "(end)");
}

TEST_F(ContainerLogs, FollowersGetWhatIsWritten) {
  write(2);
  const auto reader = ContainerLog::follow(log, {.timestamps = true, .tail_lines = 0});
  EXPECT_EQ(next(*reader), "(later)");
  log->append("x");
  EXPECT_TRUE(next(*reader).ends_with("Z x"));
  log->append("y\nz\n");  // the rest of a line has no moment of its own
  const std::string rest = next(*reader);
  EXPECT_TRUE(rest.starts_with("y\n20")) << rest;
  EXPECT_TRUE(rest.ends_with("Z z\n")) << rest;
  log->close();
  EXPECT_EQ(next(*reader), "(end)");
}

TEST_F(ContainerLogs, KeepTheLastMegabyte) {
  const auto reader = ContainerLog::follow(log, {});
  const std::string line(999, 'x');
  for (int i = 0; i < 5000; ++i) log->line(line);
  log->line("last");
  const std::string kept = log->text({});
  EXPECT_LE(kept.size(), 1U << 20);
  EXPECT_GE(kept.size(), 900'000U);
  EXPECT_TRUE(kept.ends_with("x\nlast\n"));
  EXPECT_EQ(next(*reader), kept);  // who was too slow goes on with what is left
  log->append(std::string(3 << 20, 'y'));
  EXPECT_LE(log->text({}).size(), 1U << 20);
  EXPECT_GE(log->text({}).size(), 700'000U);
}

}  // namespace
}  // namespace crossfade::local
