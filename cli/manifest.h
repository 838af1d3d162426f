#pragma once
// Manifests: YAML (or JSON) documents that declare resources, with the place where each field
// stood, so that the coordinator's complaints too can be shown as file:line:column. Pure but for
// read_inputs, which blocks on the file system.

#include <istream>
#include <string>
#include <vector>

#include "cli/bind.h"
#include "cli/yaml_tree.h"
#include "lib/base/result.h"

namespace cdb::v1 {
class Resource;
}

namespace cdb::cli {

struct Input {
  std::string name{};  // of the file, or "<stdin>"
  std::string text{};
};

// "-" is `standard_input`; a directory stands for its *.yaml, *.yml and *.json in order of name.
std::vector<Input> read_inputs(const std::vector<std::string>& paths, std::istream& standard_input,
                               std::vector<Problem>& problems);

struct Source {
  std::string file{};
  Position at{};  // of the document
  FieldPositions fields{};
};

// resources[i] was written at sources[i].
struct Manifest {
  std::vector<v1::Resource> resources;
  std::vector<Source> sources;
};

struct Namespaces {
  std::string fallback{"default"};  // where a document names none
  bool forced{false};               // a document that names another one is wrong
};

// Everything that is wrong in any document is appended to `problems`; if any was, send nothing.
Manifest parse_manifest(const std::vector<Input>& inputs, const Namespaces& namespaces,
                        std::vector<Problem>& problems);

// A complaint of the coordinator about "resources[2].spec.flavor", at the place that was meant.
Problem locate(const Manifest& manifest, const FieldError& error);

}  // namespace cdb::cli
