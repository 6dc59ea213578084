// A state that the reference left behind in the middle of something, as one file of tests/takeover tells it; the
// README.md there says what a file holds.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sim/world.hpp"

namespace crossfade::sim {

// What somebody does to the cluster, and what has to hold before.
struct Act {
  std::string verb;                 // of tests/takeover/README.md
  json::value with;                 // what the verb needs
  std::optional<json::array> when;  // parts (see holds); empty: when everything has come to rest
};

// How our own controller gets where the reference was.
struct Way {
  std::string first_image;  // the image of the revision before; empty: the recorded one is the first
  std::vector<Act> acts;
  std::optional<json::array> until;  // parts; empty: rest
  std::vector<json::object> also;    // objects that are there before
  std::vector<std::string> differs;  // "Kind.what" that we leave otherwise on purpose
  bool any_order = false;            // of conditions: the spec leaves it to chance
};

struct Moment {
  TimePoint at;
  json::array parts;
};

struct Recording {
  std::string file, name, spec;
  TimePoint at;
  // The writes that may happen before anything else does, each by a part of its request. Empty: not a state that waits.
  std::optional<std::vector<std::string>> first_writes;
  std::int64_t restarts = 0;  // pods that may be replaced
  int turns = 1;              // how often the size of a ReplicaSet may change its direction
  std::vector<Act> acts;
  std::vector<json::object> never;  // parts, none of which may ever hold
  std::vector<Moment> moments;      // parts that hold for the first time at their moment
  json::array end;                  // parts
  std::optional<Way> back;
  std::vector<json::object> objects;
};

// The files of tests/takeover, sorted.
std::vector<std::string> recordedFiles();
Result<Recording> readRecording(const std::string& file);

// Whether all of `part` is in `whole`: members by name, lists element by element, "*" for anything that is there, null
// for nothing.
bool isPartOf(const json::value& part, const json::value& whole);

// The part of a list that the cluster does not hold, in words; empty when it holds all. A part is a piece of an object,
// with its apiVersion where it is not our own kind, its kind, and its metadata.name.
std::optional<std::string> missing(SimWorld& world, const json::array& parts);
bool holds(SimWorld& world, const json::object& part);

const local::ResourceType* typeOf(SimWorld& world, const json::object& object);

// Does what an act says.
Result<> perform(SimWorld& world, const Act& act, const Recording& recording);

// Lets time pass until all parts hold: true; or until no controller has written anything for longer than any pause and
// delay of a recording: false. Without parts only the latter.
bool comeTo(SimWorld& world, const std::optional<json::array>& parts, const std::function<void()>& after_each_step);

}  // namespace crossfade::sim
