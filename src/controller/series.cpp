#include "controller/series.hpp"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <limits>

namespace crossfade::controller {
namespace {

constexpr char separator = '\x1f';  // no value holds it

std::string joinLabels(std::initializer_list<std::string_view> values) {
  std::string joined;
  for (const std::string_view value : values) joined.append(value).push_back(separator);
  return joined;
}

prometheus::ClientMetric labeled(const std::vector<std::string>& labels, std::string_view joined) {
  prometheus::ClientMetric metric;
  for (const std::string& label : labels) {
    const std::size_t end = joined.find(separator);
    metric.label.push_back({label, std::string(joined.substr(0, end))});
    joined.remove_prefix(end + 1);
  }
  return metric;
}

template <class Map>
void removePrefix(Map& series, const std::string& prefix) {
  auto end = series.lower_bound(prefix);
  const auto begin = end;
  while (end != series.end() && end->first.starts_with(prefix)) ++end;
  series.erase(begin, end);
}

}  // namespace

CounterSeries::CounterSeries(std::string name, std::string help, std::vector<std::string> labels)
    : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)) {}

void CounterSeries::increment(std::initializer_list<std::string_view> values) { ++counts_[joinLabels(values)]; }

void CounterSeries::remove(std::initializer_list<std::string_view> first_values) {
  removePrefix(counts_, joinLabels(first_values));
}

prometheus::MetricFamily CounterSeries::collect() const {
  prometheus::MetricFamily family{name_, help_, prometheus::MetricType::Counter, {}};
  for (const auto& [joined, count] : counts_) {
    prometheus::ClientMetric metric = labeled(labels_, joined);
    metric.counter.value = static_cast<double>(count);
    family.metric.push_back(std::move(metric));
  }
  return family;
}

HistogramSeries::HistogramSeries(std::string name, std::string help, std::vector<std::string> labels,
                                 std::vector<double> bounds)
    : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)), bounds_(std::move(bounds)) {}

void HistogramSeries::observe(std::initializer_list<std::string_view> values, double value) {
  Observed& observed = observed_[joinLabels(values)];
  observed.counts.resize(bounds_.size() + 1);
  ++observed.counts[static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())];
  observed.sum += value;
}

void HistogramSeries::remove(std::initializer_list<std::string_view> first_values) {
  removePrefix(observed_, joinLabels(first_values));
}

prometheus::MetricFamily HistogramSeries::collect() const {
  prometheus::MetricFamily family{name_, help_, prometheus::MetricType::Histogram, {}};
  for (const auto& [joined, observed] : observed_) {
    prometheus::ClientMetric metric = labeled(labels_, joined);
    std::uint64_t count = 0;
    for (std::size_t index = 0; index <= bounds_.size(); ++index) {
      count += observed.counts[index];
      const double bound = index < bounds_.size() ? bounds_[index] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({count, bound});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = observed.sum;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

}  // namespace crossfade::controller
