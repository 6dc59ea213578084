// An API server over a registry under the virtual clock, asked directly.
#pragma once
#include <gtest/gtest.h>

#include "local/api_server.hpp"
#include "net/url.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::local {

struct Reply {
  int status = 0;
  net::Headers headers;
  std::string text;
  json::value body;  // null when the text is no JSON
  std::unique_ptr<net::BodyReader> stream;

  std::string_view at(std::initializer_list<std::string_view> path) const {
    return body.is_object() ? getString(body.get_object(), path) : std::string_view();
  }
  const json::array& items(std::string_view key = "items") const {
    static const json::array none;
    const auto* array = body.is_object() ? getArray(body.get_object(), {key}) : nullptr;
    return array == nullptr ? none : *array;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& item : items()) result.emplace_back(getString(item.get_object(), {"metadata", "name"}));
    return result;
  }
  std::vector<std::string> warnings() const {
    std::vector<std::string> result;
    for (const auto& [name, value] : headers) {
      if (name == "Warning") result.push_back(value);
    }
    return result;
  }
};

class ApiTest : public testing::Test {
 protected:
  static constexpr std::string_view merge = "application/merge-patch+json";
  static constexpr std::string_view json_patch = "application/json-patch+json";
  static constexpr std::string_view strategic = "application/strategic-merge-patch+json";
  static constexpr std::string_view apply = "application/apply-patch+yaml";
  static constexpr std::string_view config_maps = "/api/v1/namespaces/default/configmaps";
  static constexpr std::string_view deployments = "/apis/apps/v1/namespaces/default/deployments";
  static constexpr std::string_view pods = "/api/v1/namespaces/default/pods";

  ~ApiTest() override { loop.kill(); }

  Reply ask(net::Request request) {
    auto response = loop.get(api.handle(std::move(request)));
    Reply reply;
    if (!response) return reply;
    reply.status = response->status;
    reply.headers = std::move(response->headers);
    reply.text = std::move(response->body);
    reply.stream = std::move(response->stream);
    if (auto value = parseJson(reply.text)) reply.body = std::move(*value);
    return reply;
  }
  Reply send(std::string_view method, std::string_view target, std::string_view body = {},
             std::string_view content_type = "application/json") {
    net::Request request{
        .method = std::string(method), .target = std::string(target), .headers = {}, .body = std::string(body)};
    if (!body.empty()) request.headers.set("Content-Type", std::string(content_type));
    request.headers.set("User-Agent", "tester/v1 (linux)");
    return ask(std::move(request));
  }
  Reply get(std::string_view target, std::string_view accept = {}) {
    net::Request request{.method = "GET", .target = std::string(target), .headers = {}, .body = {}};
    if (!accept.empty()) request.headers.set("Accept", std::string(accept));
    return ask(std::move(request));
  }
  Reply getTable(std::string_view target) { return get(target, "application/json;as=Table;v=v1;g=meta.k8s.io"); }
  // A config map with one entry.
  Reply makeConfigMap(std::string_view name, std::string_view labels = "{}") {
    return send("POST", config_maps,
                fmt::format(R"({{"metadata":{{"name":"{}","labels":{}}},"data":{{"k":"v"}}}})", name, labels));
  }
  // The lines that a watch delivers without waiting any longer than `wait`.
  std::vector<json::object> events(net::BodyReader& stream, Duration wait = milliseconds(1)) {
    std::vector<json::object> result;
    ended = false;
    for (int i = 0; i < 1000; ++i) {
      auto piece = loop.get(stream.next(loop.clock().now() + wait));
      if (!piece || !*piece) break;
      if ((*piece)->empty()) {
        ended = true;
        break;
      }
      std::string_view rest = **piece;
      while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        auto line = parseJson(rest.substr(0, end));
        if (line && line->is_object()) result.push_back(std::move(line->get_object()));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    return result;
  }
  // "ADDED a", "BOOKMARK": an event in short.
  static std::string brief(const json::object& event) {
    std::string text(getString(event, {"type"}));
    if (const auto name = getString(event, {"object", "metadata", "name"}); !name.empty())
      text += fmt::format(" {}", name);
    return text;
  }
  std::vector<std::string> briefs(net::BodyReader& stream, Duration wait = milliseconds(1)) {
    std::vector<std::string> result;
    for (const auto& event : events(stream, wait)) result.push_back(brief(event));
    return result;
  }

  test::VirtualLoop loop;
  Random random{1};
  Registry registry{loop.clock(), random};
  ApiServer api{registry, loop.clock(), {}};
  bool ended = false;  // whether the last watch that was read came to its end
};

inline constexpr std::string_view deployment_text =
    R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},)"
    R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})";

// A custom resource with two versions, a scale, columns and a selectable field.
inline constexpr std::string_view definition_text =
    R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
 "metadata":{"name":"foos.x.io"},"spec":{"group":"x.io","scope":"Namespaced","names":{"plural":"foos","kind":"Foo","shortNames":["fo"]},
 "versions":[{"name":"v1","served":true,"storage":true,
  "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}},
  "selectableFields":[{"jsonPath":".spec.s"}],
  "additionalPrinterColumns":[{"name":"Reps","type":"integer","jsonPath":".spec.replicas"},{"name":"Wide","type":"string","priority":1,"jsonPath":".spec.s"},
   {"name":"When","type":"date","jsonPath":".metadata.creationTimestamp"},{"name":"Arr","type":"string","jsonPath":".spec.arr[*].n"},
   {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},{"name":"Num","type":"number","jsonPath":".spec.num"},
   {"name":"StrInt","type":"integer","jsonPath":".spec.s"},{"name":"Obj","type":"string","jsonPath":".spec.obj"}],
  "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"replicas":{"type":"integer"},"s":{"type":"string"},
   "num":{"type":"number"},"obj":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
   "arr":{"type":"array","items":{"type":"object","properties":{"n":{"type":"string"}}}}}},
   "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}},
  {"name":"v1beta1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})";

}  // namespace crossfade::local
