#include "recording.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/names.hpp"
#include "local/yaml.hpp"
#include "rollout/user_actions.hpp"

namespace crossfade::sim {
namespace {

// Longer than every pause and delay of a recording.
constexpr Duration rest = minutes(70);

Result<TimePoint> readTime(const json::object& object, std::string_view key) {
  const auto time = parseTime(getString(object, {key}));
  if (!time) return fail(ErrorCode::invalid, fmt::format("\"{}\" is no time", key));
  return *time;
}

json::array listAt(const json::object& object, std::string_view key) {
  const json::array* list = getArray(object, {key});
  return list != nullptr ? *list : json::array();
}

std::vector<json::object> objectsAt(const json::object& object, std::string_view key) {
  std::vector<json::object> objects;
  for (const json::value& item : listAt(object, key)) {
    if (item.is_object()) objects.push_back(item.get_object());
  }
  return objects;
}

std::vector<std::string> textsAt(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const json::value& item : listAt(object, key)) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

std::vector<Act> readActs(const json::object& object) {
  std::vector<Act> acts;
  for (const json::object& item : objectsAt(object, "acts")) {
    Act act{.verb = std::string(getString(item, {"do"})), .with = nullptr, .when = std::nullopt};
    if (const json::value* with = item.if_contains("with")) act.with = *with;
    if (item.contains("when")) act.when = listAt(item, "when");
    acts.push_back(std::move(act));
  }
  return acts;
}

const json::object* rolloutOf(const Recording& recording) {
  const auto found = std::ranges::find_if(
      recording.objects, [](const json::object& object) { return getString(object, {"kind"}) == "Rollout"; });
  return found == recording.objects.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> recordedFiles() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(CROSSFADE_SOURCE_DIR "/tests/takeover")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

Result<Recording> readRecording(const std::string& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  const Result<json::value> parsed = local::parseYaml(text.str());
  if (!parsed) return fail(parsed.error());
  const json::object* header = parsed->is_object() ? getObject(parsed->get_object(), {"takeover"}) : nullptr;
  if (header == nullptr) return fail(ErrorCode::invalid, "no header \"takeover\"");

  Recording recording;
  recording.file = file;
  recording.name = getString(*header, {"name"});
  recording.spec = getString(*header, {"spec"});
  const Result<TimePoint> at = readTime(*header, "at");
  if (!at) return fail(at.error());
  recording.at = *at;
  if (header->contains("firstWrites")) {
    recording.first_writes = textsAt(*header, "firstWrites");
  }
  recording.restarts = getInt(*header, {"podsRestart"});
  recording.turns = static_cast<int>(getInt(*header, {"turns"}, 1));
  recording.acts = readActs(*header);
  recording.never = objectsAt(*header, "never");
  for (const json::object& item : objectsAt(*header, "moments")) {
    const Result<TimePoint> when = readTime(item, "at");
    if (!when) return fail(when.error());
    recording.moments.push_back({*when, listAt(item, "parts")});
  }
  recording.end = listAt(*header, "end");
  if (const json::object* back = getObject(*header, {"back"})) {
    recording.back = Way{.first_image = std::string(getString(*back, {"firstImage"})),
                         .acts = readActs(*back),
                         .until = std::nullopt,
                         .also = objectsAt(*back, "also"),
                         .differs = textsAt(*back, "differs"),
                         .any_order = getBool(*back, {"anyOrder"})};
    if (back->contains("until")) recording.back->until = listAt(*back, "until");
  }
  recording.objects = objectsAt(parsed->get_object(), "items");
  if (recording.name.empty() || recording.spec.empty() || recording.end.empty() || !rolloutOf(recording))
    return fail(ErrorCode::invalid, "a recording needs a name, its place in the spec, an end and a Rollout");
  if (recording.back.has_value() == !getString(*header, {"noWayBack"}).empty())
    return fail(ErrorCode::invalid, "a recording names a way back, or says why there is none");
  return recording;
}

// --- parts -----------------------------------------------------------------------------------------------------------

bool isPartOf(const json::value& part, const json::value& whole) {
  if (part.is_string() && part.get_string() == "*") return !whole.is_null();
  if (const json::object* members = part.if_object()) {
    if (!whole.is_object()) return false;
    return std::ranges::all_of(*members, [&whole](const auto& member) {
      const json::value* found = whole.get_object().if_contains(member.key());
      if (found == nullptr) return member.value().is_null();
      return isPartOf(member.value(), *found);
    });
  }
  if (const json::array* list = part.if_array()) {
    return whole.is_array() && list->size() == whole.get_array().size() &&
           std::ranges::equal(*list, whole.get_array(), isPartOf);
  }
  return sameJson(part, whole);
}

const local::ResourceType* typeOf(SimWorld& world, const json::object& object) {
  const std::string_view api_version = getString(object, {"apiVersion"}, "argoproj.io/v1alpha1");
  const std::size_t slash = api_version.find('/');
  const std::string_view group = slash == std::string_view::npos ? "" : api_version.substr(0, slash);
  return world.registry().kind(group, getString(object, {"kind"}));
}

bool holds(SimWorld& world, const json::object& part) {
  const local::ResourceType* type = typeOf(world, part);
  if (type == nullptr) return false;
  const local::Object live = world.get(type->group, type->plural, getString(part, {"metadata", "name"}));
  return live != nullptr && isPartOf(part, *live);
}

std::optional<std::string> missing(SimWorld& world, const json::array& parts) {
  for (const json::value& part : parts) {
    if (!part.is_object()) return "a part is no object";
    if (holds(world, part.get_object())) continue;
    const local::ResourceType* type = typeOf(world, part.get_object());
    const std::string name(getString(part.get_object(), {"metadata", "name"}));
    const local::Object live = type == nullptr ? nullptr : world.get(type->group, type->plural, name);
    json::object shown = live == nullptr ? json::object() : *live;
    if (json::value* metadata = find(shown, {"metadata"})) metadata->get_object().erase("managedFields");
    shown.erase("spec");
    return fmt::format("expected {}\n  found {}", json::serialize(part), json::serialize(shown));
  }
  return std::nullopt;
}

// --- acts ------------------------------------------------------------------------------------------------------------

namespace {

Result<> patchRollout(SimWorld& world, std::string_view name, local::Subresource subresource,
                      const json::object& patch) {
  return world.mergePatch(api::group, "rollouts", name, subresource, patch);
}

Result<> promote(SimWorld& world, std::string_view name, rollout::PromoteMode mode) {
  const Result<rollout::PromotePatches> patches =
      rollout::promotePatches(*world.get(api::group, "rollouts", name), mode);
  if (!patches) return fail(patches.error());
  if (patches->status) {
    if (auto done = patchRollout(world, name, local::Subresource::status, *patches->status); !done) return done;
  }
  return patches->spec ? patchRollout(world, name, local::Subresource::none, *patches->spec) : Result<>();
}

}  // namespace

Result<> perform(SimWorld& world, const Act& act, const Recording& recording) {
  using enum local::Subresource;
  const std::string name(getString(*rolloutOf(recording), {"metadata", "name"}));
  world.tell("act: " + act.verb + " " + json::serialize(act.with));
  if (act.verb == "promote") return promote(world, name, rollout::PromoteMode::plain);
  if (act.verb == "promote-full") return promote(world, name, rollout::PromoteMode::full);
  if (act.verb == "abort") return patchRollout(world, name, status, rollout::abortPatch());
  if (act.verb == "retry") return patchRollout(world, name, status, rollout::retryPatch());
  if (act.verb == "pause") return patchRollout(world, name, none, rollout::pausePatch());
  if (act.verb == "resume") return patchRollout(world, name, none, rollout::resumePatch());
  if (act.verb == "restart") return patchRollout(world, name, none, rollout::restartPatch(world.now()));
  if ((act.verb == "patch" || act.verb == "create") && act.with.is_object()) {
    const json::object& patch = act.with.get_object();
    const local::ResourceType* type = typeOf(world, patch);
    if (type == nullptr) return fail(ErrorCode::invalid, act.verb + ": no such kind");
    if (act.verb == "create") return world.create(type->group, type->plural, patch);
    return world.mergePatch(type->group, type->plural, getString(patch, {"metadata", "name"}), none, patch);
  }
  return fail(ErrorCode::invalid, "no such act: " + act.verb);
}

bool comeTo(SimWorld& world, const std::optional<json::array>& parts, const std::function<void()>& after_each_step) {
  std::uint64_t writes = world.writes(), seen = 0;
  TimePoint quiet = world.now() + rest;
  while (world.now() < quiet) {
    if (const std::uint64_t version = world.registry().resourceVersion(); std::exchange(seen, version) != version) {
      if (parts && !missing(world, *parts)) return true;
    }
    (void)world.stepUntil(quiet);
    after_each_step();
    if (std::exchange(writes, world.writes()) != world.writes()) quiet = world.now() + rest;
  }
  return false;
}

}  // namespace crossfade::sim
