// The virtual clock under the tests' own namespace.
#pragma once
#include "base/virtual_clock.hpp"

namespace crossfade::test {
using crossfade::VirtualClock;
using crossfade::VirtualLoop;
}  // namespace crossfade::test
