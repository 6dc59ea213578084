#include "local/api_status.hpp"

#include <fmt/format.h>

#include "local/json_text.hpp"

namespace crossfade::local {

namespace {

// "Invalid value: ..." as the machine-readable reason of a cause.
std::string_view causeReason(std::string_view text) {
  if (text.find(" in body must be of type ") != std::string_view::npos) return "FieldValueTypeInvalid";
  constexpr std::pair<std::string_view, std::string_view> reasons[] = {
      {"Required value", "FieldValueRequired"},
      {"Duplicate value", "FieldValueDuplicate"},
      {"Unsupported value", "FieldValueNotSupported"},
      {"Forbidden", "FieldValueForbidden"},
      {"Not found", "FieldValueNotFound"},
      {"Too long", "FieldValueTooLong"},
      {"Too many", "FieldValueTooMany"},
      {"Internal error", "InternalError"},
  };
  for (const auto& [prefix, reason] : reasons) {
    if (text.starts_with(prefix)) return reason;
  }
  return "FieldValueInvalid";
}

json::object detailsOf(std::string_view name, std::string_view group, std::string_view kind) {
  json::object details;
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  if (!kind.empty()) details["kind"] = kind;
  return details;
}

}  // namespace

ApiFailure badRequest(std::string message) { return {400, "BadRequest", std::move(message), {}}; }
ApiFailure internalError(std::string message) { return {500, "", std::move(message), {}}; }
ApiFailure unknownResource() {
  return {404, "NotFound", "the server could not find the requested resource", {}, {}, true};
}
ApiFailure methodNotAllowed() {
  return {405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}, {}, true};
}
ApiFailure unsupportedMediaType(std::string_view accepted) {
  return {415,
          "UnsupportedMediaType",
          fmt::format("the body of the request was in an unknown format - accepted media types include: {}", accepted),
          {}};
}
ApiFailure tooLarge(std::size_t limit) {
  return {413, "RequestEntityTooLarge", fmt::format("Request entity too large: limit is {}", limit), {}};
}

ApiFailure invalidObject(std::string_view group, std::string_view kind, std::string_view name,
                         const std::vector<std::string>& violations) {
  const std::string qualified = group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
  // A rule that fails twice is told once.
  std::vector<std::string_view> told;
  for (const std::string_view violation : violations) {
    if (std::ranges::find(told, violation) == told.end()) told.push_back(violation);
  }
  const std::string what = told.size() == 1 ? std::string(told.front()) : fmt::format("[{}]", fmt::join(told, ", "));
  json::array causes;
  for (const std::string_view violation : violations) {
    const std::size_t colon = violation.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string_view text = violation.substr(colon + 2);
    causes.push_back(
        json::object{{"reason", causeReason(text)}, {"message", text}, {"field", violation.substr(0, colon)}});
  }
  json::object details = detailsOf(name, group, kind);
  details["causes"] = std::move(causes);
  return {422, "Invalid", fmt::format("{} \"{}\" is invalid: {}", qualified, name, what), std::move(details)};
}

ApiFailure failureOf(const Error& error, const ResourceType& type, std::string_view name, const WriteReport* report) {
  if (report != nullptr && !report->violations.empty()) {
    // A Scale that is refused speaks for itself: its message names another kind than the resource.
    const bool scale = error.message.starts_with("Scale.autoscaling ");
    return invalidObject(scale ? "autoscaling" : type.group, scale ? "Scale" : type.kind, name, report->violations);
  }
  json::object details = detailsOf(name, type.group, type.plural);
  switch (error.code) {
    case ErrorCode::not_found:
      // The namespace of the object is what is missing, not the object.
      if (type.plural != "namespaces" && error.message.starts_with("namespaces \"")) {
        const auto begin = error.message.find('"') + 1;
        details = detailsOf(error.message.substr(begin, error.message.find('"', begin) - begin), "", "namespaces");
      }
      return {404, "NotFound", error.message, std::move(details)};
    case ErrorCode::already_exists:
      return {409, "AlreadyExists", error.message, std::move(details)};
    case ErrorCode::conflict:
      return {409, "Conflict", error.message, std::move(details)};
    case ErrorCode::forbidden: {
      constexpr std::string_view terminating = "unable to create new content in namespace ";
      if (const auto at = error.message.find(terminating); at != std::string::npos) {
        const std::string_view rest = std::string_view(error.message).substr(at + terminating.size());
        details["causes"] = json::array{
            json::object{{"reason", "NamespaceTerminating"},
                         {"message", fmt::format("namespace {} is being terminated", rest.substr(0, rest.find(' ')))},
                         {"field", "metadata.namespace"}}};
      }
      return {403, "Forbidden", error.message, std::move(details)};
    }
    case ErrorCode::gone:
      return {410, "Expired", error.message, {}};
    case ErrorCode::throttled:
      return {429, "TooManyRequests", error.message, {}};
    case ErrorCode::invalid:
      return badRequest(error.message);
    default:
      return internalError(error.message);
  }
}

json::object statusObject(const ApiFailure& failure) {
  json::object status{{"kind", "Status"},
                      {"apiVersion", "v1"},
                      {"metadata", failure.metadata},
                      {"status", "Failure"},
                      {"message", failure.message}};
  if (!failure.reason.empty()) status["reason"] = failure.reason;
  if (!failure.details.empty() || failure.generic) status["details"] = failure.details;
  status["code"] = failure.code;
  return status;
}

json::object successStatus(json::object details) {
  json::object status{{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", json::object()}, {"status", "Success"}};
  if (!details.empty()) status["details"] = std::move(details);
  return status;
}

net::Response jsonResponse(int status, const json::value& body) {
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = jsonText(body), .stream = nullptr};
}

net::Response textResponse(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::move(body),
          .stream = nullptr};
}

net::Response failureResponse(const ApiFailure& failure) {
  net::Response response = jsonResponse(failure.code, statusObject(failure));
  if (const auto seconds = getInt(failure.details, {"retryAfterSeconds"}); seconds > 0) {
    response.headers.set("Retry-After", std::to_string(seconds));
  }
  return response;
}

}  // namespace crossfade::local
