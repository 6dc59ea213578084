// Where a pod may run: node selectors, required node affinity, taints, cordons. Pure. Resources and affinity between
// pods don't count here.
#pragma once
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

struct NodeLoad {
  Object node;
  int pods = 0;
};

// The name of the least loaded node that takes the pod (the first by name among equals). Otherwise the words of the
// FailedScheduling event: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ...".
Result<std::string> chooseNode(const json::object& pod, const std::vector<NodeLoad>& nodes);

}  // namespace crossfade::local
