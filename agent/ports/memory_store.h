#pragma once
// Where NodeMemory survives the agent. Blocking; one thread.

#include "agent/core/memory.h"
#include "lib/base/result.h"

namespace cdb::agent {

class MemoryStore {
 public:
  virtual ~MemoryStore() = default;
  // An empty memory only where nothing was ever saved; a damaged or lost file is an error.
  virtual Result<NodeMemory> load() = 0;
  // On disk when it returns; after an error the old memory stands.
  virtual Status save(const NodeMemory& memory) = 0;
};

}  // namespace cdb::agent
