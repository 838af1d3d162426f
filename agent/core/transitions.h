#pragma once
// The node's transition table: (goal, reported) -> one idempotent action, with a sentence that is
// both the log line and the documentation. Pure.

#include <optional>
#include <string_view>
#include <vector>

#include "agent/core/situation.h"

namespace cdb::agent {

enum class Action {
  None,          // as it should be, or nothing to be done but wait
  Initialise,    // make an empty data directory
  Start,         // write my.cnf, start mysqld closed
  Trim,          // cut off the binary log what nobody acknowledged, then start
  Follow,        // replicate from the goal's source (seeding first where that is needed)
  StopReceiver,  // revoke
  Prepare,       // drain, forget the source, set semi-sync; stay read-only
  Open,          // become writable
  Adjust,        // set the acknowledgements that a primary waits for, and mark it
  Close,         // gently: read-only for good, its ackers being alive
  Kill,          // SIGKILL: nothing it was about to acknowledge can get out
  Reseed,        // archive the binary logs, wipe, begin anew
};
std::string_view to_string(Action action);

struct Transition {
  Action action{Action::None};
  std::string_view sentence{};
};

// The next step for this situation.
Transition next_transition(const Situation& situation);

// One row of the table, for the documentation and its tests. `reported` none: any.
struct TransitionRow {
  model::NodeState goal{};
  std::optional<model::NodeState> reported{};
  Action action{};
  std::string_view sentence{};
};
const std::vector<TransitionRow>& transition_table();

}  // namespace cdb::agent
