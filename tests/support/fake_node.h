#pragma once
// A node without MySQL: a server, a process, files and a memory that behave like the real ones as
// far as the node's worker can tell. One thread.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/ports/coordinator_client.h"
#include "agent/ports/peer_client.h"
#include "agent/tasks/lease_task.h"
#include "agent/tasks/node_actions.h"

namespace cdb::agent::test {

struct FakeMachine {
  bool initialised{false};
  bool running{false};
  uint64_t starts{0};
  bool start_fails{false};  // mysqld exits at once
  model::ServerStatus status{};
  std::vector<std::string> calls{};
  std::optional<NodeMemory> saved{};
  bool disk_full{false};
  bool suspended{false};  // by a signal: it answers nobody
  model::MysqlVersion version{9, 7, 4};
  model::GtidSet copied{};  // what a copy of the donor has
  bool copy_fails{false};
  bool archive_fills_disk{false};
  TailPlan tail{};                           // what a look at the binary log finds
  std::optional<uint64_t> rolled_back{};     // by the next start
  std::vector<std::string> start_options{};  // of the last start

  void boot();  // as every start: closed
  void write(const std::string& gtids);
};

class FakeServer final : public MysqlServer {
 public:
  explicit FakeServer(FakeMachine& machine) : m_(machine) {}
  Result<model::ServerStatus> status(Deadline) override;
  Status ensure_accounts(const model::Credentials&, Deadline) override;
  Status replicate_from(const ReplicationSource& source, Deadline) override;
  Status stop_receiver(Deadline) override;
  Status start_applier(Deadline) override;
  Status stop_applier(Deadline) override;
  Status wait_for_executed(const model::GtidSet& set, Deadline) override;
  Status reset_replication(Deadline) override;
  Status set_acks_required(int acks, Deadline) override;
  Status set_writable(Deadline) override;
  Status set_read_only(Deadline) override;
  Status kill_client_sessions(Deadline) override;
  Result<model::GtidSet> write_marker(model::RecordVersion, Deadline) override;
  Status set_variable(const std::string& name, const std::string& value, Deadline) override;
  Result<std::map<std::string, std::string>> variables(const std::vector<std::string>&,
                                                       Deadline) override;
  Status clone_from(const ReplicationSource&, Deadline) override;
  Status copy_from(const ReplicationSource&, const std::function<bool(const std::string&)>&,
                   Deadline) override;

 private:
  Status up(const char* call);
  FakeMachine& m_;
};

class FakeProcess final : public MysqlProcess {
 public:
  explicit FakeProcess(FakeMachine& machine) : m_(machine) {}
  Result<model::MysqlVersion> version() override { return m_.version; }
  bool initialised() override { return m_.initialised; }
  Status initialise(Deadline) override;
  Result<std::filesystem::path> archive_and_wipe(const std::string& label) override;
  Status check_config(const std::filesystem::path&, Deadline) override { return {}; }
  std::optional<process::Identity> running() override;
  Result<TailPlan> find_tail(const ClusterTransactions& cluster) override;
  Result<std::filesystem::path> keep_tail(const TailPlan& plan, const std::string& label) override;
  Status cut_tail(const TailPlan& plan) override;
  std::optional<uint64_t> rolled_back() override { return m_.rolled_back; }
  Result<process::Identity> start_with(const std::vector<std::string>& options) override;
  Status kill(Deadline) override;
  Status stop(Deadline) override;
  void on_exit(std::function<void()>) override {}
  bool suspended() override { return m_.suspended; }
  std::string last_log_lines(size_t) override { return "[ERROR] no such option"; }

 private:
  FakeMachine& m_;
};

class FakeConfig final : public ConfigFiles {
 public:
  std::vector<ConfigChange> changes{};
  std::optional<Error> refusal{};
  Result<std::vector<ConfigChange>> ensure(const model::NodeGoal&, Deadline) override {
    if (refusal) return *refusal;
    return changes;
  }
  Status starting() override { return {}; }
  Status write_client_files(const model::Credentials&) override { return {}; }
};

class FakeMemory final : public MemoryStore {
 public:
  explicit FakeMemory(FakeMachine& machine) : m_(machine) {}
  Result<NodeMemory> load() override { return m_.saved.value_or(NodeMemory{}); }
  Status save(const NodeMemory& memory) override;

 private:
  FakeMachine& m_;
};

class FakeClient final : public CoordinatorClient {
 public:
  std::vector<model::NodeReport> reports{};
  std::vector<model::LeaseStatus> heartbeats{};
  uint64_t holding_epoch{0};
  void report(const model::NodeReport& report) override { reports.push_back(report); }
  void heartbeat(const model::LeaseStatus& lease, uint64_t holding) override {
    heartbeats.push_back(lease);
    holding_epoch = holding;
  }
};

// A gate that keeps what it was told.
class FakeFence final : public Fence {
 public:
  std::optional<Instant> until{};
  Admission admission{};
  int shuts{0};
  bool broken{false};
  [[nodiscard]] std::string_view kind() const override { return "kernel"; }
  Status install() override { return answer(); }
  Status admit(const Admission& wanted) override {
    if (!broken) admission = wanted;
    return answer();
  }
  Status open_until(Instant when) override {
    if (!broken) until = when;
    return answer();
  }
  Status shut() override {
    if (!broken) until.reset();
    ++shuts;
    return answer();
  }
  Result<std::optional<Instant>> open_now() override { return until; }
  Status remove() override { return answer(); }

 private:
  [[nodiscard]] Status answer() const {
    return broken ? Status{internal("the gate does not move")} : Status{};
  }
};

// Peers whose agents answer at once, or not at all.
class FakePeers final : public PeerClient {
 public:
  std::map<std::string, model::HoldAnswer> answers{};  // by address; none: it cannot be reached
  std::vector<std::pair<std::string, model::HoldRequest>> asked{};
  void ask_hold(const std::string& address, const model::HoldRequest& request, Deadline,
                std::function<void(const Result<model::HoldAnswer>&)> answered) override {
    asked.emplace_back(address, request);
    const auto found = answers.find(address);
    if (found == answers.end()) return answered(unavailable("no route"));
    answered(found->second);
  }
};

class FakeClock final : public Clock {
 public:
  Instant at{Instant{} + std::chrono::hours(1)};
  [[nodiscard]] Instant now() const override { return at; }
  [[nodiscard]] WallTime wall() const override { return WallTime{} + std::chrono::hours(1); }
};

}  // namespace cdb::agent::test
