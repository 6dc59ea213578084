// Providers that ask a question and have the answer at once: all but Jobs, Kayenta and plugins. spec/08 §1, §2.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "expr/condition.hpp"
#include "providers/backend.hpp"
#include "providers/provider.hpp"

namespace crossfade::providers {

// What a backend answered, understood.
struct Reading {
  expr::Measured result = {};
  std::string value = {};  // as the measurement shows it
  std::map<std::string, std::string> metadata = {};
  // What a measurement keeps when a condition can't be evaluated.
  bool keeps_value = false, keeps_metadata = false;
  // Set: there is no result, and this is why. The metadata stays.
  std::string error = {};
};

class QueryProvider : public Provider {
 public:
  Task<api::Measurement> run(const api::AnalysisRun& run, const api::Metric& metric) override;
  // Nothing is ever left in flight.
  Task<api::Measurement> resume(const api::AnalysisRun& run, const api::Metric& metric,
                                api::Measurement measurement) override;
  Task<api::Measurement> terminate(const api::AnalysisRun& run, const api::Metric& metric,
                                   api::Measurement measurement) override;
  Task<Result<>> garbageCollect(const api::AnalysisRun& run, const api::Metric& metric, std::int64_t limit) override;
  std::map<std::string, std::string> metadata(const api::Metric& metric) const override;

 protected:
  explicit QueryProvider(const Context& context) : context_(context) {}

  // Asks. `began` is the measurement's start, `now` of the question. An exception is a bug of ours, and ends this
  // measurement only.
  virtual Task<Result<Reading>> read(const api::AnalysisRun& run, TimePoint began) = 0;

  Task<Result<net::Response>> fetch(BackendRequest request, TimePoint deadline) const {
    return providers::fetch(context_.dialer, context_.clock, std::move(request), deadline);
  }

  const Context context_;
};

// --- parts that several of them need ---------------------------------------------------------------------------------

// Reads a Secret of `ns` now: its keys, decoded. The API server's error where it can't be had.
Task<Result<std::map<std::string, std::string>>> readSecret(kube::Client& client, std::string ns, std::string name);
// The value under a key; empty when there is none.
std::string secretValue(const std::map<std::string, std::string>& secret, const std::string& key);

// The controller's session with AWS, or one of its own where there is none.
std::shared_ptr<net::AwsSession> awsSession(const Context& context);

// encoding/json's complaint about a value of the wrong type: "json: cannot unmarshal string into Go value of type
// float64".
std::string wrongType(const json::value& value, std::string_view wanted);

// json-compact of spec/08 §1.6: no blanks, keys sorted, every number a double.
std::string compactJson(const json::value& value);
// "[a,b]" of numbers, each spelt by `spell`.
std::string listText(const std::vector<double>& values, std::string (*spell)(double));
// Whole seconds since 1970.
std::int64_t unixSeconds(TimePoint time);

}  // namespace crossfade::providers
