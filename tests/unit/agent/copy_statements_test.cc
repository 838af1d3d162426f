#include "agent/core/copy_statements.h"

#include <doctest/doctest.h>

namespace cdb::agent {

TEST_CASE("a value is read and written so that it arrives as it was") {
  struct Case {
    const char* type;
    const char* read;
    CopyAs as;
  };
  for (const Case& c :
       {Case{"bigint", "`c`", CopyAs::Number}, Case{"DECIMAL", "`c`", CopyAs::Number},
        Case{"float", "`c` + 0E0", CopyAs::Number}, Case{"double", "`c`", CopyAs::Number},
        Case{"bit", "`c` + 0", CopyAs::Number}, Case{"year", "`c`", CopyAs::Number},
        Case{"json", "`c`", CopyAs::Json}, Case{"varchar", "`c`", CopyAs::Bytes},
        Case{"enum", "`c`", CopyAs::Choice}, Case{"datetime", "`c`", CopyAs::Bytes},
        Case{"geometry", "`c`", CopyAs::Bytes}, Case{"blob", "`c`", CopyAs::Bytes}}) {
    CAPTURE(c.type);
    const auto column = copy_column("c", c.type, "");
    REQUIRE(column);
    CHECK(column->read == c.read);
    CHECK(column->as == c.as);
  }
}

TEST_CASE("generated columns are left to the server, columns with an expression as default not") {
  CHECK_FALSE(copy_column("c", "int", "VIRTUAL GENERATED"));
  CHECK_FALSE(copy_column("c", "int", "STORED GENERATED"));
  CHECK(copy_column("c", "int", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"));
  CHECK(copy_column("c", "int", "auto_increment"));
}

TEST_CASE("rows are gathered until a statement has its size") {
  const std::vector<CopyColumn> columns{*copy_column("id", "int", ""),
                                        *copy_column("o`dd", "text", ""),
                                        *copy_column("j", "json", "")};
  CHECK(select_rows("s", "t", columns) == "SELECT SQL_NO_CACHE `id`, `o``dd`, `j` FROM `s`.`t`");
  InsertBatch batch("s", "t", columns, 60);
  CHECK(batch.take().empty());
  batch.add({"1", std::string("a'\\\0b", 5), "{}"});
  CHECK(batch.full());
  batch.add({"2", std::nullopt, std::nullopt});
  CHECK(batch.take() ==
        "INSERT INTO `s`.`t` (`id`, `o``dd`, `j`) VALUES (1,'a\\'\\\\\\0b',_utf8mb4'{}'),"
        "(2,NULL,NULL)");
  CHECK(batch.empty());
  batch.add({"3", "", std::nullopt});
  CHECK(batch.take() == "INSERT INTO `s`.`t` (`id`, `o``dd`, `j`) VALUES (3,'',NULL)");
}

TEST_CASE("only the error value of an ENUM is no loss") {
  const std::vector<CopyColumn> columns{*copy_column("e", "enum", ""),
                                        *copy_column("v", "char", "")};
  CHECK(is_error_value(columns, 1265, "Data truncated for column 'e' at row 3"));
  CHECK_FALSE(is_error_value(columns, 1265, "Data truncated for column 'v' at row 3"));
  CHECK_FALSE(is_error_value(columns, 1366, "Incorrect string value for column 'e' at row 3"));
}

TEST_CASE("a definition does not change with the next automatic number") {
  CHECK(without_next_number("CREATE TABLE `t` (\n  `id` int COMMENT ' AUTO_INCREMENT=5'\n) "
                            "ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8") ==
        "CREATE TABLE `t` (\n  `id` int COMMENT ' AUTO_INCREMENT=5'\n) ENGINE=InnoDB DEFAULT "
        "CHARSET=utf8");
  CHECK(without_next_number("CREATE TABLE `t` (\n  `id` int\n) AUTO_INCREMENT=17") ==
        "CREATE TABLE `t` (\n  `id` int\n)");
  CHECK(without_next_number("CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB") ==
        "CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB");
  CHECK(without_next_number("") == "");
}

TEST_CASE("the accounts that every node has of its own are not copied") {
  const std::string others = rows_of_others(copied_system_tables().front());
  for (const char* ours : {"('root', 'localhost')", "('cdb_agent', 'localhost')",
                           "('cdb_replication', '%')", "('app', '%')"})
    CHECK(others.find(ours) != std::string::npos);
  CHECK(rows_of_others({"time_zone", "", ""}).empty());
}

TEST_CASE("copies are made within one series") {
  CHECK(copies_between({5, 6, 24}, {5, 6, 51}));
  CHECK_FALSE(copies_between({5, 6, 51}, {5, 7, 44}));
  CHECK_FALSE(copies_between({8, 0, 16}, {8, 4, 0}));
}

}  // namespace cdb::agent
