#pragma once
// Starts the agent of an instance as a VM's service manager would: clean environment, its own
// session, output appended to a log. Single-threaded callers only (it forks).

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "coordinator/instance_init/layout.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

// The child's pid. A program that cannot be executed shows as exit code 126 or 127, with a line in
// the log.
Result<pid_t> start_agent(const std::filesystem::path& program, const InstanceLayout& layout);

// "exit code 3", "signal 9 (Killed)".
std::string describe_exit(int wait_status);

// Points a descriptor at the end of a log file, which is first moved to <file>.1 when it has grown
// large; at /dev/null when the file cannot be opened (a full disk must not keep an agent down).
void append_output_to(const std::filesystem::path& file, int descriptor);

}  // namespace cdb::coordinator
