#pragma once
// Fills a protobuf message from a YAML map by the message's own description, so that a new field in
// the contract needs no code here. Pure.

#include <map>
#include <string>
#include <vector>

#include "cli/yaml_tree.h"

namespace google::protobuf {
class Message;
}

namespace cdb::cli {

// Where fields stood, by the path the services use in errors: "spec.storage.size_gib".
using FieldPositions = std::map<std::string, Position>;

struct Binding {
  const std::string& file;
  std::string kind{};  // for messages: "MySQL"
  std::vector<Problem>& problems;
  FieldPositions& positions;
};

// Both spellings of a field are accepted (size_gib, sizeGib). Text keeps its written form. Where
// the message has a map<string, string> named settings, unknown keys go into it. Everything wrong
// is reported, and the rest is filled all the same.
void bind_map(const YamlNode& map, const std::string& path, google::protobuf::Message& message,
              Binding& binding);

// A scalar's text; a problem and an empty text for anything else.
std::string bind_text(const YamlNode& node, Position key, const std::string& path,
                      Binding& binding);

}  // namespace cdb::cli
