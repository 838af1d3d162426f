#pragma once
// One run of one row of the fault table: a steady cluster, clients that write and read, a fault,
// and what must hold. A scenario sees this alone. One thread.

#include <functional>
#include <ios>
#include <string>
#include <vector>

#include "tests/chaos/load.h"
#include "tests/chaos/site.h"

namespace cdb::chaos {

class Trial {
 public:
  // run: from 0; scenarios with steps take another one in each.
  Trial(Site& trial_site, Load& trial_load, int run);

  Site& site;
  Load& load;
  [[nodiscard]] int run() const { return run_; }

  // As they were when the trial began.
  [[nodiscard]] Host& primary() { return site.machine(before_.primary); }
  [[nodiscard]] const std::string& primary_name() const { return before_.primary; }
  [[nodiscard]] Host& replica(size_t i = 0) { return site.machine(replicas_.at(i)); }
  [[nodiscard]] const std::vector<std::string>& replicas() const { return replicas_; }
  [[nodiscard]] const ClusterSeen& before() const { return before_; }

  // From now on the clients' gaps count.
  void fault_begins() { fault_at_ = BootTime::now(); }
  [[nodiscard]] Instant fault_at() const { return fault_at_; }

  // What does not hold is told at the end, and the trial goes on.
  void expect(bool holds, const std::string& sentence);
  // The same, waiting for it.
  void expect_soon(const std::function<bool(const ClusterSeen&)>& holds,
                   const std::string& sentence, Duration time = std::chrono::seconds(30));
  void expect_new_primary(Duration time = std::chrono::seconds(30));
  void expect_no_failover();
  void expect_writes(const std::string& when, Duration time = std::chrono::seconds(30));
  // These two are judged when the clients have stopped. A host that has lost its lease answers
  // nobody: for questions asked after `from` and answered before `until`.
  void expect_no_answers_from(const std::string& host, Instant from, Instant until);
  void expect_no_failed_writes();
  void judge_journals();

  // Waits for a line of the coordinator's log that was not there when the trial began and that
  // contains this; empty where none comes. Each line is found once.
  [[nodiscard]] std::string coordinator_says(const std::string& text, Duration time);
  // The time itself is what the scenario needs.
  static void pass(Duration time);

  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

 private:
  int run_;
  ClusterSeen before_;
  std::vector<std::string> replicas_{};
  struct Silence {
    std::string host{};
    Instant from{};
    Instant until{};
  };

  Instant fault_at_{BootTime::now()};
  std::vector<Silence> silences_{};
  bool no_failed_writes_{false};
  std::streamoff log_read_{0};
  std::vector<std::string> violations_{};
};

}  // namespace cdb::chaos
