// How one client sees the objects of a resource: in the version of its path; whole, as metadata alone, or as rows of a
// table. Makes text, because a list is written far more often than it is looked at. Internal to the room.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "local/api_request.hpp"
#include "local/registry.hpp"
#include "local/table.hpp"

namespace crossfade::local {

// What a list tells beside its items.
struct ListMetadata {
  std::uint64_t resource_version = 0;
  std::string continuation;
  std::optional<std::size_t> remaining;
};

class View {
 public:
  // By the request's Accept header and its includeObject. Fails with 406, or 400 for an odd includeObject. `definition`
  // is the CustomResourceDefinition behind a custom resource; null otherwise.
  static Outcome<View> of(const ApiRequest& request, const ResourceType& type, std::string_view version,
                          const json::object* definition, TimePoint now);

  // One object, in answer to a GET or a write. Fails with 406 where the client asked for lists.
  Outcome<net::Response> one(int status, const json::object& object) const;
  Outcome<net::Response> list(const std::vector<Object>& objects, const ListMetadata& metadata) const;
  // The object of a watch event. The first row of a table brings its columns.
  std::string event(const json::object& object, TimePoint now, bool first) const;

 private:
  enum class Include { metadata, object, none };

  void appendObject(std::string& text, const json::object& stored, bool with_kind) const;
  void appendPartial(std::string& text, const json::object& object) const;
  void appendTable(std::string& text, const std::vector<const json::object*>& objects, const ListMetadata& metadata,
                   TimePoint now, bool columns) const;
  void appendMetadata(std::string& text, const ListMetadata& metadata) const;
  net::Response respond(int status, std::string text) const;

  const ResourceType* type_ = nullptr;
  std::string version_;      // of the path
  std::string api_version_;  // the same with its group
  Accepted accepted_;
  Include include_ = Include::metadata;
  TimePoint now_;
  std::shared_ptr<const TablePrinter> printer_;  // of tables
};

}  // namespace crossfade::local
