#pragma once
// Cuts off a deposed primary's binary log what nobody acknowledged, so that the next start rolls it
// back, and makes sure afterwards that it did. An agent that dies at any point leaves a state from
// which the next one goes on: the whole log is kept aside first, then remembered, then cut. One
// thread: the NodeTask's.

#include <string>
#include <vector>

#include "agent/core/memory.h"
#include "agent/core/situation.h"
#include "agent/ports/memory_store.h"
#include "agent/ports/mysql_process.h"
#include "agent/ports/mysql_server.h"

namespace cdb::agent {

class TailTrimmer {
 public:
  TailTrimmer(MysqlServer& server, MysqlProcess& process, MemoryStore& store, NodeMemory& memory)
      : server_(server), process_(process), store_(store), memory_(memory) {}

  // With mysqld down. A tail that cannot be cut is no error: after the start the node is seen to
  // have diverged, and is seeded anew. An error: nothing was cut, and it may be tried again.
  Status cut(const Situation& situation);
  // What the next start has to be told, so that its log says what was rolled back.
  [[nodiscard]] std::vector<std::string> start_options() const;
  // With mysqld up: proves an owed rollback, and forgets the past as a primary once all that the
  // node has is in the cluster. Cheap when there is nothing to do. Sets situation.trim_failed.
  Status settle(Situation& situation);

 private:
  Status prove(const Situation& situation);
  Status save(const NodeMemory& next);

  MysqlServer& server_;
  MysqlProcess& process_;
  MemoryStore& store_;
  NodeMemory& memory_;
};

}  // namespace cdb::agent
