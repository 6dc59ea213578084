#include "api/object.hpp"

#include "api/fields.hpp"
#include "api/names.hpp"

namespace crossfade::api {

namespace {

std::string_view valueOf(const Labels& labels, std::string_view key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string_view Metadata::annotation(std::string_view key) const { return valueOf(annotations, key); }
std::string_view Metadata::label(std::string_view key) const { return valueOf(labels, key); }

Metadata decodeMetadata(const json::object& object) {
  Malformed ignored;
  const Fields fields = Fields(&object, {}, ignored).child("metadata");
  Metadata metadata{.ns = fields.string("namespace"),
                    .name = fields.string("name"),
                    .uid = fields.string("uid"),
                    .resource_version = fields.string("resourceVersion"),
                    .generation = fields.int64("generation").value_or(0),
                    .created = fields.time("creationTimestamp").value_or(TimePoint{}),
                    .deleted = fields.time("deletionTimestamp"),
                    .labels = fields.labels("labels"),
                    .annotations = fields.labels("annotations"),
                    .controller = std::nullopt};
  metadata.annotations.erase(std::string(last_applied_annotation));
  metadata.annotations.shrink_to_fit();
  fields.each("ownerReferences", [&](const Fields& owner) {
    if (!owner.boolean("controller") || metadata.controller) return;
    metadata.controller =
        OwnerRef{.kind = owner.string("kind"), .name = owner.string("name"), .uid = owner.string("uid")};
  });
  return metadata;
}

}  // namespace crossfade::api
