#include "api/carried.hpp"

#include <lz4.h>

#include <algorithm>

namespace crossfade::api {
namespace {

// What most pod templates, selectors and routings say. Texts are only kept in memory, so that a new version may have
// other words.
constexpr std::string_view words =
    R"({"canary":{"httpRoutes":[{"name":"","useHeaderRoutes":true}],"namespace":"default"},"plugins":{"argoproj-labs/gatewayAPI":{)"
    R"("istio":{"virtualService":{"name":"","routes":["primary"]},"destinationRule":{"canarySubsetName":"canary","stableSubsetName":"stable"}},)"
    R"("nginx":{"stableIngress":""},"alb":{"ingress":"","servicePort":443},"volumes":[{"name":"config","configMap":{"name":"","defaultMode":420}},)"
    R"({"emptyDir":{}},{"secret":{"secretName":""}}],"volumeMounts":[{"mountPath":"/","readOnly":true}],"serviceAccountName":"","serviceAccount":"",)"
    R"("nodeSelector":{"kubernetes.io/os":"linux"},"tolerations":[],"affinity":{"podAntiAffinity":{)"
    R"("preferredDuringSchedulingIgnoredDuringExecution":[{"weight":100,"podAffinityTerm":{"labelSelector":{"matchExpressions":[{"key":"rollouts-pod-template-hash","operator":"NotIn","values":[""]}]},)"
    R"("topologyKey":"kubernetes.io/hostname"}}]}},"imagePullSecrets":[{"name":""}],"command":["sh","-c"],"args":["--"],"envFrom":[{"configMapRef":{"name":""}}],)"
    R"("valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}},"secretKeyRef":{"name":"","key":""}},)"
    R"("lifecycle":{"preStop":{"exec":{"command":["sleep","5"]}}},"livenessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},)"
    R"("initialDelaySeconds":5,"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"readinessProbe":{"httpGet":{"path":"/","port":"http","scheme":"HTTP"},)"
    R"("securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"runAsNonRoot":true,"runAsUser":1000},)"
    R"({"matchLabels":{"app":"","app.kubernetes.io/name":"","app.kubernetes.io/instance":"","rollouts-pod-template-hash":""}},)"
    R"({"metadata":{"creationTimestamp":null,"labels":{"app":"","rollouts-pod-template-hash":""},"annotations":{"prometheus.io/scrape":"true"}},)"
    R"("spec":{"containers":[{"name":"app","image":"","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"env":[{"name":"","value":""}],)"
    R"("resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},)"
    R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],)"
    R"("restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"}})";

// `text` compressed, or itself where that isn't shorter.
std::string pack(const std::string& text) {
  LZ4_stream_t stream;
  LZ4_initStream(&stream, sizeof stream);
  LZ4_loadDict(&stream, words.data(), static_cast<int>(words.size()));
  std::string packed(text.size(), '\0');
  const int size = LZ4_compress_fast_continue(&stream, text.data(), packed.data(), static_cast<int>(text.size()),
                                              static_cast<int>(text.size()) - 1, 1);
  if (size <= 0) return text;
  packed.resize(static_cast<std::size_t>(size));
  return packed;
}

}  // namespace

Carried::Carried(const json::value& value) {
  const std::string text = json::serialize(value);
  const std::string packed = pack(text);
  packed_ = std::make_unique<char[]>(packed.size());
  std::ranges::copy(packed, packed_.get());
  packed_size_ = static_cast<std::uint32_t>(packed.size());
  size_ = static_cast<std::uint32_t>(text.size());
}

Carried::Carried(const Carried& other) : packed_size_(other.packed_size_), size_(other.size_) {
  if (other.empty()) return;
  packed_ = std::make_unique<char[]>(packed_size_);
  std::ranges::copy(other.packed(), packed_.get());
}

std::string Carried::text() const {
  if (packed_size_ == size_) return std::string(packed());
  std::string text(size_, '\0');
  LZ4_decompress_safe_usingDict(packed_.get(), text.data(), static_cast<int>(packed_size_), static_cast<int>(size_),
                                words.data(), static_cast<int>(words.size()));
  return text;
}

json::value Carried::value() const {
  // The text was made by serialize(), so it always parses; the default is for the empty one.
  return empty() ? json::value() : parseJson(text()).value_or(json::value());
}

json::object Carried::object() const {
  json::value parsed = value();
  return parsed.is_object() ? std::move(parsed.get_object()) : json::object();
}

}  // namespace crossfade::api
