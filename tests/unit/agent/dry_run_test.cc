#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "agent/adapters/mysqld_dry_run.h"
#include "lib/base/atomic_file.h"
#include "tests/support/temp_dir.h"

namespace cdb::agent {
namespace {

using namespace std::chrono_literals;

// A stand-in for mysqld that says what it is told to. The script finds the last argument in $last,
// the file's option in $file and the empty directory in $datadir.
class StandIn {
 public:
  explicit StandIn(const std::string& body) {
    std::ofstream(program_) << "#!/bin/sh\necho \"$@\" >> " << (dir_ / "calls").string()
                            << "\nfile=$1\nfor last; do case $last in --datadir=*) "
                               "datadir=${last#*=};; esac; done\n"
                            << body;
    REQUIRE(::chmod(program_.c_str(), 0755) == 0);
  }
  Status check(model::MysqlVersion version, const std::string& settings) {
    std::ofstream(candidate_) << "[mysqld]\n" << settings << "\n";
    return check_with_mysqld({program_, version, ServerAccount{}}, candidate_,
                             Deadline::after(1min));
  }
  [[nodiscard]] std::string calls() const { return read_file(dir_ / "calls").value(); }

 private:
  testing::TempDir dir_{};
  std::filesystem::path program_{dir_ / "mysqld"};
  std::filesystem::path candidate_{dir_ / "candidate.cnf"};
};

const std::string kLowersBoth =
    "echo '0 [Warning] [MY-010141] [Server] Changed limits: max_connections: 190 (requested 900)' "
    ">&2\necho '0 [Warning] [MY-010142] [Server] Changed limits: table_open_cache: 400 (requested "
    "4000)' >&2\n";

}  // namespace

TEST_CASE("each version is asked in the words that it knows, about an empty directory of its own") {
  StandIn server("test -d $datadir && test -z \"$(ls $datadir)\"\n");
  REQUIRE(server.check({5, 6, 24}, "log_bin=/logs/bin").ok());
  CHECK(server.calls().find("--log-warnings=2") != std::string::npos);
  CHECK(server.calls().find("--log-bin-index=/") != std::string::npos);
  CHECK(server.calls().find("--verbose --help\n") != std::string::npos);
  CHECK(server.calls().find("--validate-config") == std::string::npos);

  StandIn newer("exit 0\n");
  REQUIRE(newer.check({8, 0, 36}, "port=1").ok());
  CHECK(newer.calls().rfind("--defaults-file=/", 0) == 0);
  CHECK(newer.calls().find("--log-error-verbosity=2") != std::string::npos);
  CHECK(newer.calls().find("--log-bin-index") == std::string::npos);
  CHECK(newer.calls().find(" --validate-config\n") != std::string::npos);
}

TEST_CASE("fewer connections than the file asks for are refused, fewer cached tables are not") {
  StandIn server(kLowersBoth);
  const Status refused = server.check({5, 7, 44}, "max_connections=900");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::Invalid);
  CHECK(refused.error().message.find("max_connections: 190 (requested 900)") != std::string::npos);
  CHECK(refused.error().message.find("table_open_cache") == std::string::npos);
  CHECK(refused.error().hint == "raise the limit of open files (LimitNOFILE)");
  CHECK(server.check({5, 7, 44}, "table_open_cache=4000").ok());
}

TEST_CASE("what the server says of any empty directory is no objection") {
  StandIn server(
      "echo \"0 [ERROR] no tables in $datadir\" >&2\n"
      "test $file = --no-defaults || echo '0 [ERROR] bad plugin' >&2\n");
  const Status refused = server.check({5, 7, 44}, "");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find(": bad plugin") != std::string::npos);
  CHECK(refused.error().message.find("no tables") == std::string::npos);
  CHECK(StandIn("echo \"0 [ERROR] no tables in $datadir\" >&2\n").check({5, 7, 44}, "").ok());
}

TEST_CASE("a refusal without words still refuses, and only three lines are shown") {
  const Status silent = StandIn("exit 7\n").check({5, 7, 44}, "");
  CHECK(silent.error().code == Code::Invalid);
  CHECK(silent.error().message.find("it ends with exit code 7") != std::string::npos);

  const Status wordy =
      StandIn(
          "test $file = --no-defaults || for i in 1 2 3 4; do echo \"0 [ERROR] no $i\" >&2; "
          "done; exit 1\n")
          .check({8, 0, 36}, "");
  CHECK(wordy.error().message.find(": no 1; no 2; no 3") != std::string::npos);
  CHECK(wordy.error().message.find("no 4") == std::string::npos);
}

TEST_CASE("a server that cannot run at all says nothing about the file") {
  const Status crashed = StandIn("kill -SEGV $$\n").check({5, 7, 44}, "");
  CHECK(crashed.error().code == Code::Internal);
  const Status broken =
      StandIn("echo 'mysqld: error while loading shared libraries: libaio.so.1' >&2; exit 127\n")
          .check({5, 7, 44}, "");
  CHECK(broken.error().code == Code::Internal);
  CHECK(broken.error().message.find("libaio.so.1") != std::string::npos);
}

}  // namespace cdb::agent
