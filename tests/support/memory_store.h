#pragma once
// A StateStore that forgets everything with the test. One thread.

#include <vector>

#include "coordinator/ports/state_store.h"

namespace cdb::coordinator::test {

class MemoryStore final : public StateStore {
 public:
  Result<Snapshot> load() override { return state; }

  Result<std::vector<Event>> commit(const Changes& changes) override {
    for (const Resource& resource : changes.put_resources)
      state.resources[resource.key] = resource;
    for (const ResourceKey& key : changes.erase_resources)
      state.resources.erase(key);
    for (const ClusterRow& row : changes.put_clusters)
      state.clusters[row.id] = row;
    for (const model::ClusterId& id : changes.erase_clusters)
      state.clusters.erase(id);
    for (const Operation& operation : changes.put_operations)
      state.operations[operation.id] = operation;
    std::vector<Event> stored = changes.events;
    for (Event& event : stored) {
      event.sequence = ++state.last_event;
      told.push_back(event);
    }
    return stored;
  }

  Result<std::vector<Event>> events(const EventQuery&) override { return told; }

  Snapshot state{};
  std::vector<Event> told{};
};

}  // namespace cdb::coordinator::test
