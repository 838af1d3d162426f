#include "tests/sim/bugs.h"

#include <memory>
#include <utility>

#include "coordinator/core/election.h"

namespace cdb::sim {
namespace {

using coordinator::ClusterRecord;
using coordinator::ClusterView;
using coordinator::Decision;
using coordinator::MemberView;
using coordinator::Phase;
using model::GtidSet;
using model::NodeName;

using Mutation = Decision (*)(const ClusterView&, Decision);

// The real decision, and what is made of it.
Variant decided(Mutation mutation) {
  Variant variant;
  variant.decide = [mutation](const ClusterView& view) {
    return mutation(view, coordinator::decide(view));
  };
  return variant;
}

Variant lossless(Variant variant, int members = 3) {
  variant.lossless = true;
  variant.members = members;
  return variant;
}

Variant among(std::map<std::string, int> faults, Variant variant) {
  variant.faults = std::move(faults);
  return variant;
}

Variant asynchronous(Variant variant, int members = 3) {
  variant.lossless = false;
  variant.members = members;
  return variant;
}

Variant late(std::set<std::string> events) {
  Variant variant;
  variant.written_late = std::move(events);
  return variant;
}

// --- decisions ---

// The least of all that answered, whatever the others hold.
Decision elects_without_base(const ClusterView& view, Decision decision) {
  if (decision.rule != "elect" || !decision.record) return decision;
  ClusterRecord& record = *decision.record;
  for (const auto& [name, member] : view.members) {
    if (name == view.record.primary || !coordinator::unfit(view, name).empty() ||
        !coordinator::is_current(view, name)) {
      continue;
    }
    const GtidSet held = coordinator::holdings(*member.report);
    if (held.count() >= record.base.count()) continue;
    record.candidate = name;
    record.base = held;
    record.ackers = coordinator::first_ackers(view, name, held);
    record.acks_required = record.acks_wanted = record.ackers.empty() ? 0 : 1;
  }
  return decision;
}

Decision waits_for_no_lease(const ClusterView& real) {
  ClusterView view = real;
  for (auto& [name, member] : view.members) {
    member.lease_left = Duration::zero();
    member.promised_for = std::chrono::hours(1);
  }
  return coordinator::decide(view);
}

// The former primary is opened again, in the epoch in which it was closed.
Decision rolls_back_in_the_epoch(const ClusterView& view, Decision decision) {
  const auto old = view.members.find(view.record.primary);
  const bool alive = old != view.members.end() && old->second.connected && old->second.report &&
                     old->second.report->server;
  if (decision.rule != "candidate_lost" || !decision.record || !alive) return decision;
  ClusterRecord record = view.record;
  ++record.version.version;
  record.blocked.clear();
  record.phase = Phase::Publishing;
  record.candidate = NodeName{};
  record.unfenced.clear();
  record.opened = true;
  record.open_boot = old->second.report->mysqld_boot;
  return {decision.rule, decision.why, record};
}

// Whatever is in its binary log.
Decision reopens_at_once(const ClusterView& view, Decision decision) {
  // Weakened it would be safe: with k = 0 nobody else is elected.
  if (decision.rule == "weaken") return {decision.rule, decision.why, std::nullopt};
  if (decision.rule != "reopen") return decision;
  ClusterRecord record = decision.record.value_or(view.record);
  record.version = {view.record.version.epoch, view.record.version.version + 1};
  record.blocked.clear();
  record.open_boot = view.members.at(record.primary).report->mysqld_boot;
  return {decision.rule, decision.why, record};
}

// A hold that is not reported is taken for none: nobody waits until it has lapsed.
Decision believes_reports_of_holds(const ClusterView& real) {
  ClusterView view = real;
  for (auto& [name, member] : view.members) {
    if (member.report && member.report->holding_epoch == 0)
      member.promised_for = std::chrono::hours(1);
  }
  return coordinator::decide(view);
}

Decision raises_without_proof(const ClusterView&, Decision decision) {
  if (decision.rule == "raise_begin" && decision.record)
    decision.record->acks_required = decision.record->acks_wanted;
  return decision;
}

// Enough that one less than r of them answered.
Decision one_revocation_less(const ClusterView& view) {
  if (view.record.acks_required == 0 || view.record.phase == Phase::Promoting)
    return coordinator::decide(view);
  ClusterView lenient = view;
  ++lenient.record.acks_required;
  Decision decision = coordinator::decide(lenient);
  if (decision.record && decision.rule != "elect") --decision.record->acks_required;
  return decision;
}

// --- agents ---

class NeverRevokes final : public ServerPort {
 public:
  using ServerPort::ServerPort;
  // Off for receivers that start later; the connected one goes on acknowledging.
  Status stop_receiver(Deadline) override {
    CDB_TRY(statement());
    m_.set_replica_semisync(false);
    said_ = true;
    return {};
  }
  Status replicate_from(const agent::ReplicationSource& source, Deadline deadline) override {
    said_ = false;
    return ServerPort::replicate_from(source, deadline);
  }
  Result<model::ServerStatus> status(Deadline deadline) override {
    auto seen = ServerPort::status(deadline);
    if (seen && said_) seen->replication.receiver = model::ThreadState::Off;
    return seen;
  }

 private:
  bool said_{false};
};

class DiscardsBacklog final : public ServerPort {
 public:
  using ServerPort::ServerPort;
  Status replicate_from(const agent::ReplicationSource& source, Deadline deadline) override {
    m_.stop_receiver();
    m_.stop_applier();
    m_.change_source(source.endpoint);
    return ServerPort::replicate_from(source, deadline);
  }
};

class ForgetfulMemory final : public MemoryPort {
 public:
  using MemoryPort::MemoryPort;
  Status save(const agent::NodeMemory& memory) override {
    // Each third one only says that it is on disk.
    return ++saves_ % 3 == 0 ? Status{} : MemoryPort::save(memory);
  }

 private:
  int saves_{0};
};

// Asks mysqld to end, and it says OK to everyone who waits.
class AskingProcess final : public ProcessPort {
 public:
  AskingProcess(Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
                model::MysqlVersion version)
      : ProcessPort(stage, waiter, mysqld, oracle, version), waiter_(waiter), m_(mysqld) {}
  Status kill(Deadline deadline) override {
    m_.set_source_semisync(0);
    waiter_.sleep(std::chrono::milliseconds(150));
    return ProcessPort::kill(deadline);
  }

 private:
  Waiter& waiter_;
  Mysqld& m_;
};

class OpenToAllMembers final : public GatePort {
 public:
  using GatePort::GatePort;
  Status admit(const agent::Admission&) override { return {}; }
};

// Old answers get out once it opens.
class KeepsOldSockets final : public GatePort {
 public:
  using GatePort::GatePort;
  Status open_until(Instant until) override {
    const bool was_open = gate_.open();
    gate_.set_until(until);
    if (!was_open) gate_.wake_clients();
    return {};
  }
  Status shut() override {
    gate_.shut();
    return {};
  }
};

class NeverShuts final : public GatePort {
 public:
  using GatePort::GatePort;
  Status open_until(Instant until) override {
    return GatePort::open_until(until + std::chrono::hours(1));
  }
};

class Forwarding : public agent::LeaseKeeper {
 public:
  explicit Forwarding(agent::LeaseKeeper& real) : real_(real) {}
  void start_with(const model::RecordVersion& accepted, Duration ttl) override {
    real_.start_with(accepted, ttl);
  }
  void set_terms(const agent::LeaseTerms& terms) override { real_.set_terms(terms); }
  void promised(const model::RecordVersion& accepted) override { real_.promised(accepted); }
  void streams(Instant seen_at) override { real_.streams(seen_at); }
  Status admit(const agent::Admission& admission) override { return real_.admit(admission); }
  [[nodiscard]] bool gated() const override { return real_.gated(); }
  [[nodiscard]] Said said() const override { return real_.said(); }

 protected:
  agent::LeaseKeeper& real_;
};

class ForgetsHolds final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  void start_with(const model::RecordVersion& accepted, Duration) override {
    real_.start_with(accepted, Duration::zero());
  }
};

// Holds are given whatever was promised meanwhile.
class HoldsAfterPromise final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  void promised(const model::RecordVersion&) override {}
};

template <typename Port>
Variant with_server() {
  Variant variant;
  variant.agent.server = [](Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
                            std::vector<std::unique_ptr<Mysqld>>& all,
                            const std::function<uint64_t()>& epoch) {
    return std::make_unique<Port>(stage, waiter, mysqld, oracle, all, epoch);
  };
  return variant;
}

template <typename Port>
Variant with_gate() {
  Variant variant;
  variant.agent.gate = [](Gate& gate, std::function<void()> cut_barred) {
    return std::make_unique<Port>(gate, std::move(cut_barred));
  };
  return variant;
}

template <typename Port>
Variant with_lease() {
  Variant variant;
  variant.agent.lease = [](agent::LeaseKeeper& real) { return std::make_unique<Port>(real); };
  return variant;
}

// Two bugs that only do harm together: each makes up for the other.
Variant both(Variant a, const Variant& b) {
  a.agent.gate = b.agent.gate;
  return a;
}

Variant forgetful() {
  Variant variant;
  variant.agent.memory = [](Stage& stage, Waiter& waiter, AgentDisk& disk, Oracle& oracle,
                            std::string name) {
    return std::make_unique<ForgetfulMemory>(stage, waiter, disk, oracle, std::move(name));
  };
  return variant;
}

Variant asking() {
  Variant variant;
  variant.agent.process = [](Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
                             model::MysqlVersion version) {
    return std::make_unique<AskingProcess>(stage, waiter, mysqld, oracle, version);
  };
  return variant;
}

// A goal of an older version counts as one of the present.
Variant without_version_check() {
  Variant variant;
  variant.agent.goal = [](model::NodeGoal goal, const model::RecordVersion& accepted) {
    if (goal.record.epoch == accepted.epoch) goal.record = std::max(goal.record, accepted);
    return goal;
  };
  return variant;
}

Variant without_epoch_check() {
  Variant variant;
  variant.agent.goal = [](model::NodeGoal goal, const model::RecordVersion& accepted) {
    goal.record = std::max(goal.record, accepted);
    return goal;
  };
  return variant;
}

Variant counts_lost_relay_log() {
  Variant variant;
  variant.agent.machine_boot = [](const std::string&) { return "always the same"; };
  return variant;
}

Variant counts_from_receipt() {
  Variant variant;
  variant.agent.grants_count_from_receipt = true;
  return variant;
}

Variant recovers_relay_log() {
  Variant variant;
  variant.options.relay_log_recovery = true;
  return variant;
}

}  // namespace

Variant without_bug(const Variant& variant) {
  Variant well;
  well.members = variant.members;
  well.lossless = variant.lossless;
  well.faults = variant.faults;
  return well;
}

std::vector<Bug> bugs() {
  Variant lenient;
  lenient.decide = one_revocation_less;
  Variant impatient;
  impatient.decide = waits_for_no_lease;
  Variant forgets_holds = with_lease<ForgetsHolds>();
  forgets_holds.decide = believes_reports_of_holds;
  const std::map<std::string, int> commits{{"fail_commit", 10}, {"kill_coordinator", 6},
                                           {"kill_mysqld", 5},  {"power_off", 4},
                                           {"isolate", 5},      {"kill_several", 2}};
  const std::map<std::string, int> uneven{{"slow_pair", 12},  {"cut_pair", 10},
                                          {"power_off", 5},   {"isolate", 6},
                                          {"kill_mysqld", 6}, {"kill_several", 3}};
  const std::map<std::string, int> backlogs{{"slow_applier", 10},
                                            {"kill_mysqld", 6},
                                            {"kill_several", 8},
                                            {"power_off", 4},
                                            {"power_off_several", 8}};
  const std::map<std::string, int> switching{{"ask", 12},       {"kill_agent", 4},
                                             {"stop_agent", 6}, {"kill_mysqld", 4},
                                             {"isolate", 4},    {"cut_pair", 4}};
  const std::map<std::string, int> restarts{
      {"kill_again", 14}, {"kill_mysqld", 6}, {"isolate", 14}};
  const std::map<std::string, int> holds{{"isolate", 10}, {"kill_agent", 12}};
  const std::map<std::string, int> deposed{
      {"isolate", 10}, {"cut_pair", 8}, {"cut_one_way", 8}, {"stop_agent", 6}, {"slow_pair", 4}};
  const std::map<std::string, int> leases{
      {"isolate", 8},      {"cut_one_way", 8},      {"cut_pair", 6},
      {"slow_network", 4}, {"kill_coordinator", 6}, {"stop_coordinator", 4},
      {"kill_agent", 6},   {"stop_agent", 4},       {"pause_machine", 4}};
  return {
      {"an acker acknowledges before the record names it",
       lossless(among(commits, late({"acker.added"})))},
      {"a failover begins with one revocation too few", lossless(among(uneven, lenient), 4)},
      {"an agent takes a goal of an older version", lossless(without_version_check())},
      {"an agent takes a goal of an older epoch", lossless(without_epoch_check())},
      {"a promotion leaves everyone's receivers connected",
       lossless(among(switching, with_gate<OpenToAllMembers>()), 4)},
      {"a node is elected without the base", lossless(decided(elects_without_base), 4)},
      {"the record says opened after the node was told to open",
       lossless(among(commits, late({"election.opened"})))},
      {"nobody waits for a lease to lapse", asynchronous(among(leases, impatient))},
      {"an acker that lost relay log still counts",
       lossless(among(backlogs, counts_lost_relay_log()), 2)},
      {"a switchover is undone within its epoch",
       lossless(among(switching, decided(rolls_back_in_the_epoch)))},
      {"a restarted primary is reopened whatever its ackers hold",
       lossless(among(restarts, decided(reopens_at_once)), 2)},
      {"k is raised before enough ackers hold everything",
       lossless(among(backlogs, decided(raises_without_proof)), 2)},
      {"k is lowered by act before record", lossless(among(commits, late({"protection.lost"})), 2)},
      {"a restarted agent forgets the hold that it gave",
       asynchronous(among(holds, forgets_holds), 2)},
      {"a hold is given after a promise to another",
       asynchronous(among(leases, with_lease<HoldsAfterPromise>()))},
      {"a lease counts from its receipt", asynchronous(among(leases, counts_from_receipt()), 2)},
      {"the gate does not shut by itself", asynchronous(among(leases, with_gate<NeverShuts>()))},
      {"a deposed primary is asked to end, and its sockets stay",
       lossless(
           among({{"isolate", 10}, {"cut_pair", 4}}, both(asking(), with_gate<KeepsOldSockets>())),
           4)},
      {"a receiver goes on acknowledging after its promise, and the old gate stays open",
       lossless(among(deposed, both(with_server<NeverRevokes>(), with_gate<NeverShuts>())))},
      {"the source changes with both threads stopped",
       lossless(among(backlogs, with_server<DiscardsBacklog>()), 2)},
      {"a promise is not on disk when it is told", lossless(forgetful())},
      {"a restarted server drops the relay log that it acknowledged",
       lossless(among(backlogs, recovers_relay_log()), 2)},
  };
}

}  // namespace cdb::sim
