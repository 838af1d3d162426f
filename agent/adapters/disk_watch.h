#pragma once
// Whether the disk under a directory still takes writes: a thread of its own touches the directory
// and has that written out, every two seconds. A disk that does not answer holds up that thread and
// nobody else.

#include <filesystem>
#include <optional>
#include <thread>

#include "agent/ports/disk.h"
#include "lib/base/sync.h"

namespace cdb::agent {

class DiskWatch {
 public:
  // `data_dir` may not be there yet; free space is that of its parent.
  explicit DiskWatch(std::filesystem::path data_dir);
  // Waits for a touch that is under way: for as long as the disk does not answer.
  ~DiskWatch();

  // Returns at once. Any thread.
  [[nodiscard]] DiskState state() const;

 private:
  void run(const std::stop_token& stop);

  const std::filesystem::path data_dir_;
  Sync<std::optional<Instant>> touched_at_{};  // the touch that is under way; none: it rests
  std::jthread thread_{};
};

}  // namespace cdb::agent
