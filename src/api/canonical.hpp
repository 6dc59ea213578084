// The JSON that existing clusters' hashes were taken over: members in their declared order, by the emission rules of
// spec/01 §8.2. Members that the schema doesn't know are left out. spec/01 §8.6, spec/02 §4.2.
#pragma once
#include "api/object.hpp"

namespace crossfade::api {

// A quoted string, escaped as the reference's encoder does: also <, >, &, U+2028 and U+2029.
void appendCanonicalString(std::string& out, std::string_view text);
// A number as it would be printed: integers plainly, others in their shortest form.
std::string canonicalNumber(const json::value& number);
// JSON without a schema: compact, keys sorted.
void appendOpaque(std::string& out, const json::value& value);

// `value` as the type of that name in schema.hpp ("PodTemplateSpec", "StringMatch"). What doesn't fit is left out and
// named in `malformed` (which may be null), beginning with `path`.
std::string canonicalJson(std::string_view type, const json::value& value, std::string_view path = {},
                          Malformed* malformed = nullptr);

struct PodTemplateHashes {
  std::string current;
  std::string legacy;  // with the "creationTimestamp":null of older libraries
};
// podTemplateHash() of both kinds in one go; the template's malformed leaves are named as "spec.template.…".
PodTemplateHashes podTemplateHashes(const json::object& pod_template, std::optional<std::int64_t> collision_count,
                                    Malformed* malformed);

}  // namespace crossfade::api
