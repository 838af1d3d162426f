#include "coordinator/adapters/memory_cgroup.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"

namespace cdb::coordinator {
namespace {

constexpr const char* kParent = "cdb";

// One write, as the kernel wants it: each is a command.
Status command(const std::filesystem::path& file, const std::string& text) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return from_errno("open " + file.string(), errno);
  if (::write(fd.get(), text.data(), text.size()) < 0)
    return from_errno("write " + file.string(), errno);
  return {};
}

bool has_word(const std::filesystem::path& file, const std::string& word) {
  const auto words = split(trim(read_file(file).value_or("")), ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// v2: children get the controller only where the parent passes it on.
Status pass_on(const std::filesystem::path& directory) {
  const auto file = directory / "cgroup.subtree_control";
  return has_word(file, "memory") ? Status() : command(file, "+memory");
}

Status make(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return from_errno("make " + directory.string(), errno);
}

// mountinfo writes blanks and backslashes in paths as \040 and \134.
std::string unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t at) { return static_cast<int>(text[at] - '0'); };
    if (text[i] == '\\' && i + 3 < text.size()) {
      result += static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

Result<CgroupHierarchy> find_memory_hierarchy(std::string_view mountinfo) {
  std::optional<CgroupHierarchy> unified;
  for (const std::string& line : split(mountinfo, '\n')) {
    // id parent device root mount-point options [optional...] - type source super-options
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto before = split(std::string_view(line).substr(0, dash), ' ');
    const auto after = split(std::string_view(line).substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    const std::filesystem::path path = unescape(before[4]);
    if (after[0] == "cgroup") {
      const auto options = split(after[2], ',');
      if (std::find(options.begin(), options.end(), "memory") != options.end()) {
        return CgroupHierarchy{path, 1};
      }
    } else if (after[0] == "cgroup2" && has_word(path / "cgroup.controllers", "memory")) {
      unified = CgroupHierarchy{path, 2};
    }
  }
  if (unified) return *unified;
  return not_found("no cgroup hierarchy with the memory controller is mounted");
}

std::filesystem::path MemoryCgroups::path_of(const std::string& instance) const {
  return hierarchy_.path / kParent / group_ / instance;
}

Result<std::filesystem::path> MemoryCgroups::ensure(const std::string& instance,
                                                    uint64_t limit_bytes) const {
  const auto path = path_of(instance);
  const auto group = path.parent_path();
  const auto parent = group.parent_path();
  // Another provisioner's last removal may take the empty parents away between our steps.
  Status made;
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (const auto& directory : {parent, group, path}) {
      made = make(directory);
      if (!made) break;
    }
    if (made || made.error().code != Code::NotFound) break;
  }
  CDB_TRY(made);
  const std::string limit = std::to_string(limit_bytes);
  if (hierarchy_.version == 2) {
    for (const auto& directory : {hierarchy_.path, parent, group})
      CDB_TRY(pass_on(directory));
    CDB_TRY(command(path / "memory.max", limit_bytes == 0 ? "max" : limit));
  } else {
    CDB_TRY(command(path / "memory.limit_in_bytes", limit_bytes == 0 ? "-1" : limit));
  }
  return path;
}

Status MemoryCgroups::remove(const std::string& instance) const {
  const auto path = path_of(instance);
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return {};
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) {
    if (errno == EBUSY) return conflict("cgroup " + path.string() + " still has processes");
    return from_errno("remove " + path.string(), errno);
  }
  // The parents go with the last of their children; until then the kernel refuses, rightly.
  ::rmdir(path.parent_path().c_str());
  ::rmdir(path.parent_path().parent_path().c_str());
  return {};
}

}  // namespace cdb::coordinator
