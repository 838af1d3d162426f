#include "lib/process/identity.h"

#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/clock.h"
#include "tests/support/temp_dir.h"

namespace cdb::process {
namespace {

using namespace std::chrono_literals;

// A process that waits to be killed.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      for (;;)
        ::pause();
    }
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    reap();
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  int reap() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
  }

 private:
  pid_t pid_;
};

bool readable(const UniqueFd& fd, std::chrono::milliseconds timeout) {
  pollfd event{fd.get(), POLLIN, 0};
  return ::poll(&event, 1, static_cast<int>(timeout.count())) == 1;
}

}  // namespace

TEST_CASE("our own process is identified, and the same each time") {
  const auto identity = identify(::getpid());
  REQUIRE(identity.ok());
  CHECK(identity->pid == ::getpid());
  CHECK(identity->start_ticks > 0);
  CHECK(identity->boot_id == boot_id());
  CHECK(boot_id().size() == 36);
  CHECK(*identify(::getpid()) == *identity);
  CHECK(alive(*identity));
  CHECK_FALSE(ending(*identity));
}

TEST_CASE("a process is not found before, after and while it is a zombie") {
  CHECK(identify(0).error().code == Code::NotFound);
  CHECK(identify(-5).error().code == Code::NotFound);
  CHECK(identify(0x7fffffff).error().code == Code::NotFound);

  Sleeper sleeper;
  const Identity identity = identify(sleeper.pid()).value();
  const UniqueFd fd = std::move(open(identity)).value();
  CHECK_FALSE(readable(fd, 0ms));
  CHECK_FALSE(ending(identity));
  REQUIRE(send_signal(identity, SIGKILL).ok());
  CHECK(ending(identity));  // already, whether or not the kernel has taken it apart
  REQUIRE(readable(fd, 10'000ms));
  CHECK(ending(identity));
  CHECK(identify(identity.pid).error().code == Code::NotFound);  // zombie
  CHECK_FALSE(alive(identity));
  CHECK(open(identity).error().code == Code::NotFound);
  CHECK(send_signal(identity, 0).error().code == Code::NotFound);

  CHECK(WTERMSIG(sleeper.reap()) == SIGKILL);
  CHECK_FALSE(alive(identity));
  CHECK(open(identity).error() ==
        not_found("process " + std::to_string(identity.pid) + " is gone"));
}

TEST_CASE("another process under the same pid is never taken for the one that was meant") {
  const Sleeper sleeper;
  const Identity real = identify(sleeper.pid()).value();
  Identity older = real;
  older.start_ticks -= 1;
  Identity other_boot = real;
  other_boot.boot_id = "00000000-0000-0000-0000-000000000000";
  for (const Identity& reused : {older, other_boot}) {
    CHECK_FALSE(alive(reused));
    CHECK(open(reused).error().code == Code::NotFound);
    CHECK(send_signal(reused, SIGKILL).error().code == Code::NotFound);
  }
  CHECK(alive(real));
}

TEST_CASE("a name with brackets and blanks does not confuse") {
  const testing::TempDir dir;
  const auto program = dir / "a) Z 1 (b";
  std::filesystem::copy_file("/bin/sleep", program);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::execl(program.c_str(), program.c_str(), "1000", nullptr);
    ::_exit(127);
  }
  const Deadline deadline = Deadline::after(10s);
  const std::string comm = "/proc/" + std::to_string(pid) + "/comm";
  while (read_file(comm).value_or("") != "a) Z 1 (b\n" && !deadline.passed())
    ::usleep(1000);
  const auto identity = identify(pid);
  REQUIRE(identity.ok());
  CHECK(send_signal(*identity, SIGKILL).ok());
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("an identity survives its file, and a damaged file is told from a missing one") {
  const testing::TempDir dir;
  const auto path = dir / "mysqld.json";
  CHECK(read_identity(path).error().code == Code::NotFound);
  const Identity identity{4711, 18446744073709551615ULL, "f00"};
  REQUIRE(write_identity(path, identity).ok());
  CHECK(read_identity(path).value() == identity);
  for (const char* damaged :
       {"", "{", "[]", "{}", R"({"pid":1})", R"({"pid":"1","start_ticks":2,"boot_id":"x"})",
        R"({"pid":-1,"start_ticks":2,"boot_id":"x"})",
        R"({"pid":0,"start_ticks":2,"boot_id":"x"})"}) {
    INFO(damaged);
    REQUIRE(write_file_atomically(path, damaged).ok());
    const auto read = read_identity(path);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == Code::Invalid);
  }
}

}  // namespace cdb::process
