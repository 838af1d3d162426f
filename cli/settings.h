#pragma once
// Where the coordinator is and which namespace is meant: from the command line, the environment and
// ~/.config/cdb/config.yaml, in this order. Blocking on the file system; any thread.

#include <filesystem>
#include <string>
#include <vector>

#include "cli/args.h"
#include "cli/world.h"
#include "lib/base/result.h"

namespace cdb::cli {

struct Context {
  std::string name{};
  std::vector<std::string> endpoints{};
  std::string name_space{};
  std::string dns{};
};

struct ContextFile {
  std::filesystem::path path{};
  std::string current{};
  std::vector<Context> contexts{};
};

struct Settings {
  std::vector<std::string>
      endpoints{};  // host:port or unix:/path; this machine's where none is named
  std::string name_space{"default"};
  bool name_space_given{false};  // on this command line
  std::string dns{};             // host:port; empty: what the coordinator says
};

// CDB_CONFIG, else $XDG_CONFIG_HOME/cdb/config.yaml, else ~/.config/cdb/config.yaml; empty for
// somebody without a home.
std::filesystem::path context_path(const World& world);
// Empty where there is no such file.
Result<ContextFile> read_contexts(const std::filesystem::path& path);
Status write_contexts(const ContextFile& file);
Result<Settings> find_settings(const GlobalArgs& global, const World& world);

}  // namespace cdb::cli
