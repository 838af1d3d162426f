#pragma once
// The coordinator's mind: holds the whole state, commits every change before it acts, and turns
// what it hears into decisions. Not thread-safe on purpose: every call comes from the one engine
// thread (EngineHost), which hands in the time. Never blocks on anything but the StateStore.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/apply.h"
#include "coordinator/core/decide.h"
#include "coordinator/core/state.h"
#include "coordinator/engine/effects.h"
#include "coordinator/engine/views.h"
#include "coordinator/ports/state_store.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/report.h"

namespace cdb::coordinator {

// Such as "5f0c2e1a9b7d".
std::string random_id();

struct EngineConfig {
  std::vector<Flavor> flavors{};
  SettingsCheck check_settings{};             // for apply
  HookCheck check_hook{};                     // for apply
  std::string zone{};                         // of the clusters' names
  std::string dns_server{};                   // host:port, shown to clients
  Duration silence{std::chrono::seconds(1)};  // without a primary's session before it is suspected
  Duration power_on_after{std::chrono::seconds(10)};  // a machine that has not been heard of is
                                                      // asked of the provisioner again
  std::function<Decision(const ClusterView&)> decide{&coordinator::decide};
  std::function<std::string()> new_id{&random_id};  // of operations and resources
};

// What a person says with a failover.
struct FailoverAsk {
  std::string to{};  // empty: the best replica
  std::string reason{};
  std::string who{};
  bool allow_data_loss{false};  // only where nothing safe is left
  bool dry_run{false};
};

// What a person asks about one node.
struct NodeAsk {
  std::string node{};
  std::string who{};
  bool allow_unprotected{false};  // maintenance
  bool dry_run{false};
};

class Engine {
 public:
  Engine(EngineConfig config, StateStore& store, Effects& effects);
  ~Engine();

  // Reads the whole state; call once, first.
  Status load(Now now);
  // Does what is due. Returns when it wants to be called again at the latest.
  Instant tick(Now now);
  // Grows whenever something that a view shows may have changed.
  [[nodiscard]] uint64_t revision() const;

  // --- agents (coordinator/rpc/agent_service) ---
  // A new session of this node; it replaces an older one, whose sink is closed. Returns the
  // session's number. NotFound: no such node (any more).
  Result<uint64_t> agent_connected(const model::NodeId& node, const AgentHello& hello,
                                   std::shared_ptr<AgentSink> sink, Now now);
  // Ignored unless it comes from the node's present session.
  void agent_reported(const model::NodeId& node, uint64_t session, uint64_t sequence,
                      const model::NodeReport& report, Now now);
  void agent_disconnected(const model::NodeId& node, uint64_t session, Now now);

  // --- workers ---
  void machine_ensured(const model::NodeId& node, const Result<Machine>& result, Now now);
  void machine_removed(const model::NodeId& node, const Result<MachineState>& result, Now now);
  void dns_published(const DnsRecords& records, const Status& result, Now now);
  void dns_removed(const model::ClusterId& cluster, const Status& result, Now now);
  void hooks_finished(const HookJob& job, const std::vector<HookResult>& results, Now now);
  void versions_found(std::vector<model::MysqlVersion> versions);

  // --- people (coordinator/rpc) ---
  // All or nothing. Invalid with `fields` named "resources[0].spec.flavor" and the like.
  Result<std::vector<ApplyItem>> apply(const std::vector<Resource>& wanted, bool dry_run, Now now);
  // An operation when there is something to wait for.
  Result<std::optional<Operation>> remove(const ResourceKey& key, Now now);
  // `to` may be empty: the best replica. With dry_run only the checks are made, and the operation
  // that is returned was not started.
  Result<Operation> switchover(const model::ClusterId& cluster, const std::string& to, bool dry_run,
                               Now now);
  Result<Operation> failover(const model::ClusterId& cluster, const FailoverAsk& ask, Now now);
  // Hands off the node, or on again. Refused for a primary.
  Result<Operation> maintenance(const model::ClusterId& cluster, const NodeAsk& ask, bool on,
                                Now now);
  // The node tries again now; with `reseed` its data are replaced by the primary's.
  Result<Operation> rejoin(const model::ClusterId& cluster, const NodeAsk& ask, bool reseed,
                           Now now);

  [[nodiscard]] Result<ResourceView> resource(const ResourceKey& key) const;
  // Of all kinds and namespaces where not given; generated ones included; ordered by key.
  [[nodiscard]] std::vector<ResourceView> resources(std::optional<Kind> kind,
                                                    const std::string& name_space) const;
  [[nodiscard]] Result<TopologyView> topology(const model::ClusterId& cluster) const;
  [[nodiscard]] Result<Operation> operation(const model::OperationId& id) const;
  [[nodiscard]] std::vector<Operation> operations(const std::optional<model::ClusterId>& cluster,
                                                  bool running_only) const;
  [[nodiscard]] Result<std::vector<Event>> events(const EventQuery& query) const;
  [[nodiscard]] Result<ConnectionView> connection(const model::ClusterId& cluster) const;
  [[nodiscard]] CatalogueView catalogue() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdb::coordinator
