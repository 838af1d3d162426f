#include "cli/tree.h"

#include <chrono>
#include <map>
#include <optional>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <nlohmann/json.hpp>

#include "cdb/v1/resources.pb.h"
#include "cli/kinds.h"
#include "lib/base/clock.h"

namespace cdb::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The documents of the original design spell these in camelCase.
std::string shown_name(const FieldDescriptor& field) {
  if (field.name() == "data_volume") return "dataVolume";
  if (field.name() == "volume_type") return "volumeType";
  if (field.name() == "api_version") return "apiVersion";
  return field.name();
}

std::optional<std::string> timestamp_text(const Message& message) {
  const auto* stamp = dynamic_cast<const google::protobuf::Timestamp*>(&message);
  if (stamp == nullptr) return std::nullopt;
  return to_rfc3339(WallTime(std::chrono::seconds(stamp->seconds()) +
                             std::chrono::microseconds(stamp->nanos() / 1000)));
}

Tree message_value(const Message& message, Defaults defaults) {
  if (const auto time = timestamp_text(message)) return *time;
  return to_tree(message, defaults);
}

Tree single_value(const Message& message, const FieldDescriptor& field, Defaults defaults) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL: return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_INT32: return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64: return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32: return reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64: return reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE: return reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT: return reflection.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM: return reflection.GetEnum(message, &field)->name();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return message_value(reflection.GetMessage(message, &field), defaults);
  }
  return nullptr;
}

// In the order of the keys: a map on the wire has none.
std::map<std::string, std::string> text_map(const Message& message, const FieldDescriptor& field) {
  std::map<std::string, std::string> sorted;
  const Reflection& reflection = *message.GetReflection();
  const auto& type = *field.message_type();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const Reflection& parts = *entry.GetReflection();
    sorted[parts.GetString(entry, type.map_key())] = parts.GetString(entry, type.map_value());
  }
  return sorted;
}

bool is_text_map(const FieldDescriptor& field) {
  return field.is_map() &&
         field.message_type()->map_key()->cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
         field.message_type()->map_value()->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

Tree repeated_value(const Message& message, const FieldDescriptor& field, Defaults defaults) {
  if (is_text_map(field)) {
    Tree map = Tree::object();
    for (const auto& [key, value] : text_map(message, field))
      map[key] = value;
    return map;
  }
  Tree list = Tree::array();
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      list.push_back(reflection.GetRepeatedString(message, &field, i));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      list.push_back(message_value(reflection.GetRepeatedMessage(message, &field, i), defaults));
    } else {
      CDB_INVARIANT(!"a list of plain numbers in the contract");
    }
  }
  return list;
}

bool is_shown(const Message& message, const FieldDescriptor& field, Defaults defaults) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    return defaults == Defaults::Show || reflection.FieldSize(message, &field) > 0;
  }
  // A message or an optional field that is absent has no value to show.
  if (field.has_presence()) return reflection.HasField(message, &field);
  return defaults == Defaults::Show || reflection.HasField(message, &field);
}

// The settings stand beside the other fields, as in a manifest.
Tree spec_tree(const Message& spec) {
  Tree tree = to_tree(spec, Defaults::LeaveOut);
  const FieldDescriptor* settings = spec.GetDescriptor()->FindFieldByName("settings");
  if (settings == nullptr || !settings->is_map()) return tree;
  tree.erase("settings");
  for (const auto& [key, value] : text_map(spec, *settings))
    tree[key] = value;
  return tree;
}

}  // namespace

Tree to_tree(const Message& message, Defaults defaults) {
  Tree tree = Tree::object();
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!is_shown(message, field, defaults)) continue;
    tree[shown_name(field)] = field.is_repeated() ? repeated_value(message, field, defaults)
                                                  : single_value(message, field, defaults);
  }
  return tree;
}

Tree resource_tree(const v1::Resource& resource) {
  Tree tree = Tree::object();
  tree["apiVersion"] = std::string(kApiVersion);
  tree["kind"] = resource.kind();
  tree["metadata"] = to_tree(resource.metadata(), Defaults::LeaveOut);
  tree["spec"] = Tree::object();
  if (const KindInfo* kind = find_kind(resource.kind())) {
    const auto* field = resource.GetDescriptor()->FindFieldByName(kind->field);
    CDB_INVARIANT(field != nullptr);
    tree["spec"] = spec_tree(resource.GetReflection()->GetMessage(resource, field));
  }
  if (resource.has_status()) tree["status"] = to_tree(resource.status(), Defaults::Show);
  return tree;
}

Tree list_tree(std::vector<Tree> items) {
  Tree tree = Tree::object();
  tree["apiVersion"] = std::string(kApiVersion);
  tree["kind"] = "List";
  tree["items"] = Tree::array();
  for (auto& item : items)
    tree["items"].push_back(std::move(item));
  return tree;
}

std::string to_json_text(const Tree& tree) {
  return tree.dump(2, ' ', false, Tree::error_handler_t::replace) + "\n";
}

std::string to_json_line(const Tree& tree) {
  return tree.dump(-1, ' ', false, Tree::error_handler_t::replace) + "\n";
}

}  // namespace cdb::cli
