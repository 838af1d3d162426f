#pragma once
// Starts a program that outlives us: in a session of its own, no child of ours, with none of our
// descriptors; it stays in our cgroup. Blocking, for milliseconds; any thread.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/process/identity.h"

namespace cdb::process {

struct Detached {
  std::filesystem::path path{};          // absolute
  std::vector<std::string> arguments{};  // without the program's name
  std::filesystem::path output{};        // standard output and error are appended to it
};

// The program is let go only after `record` was given its identity and succeeded, so a crash of
// ours at any moment leaves either a recorded process or none. Standard input is /dev/null, the
// working directory /, the environment ours without what a service manager put there for us.
Result<Identity> start_detached(const Detached& program,
                                const std::function<Status(const Identity&)>& record);

}  // namespace cdb::process
