#include "coordinator/core/phases.h"

namespace cdb::coordinator {

const std::vector<PhaseInfo>& phase_infos() {
  static const std::vector<PhaseInfo> infos{
      {Phase::Forming, "no node has ever been primary", "nothing"},
      {Phase::Revoking, "the epoch is committed; voters promise",
       "voters: revoked; former primaries: fenced"},
      {Phase::Demoting, "planned: the primary closes while its ackers are there",
       "primary: fenced (planned); others as before"},
      {Phase::Promoting, "candidate and base are chosen; nobody has opened",
       "candidate: promoting; others replicate from it"},
      {Phase::Publishing, "opened, and base is the candidate's whole set",
       "primary: primary; the names are being written"},
      {Phase::Steady, "the names point to the primary", "primary: primary; others replicate"},
  };
  return infos;
}

const std::vector<PhaseEdge>& phase_edges() {
  using P = Phase;
  static const std::vector<PhaseEdge> edges{
      {P::Forming, P::Promoting, "form"},
      {P::Revoking, P::Promoting, "elect"},
      {P::Demoting, P::Promoting, "demoted"},
      {P::Demoting, P::Publishing, "demotion_undone"},
      {P::Demoting, P::Revoking, "demotion_undone"},
      {P::Promoting, P::Publishing, "open"},
      {P::Promoting, P::Promoting, "candidate_lost"},
      {P::Promoting, P::Revoking, "candidate_lost"},
      {P::Publishing, P::Steady, "published"},
      {P::Publishing, P::Demoting, "requested"},
      {P::Steady, P::Demoting, "requested"},
      {P::Publishing, P::Revoking, "requested"},
      {P::Steady, P::Revoking, "requested"},
      {P::Publishing, P::Revoking, "primary_dead"},
      {P::Steady, P::Revoking, "primary_dead"},
      {P::Publishing, P::Revoking, "primary_lost"},
      {P::Steady, P::Revoking, "primary_lost"},
      {P::Publishing, P::Revoking, "primary_cut_off"},
      {P::Steady, P::Revoking, "primary_cut_off"},
      {P::Publishing, P::Revoking, "override"},
      {P::Steady, P::Revoking, "override"},
      {P::Revoking, P::Revoking, "override"},
      {P::Promoting, P::Revoking, "override"},
      {P::Demoting, P::Revoking, "override"},
  };
  return edges;
}

}  // namespace cdb::coordinator
