#include "controller/process_metrics.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace crossfade::controller {

void collectProcess(GaugeSink& sink) {
  std::ifstream status_file("/proc/self/stat");
  std::stringstream content;
  content << status_file.rdbuf();
  const std::string text = content.str();
  const auto after_name = text.rfind(')');
  if (after_name == std::string::npos) return;
  std::istringstream fields(text.substr(after_name + 2));
  std::vector<std::string> values;
  for (std::string value; fields >> value;) values.push_back(value);
  // Field numbers as in proc(5), counted from `state` (3).
  constexpr std::size_t utime = 11, stime = 12, threads = 17, start_time = 19, vsize = 20, rss = 21;
  if (values.size() <= rss) return;
  const auto number = [&](std::size_t index) { return std::stod(values[index]); };
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto put = [&](std::string_view name, std::string_view help, double value) {
    sink.family(name, help);
    sink.gauge({}, value);
  };
  put("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
      (number(utime) + number(stime)) / ticks);
  put("process_resident_memory_bytes", "Resident memory size in bytes.", number(rss) * page);
  put("process_virtual_memory_bytes", "Virtual memory size in bytes.", number(vsize));
  put("go_memstats_heap_alloc_bytes", "Memory in use; kept under this name for dashboards.", number(rss) * page);
  put("go_goroutines", "Threads; kept under this name for dashboards.", number(threads));
  std::ifstream uptime_file("/proc/stat");
  for (std::string line; std::getline(uptime_file, line);) {
    if (line.starts_with("btime ")) {
      put("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
          std::stod(line.substr(6)) + number(start_time) / ticks);
    }
  }
}

}  // namespace crossfade::controller
