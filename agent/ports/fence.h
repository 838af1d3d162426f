#pragma once
// The gate in front of this node's MySQL port: who may reach it, and until when. Closed is the
// state of rest: nothing passes but admitted peers. An open gate shuts by itself when its time is
// over, also while the agent is dead, stopped or starved. Any one thread at a time; no call blocks
// for longer than a few milliseconds.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace cdb::agent {

// The other members of the cluster, by the addresses their traffic comes from. A member in neither
// set is a stranger: it gets in while the gate is open, as any client does.
struct Admission {
  std::set<std::string> admitted{};  // may replicate from here, whether the gate is open or not
  std::set<std::string> barred{};    // may not reach the port at all
  friend bool operator==(const Admission&, const Admission&) = default;
};

class Fence {
 public:
  virtual ~Fence() = default;
  // How well it holds: "kernel" (also without this agent), "server" (while this agent lives).
  [[nodiscard]] virtual std::string_view kind() const = 0;
  // Puts the gate in place, shut unless an earlier agent's lease still runs. Idempotent.
  virtual Status install() = 0;
  // Idempotent; connections of members that are barred now are cut. When it returns, nothing they
  // send arrives any more.
  virtual Status admit(const Admission& admission) = 0;
  // Open until then; replaces an earlier time, also a later one. A time that has passed shuts it.
  // Where the gate was shut, what is left of old client connections is destroyed first, so that no
  // answer of an earlier epoch gets out.
  virtual Status open_until(Instant until) = 0;
  // Shut now, and client connections destroyed (those in FIN-WAIT too).
  virtual Status shut() = 0;
  // Until when it is open; none where it is shut. What an earlier agent left counts.
  virtual Result<std::optional<Instant>> open_now() = 0;
  // Nothing of it is left: for the end of the package.
  virtual Status remove() = 0;
};

}  // namespace cdb::agent
