#include "lib/process/detached.h"

#include <csignal>
#include <optional>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace cdb::process {
namespace {

using testing::eventually;

Status record_nothing(const Identity& /*identity*/) {
  return {};
}

Detached shell(const std::string& script, const std::filesystem::path& output) {
  return {"/bin/sh", {"-c", script}, output};
}

// Waits until the output ends with the line "end".
std::string finished_output(const std::filesystem::path& path) {
  std::string text;
  eventually([&] {
    text = read_file(path).value_or("");
    return text.find("end\n") != std::string::npos;
  });
  return text;
}

}  // namespace

TEST_CASE("a detached program is no child of ours, leads no session and holds none of our files") {
  const testing::TempDir dir;
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd leak(::fcntl(null.get(), F_DUPFD, 100));
  ::setenv("NOTIFY_SOCKET", "/run/ours", 1);
  ::setenv("CDB_TEST_PASSED_ON", "yes", 1);
  const auto started = start_detached(
      shell("cut -d' ' -f4,6 /proc/$$/stat; pwd; ls /proc/$$/fd | tr '\\n' ' '; "
            "readlink /proc/$$/fd/0; echo ${NOTIFY_SOCKET-none} $CDB_TEST_PASSED_ON; "
            // By the shell itself: while it starts a program it blocks every signal for a moment.
            "while read -r line; do case $line in SigBlk*) echo \"$line\";; esac; done "
            "</proc/$$/status; echo err >&2; echo end",
            dir / "out"),
      record_nothing);
  ::unsetenv("NOTIFY_SOCKET");
  REQUIRE(started.ok());
  CHECK(::waitpid(started->pid, nullptr, WNOHANG) == -1);
  const auto lines = split(finished_output(dir / "out"), '\n');
  REQUIRE(lines.size() >= 7);
  const auto ids = split(lines[0], ' ');
  CHECK(ids[0] != std::to_string(::getpid()));
  CHECK(ids[1] != std::to_string(::getsid(0)));
  CHECK(ids[1] != std::to_string(started->pid));
  CHECK(lines[1] == "/");
  CHECK(lines[2] == "0 1 2 /dev/null");
  CHECK(lines[3] == "none yes");
  CHECK(lines[4] == "SigBlk:\t0000000000000000");
  CHECK(lines[5] == "err");
}

TEST_CASE("the program does not run before its identity is recorded, and never if that fails") {
  const testing::TempDir dir;
  std::optional<Identity> recorded;
  const auto started = start_detached(shell("echo end; exec sleep 1000", dir / "out"),
                                      [&](const Identity& identity) {
                                        recorded = identity;
                                        CHECK(alive(identity));
                                        CHECK(read_file(dir / "out").value().empty());
                                        return Status();
                                      });
  REQUIRE(started.ok());
  CHECK(*started == *recorded);
  CHECK(finished_output(dir / "out") == "end\n");
  CHECK(send_signal(*started, SIGKILL).ok());

  const auto refused =
      start_detached(shell("echo end", dir / "refused"), [&](const Identity& identity) -> Status {
        recorded = identity;
        return unavailable("disk full");
      });
  CHECK(refused.error() == unavailable("disk full"));
  CHECK(eventually([&] { return !alive(*recorded); }));
  CHECK(read_file(dir / "refused").value().empty());
}

TEST_CASE("a program that cannot be run is an error that names it, and leaves no process") {
  const testing::TempDir dir;
  std::optional<Identity> recorded;
  const auto started =
      start_detached({dir / "nothing", {}, dir / "out"}, [&](const Identity& identity) {
        recorded = identity;
        return Status();
      });
  CHECK(started.error().code == Code::NotFound);
  CHECK(started.error().message.find("start " + (dir / "nothing").string()) == 0);
  CHECK(eventually([&] { return !alive(*recorded); }));
  CHECK(start_detached({"/bin/sh", {}, dir / "no-folder/out"}, record_nothing).error().code ==
        Code::NotFound);
}

TEST_CASE("what was started survives the death of its starter, with its whole process group") {
  const testing::TempDir dir;
  const auto file = dir / "identity";
  const pid_t starter = ::fork();
  REQUIRE(starter >= 0);
  if (starter == 0) {
    ::setpgid(0, 0);
    const auto started =
        start_detached({"/bin/sleep", {"1000"}, dir / "out"},
                       [&](const Identity& identity) { return write_identity(file, identity); });
    if (!started) ::_exit(1);
    ::kill(0, SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(starter, &status, 0) == starter);
  REQUIRE(WIFSIGNALED(status));
  const auto identity = read_identity(file);
  REQUIRE(identity.ok());
  CHECK(alive(*identity));
  CHECK(send_signal(*identity, SIGKILL).ok());
  CHECK(eventually([&] { return !alive(*identity); }));
}

TEST_CASE("a starter that dies before it let the program go leaves none") {
  const testing::TempDir dir;
  const auto file = dir / "identity";
  const pid_t starter = ::fork();
  REQUIRE(starter >= 0);
  if (starter == 0) {
    const auto started =
        start_detached(shell("echo end", dir / "out"), [&](const Identity& identity) {
          if (!write_identity(file, identity)) ::_exit(1);
          ::kill(::getpid(), SIGKILL);
          return Status();
        });
    ::_exit(started ? 2 : 3);
  }
  ::waitpid(starter, nullptr, 0);
  const auto identity = read_identity(file);
  REQUIRE(identity.ok());
  CHECK(eventually([&] { return !alive(*identity); }));
  CHECK(read_file(dir / "out").value().empty());
}

}  // namespace cdb::process
