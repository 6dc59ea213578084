// The providers, one line each, for the registry. `settings` is the member of metric.provider that carries its name.
#pragma once
#include <memory>

#include "base/json.hpp"
#include "providers/provider.hpp"

namespace crossfade::providers {

Result<std::unique_ptr<Provider>> makePrometheus(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeJob(const Context& context, const json::object& settings);

}  // namespace crossfade::providers
