// `--data FILE`: every commit is appended to a log before it is acknowledged, and compacted now and then into a fresh
// file that replaces the old one atomically. A kill at any moment loses nothing that was acknowledged; a torn last
// record is dropped with a warning.
#pragma once
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// Loads what `path` holds into the (empty) registry, and from then on journals into it until destroyed. Fails, naming
// the file, when it can't be read or written, or is no such file.
Result<std::unique_ptr<Journal>> openJournal(Registry& registry, Clock& clock, const std::string& path);

}  // namespace crossfade::local
