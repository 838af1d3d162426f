// Links that break, in one direction or both.

#include <random>

#include "tests/chaos/rows.h"

namespace cdb::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What the lease promises, with some room for a machine under load.
constexpr Duration kLeaseOver = milliseconds(2500);

void primary_isolated(Trial& t) {
  t.fault_begins();
  t.site.network().isolate(t.primary().address());
  t.expect_new_primary();
  t.expect_writes("after the failover");
}

// Its clients still reach it: what it answers them now nobody else knows of.
void primary_cut_from_its_kind(Trial& t) {
  t.fault_begins();
  t.site.network().cut(t.primary().address(), t.site.coordinator().address());
  for (const std::string& replica : t.replicas())
    t.site.network().cut(t.primary().address(), t.site.machine(replica).address());
  t.expect_new_primary();
  t.expect_writes("after the failover");
  Trial::pass(seconds(3));
  t.expect_no_answers_from(t.primary_name(), t.fault_at() + kLeaseOver, BootTime::now());
}

void primary_cut_from_replicas(Trial& t) {
  t.fault_begins();
  for (const std::string& replica : t.replicas())
    t.site.network().cut(t.primary().address(), t.site.machine(replica).address());
  t.expect_writes("with the primary cut from its replicas");
}

void coordinator_cut_from_primary(Trial& t) {
  t.fault_begins();
  t.site.network().cut(t.site.coordinator().address(), t.primary().address());
  Trial::pass(seconds(8));
  t.expect_no_failover();
  t.expect_no_failed_writes();
}

void dropped_to_replicas(Trial& t) {
  t.fault_begins();
  for (const std::string& replica : t.replicas())
    t.site.network().drop(t.primary().address(), t.site.machine(replica).address());
  t.expect_writes("with nothing from the primary reaching its replicas");
}

void dropped_from_replicas(Trial& t) {
  t.fault_begins();
  for (const std::string& replica : t.replicas())
    t.site.network().drop(t.site.machine(replica).address(), t.primary().address());
  t.expect_writes("with nothing from the replicas reaching the primary");
}

void dropped_to_coordinator(Trial& t) {
  t.fault_begins();
  t.site.network().drop(t.primary().address(), t.site.coordinator().address());
  Trial::pass(seconds(8));
  t.expect_writes("with nothing from the primary reaching the coordinator");
}

void dropped_from_coordinator(Trial& t) {
  t.fault_begins();
  t.site.network().drop(t.site.coordinator().address(), t.primary().address());
  Trial::pass(seconds(8));
  t.expect_writes("with nothing from the coordinator reaching the primary");
}

// It hears everybody and nobody but its clients hears it.
void primary_is_mute(Trial& t) {
  t.fault_begins();
  t.site.network().drop(t.primary().address(), t.site.coordinator().address());
  dropped_to_replicas(t);
}

void primary_is_deaf(Trial& t) {
  t.fault_begins();
  t.site.network().drop(t.site.coordinator().address(), t.primary().address());
  dropped_from_replicas(t);
}

void network_flaps(Trial& t) {
  std::mt19937 random(static_cast<unsigned>(t.run()) + 1);
  const auto nodes = t.site.nodes();
  const auto upto = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  t.fault_begins();
  for (const Deadline end = Deadline::after(seconds(15)); !end.passed();) {
    const auto& node = nodes.at(static_cast<size_t>(upto(static_cast<int>(nodes.size()) - 1)));
    t.site.network().isolate(t.site.machine(node).address());
    Trial::pass(milliseconds(200 + upto(1800)));
    t.site.network().heal();
    Trial::pass(milliseconds(200 + upto(1300)));
  }
  t.expect_writes("after the flapping ended");
  const auto epochs = t.site.look().epoch - t.before().epoch;
  t.expect(epochs <= 12, "there were " + std::to_string(epochs) + " elections in 15 s of flapping");
}

}  // namespace

std::vector<Row> network_rows() {
  constexpr auto kTrio = Fixture::Trio;
  return {
      {5, "", "the primary is isolated from all", kTrio, 5.0, primary_isolated, {}},
      {5,
       "served",
       "the primary is isolated from all but its clients",
       kTrio,
       5.0,
       primary_cut_from_its_kind,
       {}},
      {5,
       "old",
       "the primary is isolated from all, 5.6",
       Fixture::OldTrio,
       5.0,
       primary_isolated,
       {}},
      {6,
       "",
       "the primary is cut from its replicas only",
       kTrio,
       10.0,
       primary_cut_from_replicas,
       {}},
      {7,
       "",
       "the coordinator is cut from the primary only",
       kTrio,
       0.5,
       coordinator_cut_from_primary,
       {}},
      {7,
       "old",
       "the coordinator is cut from the primary only, 5.6",
       Fixture::OldTrio,
       0.5,
       coordinator_cut_from_primary,
       {}},
      {8,
       "to-replicas",
       "nothing from the primary reaches its replicas",
       kTrio,
       15.0,
       dropped_to_replicas,
       {}},
      {8,
       "from-replicas",
       "nothing from the replicas reaches the primary",
       kTrio,
       15.0,
       dropped_from_replicas,
       {}},
      {8,
       "to-coordinator",
       "nothing from the primary reaches the coordinator",
       kTrio,
       15.0,
       dropped_to_coordinator,
       {}},
      {8,
       "from-coordinator",
       "nothing from the coordinator reaches the primary",
       kTrio,
       15.0,
       dropped_from_coordinator,
       {}},
      {8, "mute", "only clients hear the primary", kTrio, 15.0, primary_is_mute, {}},
      {8, "deaf", "the primary hears only clients", kTrio, 15.0, primary_is_deaf, {}},
      {16, "", "the network flaps", kTrio, {}, network_flaps, {}},
  };
}

}  // namespace cdb::chaos
