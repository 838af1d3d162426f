#pragma once
// NodeMemory in one file of the state directory, and an exclusive lock on that directory. A file
// that is damaged, or gone although there once was one, is an error: never a fresh start.

#include <filesystem>
#include <memory>

#include "agent/ports/memory_store.h"
#include "lib/base/unique_fd.h"

namespace cdb::agent {

class MemoryFile final : public MemoryStore {
 public:
  // Makes the directory (0700). Conflict: another agent has it.
  static Result<std::unique_ptr<MemoryFile>> open(const std::filesystem::path& state_dir);

  Result<NodeMemory> load() override;
  Status save(const NodeMemory& memory) override;

 private:
  MemoryFile(std::filesystem::path directory, UniqueFd lock);
  [[nodiscard]] std::filesystem::path file() const { return directory_ / "node.json"; }
  [[nodiscard]] std::filesystem::path secrets() const { return directory_ / "accounts.json"; }
  // Stays when the file goes: tells a lost memory from one that never was.
  [[nodiscard]] std::filesystem::path marker() const { return directory_ / "initialized"; }

  std::filesystem::path directory_;
  UniqueFd lock_;
  std::optional<model::Credentials> saved_credentials_{};
};

}  // namespace cdb::agent
