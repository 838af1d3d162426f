// Faults of what controls: the coordinator, its state, elections that are disturbed.

#include <csignal>
#include <filesystem>

#include "agent/adapters/mysql_connection.h"
#include "tests/chaos/rows.h"
#include "tests/support/eventually.h"

namespace cdb::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr const char* kCommit = " cluster=default/c epoch ";  // in each line that tells of a commit

void coordinator_killed_at_each_step(Trial& t) {
  t.fault_begins();
  t.primary().kill("mysqld");
  // Each life ends with the first thing that it commits, until there is nothing left to commit.
  constexpr int kMostLives = 12;
  for (int life = 0; life < kMostLives; ++life) {
    if (t.coordinator_says(kCommit, seconds(5)).empty()) break;
    t.site.coordinator().send("cdb-coordinator", SIGKILL);
  }
  // Another node, or the old one in place: while nobody decides, its agent starts it again.
  t.expect_writes("after the failover");
}

void coordinator_away(Trial& t, Duration time) {
  t.site.coordinator_off();
  t.fault_begins();
  Trial::pass(time);
  t.expect_writes("without a coordinator");
  t.site.coordinator_on();
  t.expect_soon(testing::is_steady, "not steady once the coordinator is back");
  t.expect_no_failover();
  t.expect_no_failed_writes();
}

void coordinator_away_a_while(Trial& t) {
  coordinator_away(t, seconds(8));
}

void coordinator_away_ten_minutes(Trial& t) {
  coordinator_away(t, std::chrono::minutes(10));
}

void coordinator_and_replica_away(Trial& t) {
  t.site.coordinator_off();
  t.fault_begins();
  t.replica().kill("mysqld");
  Trial::pass(seconds(5));
  t.expect_writes("without a coordinator and with one replica restarted");
  t.site.coordinator_on();
  t.expect_soon(testing::is_steady, "not steady once the coordinator is back");
  t.expect_no_failover();
  t.expect_no_failed_writes();
}

void coordinator_and_primary_away(Trial& t) {
  t.site.coordinator_off();
  t.fault_begins();
  t.primary().kill("mysqld");
  Trial::pass(seconds(5));
  t.site.coordinator_on();
  t.expect_writes("once the coordinator is back");
}

// All of a directory; the coordinator is down.
void copy_of(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

void old_store_restored(Trial& t) {
  const fs::path state = t.site.coordinator().disk();
  const fs::path old = t.site.coordinator().directory() / "old-state";
  const fs::path present = t.site.coordinator().directory() / "present-state";
  const auto put = [&](const fs::path& which) {
    t.site.coordinator_off();
    for (const auto& entry : fs::directory_iterator(state))
      fs::remove_all(entry.path());
    fs::copy(which, state, fs::copy_options::recursive);
    t.site.coordinator_on();
  };
  t.site.coordinator_off();
  copy_of(state, old);
  t.site.coordinator_on();
  t.expect_soon(testing::is_steady, "not steady before the change of primary");
  const auto said = t.site.cdb({"switchover", "c"});
  t.expect(said.exit_code == 0, "the switchover failed: " + said.err);
  t.site.coordinator_off();
  copy_of(state, present);
  t.site.coordinator_on();
  const ClusterSeen newest = t.site.look();
  t.fault_begins();
  put(old);
  // Either it says that it knows less than the nodes, or it starts over above all that they know.
  t.expect_soon(
      [&](const ClusterSeen& seen) {
        return seen.blocked.find("old copy") != std::string::npos ||
               (testing::is_steady(seen) && seen.epoch > newest.epoch);
      },
      "the old store is not noticed");
  t.expect_writes("with an old store");
  if (!testing::is_steady(t.site.look())) put(present);
}

// The applier of a replica waits behind a lock, while its receiver acknowledges.
void acker_with_backlog_restarted(Trial& t) {
  auto lock = t.site.connect(t.replicas().front());
  for (const char* statement :
       {"START TRANSACTION", "SELECT COUNT(*) FROM chaos.numbered LOCK IN SHARE MODE"}) {
    const auto answer = lock->run(statement);
    if (!answer.ok()) give_up(answer.error->text);
  }
  t.expect_writes("with the acker's applier waiting");
  t.expect(t.load.goes_on(200), "no backlog came to be");
  t.fault_begins();
  t.replica().kill("mysqld");
  t.primary().kill("mysqld");
  t.expect_writes("after both were restarted", seconds(60));
}

void hold_down(Host& machine) {
  machine.space().service_off();
  machine.send("mysqllet", SIGKILL);
  machine.kill("mysqld");
}

void primary_and_acker_dead(Trial& t, Host& first_back) {
  t.fault_begins();
  hold_down(t.replica());
  hold_down(t.primary());
  t.expect_soon([](const ClusterSeen& seen) { return !seen.blocked.empty(); },
                "it does not say that it is blocked");
  first_back.space().service_on();
  t.expect_writes("after " + first_back.name() + " returned");
}

void acker_returns(Trial& t) {
  primary_and_acker_dead(t, t.replica());
}

void primary_returns(Trial& t) {
  primary_and_acker_dead(t, t.primary());
}

// "... epoch 2 version 2: c-1 contains every acknowledged write [elect]" names c-1.
std::string named_in(const std::string& line) {
  const size_t colon = line.find(": ");
  if (colon == std::string::npos) give_up("no node is named: " + line);
  const size_t start = colon + 2;
  return line.substr(start, line.find(' ', start) - start);
}

void candidate_killed_when(Trial& t, const std::string& event) {
  t.fault_begins();
  t.primary().kill("mysqld");
  const std::string line = t.coordinator_says(event, seconds(20));
  t.expect(!line.empty(), "the coordinator never said " + event);
  if (line.empty()) return;
  t.site.machine(named_in(line)).send("mysqld", SIGKILL);
  t.expect_writes("after the candidate was killed too", seconds(60));
}

void candidate_killed_when_chosen(Trial& t) {
  candidate_killed_when(t, "election.candidate");
}

void candidate_killed_when_opened(Trial& t) {
  candidate_killed_when(t, "election.opened");
}

void candidate_machine_gone(Trial& t) {
  t.fault_begins();
  t.primary().kill("mysqld");
  const std::string line = t.coordinator_says("election.candidate", seconds(20));
  t.expect(!line.empty(), "nobody was elected");
  if (line.empty()) return;
  t.site.machine(named_in(line)).power_off();
  t.expect_writes("after the candidate's machine was gone too", seconds(60));
}

void switchover_under_load(Trial& t) {
  auto transaction = t.site.connect(t.primary_name());
  static_cast<void>(transaction->run("START TRANSACTION"));
  static_cast<void>(transaction->run("INSERT INTO chaos.numbered VALUES (99, " +
                                     std::to_string(t.site.next_row()) + ", 'nobody')"));
  t.fault_begins();
  const auto said = t.site.cdb({"switchover", "c"});
  t.expect(said.exit_code == 0, "the switchover failed: " + said.err);
  t.expect_new_primary();
  t.expect_writes("after the switchover");
}

}  // namespace

std::vector<Row> control_rows() {
  constexpr auto kTrio = Fixture::Trio;
  constexpr auto kPair = Fixture::Pair;
  return {
      {9,
       "",
       "the coordinator is killed at each step of a failover",
       kTrio,
       {},
       coordinator_killed_at_each_step,
       {}},
      {10, "", "the coordinator is away for a while", kTrio, 0.5, coordinator_away_a_while, {}},
      {10,
       "old",
       "the coordinator is away for a while, 5.6",
       Fixture::OldTrio,
       0.5,
       coordinator_away_a_while,
       {}},
      {10,
       "long",
       "the coordinator is away for ten minutes",
       kTrio,
       0.5,
       coordinator_away_ten_minutes,
       {},
       true},
      {10,
       "replica",
       "the coordinator is away and a replica restarts",
       kTrio,
       1.0,
       coordinator_and_replica_away,
       {}},
      {10,
       "primary",
       "the coordinator and the primary's mysqld are away",
       kTrio,
       {},
       coordinator_and_primary_away,
       {}},
      {12, "", "an old store is restored", kTrio, {}, old_store_restored, {}},
      {13,
       "",
       "the sole acker restarts with a backlog, and the primary",
       kPair,
       {},
       acker_with_backlog_restarted,
       {}},
      {14, "acker", "primary and sole acker dead, the acker returns", kPair, {}, acker_returns, {}},
      {14,
       "primary",
       "primary and sole acker dead, the primary returns",
       kPair,
       {},
       primary_returns,
       {}},
      {15,
       "chosen",
       "the candidate is killed when it was chosen",
       kTrio,
       {},
       candidate_killed_when_chosen,
       {}},
      {15,
       "opened",
       "the candidate is killed when it is to open",
       kTrio,
       {},
       candidate_killed_when_opened,
       {}},
      {15,
       "machine",
       "the candidate's machine is gone when it was chosen",
       kTrio,
       {},
       candidate_machine_gone,
       {}},
      {21,
       "",
       "planned switchover under load with an open transaction",
       kTrio,
       0.5,
       switchover_under_load,
       {}},
      {21,
       "old",
       "planned switchover under load, 5.6",
       Fixture::OldTrio,
       0.5,
       switchover_under_load,
       {}},
  };
}

}  // namespace cdb::chaos
