#include "expr/measured.hpp"

namespace crossfade::expr {

namespace {

TypeRef typeOf(const List& list) {
  switch (list.elements) {
    case List::Elements::floating:
      return types::floatList();
    case List::Elements::integer:
      return types::intList();
    case List::Elements::string:
      return types::stringList();
    case List::Elements::any:
      break;
  }
  return types::listOf(types::any());
}

TypeRef typeOf(const Value& value) {
  if (value.boolean() != nullptr) return types::boolean();
  if (value.floating() != nullptr) return types::floating();
  if (const Integer* integer = value.integer()) {
    return integer->kind == Integer::Kind::plain ? types::integer() : types::int64();
  }
  if (value.string() != nullptr) return types::string();
  if (value.list() != nullptr) return typeOf(*value.list());
  if (value.map() != nullptr) return types::object();
  if (value.moment() != nullptr) return types::time();
  if (value.duration() != nullptr) return types::duration();
  return std::holds_alternative<Bytes>(value.data) ? types::bytes() : types::nil();
}

Value floats(const std::vector<double>& numbers) {
  List list{.elements = List::Elements::floating};
  list.items.assign(numbers.begin(), numbers.end());
  measure(list);
  return list;
}

}  // namespace

Measured::Measured(bool value) : value(value), type(types::boolean()) {}
Measured::Measured(double value) : value(value), type(types::floating()) {}
Measured::Measured(std::vector<double> list) : value(floats(list)), type(types::floatList()) {}
Measured::Measured(std::string text) : value(std::move(text)), type(types::string()) {}
Measured::Measured(const json::value& document) : Measured(fromJson(document)) {}
Measured::Measured(Value given) : value(std::move(given)), type(typeOf(value)) {}

bool Measured::isEmpty() const {
  const List* list = value.list();
  return value.isNull() || (list != nullptr && list->items.empty());
}

Measured structures(const std::string& name, const std::vector<std::pair<std::string, TypeRef>>& fields,
                    const std::vector<std::vector<Value>>& rows) {
  List list{.name = "[]" + name};
  for (const std::vector<Value>& row : rows) {
    Map structure{.shape = Map::Shape::structure, .name = name};
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::string& field = fields[i].first;
      structure.entries.emplace(field, Map::Entry{Value(field), row.at(i)});
    }
    measure(structure);
    list.items.emplace_back(std::move(structure));
  }
  measure(list);
  Measured measured;
  measured.value = std::move(list);
  measured.type = types::namedList("[]" + name, types::structure(name, fields));
  return measured;
}

}  // namespace crossfade::expr
