#pragma once
// A process that can be recognised after a restart of ours: pid plus start time, which together are
// never reused before a reboot (the boot id guards against that). Any thread.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "lib/base/result.h"
#include "lib/base/unique_fd.h"

namespace cdb::process {

struct Identity {
  pid_t pid{0};
  uint64_t start_ticks{0};  // field 22 of /proc/PID/stat
  std::string boot_id{};    // /proc/sys/kernel/random/boot_id
  friend bool operator==(const Identity&, const Identity&) = default;
};

std::string boot_id();
// not_found where there is no such process; a zombie counts as none.
Result<Identity> identify(pid_t pid);
// Whether exactly this process still runs.
bool alive(const Identity& identity);
// Gone, or certain to be: a killed or exiting process executes nothing any more, but keeps its
// memory, files and locks until the kernel has freed them (some 85 ms per GB).
bool ending(const Identity& identity);
// Stopped by a signal, or by a debugger: it runs again when it is continued.
bool suspended(const Identity& identity);
// A pidfd of exactly this process (readable once it has exited); not_found when it is gone.
Result<UniqueFd> open(const Identity& identity);
// Sends a signal to exactly this process; not_found when it is gone.
Status send_signal(const Identity& identity, int signal);

// Removes what is left of it in the process table, where it has ended and was a child of ours (one
// that was started detached is, when we are pid 1 of a container or a subreaper).
void reap(const Identity& identity);

// As one line of JSON, written atomically; read_identity says not_found when there is no file and
// invalid when it is damaged.
Status write_identity(const std::filesystem::path& path, const Identity& identity);
Result<Identity> read_identity(const std::filesystem::path& path);

}  // namespace cdb::process
