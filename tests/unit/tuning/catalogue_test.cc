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

TEST_CASE("each limit is of a variable that some version knows, and that can have it") {
  const Catalogue& catalogue = shipped_rules().catalogue;
  REQUIRE_FALSE(catalogue.limits().empty());
  for (const Limit& limit : catalogue.limits()) {
    INFO(limit.name);
    CHECK_FALSE(catalogue.lines_with(limit.name).empty());
    for (const char* version : {"5.6.24", "5.7.23", "8.0.45", "8.4.8", "9.7.4"}) {
      const auto variable = find(version, limit.name.c_str());
      if (!variable) continue;
      const bool is_number =
          variable->type == ValueType::Integer || variable->type == ValueType::Decimal;
      CHECK(limit.words.empty() == is_number);
      CHECK(variable->negative == false);
    }
  }
}

TEST_CASE("the type of a variable may differ between versions") {
  CHECK(find("5.6.24", "innodb_max_dirty_pages_pct")->type == ValueType::Integer);
  CHECK(find("5.7.23", "innodb_max_dirty_pages_pct")->type == ValueType::Decimal);
  CHECK(find("5.7.23", "innodb_lock_wait_timeout")->type == ValueType::Integer);
  CHECK(find("8.0.45", "innodb_print_all_deadlocks")->type == ValueType::Switch);
  CHECK(find("8.4.8", "performance_schema_hosts_size")->negative);
}

TEST_CASE("an error in a catalogue file names file and line") {
  Catalogue catalogue;
  const auto bad = catalogue.add_line({8, 0, 0}, "# head\nmax_connections\tX\n", "8.0.tsv");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message == "8.0.tsv:2: 'X' is neither D (dynamic) nor S (static)");
  CHECK(catalogue.add_line({8, 0, 0}, "a\tD\t\tnumber\n", "8.0.tsv").error().message ==
        "8.0.tsv:1: 'number' is none of integer, signed, decimal, switch and text");
  CHECK(catalogue.add_line({8, 0, 0}, "a\tD\n", "8.0.tsv").error().message ==
        "8.0.tsv:1: a fourth column with the type is needed");
  for (const char* limit : {"..", "9..1", "x..9", "1..x", "ON", ""}) {
    INFO(std::string(limit));
    CHECK_FALSE(catalogue.add_limits("a\t\t" + std::string(limit) + "\n", "limits.tsv"));
  }
  CHECK(catalogue.add_aliases("a\t\tb\n", "aliases.tsv")
            .error()
            .message.rfind("aliases.tsv:1: ", 0) == 0);
}

}  // namespace cdb::tuning
