#include "local/process.hpp"

#include "local/timer.hpp"

namespace crossfade::local {

namespace {

class ImaginedProcess : public Process {
 public:
  ImaginedProcess(Clock& clock, std::optional<Duration> life, int code, Exited exited)
      : clock_(clock), timer_(clock), exited_(std::move(exited)) {
    if (life) endAt(clock.now() + *life, code);
  }
  void terminate() override { endAt(clock_.now(), 0); }
  bool real() const override { return false; }
  std::optional<std::uint16_t> port(std::uint16_t) const override { return std::nullopt; }

 private:
  void endAt(TimePoint when, int code) {
    timer_.setAt(when, [this, code] {
      Exited exited = std::move(exited_);  // it may destroy this
      if (exited) exited(code);
    });
  }

  Clock& clock_;
  Timer timer_;
  Exited exited_;
};

}  // namespace

std::unique_ptr<Process> imagineProcess(Clock& clock, std::optional<Duration> life, int code, Exited exited) {
  return std::make_unique<ImaginedProcess>(clock, life, code, std::move(exited));
}

}  // namespace crossfade::local
