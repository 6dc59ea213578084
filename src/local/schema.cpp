#include "local/schema.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "local/embedded.hpp"
#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view object_meta_name = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

void append(std::vector<std::string>& all, std::vector<std::string> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Of a CustomResourceDefinition.
class CustomSchema : public Schema {
 public:
  CustomSchema(json::object document, SchemaNode root) : document_(std::move(document)), root_(std::move(root)) {}

  void prune(json::object& object, std::vector<std::string>& unknown) const override {
    pruneUnknown(object, root_, unknown);
    std::ranges::sort(unknown);
  }
  void applyDefaults(json::object& object) const override { fillDefaults(object, root_); }
  std::vector<std::string> validate(const json::object& object, const json::object* old) const override {
    bool blocking = false;
    std::vector<std::string> violations = validateValues(object, old, root_, blocking);
    auto embedded = validateEmbedded(object, root_);
    blocking =
        blocking || std::ranges::any_of(embedded, [](const auto& text) { return text.ends_with(": Required value"); });
    append(violations, std::move(embedded));
    // Duplicates that were there already are not held against an update.
    if (old == nullptr || validateLists(*old, root_).empty()) append(violations, validateLists(object, root_));
    if (!blocking) {
      append(violations, validateRules(object, old, root_));
    } else if (root_.rules_within) {
      violations.emplace_back(
          "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct "
          "the existing errors to "
          "complete validation");
    }
    return violations;
  }
  std::optional<std::string> mistyped(const json::object& object) const override {
    const SchemaNode* meta = objectMetaNode();
    const auto* metadata = getObject(object, {"metadata"});
    return meta == nullptr || metadata == nullptr ? std::nullopt : mistypedValue(*metadata, *meta);
  }
  json::object blank() const override { return {}; }
  const json::object& document() const override { return document_; }
  const SchemaNode& root() const override { return root_; }

 private:
  json::object document_;
  SchemaNode root_;
};

// Of a kind that the API server knows as a Go type. What it may hold is decided by Go code (local/validation.cpp), not
// by its schema.
class BuiltinSchema : public Schema {
 public:
  BuiltinSchema(const json::object& document, const SchemaNode& root) : document_(document), root_(root) {}

  void prune(json::object& object, std::vector<std::string>& unknown) const override {
    pruneUnknown(object, root_, unknown);
  }
  void applyDefaults(json::object& object) const override { normalizeBuiltin(object, root_); }
  std::vector<std::string> validate(const json::object&, const json::object*) const override { return {}; }
  std::optional<std::string> mistyped(const json::object& object) const override {
    return mistypedValue(object, root_);
  }
  json::object blank() const override { return blankBuiltin(root_); }
  const json::object& document() const override { return document_; }
  const SchemaNode& root() const override { return root_; }

 private:
  const json::object& document_;
  const SchemaNode& root_;
};

// The embedded document, compiled once; it never changes afterwards.
class Builtins {
 public:
  Builtins() : document_(read()), library_(ensureObject(document_, {"schemas"})) {
    const auto* kinds = getObject(document_, {"kinds"});
    if (kinds == nullptr) return;
    for (const auto& [kind, name] : *kinds) {
      if (!name.is_string()) continue;
      const SchemaNode* node = library_.find(name.get_string());
      const auto* document = getObject(document_, {"schemas", name.get_string()});
      if (node != nullptr) schemas_.emplace(std::string(kind), std::make_shared<BuiltinSchema>(*document, *node));
    }
    object_meta_ = library_.find(object_meta_name);
  }
  std::shared_ptr<const Schema> of(std::string_view kind) const {
    const auto found = schemas_.find(kind);
    return found == schemas_.end() ? nullptr : found->second;
  }
  const SchemaNode* objectMeta() const { return object_meta_; }

 private:
  static json::object read() {
    auto parsed = parseJson(embedded("builtin.json"));
    if (parsed && parsed->is_object()) return std::move(parsed->get_object());
    log::error("bug: the embedded schemas of built-in kinds can't be read");
    return {};
  }

  json::object document_;
  SchemaLibrary library_;
  std::map<std::string, std::shared_ptr<const Schema>, std::less<>> schemas_;
  const SchemaNode* object_meta_ = nullptr;
};

const Builtins& builtins() {
  static const Builtins all;
  return all;
}

}  // namespace

const SchemaNode* objectMetaNode() { return builtins().objectMeta(); }

std::vector<std::string> schemaViolations(const json::object& schema) {
  auto violations = structuralViolations(schema);
  if (!violations.empty()) return violations;
  const auto node = compileSchema(schema, nullptr);
  return node ? defaultViolations(*node) : std::vector<std::string>{node.error().message};
}

Result<std::shared_ptr<const Schema>> makeSchema(const json::object& open_api_v3_schema) {
  if (auto violations = structuralViolations(open_api_v3_schema); !violations.empty()) {
    return fail(ErrorCode::invalid, std::move(violations.front()));
  }
  auto root = compileSchema(open_api_v3_schema, nullptr);
  if (!root) return fail(root.error());
  return std::make_shared<const CustomSchema>(open_api_v3_schema, std::move(*root));
}

std::shared_ptr<const Schema> builtinSchema(std::string_view group, std::string_view version, std::string_view kind) {
  return builtins().of(group.empty() ? fmt::format("{}/{}", version, kind)
                                     : fmt::format("{}/{}/{}", group, version, kind));
}

}  // namespace crossfade::local
