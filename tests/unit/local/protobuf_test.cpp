// Protobuf bodies: what a client writes comes out as its JSON would have been; broken bytes are an error, never more.
#include "local/protobuf.hpp"

#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

// Writes the wire format by hand.
struct Wire {
  std::string bytes;

  Wire& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(value);
    return *this;
  }
  Wire& text(int field, std::string_view value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    bytes += value;
    return *this;
  }
  Wire& message(int field, const Wire& value) { return text(field, value.bytes); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
  }
};

std::string envelope(std::string_view api_version, std::string_view kind, const Wire& object) {
  Wire unknown;
  unknown.message(1, Wire().text(1, api_version).text(2, kind)).message(2, object);
  return std::string("k8s\0", 4) + unknown.bytes;
}

Wire labels(std::string_view key, std::string_view value) { return Wire().text(1, key).text(2, value); }

// As client-go writes it: every scalar that is no pointer, zero or not.
Wire deployment() {
  Wire metadata;
  metadata.text(1, "d")
      .text(2, "")
      .text(3, "default")
      .text(4, "")
      .text(5, "")
      .text(6, "")
      .number(7, 0)
      .message(8, Wire())
      .message(11, labels("a", "b"));
  Wire probe;
  probe
      .message(1,
               Wire().message(
                   2, Wire().text(1, "/ready").message(2, Wire().number(1, 0).number(2, 80).text(3, "")).text(3, "")))
      .number(2, 0)
      .number(3, 5);
  Wire container;
  container.text(1, "c").text(2, "i").text(3, "run").text(3, "me").message(11, probe);
  container.message(8, Wire().message(2, Wire().text(1, "cpu").message(2, Wire().text(1, "100m"))));
  Wire volume;
  volume.text(1, "v").message(2, Wire().message(19, Wire().message(1, Wire().text(1, "config"))));
  Wire spec;
  spec.number(1, 0)
      .message(2, Wire().message(1, labels("a", "b")))
      .message(3, Wire()
                      .message(1, Wire().message(8, Wire()).message(11, labels("a", "b")))
                      .message(2, Wire().message(1, volume).message(2, container)))
      .message(4, Wire().text(1, "").message(2, Wire().message(1, Wire().number(1, 1).number(2, 0).text(3, "25%"))))
      .number(5, 0)
      .number(7, 0);
  return Wire().message(1, metadata).message(2, spec).message(3, Wire().number(1, 0));
}

TEST(Protobuf, ReadsAnObject) {
  const auto object = decodeProtobuf(envelope("apps/v1", "Deployment", deployment()));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(
      json::value(*object),
      *parseJson(
          R"({"metadata":{"name":"d","namespace":"default","labels":{"a":"b"}},"spec":{"replicas":0,"selector":{"matchLabels":{"a":"b"}},
 "template":{"metadata":{"labels":{"a":"b"}},"spec":{"volumes":[{"name":"v","configMap":{"name":"config"}}],"containers":[{"name":"c","image":"i","command":["run","me"],
 "readinessProbe":{"httpGet":{"path":"/ready","port":80},"timeoutSeconds":5},"resources":{"requests":{"cpu":"100m"}}}]}},
 "strategy":{"rollingUpdate":{"maxUnavailable":"25%"}}},"status":{},"apiVersion":"apps/v1","kind":"Deployment"})"))
      << json::serialize(*object);
}

TEST(Protobuf, ReadsBytesTimesAndOptions) {
  Wire secret;
  secret.message(1, Wire().text(1, "s").message(9, Wire().number(1, 1704067200)))
      .message(2, Wire().text(1, "k").text(2, "hello"))
      .number(5, 0);
  const auto object = decodeProtobuf(envelope("v1", "Secret", secret));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(getString(*object, {"data", "k"}), "aGVsbG8=");
  EXPECT_EQ(getString(*object, {"metadata", "deletionTimestamp"}), "2024-01-01T00:00:00Z");
  EXPECT_NE(find(*object, {"immutable"}), nullptr);  // a pointer: false is something else than nothing
  const auto options =
      decodeProtobuf(envelope("apps/v1", "DeleteOptions", Wire().number(1, 0).text(4, "Orphan").text(5, "All")));
  ASSERT_TRUE(options);
  EXPECT_EQ(getInt(*options, {"gracePeriodSeconds"}, -1), 0);
  EXPECT_EQ(getString(*options, {"propagationPolicy"}), "Orphan");
}

TEST(Protobuf, RefusesWhatIsBroken) {
  const std::string whole = envelope("apps/v1", "Deployment", deployment());
  // Cut anywhere but between the envelope's two fields.
  std::size_t whole_ones = 0;
  for (std::size_t size = 0; size < whole.size(); ++size)
    whole_ones += decodeProtobuf(whole.substr(0, size)).has_value() ? 1 : 0;
  EXPECT_EQ(whole_ones, 1U);
  EXPECT_FALSE(decodeProtobuf("{}"));
  EXPECT_FALSE(decodeProtobuf(envelope("x.io/v1", "Foo", Wire())));
  // Any damage to single bytes is an error or another object, never a crash.
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = whole;
    for (int n = 0; n < 3; ++n) damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    static_cast<void>(decodeProtobuf(damaged));
  }
  // JSONSchemaProps and the like may nest for ever.
  Wire nested;
  for (int i = 0; i < 200; ++i) nested = Wire().message(1, nested);
  static_cast<void>(decodeProtobuf(envelope("v1", "Pod", nested)));
}

class ApiServerProtobuf : public ApiTest {};

TEST_F(ApiServerProtobuf, TakesWhatKubectlSends) {
  constexpr std::string_view type = "application/vnd.kubernetes.protobuf";
  const Reply made = send("POST", deployments, envelope("apps/v1", "Deployment", deployment()), type);
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(getInt(made.body.get_object(), {"spec", "progressDeadlineSeconds"}), 600);
  EXPECT_EQ(send("POST", deployments, envelope("v1", "Secret", Wire()), type).status, 400);
  EXPECT_EQ(send("POST", deployments, std::string("k8s\0abc", 7), type).status, 400);
  EXPECT_EQ(send("DELETE", fmt::format("{}/d", deployments),
                 envelope("apps/v1", "DeleteOptions", Wire().text(4, "Background")), type)
                .status,
            200);
}

}  // namespace
}  // namespace crossfade::local
