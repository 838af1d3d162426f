// What surrounds a database: disks, clocks, connections, names, and people.

#include <csignal>
#include <filesystem>
#include <fstream>

#include "agent/adapters/mysql_connection.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "tests/chaos/rows.h"

namespace cdb::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool has_problem(const ClusterSeen& seen, const std::string& node, const std::string& text) {
  return seen.node(node).problem.find(text) != std::string::npos ||
         seen.blocked.find(text) != std::string::npos;
}

void disk_full(Trial& t) {
  t.fault_begins();
  t.primary().fill_disk();
  t.expect_soon(
      [&](const ClusterSeen& seen) { return has_problem(seen, t.primary_name(), "disk"); },
      "the full disk is not named");
  t.expect_new_primary();
  t.expect_writes("with the old primary's disk full");
  t.primary().empty_disk();
}

void disk_stalled(Trial& t) {
  t.fault_begins();
  t.primary().freeze_disk();
  t.expect_new_primary();
  t.expect_writes("with the old primary's disk stalled");
  t.primary().thaw_disk();
}

void machine_paused(Trial& t) {
  t.fault_begins();
  t.primary().pause();
  t.expect_new_primary();
  t.expect_writes("after the failover");
  Trial::pass(seconds(3));
  t.primary().resume();
  Trial::pass(seconds(2));
}

void clocks_stepped(Trial& t) {
  t.fault_begins();
  for (const int hours : {1, -1}) {
    const std::chrono::seconds step = std::chrono::hours(hours);
    t.primary().step_clock(step);
    Trial::pass(seconds(3));
    t.replica().step_clock(-step);
    t.site.coordinator().step_clock(step);
    Trial::pass(seconds(3));
  }
  t.expect_writes("with clocks an hour apart");
  t.expect_no_failover();
  t.expect_no_failed_writes();
}

// The hour that a program's last line says that it is: "2026-11-29T23".
std::string hour_in(const fs::path& log) {
  constexpr size_t kHour = 13;
  const std::string tail = read_file_tail(log, 1000).value_or("");
  const auto lines = split(trim(tail), '\n');
  return lines.back().substr(0, kHour);
}

void failover_with_clocks_apart(Trial& t) {
  t.replica(0).step_clock(std::chrono::hours(1));
  t.replica(1).step_clock(std::chrono::hours(-1));
  Trial::pass(seconds(3));
  t.fault_begins();
  t.primary().kill("mysqld");
  t.expect_new_primary();
  t.expect_writes("after the failover");
  t.expect(hour_in(t.replica(0).directory() / "machine.log") !=
               hour_in(t.replica(1).directory() / "machine.log"),
           "the clocks were not stepped");
}

void failover_by_another_clock(Trial& t) {
  t.site.coordinator().step_clock(std::chrono::hours(1));
  Trial::pass(seconds(3));
  t.fault_begins();
  t.primary().kill("mysqld");
  t.expect_new_primary();
  t.expect_writes("after the failover");
}

void connections_exhausted(Trial& t) {
  std::vector<std::unique_ptr<agent::MysqlConnection>> held;
  t.fault_begins();
  constexpr size_t kMost = 5000;
  try {
    while (held.size() < kMost)
      held.push_back(t.site.connect(t.primary_name()));
    t.expect(false, "there is no end of connections");
  } catch (const std::exception&) {
    // Too many connections: what was wanted.
  }
  Trial::pass(seconds(8));
  t.expect_no_failover();
  t.expect_writes("through connections that are open");
}

// A person wrote to a replica, which has more than any other now.
void errant_transaction(Trial& t) {
  const std::string replica = t.replicas().front();
  t.site.as_root(replica,
                 "SET GLOBAL super_read_only = 0; CREATE DATABASE written_by_hand; "
                 "SET GLOBAL super_read_only = 1;");
  t.fault_begins();
  t.primary().kill("mysqld");
  t.expect_new_primary();
  t.expect(t.site.look().primary != replica, "the node with an errant transaction was promoted");
  t.expect_writes("after the failover");
}

void dns_down(Trial& t) {
  t.site.dns().stop();
  t.fault_begins();
  t.primary().kill("mysqld");
  t.expect(!t.coordinator_says("election.opened", seconds(20)).empty(), "nobody was elected");
  Trial::pass(seconds(3));
  t.site.dns().start();
  t.expect_new_primary();
  t.expect_writes("once the names are back");
}

void replicas_cut(Trial& t) {
  for (const std::string& replica : t.replicas())
    t.site.network().cut(t.primary().address(), t.site.machine(replica).address());
}

size_t archived(const Host& machine) {
  size_t count = 0;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(machine.disk() / "state/archive", none))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}

void old_primary_returns_with_tail(Trial& t) {
  const size_t before = archived(t.primary());
  t.fault_begins();
  replicas_cut(t);
  // Writes are in its binary log by now, and nobody has them.
  Trial::pass(milliseconds(500));
  t.primary().space().service_off();
  t.primary().send("mysqllet", SIGKILL);
  t.primary().kill("mysqld");
  t.expect_new_primary();
  t.expect_writes("after the failover");
  t.site.network().heal();
  t.primary().space().service_on();
  t.expect_soon(
      [&](const ClusterSeen& seen) {
        const std::string& state = seen.node(t.primary_name()).state;
        return testing::is_steady(seen) && (state == "acker" || state == "replica");
      },
      "the old primary is not back within 60 s", seconds(60));
  t.expect(archived(t.primary()) > before, "the tail was not archived");
}

void mysqld_asked_to_end(Trial& t) {
  t.fault_begins();
  t.primary().send("mysqld", SIGTERM);
  t.expect_writes("after mysqld was asked to end", seconds(60));
}

// Whole machine away, and the power switch says so: the proof that 5.6 needs.
void old_machine_off(Trial& t) {
  t.fault_begins();
  t.primary().power_off();
  std::ofstream(t.primary().directory() / "power") << "off\n";
  t.expect_new_primary(seconds(60));
  t.expect_writes("after the failover");
}

}  // namespace

std::vector<Row> surroundings_rows() {
  constexpr auto kTrio = Fixture::Trio;
  return {
      {17, "full", "the primary's disk is full", Fixture::Disks, 15.0, disk_full, {}},
      {17, "stalled", "the primary's disk is stalled", Fixture::Disks, 15.0, disk_stalled, {}},
      {18, "paused", "the primary's machine is paused", kTrio, {}, machine_paused, {}},
      {18, "clock", "wall clocks are stepped by an hour", Fixture::Clocks, 0.5, clocks_stepped, {}},
      {18,
       "apart",
       "SIGKILL mysqld on the primary, the others two hours apart",
       Fixture::Clocks,
       {},
       failover_with_clocks_apart,
       {}},
      {18,
       "coordinator",
       "SIGKILL mysqld on the primary, the coordinator an hour ahead",
       Fixture::Clocks,
       {},
       failover_by_another_clock,
       "the DNS server refuses what is signed an hour off, until the clock is right again"},
      {19, "", "the primary's connections are exhausted", kTrio, {}, connections_exhausted, {}},
      {20,
       "",
       "errant transaction on the most advanced replica",
       kTrio,
       {},
       errant_transaction,
       {}},
      {22, "", "the DNS server is down during a failover", kTrio, {}, dns_down, {}},
      {23,
       "tail",
       "the old primary returns with an unacknowledged tail",
       kTrio,
       {},
       old_primary_returns_with_tail,
       {}},
      {23,
       "old",
       "the old primary returns with a tail that nobody has, 5.6",
       Fixture::OldTrio,
       {},
       old_primary_returns_with_tail,
       {}},
      {23,
       "term",
       "SIGTERM of the primary's mysqld under load",
       kTrio,
       {},
       mysqld_asked_to_end,
       {}},
      {4,
       "old",
       "the primary's machine is off, and its power switch says so, 5.6",
       Fixture::OldTrio,
       {},
       old_machine_off,
       {}},
  };
}

}  // namespace cdb::chaos
