// Counters and histograms of many objects, small: one Rollout has a dozen series, and a label costs prometheus-cpp some
// hundred bytes. What is kept here is turned into its families when somebody scrapes.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace crossfade::controller {

class CounterSeries {
 public:
  // `labels`: their names, sorted. Values are given in that order.
  CounterSeries(std::string name, std::string help, std::vector<std::string> labels);
  void increment(std::initializer_list<std::string_view> values);
  // Drops every series whose first values are these.
  void remove(std::initializer_list<std::string_view> first_values);
  prometheus::MetricFamily collect() const;

 private:
  const std::string name_, help_;
  const std::vector<std::string> labels_;
  std::map<std::string, std::uint64_t> counts_;  // by joined values
};

class HistogramSeries {
 public:
  // `bounds`: the upper bounds of all buckets but the last, ascending.
  HistogramSeries(std::string name, std::string help, std::vector<std::string> labels, std::vector<double> bounds);
  void observe(std::initializer_list<std::string_view> values, double value);
  void remove(std::initializer_list<std::string_view> first_values);
  prometheus::MetricFamily collect() const;

 private:
  struct Observed {
    std::vector<std::uint32_t> counts;  // a bucket each, not cumulative
    double sum = 0;
  };
  const std::string name_, help_;
  const std::vector<std::string> labels_;
  const std::vector<double> bounds_;
  std::map<std::string, Observed> observed_;
};

}  // namespace crossfade::controller
