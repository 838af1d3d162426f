#include <doctest/doctest.h>

#include "cli/bytes.h"
#include "cli/exit_code.h"
#include "cli/kinds.h"
#include "cli/line_diff.h"
#include "cli/table.h"
#include "lib/base/duration.h"

namespace cdb::cli {

TEST_CASE("columns are aligned with spaces, empty cells are dashes, lines have no blank ends") {
  Table table({"NAME", "STATE", "MESSAGE"});
  table.add({"a", "ready", ""});
  table.add({"longer-name", "", "caf\xc3\xa9 au lait"});
  CHECK(table.text() ==
        "NAME          STATE   MESSAGE\n"
        "a             ready   -\n"
        "longer-name   -       caf\xc3\xa9 au lait\n");
}

TEST_CASE("a stream of rows has one header and keeps the widths it has seen") {
  Table table({"N", "S"});
  table.add({"aaaa", "x"});
  CHECK(table.take_new_rows() == "N      S\naaaa   x\n");
  table.add({"b", "y"});
  CHECK(table.take_new_rows() == "b      y\n");
  CHECK(table.take_new_rows().empty());
}

TEST_CASE("text from a server cannot play with the terminal") {
  CHECK(one_line("a\x1b[31mb\nc\td\x7f") == "a?[31mb c d?");
}

TEST_CASE("a clipped text never takes more columns than it may and cuts no letter in two") {
  CHECK(clipped("short", 5) == "short");
  CHECK(clipped("longer", 5) == "lo...");
  CHECK(clipped("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 5) == "\xc3\xa9\xc3\xa9...");
  CHECK(clipped("longer", 2) == "..");
}

TEST_CASE("every kind of error has its exit code") {
  CHECK(exit_for(Code::Invalid) == Exit::Error);
  CHECK(exit_for(Code::NotFound) == Exit::NotFound);
  CHECK(exit_for(Code::Conflict) == Exit::Refused);
  CHECK(exit_for(Code::Precondition) == Exit::Refused);
  CHECK(exit_for(Code::Denied) == Exit::NotAllowed);
  CHECK(exit_for(Code::Unavailable) == Exit::Unreachable);
  CHECK(exit_for(Code::Deadline) == Exit::Timeout);
  CHECK(exit_for(Code::OutcomeUnknown) == Exit::Error);
  CHECK(exit_for(Code::Cancelled) == Exit::Interrupted);
  CHECK(exit_for(Code::Internal) == Exit::Error);
  const std::vector<std::pair<Exit, int>> numbers{
      {Exit::Ok, 0},      {Exit::Error, 1},        {Exit::Differs, 2},    {Exit::NotFound, 3},
      {Exit::Refused, 4}, {Exit::Timeout, 5},      {Exit::NotAllowed, 6}, {Exit::Unreachable, 7},
      {Exit::Usage, 64},  {Exit::Interrupted, 130}};
  for (const auto& [exit, number] : numbers)
    CHECK(static_cast<int>(exit) == number);
}

TEST_CASE("a kind is known by any of its names in any case, and a slip gets the nearest") {
  for (const char* word : {"mysql", "MySQL", "MYSQLS", "my"}) {
    CAPTURE(word);
    CHECK(kind_from_word(word).value()->name == "MySQL");
  }
  CHECK(kind_from_word("orch").value()->name == "Orchestrator");
  CHECK(kind_from_word("mysqlconfg").error().hint == "did you mean mysqlconfig?");
  CHECK(kind_from_word("pods").error().hint ==
        "the kinds are MySQL, MysqlConfig, Orchestrator, Instance, Connector");
  CHECK(kinds_from_words("all").value().size() == all_kinds().size());
  const auto two = kinds_from_words("orchestrator,my,mysql").value();
  REQUIRE(two.size() == 2);
  CHECK(two[0]->name == "MySQL");
}

TEST_CASE("durations are read as people type them") {
  using namespace std::chrono;
  CHECK(parse_duration("90").value() == Duration(seconds(90)));
  CHECK(parse_duration("500ms").value() == Duration(milliseconds(500)));
  CHECK(parse_duration("1h30m").value() == Duration(minutes(90)));
  CHECK(parse_duration("2min").value() == Duration(minutes(2)));
  for (const char* bad :
       {"", "m", "-1s", "1x", "1.5h", "99999999999999999999s", "9999999999h", "1h "}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_duration(bad).ok());
    CHECK(parse_duration(bad).error().hint == "write a number and a unit: 30s, 10m, 1h30m");
  }
}

TEST_CASE("a difference shows what is gone, what is new and what stays") {
  CHECK(line_diff("a\nb\nc\n", "a\nB\nc\nd\n") == "  a\n- b\n+ B\n  c\n+ d\n");
  CHECK(line_diff("", "a\n") == "+ a\n");
  CHECK(line_diff("a\n", "") == "- a\n");
  CHECK(line_diff("a\n", "a\n").empty());
}

TEST_CASE("sizes are short") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(uint64_t{20} << 30) == "20 GiB");
  CHECK(bytes_text(uint64_t{1536} << 20) == "1.5 GiB");
}

}  // namespace cdb::cli
