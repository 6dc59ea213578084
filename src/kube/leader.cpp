#include "kube/leader.hpp"

#include <fmt/format.h>

#include "base/log.hpp"

namespace crossfade::kube {

namespace {

constexpr double acquire_jitter = 1.2;  // client-go's JitterFactor

}  // namespace

struct LeaderElector::Impl : std::enable_shared_from_this<Impl> {
  Impl(Client& client, Executor executor, Random& random, LeaderSettings settings)
      : client(client),
        clock(client.clock()),
        executor(std::move(executor)),
        random(random),
        settings(std::move(settings)),
        changed(clock) {}

  Client& client;
  Clock& clock;
  const Executor executor;
  Random& random;
  const LeaderSettings settings;

  json::object lease;    // as last read or written; empty: unknown
  std::string observed;  // the lease's spec, as text: a change of it restarts the holder's time
  TimePoint observed_at{};
  bool leading = false;
  bool ended = false;                      // lost or released: over for good
  std::optional<Clock::TimerId> deadline;  // when leadership ends unless it is renewed
  std::function<void()> lost;
  Signal changed;

  std::string holder() const { return std::string(getString(lease, {"spec", "holderIdentity"})); }

  void observe(json::object seen) {
    const std::string before = holder();
    lease = std::move(seen);
    const json::value* spec = find(lease, {"spec"});
    std::string text = spec == nullptr ? std::string() : json::serialize(*spec);
    if (text != observed) {
      observed = std::move(text);
      observed_at = clock.now();
    }
    if (const std::string now = holder(); now != before && !now.empty() && now != settings.identity) {
      log::info("New leader elected: {}", now);
    }
  }

  // By our own clock only: the holder's times may be of another.
  bool heldByAnother() const {
    const std::string now = holder();
    if (now.empty() || now == settings.identity) return false;
    const auto held_seconds = getInt(lease, {"spec", "leaseDurationSeconds"});
    return observed_at + seconds(held_seconds) > clock.now();
  }

  // The lease as it is when we hold it from now on.
  json::object claimed() const {
    json::object claim = lease;
    json::object& metadata = ensureObject(claim, {"metadata"});
    metadata["name"] = settings.name;
    metadata["namespace"] = settings.ns;
    claim["apiVersion"] = resources::leases.apiVersion();
    claim["kind"] = resources::leases.kind;
    json::object& spec = ensureObject(claim, {"spec"});
    const std::string now = formatMicroTime(clock.now());
    if (holder() != settings.identity) {
      const auto transitions = getInt(lease, {"spec", "leaseTransitions"});
      spec["leaseTransitions"] = lease.empty() ? 0 : transitions + 1;
      spec["acquireTime"] = now;
    }
    spec["holderIdentity"] = settings.identity;
    spec["leaseDurationSeconds"] = std::chrono::duration_cast<seconds>(settings.lease_duration).count();
    spec["renewTime"] = now;
    return claim;
  }

  // Tries to take the lease, or to renew it while we lead. False when another has it.
  static Task<Result<bool>> hold(std::shared_ptr<Impl> self) {
    const LeaderSettings& settings = self->settings;
    // A leader knows the lease as it wrote it; only a conflict makes it look.
    for (bool look = self->lease.empty() || !self->leading; true; look = true) {
      if (look) {
        auto got = co_await self->client.get(resources::leases, settings.ns, settings.name);
        if (self->ended) co_return false;
        if (got) self->observe(std::move(*got));
        if (!got && got.error().code != ErrorCode::not_found) co_return fail(std::move(got.error()));
        if (!got) self->lease.clear();
        if (self->leading && !self->holder().empty() && self->holder() != settings.identity) co_return false;
        if (self->heldByAnother()) co_return false;
      }
      const json::object claim = self->claimed();
      Task<Result<json::object>> writing =
          self->lease.empty() ? self->client.create(resources::leases, settings.ns, claim)
                              : self->client.update(resources::leases, settings.ns, settings.name, claim);
      auto written = co_await std::move(writing);
      if (self->ended) co_return false;
      if (written) {
        self->observe(std::move(*written));
        co_return true;
      }
      // Written or deleted meanwhile: a leader looks once more, a candidate at its next turn.
      if (look || !self->leading) co_return fail(std::move(written.error()));
      const ErrorCode code = written.error().code;
      if (code != ErrorCode::conflict && code != ErrorCode::not_found) co_return fail(std::move(written.error()));
    }
  }

  // Leadership ends at `renew_deadline` after a renewal began, however long its answer takes.
  void armDeadline(TimePoint renewed) {
    disarmDeadline();
    deadline = clock.callAt(renewed + settings.renew_deadline, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->deadline.reset();
      self->lose(fmt::format("not renewed within {}", formatGoDuration(self->settings.renew_deadline)));
    });
  }
  void disarmDeadline() {
    if (deadline) clock.cancel(*deadline);
    deadline.reset();
  }

  void lose(std::string_view why) {
    if (!leading) return;
    log::error("the leader lease {}/{} was lost: {}", settings.ns, settings.name, why);
    end();
    if (lost) lost();
  }

  void end() {
    leading = false;
    ended = true;
    disarmDeadline();
    changed.notify();
  }

  static Task<> acquire(std::shared_ptr<Impl> self) {
    while (!self->ended) {
      const TimePoint began = self->clock.now();
      const auto held = co_await hold(self);
      if (self->ended) co_return;
      if (held && *held) {
        self->leading = true;
        log::info("I am the new leader: {}", self->settings.identity);
        self->armDeadline(began);
        spawn(self->executor, renew(self));
        co_return;
      }
      if (!held) log::warn("leader lease {}/{}: {}", self->settings.ns, self->settings.name, held.error().message);
      const double stretched =
          static_cast<double>(self->settings.retry_period.count()) * (1 + self->random.unit() * acquire_jitter);
      co_await self->waitFor(Duration(static_cast<Duration::rep>(stretched)));
    }
  }

  static Task<> renew(std::shared_ptr<Impl> self) {
    while (true) {
      co_await self->waitFor(self->settings.retry_period);
      if (!self->leading) co_return;
      const TimePoint began = self->clock.now();
      const auto held = co_await hold(self);
      if (!self->leading) co_return;
      if (held && *held) {
        self->armDeadline(began);
      } else if (held) {
        self->lose("taken by " + self->holder());
      } else {
        log::warn("renewing the leader lease {}/{}: {}", self->settings.ns, self->settings.name, held.error().message);
      }
    }
  }

  Task<> waitFor(Duration duration) {
    const TimePoint until = clock.now() + duration;
    while (!ended && clock.now() < until) co_await changed.waitUntil(until);
  }

  static Task<> release(std::shared_ptr<Impl> self) {
    if (!self->leading) co_return;
    self->end();
    for (int attempt = 0; attempt < 2; ++attempt) {
      json::object released = self->lease;
      json::object& spec = ensureObject(released, {"spec"});
      const std::string now = formatMicroTime(self->clock.now());
      spec["holderIdentity"] = "";
      spec["leaseDurationSeconds"] = 1;
      spec["acquireTime"] = now;
      spec["renewTime"] = now;
      auto written = co_await self->client.update(resources::leases, self->settings.ns, self->settings.name, released);
      if (written) co_return;
      if (written.error().code != ErrorCode::conflict) {
        log::warn("releasing the leader lease: {}", written.error().message);
        co_return;
      }
      // A renewal was under way.
      auto got = co_await self->client.get(resources::leases, self->settings.ns, self->settings.name);
      if (!got || getString(*got, {"spec", "holderIdentity"}) != self->settings.identity) co_return;
      self->lease = std::move(*got);
    }
  }
};

LeaderElector::LeaderElector(Client& client, Executor executor, Random& random, LeaderSettings settings)
    : impl_(std::make_shared<Impl>(client, std::move(executor), random, std::move(settings))) {}
LeaderElector::~LeaderElector() { impl_->end(); }

Task<> LeaderElector::acquire() { return Impl::acquire(impl_); }
void LeaderElector::onLost(std::function<void()> lost) { impl_->lost = std::move(lost); }
bool LeaderElector::leading() const { return impl_->leading; }
Task<> LeaderElector::release() { return Impl::release(impl_); }

}  // namespace crossfade::kube
