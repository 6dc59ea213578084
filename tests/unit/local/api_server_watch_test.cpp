// Watches: what comes first, resuming, 410, selectors that objects enter and leave, bookmarks, tables, the end.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

using Strings = std::vector<std::string>;

class ApiServerWatch : public ApiTest {
 protected:
  Reply watch(std::string_view query, std::string_view accept = {}) {
    return get(fmt::format("{}?watch=1&{}", config_maps, query), accept);
  }
};

TEST_F(ApiServerWatch, BeginsWithWhatIsThere) {
  makeConfigMap("a");
  for (const auto query : {"", "resourceVersion=0"}) {
    const Reply reply = watch(query);
    ASSERT_TRUE(reply.stream) << reply.text;
    EXPECT_EQ(reply.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(briefs(*reply.stream), (Strings{"ADDED a"})) << query;
  }
}

TEST_F(ApiServerWatch, TellsOfEveryChange) {
  const Reply reply = watch(fmt::format("resourceVersion={}", registry.resourceVersion()));
  EXPECT_EQ(briefs(*reply.stream), Strings{});
  makeConfigMap("a");
  send("PATCH", fmt::format("{}/a", config_maps), R"({"data":{"k":"w"}})", merge);
  send("DELETE", fmt::format("{}/a", config_maps));
  const auto seen = events(*reply.stream);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(brief(seen[0]), "ADDED a");
  EXPECT_EQ(brief(seen[1]), "MODIFIED a");
  EXPECT_EQ(brief(seen[2]), "DELETED a");
  EXPECT_EQ(getString(seen[2], {"object", "data", "k"}), "w");
  EXPECT_EQ(getString(seen[2], {"object", "metadata", "resourceVersion"}), std::to_string(registry.resourceVersion()));
  EXPECT_FALSE(ended);
}

TEST_F(ApiServerWatch, WakesAReaderThatWaits) {
  const Reply reply = watch("");
  std::optional<std::string> piece;
  loop.spawn([](net::BodyReader& stream, Clock& clock, std::optional<std::string>& piece) -> Task<> {
    auto next = co_await stream.next(clock.now() + minutes(5));
    piece = next ? *next : next.error().message;
  }(*reply.stream, loop.clock(), piece));
  loop.run(minutes(1));
  EXPECT_FALSE(piece);
  makeConfigMap("a");
  loop.settle();
  ASSERT_TRUE(piece);
  EXPECT_NE(piece->find(R"("type":"ADDED")"), std::string::npos);
}

TEST_F(ApiServerWatch, ResumesWhereItWas) {
  makeConfigMap("a");
  const auto version = registry.resourceVersion();
  makeConfigMap("b");
  send("DELETE", fmt::format("{}/a", config_maps));
  EXPECT_EQ(briefs(*watch(fmt::format("resourceVersion={}", version)).stream), (Strings{"ADDED b", "DELETED a"}));
  // From a version that is still to come: nothing until then.
  const Reply future = watch(fmt::format("resourceVersion={}", registry.resourceVersion() + 1));
  makeConfigMap("c");
  makeConfigMap("d");
  EXPECT_EQ(briefs(*future.stream), (Strings{"ADDED d"}));
}

TEST_F(ApiServerWatch, TellsThatHistoryIsGone) {
  makeConfigMap("a");
  const auto version = registry.resourceVersion();
  makeConfigMap("b");
  registry.compact();
  const Reply reply = watch(fmt::format("resourceVersion={}", version));
  EXPECT_EQ(reply.status, 200);
  const auto seen = events(*reply.stream);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(getString(seen[0], {"type"}), "ERROR");
  EXPECT_EQ(getInt(seen[0], {"object", "code"}), 410);
  EXPECT_EQ(getString(seen[0], {"object", "reason"}), "Expired");
  EXPECT_TRUE(ended);
}

TEST_F(ApiServerWatch, SeesObjectsEnterAndLeaveItsSelection) {
  makeConfigMap("a");
  const Reply reply = watch(fmt::format("labelSelector=x%3D1&resourceVersion={}", registry.resourceVersion()));
  const auto label = [&](std::string_view value) {
    send("PATCH", fmt::format("{}/a", config_maps), fmt::format(R"({{"metadata":{{"labels":{{"x":{}}}}}}})", value),
         merge);
  };
  label("\"1\"");
  send("PATCH", fmt::format("{}/a", config_maps), R"({"data":{"k":"w"}})", merge);
  label("\"2\"");
  label("\"3\"");
  const auto seen = events(*reply.stream);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(brief(seen[0]), "ADDED a");
  EXPECT_EQ(brief(seen[1]), "MODIFIED a");
  EXPECT_EQ(brief(seen[2]), "DELETED a");
  // It leaves as it was last seen, with the version of the change that made it leave.
  EXPECT_EQ(getString(seen[2], {"object", "metadata", "labels", "x"}), "1");
  EXPECT_EQ(getString(seen[2], {"object", "metadata", "resourceVersion"}),
            std::to_string(registry.resourceVersion() - 1));
}

TEST_F(ApiServerWatch, KeepsToItsNamespaceAndName) {
  send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"other"}})");
  const Reply here = watch("fieldSelector=metadata.name%3Da");
  const Reply everywhere = get("/api/v1/configmaps?watch=true");
  makeConfigMap("a");
  makeConfigMap("b");
  send("POST", "/api/v1/namespaces/other/configmaps", R"({"metadata":{"name":"a"}})");
  EXPECT_EQ(briefs(*here.stream), (Strings{"ADDED a"}));
  EXPECT_EQ(briefs(*everywhere.stream), (Strings{"ADDED a", "ADDED b", "ADDED a"}));
}

TEST_F(ApiServerWatch, SendsBookmarks) {
  const Reply plain = watch("");
  const Reply reply = watch("allowWatchBookmarks=true");
  EXPECT_EQ(briefs(*reply.stream, seconds(59)), Strings{});
  send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"other"}})");
  const auto seen = events(*reply.stream, seconds(2));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(
      json::serialize(seen[0]),
      fmt::format(
          R"({{"type":"BOOKMARK","object":{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"resourceVersion":"{}"}}}}}})",
          registry.resourceVersion()));
  EXPECT_EQ(briefs(*plain.stream, minutes(5)), Strings{});
}

TEST_F(ApiServerWatch, SendsABookmarkBeforeItsEnd) {
  const Reply reply = watch("allowWatchBookmarks=true&timeoutSeconds=10");
  EXPECT_EQ(briefs(*reply.stream, seconds(7)), Strings{});
  EXPECT_EQ(briefs(*reply.stream, seconds(2)), (Strings{"BOOKMARK"}));
}

TEST_F(ApiServerWatch, ListsByWatching) {
  makeConfigMap("a");
  const Reply reply = watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  const auto seen = events(*reply.stream);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(brief(seen[0]), "ADDED a");
  EXPECT_EQ(getString(seen[1], {"object", "metadata", "annotations", "k8s.io/initial-events-end"}), "true");
  // Without the match it is refused; without initial events only what comes is told.
  EXPECT_EQ(watch("sendInitialEvents=true").status, 422);
  EXPECT_EQ(watch("resourceVersionMatch=NotOlderThan").status, 422);
  EXPECT_EQ(briefs(*watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan").stream), Strings{});
}

TEST_F(ApiServerWatch, EndsAfterItsTime) {
  const Reply reply = watch("timeoutSeconds=5");
  EXPECT_EQ(briefs(*reply.stream, seconds(4)), Strings{});
  EXPECT_FALSE(ended);
  EXPECT_EQ(briefs(*reply.stream, seconds(2)), Strings{});
  EXPECT_TRUE(ended);
}

TEST_F(ApiServerWatch, EndsWhenCancelled) {
  const Reply reply = watch("");
  reply.stream->cancel();
  const auto piece = loop.get(reply.stream->next(loop.clock().now() + minutes(1)));
  ASSERT_TRUE(piece && !*piece);
  EXPECT_EQ(piece->error().code, ErrorCode::cancelled);
}

TEST_F(ApiServerWatch, MayBeDestroyedWhileSomebodyWaits) {
  Reply reply = watch("");
  bool done = false;
  loop.spawn([](net::BodyReader& stream, Clock& clock, bool& done) -> Task<> {
    auto next = co_await stream.next(clock.now() + minutes(5));
    done = !next;
  }(*reply.stream, loop.clock(), done));
  loop.settle();
  reply.stream.reset();
  loop.settle();
  EXPECT_TRUE(done);
  makeConfigMap("a");  // nobody listens any more
}

TEST_F(ApiServerWatch, EndsWithItsKind) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const Reply reply = get("/apis/x.io/v1/foos?watch=1");
  ASSERT_TRUE(reply.stream);
  send("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.x.io");
  loop.run(seconds(1));
  EXPECT_EQ(briefs(*reply.stream), Strings{});
  EXPECT_TRUE(ended);
}

TEST_F(ApiServerWatch, CutsOffWhoDoesNotRead) {
  makeConfigMap("a");
  const Reply reply = watch("");
  for (int i = 0; i < 4200; ++i) {
    static_cast<void>(registry.modify(
        *registry.resource("", "configmaps"), "default", "a", Subresource::none,
        [i](json::object& object) { ensureObject(object, {"data"})["n"] = std::to_string(i); }, {.field_manager = ""}));
  }
  EXPECT_EQ(briefs(*reply.stream), Strings{});
  EXPECT_TRUE(ended);
}

TEST_F(ApiServerWatch, SendsTablesWithColumnsOnce) {
  makeConfigMap("a");
  makeConfigMap("b");
  const Reply reply = watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
                            "application/json;as=Table;v=v1;g=meta.k8s.io");
  const auto seen = events(*reply.stream);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(getString(seen[0], {"object", "kind"}), "Table");
  EXPECT_EQ(getArray(seen[0], {"object", "columnDefinitions"})->size(), 3U);
  EXPECT_TRUE(find(seen[1], {"object", "columnDefinitions"})->is_null());
  const json::object& row = (*getArray(seen[1], {"object", "rows"}))[0].get_object();
  EXPECT_EQ(json::serialize(*row.if_contains("cells")), R"(["b",1,"0s"])");
  EXPECT_EQ(getString(row, {"object", "kind"}), "PartialObjectMetadata");
  EXPECT_EQ(getString(seen[2], {"type"}), "BOOKMARK");
}

TEST_F(ApiServerWatch, RefusesBadQueries) {
  EXPECT_EQ(watch("resourceVersion=x").status, 500);
  EXPECT_EQ(watch("timeoutSeconds=x").status, 400);
  EXPECT_EQ(watch("fieldSelector=foo%3Dbar").status, 400);
  EXPECT_EQ(watch("", "application/yaml").status, 406);
}

TEST_F(ApiServerWatch, IdleWatchesCostNothing) {
  std::vector<Reply> replies;
  for (int i = 0; i < 1000; ++i)
    replies.push_back(watch(fmt::format("resourceVersion={}", registry.resourceVersion())));
  makeConfigMap("a");
  for (const Reply& reply : replies) EXPECT_EQ(briefs(*reply.stream), (Strings{"ADDED a"}));
}

}  // namespace
}  // namespace crossfade::local
