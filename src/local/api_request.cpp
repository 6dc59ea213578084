#include "local/api_request.hpp"

#include <fmt/format.h>

#include <charconv>

namespace crossfade::local {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(trim(text.substr(0, end)));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

// One clause of an Accept header.
struct Clause {
  std::string_view type;
  std::vector<std::pair<std::string_view, std::string_view>> parameters;  // without q
  double quality = 1;

  std::string_view get(std::string_view name) const {
    for (const auto& [key, value] : parameters) {
      if (key == name) return value;
    }
    return {};
  }
};

// Best first; clauses of the same quality in their order.
std::vector<Clause> acceptClauses(std::string_view header) {
  std::vector<Clause> clauses;
  for (const auto text : split(header, ',')) {
    const auto parts = split(text, ';');
    Clause clause{.type = parts.front(), .parameters = {}};
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::size_t equals = parts[i].find('=');
      if (equals == std::string_view::npos) continue;
      const auto key = trim(parts[i].substr(0, equals));
      const auto value = trim(parts[i].substr(equals + 1));
      if (key == "q") {
        std::from_chars(value.data(), value.data() + value.size(), clause.quality);
      } else {
        clause.parameters.emplace_back(key, value);
      }
    }
    if (!clause.type.empty() && clause.quality > 0) clauses.push_back(std::move(clause));
  }
  std::ranges::stable_sort(clauses, std::ranges::greater(), &Clause::quality);
  return clauses;
}

std::optional<ResourcePath> resourcePath(const std::vector<std::string>& segments) {
  ResourcePath path;
  std::size_t at = 0;
  const auto next = [&] { return at < segments.size() ? segments[at++] : std::string(); };
  const std::string root = next();
  if (root == "apis") {
    path.group = next();
  } else if (root != "api") {
    return std::nullopt;
  }
  path.version = next();
  if (at >= segments.size()) return std::nullopt;  // discovery
  path.plural = next();
  // namespaces/NAME, its subresources, and what lies in a namespace look alike.
  const bool subresource =
      segments.size() == at + 2 && (segments[at + 1] == "status" || segments[at + 1] == "finalize");
  if (path.plural == "namespaces" && segments.size() > at + 1 && !(path.group.empty() && subresource)) {
    path.ns = next();
    path.plural = next();
  }
  path.name = next();
  path.subresource = next();
  for (; at < segments.size(); ++at) path.subresource += "/" + segments[at];
  return path;
}

}  // namespace

bool ApiRequest::has(std::string_view name) const {
  return std::ranges::any_of(target.query, [name](const auto& pair) { return pair.first == name; });
}

bool ApiRequest::flag(std::string_view name) const {
  if (!has(name)) return false;
  const auto value = query(name);
  return value != "false" && value != "0" && value != "False" && value != "FALSE" && value != "f" && value != "F";
}

Outcome<std::optional<std::int64_t>> ApiRequest::integer(std::string_view name) const {
  const auto text = query(name);
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return refuse(badRequest(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", text)));
  }
  return value;
}

std::string_view ApiRequest::contentType() const { return split(headers.get("Content-Type"), ';').front(); }

std::optional<ApiRequest> parseApiRequest(net::Request request) {
  auto target = net::parseTarget(request.target);
  if (!target) return std::nullopt;
  auto path = resourcePath(target->segments);
  return ApiRequest{.method = std::move(request.method),
                    .target = std::move(*target),
                    .path = std::move(path),
                    .headers = std::move(request.headers),
                    .body = std::move(request.body)};
}

Outcome<Accepted> negotiate(const ApiRequest& request) {
  const auto header = request.headers.get("Accept");
  if (trim(header).empty()) return Accepted();
  for (const Clause& clause : acceptClauses(header)) {
    Accepted accepted;
    if (clause.type == "application/yaml") {
      accepted.yaml = true;
    } else if (clause.type != "application/json" && clause.type != "application/*" && clause.type != "*/*") {
      continue;
    }
    const auto as = clause.get("as");
    if (as.empty()) return accepted;
    accepted.meta_version = clause.get("v");
    if (clause.get("g") != "meta.k8s.io" || (accepted.meta_version != "v1" && accepted.meta_version != "v1beta1"))
      continue;
    if (as == "Table") {
      accepted.as = Accepted::As::table;
    } else if (as == "PartialObjectMetadata") {
      accepted.as = Accepted::As::partial;
    } else if (as == "PartialObjectMetadataList") {
      accepted.as = Accepted::As::partial_list;
    } else {
      continue;
    }
    return accepted;
  }
  return refuse(
      {406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml", {}});
}

bool acceptsAny(const ApiRequest& request, std::span<const std::string_view> media_types) {
  const auto header = request.headers.get("Accept");
  if (trim(header).empty()) return true;
  return std::ranges::any_of(acceptClauses(header), [media_types](const Clause& clause) {
    return clause.type == "*/*" || clause.type == "application/*" ||
           std::ranges::find(media_types, clause.type) != media_types.end();
  });
}

bool acceptsExactly(const ApiRequest& request, std::string_view media_type) {
  const auto wanted = acceptClauses(media_type);
  const auto clauses = acceptClauses(request.headers.get("Accept"));
  return !wanted.empty() && std::ranges::any_of(clauses, [&wanted](const Clause& clause) {
    return clause.type == wanted.front().type &&
           std::ranges::all_of(wanted.front().parameters, [&clause](const auto& parameter) {
             return clause.get(parameter.first) == parameter.second;
           });
  });
}

}  // namespace crossfade::local
