#include "cli/manifest.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>

#include <fmt/format.h>

#include "cdb/v1/resources.pb.h"
#include "cli/kinds.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

using Type = YamlNode::Type;

class Reader {
 public:
  Reader(const Namespaces& namespaces, std::vector<Problem>& problems)
      : namespaces_(namespaces), problems_(problems) {}

  void read_document(const std::string& file, const YamlNode& document);
  Manifest take() { return std::move(manifest_); }

 private:
  void complain(Position at, std::string message, std::string hint = {}) {
    problems_.push_back({*file_, at, std::move(message), std::move(hint)});
  }
  const KindInfo* read_kind(const YamlNode& document);
  void read_api_version(const YamlNode& document);
  void read_list(const YamlNode& document);
  void read_metadata(const YamlNode& document, const KindInfo& kind, v1::Resource& resource,
                     Source& source);
  void read_spec(const YamlNode& document, const KindInfo& kind, v1::Resource& resource,
                 Source& source);
  void check_top_level(const YamlNode& document, const KindInfo& kind);
  void check_unique(const v1::Resource& resource, const Source& source);

  const Namespaces& namespaces_;
  std::vector<Problem>& problems_;
  Manifest manifest_{};
  std::map<std::string, Source> first_seen_{};
  const std::string* file_{nullptr};
};

Position key_position(const YamlNode& map, std::string_view key) {
  for (const auto& known : map.keys) {
    if (known.text == key) return known.at;
  }
  return map.at;
}

const YamlNode* find_field(const YamlNode& map, std::string_view snake, std::string_view camel) {
  const YamlNode* found = map.find(camel);
  return found != nullptr ? found : map.find(snake);
}

const KindInfo* Reader::read_kind(const YamlNode& document) {
  const YamlNode* kind = document.find("kind");
  if (kind == nullptr || kind->type == Type::Null) {
    complain(document.at, "kind is missing",
             "write kind: MySQL, or another of " + kind_names(false));
    return nullptr;
  }
  if (kind->type != Type::Scalar) {
    complain(kind->at, "kind must be text");
    return nullptr;
  }
  if (const KindInfo* info = find_kind(kind->text)) return info;
  std::vector<std::string> known;
  for (const auto& info : all_kinds())
    known.push_back(info.name);
  const std::string meant = nearest(kind->text, known);
  complain(kind->at, fmt::format("unknown kind {}", kind->text),
           meant.empty() ? "the kinds are " + kind_names(false)
                         : fmt::format("did you mean {}?", meant));
  return nullptr;
}

void Reader::read_api_version(const YamlNode& document) {
  const std::string line = fmt::format("write apiVersion: {}", kApiVersion);
  const YamlNode* version = find_field(document, "api_version", "apiVersion");
  if (version == nullptr || version->type == Type::Null) {
    complain(document.at, "apiVersion is missing", line);
  } else if (version->text != kApiVersion) {
    complain(version->at, fmt::format("apiVersion must be {}", kApiVersion), line);
  }
}

void Reader::check_top_level(const YamlNode& document, const KindInfo& kind) {
  const std::vector<std::string> known{"apiVersion", "kind", "metadata", "spec", "status"};
  for (const auto& key : document.keys) {
    if (key.text == "api_version" || std::count(known.begin(), known.end(), key.text) > 0) continue;
    const std::string meant = nearest(key.text, known);
    complain(key.at, fmt::format("unknown field {} of {}", key.text, kind.name),
             meant.empty() ? "the fields of a document are apiVersion, kind, metadata and spec"
                           : fmt::format("did you mean {}?", meant));
  }
  // What `cdb get -o yaml` printed carries a uid and may be applied again as it is.
  const YamlNode* metadata = document.find("metadata");
  const bool printed = metadata != nullptr && metadata->find("uid") != nullptr;
  if (document.find("status") != nullptr && !printed) {
    complain(key_position(document, "status"), "status is written by the system only",
             "leave status out");
  }
}

void Reader::read_metadata(const YamlNode& document, const KindInfo& kind, v1::Resource& resource,
                           Source& source) {
  const YamlNode* node = document.find("metadata");
  if (node == nullptr || node->type == Type::Null) {
    return complain(node == nullptr ? document.at : key_position(document, "metadata"),
                    "metadata.name is missing", "write metadata: {name: NAME}");
  }
  if (node->type != Type::Map) return complain(node->at, "metadata must be a map");
  YamlNode written = *node;
  for (size_t i = written.keys.size(); i-- > 0;) {
    const std::string& key = written.keys[i].text;
    if (key != "uid" && key != "generation" && key != "created" && key != "deleting") continue;
    written.keys.erase(written.keys.begin() + static_cast<std::ptrdiff_t>(i));
    written.items.erase(written.items.begin() + static_cast<std::ptrdiff_t>(i));
  }
  auto& metadata = *resource.mutable_metadata();
  Binding binding{*file_, kind.name, problems_, source.fields};
  bind_map(written, "metadata", metadata, binding);
  if (node->find("name") == nullptr) {
    complain(key_position(document, "metadata"), "metadata.name is missing", "write name: NAME");
  } else if (!is_dns_label(metadata.name()) && node->find("name")->type == Type::Scalar) {
    complain(node->find("name")->at,
             fmt::format("\"{}\" cannot be the name of a {}", metadata.name(), kind.name),
             "1 to 40 lower-case letters, digits and dashes, no dash at either end");
  }
  if (metadata.namespace_().empty()) metadata.set_namespace_(namespaces_.fallback);
  if (namespaces_.forced && metadata.namespace_() != namespaces_.fallback) {
    complain(source.fields["metadata.namespace"],
             fmt::format("namespace {} is not the one asked for, {}", metadata.namespace_(),
                         namespaces_.fallback),
             "leave out either the line or --namespace");
  }
}

void Reader::read_spec(const YamlNode& document, const KindInfo& kind, v1::Resource& resource,
                       Source& source) {
  const YamlNode* spec = document.find("spec");
  if (spec == nullptr) {
    return complain(document.at, fmt::format("spec of {} is missing", kind.name));
  }
  if (spec->type == Type::Null) {
    return complain(key_position(document, "spec"), "spec has no value",
                    "write spec: {} where nothing is to be said");
  }
  if (spec->type != Type::Map) return complain(spec->at, "spec must be a map");
  source.fields["spec"] = key_position(document, "spec");
  const auto* field = resource.GetDescriptor()->FindFieldByName(kind.field);
  CDB_INVARIANT(field != nullptr);
  Binding binding{*file_, kind.name, problems_, source.fields};
  bind_map(*spec, "spec", *resource.GetReflection()->MutableMessage(&resource, field), binding);
}

void Reader::check_unique(const v1::Resource& resource, const Source& source) {
  const auto& metadata = resource.metadata();
  if (metadata.name().empty()) return;
  const std::string key =
      fmt::format("{} {}/{}", resource.kind(), metadata.namespace_(), metadata.name());
  const auto [first, fresh] = first_seen_.emplace(key, source);
  if (fresh) return;
  const Source& other = first->second;
  complain(source.at, key + " is declared twice",
           other.file == source.file
               ? fmt::format("lines {} and {}: keep one", other.at.line, source.at.line)
               : fmt::format("line {} of {} and line {} here: keep one", other.at.line, other.file,
                             source.at.line));
}

void Reader::read_list(const YamlNode& document) {
  const YamlNode* items = document.find("items");
  if (items == nullptr || items->type != Type::List) {
    return complain(document.at, "a List needs items, a list of resources");
  }
  for (const auto& item : items->items)
    read_document(*file_, item);
}

void Reader::read_document(const std::string& file, const YamlNode& document) {
  file_ = &file;
  if (document.type != Type::Map) {
    return complain(document.at,
                    "a document must be a map with apiVersion, kind, metadata and spec");
  }
  const YamlNode* list = document.find("kind");
  if (list != nullptr && list->text == "List") return read_list(document);
  read_api_version(document);
  const KindInfo* kind = read_kind(document);
  if (kind == nullptr) return;
  if (kind->generated) {
    return complain(document.find("kind")->at,
                    fmt::format("{} is generated and cannot be applied", kind->name),
                    kind->instead);
  }
  v1::Resource resource;
  resource.set_api_version(std::string(kApiVersion));
  resource.set_kind(kind->name);
  Source source{file, document.at, {}};
  source.fields["kind"] = document.find("kind")->at;
  check_top_level(document, *kind);
  read_metadata(document, *kind, resource, source);
  read_spec(document, *kind, resource, source);
  check_unique(resource, source);
  manifest_.resources.push_back(std::move(resource));
  manifest_.sources.push_back(std::move(source));
}

bool is_manifest_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::string extension = path.extension().string();
  return name.front() != '.' &&
         (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

void read_file_input(const std::filesystem::path& path, std::vector<Input>& inputs,
                     std::vector<Problem>& problems) {
  auto text = read_file(path);
  if (text) {
    inputs.push_back({path.string(), std::move(text).value()});
  } else {
    problems.push_back(
        {path.string(), {}, "cannot be read: " + text.error().message, text.error().hint});
  }
}

void read_directory(const std::filesystem::path& path, std::vector<Input>& inputs,
                    std::vector<Problem>& problems) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored_type;  // what has no type is no file either
    if (entry->is_regular_file(ignored_type) && is_manifest_name(entry->path())) {
      files.push_back(entry->path());
    }
  }
  if (error) {
    problems.push_back({path.string(), {}, "cannot be read: " + error.message(), {}});
  } else if (files.empty()) {
    problems.push_back({path.string(), {}, "holds no *.yaml, *.yml or *.json file", {}});
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files)
    read_file_input(file, inputs, problems);
}

// "resources[2].spec.flavor" as 2 and "spec.flavor"; an index beyond all where it is no such thing.
std::pair<size_t, std::string> parse_field(const std::string& field) {
  constexpr std::string_view kPrefix = "resources[";
  constexpr size_t kNone = std::string::npos;
  if (field.rfind(kPrefix, 0) != 0) return {kNone, {}};
  size_t index = 0;
  const char* end = field.data() + field.size();
  const auto parsed = std::from_chars(field.data() + kPrefix.size(), end, index);
  if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != ']') return {kNone, {}};
  const char* path = parsed.ptr + 1;
  return {index, path == end ? std::string{} : std::string(path + 1, end)};
}

}  // namespace

std::vector<Input> read_inputs(const std::vector<std::string>& paths, std::istream& standard_input,
                               std::vector<Problem>& problems) {
  std::vector<Input> inputs;
  for (const auto& path : paths) {
    std::error_code error;
    if (path == "-") {
      inputs.push_back(
          {"<stdin>", std::string(std::istreambuf_iterator<char>(standard_input), {})});
    } else if (std::filesystem::is_directory(path, error)) {
      read_directory(path, inputs, problems);
    } else {
      read_file_input(path, inputs, problems);
    }
  }
  return inputs;
}

Manifest parse_manifest(const std::vector<Input>& inputs, const Namespaces& namespaces,
                        std::vector<Problem>& problems) {
  Reader reader(namespaces, problems);
  for (const auto& input : inputs) {
    const size_t before = problems.size();
    const auto documents = parse_yaml(input.name, input.text, problems);
    if (documents.empty() && problems.size() == before) {
      problems.push_back(
          {input.name, {1, 1}, "holds no resource", "a document starts with apiVersion and kind"});
    }
    for (const auto& document : documents)
      reader.read_document(input.name, document);
  }
  return reader.take();
}

Problem locate(const Manifest& manifest, const FieldError& error) {
  const auto [index, path] = parse_field(error.field);
  if (index >= manifest.sources.size()) return {error.field, {}, error.message, error.hint};
  const Source& source = manifest.sources[index];
  // Many messages name the field already.
  const std::string last = path.substr(path.find_last_of('.') + 1);
  const bool named = path.empty() || error.message.find(last) != std::string::npos;
  Problem problem{source.file, source.at, named ? error.message : path + ": " + error.message,
                  error.hint};
  // What was left out is shown where it would stand.
  for (std::string at = path; !at.empty();) {
    const auto found = source.fields.find(at);
    if (found != source.fields.end()) {
      problem.at = found->second;
      break;
    }
    const size_t dot = at.find_last_of(".[");
    at.resize(dot == std::string::npos ? 0 : dot);
  }
  return problem;
}

}  // namespace cdb::cli
