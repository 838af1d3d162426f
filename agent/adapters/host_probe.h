#pragma once
// What the machine has, as far as this process may use it. Cheap and blocking; any thread.

#include <cstdint>
#include <filesystem>

#include "lib/base/result.h"

namespace cdb::agent {

class HostProbe {
 public:
  // Tests give another root than / for proc/ and sys/.
  explicit HostProbe(std::filesystem::path root = "/") : root_(std::move(root)) {}

  // The smallest of MemTotal and the limits of our cgroups (v1 and v2) up to the root of each tree.
  [[nodiscard]] Result<uint64_t> memory_bytes() const;
  // The processors that we may run on, or fewer where a cgroup's quota (v1 or v2) allows less time;
  // at least 1.
  [[nodiscard]] Result<int> vcpu_count() const;

  // What is free for others than root on the filesystem of the directory.
  [[nodiscard]] static Result<uint64_t> disk_free_bytes(const std::filesystem::path& directory);
  [[nodiscard]] static Result<uint64_t> disk_size_bytes(const std::filesystem::path& directory);

 private:
  std::filesystem::path root_;
};

}  // namespace cdb::agent
