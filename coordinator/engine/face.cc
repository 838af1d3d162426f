// Engine's face: every call is handed to the Impl, whose files engine_impl.h lists.
#include <algorithm>
#include <utility>

#include "coordinator/engine/engine.h"
#include "coordinator/engine/engine_impl.h"

namespace cdb::coordinator {

using model::ClusterId;
using model::NodeId;

Engine::Engine(EngineConfig config, StateStore& store, Effects& effects)
    : impl_(std::make_unique<Impl>(std::move(config), store, effects)) {}
Engine::~Engine() = default;

Status Engine::load(Now now) {
  return impl_->load(now);
}
Instant Engine::tick(Now now) {
  return impl_->tick(now);
}
uint64_t Engine::revision() const {
  return impl_->revision;
}
void Engine::versions_found(std::vector<model::MysqlVersion> versions) {
  impl_->versions = std::move(versions);
  ++impl_->revision;
}
Result<uint64_t> Engine::agent_connected(const NodeId& node, const AgentHello& hello,
                                         std::shared_ptr<AgentSink> sink, Now now) {
  return impl_->agent_connected(node, hello, std::move(sink), now);
}
void Engine::agent_reported(const NodeId& node, uint64_t session, uint64_t sequence,
                            const model::NodeReport& report, Now now) {
  impl_->agent_reported(node, session, sequence, report, now);
}
void Engine::agent_disconnected(const NodeId& node, uint64_t session, Now now) {
  impl_->agent_disconnected(node, session, now);
}
void Engine::machine_ensured(const NodeId& node, const Result<Machine>& result, Now now) {
  impl_->machine_ensured(node, result, now);
}
void Engine::machine_removed(const NodeId& node, const Result<MachineState>& result, Now now) {
  impl_->machine_removed(node, result, now);
}
void Engine::dns_published(const DnsRecords& records, const Status& result, Now now) {
  impl_->dns_published(records, result, now);
}
void Engine::dns_removed(const ClusterId& cluster, const Status& result, Now now) {
  impl_->dns_removed(cluster, result, now);
}
Result<std::vector<ApplyItem>> Engine::apply(const std::vector<Resource>& wanted, bool dry_run,
                                             Now now) {
  return impl_->apply(wanted, dry_run, now);
}
Result<std::optional<Operation>> Engine::remove(const ResourceKey& key, Now now) {
  return impl_->remove(key, now);
}
Result<Operation> Engine::switchover(const ClusterId& cluster, const std::string& to, bool dry_run,
                                     Now now) {
  return impl_->elect(cluster, OperationKind::Switchover, {.to = to, .dry_run = dry_run}, now);
}
Result<Operation> Engine::failover(const ClusterId& cluster, const FailoverAsk& ask, Now now) {
  return impl_->elect(cluster, OperationKind::Failover, ask, now);
}
Result<Operation> Engine::maintenance(const ClusterId& cluster, const NodeAsk& ask, bool on,
                                      Now now) {
  return impl_->ask_of_node(
      cluster, on ? OperationKind::Maintenance : OperationKind::MaintenanceEnd, ask, now);
}
Result<Operation> Engine::rejoin(const ClusterId& cluster, const NodeAsk& ask, bool reseed,
                                 Now now) {
  return impl_->ask_of_node(cluster, reseed ? OperationKind::Reseed : OperationKind::Rejoin, ask,
                            now);
}
void Engine::hooks_finished(const HookJob& job, const std::vector<HookResult>& results, Now now) {
  impl_->hooks_finished(job, results, now);
}
Result<ResourceView> Engine::resource(const ResourceKey& key) const {
  return impl_->resource(key);
}
std::vector<ResourceView> Engine::resources(std::optional<Kind> kind,
                                            const std::string& name_space) const {
  return impl_->resources(kind, name_space);
}
Result<TopologyView> Engine::topology(const ClusterId& cluster) const {
  return impl_->topology(cluster);
}
Result<ConnectionView> Engine::connection(const ClusterId& cluster) const {
  return impl_->connection(cluster);
}
Result<std::vector<Event>> Engine::events(const EventQuery& query) const {
  return impl_->store.events(query);
}
CatalogueView Engine::catalogue() const {
  return {impl_->config.flavors, impl_->versions};
}

Result<Operation> Engine::operation(const model::OperationId& id) const {
  const auto found = impl_->state.operations.find(id);
  if (found == impl_->state.operations.end())
    return not_found("no operation " + id.str(), "cdb operations lists them");
  return found->second;
}

std::vector<Operation> Engine::operations(const std::optional<ClusterId>& cluster,
                                          bool running_only) const {
  std::vector<Operation> operations;
  for (const auto& [id, operation] : impl_->state.operations) {
    if (cluster && operation.cluster != *cluster) continue;
    if (running_only && operation.state != OperationState::Running) continue;
    operations.push_back(operation);
  }
  std::stable_sort(operations.begin(), operations.end(),
                   [](const Operation& a, const Operation& b) { return a.created < b.created; });
  return operations;
}

}  // namespace cdb::coordinator
