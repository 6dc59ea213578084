// InfluxDB's annotated CSV: what a Flux query answers. spec/08 §13.
#pragma once
#include <string_view>

#include "base/result.hpp"
#include "expr/value.hpp"

namespace crossfade::providers {

// The _value of every record of every table, in order, each of the type that its table's #datatype gives it; a table
// without such a column has none. Fails for a text that ends in the middle, for a value that doesn't fit its type, and
// with the server's words where the answer turns into an error on the way.
Result<expr::List> readAnnotatedCsv(std::string_view text);

}  // namespace crossfade::providers
