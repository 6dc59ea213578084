// How Go spells things. Users match on messages and values in these spellings, so they are part of the contract.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace crossfade::go {

// %q: the text in double quotes; quotes, backslashes, control characters and invalid UTF-8 escaped.
std::string quote(std::string_view text);

// The fewest digits that give the same double back. spec/08 §1.6.
std::string shortestFixed(double value);    // shortest-f: never an exponent; "NaN", "+Inf"
std::string shortestGeneral(double value);  // shortest-g, %v: "1e+06", "0.0001", "1e-05"
std::string jsonNumber(double value);       // json-number: "1e-7", "1e+21"; the value must be finite

// What encoding/json says of a text that is no JSON: "invalid character '<' looking for beginning of value".
std::string jsonProblem(std::string_view text);

// time.ParseDuration, exactly, and with its error texts: `time: unknown unit "x" in duration "1x"`.
Result<std::chrono::nanoseconds> parseDuration(std::string_view text);
// Duration.String: "1h30m0s", "1.5µs", "0s".
std::string formatDuration(std::chrono::nanoseconds duration);

}  // namespace crossfade::go
