// A path, and the document that it is asked of.
#include "expr/jsonpath.hpp"

#include "expr/json_text.hpp"
#include "fuzz/targets.hpp"

namespace crossfade::fuzz {

void jsonpath(std::string_view input) {
  const auto [text, document] = halves(input);
  const auto path = expr::JsonPath::compile(text);
  if (!path) return require(!path.error().message.empty(), "a problem has a message");
  const auto parsed = expr::parseAnswer(document);
  if (!parsed) return;
  const auto found = path->first(*parsed);
  if (!found) return require(!found.error().message.empty(), "a problem has a message");
  if (!*found) return;
  const auto shown = expr::compactJson(**found);
  require(shown.has_value(), "what a path finds is JSON");
  // Literals of the path are any bytes, what is in the document is not.
  if (text == "{$}") require(parseJson(*shown).has_value(), "what is found in a document can be read again");
}

}  // namespace crossfade::fuzz
