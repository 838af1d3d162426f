#include "tests/support/random_state.h"

#include <array>

namespace cdb::testing {

using namespace coordinator;

Spec RandomState::spec(Kind kind) {
  switch (kind) {
    case Kind::Mysql:
      return MysqlSpec{.flavor = text(),
                       .replica = count(),
                       .storage_kind = text(),
                       .storage_gib = count(),
                       .version = text()};
    case Kind::MysqlConfig: return MysqlConfigSpec{.engine_version = text(), .settings = words()};
    case Kind::Orchestrator:
      return OrchestratorSpec{
          .durability = maybe([&] {
            return one_of(std::array{Durability::Lossless, Durability::Asynchronous});
          }),
          .paused = coin(),
          .never_promote = several([&] { return label(); }),
          .dns_ttl_s = 1 + count()};
    case Kind::Instance:
      return InstanceSpec{.cluster = label(),
                          .flavor = text(),
                          .version = text(),
                          .volume_gib = count(),
                          .volume_type = text(),
                          .address = text(),
                          .server_id = static_cast<uint32_t>(number())};
    case Kind::Connector:
      return ConnectorSpec{
          .owner = label(), .rw = text(), .rw_ip = text(), .ro = text(), .ro_ips = several([&] {
                                                                           return text();
                                                                         })};
  }
  return {};
}

Resource RandomState::resource() {
  const Kind kind = one_of(std::array{Kind::Mysql, Kind::MysqlConfig, Kind::Orchestrator,
                                      Kind::Instance, Kind::Connector});
  return {.key = {kind, label(), label()},
          .uid = text(),
          .generation = static_cast<int64_t>(number()),
          .created = time(),
          .deleting = coin(),
          .spec = spec(kind)};
}

std::set<model::NodeName> RandomState::names() {
  std::set<model::NodeName> made;
  for (uint64_t left = below(4); left > 0; --left)
    made.emplace(label());
  return made;
}

ClusterRecord RandomState::record() {
  ClusterRecord made{
      .version = version(),
      .phase = one_of(std::array{Phase::Forming, Phase::Steady, Phase::Revoking, Phase::Demoting,
                                 Phase::Promoting, Phase::Publishing}),
      .primary = model::NodeName(label()),
      .primary_uuid = uuid(),
      .candidate = model::NodeName(label()),
      .leaving = names(),
      .acks_required = count(),
      .acks_wanted = count(),
      .base = gtid_set(),
      .opened = coin(),
      .open_boot = number(),
      .unfenced = names(),
      .proof_needed = coin(),
      .voters = names(),
      .holds_required = count(),
      .holds_over = coin(),
      .cause = text(),
      .blocked = text()};
  for (const model::NodeName& name : names())
    made.ackers[name] = text();
  return made;
}

Member RandomState::member() {
  return {.node = node(),
          .ordinal = count(),
          .server_id = static_cast<uint32_t>(number()),
          .version = text(),
          .address = text(),
          .removing = coin(),
          .gated = coin(),
          .away_until = maybe([&] { return time(); })};
}

ClusterRow RandomState::cluster_row() {
  ClusterRow row{.id = cluster(),
                 .uid = text(),
                 .record = record(),
                 .credentials = maybe([&] { return credentials(); }),
                 .next_ordinal = count()};
  for (const model::NodeName& name : names())
    row.members[name] = member();
  return row;
}

OperationStep RandomState::step() {
  return {.name = text(),
          .state = one_of(std::array{StepState::Pending, StepState::Running, StepState::Done,
                                     StepState::Failed}),
          .detail = text(),
          .started = maybe([&] { return time(); }),
          .finished = maybe([&] { return time(); })};
}

Operation RandomState::operation() {
  return {.id = model::OperationId(label()),
          .kind = one_of(std::array{OperationKind::Create, OperationKind::Scale,
                                    OperationKind::Reconfigure, OperationKind::Delete,
                                    OperationKind::Switchover, OperationKind::Failover}),
          .cluster = cluster(),
          .state = one_of(std::array{OperationState::Running, OperationState::Succeeded,
                                     OperationState::Failed}),
          .steps = several([&] { return step(); }),
          .problem = text(),
          .hint = text(),
          .arguments = words(),
          .epoch = number(),
          .created = time(),
          .finished = maybe([&] { return time(); })};
}

Event RandomState::event() {
  return {.sequence = number(),
          .time = time(),
          .cluster = cluster(),
          .node = label(),
          .type = label(),
          .severity = one_of(std::array{Severity::Info, Severity::Warning, Severity::Error}),
          .message = text()};
}

}  // namespace cdb::testing
