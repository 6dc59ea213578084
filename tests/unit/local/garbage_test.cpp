// Owner references and namespaces: what goes with what.
#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

class GarbageTest : public RegistryFixture {
 protected:
  // A ConfigMap that these own.
  Object dependent(std::string_view name, const std::vector<Object>& owners, bool blocks = false,
                   std::string_view more = "") {
    json::array references;
    for (const Object& owner : owners) {
      references.push_back(json::object{{"apiVersion", "v1"},
                                        {"kind", "ConfigMap"},
                                        {"name", getString(*owner, {"metadata", "name"})},
                                        {"uid", uid(owner)},
                                        {"blockOwnerDeletion", blocks}});
    }
    return makeConfigMap(name, fmt::format(R"(,"ownerReferences":{}{})", json::serialize(references), more));
  }
  void remove(std::string_view name, std::optional<Propagation> propagation = {}) {
    const auto removed =
        registry.remove(configMaps(), "default", name,
                        {.propagation = propagation, .uid = {}, .resource_version = {}, .grace_period_seconds = {}});
    EXPECT_TRUE(removed) << removed.error().message;
  }
  void settle() { loop.run(seconds(1)); }
  std::size_t owners(std::string_view name) {
    const auto object = registry.get(configMaps(), "default", name);
    const auto* references = object ? getArray(**object, {"metadata", "ownerReferences"}) : nullptr;
    return references == nullptr ? 0 : references->size();
  }
};

TEST_F(GarbageTest, BackgroundDeletesDependentsAMomentLater) {
  const Object top = makeConfigMap("top");
  const Object middle = dependent("middle", {top});
  dependent("leaf", {middle});
  remove("top");
  EXPECT_FALSE(exists(configMaps(), "top"));
  EXPECT_TRUE(exists(configMaps(), "middle")) << "never within the commit that gave the cause";
  settle();
  EXPECT_FALSE(exists(configMaps(), "middle"));
  EXPECT_FALSE(exists(configMaps(), "leaf"));
}

TEST_F(GarbageTest, ForegroundKeepsTheOwnerUntilBlockingDependentsAreGone) {
  const Object top = makeConfigMap("top");
  dependent("held", {top}, true, R"(,"finalizers":["example.com/x"])");
  dependent("free", {top}, false);
  remove("top", Propagation::foreground);
  const auto marked = registry.get(configMaps(), "default", "top");
  ASSERT_TRUE(marked);
  EXPECT_EQ(json::serialize(*find(**marked, {"metadata", "finalizers"})), R"(["foregroundDeletion"])");
  settle();
  EXPECT_FALSE(exists(configMaps(), "free"));
  EXPECT_TRUE(exists(configMaps(), "top"));
  ASSERT_TRUE(registry.modify(configMaps(), "default", "held", Subresource::none,
                              [](json::object& object) { object["metadata"].as_object().erase("finalizers"); }));
  settle();
  EXPECT_FALSE(exists(configMaps(), "held"));
  EXPECT_FALSE(exists(configMaps(), "top"));
}

TEST_F(GarbageTest, OrphanLeavesDependentsWithoutTheirOwner) {
  const Object top = makeConfigMap("top");
  const Object other = makeConfigMap("other");
  dependent("both", {top, other});
  dependent("one", {top});
  remove("top", Propagation::orphan);
  settle();
  EXPECT_FALSE(exists(configMaps(), "top"));
  EXPECT_EQ(owners("both"), 1U);
  EXPECT_TRUE(exists(configMaps(), "one"));
  EXPECT_EQ(owners("one"), 0U);
}

TEST_F(GarbageTest, ASolidOwnerKeepsADependent) {
  const Object top = makeConfigMap("top");
  const Object other = makeConfigMap("other");
  dependent("both", {top, other});
  remove("top");
  settle();
  EXPECT_TRUE(exists(configMaps(), "both"));
  EXPECT_EQ(owners("both"), 1U);
  remove("other");
  settle();
  EXPECT_FALSE(exists(configMaps(), "both"));
}

TEST_F(GarbageTest, CollectsWhatIsBornOfAnOwnerThatNeverWas) {
  const Object top = makeConfigMap("top");
  json::object changed = *top;
  changed["metadata"].as_object()["uid"] = "11111111-1111-4111-8111-111111111111";
  dependent("stray", {std::make_shared<const json::object>(changed)});
  settle();
  EXPECT_FALSE(exists(configMaps(), "stray"));
}

TEST_F(GarbageTest, LeavesDependentsOfKindsThatNobodyServes) {
  makeConfigMap("kept",
                R"(,"ownerReferences":[{"apiVersion":"nobody.example.com/v1","kind":"Thing","name":"x","uid":"u"}])");
  settle();
  EXPECT_TRUE(exists(configMaps(), "kept"));
}

TEST_F(GarbageTest, JobsKeepTheirPodsUnlessToldOtherwise) {
  const ResourceType& jobs = type("batch", "jobs");
  make(
      jobs,
      R"({"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})");
  const auto marked = registry.remove(jobs, "default", "j");
  ASSERT_TRUE(marked);
  EXPECT_EQ(json::serialize(*find(**marked, {"metadata", "finalizers"})), R"(["orphan"])");
  settle();
  EXPECT_FALSE(exists(jobs, "j"));
}

TEST_F(GarbageTest, ADeletedNamespaceEmptiesAndGoes) {
  const ResourceType& namespaces = type("", "namespaces");
  make(namespaces, R"({"metadata":{"name":"n"}})");
  ASSERT_TRUE(registry.create(configMaps(), "n", parseObject(R"({"metadata":{"name":"plain"}})")));
  ASSERT_TRUE(registry.create(configMaps(), "n",
                              parseObject(R"({"metadata":{"name":"held","finalizers":["example.com/x"]}})")));
  const auto marked = registry.remove(namespaces, "", "n");
  ASSERT_TRUE(marked);
  EXPECT_EQ(getString(**marked, {"status", "phase"}), "Terminating");
  const auto refused = registry.create(configMaps(), "n", parseObject(R"({"metadata":{"name":"late"}})"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::forbidden);
  EXPECT_EQ(
      refused.error().message,
      "configmaps \"late\" is forbidden: unable to create new content in namespace n because it is being terminated");
  settle();
  EXPECT_FALSE(exists(configMaps(), "plain", "n"));
  EXPECT_TRUE(exists(configMaps(), "held", "n"));
  EXPECT_TRUE(exists(namespaces, "n"));
  ASSERT_TRUE(registry.modify(configMaps(), "n", "held", Subresource::none,
                              [](json::object& object) { object["metadata"].as_object().erase("finalizers"); }));
  settle();
  EXPECT_FALSE(exists(namespaces, "n"));

  const auto system = registry.remove(namespaces, "", "default");
  ASSERT_FALSE(system);
  EXPECT_EQ(system.error().message, "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

}  // namespace
}  // namespace crossfade::local
