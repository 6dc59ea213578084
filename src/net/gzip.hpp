// Bodies that a server sent compressed.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace crossfade::net {

// The content of a gzip text of any number of members. `invalid` when it is damaged or ends too early, `too_large` when
// there is more in it than `max_bytes`; no more memory than that is used.
Result<std::string> gunzip(std::string_view compressed, std::size_t max_bytes);

}  // namespace crossfade::net
