#include "agent/adapters/server_log.h"

#include <doctest/doctest.h>

namespace cdb::agent {

TEST_CASE("the message of a log line is found in every format") {
  struct Case {
    const char* line;
    const char* message;
  };
  for (const auto& [line, message] :
       {Case{"2026-11-22T11:30:36.430433Z 0 [ERROR] [MY-000067] [Server] unknown variable 'x=1'.",
             "unknown variable 'x=1'"},
        Case{"2026-11-22 11:30:36 21546 [ERROR] /opt/server/mysqld: unknown option '--just words'",
             "unknown option '--just words'"},
        Case{"2026-11-22 11:30:37 21597 [Warning] Buffered warning: option 'port': adjusted to 1",
             "option 'port': adjusted to 1"},
        Case{"mysqld: Can't get stat of '/nonexistent' (OS errno 2 - No such file or directory)",
             "Can't get stat of '/nonexistent' (OS errno 2 - No such file or directory)"},
        Case{"2026-01-01T00:00:00Z 5 [Note] [MY-010454] [Server] A temporary password is generated "
             "for root@localhost: a;Bc!d",
             "A temporary password is generated for ***"},
        Case{"[Note] CREATE USER x IDENTIFIED BY 'secret'", "CREATE USER x IDENTIFIED BY ***"},
        Case{"", ""}}) {
    CHECK(readable_line(line) == message);
  }
}

TEST_CASE("errors are kept before anything else, in their order and without repetition") {
  const std::string log =
      "t0 [Note] one\n"
      "2026-01-01 00:00:01 7 [ERROR] first\n"
      "t1 [Note] two\n"
      "\n"
      "2026-01-01 00:00:02 7 [ERROR] again\n"
      "2026-01-01 00:00:03 7 [ERROR] again\n"
      "t2 [Note] three\n"
      "t3 [Note] four\n";
  CHECK(telling_lines(log, 2) ==
        "2026-01-01 00:00:01 7 [ERROR] first\n2026-01-01 00:00:03 7 [ERROR] again\n");
  CHECK(
      telling_lines(log, 3) ==
      "2026-01-01 00:00:01 7 [ERROR] first\n2026-01-01 00:00:03 7 [ERROR] again\nt3 [Note] four\n");
  CHECK(telling_lines(log, 0).empty());
  CHECK(telling_lines("", 5).empty());
  CHECK(telling_lines("x PASSWORD='secret'", 1) == "x PASSWORD= ***\n");
}

TEST_CASE("the last recovery says how many transactions were rolled back, or nothing") {
  const std::string finished =
      "2026-11-29T22:05:53Z 0 [Note] [MY-013911] [Server] Crash recovery finished in ";
  const std::string none =
      finished + "binlog engine. No attempts to commit, rollback or prepare any transactions.\n" +
      finished + "InnoDB engine. No attempts to commit, rollback or prepare any transactions.\n";
  const std::string ten =
      finished + "InnoDB engine. Successfully rolled back 10 internal transaction(s). \n";
  const std::string both = finished +
                           "InnoDB engine. Successfully committed 2 internal transaction(s). "
                           "Successfully rolled back 3 internal transaction(s).\nanother line\n";
  CHECK(rolled_back_transactions(none) == 0);
  CHECK(rolled_back_transactions(none + ten) == 10);
  CHECK(rolled_back_transactions(ten + both) == 3);
  CHECK_FALSE(rolled_back_transactions("[System] [MY-010232] XA crash recovery finished."));
  CHECK_FALSE(rolled_back_transactions(finished + "InnoDB engine. Successfully rolled back "));
}

}  // namespace cdb::agent
