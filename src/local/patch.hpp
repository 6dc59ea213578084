// The four ways to patch an object over HTTP. Pure functions from (object, patch) to object.
#pragma once
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "local/schema.hpp"

namespace crossfade::local {

// RFC 6902 (application/json-patch+json). A failed `test` or a missing path is `invalid` with the API server's words.
Result<json::object> jsonPatch(const json::object& object, const json::value& patch);

// RFC 7396 (application/merge-patch+json).
Result<json::object> jsonMergePatch(const json::object& object, const json::value& patch);

// application/strategic-merge-patch+json, by the merge keys of the schema; $patch, $retainKeys,
// $deleteFromPrimitiveList and $setElementOrder are honoured. Only for built-in kinds.
Result<json::object> strategicMergePatch(const json::object& object, const json::value& patch, const Schema& schema);

// Server-side apply (application/apply-patch+yaml): merges `applied` into `live` (empty: create) on behalf of
// `manager`, keeping metadata.managedFields. Without `force`, fields owned by others that would change are `conflict`,
// and the message lists them as kubectl shows them. `schema` may be null (then lists are taken as a whole, objects
// merged by member). `now` is the RFC 3339 time written to managedFields. Of a kind with a status subresource the
// caller leaves `status` out of what it applies to the main resource, and everything but it out of what it applies to
// the status. Fields that the schema doesn't know and lists with equal keys are `internal` (500, as the API server
// answers: "failed to create typed patch object (...): " and this message). The result has fields that nobody wrote yet
// (defaults) to come: give it to Registry::create or update with `fields_tracked`.
Result<json::object> serverSideApply(const json::object& live, const json::object& applied, const Schema* schema,
                                     std::string_view manager, bool force, std::string_view now,
                                     std::string_view subresource = {});

// After a write that is no apply: moves the ownership of every field that changed from `before` (may be null) to
// `after` over to `manager` in after's managedFields, as the API server does for `Update`.
void trackUpdate(const json::object* before, json::object& after, const Schema* schema, std::string_view manager,
                 std::string_view api_version, std::string_view subresource, std::string_view now);

}  // namespace crossfade::local
