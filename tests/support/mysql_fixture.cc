#include "tests/support/mysql_fixture.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/adapters/mysql_session.h"
#include "lib/base/atomic_file.h"
#include "lib/base/unique_fd.h"

namespace cdb::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

[[noreturn]] void fail(const std::string& message) {
  throw std::runtime_error(message);
}

fs::path program_of(MysqlLine line) {
  const char* const name = line == MysqlLine::V97 ? "CDB_TEST_MYSQLD_97" : "CDB_TEST_MYSQLD_56";
  const char* const path = std::getenv(name);
  if (path == nullptr || !fs::exists(path))
    fail(std::string(name) + " names no mysqld: run ./test, which fetches one");
  return path;
}

fs::path make_directory() {
  std::string pattern = (fs::temp_directory_path() / "cdb-mysqld-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) fail("mkdtemp: " + std::string(std::strerror(errno)));
  return pattern;
}

// Runs a child to its end, or hands out its pid. It dies with this thread.
pid_t launch(const std::vector<std::string>& command, const fs::path& output) {
  std::vector<char*> arguments{};
  for (const std::string& word : command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const UniqueFd out(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  const UniqueFd in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork: " + std::string(std::strerror(errno)));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in.get(), 0);
    ::dup2(out.get(), 1);
    ::dup2(out.get(), 2);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  return pid;
}

// Initialised once for all fixtures of this process: it takes seconds.
const fs::path& template_97(const fs::path& program) {
  struct Made {
    fs::path root{make_directory()};
    ~Made() {
      std::error_code ignored{};
      fs::remove_all(root, ignored);
    }
  };
  static const Made made{};
  static const fs::path data = [&] {
    const pid_t pid =
        launch({program.string(), "--no-defaults", "--initialize-insecure", "--user=root",
                "--innodb-redo-log-capacity=8M", "--datadir=" + (made.root / "data").string()},
               made.root / "log");
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0)
      fail("mysqld --initialize-insecure: " + read_file(made.root / "log").value_or(""));
    fs::remove(made.root / "data" / "auto.cnf");
    return made.root / "data";
  }();
  return data;
}

// An address of this fixture's own; the port is free because nobody else uses the address.
model::Endpoint free_endpoint() {
  static std::atomic<uint32_t> next{std::random_device{}()};
  while (true) {
    const uint32_t n = next++;
    const uint32_t host = 0x7f000000U | ((n * 2654435761U) >> 8U);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof address;
    if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) continue;
    ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size);
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return {.host = text, .port = ntohs(address.sin_port)};
  }
}

}  // namespace

MysqldFixture::MysqldFixture(MysqlLine line, std::vector<std::string> options)
    : line_(line), options_(std::move(options)), program_(program_of(line)) {
  const fs::path source = line == MysqlLine::V97
                              ? template_97(program_)
                              : program_.parent_path().parent_path() / "data-template";
  directory_ = make_directory();
  fs::copy(source, data_directory(), fs::copy_options::recursive);
  endpoint_ = free_endpoint();
  server_id_ = std::random_device{}() | 1U;
  start();
}

MysqldFixture::~MysqldFixture() {
  kill();
  std::error_code ignored{};
  fs::remove_all(directory_, ignored);
}

void MysqldFixture::start() {
  spawn();
  await_ready();
}

void MysqldFixture::spawn() {
  const auto at = [&](const char* name) { return (directory_ / name).string(); };
  std::vector<std::string> command{
      program_.string(),
      "--no-defaults",
      "--user=root",
      "--datadir=" + at("data"),
      "--socket=" + socket(),
      "--pid-file=" + at("mysqld.pid"),
      "--bind-address=" + endpoint_.host,
      "--port=" + std::to_string(endpoint_.port),
      "--server-id=" + std::to_string(server_id_),
      "--log-bin=binlog",
      "--relay-log=relay",
      "--gtid-mode=ON",
      "--enforce-gtid-consistency=ON",
      "--skip-name-resolve",
      "--performance-schema=OFF",
      "--innodb-buffer-pool-size=32M",
      "--innodb-flush-log-at-trx-commit=2",
      "--sync-binlog=0",
      "--relay-log-recovery=0",
  };
  const auto add = [&](std::initializer_list<const char*> more) {
    command.insert(command.end(), more.begin(), more.end());
  };
  if (line_ == MysqlLine::V97)
    add({"--mysqlx=OFF", "--super-read-only=ON", "--skip-replica-start=ON", "--partial-revokes=ON",
         "--replica-net-timeout=2", "--innodb-redo-log-capacity=8M",
         "--plugin-load-add=semisync_source.so", "--plugin-load-add=semisync_replica.so",
         "--plugin-load-add=mysql_clone.so"});
  else
    add({"--log-slave-updates", "--read-only=ON", "--skip-slave-start", "--slave-net-timeout=2",
         "--master-info-repository=TABLE", "--relay-log-info-repository=TABLE",
         "--innodb-log-file-size=4M"});
  command.insert(command.end(), options_.begin(), options_.end());
  pid_ = launch(command, directory_ / "mysqld.log");
}

void MysqldFixture::await_ready() {
  const Deadline deadline = Deadline::after(seconds(90));
  while (true) {
    const auto opened = agent::MysqlConnection::open(
        {.socket = socket(), .user = "cdb_fixture", .password = Secret{}}, seconds(5), seconds(5));
    // It answers as soon as it refuses an account that is not there (or takes it for anonymous).
    if (!opened.error || opened.error->number == 1045 || opened.error->number == 1698) return;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      fail("mysqld exited at its start: " + log_tail());
    }
    if (deadline.passed()) fail("mysqld does not answer: " + log_tail());
    agent::pause(milliseconds(20), deadline);
  }
}

void MysqldFixture::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait_exit();
}

void MysqldFixture::wait_exit() {
  if (pid_ <= 0) return;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

void MysqldFixture::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::string MysqldFixture::log_tail() const {
  return read_file_tail(directory_ / "mysqld.log", 3000).value_or("(no log)");
}

std::unique_ptr<agent::MysqlConnection> MysqldFixture::connect(const std::string& user,
                                                               const std::string& password) const {
  auto opened = agent::MysqlConnection::open(
      {.socket = socket(), .user = user, .password = Secret(password)}, seconds(30), seconds(30));
  if (opened.error) fail("login as " + user + ": " + opened.error->text);
  return std::move(opened.connection);
}

agent::SqlRows MysqldFixture::sql(const std::string& user, const std::string& password,
                                  const std::vector<std::string>& statements) const {
  const auto connection = connect(user, password);
  agent::SqlAnswer answer{};
  for (const std::string& statement : statements) {
    answer = connection->run(statement);
    if (answer.error) fail(statement + ": " + answer.error->text);
  }
  return std::move(answer.rows);
}

}  // namespace cdb::test
