// Processes and machines that die, stop or come back.

#include <csignal>
#include <fstream>

#include "tests/chaos/rows.h"

namespace cdb::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void mysqld_killed(Trial& t) {
  t.fault_begins();
  t.primary().kill("mysqld");
  t.expect_new_primary();
  t.expect_writes("after the failover");
}

void mysqld_stopped(Trial& t) {
  t.fault_begins();
  t.primary().send("mysqld", SIGSTOP);
  t.expect_new_primary();
  t.expect_writes("after the failover");
  t.primary().send("mysqld", SIGCONT);
}

void agent_killed(Trial& t) {
  t.fault_begins();
  t.primary().kill("mysqllet");
  t.expect_writes("while the agent comes back");
  Trial::pass(seconds(3));
  t.expect_no_failover();
}

void agent_stopped(Trial& t) {
  t.fault_begins();
  t.primary().send("mysqllet", SIGSTOP);
  t.expect_new_primary();
  t.expect_writes("after the failover");
  t.primary().send("mysqllet", SIGCONT);
}

void agent_stopped_briefly(Trial& t) {
  t.fault_begins();
  t.primary().send("mysqllet", SIGSTOP);
  Trial::pass(milliseconds(700));
  t.primary().send("mysqllet", SIGCONT);
  Trial::pass(seconds(3));
  t.expect_no_failover();
  t.expect_writes("with the agent back");
}

void machine_gone(Trial& t) {
  t.fault_begins();
  t.primary().power_off();
  t.expect_new_primary();
  t.expect_writes("after the failover");
}

}  // namespace

std::vector<Row> crash_rows() {
  return {
      {1, "", "SIGKILL mysqld on the primary", Fixture::Trio, 1.0, mysqld_killed, {}},
      {1, "old", "SIGKILL mysqld on the primary, 5.6", Fixture::OldTrio, {}, mysqld_killed, {}},
      {2, "", "SIGSTOP mysqld on the primary, later CONT", Fixture::Trio, 4.0, mysqld_stopped, {}},
      {2,
       "old",
       "SIGSTOP mysqld on the primary, later CONT, 5.6",
       Fixture::OldTrio,
       4.0,
       mysqld_stopped,
       {}},
      {3, "killed", "SIGKILL the primary's agent", Fixture::Trio, {}, agent_killed, {}},
      {3,
       "paused",
       "SIGSTOP the primary's agent for less than ttl",
       Fixture::Trio,
       {},
       agent_stopped_briefly,
       {}},
      {3,
       "stopped",
       "SIGSTOP the primary's agent for good",
       Fixture::Trio,
       10.0,
       agent_stopped,
       {}},
      {4, "", "the primary's machine is gone", Fixture::Trio, 5.0, machine_gone, {}},
  };
}

}  // namespace cdb::chaos
