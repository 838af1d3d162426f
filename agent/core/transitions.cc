#include "agent/core/transitions.h"

#include <algorithm>

namespace cdb::agent {
namespace {

using model::MysqldState;
using model::NodeState;
using S = NodeState;

// How long a dead mysqld is left alone, so that the coordinator can fail over instead.
constexpr Duration kVerdict = std::chrono::milliseconds(1500);
// An agent that has just begun (its machine came back) waits this long to be told who is primary.
constexpr Duration kHearing = std::chrono::seconds(3);
// How long a former primary waits for another to open, which tells what nobody acknowledged.
constexpr Duration kOpening = std::chrono::seconds(10);
constexpr Duration kFencedRest = std::chrono::seconds(3);

// The rows for a server that runs. First match wins; a row without `reported` ends its goal.
std::vector<TransitionRow> make_table() {
  std::vector<TransitionRow> rows;
  for (const S goal : {S::Replica, S::Acker}) {
    rows.push_back({goal, S::Primary, Action::Kill,
                    "a deposed primary is killed before it can acknowledge anything"});
    rows.push_back({goal, S::PrimaryUnprotected, Action::Kill,
                    "a deposed primary is killed before it can acknowledge anything"});
    rows.push_back(
        {goal, S::Seeding, Action::Reseed, "a copy that was cut short is wiped, and begun anew"});
    rows.push_back({goal, S::Quarantined, Action::Reseed,
                    "it has transactions that the cluster has not: archived, then seeded anew"});
    rows.push_back({goal, S::RejoinCheck, Action::Follow,
                    "it has nothing that the cluster has not: it replicates"});
    rows.push_back(
        {goal, S::Fenced, Action::Follow, "the former primary replicates from the new one"});
    rows.push_back({goal, S::Revoked, Action::Follow, "it replicates from the elected primary"});
    rows.push_back(
        {goal, S::Draining, Action::Follow, "it was not elected after all: it replicates"});
    rows.push_back(
        {goal, S::Promoting, Action::Follow, "it was not elected after all: it replicates"});
    rows.push_back(
        {goal, S::CatchingUp, Action::Follow, "it replicates from its source and catches up"});
  }
  rows.push_back({S::Replica, S::Acker, Action::Follow, "it replicates without acknowledging"});
  rows.push_back({S::Replica, S::Replica, Action::None, "it replicates"});
  rows.push_back({S::Acker, S::Replica, Action::Follow, "it begins to acknowledge"});
  rows.push_back({S::Acker, S::Acker, Action::None, "it replicates and acknowledges"});

  rows.push_back({S::Revoked, S::Primary, Action::Kill,
                  "a deposed primary is killed before it can acknowledge anything"});
  rows.push_back({S::Revoked, S::PrimaryUnprotected, Action::Kill,
                  "a deposed primary is killed before it can acknowledge anything"});
  for (const S reported : {S::Replica, S::Acker, S::CatchingUp}) {
    rows.push_back({S::Revoked, reported, Action::StopReceiver,
                    "its receiver is stopped: it acknowledges nothing more for the old epoch"});
  }
  rows.push_back({S::Revoked, std::nullopt, Action::None, "it waits for the election"});

  for (const S reported : {S::Primary, S::PrimaryUnprotected}) {
    rows.push_back({S::Promoting, reported, Action::Close,
                    "elected again: it is closed before it is prepared"});
  }
  rows.push_back({S::Promoting, S::Promoting, Action::None,
                  "it is drained and prepared, and waits to be opened"});
  rows.push_back({S::Promoting, std::nullopt, Action::Prepare,
                  "it drains what it received and is prepared, read-only"});

  for (const S goal : {S::Primary, S::PrimaryUnprotected}) {
    for (const S reported : {S::Primary, S::PrimaryUnprotected}) {
      rows.push_back({goal, reported, Action::Adjust, "it is the primary"});
    }
    for (const S reported : {S::Promoting, S::RejoinCheck, S::Fenced}) {
      rows.push_back({goal, reported, Action::Open, "it is opened"});
    }
    rows.push_back(
        {goal, std::nullopt, Action::None, "it still replicates: it waits for an election"});
  }

  for (const S reported : {S::Primary, S::PrimaryUnprotected}) {
    rows.push_back({S::Fenced, reported, Action::Kill,
                    "a deposed primary is killed before it can acknowledge anything"});
  }
  rows.push_back({S::Fenced, S::RejoinCheck, Action::Close,
                  "it is up and closed: it makes sure, and says all that it has"});
  rows.push_back({S::Fenced, std::nullopt, Action::None, "it stays closed"});

  for (const S reported : {S::Primary, S::PrimaryUnprotected}) {
    rows.push_back({S::Maintenance, reported, Action::Kill,
                    "a node that a person has must not be writable: its writes would be lost"});
  }
  rows.push_back({S::Maintenance, S::Maintenance, Action::None, "a person has it: hands off"});
  rows.push_back({S::Maintenance, std::nullopt, Action::Follow,
                  "before a person has it, it replicates without acknowledging"});
  return rows;
}

// What a start would commit for good: the end of a deposed primary's binary log, which waited for
// acknowledgements when mysqld was killed.
std::optional<Transition> about_tail(const Situation& s) {
  const bool replicates = s.goal.state == S::Replica || s.goal.state == S::Acker;
  const bool deposed = s.written_epoch > 0 && s.goal.record.epoch > s.written_epoch;
  if (!replicates || !deposed || !s.goal.base) return std::nullopt;
  const bool opened = !s.goal.source_uuid.empty();
  if (!opened && s.mysqld_down_for < kOpening) {
    return Transition{Action::None,
                      "a former primary stays down until another has opened, which tells what "
                      "nobody acknowledged"};
  }
  if (!opened || !s.goal.may_trim) return std::nullopt;
  return Transition{Action::Trim,
                    "a former primary: what nobody acknowledged is cut off its binary log, then "
                    "mysqld is started, closed"};
}

// The process first: what to do about a mysqld that does not run.
std::optional<Transition> about_process(const Situation& s) {
  if (s.goal.state == S::Maintenance && s.mysqld != MysqldState::Running)
    return Transition{Action::None, "a person has it: hands off"};
  switch (s.mysqld) {
    case MysqldState::Running: return std::nullopt;
    case MysqldState::Starting: return Transition{Action::None, "mysqld is starting"};
    case MysqldState::Stalled:
      // Deposed, it can neither be asked to close nor prove that it has.
      if (s.goal.state == S::Fenced && !s.goal.planned)
        return Transition{Action::Kill, "a deposed primary that does not answer is killed"};
      return Transition{Action::None, "mysqld does not answer"};
    case MysqldState::NotInitialised:
      if (s.goal.may_initialise)
        return Transition{Action::Initialise, "a new data directory is made"};
      return Transition{Action::None, "the data directory is gone: it waits for another role"};
    case MysqldState::Stopped: break;
  }
  const bool primary = s.goal.state == S::Primary || s.goal.state == S::PrimaryUnprotected;
  // Boot 0 has never run: there is no verdict to wait for.
  const bool had_life = s.boot > 0 && !s.goal.sole;
  const Duration verdict = s.coordinator_connected ? kVerdict : kHearing;
  if (primary && had_life && s.mysqld_down_for < verdict) {
    return Transition{Action::None, "mysqld has ended: the coordinator decides what follows"};
  }
  if (s.goal.state == S::Fenced && s.mysqld_down_for < kFencedRest) {
    return Transition{Action::None, "it stays down while another is elected"};
  }
  if (const auto step = about_tail(s)) return *step;
  return Transition{Action::Start, "mysqld is started, closed"};
}

// A copy that was cut short is nothing, whatever its GTIDs say.
std::optional<Transition> about_half_copy(const Situation& s) {
  if (!s.seeding || s.mysqld == MysqldState::NotInitialised) return std::nullopt;
  if (s.goal.state == S::Replica || s.goal.state == S::Acker)
    return Transition{Action::Reseed, "a copy that was cut short is wiped, and begun anew"};
  return Transition{Action::None, "a copy that was cut short counts for nothing"};
}

bool may_open(const Situation& s) {
  return s.goal.open_boot == s.boot || s.goal.sole;
}

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::None: return "none";
    case Action::Initialise: return "initialise";
    case Action::Start: return "start";
    case Action::Trim: return "trim";
    case Action::Follow: return "follow";
    case Action::StopReceiver: return "stop_receiver";
    case Action::Prepare: return "prepare";
    case Action::Open: return "open";
    case Action::Adjust: return "adjust";
    case Action::Close: return "close";
    case Action::Kill: return "kill";
    case Action::Reseed: return "reseed";
  }
  return "none";
}

const std::vector<TransitionRow>& transition_table() {
  static const std::vector<TransitionRow> table = make_table();
  return table;
}

Transition next_transition(const Situation& s) {
  if (const auto step = about_half_copy(s)) return *step;
  if (const auto step = about_process(s)) return *step;
  const NodeState reported = classify(s);
  const bool follows = s.goal.state == S::Replica || s.goal.state == S::Acker;
  const bool closed = s.server && s.server->read_only;
  if (follows && closed && s.goal.may_reseed && s.coordinator_connected && !s.goal.reseed.empty() &&
      s.goal.reseed == s.incarnation) {
    return {Action::Reseed,
            "a person asked for it: its binary logs are archived, then it is seeded"};
  }
  const auto& table = transition_table();
  const auto row = std::find_if(table.begin(), table.end(), [&](const TransitionRow& candidate) {
    return candidate.goal == s.goal.state &&
           (!candidate.reported || candidate.reported == reported);
  });
  if (row == table.end()) return {Action::None, "nothing is asked of it"};
  switch (row->action) {
    case Action::Open:
      if (!may_open(s))
        return {Action::None,
                "mysqld was restarted: it stays closed until the coordinator opens it"};
      break;
    case Action::Reseed:
      // The permission is of the moment: with the coordinator away it may have gone.
      if (!s.goal.may_reseed || !s.coordinator_connected)
        return {Action::None,
                "it has transactions that the cluster has not: it waits to be seeded"};
      break;
    case Action::Kill:
      if (s.goal.state == S::Fenced && s.goal.planned)
        return {Action::Close, "planned: it closes while its ackers are there"};
      break;
    case Action::Adjust: {
      const auto& semisync = s.server->semisync;
      const bool acks_right =
          s.goal.acks_required == 0
              ? !semisync.source_enabled
              : semisync.source_enabled && semisync.acks_required == s.goal.acks_required;
      if (acks_right && s.marked == s.goal.record) return {Action::None, "it is the primary"};
      break;
    }
    case Action::Follow:
      if (!s.goal.source) return {Action::None, "it waits to hear whom to replicate from"};
      break;
    case Action::None:
    case Action::Initialise:
    case Action::Start:
    case Action::Trim:
    case Action::StopReceiver:
    case Action::Prepare:
    case Action::Close: break;
  }
  return {row->action, row->sentence};
}

}  // namespace cdb::agent
