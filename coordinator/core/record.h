#pragma once
// The record of a cluster: who is primary in which epoch, whose acknowledgement counts, and how far
// an election has come. Committed before any action that it implies; docs/states.md has the
// meaning of each phase. Pure values.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/base/result.h"
#include "lib/model/gtid_set.h"
#include "lib/model/ids.h"

namespace cdb::coordinator {

enum class Phase {
  Forming,  // epoch 0: no node has ever been primary
  Steady,
  Revoking,    // the epoch is committed; voters stop their receivers and report
  Demoting,    // planned: the old primary closes and reports its final set
  Promoting,   // a candidate is chosen; it drains and prepares, read-only
  Publishing,  // the candidate is primary; DNS is being switched
};
std::string_view to_string(Phase phase);
Result<Phase> parse_phase(std::string_view text);

struct ClusterRecord {
  model::RecordVersion version{};
  Phase phase{Phase::Forming};
  model::NodeName primary{};    // of this epoch once opened; before that the former one
  std::string primary_uuid{};   // its server_uuid: what it writes in this epoch is never errant
  model::NodeName candidate{};  // with Demoting and Promoting
  // Every node whose acknowledgement the primary could count -> the incarnation of its data when it
  // was admitted. Another incarnation has lost what it acknowledged and counts as unreached.
  std::map<model::NodeName, std::string> ackers{};
  // Ackers whose copy of the data was replaced: told to acknowledge no more. Their incarnation is
  // emptied when they have said so, and they leave A once k of the rest hold everything that was
  // written before that.
  std::set<model::NodeName> leaving{};
  int acks_required{0};   // k: never more than held for every acknowledged write
  int acks_wanted{0};     // what the primary is told; raised before k, lowered with it
  model::GtidSet base{};  // whoever is elected must contain this
  bool opened{false};     // whether the elected node may already have acknowledged
  uint64_t open_boot{0};  // the start of the primary's mysqld that may be writable
  std::set<model::NodeName> unfenced{};  // former primaries that still owe a fence proof
  // Whether an opening has to wait for those proofs: a former primary may have acknowledged without
  // ackers (k = 0, asynchronous). With k >= 1 the revoked ackers are the write fence.
  bool proof_needed{false};
  // Asynchronous: the replicas whose promises a failover needs, and whose holds keep a primary open
  // that the coordinator cannot reach.
  std::set<model::NodeName> voters{};
  // How many of those holds the primary is known to need: 0 until it was told of the first voter.
  int holds_required{0};
  // The members that promised the epoch said that no hold of theirs ran: a former primary has
  // nothing but what it was granted.
  bool holds_over{false};
  std::string cause{};    // of the last election, for people
  std::string blocked{};  // why it cannot go on; empty: not blocked
  // A person's word that what no reachable node holds may be lost; until another has opened.
  bool allow_loss{false};
  std::string loss{};  // what the last election may have lost, for people; empty: nothing
  friend bool operator==(const ClusterRecord&, const ClusterRecord&) = default;
};

}  // namespace cdb::coordinator
