#include "lib/model/mysql_version.h"

#include <doctest/doctest.h>

namespace cdb::model {

TEST_CASE("versions are read with and without what distributions append") {
  struct Case {
    const char* text;
    MysqlVersion version;
  };
  for (const Case& one : {Case{"8.0.36", {8, 0, 36}}, Case{"8.0", {8, 0, 0}}, Case{"8", {8, 0, 0}},
                          Case{"5.6.24-log", {5, 6, 24}}, Case{"9.7.4-2", {9, 7, 4}},
                          Case{"9.7.4-1-debian", {9, 7, 4}}, Case{"5.7.44-48.1", {5, 7, 44}},
                          Case{" 8.4.8\n", {8, 4, 8}}, Case{"26.7.0", {26, 7, 0}},
                          Case{"8.0.36+build", {8, 0, 36}}, Case{"8.0.36-28.1", {8, 0, 36}}}) {
    INFO(one.text);
    const auto parsed = MysqlVersion::parse(one.text);
    REQUIRE(parsed.ok());
    CHECK(*parsed == one.version);
  }
}

TEST_CASE("what is no version is refused by name") {
  for (const char* text : {"", "x", "8.", "8.0.", "8.0.x", "8.0.36x", "-8", "8.-1", "0.0.0",
                           "mysql", "99999999999.0"}) {
    INFO(text);
    const auto parsed = MysqlVersion::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == Code::Invalid);
    CHECK(parsed.error().message == "'" + std::string(text) + "' is not a MySQL version");
  }
}

TEST_CASE("the lines that real servers print about themselves are understood") {
  struct Case {
    const char* line;
    MysqlVersion version;
  };
  for (const Case& one :
       {Case{"mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))\n", {9, 7, 4}},
        Case{"/opt/mysql/bin/mysqld  Ver 5.6.24 for linux-glibc2.5 on x86_64 "
             "(MySQL Community Server (GPL))\n",
             {5, 6, 24}},
        Case{"/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)",
             {8, 0, 36}},
        Case{"mysqld  Ver 5.7.44-log for Linux on x86_64 (MySQL Community Server (GPL))",
             {5, 7, 44}}}) {
    INFO(one.line);
    const auto parsed = MysqlVersion::parse_program_output(one.line);
    REQUIRE(parsed.ok());
    CHECK(*parsed == one.version);
  }
  CHECK(MysqlVersion::parse_program_output("bash: mysqld: not found").error().code ==
        Code::Invalid);
  CHECK(MysqlVersion::parse_program_output("").error().code == Code::Invalid);
}

TEST_CASE("versions are compared as numbers, so a later line than 9 counts as later") {
  CHECK(MysqlVersion{26, 7, 0}.at_least(9, 7, 4));
  CHECK(MysqlVersion{5, 7, 10} > MysqlVersion{5, 7, 9});
  CHECK(MysqlVersion{8, 0, 26}.has_source_replica_words());
  CHECK_FALSE(MysqlVersion{8, 0, 25}.has_source_replica_words());
  CHECK_FALSE(MysqlVersion{5, 6, 24}.has_initialize_option());
  CHECK(MysqlVersion{5, 6, 24}.str() == "5.6.24");
}

}  // namespace cdb::model
