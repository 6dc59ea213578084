// Regular expressions as Go and RE2 have them: linear in time, no back-references, no look-around. spec/07 B5.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace re2 {
class RE2;
}

namespace crossfade::expr {

class Regex {
 public:
  // Fails in Go's words: "error parsing regexp: missing closing ): `(`".
  static Result<Regex> compile(std::string_view pattern);
  // Whether it matches anywhere in `text`.
  bool search(std::string_view text) const;

 private:
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace crossfade::expr
