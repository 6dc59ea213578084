// The providers, one line each, for the registry. `settings` is the member of metric.provider that carries its name.
#pragma once
#include <memory>

#include "base/json.hpp"
#include "providers/provider.hpp"

namespace crossfade::providers {

Result<std::unique_ptr<Provider>> makePrometheus(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeJob(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeKayenta(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeWeb(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeDatadog(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeWavefront(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeNewRelic(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeCloudWatch(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeGraphite(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeInfluxdb(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makeSkyWalking(const Context& context, const json::object& settings);
Result<std::unique_ptr<Provider>> makePlugin(const Context& context, const json::object& settings);

}  // namespace crossfade::providers
