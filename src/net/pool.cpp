#include "net/pool.hpp"

#include "net/wire.hpp"

namespace crossfade::net {

namespace {
constexpr std::size_t max_idle = 100;
constexpr Duration max_idle_time = seconds(90);
}  // namespace

std::shared_ptr<Wire> Pool::take() {
  while (!idle_.empty()) {
    auto wire = std::move(idle_.back().wire);
    idle_.pop_back();
    if (wire->looksAlive()) return wire;
  }
  return nullptr;
}

void Pool::give(std::shared_ptr<Wire> wire) {
  if (idle_.size() >= max_idle) return;
  idle_.push_back({std::move(wire), clock_.now() + max_idle_time});
  if (idle_.size() == 1) alarm_.emplace(clock_, idle_.front().until, [this] { closeExpired(); });
}

void Pool::closeExpired() {
  while (!idle_.empty() && idle_.front().until <= clock_.now()) idle_.pop_front();
  if (!idle_.empty()) alarm_.emplace(clock_, idle_.front().until, [this] { closeExpired(); });
}

}  // namespace crossfade::net
