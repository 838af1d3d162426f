#pragma once
// The rules that decide.cc lists in their order, and what they share. Only the rule files and
// decide.cc include this. Pure.

#include <optional>
#include <string>

#include "coordinator/core/cluster_view.h"

namespace cdb::coordinator::rules {

// What a rule that matches says: a new record, or none and why not yet.
struct Outcome {
  std::string why{};
  std::optional<ClusterRecord> record{};
};
using Match = std::optional<Outcome>;

// --- rules_common.cc ---
ClusterRecord next_version(const ClusterView& view);
ClusterRecord next_epoch(const ClusterView& view);
// The same record that says why it does not go on. No new version: nothing is asked of anyone.
Outcome blocked(const ClusterView& view, std::string why);
Outcome wait(std::string why);
const model::NodeReport* report_of(const ClusterView& view, const model::NodeName& name);
// The primary's report, if its session is open and it knows the present record.
const model::NodeReport* primary_now(const ClusterView& view);
bool is_writable(const model::NodeReport& report);
bool is_opened_phase(Phase phase);

// --- rules_election.cc ---
Match store_is_old(const ClusterView& view);
Match form(const ClusterView& view);
Match elect_candidate(const ClusterView& view);
Match finish_demotion(const ClusterView& view);
Match undo_demotion(const ClusterView& view);
Match open_candidate(const ClusterView& view);
Match replace_candidate(const ClusterView& view);

// --- rules_primary.cc ---
Match begin_override(const ClusterView& view);
Match begin_requested(const ClusterView& view);
// Why no election could end well now, by those that are connected; empty: one could.
std::string cannot_elect(const ClusterView& view);
Match reopen_in_place(const ClusterView& view);
Match primary_dead(const ClusterView& view);
Match primary_lost(const ClusterView& view);
Match primary_cut_off(const ClusterView& view);
Match published(const ClusterView& view);

// --- rules_ackers.cc ---
Match lower(const ClusterView& view);
Match weaken(const ClusterView& view);
Match forbid(const ClusterView& view);
Match begin_leave(const ClusterView& view);
Match note_quiet(const ClusterView& view);
Match finish_leave(const ClusterView& view);
Match note_proof(const ClusterView& view);
Match change_durability(const ClusterView& view);
Match add_voter(const ClusterView& view);
Match confirm_voters(const ClusterView& view);
Match drop_voter(const ClusterView& view);
Match voter_dropped(const ClusterView& view);
Match add_acker(const ClusterView& view);
Match begin_raise(const ClusterView& view);
Match finish_raise(const ClusterView& view);
Match unblock(const ClusterView& view);

}  // namespace cdb::coordinator::rules
