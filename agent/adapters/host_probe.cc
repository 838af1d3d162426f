#include "agent/adapters/host_probe.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>
#include <sys/statvfs.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;

// A leading number; none for "max" and the like.
std::optional<int64_t> leading_number(std::string_view text) {
  const std::string_view plain = trim(text);
  int64_t number = 0;
  const auto parsed = std::from_chars(plain.data(), plain.data() + plain.size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<int64_t> number_in(const fs::path& file) {
  const auto content = read_file(file);
  return content ? leading_number(*content) : std::nullopt;
}

// The directories of our cgroup in the tree of a controller ("" is v2), up to the tree's root. In a
// container the path may not exist below the mount: then what is mounted is our own.
std::vector<fs::path> cgroup_dirs(const fs::path& root, const std::string& controller) {
  const auto cgroups = read_file(root / "proc/self/cgroup");
  std::vector<fs::path> dirs;
  if (!cgroups) return dirs;
  for (const std::string& line : split(*cgroups, '\n')) {  // "4:memory:/path", v2: "0::/path"
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto names = split(line.substr(first + 1, second - first - 1), ',');
    if (std::find(names.begin(), names.end(), controller) == names.end()) continue;
    const fs::path relative = fs::path(line.substr(second + 1)).relative_path();
    std::vector<fs::path> mounts;
    if (controller.empty()) {
      mounts = {root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"};
    } else {
      mounts = {root / "sys/fs/cgroup" / controller};
    }
    for (const fs::path& mount : mounts) {
      for (fs::path path = relative; !path.empty(); path = path.parent_path())
        dirs.push_back(mount / path);
      dirs.push_back(mount);
    }
  }
  return dirs;
}

Result<struct statvfs> filesystem_of(const fs::path& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) {
    return from_errno("look at the filesystem of " + directory.string(), errno);
  }
  return info;
}

}  // namespace

Result<uint64_t> HostProbe::memory_bytes() const {
  CDB_ASSIGN_OR_RETURN(const std::string meminfo, read_file(root_ / "proc/meminfo"));
  constexpr std::string_view kTotal = "MemTotal:";
  const size_t found = meminfo.find(kTotal);
  const auto total_kib =
      found == std::string::npos
          ? std::nullopt
          : leading_number(std::string_view(meminfo).substr(found + kTotal.size()));
  if (!total_kib || *total_kib <= 0)
    return internal("no MemTotal in " + (root_ / "proc/meminfo").string());
  auto least = static_cast<uint64_t>(*total_kib) * 1024;
  const auto lower_to = [&least](const std::optional<int64_t>& limit) {
    if (limit && *limit > 0) least = std::min(least, static_cast<uint64_t>(*limit));
  };
  for (const fs::path& dir : cgroup_dirs(root_, "memory"))
    lower_to(number_in(dir / "memory.limit_in_bytes"));
  for (const fs::path& dir : cgroup_dirs(root_, ""))
    lower_to(number_in(dir / "memory.max"));
  return least;
}

Result<int> HostProbe::vcpu_count() const {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return from_errno("count the processors", errno);
  }
  int64_t least = CPU_COUNT(&allowed);
  // A quota of 1.5 processors counts as 2: less would leave allowed time unused.
  const auto lower_to = [&least](int64_t quota_us, int64_t period_us) {
    if (quota_us > 0 && period_us > 0) {
      least = std::min(least, (quota_us + period_us - 1) / period_us);
    }
  };
  for (const fs::path& dir : cgroup_dirs(root_, "cpu")) {
    const auto quota = number_in(dir / "cpu.cfs_quota_us");
    const auto period = number_in(dir / "cpu.cfs_period_us");
    if (quota && period) lower_to(*quota, *period);
  }
  for (const fs::path& dir : cgroup_dirs(root_, "")) {
    const auto content = read_file(dir / "cpu.max");  // "max 100000" or "150000 100000"
    if (!content) continue;
    const auto words = split(trim(*content), ' ');
    const auto quota = leading_number(words.front());
    const auto period = words.size() > 1 ? leading_number(words[1]) : std::nullopt;
    if (quota && period) lower_to(*quota, *period);
  }
  return static_cast<int>(std::max<int64_t>(least, 1));
}

Result<uint64_t> HostProbe::disk_free_bytes(const fs::path& directory) {
  CDB_ASSIGN_OR_RETURN(const auto info, filesystem_of(directory));
  return uint64_t{info.f_bavail} * info.f_frsize;
}

Result<uint64_t> HostProbe::disk_size_bytes(const fs::path& directory) {
  CDB_ASSIGN_OR_RETURN(const auto info, filesystem_of(directory));
  return uint64_t{info.f_blocks} * info.f_frsize;
}

}  // namespace cdb::agent
