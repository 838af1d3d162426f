#include "tests/support/cloud.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

[[noreturn]] void fail(const std::string& message) {
  throw std::runtime_error(message);
}

fs::path program(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr || !fs::exists(path)) {
    fail(std::string(variable) + " names no program: run ./test, which makes and fetches all");
  }
  return path;
}

// Counts what failed, so that a Cloud can show its logs before they are gone.
class FailureCounter final : public doctest::IReporter {
 public:
  explicit FailureCounter(const doctest::ContextOptions& /*options*/) {}
  static int count() { return count_; }

  void log_assert(const doctest::AssertData& data) override { count_ += data.m_failed ? 1 : 0; }
  void test_case_exception(const doctest::TestCaseException& /*data*/) override { ++count_; }
  void report_query(const doctest::QueryData& /*data*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& /*data*/) override {}
  void test_case_start(const doctest::TestCaseData& /*data*/) override {}
  void test_case_reenter(const doctest::TestCaseData& /*data*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*data*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*data*/) override {}
  void subcase_end() override {}
  void log_message(const doctest::MessageData& /*data*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*data*/) override {}

 private:
  static inline std::atomic<int> count_{0};
};
REGISTER_LISTENER("failures", 1, FailureCounter);

template <typename T>
T checked(Result<T> result, const char* what) {
  if (!result) fail(std::string(what) + ": " + result.error().text());
  return std::move(result).value();
}

}  // namespace

Cloud::Cloud()
    : directory_({"i"}),
      dns_(checked(BindFixture::start(), "start BIND")),
      key_file_(dns_->key_file()),
      servers_{program("CDB_TEST_MYSQLD_97"), program("CDB_TEST_MYSQLD_56")},
      failures_before_(FailureCounter::count()) {
  fs::create_directories(directory_ / "c");
  start_coordinator();
}

void Cloud::use_key(const fs::path& key_file) {
  key_file_ = key_file;
}

void Cloud::offer_server(const fs::path& mysqld) {
  servers_.push_back(mysqld);
}

void Cloud::write_config() const {
  std::vector<std::string> servers;
  for (const auto& server : servers_)
    servers.push_back("\"" + server.string() + "\"");
  const std::string source = program("CDB_TEST_SOURCE_DIR");
  const std::string text = fmt::format(
      R"(listen = ["127.0.0.1:{port}"]
endpoint_file = "{dir}/c/endpoints"
state = "{dir}/c/cdb.sqlite"
flavors = "{source}/packaging/etc/flavors.toml"
tuning_dir = "{source}/tuning"
hooks_dir = "{dir}/hooks"

[dns]
server = "{dns}"
zone = "{zone}"
key_file = "{key}"

[local]
root = "{dir}/i"
mysqld = [{servers}]
mysqllet = "{mysqllet}"
instance_init = "{init}"
)",
      fmt::arg("port", port_), fmt::arg("dir", directory_.path().string()),
      fmt::arg("source", source), fmt::arg("dns", dns_->server()), fmt::arg("zone", dns_->zone()),
      fmt::arg("key", key_file_.string()), fmt::arg("servers", join(servers, ", ")),
      fmt::arg("mysqllet", program("CDB_TEST_MYSQLLET").string()),
      fmt::arg("init", program("CDB_TEST_INSTANCE_INIT").string()));
  if (!write_file_atomically(directory_ / "c/cdb.toml", text)) fail("cannot write cdb.toml");
}

void Cloud::start_coordinator_process() {
  write_config();
  const std::string coordinator = program("CDB_TEST_COORDINATOR");
  const std::string config = directory_ / "c/cdb.toml";
  const std::string log = directory_ / "c/coordinator.log";
  coordinator_ = ::fork();
  if (coordinator_ < 0) fail("fork: " + std::string(std::strerror(errno)));
  if (coordinator_ > 0) return;
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execl(coordinator.c_str(), "cdb-coordinator", "--config", config.c_str(), nullptr);
  ::_exit(127);
}

void Cloud::start_coordinator() {
  std::error_code none;
  fs::remove(directory_ / "c/endpoints", none);
  start_coordinator_process();
  const bool answers = eventually([&] {
    int status = 0;
    if (::waitpid(coordinator_, &status, WNOHANG) == coordinator_) {
      coordinator_ = 0;
      fail("the coordinator ended at once\n" + logs());
    }
    return fs::exists(directory_ / "c/endpoints");
  });
  if (!answers) fail("the coordinator does not listen\n" + logs());
  const std::string endpoint{trim(checked(read_file(directory_ / "c/endpoints"), "endpoints"))};
  port_ = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

void Cloud::end_coordinator(int signal) {
  if (coordinator_ == 0) return;
  ::kill(coordinator_, signal);
  ::waitpid(std::exchange(coordinator_, 0), nullptr, 0);
}

void Cloud::kill_coordinator() {
  end_coordinator(SIGKILL);
}

void Cloud::stop_coordinator() {
  end_coordinator(SIGTERM);
}

Cloud::~Cloud() {
  kill_coordinator();
  const bool failed = FailureCounter::count() > failures_before_ || std::uncaught_exceptions() > 0;
  if (failed) std::fputs(logs().c_str(), stderr);
}

Said Cloud::cdb(const std::vector<std::string>& arguments, Duration time,
                const std::string& input) const {
  process::Program command;
  command.path = program("CDB_TEST_CDB");
  command.arguments = arguments;
  command.input = input;
  command.environment = {{"CDB_ENDPOINTS", fmt::format("127.0.0.1:{}", port_)},
                         {"CDB_NAMESPACE", "default"},
                         {"CDB_CONFIG", directory_ / "none.yaml"},
                         {"CDB_CONTEXT", ""},
                         {"CDB_DNS", ""},
                         {"XDG_RUNTIME_DIR", directory_.path()},
                         {"HOME", directory_.path()}};
  auto result = checked(process::run(command, Deadline::after(time)), "run cdb");
  return {result.exit_code, std::move(result.out), std::move(result.err)};
}

nlohmann::json Cloud::json(std::vector<std::string> arguments) const {
  const std::string command = "cdb " + join(arguments, " ");
  arguments.insert(arguments.end(), {"-o", "json"});
  const Said said = cdb(arguments);
  if (said.exit_code != 0) {
    fail(fmt::format("{}: exit code {}\n{}{}", command, said.exit_code, said.out, said.err));
  }
  return nlohmann::json::parse(said.out);
}

std::string Cloud::manifest(const std::string& cluster, const std::string& version, int replicas) {
  return fmt::format(
      "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {{name: {}}}\n"
      "spec: {{flavor: {}, replica: {}, version: \"{}\"}}\n",
      cluster, version.front() == '5' ? "tiny" : "micro", replicas, version);
}

void Cloud::create(const std::string& cluster, const std::string& version, int replicas) {
  const Said said =
      cdb({"apply", "-f", "-", "--wait"}, seconds(150), manifest(cluster, version, replicas));
  if (said.exit_code != 0) {
    fail(fmt::format("create {}: exit code {}\n{}{}\n{}", cluster, said.exit_code, said.out,
                     said.err, logs()));
  }
}

void Cloud::remove(const std::string& cluster) {
  const Said said = cdb({"delete", "mysql", cluster, "--confirm=" + cluster, "--wait"});
  if (said.exit_code != 0) {
    fail(fmt::format("delete {}: exit code {}\n{}\n{}", cluster, said.exit_code, said.err, logs()));
  }
}

ClusterSeen Cloud::look(const std::string& cluster) const {
  return read_topology(json({"topology", cluster}));
}

bool Cloud::becomes_steady(const std::string& cluster, Duration time) const {
  return eventually([&] { return is_steady(look(cluster)); }, time);
}

bool Cloud::becomes_level(const std::string& cluster, Duration time) const {
  return eventually(
      [&] {
        const ClusterSeen seen = look(cluster);
        return is_steady(seen) && is_level(seen);
      },
      time);
}

std::string Cloud::operation_state(const std::string& cluster, const std::string& kind) const {
  std::string state;
  const nlohmann::json list = json({"operations", cluster});
  for (const auto& operation : list.at("items")) {
    if (operation.at("kind") == kind) state = operation.at("state");
  }
  return state;
}

Account Cloud::account(const std::string& cluster) const {
  const Said said = cdb({"connect", cluster, "--print"});
  if (said.exit_code != 0) fail("connect " + cluster + ": " + said.err);
  Account account;
  const auto file = directory_ / ("cdb/default." + cluster + ".cnf");
  for (const auto& line : split(checked(read_file(file), "option file"), '\n')) {
    // name="value"
    const size_t equals = line.find("=\"");
    if (equals == std::string::npos) continue;
    const std::string value = line.substr(equals + 2, line.size() - equals - 3);
    (line.substr(0, equals) == "user" ? account.user : account.password) = value;
  }
  return account;
}

std::vector<std::string> Cloud::addresses(const std::string& cluster,
                                          const std::string& access) const {
  const std::string name = fmt::format("{}.{}.default.{}", access, cluster, dns_->zone());
  std::vector<std::string> found;
  const auto records = dns_->lookup(name, "A");
  if (!records) return found;
  for (const auto& record : *records)
    found.push_back(record.text);
  return found;
}

fs::path Cloud::instance(const std::string& node) const {
  return directory_ / ("i/default." + node);
}

std::optional<process::Identity> Cloud::find(const std::string& program,
                                             const std::string& node) const {
  const auto pids = processes_with_variable(program, "CDB_INSTANCE=" + instance(node).string());
  if (pids.empty()) return std::nullopt;
  const auto identity = process::identify(pids.front());
  return identity ? std::optional(*identity) : std::nullopt;
}

std::optional<process::Identity> Cloud::mysqld(const std::string& node) const {
  return find("mysqld", node);
}

std::optional<process::Identity> Cloud::agent(const std::string& node) const {
  return find("mysqllet", node);
}

std::string Cloud::logs() const {
  std::string text;
  const auto add = [&text](const fs::path& file) {
    text += "---- " + file.string() + "\n" + read_file_tail(file, 8192).value_or("(none)\n");
  };
  add(directory_ / "c/coordinator.log");
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory_ / "i", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string extension = entry->path().extension();
    if (extension == ".log" || extension == ".err") add(entry->path());
  }
  return text;
}

}  // namespace cdb::testing
