// The journal: what a registry gets back after its process was killed.
#include "local/persistence.hpp"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

class PersistenceTest : public testing::Test {
 protected:
  // One life of a cluster's registry.
  struct Life {
    explicit Life(const std::string& path, std::uint64_t seed = 1) : random(seed) {
      auto opened = openJournal(registry, loop.clock(), path);
      EXPECT_TRUE(opened) << opened.error().message;
      if (opened) journal = std::move(*opened);
    }
    const ResourceType& type(std::string_view group, std::string_view plural) {
      return *registry.resource(group, plural);
    }
    Result<Object> put(std::string_view name, std::string_view value) {
      const ResourceType& kind = type("", "configmaps");
      const json::object data{{"k", value}};
      if (registry.get(kind, "default", name)) {
        return registry.modify(kind, "default", name, Subresource::none,
                               [&data](json::object& object) { object["data"] = data; });
      }
      return registry.create(kind, "default", json::object{{"metadata", json::object{{"name", name}}}, {"data", data}});
    }
    // Every object of every kind, as text.
    std::string everything() {
      std::string all;
      for (const ResourceType* kind : registry.resources()) {
        for (const Object& object : registry.list(*kind)) all += json::serialize(*object) + "\n";
      }
      return all;
    }

    test::VirtualLoop loop;
    Random random;
    Registry registry{loop.clock(), random};
    std::unique_ptr<Journal> journal;
  };

  void SetUp() override {
    folder = std::filesystem::temp_directory_path() /
             fmt::format("crossfade-journal-{}-{}", getpid(), testing::UnitTest::GetInstance()->random_seed());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    path = (folder / "data").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string bytes() {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(std::string_view content) { std::ofstream(path, std::ios::binary | std::ios::trunc) << content; }
  std::string refusal() {
    test::VirtualLoop loop;
    Random random{1};
    Registry registry{loop.clock(), random};
    const auto opened = openJournal(registry, loop.clock(), path);
    return opened ? "opened" : opened.error().message;
  }

  std::filesystem::path folder;
  std::string path;
};

constexpr std::string_view widgets =
    R"({"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
    "names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
    "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object"}}}}}]}})";

TEST_F(PersistenceTest, BringsEverythingBack) {
  std::string before;
  std::uint64_t version = 0;
  {
    Life life(path);
    ASSERT_TRUE(life.put("a", "1") && life.put("b", "1") && life.put("a", "2"));
    ASSERT_TRUE(life.registry.remove(life.type("", "configmaps"), "default", "b"));
    ASSERT_TRUE(
        life.registry.create(life.type("apiextensions.k8s.io", "customresourcedefinitions"), "", parseObject(widgets)));
    ASSERT_TRUE(life.registry.create(life.type("example.com", "widgets"), "default",
                                     parseObject(R"({"metadata":{"name":"w"}})")));
    before = life.everything();
    version = life.registry.resourceVersion();
  }
  for (int restart = 0; restart < 3; ++restart) {
    Life life(path, 2);
    EXPECT_EQ(life.everything(), before);
    EXPECT_EQ(life.registry.resourceVersion(), version);
    // Whoever watched before lists again.
    EXPECT_EQ(life.registry.eventsSince(life.type("", "configmaps"), version - 1).error().code, ErrorCode::gone);
    life.loop.run(seconds(1));
    EXPECT_EQ(life.everything(), before) << "a restart itself changes nothing";
  }
}

TEST_F(PersistenceTest, DropsATornTailAtEveryByte) {
  std::string before;
  std::size_t whole = 0;
  {
    Life life(path);
    ASSERT_TRUE(life.put("a", "1"));
    before = life.everything();
    whole = bytes().size();
    ASSERT_TRUE(life.put("a", "2"));
  }
  const std::string full = bytes();
  ASSERT_GT(full.size(), whole + 8);
  for (std::size_t length = whole; length < full.size(); ++length) {
    write(std::string_view(full).substr(0, length));
    Life life(path);
    EXPECT_EQ(life.everything(), before) << length;
    ASSERT_TRUE(life.put("later", "1")) << "and goes on";
  }
  // A last record whose bytes never reached the disk.
  std::string flipped = full;
  flipped.back() ^= 1;
  write(flipped);
  EXPECT_EQ(Life(path).everything(), before);
}

TEST_F(PersistenceTest, LosesNothingThatWasAcknowledged) {
  // The file after each acknowledged write, as a kill right then would leave it.
  std::vector<std::pair<std::string, std::string>> moments;
  {
    Life life(path);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(life.put(fmt::format("c{}", i % 7), std::to_string(i)));
      moments.emplace_back(bytes(), life.everything());
    }
  }
  for (const auto& [file, state] : moments) {
    write(file);
    EXPECT_EQ(Life(path).everything(), state);
  }
}

TEST_F(PersistenceTest, RefusesDamageAndStrangers) {
  {
    Life life(path);
  }
  std::string full = bytes();
  full[full.size() / 2] ^= 1;
  write(full);
  EXPECT_TRUE(refusal().starts_with(path + ": byte ")) << refusal();
  EXPECT_NE(refusal().find("damaged"), std::string::npos);
  write("# a shopping list\n");
  EXPECT_EQ(refusal(), path + ": byte 0: this is no journal of crossfade");
  path = (folder / "nowhere" / "data").string();
  EXPECT_EQ(refusal(), path + ": No such file or directory");
}

TEST_F(PersistenceTest, OneProcessAtATime) {
  Life life(path);
  EXPECT_EQ(refusal(), path + ": another process uses it");
}

TEST_F(PersistenceTest, CompactsWhatGrows) {
  Life life(path);
  const std::string large(100'000, 'x');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(life.put("a", large + std::to_string(i)));
  EXPECT_LT(bytes().size(), std::size_t{5} << 20);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  const std::string before = life.everything();
  life.journal.reset();
  EXPECT_EQ(Life(path).everything(), before);
}

TEST_F(PersistenceTest, RecoversFromAFullDisk) {
  Life life(path);
  ASSERT_TRUE(life.put("a", "1"));
  rlimit previous{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &previous), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = previous;
  full.rlim_cur = bytes().size() + 20;  // in the middle of the next record
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  EXPECT_TRUE(life.put("b", "1"));
  EXPECT_TRUE(life.put("c", "1"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &previous), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(life.put("d", "1"));
  const std::string before = life.everything();
  life.journal.reset();
  EXPECT_EQ(Life(path).everything(), before);
}

TEST_F(PersistenceTest, AnInterruptedDeletionGoesOn) {
  {
    Life life(path);
    const auto owner = life.put("owner", "1");
    ASSERT_TRUE(owner);
    ASSERT_TRUE(life.registry.create(life.type("", "configmaps"), "default",
                                     parseObject(fmt::format(R"({{"metadata":{{"name":"owned","ownerReferences":[
                                         {{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{}"}}]}}}})",
                                                             uid(*owner)))));
    ASSERT_TRUE(life.registry.remove(life.type("", "configmaps"), "default", "owner"));
  }  // before the garbage collector had its turn
  Life life(path);
  EXPECT_TRUE(life.registry.get(life.type("", "configmaps"), "default", "owned"));
  life.loop.run(seconds(1));
  EXPECT_FALSE(life.registry.get(life.type("", "configmaps"), "default", "owned"));
}

}  // namespace
}  // namespace crossfade::local
