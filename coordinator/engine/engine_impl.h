#pragma once
// The inside of Engine, shared by its source files: engine.cc (life, ticks, commits), inputs.cc
// (agents and workers), requests.cc and node_requests.cc (people), hooks.cc (around a change of the
// primary), queries.cc (views), readings.cc (for itself), face.cc
// (the public class). See engine.h for the rules.

#include <map>
#include <string>
#include <vector>

#include "coordinator/core/cluster_view.h"
#include "coordinator/core/decide.h"
#include "coordinator/core/goals.h"
#include "coordinator/core/operation_progress.h"
#include "coordinator/engine/engine.h"
#include "coordinator/engine/runtime.h"

namespace cdb::coordinator {

class Engine::Impl {
 public:
  Impl(EngineConfig config, StateStore& store, Effects& effects);

  Status load(Now now);
  Instant tick(Now now);

  Result<uint64_t> agent_connected(const model::NodeId& node, const AgentHello& hello,
                                   std::shared_ptr<AgentSink> sink, Now now);
  void agent_reported(const model::NodeId& node, uint64_t session, uint64_t sequence,
                      const model::NodeReport& report, Now now);
  void agent_disconnected(const model::NodeId& node, uint64_t session, Now now);
  void machine_ensured(const model::NodeId& node, const Result<Machine>& result, Now now);
  void machine_removed(const model::NodeId& node, const Result<MachineState>& result, Now now);
  void dns_published(const DnsRecords& records, const Status& result, Now now);
  void dns_removed(const model::ClusterId& cluster, const Status& result, Now now);
  void hooks_finished(const HookJob& job, const std::vector<HookResult>& results, Now now);

  Result<std::vector<ApplyItem>> apply(const std::vector<Resource>& wanted, bool dry_run, Now now);
  Result<std::optional<Operation>> remove(const ResourceKey& key, Now now);
  Result<Operation> elect(const model::ClusterId& cluster, OperationKind kind,
                          const FailoverAsk& ask, Now now);
  Result<Operation> ask_of_node(const model::ClusterId& cluster, OperationKind kind,
                                const NodeAsk& ask, Now now);

  [[nodiscard]] Result<ResourceView> resource(const ResourceKey& key) const;
  [[nodiscard]] std::vector<ResourceView> resources(std::optional<Kind> kind,
                                                    const std::string& name_space) const;
  [[nodiscard]] Result<TopologyView> topology(const model::ClusterId& id) const;
  [[nodiscard]] Result<ConnectionView> connection(const model::ClusterId& id) const;

  uint64_t revision{1};
  EngineConfig config;
  StateStore& store;
  Effects& effects;
  Snapshot state{};
  std::vector<model::MysqlVersion> versions{};

 private:
  // --- engine.cc ---
  // Writes, then changes the memory; events get logged. On failure nothing has changed in memory.
  Status commit(const Changes& changes);
  static Event event(const model::ClusterId& cluster, Now now, std::string type, Severity severity,
                     std::string message, std::string node = {});
  // Whether this very event is among the cluster's last ones; false where that cannot be read.
  [[nodiscard]] bool is_told(const model::NodeId& node, const std::string& type,
                             const std::string& message) const;
  // One cluster, until nothing changes any more.
  void drive(const model::ClusterId& id, Now now);
  bool decide_once(const model::ClusterId& id, Now now);
  void drive_operations(const model::ClusterId& id, Now now);
  void drive_machines(const model::ClusterId& id, Now now);
  void drive_names(const model::ClusterId& id, Now now);
  void drive_deletion(const model::ClusterId& id, Now now);
  void send_goals(const model::ClusterId& id, Now now);
  bool quiet(const model::ClusterId& id, Now now) const;
  [[nodiscard]] Instant next_overdue(Now now) const;
  void awake(Now now);

  // --- inputs.cc ---
  Status keep_lease_facts(const model::NodeId& node, const model::NodeReport& report, Now now);
  std::optional<model::LeaseGrant> grant(const model::NodeId& node, const model::NodeReport& report,
                                         Now now);

  // --- hooks.cc ---
  void run_hooks(const ClusterRow& row, HookMoment moment, const std::string& kind,
                 const std::string& token);
  // A switchover waits for its programs, up to their deadline.
  void begin_hooks_of_request(const model::ClusterId& id, Now now);
  [[nodiscard]] bool waits_for_hooks(const Operation& operation, Now now) const;
  void note_election(ClusterRow& row, const ClusterRecord& before, std::string_view rule, Now now);
  void note_writable(const model::ClusterId& id, Now now);
  [[nodiscard]] int recent_failovers(const ClusterRow& row, Now now) const;

  // --- requests.cc ---
  Status supersede(const model::ClusterId& id, bool allow_loss, Changes& changes, Now now) const;
  // Of those that pass the checks of a switchover the preferred, then the most advanced; or empty.
  static std::string best_target(const ClusterView& view);

  // --- node_requests.cc ---
  void add_node_requests(const ClusterRow& row, ClusterView& view) const;
  void add_node_facts(const ClusterRow& row, const Operation& operation,
                      OperationFacts& facts) const;

  // --- shared readings ---
  [[nodiscard]] Policy policy_for(const ClusterRow& row) const;
  [[nodiscard]] ClusterView view_of(const ClusterRow& row, Now now) const;
  [[nodiscard]] OperationFacts facts_of(const ClusterRow& row) const;
  [[nodiscard]] std::optional<ElectionRequest> request_of(const ClusterRow& row, Now now) const;
  [[nodiscard]] bool serves_reads(const ClusterRow& row, const model::NodeName& name) const;
  [[nodiscard]] DnsRecords wanted_names(const ClusterRow& row) const;
  [[nodiscard]] bool names_current(const ClusterRow& row) const;
  [[nodiscard]] OrchestratorSpec policy_of(const model::ClusterId& id) const;
  [[nodiscard]] bool lossless(const ClusterRow& row) const;
  [[nodiscard]] const MysqlSpec* mysql_spec(const model::ClusterId& id) const;
  [[nodiscard]] bool deleting(const model::ClusterId& id) const;
  [[nodiscard]] NodeSizing sizing_for(const model::ClusterId& id) const;
  [[nodiscard]] const NodeRuntime* runtime_of(const model::NodeId& node) const;
  [[nodiscard]] bool node_level(const ClusterRow& row, const model::NodeName& name) const;
  [[nodiscard]] std::string protection_of(const ClusterRow& row) const;
  [[nodiscard]] ResourceStatus status_of(const Resource& resource) const;
  [[nodiscard]] ResourceStatus mysql_status(const Resource& resource) const;
  [[nodiscard]] std::vector<ResourceView> generated(const ClusterRow& row) const;
  void add_members(ClusterRow& row, const MysqlSpec& spec) const;
  [[nodiscard]] std::vector<Operation> running_operations(const model::ClusterId& id) const;

  std::map<model::NodeId, NodeRuntime> nodes_{};
  std::map<model::ClusterId, ClusterRuntime> clusters_{};
  uint64_t next_session_{1};
  std::optional<Instant> awake_at_{};  // the last tick or report
  bool reload_{false};  // a commit's outcome is unknown: the store must be read again
};

// Whether this rule begins an election that nobody asked for.
bool is_automatic(std::string_view rule);

}  // namespace cdb::coordinator
