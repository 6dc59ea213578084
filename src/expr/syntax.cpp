#include "expr/syntax.hpp"

#include <unordered_map>

namespace crossfade::expr {

namespace {

NodeRef copyOf(const NodeRef& node, std::unordered_map<const Node*, NodeRef>& copies) {
  if (node == nullptr) return nullptr;
  if (const auto known = copies.find(node.get()); known != copies.end()) return known->second;
  auto copy = std::make_shared<Node>(*node);
  for (NodeRef& child : copy->children) child = copyOf(child, copies);
  copies.emplace(node.get(), copy);
  return copy;
}

}  // namespace

NodeRef clone(const NodeRef& root) {
  std::unordered_map<const Node*, NodeRef> copies;
  return copyOf(root, copies);
}

}  // namespace crossfade::expr
