// `promote`. spec/10 §3.6.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <ostream>

#include "cli/command_line.hpp"
#include "cli/objects.hpp"
#include "rollout/user_actions.hpp"

namespace crossfade::cli {
namespace {

struct Flags {
  bool full = false, skip_current_step = false, skip_all_steps = false;

  rollout::PromoteMode mode() const {
    if (skip_current_step) return rollout::PromoteMode::skip_current_step;
    if (skip_all_steps) return rollout::PromoteMode::skip_all_steps;
    return full ? rollout::PromoteMode::full : rollout::PromoteMode::plain;
  }
};

Task<Result<>> promote(Session& session, std::string name, Flags flags) {
  if (flags.skip_current_step)
    session.err << "Flag --skip-current-step has been deprecated, use without the flag instead ex: promote "
                   "ROLLOUT_NAME\n";
  if (flags.skip_all_steps) session.err << "Flag --skip-all-steps has been deprecated, use --full instead\n";
  if (flags.skip_current_step && flags.skip_all_steps)
    co_return fail(ErrorCode::invalid, "Cannot use skip-current-step and skip-all-steps flags at the same time");

  const auto object = co_await session.client.get(kube::resources::rollouts, session.ns, name);
  if (!object) co_return fail(object.error());
  const auto patches = rollout::promotePatches(*object, flags.mode());
  if (!patches) co_return fail(patches.error());
  bool unified = false;
  if (patches->status) {
    const auto sent = co_await patchStatus(session, name, *patches->status, patches->unified);
    if (!sent) co_return fail(sent.error());
    unified = *sent;
  }
  if (patches->spec && !unified) {
    const auto sent = co_await patchMain(session, kube::resources::rollouts, name, *patches->spec);
    if (!sent) co_return sent;
  }
  fmt::print(session.out, "rollout '{}' {}promoted\n", name, flags.full ? "fully " : "");
  co_return Result<>();
}

}  // namespace

void addPromoteCommand(Commands& commands) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = commands.add(
      {.name = "promote",
       .arguments = "ROLLOUT_NAME",
       .description = "Promote a rollout",
       .action = [flags](Session& session, Names names) { return promote(session, std::move(names[0]), *flags); }});
  app.add_flag("--full", flags->full, "Perform a full promotion, skipping analysis, pauses, and steps");
  app.add_flag("-c,--skip-current-step", flags->skip_current_step, "Skip the current step")->group("");
  app.add_flag("-a,--skip-all-steps", flags->skip_all_steps, "Skip the remaining steps")->group("");
}

}  // namespace crossfade::cli
