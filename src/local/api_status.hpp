// Failures as the API server tells them: metav1.Status objects in its words. Internal to the room.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "local/registry.hpp"
#include "net/http.hpp"

namespace crossfade::local {

struct ApiFailure {
  int code = 500;
  std::string reason;  // "NotFound"; "" leaves it out
  std::string message;
  json::object details;  // left out when empty, but for failures that only tell their code
  json::object metadata = {};
  bool generic = false;  // the failure of a whole request, not of an object
};

template <class T = void>
using Outcome = std::expected<T, ApiFailure>;

inline std::unexpected<ApiFailure> refuse(ApiFailure failure) { return std::unexpected(std::move(failure)); }

ApiFailure badRequest(std::string message);
ApiFailure internalError(std::string message);  // 500 without a reason, as for an error that nobody expected
ApiFailure unknownResource();                   // 404 "the server could not find the requested resource"
ApiFailure methodNotAllowed();
ApiFailure unsupportedMediaType(std::string_view accepted);
ApiFailure tooLarge(std::size_t limit);
// 422 with one cause a violation ("spec.replicas: Invalid value: -1: must be ..."). `kind` is "Deployment".
ApiFailure invalidObject(std::string_view group, std::string_view kind, std::string_view name,
                         const std::vector<std::string>& violations);
// The registry's refusal. `report` tells a 422 from a 400.
ApiFailure failureOf(const Error& error, const ResourceType& type, std::string_view name,
                     const WriteReport* report = nullptr);

json::object statusObject(const ApiFailure& failure);
// {"kind":"Status","status":"Success",...}
json::object successStatus(json::object details);

net::Response jsonResponse(int status, const json::value& body);
net::Response textResponse(int status, std::string body);
net::Response failureResponse(const ApiFailure& failure);

}  // namespace crossfade::local
