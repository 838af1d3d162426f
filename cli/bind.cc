#include "cli/bind.h"

#include <charconv>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "lib/base/text.h"

namespace cdb::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Type = YamlNode::Type;

struct Place {
  Position key{};
  std::string path{};
};

void complain(Binding& binding, Position at, std::string message, std::string hint = {}) {
  binding.problems.push_back({binding.file, at, std::move(message), std::move(hint)});
}

std::string described(const YamlNode& node) {
  constexpr size_t kShown = 40;
  switch (node.type) {
    case Type::Null: return "nothing";
    case Type::List: return "a list";
    case Type::Map: return "a map";
    case Type::Scalar: break;
  }
  const bool cut = node.text.size() > kShown;
  return fmt::format("\"{}{}\"", node.text.substr(0, kShown), cut ? "..." : "");
}

// True where a single value stands; otherwise says so, naming what is wanted.
bool is_scalar(const YamlNode& node, const Place& place, std::string_view wanted,
               Binding& binding) {
  if (node.type == Type::Scalar) return true;
  if (node.type == Type::Null) {
    complain(binding, place.key, fmt::format("{} has no value", place.path),
             "write a value, or leave the line out");
  } else {
    complain(binding, node.at,
             fmt::format("{} must be {}, not {}", place.path, wanted, described(node)));
  }
  return false;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <typename Number>
std::optional<Number> bind_number(const YamlNode& node, const Place& place, Binding& binding) {
  constexpr std::string_view kWanted = "a whole number";
  if (!is_scalar(node, place, kWanted, binding)) return std::nullopt;
  const std::string_view text = node.text;
  const bool negative = !text.empty() && text.front() == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (node.quoted || !is_digits(digits)) {
    const std::string hint = node.quoted && is_digits(digits) ? "leave the quotes out"
                             : !text.empty() && text.front() >= '0' && text.front() <= '9'
                                 ? "write the number alone, without unit or fraction"
                                 : "";
    complain(binding, node.at,
             fmt::format("{} must be {}, not {}", place.path, kWanted, described(node)), hint);
    return std::nullopt;
  }
  if (negative && digits.find_first_not_of('0') != std::string_view::npos) {
    complain(binding, node.at, fmt::format("{} must not be negative", place.path),
             "write 0 or more");
    return std::nullopt;
  }
  Number number{};
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{}) {
    complain(binding, node.at, fmt::format("{} is too large for {}", text, place.path),
             fmt::format("at most {}", std::numeric_limits<Number>::max()));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> bind_bool(const YamlNode& node, const Place& place, Binding& binding) {
  if (!is_scalar(node, place, "true or false", binding)) return std::nullopt;
  if (!node.quoted && (node.text == "true" || node.text == "false")) return node.text == "true";
  complain(binding, node.at,
           fmt::format("{} must be true or false, not {}", place.path, described(node)),
           node.quoted ? "leave the quotes out" : "");
  return std::nullopt;
}

void bind_single(const YamlNode& node, const Place& place, const FieldDescriptor& field,
                 Message& message, Binding& binding) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&message, &field, bind_text(node, place.key, place.path, binding));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (const auto value = bind_bool(node, place, binding))
        reflection.SetBool(&message, &field, *value);
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      if (const auto value = bind_number<int32_t>(node, place, binding))
        reflection.SetInt32(&message, &field, *value);
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      if (const auto value = bind_number<int64_t>(node, place, binding))
        reflection.SetInt64(&message, &field, *value);
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      if (const auto value = bind_number<uint32_t>(node, place, binding))
        reflection.SetUInt32(&message, &field, *value);
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      if (const auto value = bind_number<uint64_t>(node, place, binding))
        reflection.SetUInt64(&message, &field, *value);
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (node.type == Type::Null) {
        is_scalar(node, place, "a map", binding);
      } else if (node.type != Type::Map) {
        complain(binding, node.at,
                 fmt::format("{} must be a map, not {}", place.path, described(node)));
      } else {
        bind_map(node, place.path, *reflection.MutableMessage(&message, &field), binding);
      }
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_ENUM: break;
  }
  complain(binding, place.key,
           fmt::format("{} cannot be written in a manifest by this version of cdb", place.path));
}

void bind_list(const YamlNode& node, const Place& place, const FieldDescriptor& field,
               Message& message, Binding& binding) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return complain(
        binding, place.key,
        fmt::format("{} cannot be written in a manifest by this version of cdb", place.path));
  }
  if (node.type != Type::List) {
    const std::string hint = node.type == Type::Scalar ? fmt::format("write [{}]", node.text)
                             : node.type == Type::Null ? "write [] for an empty list"
                                                       : "";
    return complain(binding, node.type == Type::Null ? place.key : node.at,
                    fmt::format("{} must be a list, not {}", place.path, described(node)), hint);
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", place.path, i);
    binding.positions[path] = node.items[i].at;
    message.GetReflection()->AddString(&message, &field,
                                       bind_text(node.items[i], node.items[i].at, path, binding));
  }
}

const FieldDescriptor* settings_field(const Descriptor& type) {
  const FieldDescriptor* field = type.FindFieldByName("settings");
  return field != nullptr && field->is_map() ? field : nullptr;
}

void add_entry(const std::string& name, const std::string& value, const FieldDescriptor& field,
               Message& message) {
  Message* entry = message.GetReflection()->AddMessage(&message, &field);
  const auto& type = *field.message_type();
  entry->GetReflection()->SetString(entry, type.map_key(), name);
  entry->GetReflection()->SetString(entry, type.map_value(), value);
}

// A map of names to texts, such as zones.
void bind_text_map(const YamlNode& node, const Place& place, const FieldDescriptor& field,
                   Message& message, Binding& binding) {
  if (node.type != Type::Map) {
    return complain(binding, node.type == Type::Null ? place.key : node.at,
                    fmt::format("{} must be a map, not {}", place.path, described(node)),
                    fmt::format("write {}: {{NODE: VALUE, ...}}", field.name()));
  }
  for (size_t i = 0; i < node.keys.size(); ++i) {
    const std::string path = place.path + "." + node.keys[i].text;
    binding.positions[path] =
        node.items[i].type == Type::Scalar ? node.items[i].at : node.keys[i].at;
    add_entry(node.keys[i].text, bind_text(node.items[i], node.keys[i].at, path, binding), field,
              message);
  }
}

void bind_setting(const std::string& name, const YamlNode& node, const Place& place,
                  const FieldDescriptor& field, Message& message, Binding& binding) {
  if (name.empty()) return complain(binding, place.key, "a setting needs a name");
  if (node.type == Type::Map || node.type == Type::List) {
    return complain(binding, node.at,
                    fmt::format("setting {} must be one value, not {}", name, described(node)),
                    name == "settings"        ? "write the settings directly under spec"
                    : node.type == Type::List ? "write the values as one text with commas"
                                              : "write each setting on a line of its own");
  }
  const std::string value = bind_text(node, place.key, "setting " + name, binding);
  add_entry(name, value, field, message);
}

const FieldDescriptor* field_of(const Descriptor& type, std::string_view key) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_map() && field->name() == "settings") continue;
    if (field->name() == key || field->json_name() == key) return field;
  }
  return nullptr;
}

void unknown_field(const Descriptor& type, const YamlNode::Key& key, const std::string& path,
                   Binding& binding) {
  std::vector<std::string> known;
  for (int i = 0; i < type.field_count(); ++i)
    known.push_back(type.field(i)->name());
  const std::string meant = nearest(key.text, known);
  complain(binding, key.at, fmt::format("unknown field {}.{} of {}", path, key.text, binding.kind),
           meant.empty() ? fmt::format("{} has {}", path, join(known, ", "))
                         : fmt::format("did you mean {}?", meant));
}

}  // namespace

std::string bind_text(const YamlNode& node, Position key, const std::string& path,
                      Binding& binding) {
  if (!is_scalar(node, {key, path}, "text", binding)) return {};
  return node.text;
}

void bind_map(const YamlNode& map, const std::string& path, Message& message, Binding& binding) {
  const Descriptor& type = *message.GetDescriptor();
  const FieldDescriptor* settings = settings_field(type);
  std::map<std::string, YamlNode::Key> seen;
  for (size_t i = 0; i < map.keys.size(); ++i) {
    const auto& key = map.keys[i];
    const YamlNode& node = map.items[i];
    const FieldDescriptor* field = field_of(type, key.text);
    if (field == nullptr && settings == nullptr) {
      unknown_field(type, key, path, binding);
      continue;
    }
    const std::string name = field != nullptr ? field->name() : settings->name() + "." + key.text;
    const Place place{key.at, path + "." + name};
    const auto [first, fresh] = seen.emplace(name, key);
    if (!fresh) {
      complain(binding, key.at, fmt::format("duplicate key {}", key.text),
               fmt::format("{} in line {} is the same field: keep one", first->second.text,
                           first->second.at.line));
      continue;
    }
    binding.positions[place.path] = node.type == Type::Scalar ? node.at : key.at;
    if (field == nullptr) {
      bind_setting(key.text, node, place, *settings, message, binding);
    } else if (field->is_map()) {
      bind_text_map(node, place, *field, message, binding);
    } else if (field->is_repeated()) {
      bind_list(node, place, *field, message, binding);
    } else {
      bind_single(node, place, *field, message, binding);
    }
  }
}

}  // namespace cdb::cli
