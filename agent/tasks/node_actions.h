#pragma once
// Carries out one Action of the transition table on the real node. Each is idempotent, takes a few
// seconds at most (but Initialise and a seed), and says Deadline when it wants to be called again.
// One thread: the NodeTask's.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/memory.h"
#include "agent/core/situation.h"
#include "agent/core/transitions.h"
#include "agent/ports/config_files.h"
#include "agent/ports/lease_keeper.h"
#include "agent/ports/memory_store.h"
#include "agent/ports/mysql_process.h"
#include "agent/ports/mysql_server.h"
#include "agent/tasks/tail_trimmer.h"

namespace cdb::agent {

struct NodePorts {
  MysqlServer& server;
  MysqlProcess& process;
  ConfigFiles& config;
  MemoryStore& store;
  LeaseKeeper& lease;
};

// What actions leave behind for the next look; lost with the agent, which is always safe.
struct Progress {
  uint64_t closed_epoch{0};
  uint64_t prepared_epoch{0};
  model::RecordVersion marked{};
  std::optional<model::GtidSet> marker{};
  std::optional<model::GtidSet> final_set{};
  bool accounts_ready{false};            // for the present boot
  std::optional<Instant> followed_at{};  // when replication was last (re)started
  std::vector<std::string> pending_restart{};
  std::map<std::string, std::string> applied{};  // settings changed online since mysqld started
};

class NodeActions {
 public:
  NodeActions(NodePorts ports, NodeMemory& memory, Progress& progress, const Clock& clock);

  Status run(Action action, const Situation& situation);
  // Accounts and settings of a running server: cheap when they are right.
  Status keep_in_shape(const Situation& situation);
  // Told how far a long action is; answers whether it is to go on.
  void on_progress(std::function<bool(const std::string&)> progress) {
    tell_ = std::move(progress);
  }
  // What is left to do about a tail that was cut off, with the server up.
  Status settle_tail(Situation& situation) { return tail_.settle(situation); }

 private:
  Status initialise(const Situation& s);
  Status start(const Situation& s);
  Status trim(const Situation& s);
  Status follow(const Situation& s);
  Status stop_receiver(const Situation& s);
  Status prepare(const Situation& s);
  Status open(const Situation& s);
  Status adjust(const Situation& s);
  Status close(const Situation& s);
  Status kill(const Situation& s);
  Status reseed(const Situation& s);
  Status mark(const Situation& s);
  Status seed_from_source(const Situation& s, bool purged);
  Status seed_by_copy(const Situation& s);
  Status begin_new_copy(bool seeding);

  NodePorts ports_;
  NodeMemory& memory_;
  Progress& progress_;
  TailTrimmer tail_;
  const Clock& clock_;
  std::function<bool(const std::string&)> tell_{[](const std::string&) { return true; }};
};

// A random name for a copy of the data.
std::string new_incarnation();

}  // namespace cdb::agent
