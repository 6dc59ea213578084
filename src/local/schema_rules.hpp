// x-kubernetes-validations: the rules that a schema states in the Common Expression Language (CEL).
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local {

class Rule {
 public:
  // From one entry of x-kubernetes-validations. Never fails: a rule that can't be read holds always (a debug line says
  // so).
  static std::shared_ptr<const Rule> make(const json::object& entry);
  virtual ~Rule() = default;

  // What a broken rule says: its message, its message expression's value, or "failed rule: ...". Empty when it holds,
  // and where it doesn't apply: a rule that speaks of oldSelf says nothing when `old` is null.
  virtual std::optional<std::string> broken(const json::value& self, const json::value* old) const = 0;
  // Refers to oldSelf.
  virtual bool transition() const = 0;
  // "FieldValueRequired", ...; "" for an invalid value.
  virtual const std::string& reason() const = 0;
  // Where the violation is reported, below the object that has the rule: ".spec.x"; "" at the object itself.
  virtual const std::string& fieldPath() const = 0;
};

}  // namespace crossfade::local
