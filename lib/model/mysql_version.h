#pragma once
// A MySQL version and what a server of that version can do. Gate code by capability, not by number:
// every number stands here once. Pure.

#include <compare>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace cdb::model {

struct MysqlVersion {
  int major{0};
  int minor{0};
  int patch{0};

  // Accepts "8.0.36", "8.0", "8", "5.6.24-log", "9.7.4-1-debian"; missing numbers are 0.
  static Result<MysqlVersion> parse(std::string_view text);
  // From the line that `mysqld --version` prints ("... Ver 9.7.4 for Linux on x86_64 (...)").
  static Result<MysqlVersion> parse_program_output(std::string_view line);
  [[nodiscard]] std::string str() const;
  friend auto operator<=>(const MysqlVersion&, const MysqlVersion&) = default;

  // What follows is a fact of the version; whether a plugin file is there is asked of the server.
  [[nodiscard]] bool at_least(int a, int b, int c = 0) const {
    return *this >= MysqlVersion{a, b, c};
  }
  [[nodiscard]] bool has_super_read_only() const { return at_least(5, 7, 8); }
  [[nodiscard]] bool has_offline_mode() const { return at_least(5, 7, 5); }
  [[nodiscard]] bool has_initialize_option() const { return at_least(5, 7, 6); }
  // Semi-sync that waits before the commit is visible (AFTER_SYNC): the only kind that is lossless.
  [[nodiscard]] bool has_lossless_semisync() const { return at_least(5, 7, 2); }
  [[nodiscard]] bool has_source_replica_words() const {
    return at_least(8, 0, 26);
  }  // plugins, variables
  [[nodiscard]] bool has_change_replication_source() const { return at_least(8, 0, 23); }
  [[nodiscard]] bool has_start_replica() const { return at_least(8, 0, 22); }
  [[nodiscard]] bool has_clone() const { return at_least(8, 0, 17); }
  // With each commit, so that gtid_executed is right whatever became of the binary logs.
  [[nodiscard]] bool persists_gtids_in_innodb() const { return at_least(8, 0, 17); }
  [[nodiscard]] bool has_caching_sha2() const { return at_least(8, 0, 4); }
  [[nodiscard]] bool has_alter_user_password() const { return at_least(5, 7, 6); }
  [[nodiscard]] bool has_dynamic_privileges() const { return at_least(8, 0, 0); }
};

}  // namespace cdb::model
