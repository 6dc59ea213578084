// Creates, updates, deletions: names, versions, validation, dry runs, odd bodies, limits.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ApiServerWrite : public ApiTest {
 protected:
  void serveFoos() {
    ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
    loop.run(seconds(1));
  }
  static constexpr std::string_view foos = "/apis/x.io/v1/namespaces/default/foos";
};

TEST_F(ApiServerWrite, Creates) {
  const Reply made = makeConfigMap("a");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.at({"kind"}), "ConfigMap");
  EXPECT_FALSE(made.at({"metadata", "uid"}).empty());
  const Reply again = makeConfigMap("a");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.at({"reason"}), "AlreadyExists");
  EXPECT_EQ(again.at({"message"}), "configmaps \"a\" already exists");
  EXPECT_TRUE(
      send("POST", config_maps, R"({"metadata":{"generateName":"g-"}})").at({"metadata", "name"}).starts_with("g-"));
}

TEST_F(ApiServerWrite, TakesYaml) {
  const Reply made =
      send("POST", config_maps,
           "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata: &d\n  port: \"8080\"\n  on: 'yes'\n",
           "application/yaml");
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.at({"data", "port"}), "8080");
  EXPECT_EQ(made.at({"data", "true"}), "yes");  // YAML 1.1's idea of `on`
}

struct BodyCase {
  std::string_view body, content_type;
  int status;
  std::string_view message;
};

TEST_F(ApiServerWrite, RefusesOddBodies) {
  constexpr std::string_view json_type = "application/json";
  const BodyCase cases[] = {
      {"{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"na", json_type, 400,
       "unexpected end of JSON input ({\"kind\":\"ConfigMap\",\"apiVersio ...)"},
      {"[]", json_type, 400, "Kind string \"json:\\\"kind,omitempty\\\"\" } (5b5d)"},
      {"null", json_type, 422, "metadata.name: Required value"},
      {"nonsense", json_type, 400, "the object provided is unrecognized"},
      {"{} {}", json_type, 400, "the object provided is unrecognized"},
      {R"({"kind":"Secret","metadata":{"name":"b"}})", json_type, 400, "cannot be handled as a ConfigMap"},
      {R"({"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"b"}})", json_type, 400, ""},
      {R"({"metadata":[]})", json_type, 400, "cannot unmarshal array into Go struct field ConfigMap.metadata"},
      {R"({"metadata":{"name":5}})", json_type, 400,
       "cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string"},
      {R"({"metadata":{"name":"b"},"data":[1]})", json_type, 400,
       "cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string"},
      {R"({"metadata":{"name":"b","namespace":"kube-system"}})", json_type, 400,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {R"({"metadata":{"name":"b","resourceVersion":"5"}})", json_type, 500,
       "resourceVersion should not be set on objects to be created"},
      {R"({"metadata":{"name":"A_b"}})", json_type, 422,
       "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain"},
      {R"({"metadata":{}})", json_type, 422,
       "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"},
      {"a: [b\n", "application/yaml", 400, "the object provided is unrecognized"},
      {"- a\n", "application/yaml", 400, "the object provided is unrecognized"},
      {R"({"metadata":{"name":"b"}})", "text/plain", 415, "the body of the request was in an unknown format"},
  };
  for (const BodyCase& row : cases) {
    const Reply reply = send("POST", config_maps, row.body, row.content_type);
    EXPECT_EQ(reply.status, row.status) << row.body << "\n" << reply.text;
    EXPECT_NE(reply.at({"message"}).find(row.message), std::string_view::npos) << row.body << "\n" << reply.text;
    EXPECT_EQ(getInt(reply.body.get_object(), {"code"}), row.status);
  }
  EXPECT_EQ(send("POST", config_maps).status, 400);  // no body at all
  EXPECT_EQ(get(config_maps).names(), std::vector<std::string>{});
}

TEST_F(ApiServerWrite, NamesTheMissingNamespace) {
  const Reply reply = send("POST", "/api/v1/namespaces/nons/configmaps", R"({"metadata":{"name":"a"}})");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(json::serialize(*find(reply.body, {"details"})), R"({"name":"nons","kind":"namespaces"})");
}

TEST_F(ApiServerWrite, TellsEveryViolationWithItsField) {
  const Reply reply = send(
      "POST", deployments,
      R"({"metadata":{"name":"d"},"spec":{"replicas":-1,"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.at({"details", "kind"}), "Deployment");
  EXPECT_EQ(reply.at({"details", "group"}), "apps");
  std::map<std::string, std::string> causes;
  for (const auto& cause : *getArray(reply.body.get_object(), {"details", "causes"})) {
    causes.emplace(getString(cause.get_object(), {"field"}), getString(cause.get_object(), {"reason"}));
  }
  EXPECT_EQ(causes["spec.replicas"], "FieldValueInvalid");
  EXPECT_EQ(causes["spec.selector"], "FieldValueRequired");
}

TEST_F(ApiServerWrite, RefusesWrongTypesAsTheDecoderDoes) {
  std::string text(deployment_text);
  text.replace(text.find("\"replicas\":1"), 12, "\"replicas\":\"x\"");
  const Reply reply = send("POST", deployments, text);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.at({"message"}),
            "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go "
            "struct field "
            "DeploymentSpec.spec.replicas of type int32");
}

TEST_F(ApiServerWrite, WarnsOfUnknownAndDuplicateFields) {
  constexpr std::string_view body = R"({"metadata":{"name":"u","bar":2},"foo":1,"data":{"a":"1","a":"2"}})";
  const Reply warned = send("POST", fmt::format("{}?dryRun=All", config_maps), body);
  EXPECT_EQ(warned.status, 201);
  const auto warnings = warned.warnings();
  EXPECT_EQ(std::set<std::string>(warnings.begin(), warnings.end()),
            (std::set<std::string>{R"(299 - "duplicate field \"data.a\"")", R"(299 - "unknown field \"foo\"")",
                                   R"(299 - "unknown field \"metadata.bar\"")"}));
  EXPECT_EQ(send("POST", fmt::format("{}?dryRun=All&fieldValidation=Ignore", config_maps), body).warnings().size(), 0U);
  const Reply strict = send("POST", fmt::format("{}?fieldValidation=Strict", config_maps), body);
  EXPECT_EQ(strict.status, 400);
  EXPECT_NE(strict.at({"message"}).find("strict decoding error: "), std::string_view::npos);
  EXPECT_NE(strict.at({"message"}).find("unknown field \"metadata.bar\""), std::string_view::npos);
  EXPECT_EQ(get(fmt::format("{}/u", config_maps)).status, 404);
}

struct OptionCase {
  std::string_view method, query, message;
};

TEST_F(ApiServerWrite, RefusesBadOptions) {
  const OptionCase cases[] = {
      {"POST", "fieldValidation=Foo",
       "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Foo\": supported values: "
       "\"\", \"Ignore\", \"Strict\", \"Warn\""},
      {"POST", "dryRun=Foo",
       "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Foo\"]: supported values: \"All\""},
  };
  for (const OptionCase& row : cases) {
    const Reply reply = send(row.method, fmt::format("{}?{}", config_maps, row.query), R"({"metadata":{"name":"a"}})");
    EXPECT_EQ(reply.status, 422);
    EXPECT_EQ(reply.at({"message"}), row.message);
  }
}

TEST_F(ApiServerWrite, RunsDryWithoutATrace) {
  const auto before = registry.resourceVersion();
  EXPECT_EQ(send("POST", fmt::format("{}?dryRun=All", config_maps), R"({"metadata":{"name":"a"}})").status, 201);
  EXPECT_EQ(registry.resourceVersion(), before);
  makeConfigMap("a");
  const auto after = registry.resourceVersion();
  EXPECT_EQ(send("PUT", fmt::format("{}/a?dryRun=All", config_maps), R"({"metadata":{"name":"a"},"data":{"x":"y"}})")
                .at({"data", "x"}),
            "y");
  EXPECT_EQ(
      send("PATCH", fmt::format("{}/a?dryRun=All", config_maps), R"({"data":{"x":"y"}})", merge).at({"data", "x"}),
      "y");
  EXPECT_EQ(send("DELETE", fmt::format("{}/a?dryRun=All", config_maps)).status, 200);
  EXPECT_EQ(registry.resourceVersion(), after);
}

TEST_F(ApiServerWrite, NamesTheManager) {
  const auto managers = [](const Reply& reply) {
    std::set<std::string> result;
    for (const auto& entry : *getArray(reply.body.get_object(), {"metadata", "managedFields"}))
      result.emplace(getString(entry.get_object(), {"manager"}));
    return result;
  };
  EXPECT_EQ(managers(makeConfigMap("a")), (std::set<std::string>{"tester"}));  // of "tester/v1 (linux)"
  EXPECT_EQ(managers(send("PATCH", fmt::format("{}/a?fieldManager=me", config_maps), R"({"data":{"x":"y"}})", merge)),
            (std::set<std::string>{"me", "tester"}));
}

TEST_F(ApiServerWrite, UpdatesWithAndWithoutAVersion) {
  const Reply made = makeConfigMap("a");
  const std::string one = fmt::format("{}/a", config_maps);
  EXPECT_EQ(send("PUT", one, R"({"metadata":{"name":"a"},"data":{"x":"y"}})").at({"data", "x"}), "y");
  const Reply stale = send(
      "PUT", one,
      fmt::format(R"({{"metadata":{{"name":"a","resourceVersion":"{}"}}}})", made.at({"metadata", "resourceVersion"})));
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.at({"message"}),
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your "
            "changes to the latest version and try again");
  EXPECT_EQ(send("PUT", one, R"({"metadata":{"name":"b"}})").at({"message"}),
            "the name of the object (b) does not match the name on the URL (a)");
  EXPECT_EQ(send("PUT", one, R"({"metadata":{}})").status, 400);
  EXPECT_EQ(send("PUT", one, R"({"metadata":{"name":"a","namespace":"x"}})").status, 400);
  EXPECT_EQ(send("PUT", fmt::format("{}/zz", config_maps), R"({"metadata":{"name":"zz"}})").status, 404);
  EXPECT_EQ(send("PUT", one, R"({"metadata":{"name":"a","uid":"other"}})").status, 409);
}

TEST_F(ApiServerWrite, CustomResourcesNeedAVersion) {
  serveFoos();
  const Reply made =
      send("POST", foos, R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"replicas":1}})");
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string one = fmt::format("{}/f", foos);
  const Reply blind = send("PUT", one, R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"f"}})");
  EXPECT_EQ(blind.status, 422);
  EXPECT_EQ(blind.at({"message"}),
            "foos.x.io \"f\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update");
  EXPECT_EQ(
      send("PUT", fmt::format("{}/g", foos), R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"g"}})").status,
      404);
  EXPECT_EQ(send("POST", foos, "{}").status, 400);
  EXPECT_EQ(send("POST", foos, R"({"apiVersion":"x.io/v1","kind":"Bar","metadata":{"name":"g"}})").at({"message"}),
            "Bar.x.io \"g\" is invalid: kind: Invalid value: \"Bar\": must be Foo");
  EXPECT_EQ(send("POST", foos, R"({"apiVersion":"x.io/v2","kind":"Foo","metadata":{"name":"g"}})").at({"message"}),
            "the API version in the data (x.io/v2) does not match the expected API version (x.io/v1)");
  const Reply wrong =
      send("POST", foos, R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"g"},"spec":{"replicas":"x"}})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_NE(
      wrong.text.find(
          R"("reason":"FieldValueTypeInvalid","message":"Invalid value: \"string\": spec.replicas in body must be of type integer: \"string\"","field":"spec.replicas")"),
      std::string::npos)
      << wrong.text;
  const Reply pruned =
      send("POST", foos, R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"g"},"spec":{"bad":1}})");
  EXPECT_EQ(pruned.warnings(), (std::vector<std::string>{R"(299 - "unknown field \"spec.bad\"")"}));
}

TEST_F(ApiServerWrite, KeepsToSizeLimits) {
  const auto secret = [](std::size_t bytes) {
    return fmt::format(R"({{"metadata":{{"name":"s"}},"type":"x","stringData":{{"k":"{}"}}}})",
                       std::string(bytes, 'y'));
  };
  const Reply large = send("POST", "/api/v1/namespaces/default/secrets", secret(2 << 20));
  EXPECT_EQ(large.status, 422);
  EXPECT_EQ(large.at({"message"}), "Secret \"s\" is invalid: data: Too long: may not be more than 1048576 bytes");
  EXPECT_EQ(send("POST", "/api/v1/namespaces/default/secrets", secret(1 << 20)).status, 201);  // what it holds counts
  const auto config_map = [](std::size_t bytes) {
    return fmt::format(R"({{"metadata":{{"name":"c"}},"data":{{"k":"{}"}}}})", std::string(bytes, 'y'));
  };
  EXPECT_EQ(send("POST", config_maps, config_map((1 << 20) + 1)).at({"message"}),
            "ConfigMap \"c\" is invalid: []: Too long: may not be more than 1048576 bytes");
  EXPECT_EQ(send("POST", config_maps, config_map(1 << 20)).status, 201);
  const auto pod = [](std::string_view query, std::size_t bytes) {
    return std::pair(fmt::format("{}{}", pods, query),
                     fmt::format(R"({{"metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"c","image":"i",)"
                                 R"("args":["{}"]}}]}}}})",
                                 std::string(bytes, 'y')));
  };
  const auto [path, text] = pod("", 2'000'000);
  const Reply stored = send("POST", path, text);
  EXPECT_EQ(stored.status, 500);
  EXPECT_EQ(stored.at({"message"}), "etcdserver: request is too large");
  EXPECT_EQ(send("POST", fmt::format("{}?dryRun=All", path), text).status, 201);
  const Reply larger = send("POST", "/api/v1/namespaces/default/secrets", secret(4 << 20));
  EXPECT_EQ(larger.at({"message"}), "Request entity too large: limit is 3145728");
  // Nor can patches grow an object beyond it, piece by piece.
  makeConfigMap("a");
  std::string grow = R"([{"op":"add","path":"/data/x","value":")" + std::string(1000, 'x') + "\"}";
  for (int i = 0; i < 12; ++i) grow += R"(,{"op":"copy","from":"/data","path":"/data/d"})";
  EXPECT_GE(send("PATCH", fmt::format("{}/a", config_maps), grow + "]", json_patch).status, 400);
}

TEST_F(ApiServerWrite, Deletes) {
  makeConfigMap("a");
  const std::string one = fmt::format("{}/a", config_maps);
  EXPECT_EQ(send("DELETE", one, R"({"preconditions":{"uid":"x"}})").status, 409);
  EXPECT_EQ(send("DELETE", one, R"({"preconditions":{"resourceVersion":"1"}})").status, 409);
  EXPECT_EQ(send("DELETE", fmt::format("{}?propagationPolicy=Foo", one)).at({"message"}),
            "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Foo\": supported "
            "values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"");
  EXPECT_EQ(send("DELETE", one, R"({"propagationPolicy":"Orphan","orphanDependents":true})").status, 422);
  EXPECT_EQ(send("DELETE", one, "{\"a").at({"message"}),
            "couldn't get version/kind; json parse error: unexpected end of JSON input");
  EXPECT_EQ(send("DELETE", one, R"({"kind":"Foo","apiVersion":"v1"})").status, 500);
  EXPECT_EQ(send("DELETE", one, "x", "text/plain").status, 415);
  EXPECT_EQ(send("PUT", one, R"({"metadata":{"name":"a","resourceVersion":"abc"}})").at({"message"}),
            "strconv.ParseUint: parsing \"abc\": invalid syntax");
  const Reply gone =
      send("DELETE", one, R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"})");
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.at({"status"}), "Success");
  EXPECT_EQ(gone.at({"details", "kind"}), "configmaps");
  EXPECT_EQ(send("DELETE", one).status, 404);
}

TEST_F(ApiServerWrite, ReturnsWhatWaitsForItsFinalizers) {
  ASSERT_EQ(send("POST", deployments, deployment_text).status, 201);
  const Reply waiting = send("DELETE", fmt::format("{}/d?propagationPolicy=Orphan", deployments));
  EXPECT_EQ(waiting.at({"kind"}), "Deployment");
  EXPECT_FALSE(waiting.at({"metadata", "deletionTimestamp"}).empty());
  loop.run(seconds(1));  // the garbage collector
  EXPECT_EQ(get(fmt::format("{}/d", deployments)).status, 404);
}

TEST_F(ApiServerWrite, ProtectsNamespaces) {
  const Reply kept = send("DELETE", "/api/v1/namespaces/default");
  EXPECT_EQ(kept.status, 403);
  EXPECT_EQ(kept.at({"message"}), "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

TEST_F(ApiServerWrite, DeletesACollection) {
  makeConfigMap("a", R"({"x":"1"})");
  makeConfigMap("b", R"({"x":"1"})");
  makeConfigMap("c");
  const Reply reply = send("DELETE", fmt::format("{}?labelSelector=x%3D1", config_maps));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.at({"kind"}), "ConfigMapList");
  EXPECT_EQ(reply.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(get(config_maps).names(), (std::vector<std::string>{"c"}));
}

TEST_F(ApiServerWrite, DecodesBase64AsGoDoes) {
  const auto fault = [this](std::string_view text) {
    const Reply reply =
        send("POST", "/api/v1/namespaces/default/secrets",
             json::serialize(json::object{{"metadata", {{"name", "s"}}}, {"data", json::object{{"a", text}}}}));
    const auto message = reply.at({"message"});
    return reply.status == 201 ? std::string(reply.at({"data", "a"}))
                               : std::string(message.substr(message.rfind(' ') + 1));
  };
  EXPECT_EQ(fault("not base64!"), "3");
  EXPECT_EQ(fault("YWJjabc"), "4");
  EXPECT_EQ(fault("Y"), "0");
  EXPECT_EQ(fault("YQ="), "3");
  EXPECT_EQ(fault("YQ=x"), "2");
  EXPECT_EQ(fault("YQ==YQ=="), "4");
  EXPECT_EQ(fault("===="), "0");
  EXPECT_EQ(fault("YW Jj"), "2");
  EXPECT_EQ(fault("YW\nJj\r\nYQ=\n=\n"), "YWJjYQ==") << "line breaks are read over, and not kept";
}

TEST_F(ApiServerWrite, DecodesAnotherKindAsWhatItIs) {
  makeConfigMap("c");
  const auto target = fmt::format("{}/c", config_maps);
  const auto answer = [&](std::string_view value) {
    return std::string(
        send("PUT", target, fmt::format(R"({{"kind":"Secret","metadata":{{"name":"c"}},"data":{{"a":"{}"}}}})", value))
            .at({"message"}));
  };
  EXPECT_EQ(answer("1"),
            "Secret in version \"v1\" cannot be handled as a ConfigMap: illegal base64 data at input byte 0");
  EXPECT_EQ(answer("YQ=="),
            "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): "
            "unknown conversion");
}

}  // namespace
}  // namespace crossfade::local
