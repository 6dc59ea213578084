#include "cli/objects.hpp"

#include <fmt/format.h>

namespace crossfade::cli {

Task<Result<json::object>> getShown(Session& session, kube::ResourceKey resource, std::string name) {
  auto object = co_await session.client.get(resource, session.ns, name);
  if (!object && object.error().code == ErrorCode::not_found) {
    const std::string plural = fmt::format("{}.{} ", resource.plural, resource.group);
    std::string& message = object.error().message;
    if (message.starts_with(plural)) message.erase(resource.plural.size() - 1, 1);
  }
  co_return object;
}

Task<Result<bool>> patchStatus(Session& session, std::string rollout, json::object status, json::object unified) {
  const json::value status_patch(std::move(status));
  const auto patched = co_await session.client.patch(kube::resources::rollouts, session.ns, rollout,
                                                     kube::PatchType::merge, status_patch, {}, "status");
  if (patched) co_return false;
  if (patched.error().code != ErrorCode::not_found) co_return fail(patched.error());
  const Result<> done = co_await patchMain(session, kube::resources::rollouts, rollout, std::move(unified));
  if (!done) co_return fail(done.error());
  co_return true;
}

Task<Result<>> patchMain(Session& session, kube::ResourceKey resource, std::string name, json::object patch) {
  const json::value body(std::move(patch));
  const auto patched = co_await session.client.patch(resource, session.ns, name, kube::PatchType::merge, body);
  if (!patched) co_return fail(patched.error());
  co_return Result<>();
}

}  // namespace crossfade::cli
