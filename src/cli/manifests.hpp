// Files of Kubernetes objects, and where in them a value stands.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "local/yaml.hpp"

namespace crossfade::cli {

struct Manifest {
  std::string file;
  json::object object;
  local::YamlDocument document;  // without its value

  std::string_view kind() const { return getString(object, {"kind"}); }
  std::string_view name() const { return getString(object, {"metadata", "name"}); }
  // The group of apiVersion: "argoproj.io", "" of the core.
  std::string_view group() const;
  std::string_view version() const;

  // "rollout.yaml:12:7": the value at a path ("spec.metrics[0].name"), or the nearest part of the object around it.
  std::string place(std::string_view path) const;
  // The place of a rule of spec/10 §3.12, whose paths leave out `canary` and `blueGreen`.
  std::string placeOfRule(std::string_view path) const;
};

// Every object in the documents of a YAML or JSON file; empty documents are left out. Fails for a file that can't be
// read, for what is no object, and for syntax errors with their line.
Result<std::vector<Manifest>> readManifests(const std::string& file);

// What a decoder that knows the object's type (our kinds, Services, Ingresses, Deployments) and takes nothing else
// complains about, and at which path; nothing for other kinds. spec/10 §3.10, §3.12.
struct Misfit {
  std::string path, message;  // `unknown field "repliacs"`
};
std::optional<Misfit> strictMisfit(const Manifest& manifest);

}  // namespace crossfade::cli
