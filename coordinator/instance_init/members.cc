#include "coordinator/instance_init/members.h"

#include <charconv>
#include <csignal>
#include <map>
#include <set>
#include <string_view>

#include <dirent.h>
#include <unistd.h>

#include "coordinator/instance_init/layout.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

pid_t parse_pid(std::string_view text) {
  pid_t pid = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), pid);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? pid : 0;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  DIR* const proc = ::opendir("/proc");
  if (proc == nullptr) return pids;
  while (const dirent* entry = ::readdir(proc)) {
    if (const pid_t pid = parse_pid(entry->d_name); pid > 0) pids.push_back(pid);
  }
  ::closedir(proc);
  return pids;
}

std::string proc_file(pid_t pid, const char* name) {
  return read_file("/proc/" + std::to_string(pid) + "/" + name).value_or("");
}

pid_t parent_of(pid_t pid) {
  // "pid (name) state ppid ...": the name may hold anything.
  const std::string stat = proc_file(pid, "stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  const auto fields = split(std::string_view(stat).substr(name_end), ' ');
  return fields.size() > 2 ? parse_pid(fields[2]) : 0;
}

bool has_mark(pid_t pid, const std::string& directory) {
  const std::string variable = std::string(kInstanceVariable) + "=" + directory;
  for (const std::string& entry : split(proc_file(pid, "environ"), '\0')) {
    if (entry == variable) return true;
  }
  // Only options: an editor or a pager on a file of the instance is none of its processes.
  for (const std::string& argument : split(proc_file(pid, "cmdline"), '\0')) {
    const size_t equals = argument.find('=');
    if (argument.compare(0, 2, "--") != 0 || equals == std::string::npos) continue;
    const std::string_view value = std::string_view(argument).substr(equals + 1);
    if (value == directory || value.substr(0, directory.size() + 1) == directory + "/") return true;
  }
  return false;
}

std::set<pid_t> cgroup_pids(const std::filesystem::path& cgroup) {
  std::set<pid_t> pids;
  if (cgroup.empty()) return pids;
  for (const std::string& line : split(read_file(cgroup / "cgroup.procs").value_or(""), '\n')) {
    if (const pid_t pid = parse_pid(line); pid > 0) pids.insert(pid);
  }
  return pids;
}

}  // namespace

std::vector<process::Identity> members(const Membership& membership) {
  // The identity is taken before the marks are looked at: should the pid be reused in between, the
  // identity is dead and a signal to it goes nowhere.
  std::map<pid_t, process::Identity> identities;
  std::multimap<pid_t, pid_t> children;
  std::vector<pid_t> found;
  if (membership.ancestor > 0) found.push_back(membership.ancestor);
  for (const pid_t pid : all_pids()) {
    const auto identity = process::identify(pid);
    if (!identity) continue;
    identities.emplace(pid, *identity);
    children.emplace(parent_of(pid), pid);
    if (!membership.directory.empty() && has_mark(pid, membership.directory.string())) {
      found.push_back(pid);
    }
  }
  for (const pid_t pid : cgroup_pids(membership.cgroup)) {
    found.push_back(pid);
    // One that was born since the scan.
    if (identities.count(pid) > 0) continue;
    if (const auto identity = process::identify(pid)) identities.emplace(pid, *identity);
  }

  std::set<pid_t> seen{::getpid()};
  std::vector<process::Identity> result;
  while (!found.empty()) {
    const pid_t pid = found.back();
    found.pop_back();
    const bool ancestor = pid == membership.ancestor;
    if (!ancestor && !seen.insert(pid).second) continue;
    const auto known = identities.find(pid);
    if (!ancestor && known != identities.end()) result.push_back(known->second);
    const auto range = children.equal_range(pid);
    for (auto child = range.first; child != range.second; ++child) {
      if (child->second != membership.ancestor) found.push_back(child->second);
    }
  }
  return result;
}

size_t kill_members(const Membership& membership) {
  const auto found = members(membership);
  for (const process::Identity& identity : found) {
    // not_found: it has just ended, which is what is wanted. Other refusals show in the next count.
    const Status sent = process::send_signal(identity, SIGKILL);
    static_cast<void>(sent);
  }
  return found.size();
}

}  // namespace cdb::coordinator
