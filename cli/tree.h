#pragma once
// Messages as trees of named values, and trees as YAML or JSON text. Pure. Resources get the shape
// that `cdb apply` reads: the spec of their kind, settings beside engine_version.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace google::protobuf {
class Message;
}
namespace cdb::v1 {
class Resource;
}

namespace cdb::cli {

using Tree = nlohmann::ordered_json;

enum class Defaults { LeaveOut, Show };  // fields that hold 0, false or nothing

// snake_case names, 64-bit integers as numbers, timestamps as RFC 3339 text.
Tree to_tree(const google::protobuf::Message& message, Defaults defaults = Defaults::Show);
Tree resource_tree(const v1::Resource& resource);
// {apiVersion, kind: List, items}
Tree list_tree(std::vector<Tree> items);

std::string to_yaml(const Tree& tree);
std::string to_json_text(const Tree& tree);  // indented
std::string to_json_line(const Tree& tree);  // on one line, for streams

}  // namespace cdb::cli
