#pragma once
// Which processes belong to an instance, and their end. Reads all of /proc: some milliseconds.
// Blocking; any thread.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/process/identity.h"

namespace cdb::coordinator {

// How members are recognised: any of the marks is enough, and what a member started is one too.
struct Membership {
  std::filesystem::path directory{};  // in the environment (CDB_INSTANCE) or in an --option=
                                      // argument; empty: not looked at
  std::filesystem::path cgroup{};     // listed in its cgroup.procs; empty: none
  pid_t ancestor{0};                  // started by it, directly or not; 0: nobody
};

// All but the caller and the ancestor. Processes that have exited do not count.
std::vector<process::Identity> members(const Membership& membership);
// Sends each member a SIGKILL; returns how many there were. Call until it returns 0.
size_t kill_members(const Membership& membership);

}  // namespace cdb::coordinator
