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
    case Kind::Orchestrator: return policy();
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

OrchestratorSpec RandomState::policy() {
  const auto duration = [&] { return std::chrono::milliseconds(below(100'000'000)); };
  const auto commands = [&] { return several([&] { return label(); }); };
  OrchestratorSpec made{
      .durability = maybe([&] {
        return one_of(std::array{Durability::Lossless, Durability::Asynchronous});
      }),
      .paused = coin(),
      .dns_ttl_s = 1 + count(),
      .acks = 1 + count(),
      .heartbeat = duration(),
      .ttl = duration(),
      .zones = words(),
      .acks_from_other_zone = coin(),
      .candidate_from_same_zone = coin(),
      .anti_flap = {.failovers = 1 + count(), .window = duration()},
      .wait_for_proof = coin(),
      .fence_by_time = coin(),
      .without_ackers =
          one_of(std::array{WithoutAckers::FailOver, WithoutAckers::Weaken, WithoutAckers::Block}),
      .read_lag_cap = duration(),
      .hooks = {.before = commands(), .after = commands(), .deadline = duration()}};
  for (const model::NodeName& name : names()) {
    if (coin()) {
      made.never_promote.push_back(name.str());
    } else {
      made.priority[name.str()] = count() - 500;
    }
  }
  return made;
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
      .blocked = text(),
      .allow_loss = coin(),
      .loss = text()};
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
          .away_until = maybe([&] { return time(); }),
          .maintenance = coin()};
}

LastElection RandomState::last_election() {
  return {.epoch = number(),
          .from = label(),
          .to = label(),
          .cause = text(),
          .loss = text(),
          .automatic = coin(),
          .decided = time(),
          .writable = maybe([&] { return time(); }),
          .write_gap = maybe([&] { return std::chrono::milliseconds(count()); })};
}

ClusterRow RandomState::cluster_row() {
  ClusterRow row{.id = cluster(),
                 .uid = text(),
                 .record = record(),
                 .credentials = maybe([&] { return credentials(); }),
                 .next_ordinal = count(),
                 .last_election = maybe([&] { return last_election(); }),
                 .failovers = several([&] { return time(); })};
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
          .kind = one_of(kAllOperationKinds),
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
