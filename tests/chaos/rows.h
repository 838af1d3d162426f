#pragma once
// The fault table as data: each row, what has to hold, and the scenario that makes it happen.
// A row has variants where a fault comes in several forms.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/chaos/site.h"
#include "tests/chaos/trial.h"

namespace cdb::chaos {

// Clusters that rows share; each row begins with it steady and level.
enum class Fixture {
  Trio,     // a primary and two replicas, k = 1
  Pair,     // a primary and its only acker
  Disks,    // as Trio, with small disks that can be frozen
  Clocks,   // as Trio, with wall clocks that can be stepped
  OldTrio,  // 5.6, asynchronous
};
std::string_view to_string(Fixture fixture);
SitePlan plan_of(Fixture fixture);

struct Row {
  int number{0};               // of the fault table: tests/chaos/run --list
  std::string_view variant{};  // empty where there is one only
  std::string_view title{};
  Fixture fixture{Fixture::Trio};
  // What a client that resolves afresh may go without an acknowledgement; judged over many runs, by
  // tests/chaos/run, never in CI.
  std::optional<double> most_gap_s{};
  void (*scenario)(Trial&);
  // Why CI does not run it yet; empty: it does.
  std::string_view not_yet{};
  bool by_id_only{false};                // so long that its number alone does not mean it
  [[nodiscard]] std::string id() const;  // "3-agent-stopped"
};

const std::vector<Row>& rows();

// Each file of scenarios gives its rows.
std::vector<Row> crash_rows();
std::vector<Row> network_rows();
std::vector<Row> control_rows();
std::vector<Row> surroundings_rows();

}  // namespace cdb::chaos
