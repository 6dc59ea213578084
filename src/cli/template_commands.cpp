// `undo` and `set image`: what changes a pod template. spec/10 §3.8, §3.9.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <ostream>

#include "base/labels.hpp"
#include "cli/command_line.hpp"
#include "cli/objects.hpp"
#include "rollout/user_actions.hpp"

namespace crossfade::cli {
namespace {

// templateOwner() names no other kinds.
kube::ResourceKey resourceOf(const rollout::TemplateOwner& owner) {
  if (owner.is_rollout) return kube::resources::rollouts;
  if (owner.kind == "PodTemplate") return kube::resources::pod_templates;
  return owner.kind == "ReplicaSet" ? kube::resources::replica_sets : kube::resources::deployments;
}

Task<Result<>> undo(Session& session, std::string name, std::int64_t to_revision) {
  const auto object = co_await session.client.get(kube::resources::rollouts, session.ns, name);
  if (!object) co_return fail(object.error());
  kube::ListOptions options;
  if (const json::object* selector = getObject(*object, {"spec", "selector"})) {
    const auto parsed = Selector::fromJson(*selector);
    if (!parsed) co_return fail(parsed.error());
    options.label_selector = parsed->toString();
  }
  const auto replica_sets = co_await session.client.list(kube::resources::replica_sets, session.ns, options);
  if (!replica_sets)
    co_return fail(replica_sets.error().code, fmt::format("failed to retrieve replica sets from rollout {}: {}", name,
                                                          replica_sets.error().message));
  const auto undo = rollout::undo(*object, replica_sets->items, to_revision);
  if (!undo) co_return fail(undo.error());
  if (undo->patch.empty()) {
    fmt::print(session.out, "skipped rollback (current template already matches revision {})", to_revision);
    co_return Result<>();
  }
  const json::value patch(undo->patch);
  const auto patched = co_await session.client.patch(resourceOf(undo->target), session.ns, undo->target.name,
                                                     kube::PatchType::json, patch);
  if (!patched)
    co_return fail(patched.error().code,
                   fmt::format("failed restoring revision {}: {}", to_revision, patched.error().message));
  fmt::print(session.out, "rollout '{}' undo\n", name);
  co_return Result<>();
}

// The patch is guarded by the containers' names. Where someone else was quicker it is made again.
Task<Result<>> setImage(Session& session, std::string name, std::string container, std::string image) {
  constexpr int attempts = 5;
  const auto object = co_await session.client.get(kube::resources::rollouts, session.ns, name);
  if (!object) co_return fail(object.error());
  if (const json::value* reference = find(*object, {"spec", "workloadRef", "name"});
      reference && !reference->is_string())
    co_return fail(ErrorCode::invalid, "spec.workloadRef.name is not a string: " + json::serialize(*reference));
  const auto owner = rollout::templateOwner(*object);
  if (!owner) co_return fail(owner.error());
  const kube::ResourceKey resource = resourceOf(*owner);
  Error conflict;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto current = co_await session.client.get(resource, session.ns, owner->name);
    if (!current) co_return fail(current.error());
    const auto patch = rollout::setImagePatch(*current, owner->pointer, container, image);
    if (!patch) co_return fail(patch.error());
    const json::value body(*patch);
    const auto patched = co_await session.client.patch(resource, session.ns, owner->name, kube::PatchType::json, body);
    if (patched) {
      std::string kind = owner->kind;
      std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      fmt::print(session.out, "{} \"{}\" image updated\n", kind, owner->name);
      co_return Result<>();
    }
    conflict = patched.error();
    if (conflict.code != ErrorCode::conflict && conflict.code != ErrorCode::invalid) break;
  }
  co_return fail(conflict);
}

}  // namespace

void addTemplateCommands(Commands& commands) {
  const auto to_revision = std::make_shared<std::int64_t>(0);
  CLI::App& app = commands.add({.name = "undo",
                                .arguments = "ROLLOUT_NAME",
                                .description = "Undo a rollout",
                                .action = [to_revision](Session& session, Names names) {
                                  return undo(session, std::move(names[0]), *to_revision);
                                }});
  addInteger(app, "--to-revision", "--to-revision", *to_revision,
             "The revision to roll back to; 0: the one before the newest");

  CLI::App& set = commands.addGroup("set", "Update various values on resources");
  commands.add({.name = "image",
                .arguments = "ROLLOUT_NAME CONTAINER=IMAGE",
                .description = "Update the image of a rollout",
                .min_names = 2,
                .max_names = 2,
                .valid = [](const Names& names) { return std::ranges::count(names[1], '=') == 1; },
                .action =
                    [](Session& session, Names names) {
                      const std::size_t sign = names[1].find('=');
                      return setImage(session, names[0], names[1].substr(0, sign), names[1].substr(sign + 1));
                    }},
               &set);
}

}  // namespace crossfade::cli
