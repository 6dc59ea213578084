#include "api/schema.hpp"

#include <cassert>
#include <map>

namespace crossfade::api {
namespace {

using Types = std::map<std::string_view, Schema::Type>;

// The next word of `text`, which is shortened; a ';' is a word of its own.
std::string_view nextWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  std::size_t length = std::min(text.find_first_of(" \n;"), text.size());
  if (length == 0 && !text.empty()) length = 1;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

Schema::Member readMember(std::string_view word, const Types& types) {
  Schema::Member member;
  member.required = word.ends_with('!');
  if (member.required) word.remove_suffix(1);
  const std::size_t colon = word.find(':');
  member.name = word.substr(0, colon);
  if (colon == std::string_view::npos) return member;
  std::string_view kind = word.substr(colon + 1);
  if (kind.starts_with('*')) {
    member.shape = Schema::Shape::pointer;
    kind.remove_prefix(1);
  } else if (kind.starts_with('[') || kind.starts_with('{')) {
    member.shape = kind.starts_with('[') ? Schema::Shape::list : Schema::Shape::map;
    kind = kind.substr(1, kind.size() - 2);
  }
  if (kind.empty()) return member;
  static const std::map<std::string_view, Schema::Kind> kinds = {{"int", Schema::Kind::integer},
                                                                 {"time", Schema::Kind::time},
                                                                 {"q", Schema::Kind::quantity},
                                                                 {"ios", Schema::Kind::int_or_string},
                                                                 {"raw", Schema::Kind::raw}};
  if (const auto found = kinds.find(kind); found != kinds.end()) {
    member.kind = found->second;
  } else {
    const auto type = types.find(kind);
    assert(type != types.end() && "the table names a type that it doesn't have");
    member.kind = Schema::Kind::object;
    member.type = &type->second;
  }
  return member;
}

// Calls `read` with the name of each type of both tables and the words of its members.
template <class Read>
void eachType(Read read) {
  for (std::string_view text : {podTemplateTypes(), canaryStepTypes()}) {
    for (std::string_view name = nextWord(text); !name.empty(); name = nextWord(text)) {
      name.remove_suffix(1);  // the colon
      std::vector<std::string_view> words;
      for (std::string_view word = nextWord(text); word != ";"; word = nextWord(text)) words.push_back(word);
      read(name, words);
    }
  }
}

Types parse() {
  Types types;
  // Types are used before they are described: first their places, then their members.
  eachType([&](std::string_view name, const auto&) { types[name].name = name; });
  eachType([&](std::string_view name, const std::vector<std::string_view>& words) {
    std::vector<Schema::Member>& members = types[name].members;
    for (const std::string_view word : words) {
      if (word.starts_with('&')) {
        const auto& included = types[word.substr(1)].members;
        members.insert(members.end(), included.begin(), included.end());
      } else {
        members.push_back(readMember(word, types));
      }
    }
  });
  return types;
}

}  // namespace

const Schema::Type& schemaType(std::string_view name) {
  static const Types types = parse();
  const auto found = types.find(name);
  assert(found != types.end());
  return found->second;
}

}  // namespace crossfade::api
