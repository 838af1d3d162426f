#pragma once
// Everything the coordinator keeps, as values. The engine holds it in memory and commits each
// change to the StateStore before it acts. Pure.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/record.h"
#include "coordinator/core/resources.h"
#include "lib/base/clock.h"
#include "lib/model/report.h"

namespace cdb::coordinator {

// A member of a cluster and the machine it lives on.
struct Member {
  model::NodeId node{};
  int ordinal{0};
  uint32_t server_id{0};  // never reused
  std::string version{};  // exact, of the server it was built with
  std::string address{};  // empty until provisioned
  bool removing{false};
  bool gated{false};  // its agent shuts its port by the kernel
  // Until when its agent said that it would be away; kept, because its lease runs as long.
  std::optional<WallTime> away_until{};
  bool maintenance{false};  // a person has it: hands off
  friend bool operator==(const Member&, const Member&) = default;
};

// The last change of the primary, for people.
struct LastElection {
  uint64_t epoch{0};
  std::string from{};  // empty: the first primary
  std::string to{};
  std::string cause{};
  std::string loss{};     // what it may have lost; empty: nothing
  bool automatic{false};  // nobody asked for it
  WallTime decided{};
  std::optional<WallTime> writable{};  // when the new primary said so
  // From the last report of a writable old primary to the first one of the new: an upper bound of
  // what clients felt, names apart. None where this coordinator saw only one of the two.
  std::optional<std::chrono::milliseconds> write_gap{};
  friend bool operator==(const LastElection&, const LastElection&) = default;
};

// What belongs to a MySQL resource besides its spec.
struct ClusterRow {
  model::ClusterId id{};
  std::string uid{};  // of the MySQL resource
  ClusterRecord record{};
  std::optional<model::Credentials> credentials{};
  std::map<model::NodeName, Member> members{};
  int next_ordinal{0};
  std::optional<LastElection> last_election{};
  std::vector<WallTime> failovers{};  // the automatic ones of late, for anti-flap
  friend bool operator==(const ClusterRow&, const ClusterRow&) = default;
};

enum class OperationState { Running, Succeeded, Failed };
std::string_view to_string(OperationState state);
Result<OperationState> parse_operation_state(std::string_view text);

enum class StepState { Pending, Running, Done, Failed };
std::string_view to_string(StepState state);
Result<StepState> parse_step_state(std::string_view text);

struct OperationStep {
  std::string name{};  // "provision"
  StepState state{StepState::Pending};
  std::string detail{};  // progress, for a person: "2 of 3 machines run"
  std::optional<WallTime> started{};
  std::optional<WallTime> finished{};
  friend bool operator==(const OperationStep&, const OperationStep&) = default;
};

enum class OperationKind {
  Create,
  Scale,
  Reconfigure,
  Delete,
  Switchover,
  Failover,
  Maintenance,     // hands off one node
  MaintenanceEnd,  // and on again
  Rejoin,          // one node tries again, now
  Reseed,          // the data of one node are replaced
};
inline constexpr std::array kAllOperationKinds{
    OperationKind::Create,      OperationKind::Scale,          OperationKind::Reconfigure,
    OperationKind::Delete,      OperationKind::Switchover,     OperationKind::Failover,
    OperationKind::Maintenance, OperationKind::MaintenanceEnd, OperationKind::Rejoin,
    OperationKind::Reseed};
std::string_view to_string(OperationKind kind);
Result<OperationKind> parse_operation_kind(std::string_view text);

struct Operation {
  model::OperationId id{};
  OperationKind kind{OperationKind::Create};
  model::ClusterId cluster{};
  OperationState state{OperationState::Running};
  std::vector<OperationStep> steps{};
  std::string problem{};  // what hinders it now (it goes on trying), or why it failed
  std::string hint{};
  std::map<std::string, std::string> arguments{};  // "to": a node; "reason": a person's words
  uint64_t epoch{0};                               // the record's epoch when it began
  WallTime created{};
  std::optional<WallTime> finished{};
  friend bool operator==(const Operation&, const Operation&) = default;
};

enum class Severity { Info, Warning, Error };
std::string_view to_string(Severity severity);
Result<Severity> parse_severity(std::string_view text);

struct Event {
  uint64_t sequence{0};  // given by the store, grows by one
  WallTime time{};
  model::ClusterId cluster{};
  std::string node{};  // empty: the cluster as a whole
  std::string type{};  // stable: "failover.decided"
  Severity severity{Severity::Info};
  std::string message{};
  friend bool operator==(const Event&, const Event&) = default;
};

// One atomic commit.
struct Changes {
  std::vector<Resource> put_resources{};
  std::vector<ResourceKey> erase_resources{};
  std::vector<ClusterRow> put_clusters{};
  std::vector<model::ClusterId> erase_clusters{};
  std::vector<Operation> put_operations{};
  std::vector<Event> events{};  // sequence ignored
  [[nodiscard]] bool empty() const {
    return put_resources.empty() && erase_resources.empty() && put_clusters.empty() &&
           erase_clusters.empty() && put_operations.empty() && events.empty();
  }
};

// Everything but the events.
struct Snapshot {
  std::map<ResourceKey, Resource> resources{};
  std::map<model::ClusterId, ClusterRow> clusters{};
  std::map<model::OperationId, Operation> operations{};
  uint64_t last_event{0};
};

}  // namespace cdb::coordinator
