#pragma once
// What the engine knows for as long as it lives and does not keep: sessions, reports, timers.
// Values of the engine thread.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/core/state.h"
#include "coordinator/engine/effects.h"

namespace cdb::coordinator {

struct NodeRuntime {
  uint64_t session{0};  // 0: none open
  std::shared_ptr<AgentSink> sink{};
  bool reported{false};  // in the present session
  std::optional<model::NodeReport> report{};
  std::optional<model::GtidSet> last_executed{};  // by the last report of a mysqld that answered
  Instant heard_at{};                             // by the last report of the present session
  Instant lease_until{};                          // what it was granted has lapsed by then for sure
  Instant absence_over{};      // so is what it was granted for an announced absence
  uint64_t promised_epoch{0};  // the epoch of its last report, and since when that is so
  Instant promised_since{};
  std::optional<Instant> writable_at{};  // when it last said that it is a writable primary
  std::optional<Instant> lost_at{};      // when the last session ended, or the node was first known
  std::optional<model::NodeGoal> sent{};  // the goal this session was last given
  // The machine.
  bool running{false};
  bool asked{false};  // an ensure or remove is under way
  Instant asked_at{};
  Instant ask_after{};
  // The provisioner said so after the last session had ended, and none has begun since.
  bool machine_off{false};
  std::string machine_problem{};
  bool removed{false};
};

struct ClusterRuntime {
  Phase phase{Phase::Forming};
  Instant phase_since{};
  std::optional<Instant> ackers_short_since{};
  Instant known_since{};               // to this coordinator
  std::optional<Instant> gap_since{};  // the last writable report before an election under way
  struct Before {
    std::string token{};  // of the request whose programs were started
    Instant until{};
    bool done{false};
  };
  Before before{};
  std::string last_why{};  // the last decision that changed nothing, logged once
  // The names.
  std::optional<DnsRecords> published{};
  std::optional<DnsRecords> publishing{};
  Instant publish_after{};
  std::string dns_problem{};
  bool names_removed{false};
  bool removing_names{false};
};

}  // namespace cdb::coordinator
