#pragma once
// What a my.cnf is made from, as far as it is not a rule. A plain value.

#include <cstdint>
#include <string>

#include "lib/model/mysql_version.h"

namespace cdb::tuning {

struct Facts {
  model::MysqlVersion version{};
  uint64_t memory_bytes{0};  // the least of MemTotal and every cgroup limit; 0: not known yet
  int vcpu{1};
  std::string disk_kind{"ssd"};      // hdd, ssd, nvme
  uint64_t disk_bytes{0};            // 0: not known yet
  uint64_t open_files_max{1048576};  // what mysqld may raise its limit of open files to

  // Asked of the server's plugin directory, since a plugin that is named and missing stops a start.
  bool lossless{false};   // the semi-sync plugins are there and the version waits before commit
  bool has_clone{false};  // mysql_clone is there

  // The instance. A field that is empty leaves its line out.
  uint32_t server_id{0};
  uint16_t port{3306};
  std::string bind_address{};
  std::string report_host{};
  std::string data_dir{};
  std::string socket{};
  std::string pid_file{};
  std::string error_log{};
  std::string log_dir{};
  std::string tmp_dir{};
};

}  // namespace cdb::tuning
