#pragma once
// What every part of one simulated story shares: time, chance, the network, the story that is told
// and what is counted.

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lib/model/gtid_set.h"
#include "tests/sim/network.h"
#include "tests/sim/random.h"
#include "tests/sim/timeline.h"

namespace cdb::sim {

// What a run has reached, of all its stories.
struct Counters {
  // Steps: what is delivered, written, timed or broken.
  uint64_t messages{0};
  uint64_t disk_writes{0};
  uint64_t timers{0};
  uint64_t faults{0};

  uint64_t stories{0};
  uint64_t promotions{0};   // openings in a new epoch
  uint64_t reopenings{0};   // in the same one
  uint64_t blocks{0};       // times that a record came to be blocked
  uint64_t stuck_truly{0};  // stories that ended blocked for a true reason
  uint64_t rejoins{0};      // former primaries that came back as replicas
  uint64_t trims{0};        // tails cut off a former primary's log
  uint64_t seeds{0};        // data directories made anew or cloned
  uint64_t lost_coordinators{0};
  uint64_t lost_at_commit{0};  // of these, between the commit and what follows from it
  uint64_t double_faults{0};   // faults while another one's effect lasted
  uint64_t acknowledged{0};    // writes
  uint64_t reads{0};
  uint64_t lost_asynchronous{0};  // acknowledged writes that an asynchronous cluster lost

  [[nodiscard]] uint64_t steps() const { return messages + disk_writes + timers + faults; }
  void add(const Counters& other);
};

// The story in readable lines, and how it went wrong. Kept only where somebody will read it.
class Story {
 public:
  Story(const Timeline& timeline, bool told) : timeline_(timeline), told_(told) {}

  [[nodiscard]] bool told() const { return told_; }
  template <typename... Args>
  void tell(const std::string& who, fmt::format_string<Args...> format, Args&&... args) {
    if (told_) add(who, fmt::format(format, std::forward<Args>(args)...));
  }
  // An invariant is broken. The first one counts.
  void fail(std::string what);
  [[nodiscard]] bool failed() const { return !failure_.empty(); }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  void add(const std::string& who, std::string what);

  const Timeline& timeline_;
  bool told_;
  std::vector<std::string> lines_{};
  std::string failure_{};
};

// A transaction, wherever it is found: the GTID, and which write it was.
struct Transaction {
  int uuid{0};  // index into Transactions::uuids
  int64_t number{0};
  uint64_t row{0};  // a client's write; 0: a marker
};
using TransactionId = uint32_t;

struct Transactions {
  std::vector<std::string> uuids{};
  std::vector<Transaction> all{};

  int new_uuid();
  [[nodiscard]] const std::string& uuid(TransactionId id) const {
    return uuids[static_cast<size_t>(all[id].uuid)];
  }
  void add_to(model::GtidSet& set, TransactionId id) const {
    set.add(uuid(id), {all[id].number, all[id].number});
  }
  [[nodiscard]] model::GtidSet as_set(TransactionId id) const {
    model::GtidSet set;
    add_to(set, id);
    return set;
  }
  [[nodiscard]] bool contained(const model::GtidSet& set, TransactionId id) const {
    return set.contains(as_set(id));
  }
};

// Faults that a story may hold. Those whose handling the product does not have yet are off.
struct Options {
  bool wipe_nodes{false};     // a machine comes back with nothing, its promises included
  bool lose_relay_log{true};  // a machine's crash takes what was received and not synced
  bool pause_machines{true};
  bool stall_mysqld{true};
  // Of the world, where a bug is to be found: a server that drops its relay log at every start.
  bool relay_log_recovery{false};
};

struct Stage {
  Stage(uint64_t seed, bool told, Options chosen, int hosts)
      : options(chosen),
        random(seed),
        story(timeline, told),
        network(timeline, random, hosts, counts.messages) {}

  Options options;
  Timeline timeline{};
  Random random;
  Counters counts{};
  Story story;
  Network network;
  Transactions transactions{};
};

}  // namespace cdb::sim
