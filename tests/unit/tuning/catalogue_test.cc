#include <doctest/doctest.h>

#include "tests/unit/tuning/arrange.h"

namespace cdb::tuning {
namespace {

std::optional<Variable> find(const char* version, const char* name) {
  return shipped_rules().catalogue.find(model::MysqlVersion::parse(version).value(), name);
}

}  // namespace

TEST_CASE("the catalogue knows which version has which variable") {
  struct Row {
    const char* name;
    bool in_56, in_57, in_80, in_84, in_97;
  };
  const Row rows[] = {
      {"query_cache_size", true, true, false, false, false},
      {"super_read_only", false, true, true, true, true},
      {"innodb_log_file_size", true, true, true, true, false},
      {"innodb_redo_log_capacity", false, false, true, true, true},
      {"expire_logs_days", true, true, true, false, false},
      {"binlog_expire_logs_seconds", false, false, true, true, true},
      {"log_warnings", true, true, false, false, false},
      {"slave_parallel_type", false, true, true, true, false},
      {"replica_parallel_type", false, false, true, true, false},
      {"binlog_transaction_dependency_tracking", false, true, true, false, false},
      {"default_authentication_plugin", false, true, true, false, false},
      {"master_info_repository", true, true, true, false, false},
      {"innodb_file_format", true, true, false, false, false},
      {"innodb_undo_tablespaces", true, true, true, true, false},
      {"max_connections", true, true, true, true, true},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.name));
    CHECK(find("5.6.24", row.name).has_value() == row.in_56);
    CHECK(find("5.7.23", row.name).has_value() == row.in_57);
    CHECK(find("8.0.45", row.name).has_value() == row.in_80);
    CHECK(find("8.4.8", row.name).has_value() == row.in_84);
    CHECK(find("9.7.4", row.name).has_value() == row.in_97);
  }
}

TEST_CASE("within a line a variable is known from the release that brought it") {
  CHECK_FALSE(find("8.0.29", "innodb_redo_log_capacity"));
  CHECK(find("8.0.30", "innodb_redo_log_capacity"));
  CHECK_FALSE(find("8.0.25", "replica_net_timeout"));
  CHECK(find("8.0.26", "replica_net_timeout"));
}

TEST_CASE("a release between two lines knows what both know, one after the last what that knows") {
  CHECK(find("8.2.0", "max_connections"));
  CHECK_FALSE(find("8.2.0", "expire_logs_days"));
  CHECK_FALSE(find("9.1.0", "innodb_log_file_size"));
  CHECK(find("26.7.0", "max_connections"));
  CHECK_FALSE(find("5.5.62", "max_connections"));
}

TEST_CASE("what needs a restart is marked so") {
  CHECK_FALSE(find("5.6.24", "innodb_buffer_pool_size")->dynamic);
  CHECK(find("5.7.23", "innodb_buffer_pool_size")->dynamic);
  CHECK_FALSE(find("5.7.23", "innodb_log_buffer_size")->dynamic);
  CHECK(find("8.0.45", "innodb_log_buffer_size")->dynamic);
  CHECK_FALSE(find("9.7.4", "back_log")->dynamic);
  CHECK(find("9.7.4", "max_connections")->dynamic);
}

TEST_CASE("an error in a catalogue file names file and line") {
  Catalogue catalogue;
  const auto bad = catalogue.add_line({8, 0, 0}, "# head\nmax_connections\tX\n", "8.0.tsv");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message == "8.0.tsv:2: 'X' is neither D (dynamic) nor S (static)");
  CHECK(catalogue.add_aliases("a\t\tb\n", "aliases.tsv")
            .error()
            .message.rfind("aliases.tsv:1: ", 0) == 0);
}

}  // namespace cdb::tuning
