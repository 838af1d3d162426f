#include "tests/integration/mysql/mysqld_node.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/unique_fd.h"
#include "tests/support/eventually.h"

namespace cdb::agent::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// The greeting begins with a length of three bytes, a number, and the protocol's version: 10.
bool greets(const fs::path& socket_path) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = socket_path.string();
  REQUIRE(name.size() < sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  const timeval patience{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::array<char, 5> greeting{};
  return ::recv(fd.get(), greeting.data(), greeting.size(), MSG_WAITALL) == 5 && greeting[4] == 10;
}

}  // namespace

std::string to_string(Series series) {
  return series == Series::V97 ? "9.7" : "5.6";
}

fs::path mysqld_of(Series series) {
  const char* variable = series == Series::V97 ? "CDB_TEST_MYSQLD_97" : "CDB_TEST_MYSQLD_56";
  const char* path = std::getenv(variable);
  if (path == nullptr || *path == '\0') {
    FAIL(variable << " does not name a mysqld: run ./test, which sets it");
  }
  return path;
}

MysqldNode::MysqldNode(Series series) : series_(series) {
  config_.mysqld = mysqld_of(series);
  config_.data_dir = path("data");
  config_.config_file = path("my.cnf");
  config_.socket = path("mysqld.sock");
  config_.pid_file = path("mysqld.json");
  config_.error_log = path("error.log");
  config_.archive_dir = path("archive");
  configure("");
}

MysqldNode::~MysqldNode() {
  const Status killed = agent()->kill(Deadline::after(30s));
  if (!killed) std::fprintf(stderr, "a server is left over: %s\n", killed.error().text().c_str());
}

std::unique_ptr<MysqldProcess> MysqldNode::agent() const {
  return std::make_unique<MysqldProcess>(config_);
}

std::string MysqldNode::config_text(const std::string& lines) const {
  return "[mysqld]\ndatadir=" + config_.data_dir.string() + "\nsocket=" + config_.socket.string() +
         "\nlog_error=" + config_.error_log.string() +
         "\nskip_networking\nserver_id=1\nlog_bin=binlog\nperformance_schema=OFF\n" +
         "innodb_buffer_pool_size=32M\nloose_mysqlx=OFF\n" + lines + "\n";
}

void MysqldNode::configure(const std::string& lines) const {
  std::ofstream(config_.config_file) << config_text(lines);
}

fs::path MysqldNode::candidate(const std::string& lines) const {
  fs::path file = path("candidate.cnf");
  std::ofstream(file) << config_text(lines);
  return file;
}

void MysqldNode::give_data() const {
  static std::map<Series, std::unique_ptr<MysqldNode>> first;
  auto& node = first[series_];
  if (!node) {
    node = std::make_unique<MysqldNode>(series_);
    const Status made = node->agent()->initialise(Deadline::after(2min));
    if (!made) FAIL(made.error().text());
  }
  fs::copy(node->config().data_dir, config_.data_dir, fs::copy_options::recursive);
}

bool MysqldNode::answers(Deadline deadline) const {
  return cdb::testing::eventually([this] { return greets(config_.socket); }, deadline.left());
}

}  // namespace cdb::agent::testing
