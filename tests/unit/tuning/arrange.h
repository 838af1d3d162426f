#pragma once
// The shipped rules, and machines to tune.

#include <filesystem>
#include <string>

#include "tuning/tune.h"

namespace cdb::tuning {

inline constexpr uint64_t kMiB = 1024 * 1024;
inline constexpr uint64_t kGiB = 1024 * kMiB;

inline const RuleSet& shipped_rules() {
  static const RuleSet rules = load_rules(std::filesystem::path(CDB_SOURCE_DIR) / "tuning").value();
  return rules;
}

// Semi-sync and clone as far as the version has them.
inline Facts machine(const std::string& version, uint64_t memory_bytes, int vcpu = 2,
                     const std::string& disk_kind = "ssd", uint64_t disk_bytes = 20 * kGiB) {
  Facts facts;
  facts.version = model::MysqlVersion::parse(version).value();
  facts.memory_bytes = memory_bytes;
  facts.vcpu = vcpu;
  facts.disk_kind = disk_kind;
  facts.disk_bytes = disk_bytes;
  facts.lossless = facts.version.has_lossless_semisync();
  facts.has_clone = facts.version.has_clone();
  facts.server_id = 3735928559;
  facts.bind_address = "10.0.0.7";
  facts.report_host = "shop-1";
  facts.data_dir = "/var/lib/cdb/mysql";
  facts.socket = "/run/cdb/mysqld.sock";
  facts.pid_file = "/run/cdb/mysqld.pid";
  facts.error_log = "/var/log/cdb/mysqld.log";
  facts.log_dir = "/var/log/cdb";
  facts.tmp_dir = "/var/lib/cdb/tmp";
  return facts;
}

}  // namespace cdb::tuning
