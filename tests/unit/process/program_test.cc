#include "lib/process/program.h"

#include <csignal>
#include <fstream>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/base/unique_fd.h"
#include "lib/process/identity.h"
#include "tests/support/temp_dir.h"

namespace cdb::process {
namespace {

using namespace std::chrono_literals;

Program shell(const std::string& script) {
  return {"/bin/sh", {"-c", script}, {}, {}};
}

ProgramResult done(const Program& program) {
  auto result = run(program, Deadline::after(1min));
  if (!result) FAIL(result.error().text());
  return *result;
}

bool no_child_left() {
  return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

}  // namespace

TEST_CASE("a program's outputs and exit code come back apart") {
  const auto result = done(shell("echo out; echo err >&2; exit 3"));
  CHECK(result.exit_code == 3);
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  CHECK(no_child_left());
}

TEST_CASE("a program that a signal kills exits with 128 and the signal") {
  CHECK(done(shell("kill -TERM $$")).exit_code == 128 + SIGTERM);
  CHECK(done(shell("kill -KILL $$")).exit_code == 128 + SIGKILL);
}

TEST_CASE("arguments and environment arrive as they are, without a shell in between") {
  const auto result = done({"printf", {"<%s>", "a b", "", "$HOME", "'\"\\"}, {}, {}});
  CHECK(result.out == "<a b><><$HOME><'\"\\>");
  Program program = shell("echo $GREETING $PATH");
  program.environment["GREETING"] = "hello there";
  program.environment["PATH"] = "/usr/bin:/bin";
  CHECK(done(program).out == "hello there /usr/bin:/bin\n");
}

TEST_CASE("large input and large outputs on both sides do not block each other") {
  Program program = shell("tee /dev/stderr");
  program.input = std::string(5'000'000, 'x') + "end";
  const auto result = done(program);
  CHECK(result.exit_code == 0);
  CHECK(result.out == program.input);
  CHECK(result.err == program.input);
  // Nobody reads the input: no SIGPIPE, no error.
  program.arguments = {"-c", "exit 0"};
  CHECK(done(program).exit_code == 0);
}

TEST_CASE("outputs beyond 16 MiB are dropped while the program runs on") {
  const auto result = done(shell("head -c 20000000 /dev/zero; echo end >&2"));
  CHECK(result.exit_code == 0);
  CHECK(result.out.size() == 16U << 20U);
  CHECK(result.err == "end\n");
}

TEST_CASE("a program that is not there, or may not be run, is told apart") {
  const testing::TempDir dir;
  CHECK(run({"no-such-program-here", {}, {}, {}}, Deadline::after(1min)).error().code ==
        Code::NotFound);
  const auto missing = run({dir / "nothing", {}, {}, {}}, Deadline::after(1min));
  CHECK(missing.error().code == Code::NotFound);
  CHECK(missing.error().message.find("/nothing") != std::string::npos);
  std::ofstream(dir / "plain") << "text";
  CHECK(run({dir / "plain", {}, {}, {}}, Deadline::after(1min)).error().code == Code::Precondition);
  CHECK(no_child_left());
}

TEST_CASE("at the deadline the program dies with all its children") {
  const testing::TempDir dir;
  const auto pids = dir / "pids";
  const std::string script = "sleep 1000 & sh -c 'sleep 1000; :' & echo $$ $! > " + pids.string() +
                             ".new; mv " + pids.string() + ".new " + pids.string() + "; wait";
  const auto begin = BootTime::now();
  const auto result = run(shell(script), Deadline::after(500ms));
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == Code::Deadline);
  CHECK(result.error().message == "/bin/sh did not end in time and was killed");
  CHECK(BootTime::now() - begin < 20s);
  CHECK(no_child_left());
  for (const auto& pid : split(trim(read_file(pids).value()), ' ')) {
    const Deadline deadline = Deadline::after(10s);
    while (identify(std::stoi(pid)).ok() && !deadline.passed())
      ::usleep(1000);
    CHECK_FALSE(identify(std::stoi(pid)).ok());
  }
}

TEST_CASE("a program that left something in the background does not keep us waiting") {
  const testing::TempDir dir;
  const auto begin = BootTime::now();
  const auto result = done(shell("sleep 1000 & echo $!"));
  CHECK(BootTime::now() - begin < 30s);
  const auto left = identify(std::stoi(result.out));
  REQUIRE(left.ok());
  CHECK(send_signal(*left, SIGKILL).ok());
}

TEST_CASE("a program inherits none of our other descriptors and no blocked signals") {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd leak(::fcntl(null.get(), F_DUPFD, 100));  // without O_CLOEXEC, as libraries do
  REQUIRE(leak.get() >= 100);
  sigset_t block;
  sigset_t old;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &block, &old);
  const auto result =
      done(shell("for f in /proc/self/fd/*; do echo ${f##*/}; done; "
                 "grep SigBlk /proc/self/status"));
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  CHECK(result.out.find("\n" + std::to_string(leak.get()) + "\n") == std::string::npos);
  CHECK(result.out.find("SigBlk:\t0000000000000000") != std::string::npos);
}

}  // namespace cdb::process
