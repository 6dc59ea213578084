// What must not happen to a release that changes hands, whatever it is: watched at every change of the cluster.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "recording.hpp"

namespace crossfade::sim {

class TakeoverWatch {
 public:
  TakeoverWatch(SimWorld& world, const Recording& recording);

  // Call it after every step; it looks when something has changed.
  void look();
  // Somebody is about to act: what follows is another movement, that may go the other way, or begin anew.
  void beginMovement(const Act& act);
  // At the end: what went wrong, and the moments that never came.
  std::vector<std::string> faults();

 private:
  // A number that may go up or down, but not turn around more often than `turns` times.
  struct Course {
    std::optional<std::int64_t> last;
    int direction = 0, turns = 0;
    bool turned(std::int64_t value, int allowed);
  };
  struct Set {
    std::string uid;
    std::int64_t size = 0, grown = 0, shrunk = 0, made = 0, gone = 0;
    std::set<std::string> pods;  // uids
    Course course;
  };

  void lookAtSets();
  void lookAtPods();
  void lookAtSteps();
  void lookAtTraffic();
  void lookAtParts();
  void fault(std::string words);

  SimWorld& world_;
  const Recording& recording_;
  std::string rollout_, updated_;  // the Rollout's name, and the hash of the revision in flight
  std::uint64_t seen_ = 0;
  std::map<std::string, Set> sets_;
  std::optional<std::int64_t> step_;
  std::map<std::string, std::set<std::string>> runs_;  // uids of AnalysisRuns by what they are for
  std::set<std::string> former_runs_;                  // of an attempt before
  Course share_;
  std::vector<bool> reached_;  // the moments
  std::vector<std::string> faults_;
};

}  // namespace crossfade::sim
