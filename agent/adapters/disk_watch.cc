#include "agent/adapters/disk_watch.h"

#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/unique_fd.h"

namespace cdb::agent {
namespace {

constexpr Duration kPause = std::chrono::seconds(2);

// A new time of the directory goes through the journal to the disk; no file is made or changed.
// That it cannot be done is another's to find out: here only how long it takes counts.
void touch(const std::filesystem::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return;
  if (::futimens(fd.get(), nullptr) == 0) ::fsync(fd.get());
}

}  // namespace

DiskWatch::DiskWatch(std::filesystem::path data_dir)
    : data_dir_(std::move(data_dir)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

DiskWatch::~DiskWatch() = default;

void DiskWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    touched_at_.with([](auto& at) { at = BootTime::now(); });
    touch(data_dir_);
    touched_at_.with([](auto& at) { at.reset(); });
    touched_at_.wait(stop, Deadline::after(kPause), [](const auto&) { return false; });
  }
}

DiskState DiskWatch::state() const {
  DiskState state;
  std::error_code failed;
  const auto space = std::filesystem::space(data_dir_.parent_path(), failed);
  if (!failed) state.free_bytes = space.available;
  const auto since = touched_at_.read([](const auto& at) { return at; });
  if (since) state.silent_for = BootTime::now() - *since;
  return state;
}

}  // namespace cdb::agent
