// Values as JSON in Go's spelling: members sorted, <, >, & and the line separators of Unicode escaped. spec/08 §1.6.
#pragma once
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

// What a backend answered: as parseJson(), but a number that no double holds is an error, as it is to Go.
Result<json::value> parseAnswer(std::string_view text);

// On one line, without a blank. Fails for what JSON lacks (`json: unsupported value: NaN`).
Result<std::string> compactJson(const Value& value);
// On many lines, indented by two blanks.
Result<std::string> indentedJson(const Value& value);

}  // namespace crossfade::expr
