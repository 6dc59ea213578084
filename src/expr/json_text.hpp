// Values as JSON in Go's spelling: members sorted, <, >, & and the line separators of Unicode escaped. spec/08 §1.6.
#pragma once
#include <string>

#include "base/result.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

// On one line, without a blank. Fails for what JSON lacks (`json: unsupported value: NaN`).
Result<std::string> compactJson(const Value& value);
// On many lines, indented by two blanks.
Result<std::string> indentedJson(const Value& value);

}  // namespace crossfade::expr
