// The OpenAPI documents: what kubectl looks up in v2 (JSON and protobuf) and in v3.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ApiServerOpenApi : public ApiTest {};

// Just enough of protobuf's wire format to find fields again.
struct Field {
  int number = 0;
  std::string_view bytes;   // of length-delimited fields
  std::uint64_t value = 0;  // of varints
};

std::optional<std::uint64_t> varint(std::string_view& text) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// Empty when the message is broken.
std::optional<std::vector<Field>> decode(std::string_view text) {
  std::vector<Field> fields;
  while (!text.empty()) {
    const auto tag = varint(text);
    if (!tag) return std::nullopt;
    Field field{.number = static_cast<int>(*tag >> 3), .bytes = {}};
    const int wire_type = static_cast<int>(*tag & 7);
    std::size_t skip = 0;
    if (wire_type == 0) {
      const auto value = varint(text);
      if (!value) return std::nullopt;
      field.value = *value;
    } else if (wire_type == 2) {
      const auto size = varint(text);
      if (!size || *size > text.size()) return std::nullopt;
      field.bytes = text.substr(0, *size);
      skip = *size;
    } else if (wire_type == 1) {
      skip = 8;
    } else {
      return std::nullopt;
    }
    if (skip > text.size()) return std::nullopt;
    text.remove_prefix(skip);
    fields.push_back(field);
  }
  return fields;
}

std::string_view first(std::string_view message, int number) {
  const auto fields = decode(message);
  if (!fields) return {};
  const auto found = std::ranges::find(*fields, number, &Field::number);
  return found == fields->end() ? std::string_view() : found->bytes;
}

// The value of the entry with that name in a message of NamedX entries.
std::string_view entry(std::string_view message, int number, std::string_view name) {
  const auto fields = decode(message);
  if (!fields) return {};
  for (const Field& field : *fields) {
    if (field.number == number && first(field.bytes, 1) == name) return first(field.bytes, 2);
  }
  return {};
}

constexpr int paths_field = 8, definitions_field = 9, properties_field = 25, extension_field = 31,
              description_field = 4;

TEST_F(ApiServerOpenApi, EncodesVersion2ForOldKubectl) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const Reply reply = get("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  ASSERT_EQ(reply.status, 200);
  ASSERT_TRUE(decode(reply.text));
  EXPECT_EQ(first(reply.text, 1), "2.0");
  const auto definitions = first(reply.text, definitions_field);
  const auto deployment = entry(definitions, 1, "io.k8s.api.apps.v1.Deployment");
  ASSERT_FALSE(deployment.empty());
  EXPECT_NE(first(deployment, description_field).find("Deployment enables declarative updates"),
            std::string_view::npos);
  const auto kind = first(entry(deployment, extension_field, "x-kubernetes-group-version-kind"), 2);
  EXPECT_NE(kind.find(R"("kind":"Deployment")"), std::string_view::npos) << kind;
  const auto spec = entry(first(deployment, properties_field), 1, "spec");
  EXPECT_EQ(first(spec, 1), "#/definitions/io.k8s.api.apps.v1.DeploymentSpec");
  const auto containers =
      entry(first(entry(definitions, 1, "io.k8s.api.core.v1.PodSpec"), properties_field), 1, "containers");
  EXPECT_EQ(first(entry(containers, extension_field, "x-kubernetes-patch-merge-key"), 2), "\"name\"");
  const auto custom = entry(definitions, 1, "io.x.v1.Foo");
  ASSERT_FALSE(custom.empty());
  EXPECT_FALSE(entry(first(custom, properties_field), 1, "metadata").empty());
  // --dry-run=server asks whether PATCH takes the parameter.
  const auto patch =
      first(entry(first(reply.text, paths_field), 2, "/apis/x.io/v1/namespaces/{namespace}/foos/{name}"), 8);
  EXPECT_NE(patch.find("dryRun"), std::string_view::npos);
}

TEST_F(ApiServerOpenApi, ServesVersion2AsJson) {
  const Reply reply = get("/openapi/v2");
  EXPECT_EQ(reply.at({"swagger"}), "2.0");
  EXPECT_EQ(reply.at({"definitions", "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "format"}), "int-or-string");
  EXPECT_EQ(reply.at({"definitions", "io.k8s.apimachinery.pkg.api.resource.Quantity", "type"}), "string");
  EXPECT_EQ(reply.text.find("#/components/"), std::string::npos);
  EXPECT_EQ(get("/openapi/v2", "text/html").status, 406);
}

TEST_F(ApiServerOpenApi, ServesVersion3ByGroup) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const Reply index = get("/openapi/v3");
  const auto* paths = getObject(index.body.get_object(), {"paths"});
  ASSERT_NE(paths, nullptr);
  for (const auto& [path, value] : *paths) {
    const std::string url(getString(value.get_object(), {"serverRelativeURL"}));
    const Reply document = get(url);
    EXPECT_EQ(document.status, 200) << url;
    EXPECT_EQ(document.headers.get("Cache-Control"), "public, immutable");
    // Every reference leads somewhere.
    const auto* schemas = getObject(document.body.get_object(), {"components", "schemas"});
    ASSERT_NE(schemas, nullptr) << url;
    constexpr std::string_view prefix = "\"#/components/schemas/";
    for (std::size_t at = document.text.find(prefix); at != std::string::npos;
         at = document.text.find(prefix, at + 1)) {
      const auto begin = at + prefix.size();
      const std::string name = document.text.substr(begin, document.text.find('"', begin) - begin);
      EXPECT_TRUE(schemas->contains(name)) << url << ": " << name;
    }
  }
  EXPECT_TRUE(paths->contains("apis/x.io/v1"));
  EXPECT_EQ(get("/openapi/v3/apis/nope.io/v1").status, 404);
}

TEST_F(ApiServerOpenApi, FollowsTheDefinitions) {
  const auto hash = [&] { return std::string(get("/openapi/v3").at({"paths", "apis/x.io/v1", "serverRelativeURL"})); };
  EXPECT_EQ(hash(), "");
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const std::string before = hash();
  EXPECT_NE(before, "");
  EXPECT_NE(get("/openapi/v2").text.find("io.x.v1.Foo"), std::string::npos);
  ASSERT_EQ(
      send(
          "PATCH", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.x.io",
          R"([{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/fresh","value":{"type":"string"}}])",
          json_patch)
          .status,
      200);
  loop.run(seconds(1));
  EXPECT_NE(hash(), before);
  EXPECT_NE(get("/openapi/v3/apis/x.io/v1").text.find("\"fresh\""), std::string::npos);
}

}  // namespace
}  // namespace crossfade::local
