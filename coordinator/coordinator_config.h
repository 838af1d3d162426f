#pragma once
// cdb-coordinator's configuration file. Read once at start.

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/adapters/local_provisioner.h"
#include "coordinator/adapters/rfc2136_dns.h"
#include "coordinator/adapters/static_provisioner.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

struct CoordinatorConfig {
  std::vector<std::string> listen{"127.0.0.1:7400"};
  bool insecure_listen{false};
  std::filesystem::path endpoint_file{};  // empty: none is written
  std::filesystem::path state{};
  std::filesystem::path flavors{};
  std::filesystem::path tuning_dir{};
  std::filesystem::path hooks_dir{};  // empty: policies cannot name programs
  std::string log_file{};             // empty: standard error
  std::string log_level{"info"};
  std::string dns_server{};
  std::string dns_zone{};
  std::filesystem::path dns_key_file{};
  std::variant<LocalProvisionerConfig, StaticProvisionerConfig> machines{};
};

// Relative paths are taken from the working directory. Unknown keys, wrong types and missing values
// are errors that name file and line.
Result<CoordinatorConfig> load_coordinator_config(const std::filesystem::path& file);

}  // namespace cdb::coordinator
