// What most routers share: objects that are read once, edited as copies, and written as patches of what differs; and
// operations that are carried out one after the other until one fails.
#pragma once
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traffic/router.hpp"

namespace crossfade::traffic {

// The objects of one route() call.
class Drafts {
 public:
  explicit Drafts(const Objects& objects) : objects_(objects) {}

  // The working copy of an object, the same one every time; the API server's error where it can't be read. The pointer
  // holds as long as the Drafts.
  Result<json::object*> open(const ObjectRef& ref);
  // A new object; metadata.name and metadata.namespace are taken from `ref`.
  void create(const ObjectRef& ref, json::object body, Telling telling = {});
  void remove(const ObjectRef& ref, Telling telling = {});
  // What is said when an opened object is written. What was to be said before stays; how a failure is told is replaced.
  void tell(const ObjectRef& ref, Telling telling);

  // What has to be written, in the order in which objects were first touched; nothing for those that are as before.
  std::vector<Change> changes() const;

 private:
  struct Draft {
    ObjectRef ref;
    Change::Verb verb = Change::Verb::patch;
    Objects::Object original = nullptr;
    json::object edited = {};
    Telling telling = {};
  };
  Draft* find(const ObjectRef& ref);

  const Objects& objects_;
  std::deque<Draft> drafts_;
};

// The weights of one SetWeight in a router's scale. spec/05 §1.8.
struct Shares {
  std::int64_t canary = 0, stable = 0;  // stable has what is left, and never less than nothing
  std::vector<Destination> extra;
};
// Scaled from 0..max_weight to 0..100, to the nearest.
Shares sharesOfHundred(const SetWeight& set, std::int64_t max_weight);

// A router whose operations edit objects.
class EditingRouter : public Router {
 public:
  Routing route(const RolloutView& rollout, const Objects& objects,
                const std::vector<Operation>& operations) const final;
  // Doesn't know.
  Result<Observed> observe(const RolloutView& rollout, const Objects& objects, const SetWeight& wanted) const override;

 protected:
  struct Work {
    const RolloutView& rollout;
    Drafts& drafts;
    std::vector<EventNote>& events;
    // Look at it again after so long, although nothing happens.
    std::optional<Duration>& look_again;
  };
  virtual Result<> setWeight(Work& work, const SetWeight& set) const = 0;
  // Nothing where a router has no such thing. spec/05 §1.8.
  virtual Result<> updateHash(Work& work, const UpdateHash& hashes) const;
  virtual Result<> setHeaderRoute(Work& work, const SetHeaderRoute& set) const;
  virtual Result<> setMirrorRoute(Work& work, const SetMirrorRoute& set) const;
  virtual Result<> removeManagedRoutes(Work& work) const;
};

// The text at a path of a value that may be anything; "" where there is none.
std::string_view textAt(const json::value& value, std::initializer_list<std::string_view> path);
// The error of an object, or a configuration, that can't be worked with.
std::unexpected<Error> refuse(std::string message);
// What turns `original` into `edited`, guarded by the version that was read; empty when nothing differs.
std::optional<Change> patchOf(const ObjectRef& ref, const json::object& original, const json::object& edited);
// The canary's object beside one of the user's: "<name>-canary", with what is too long cut off. spec/05 §6, §9.
std::string canaryName(std::string_view name);
// Sets a member where it isn't so already; a number counts as equal whatever its JSON type.
void setMember(json::object& object, std::string_view name, std::int64_t value);
// The reference that makes the Rollout the controlling owner. spec/05 §6.
json::object ownerReference(const RolloutView& rollout);
bool isControlledBy(const json::object& object, const RolloutView& rollout);

}  // namespace crossfade::traffic
