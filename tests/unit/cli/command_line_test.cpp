// Which words are a command, and what is said of those that aren't. spec/10 §1.
#include <gtest/gtest.h>

#include "cli_fixture.hpp"

namespace crossfade::cli {
namespace {

CommandLine parse(const std::string& text) { return parseCommandLine(words(text)); }

TEST(CommandLine, GlobalFlagsStandAnywhere) {
  for (const char* text : {"-n a promote x --context c", "promote -n a --context=c x", "promote x -na --context c"}) {
    const CommandLine line = parse(text);
    EXPECT_TRUE(line.action) << text << line.err;
    EXPECT_EQ(line.global.cluster.ns, "a") << text;
    EXPECT_EQ(line.global.cluster.context, "c") << text;
    EXPECT_EQ(line.names, Names{"x"}) << text;
  }
  EXPECT_EQ(parse("pause x --as-group a --as-group b y").global.cluster.as_groups,
            (std::vector<std::string>{"a", "b"}));
}

TEST(CommandLine, NamesMayBeWordsOfCommands) {
  EXPECT_EQ(parse("promote get").names, Names{"get"});
  EXPECT_EQ(parse("get rollout list").names, Names{"list"});
  EXPECT_EQ(parse("pause abort retry").names, (Names{"abort", "retry"}));
}

TEST(CommandLine, Complaints) {
  const struct {
    const char *text, *err;
  } cases[] = {
      {"explode", "Error: unknown command \"explode\" for \"kubectl-argo-rollouts\"\n"},
      {"promote x --fast", "Error: unknown flag: --fast\n"},
      {"promote x --fast=1", "Error: unknown flag: --fast\n"},
      {"promote x -x", "Error: unknown shorthand flag: 'x' in -x\n"},
      {"undo x --to-revision ten",
       "Error: invalid argument \"ten\" for \"--to-revision\" flag: strconv.ParseInt: parsing \"ten\": invalid "
       "syntax\n"},
      {"completion bash", "Error: completion is not supported yet\n"},
      {"notifications trigger get", "Error: notifications is not supported yet\n"},
  };
  for (const auto& [text, err] : cases) {
    const CommandLine line = parse(text);
    EXPECT_EQ(line.err, err) << text;
    EXPECT_EQ(line.exit_code, 1) << text;
    EXPECT_EQ(line.out, "") << text;
    EXPECT_FALSE(line.action) << text;
  }
}

// Case 40 among them.
TEST(CommandLine, WrongCountsGetTheUsage) {
  for (const char* text : {"", "get", "promote", "promote a b", "get rollout", "pause", "set image x", "retry",
                           "set image x too=many=equals", "restart a b", "terminate analysisrun"}) {
    const CommandLine line = parse(text);
    EXPECT_FALSE(line.action) << text;
    EXPECT_EQ(line.exit_code, 1) << text;
    EXPECT_TRUE(line.err.contains("Usage:")) << text << line.err;
    EXPECT_FALSE(line.err.contains("Error")) << text;
    EXPECT_EQ(line.out, "") << text;
  }
}

TEST(CommandLine, HelpIsAnAnswer) {
  for (const char* text : {"--help", "help", "promote -h", "help promote", "get rollout --help"}) {
    const CommandLine line = parse(text);
    EXPECT_TRUE(line.out.contains("Usage:")) << text;
    EXPECT_EQ(line.exit_code, 0) << text;
    EXPECT_EQ(line.err, "") << text;
  }
  EXPECT_TRUE(parse("help promote").out.contains("--full"));
}

TEST(CommandLine, Version) {
  EXPECT_TRUE(parse("version --short").out.starts_with("kubectl-argo-rollouts: v"));
  EXPECT_TRUE(parse("version").out.contains("\n  BuildDate: "));
}

}  // namespace
}  // namespace crossfade::cli
