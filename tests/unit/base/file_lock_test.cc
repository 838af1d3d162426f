#include "lib/base/file_lock.h"

#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "tests/support/temp_dir.h"

namespace cdb {

using testing::TempDir;

TEST_CASE("a lock is held by one at a time, within a process too, and looking does not take it") {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  CHECK_FALSE(FileLock::is_held(path).value());
  {
    const auto lock = FileLock::try_acquire(path);
    REQUIRE(lock);
    CHECK(FileLock::is_held(path).value());
    CHECK(FileLock::try_acquire(path).error().code == Code::Conflict);
    CHECK(FileLock::acquire(path, Deadline::after(std::chrono::milliseconds(20))).error().code ==
          Code::Deadline);
  }
  CHECK_FALSE(FileLock::is_held(path).value());
  CHECK(FileLock::try_acquire(path));
}

TEST_CASE("a lock ends with the process that held it") {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    const auto lock = FileLock::try_acquire(path);
    ::raise(lock ? SIGKILL : SIGTERM);
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(FileLock::acquire(path, Deadline::after(std::chrono::seconds(5))));
}

TEST_CASE("a lock knows when its file was removed or replaced") {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  const auto lock = FileLock::try_acquire(path);
  REQUIRE(lock);
  CHECK(lock->still_at(path));
  std::filesystem::remove(path);
  CHECK_FALSE(lock->still_at(path));
  const auto other = FileLock::try_acquire(path);
  REQUIRE(other);
  CHECK_FALSE(lock->still_at(path));
  CHECK(other->still_at(path));
}

TEST_CASE("a lock in a directory that does not exist is not found") {
  CHECK(FileLock::try_acquire("/nonexistent/lock").error().code == Code::NotFound);
  CHECK_FALSE(FileLock::is_held("/nonexistent/lock").value());
}

}  // namespace cdb
