#include "agent/adapters/data_dir.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "tests/support/temp_dir.h"

namespace cdb::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Options = std::map<std::string, std::string>;

const model::MysqlVersion k56{5, 6, 24};
const model::MysqlVersion k80{8, 0, 36};

// A folder with a stand-in for a server, and the place of a data directory.
struct Place {
  testing::TempDir root{};
  fs::path data{root / "data"};
  fs::path archive{root / "archive"};
  fs::path mysqld{root / "base/bin/mysqld"};
  DataDir dir{data, archive};

  // The script finds the value of --datadir in $datadir.
  void script(const fs::path& path, const std::string& body) const {
    put(path, "#!/bin/sh\necho \"$@\" >> " + (root / "calls").string() +
                  "\nfor a; do case $a in --datadir=*) datadir=${a#*=};; esac; done\n" + body);
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
  }
  static void put(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  // Our own account, so that the tests need not be root.
  Status initialise(model::MysqlVersion version, const Options& options = {}) {
    return dir.initialise(mysqld, version, ServerAccount{}, options, Deadline::after(1min));
  }
  [[nodiscard]] std::string calls() const { return read_file(root / "calls").value_or(""); }
  [[nodiscard]] std::string text(const fs::path& path) const {
    return read_file(path).value_or("");
  }
};

const std::string kMakesIt = "mkdir $datadir/mysql; echo u > $datadir/auto.cnf; exit 0\n";
const std::string kBinlog =
    "\xfe"
    "bin and more";

}  // namespace

TEST_CASE("a data directory appears whole, without the uuid that the bootstrap gave it") {
  Place place;
  place.script(place.mysqld, kMakesIt);
  CHECK_FALSE(place.dir.initialised());
  REQUIRE(place.initialise(k80).ok());
  CHECK(place.dir.initialised());
  CHECK_FALSE(fs::exists(place.data / "auto.cnf"));
  CHECK(place.calls() ==
        "--no-defaults --initialize-insecure --datadir=" + place.data.string() + ".making\n");
  struct stat info {};
  REQUIRE(::stat(place.data.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0750);

  CHECK(place.initialise(k80).error().code == Code::Conflict);
}

TEST_CASE("settings that are fixed for good when data is made reach the bootstrap") {
  Place place;
  place.script(place.mysqld, kMakesIt);
  const Options options{{"innodb_page_size", "8K"},
                        {"lower_case_table_names", "1"},
                        {"innodb_data_file_path", "ibdata1:50M:autoextend"},
                        {"max_connections", "7"}};
  REQUIRE(place.initialise(k80, options).ok());
  for (const char* word : {" --innodb_page_size=8K", " --lower_case_table_names=1",
                           " --innodb_data_file_path=ibdata1:50M:autoextend"}) {
    CHECK(place.calls().find(word) != std::string::npos);
  }
  CHECK(place.calls().find("max_connections") == std::string::npos);
}

TEST_CASE("a bootstrap that fails leaves nothing behind and tells what the server said") {
  Place place;
  place.script(place.mysqld,
               "mkdir $datadir/mysql\n"
               "echo '2026 0 [ERROR] [MY-1] [Server] no room' >&2; exit 1\n");
  const Status made = place.initialise(k80);
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().code == Code::Internal);
  CHECK(made.error().message.find("--initialize-insecure failed with exit code 1: 2026 0 [ERROR] "
                                  "[MY-1] [Server] no room") != std::string::npos);
  CHECK_FALSE(place.dir.initialised());
  CHECK_FALSE(fs::exists(place.data.string() + ".making"));
}

TEST_CASE("what an earlier attempt left half-made is removed, other people's files are not") {
  Place place;
  place.script(place.mysqld, kMakesIt);
  Place::put(place.data.string() + ".making/old", "x");
  Place::put(place.data / "ibdata1", "half");
  REQUIRE(place.initialise(k80).ok());
  CHECK_FALSE(fs::exists(place.data / "old"));
  CHECK_FALSE(fs::exists(place.data / "ibdata1"));

  Place foreign;
  foreign.script(foreign.mysqld, kMakesIt);
  Place::put(foreign.data / "thesis.txt", "years of work");
  const Status refused = foreign.initialise(k80);
  CHECK(refused.error().code == Code::Conflict);
  CHECK(refused.error().message.find("thesis.txt") != std::string::npos);
  CHECK(fs::exists(foreign.data / "thesis.txt"));

  Place empty;
  empty.script(empty.mysqld, kMakesIt);
  fs::create_directories(empty.data);
  CHECK(empty.initialise(k80).ok());
}

TEST_CASE("5.6 is made from a template, an install script or a pristine data directory") {
  Place templated;
  templated.script(templated.mysqld, "exit 1\n");
  Place::put(templated.root / "base/data-template/mysql/user.frm", "f");
  Place::put(templated.root / "base/data-template/auto.cnf", "u");
  REQUIRE(templated.initialise(k56).ok());
  CHECK(fs::exists(templated.data / "mysql/user.frm"));
  CHECK_FALSE(fs::exists(templated.data / "auto.cnf"));
  CHECK(templated.calls().empty());

  Place scripted;
  scripted.script(scripted.mysqld, "exit 1\n");
  scripted.script(scripted.root / "base/scripts/mysql_install_db", kMakesIt);
  REQUIRE(scripted.initialise(k56).ok());
  CHECK(scripted.calls() ==
        "--no-defaults --force --basedir=" + fs::canonical(scripted.root / "base").string() +
            " --datadir=" + scripted.data.string() + ".making\n");

  Place pristine;
  pristine.script(pristine.mysqld, "exit 1\n");
  Place::put(pristine.root / "base/data/mysql/user.frm", "f");
  Place::put(pristine.root / "base/data/auto.cnf", "in use by somebody");
  CHECK(pristine.initialise(k56).error().code == Code::NotFound);
  fs::remove(pristine.root / "base/data/auto.cnf");
  CHECK(pristine.initialise(k56).ok());
}

TEST_CASE("a milestone of 5.7 is refused by its version") {
  Place place;
  place.script(place.mysqld, kMakesIt);
  const Status made = place.initialise({5, 7, 5});
  CHECK(made.error().code == Code::Precondition);
  CHECK(made.error().message.find("5.7.5") != std::string::npos);
}

TEST_CASE("a wipe keeps the binary logs with their index and removes all else") {
  Place place;
  Place::put(place.data / "mysql/user.frm", "f");
  Place::put(place.data / "ibdata1", "data");
  Place::put(place.data / "binlog.000001", kBinlog);
  Place::put(place.data / "binlog.000002",
             "\xfd"
             "bin encrypted");
  Place::put(place.data / "binlog.index", "./binlog.000001\n");
  Place::put(place.data / "host-relay-bin.000001", kBinlog);
  Place::put(place.data / "rl.000007", kBinlog);
  Place::put(place.data / "deep/x.000001", kBinlog);
  const auto where = place.dir.archive_and_wipe("epoch-7", {{"relay_log", "rl"}});
  REQUIRE(where.ok());
  CHECK(*where == place.archive / "epoch-7");
  CHECK(place.text(*where / "binlog.000001") == kBinlog);
  CHECK(fs::exists(*where / "binlog.000002"));
  CHECK(fs::exists(*where / "binlog.index"));
  CHECK(std::distance(fs::directory_iterator(*where), fs::directory_iterator()) == 3);
  CHECK_FALSE(fs::exists(place.data));
  CHECK_FALSE(place.dir.initialised());
}

TEST_CASE("binary logs are found where the configuration puts them") {
  Place place;
  const fs::path logs = place.root / "logs";
  for (const fs::path& log : {logs / "bin", place.data / "inner/bin"}) {
    Place::put(place.data / "mysql/user.frm", "f");
    Place::put(log.string() + ".000001", kBinlog);
    Place::put(log.string() + ".index", "x");
    Place::put(logs / "other.000001", kBinlog);
    const auto where = place.dir.archive_and_wipe("a", {{"log_bin", log.string()}});
    REQUIRE(where.ok());
    CHECK(fs::exists(*where / "bin.000001"));
    CHECK(fs::exists(*where / "bin.index"));
    CHECK_FALSE(fs::exists(log.string() + ".000001"));
    CHECK(fs::exists(logs / "other.000001"));
  }
  CHECK(fs::exists(place.archive / "a-2/bin.000001"));
}

TEST_CASE("a wipe that a crash cut short is finished before anything new is made") {
  Place place;
  place.script(place.mysqld, kMakesIt);
  const fs::path left = place.data.string() + ".wiped-epoch-7";
  Place::put(left / "binlog.000002", kBinlog);
  Place::put(left / "mysql/user.frm", "f");
  Place::put(place.archive / "epoch-7/binlog.000001", kBinlog);
  CHECK_FALSE(place.dir.initialised());
  REQUIRE(place.initialise(k80).ok());
  CHECK(fs::exists(place.archive / "epoch-7/binlog.000001"));
  CHECK(fs::exists(place.archive / "epoch-7/binlog.000002"));
  CHECK_FALSE(fs::exists(left));
}

TEST_CASE("wiping nothing is no error, and a label must be a plain name") {
  Place place;
  CHECK(place.dir.archive_and_wipe("x", {}).value() == place.archive / "x");
  for (const char* bad : {"", ".", "..", "a/b", "../up", "a b", ".hidden"}) {
    INFO(bad);
    CHECK(place.dir.archive_and_wipe(bad, {}).error().code == Code::Invalid);
  }
}

}  // namespace cdb::agent
