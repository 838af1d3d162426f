#pragma once
// The inside of Engine, shared by its source files: engine.cc (life, ticks, commits), inputs.cc
// (agents and workers), requests.cc (people), queries.cc (views), readings.cc (for itself), face.cc
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

  Result<std::vector<ApplyItem>> apply(const std::vector<Resource>& wanted, bool dry_run, Now now);
  Result<std::optional<Operation>> remove(const ResourceKey& key, Now now);
  Result<Operation> elect(const model::ClusterId& cluster, OperationKind kind, std::string to,
                          const std::string& reason, bool dry_run, Now now);

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

  // --- inputs.cc ---
  Status keep_lease_facts(const model::NodeId& node, const model::NodeReport& report, Now now);
  std::optional<model::LeaseGrant> grant(const model::NodeId& node, const model::NodeReport& report,
                                         Now now);

  // --- shared readings ---
  [[nodiscard]] Policy policy_for(const ClusterRow& row) const;
  [[nodiscard]] ClusterView view_of(const ClusterRow& row, Now now) const;
  [[nodiscard]] OperationFacts facts_of(const ClusterRow& row) const;
  [[nodiscard]] std::optional<ElectionRequest> request_of(const ClusterRow& row) const;
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
  bool reload_{false};  // a commit's outcome is unknown: the store must be read again
};

}  // namespace cdb::coordinator
