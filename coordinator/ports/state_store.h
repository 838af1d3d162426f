#pragma once
// Where the coordinator's state survives it. One process has it open. commit() may be called from
// any thread and is serialised; it returns once the change is on disk.

#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/core/state.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

struct EventQuery {
  std::optional<model::ClusterId> cluster{};
  uint64_t after{0};   // sequence
  size_t limit{1000};  // the newest so many, ascending
};

class StateStore {
 public:
  virtual ~StateStore() = default;
  // Everything, once at start.
  virtual Result<Snapshot> load() = 0;
  // All of it or nothing. Refuses with Conflict a cluster whose stored record has a higher
  // (epoch, version). Returns the events with their sequence numbers. After any error the state on
  // disk is the old one, or, with OutcomeUnknown, must be loaded again.
  virtual Result<std::vector<Event>> commit(const Changes& changes) = 0;
  virtual Result<std::vector<Event>> events(const EventQuery& query) = 0;
};

}  // namespace cdb::coordinator
