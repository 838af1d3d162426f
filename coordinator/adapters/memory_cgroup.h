#pragma once
// Memory cgroups of local instances: <hierarchy>/cdb/<group>/<instance>, where group stands for one
// provisioner's root directory. v1 (memory controller) and v2. Blocking; one thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace cdb::coordinator {

struct CgroupHierarchy {
  std::filesystem::path path{};  // where it is mounted
  int version{1};
  friend bool operator==(const CgroupHierarchy&, const CgroupHierarchy&) = default;
};

// The one that has the memory controller, from the text of /proc/self/mountinfo. not_found when
// none is mounted.
Result<CgroupHierarchy> find_memory_hierarchy(std::string_view mountinfo);

class MemoryCgroups {
 public:
  MemoryCgroups(CgroupHierarchy hierarchy, std::string group)
      : hierarchy_(std::move(hierarchy)), group_(std::move(group)) {}

  // Made or, where it is there, given the limit; 0 bytes: no limit. Returns its directory.
  [[nodiscard]] Result<std::filesystem::path> ensure(const std::string& instance,
                                                     uint64_t limit_bytes) const;
  [[nodiscard]] std::filesystem::path path_of(const std::string& instance) const;
  // Without its processes only: Conflict while there are any. Done as well when it is not there.
  [[nodiscard]] Status remove(const std::string& instance) const;

 private:
  CgroupHierarchy hierarchy_;
  std::string group_;
};

}  // namespace cdb::coordinator
