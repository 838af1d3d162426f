#pragma once
// What an agent says of its node, and what the coordinator asks of it. Pure values, the common
// language of agent/core, coordinator/core and the wire.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/secret.h"
#include "lib/model/gtid_set.h"
#include "lib/model/ids.h"
#include "lib/model/mysql_version.h"
#include "lib/model/node_state.h"

namespace cdb::model {

// The process mysqld, as its agent sees it.
enum class MysqldState {
  NotInitialised,  // no data directory
  Stopped,         // data there, no process
  Starting,        // a process that does not answer yet
  Running,         // answers
  Stalled,         // a process that answered and no longer does
};
std::string_view to_string(MysqldState state);
Result<MysqldState> parse_mysqld_state(std::string_view text);

// A replication thread. Connecting: the receiver has no connection, and will keep trying.
enum class ThreadState { Off, Connecting, On };
std::string_view to_string(ThreadState state);
Result<ThreadState> parse_thread_state(std::string_view text);

struct ReplicationStatus {
  std::optional<Endpoint> source{};  // none: not a replica
  std::string source_uuid{};
  ThreadState receiver{ThreadState::Off};
  ThreadState applier{ThreadState::Off};
  GtidSet retrieved{};
  std::optional<int64_t> lag_s{};
  std::string receiver_error{};
  std::string applier_error{};
  friend bool operator==(const ReplicationStatus&, const ReplicationStatus&) = default;
};

struct SemisyncStatus {
  bool available{false};  // the plugins are loaded
  bool source_enabled{false};
  bool replica_enabled{false};
  bool replica_acking{false};  // the running receiver acknowledges
  int acks_required{0};        // k as the server has it; 0 while the source side is off
  int connected_ackers{0};     // receivers that would acknowledge
  int waiting_sessions{0};     // commits that wait for an acknowledgement
  friend bool operator==(const SemisyncStatus&, const SemisyncStatus&) = default;
};

// One look at a running server.
struct ServerStatus {
  MysqlVersion version{};
  std::string server_uuid{};
  GtidSet executed{};
  GtidSet purged{};
  bool read_only{true};
  bool super_read_only{true};
  ReplicationStatus replication{};
  SemisyncStatus semisync{};
  friend bool operator==(const ServerStatus&, const ServerStatus&) = default;
};

// The accounts that every node of a cluster has, with the same passwords, made on each node outside
// the binary log: so a seeded copy of any node can be managed by the same secrets.
struct Credentials {
  Secret root{};         // root@localhost, for people, through the socket
  Secret agent{};        // cdb_agent@localhost
  Secret replication{};  // cdb_replication@%
  Secret app{};          // app@%, the application account
  [[nodiscard]] bool complete() const {
    return !root.empty() && !agent.empty() && !replication.empty() && !app.empty();
  }
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

inline constexpr const char* kAgentUser = "cdb_agent";
inline constexpr const char* kReplicationUser = "cdb_replication";
inline constexpr const char* kAppUser = "app";

// How long this node may still serve, and by whose word.
enum class LeaseSource {
  None,         // by nobody's: its port is shut
  Coordinator,  // granted with the answer to a heartbeat
  Holds,        // the coordinator is away: enough peers promised to take part in no failover
  Stream,       // a reader: it still receives from the primary
  Own,          // nobody else has a say: the only node, or a primary without ackers
};
std::string_view to_string(LeaseSource source);
Result<LeaseSource> parse_lease_source(std::string_view text);

struct LeaseStatus {
  uint64_t epoch{0};
  int64_t left_ms{0};  // when it was said; 0: over
  LeaseSource source{LeaseSource::None};
  std::string fence{"none"};  // what shuts the port when it is over: kernel, none
  // Asked for before a planned absence of the agent; 0: the usual ttl will do.
  int64_t wanted_ms{0};
  friend bool operator==(const LeaseStatus&, const LeaseStatus&) = default;
};

// The coordinator's grant with the answer to a heartbeat; counted from when that was sent.
struct LeaseGrant {
  uint64_t epoch{0};
  Duration ttl{};
  friend bool operator==(const LeaseGrant&, const LeaseGrant&) = default;
};

// A primary that the coordinator does not answer asks its peers to take part in no failover.
struct HoldRequest {
  NodeId from{};
  uint64_t epoch{0};
  Duration ttl{};
  friend bool operator==(const HoldRequest&, const HoldRequest&) = default;
};
struct HoldAnswer {
  bool given{false};
  RecordVersion accepted{};  // what the peer has promised
  friend bool operator==(const HoldAnswer&, const HoldAnswer&) = default;
};

// Another member of the cluster, as its goal shows it.
struct Peer {
  NodeName name{};
  std::string address{};
  bool admitted{false};  // may replicate from here; otherwise it may not reach the port at all
  bool holder{false};    // its hold counts
  friend bool operator==(const Peer&, const Peer&) = default;
};

// Transactions that a node had and the cluster had not, taken out of its data.
struct Discarded {
  GtidSet gtids{};
  std::string archive{};  // the folder with the binary logs that hold them
  bool trimmed{false};    // rolled back by cutting the log; else with all of the data
  friend bool operator==(const Discarded&, const Discarded&) = default;
};

// Agent -> coordinator, at once on change and with every heartbeat.
struct NodeReport {
  RecordVersion accepted{};  // the highest (epoch, version) this node has promised
  NodeState state{NodeState::New};
  MysqldState mysqld{MysqldState::NotInitialised};
  uint64_t mysqld_boot{0};    // grows with each start of mysqld by an agent; persisted before
  std::string incarnation{};  // names this copy of the data: new with every initialise or seed
  std::optional<ServerStatus> server{};  // none unless mysqld answers
  GtidSet errant{};                      // held here, not in the cluster
  std::optional<GtidSet> final_set{};  // with Fenced: all this node will ever have had in the epoch
  std::optional<GtidSet> marker{};     // a row written after the current acks_required took effect
  std::string doing{};                 // the action under way: the sentence of its transition row
  std::string problem{};  // why the last action failed; with mysqld's own last log lines
  std::optional<Credentials> credentials{};
  std::vector<std::string> pending_restart{};  // settings that wait for a restart
  uint64_t disk_free_bytes{0};
  bool disk_full{false};  // mysqld can hardly write any more
  LeaseStatus lease{};
  // The epoch whose primary got a hold from this node that still runs; 0: none does.
  uint64_t holding_epoch{0};
  // The record whose admissions are in force at this node's port; none without a gate.
  std::optional<RecordVersion> gate{};
  std::optional<Discarded> discarded{};  // the last time that happened
  friend bool operator==(const NodeReport&, const NodeReport&) = default;
};

// Coordinator -> agent. Complete: an agent needs nothing but the latest goal.
struct NodeGoal {
  RecordVersion record{};
  NodeState state{NodeState::Replica};
  std::optional<Endpoint> source{};   // whom to replicate from
  std::string source_uuid{};          // transactions of this server in this epoch are never errant
  std::optional<GtidSet> base{};      // what the elected primary had when it opened; with it a node
                                      // can tell errant transactions
  int acks_required{0};               // k, for a primary
  uint64_t open_boot{0};              // a primary opens only the boot of mysqld with this number
  bool sole{false};                   // no other member: may open any boot by itself
  std::optional<GtidSet> drain_to{};  // with Promoting: what must be executed first
  bool planned{false};                // with Fenced: close gently, its ackers are alive; else kill
  bool may_reseed{false};             // the cluster has what this node holds: it may be wiped
  bool may_trim{false};               // another has opened: what neither it nor base has was never
                                      // acknowledged, and may be cut off the binary log
  std::string reseed{};        // this copy of the data, an incarnation, is to be replaced now
  std::string rejoin{};        // a person asks: another text than before means, try again now
  bool may_initialise{false};  // the cluster has never held data: an empty directory is right
  std::optional<Credentials> credentials{};
  std::vector<Peer> peers{};  // the other members
  int holds_required{0};      // a primary without its coordinator: h of the holders' holds
  Duration heartbeat{std::chrono::milliseconds(300)};
  Duration ttl{std::chrono::seconds(2)};
  uint32_t server_id{0};
  // What my.cnf is made from.
  uint64_t memory_bytes{0};
  int vcpu{1};
  std::string disk_kind{"ssd"};  // hdd, ssd, nvme
  uint64_t disk_bytes{0};
  std::map<std::string, std::string> settings{};  // the user's, by canonical variable name
  friend bool operator==(const NodeGoal&, const NodeGoal&) = default;
};

}  // namespace cdb::model
