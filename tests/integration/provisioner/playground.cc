#include "tests/integration/provisioner/playground.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "lib/base/atomic_file.h"

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;

void write_server(const fs::path& path, const std::string& version) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "#!/bin/sh\necho \"$0  Ver " << version
                      << " for Linux on x86_64 (test)\"\n";
  fs::permissions(path, fs::perms::owner_all);
}

}  // namespace

Playground::Playground() : GuardedDirectory({"r", "a", "b"}) {
  write_server(path() / "servers/9.7/mysqld", "9.7.4");
  write_server(path() / "servers/5.6/mysqld", "5.6.24");
}

LocalProvisionerConfig Playground::config(const std::string& root_name) const {
  LocalProvisionerConfig config;
  config.root = root(root_name);
  config.mysqld = {path() / "servers/9.7/mysqld", path() / "servers/5.6/mysqld"};
  const auto program = [](const char* variable) {
    const char* const path = std::getenv(variable);
    if (path != nullptr) return std::string(path);
    std::fprintf(stderr, "%s is not set: run ./test, or meson test\n", variable);
    std::exit(1);
  };
  config.mysqllet = program("CDB_TEST_STAND_IN_AGENT");
  config.instance_init = program("CDB_TEST_INSTANCE_INIT");
  config.coordinators = {"127.0.0.1:7400"};
  config.tuning_dir = path() / "rules";
  return config;
}

void Playground::behave(const std::string& how, const std::string& root_name) const {
  fs::create_directories(root(root_name));
  CDB_INVARIANT(write_file_atomically(root(root_name) / "behaviour", how).ok());
}

}  // namespace cdb::coordinator
