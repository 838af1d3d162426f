#pragma once
// All that a decision may depend on, as one value: the record, what the members said last, and how
// long ago things began. Pure.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/record.h"
#include "coordinator/core/resources.h"
#include "lib/base/clock.h"
#include "lib/model/report.h"

namespace cdb::coordinator {

struct MemberView {
  int ordinal{0};
  bool connected{false};      // its agent's session is open and has reported
  Duration silent_for{};      // since its session was lost; zero while connected
  bool machine_off{false};    // the provisioner says that nothing runs there: a fence proof
  bool gated{false};          // the kernel shuts its port when its lease is over
  Duration lease_left{};      // at most, of what it was granted, the drift of its clock included
  bool excused{false};        // its agent said that it would be away, and has a lease for that time
  bool told_no_acker{false};  // in this session it has taken a goal that makes it none
  Duration promised_for{};    // since it was first seen to have promised this epoch
  bool never_promote{false};
  int priority{0};          // of a promotion: higher preferred
  std::string zone{};       // empty: none given
  bool maintenance{false};  // a person has it: never elected, never an acker
  std::string reseed{};     // this copy of its data is to be replaced by a person's word
  std::string rejoin{};     // a person's word to try again now; another text for each
  std::optional<model::NodeReport> report{};  // the last one of the present or the former session
  // What it had executed when its mysqld last answered; none since this coordinator started.
  std::optional<model::GtidSet> last_executed{};
};

// A change of primary that a person asked for.
struct ElectionRequest {
  bool planned{true};    // a switchover: the old primary co-operates
  model::NodeName to{};  // empty: the best
  std::string cause{};
  bool allow_loss{false};  // the audited way out of a blocked cluster
};

struct Policy {
  bool lossless{true};  // semi-sync; else asynchronous
  bool paused{false};   // no automatic failover
  Duration silence{std::chrono::seconds(1)};
  Duration weaken_after{std::chrono::seconds(3)};
  Duration demotion_limit{std::chrono::seconds(10)};
  Duration settle{std::chrono::milliseconds(300)};  // for the last connected voter to answer
  Duration heartbeat{std::chrono::milliseconds(300)};
  Duration ttl{std::chrono::seconds(2)};  // of a lease
  // With k >= 1 the promises are the write fence: waiting for the former primary's lease to lapse
  // only keeps it from answering reads when another is open already.
  bool wait_for_proof{true};
  // Asynchronous: a lapsed lease is proof enough. Not where a machine may be paused with its
  // clocks.
  bool fence_by_time{true};
  // As declared (see OrchestratorSpec).
  int acks{1};  // k that is wanted; never more than there are replicas
  WithoutAckers without_ackers{WithoutAckers::FailOver};
  bool acks_from_other_zone{true};
  bool candidate_from_same_zone{true};
  int most_failovers{3};                               // automatic ones within the anti-flap window
  Duration reopen_patience{std::chrono::seconds(20)};  // for a restart in place, where the most is
                                                       // reached
};

struct ClusterView {
  ClusterRecord record{};
  std::map<model::NodeName, MemberView> members{};
  std::set<model::NodeName> removing{};  // members on their way out: never elected, never ackers
  Policy policy{};
  std::optional<ElectionRequest> request{};
  bool dns_current{false};         // the names are as this record wants them
  Duration in_phase_for{};         // since the record's phase last changed
  int recent_failovers{0};         // automatic ones within the anti-flap window
  Duration without_primary_for{};  // since the primary was last seen to be writable
  Duration ackers_short_for{};     // since fewer than k ackers were connected to a running primary
};

// What the rules ask of a view. All of them are about the present epoch.
const MemberView* find_member(const ClusterView& view, const model::NodeName& name);
// The node's session is open and it promised this epoch.
bool is_current(const ClusterView& view, const model::NodeName& name);
// An acker whose data are those that it acknowledged with.
bool same_incarnation(const ClusterView& view, const model::NodeName& name);
// The same in an election: also one that was to leave, and was not on record as quiet yet.
bool has_what_it_acknowledged(const ClusterView& view, const model::NodeName& name);
// Everything that a node has, applied or only received.
model::GtidSet holdings(const model::NodeReport& report);
// What it holds that no primary of this cluster ever gave it.
model::GtidSet errant_of(const ClusterRecord& record, const model::NodeReport& report);
// Its receiver gets events from this source now.
bool streams_from(const model::NodeReport& report, const std::string& source_uuid);
// How long after a grant, or a hold, it has lapsed for sure: its ttl and the drift of the clocks.
Duration lapse_of(Duration ttl);
// Members that still count, to vote or to acknowledge: without those on their way out.
std::set<model::NodeName> staying_voters(const ClusterRecord& record);
// Present and streaming ackers whose acknowledgement the primary can count.
int live_ackers(const ClusterView& view);
// r: how many ackers must be revoked before a failover.
int revocations_needed(const ClusterRecord& record);
// The same of an asynchronous cluster: how many voters must have promised.
int promises_needed(const ClusterRecord& record);
// A person has it for a while: it leaves A and is not elected.
bool is_taken(const MemberView& member);
// Ackers that are to leave A as soon as the rest can do without them, or on purpose: a person has
// the node, or it stands in the primary's zone and enough others do not.
bool is_to_leave(const ClusterView& view, const model::NodeName& name);
// At least k live ackers stand in other zones than the primary, or there are no zones.
bool enough_ackers_elsewhere(const ClusterView& view);
// A replica of the primary's own zone whose acknowledgement is only wanted at need.
bool acks_only_at_need(const ClusterView& view, const model::NodeName& primary,
                       const model::NodeName& name);
// What at least `count` of these sets contain.
model::GtidSet held_by_at_least(const std::vector<model::GtidSet>& sets, size_t count);

}  // namespace cdb::coordinator
