#include "kube/cache.hpp"

#include <gtest/gtest.h>

namespace crossfade::kube {
namespace {

struct Thing {
  api::Metadata metadata;
  std::string value;
};

Thing decodeThing(const json::object& object) {
  return {.metadata = api::decodeMetadata(object), .value = std::string(getString(object, {"value"}))};
}

json::object thing(std::string_view name, std::string_view version, std::string_view uid = "u",
                   std::string_view ns = "ns") {
  json::object metadata{{"name", name}, {"uid", uid}, {"resourceVersion", version}};
  if (!ns.empty()) metadata["namespace"] = ns;
  return {{"metadata", std::move(metadata)}, {"value", std::string(name) + version.data()}};
}

class CacheTest : public testing::Test {
 protected:
  CacheTest() {
    cache.addListener([this](const auto& before, const auto& now) {
      EXPECT_TRUE(before != nullptr || now != nullptr);
      const auto& one = now != nullptr ? now : before;
      told.push_back(fmt::format("{} {}>{}", one->metadata.name, before ? before->metadata.resource_version : "",
                                 now ? now->metadata.resource_version : ""));
      // The listener sees the new state.
      EXPECT_EQ(cache.find(one->metadata.key()), now);
    });
  }
  void list(std::vector<json::object> objects, std::string_view version) {
    cache.listBegin();
    for (json::object& object : objects) cache.apply(std::move(object));
    cache.listEnd(version);
  }
  std::vector<std::string> takeTold() { return std::exchange(told, {}); }
  using Told = std::vector<std::string>;

  Cache<Thing> cache{decodeThing};
  std::vector<std::string> told;
};

TEST_F(CacheTest, FollowsEvents) {
  list({thing("a", "1", "ua"), thing("b", "2", "ub")}, "2");
  EXPECT_EQ(takeTold(), (Told{"a >1", "b >2"}));
  cache.apply(thing("a", "3", "ua"));
  cache.remove(thing("b", "4", "ub"));
  cache.apply(thing("c", "5", "uc"));
  EXPECT_EQ(takeTold(), (Told{"a 1>3", "b 2>", "c >5"}));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.find("ns", "a")->value, "a3");
  EXPECT_EQ(cache.find("ns/b"), nullptr);
}

TEST_F(CacheTest, IndexesByNamespace) {
  list({thing("b", "1", "1", "x"), thing("a", "2", "2", "x"), thing("c", "3", "3", "x-y"), thing("d", "4", "4", "w"),
        thing("cluster-wide", "5", "5", "")},
       "5");
  const auto names = [&](std::string_view ns) {
    std::vector<std::string> all;
    for (const auto& object : cache.inNamespace(ns)) all.push_back(object->metadata.name);
    return all;
  };
  EXPECT_EQ(names("x"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(names("x-y"), (std::vector<std::string>{"c"}));
  EXPECT_TRUE(names("nowhere").empty());
  EXPECT_NE(cache.find("", "cluster-wide"), nullptr);
}

TEST_F(CacheTest, ARelistTellsOnlyOfWhatDiffers) {
  list({thing("a", "1", "ua"), thing("b", "2", "ub"), thing("c", "3", "uc")}, "3");
  takeTold();
  list({thing("a", "1", "ua"), thing("b", "7", "ub"), thing("d", "6", "ud")}, "8");
  EXPECT_EQ(takeTold(), (Told{"b 2>7", "d >6", "c 3>"}));
}

TEST_F(CacheTest, AListThatStartsOverForgetsItsFirstPages) {
  list({thing("a", "1", "ua"), thing("b", "2", "ub")}, "2");
  cache.listBegin();
  cache.apply(thing("a", "1", "ua"));
  list({thing("b", "2", "ub")}, "9");
  EXPECT_EQ(cache.size(), 1U);
}

TEST_F(CacheTest, AnOwnWriteIsSeenAtOnceAndItsEventIsNoChange) {
  list({thing("a", "1", "ua")}, "1");
  cache.observe(thing("a", "5", "ua"));
  EXPECT_EQ(cache.find("ns/a")->metadata.resource_version, "5");
  takeTold();
  cache.apply(thing("a", "3", "ua"));  // an event from before our write
  cache.apply(thing("a", "5", "ua"));  // our own
  cache.apply(thing("a", "5", "ua"));  // twice
  EXPECT_EQ(takeTold(), Told{});
  cache.observe(thing("a", "4", "ua"));  // an answer that was overtaken
  EXPECT_EQ(takeTold(), Told{});
  cache.observe(thing("a", "", "ua"));  // says nothing of its age: spec/02 §18.3 #9
  EXPECT_EQ(takeTold(), Told{});
  cache.apply(thing("a", "10", "ua"));  // numeric, not by text
  EXPECT_EQ(takeTold(), (Told{"a 5>10"}));
}

TEST_F(CacheTest, ADeletedObjectDoesNotComeBack) {
  list({thing("a", "1", "ua")}, "1");
  cache.remove(thing("a", "6", "ua"));
  takeTold();
  cache.observe(thing("a", "5", "ua"));  // the late answer of a write
  cache.apply(thing("a", "6", "ua"));    // a late event
  cache.remove(thing("a", "6", "ua"));   // a duplicate
  EXPECT_EQ(takeTold(), Told{});
  cache.apply(thing("a", "7", "other"));  // a new object of the same name
  EXPECT_EQ(takeTold(), (Told{"a >7"}));
}

TEST_F(CacheTest, AnObjectMayLeaveAndReenterASelection) {
  list({thing("a", "1", "ua")}, "1");
  cache.remove(thing("a", "6", "ua"));
  cache.apply(thing("a", "8", "ua"));
  EXPECT_NE(cache.find("ns/a"), nullptr);
  cache.remove(thing("a", "6", "ua"));  // a late duplicate of the first
  EXPECT_NE(cache.find("ns/a"), nullptr);
}

TEST_F(CacheTest, AnObjectMadeAgainIsToldAsDeletionAndAddition) {
  list({thing("a", "1", "old")}, "1");
  takeTold();
  cache.observe(thing("a", "9", "new"));
  EXPECT_EQ(takeTold(), (Told{"a 1>", "a >9"}));
  cache.remove(thing("a", "8", "old"));  // the event of the old one comes after our own creation
  cache.apply(thing("a", "7", "old"));
  EXPECT_EQ(takeTold(), Told{});
  EXPECT_EQ(cache.find("ns/a")->metadata.uid, "new");
}

TEST_F(CacheTest, AListOlderThanAnOwnWriteDoesNotUndoIt) {
  list({thing("a", "1", "ua")}, "1");
  cache.listBegin();
  cache.apply(thing("a", "1", "ua"));
  cache.observe(thing("a", "6", "ua"));
  cache.observe(thing("b", "7", "ub"));  // made after the list's moment
  cache.listEnd("5");
  EXPECT_EQ(cache.find("ns/a")->metadata.resource_version, "6");
  EXPECT_NE(cache.find("ns/b"), nullptr);
  cache.apply(thing("b", "7", "ub"));
  EXPECT_NE(cache.find("ns/b"), nullptr);
}

TEST_F(CacheTest, TombstonesAreBounded) {
  Tombstones stones;
  for (std::size_t i = 0; i < Tombstones::capacity + 1; ++i) stones.add("uid" + std::to_string(i), "5");
  EXPECT_FALSE(stones.covers("uid0", "4"));
  EXPECT_TRUE(stones.covers("uid1", "4"));
  EXPECT_TRUE(stones.covers("uid1", "5"));
  EXPECT_FALSE(stones.covers("uid1", "6"));
  EXPECT_FALSE(stones.covers("", "1"));
}

TEST_F(CacheTest, KeepsWhatAReaderHolds) {
  list({thing("a", "1", "ua")}, "1");
  const auto held = cache.find("ns/a");
  cache.remove(thing("a", "2", "ua"));
  EXPECT_EQ(held->value, "a1");
}

// spec/02 §18.3 #5-#8: recorded and cached versions.
TEST(OlderVersion, IsNumericAndFailsOpen) {
  const struct {
    const char* cached;
    const char* recorded;
    bool stale;
  } cases[] = {// spec/01 §10.5 X8
               {"99", "100", true},
               {"100", "100", false},
               {"1000", "100", false},
               {"abc", "100", false},
               // More of the same.
               {"199", "200", true},
               {"200", "200", false},
               {"201", "200", false},
               {"", "200", false},
               {"abc", "200", false},
               {"9", "10", true},
               {"100", "abc", false},
               {"100", "", false},
               {"01", "1", false},
               {"1", "01", false},
               {"18446744073709551615", "18446744073709551616", true}};
  for (const auto& [cached, recorded, stale] : cases) {
    EXPECT_EQ(olderVersion(cached, recorded), stale) << cached << " against " << recorded;
  }
}

}  // namespace
}  // namespace crossfade::kube
