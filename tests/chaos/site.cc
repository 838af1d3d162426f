#include "tests/chaos/site.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <regex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/adapters/mysql_connection.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/model/mysql_version.h"
#include "tests/support/eventually.h"

namespace cdb::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::eventually;

constexpr int kCoordinatorAddress = 2;
constexpr int kDnsAddress = 3;
constexpr int kClientAddress = 4;
constexpr int kFirstMachine = 10;
constexpr int kCoordinatorPort = 7400;
constexpr const char* kCluster = "c";

std::string coordinator_endpoint() {
  return fmt::format("{}:{}", address_of(kCoordinatorAddress), kCoordinatorPort);
}

bool is_old(const SitePlan& plan) {
  return plan.version.front() == '5';
}

std::string mysqld_of(const SitePlan& plan) {
  return program(is_old(plan) ? "CDB_TEST_MYSQLD_56" : "CDB_TEST_MYSQLD_97");
}

std::string exact_version(const std::string& mysqld) {
  const auto said =
      process::run({mysqld, {"--no-defaults", "--version"}, {}, {}}, Deadline::after(seconds(30)));
  if (!said) give_up(mysqld + ": " + said.error().text());
  const auto version = model::MysqlVersion::parse_program_output(said->out);
  if (!version) give_up(mysqld + ": " + version.error().text());
  return version->str();
}

std::string node_name(int ordinal) {
  return fmt::format("{}-{}", kCluster, ordinal);
}

}  // namespace

Site::Site(SitePlan plan) : plan_(std::move(plan)), directory_({}) {
  network_ = std::make_unique<Network>(directory_ / "switch");
  dns_ = std::make_unique<Dns>(*network_, directory_.path(), address_of(kDnsAddress));
  clients_ = std::make_unique<Host>(
      *network_, directory_.path(),
      HostPlan{"clients", address_of(kClientAddress), {}, dns_->address(), 0, false});
  clients_->power_on();
  add_machines();
  add_coordinator();
  make_cluster();
}

Site::~Site() = default;

std::vector<std::string> Site::service(std::vector<std::string> command) const {
  return plan_.own_clocks ? with_own_clock(std::move(command)) : command;
}

// mysqld does not start under libfaketime: its agent's clock is stepped, and its own is not.
std::string Site::real_clock(const std::string& mysqld) const {
  const std::string wrapper = directory_ / "mysqld";
  std::ofstream(wrapper) << "#!/bin/sh\nunset LD_PRELOAD\nexec " << mysqld << " \"$@\"\n";
  fs::permissions(wrapper, fs::perms(0755));
  return wrapper;
}

void Site::add_machines() {
  const std::string mysqld = mysqld_of(plan_);
  const std::string version = exact_version(mysqld);
  std::ofstream list(directory_ / "machines.toml");
  for (int ordinal = 0; ordinal <= plan_.replicas; ++ordinal) {
    const std::string node = node_name(ordinal);
    const std::string address = address_of(kFirstMachine + ordinal);
    machines_.push_back(std::make_unique<Host>(
        *network_, directory_.path(),
        HostPlan{node,
                 address,
                 service({program("CDB_TEST_MYSQLLET"), "--config", "{dir}/agent.toml"}),
                 {},
                 plan_.disk_mib,
                 plan_.freezable_disks}));
    const Host& machine = *machines_.back();
    machine.step_clock(seconds(0));
    // What a rack's power switch would say.
    list << fmt::format(
        "[[machine]]\nnode = \"default/{}\"\naddress = \"{}\"\nversion = \"{}\"\n"
        "power_state = [\"/bin/cat\", \"{}\"]\n",
        node, address, version, (machine.directory() / "power").string());
    std::ofstream(machine.directory() / "agent.toml") << fmt::format(
        R"(node = "{node}"
cluster = "{cluster}"
namespace = "default"
coordinators = ["{coordinator}"]
address = "{address}"
mysqld = "{mysqld}"
data_dir = "{disk}/data"
run_dir = "{disk}/run"
log_dir = "{disk}/log"
state_dir = "{disk}/state"
tuning_dir = "{source}/tuning"
)",
        fmt::arg("node", node), fmt::arg("cluster", kCluster),
        fmt::arg("coordinator", coordinator_endpoint()), fmt::arg("address", address),
        fmt::arg("mysqld", plan_.own_clocks ? real_clock(mysqld) : mysqld),
        fmt::arg("disk", machine.disk().string()),
        fmt::arg("source", program("CDB_TEST_SOURCE_DIR")));
    for (const char* place : {"data", "run", "log", "state"})
      fs::create_directories(machine.disk() / place);
  }
}

void Site::add_coordinator() {
  coordinator_ = std::make_unique<Host>(
      *network_, directory_.path(),
      HostPlan{"coordinator",
               address_of(kCoordinatorAddress),
               service({program("CDB_TEST_COORDINATOR"), "--config", "{dir}/coordinator.toml"}),
               {},
               256,
               false});
  coordinator_->step_clock(seconds(0));
  std::ofstream(coordinator_->directory() / "coordinator.toml") << fmt::format(
      R"(listen = ["{listen}"]
endpoint_file = "{dir}/endpoints"
state = "{disk}/cdb.sqlite"
flavors = "{source}/packaging/etc/flavors.toml"
tuning_dir = "{source}/tuning"

[dns]
server = "{dns}:53"
zone = "{zone}"
key_file = "{key}"

[static]
machines = "{root}/machines.toml"
)",
      fmt::arg("listen", coordinator_endpoint()),
      fmt::arg("dir", coordinator_->directory().string()),
      fmt::arg("disk", coordinator_->disk().string()),
      fmt::arg("source", program("CDB_TEST_SOURCE_DIR")), fmt::arg("dns", dns_->address()),
      fmt::arg("zone", Dns::zone()), fmt::arg("key", dns_->key_file().string()),
      fmt::arg("root", directory_.path().string()));
}

void Site::make_cluster() {
  coordinator_on();
  std::string text = fmt::format(
      "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {{name: {}}}\n"
      "spec: {{flavor: {}, replica: {}, version: \"{}\"}}\n",
      kCluster, is_old(plan_) ? "tiny" : "micro", plan_.replicas, plan_.version);
  text += fmt::format(
      "---\napiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\nmetadata: {{name: {}}}\nspec: {}\n",
      kCluster, plan_.policy);
  for (const auto& machine : machines_) {
    std::ofstream(machine->directory() / "power") << "on\n";
    machine->power_on();
  }
  const auto made = cdb({"apply", "-f", "-", "--wait"}, text);
  if (made.exit_code != 0) give_up("the cluster is not made: " + made.out + made.err + logs());
  read_account();
  if (!becomes_level(seconds(90))) give_up("the new cluster does not become steady\n" + logs());
  for (const char* statement :
       {"CREATE DATABASE chaos",
        "CREATE TABLE chaos.numbered (writer INT NOT NULL, n BIGINT NOT NULL, node VARCHAR(64) NOT "
        "NULL, PRIMARY KEY (writer, n)) ENGINE = InnoDB"}) {
    static_cast<void>(ask(look().primary, statement));
  }
}

void Site::read_account() {
  if (const auto said = cdb({"connect", kCluster, "--print"}); said.exit_code != 0)
    give_up("cdb connect: " + said.err);
  const auto file = directory_ / fmt::format("cdb/default.{}.cnf", kCluster);
  for (const auto& line : split(read_file(file).value(), '\n')) {
    // name="value"
    const size_t equals = line.find("=\"");
    if (equals == std::string::npos) continue;
    const std::string value = line.substr(equals + 2, line.size() - equals - 3);
    (line.substr(0, equals) == "user" ? account_.user : account_.password) = value;
  }
}

Host& Site::machine(const std::string& node) {
  for (const auto& machine : machines_) {
    if (machine->name() == node) return *machine;
  }
  give_up("there is no machine " + node);
}

std::vector<std::string> Site::nodes() const {
  std::vector<std::string> names;
  for (const auto& machine : machines_)
    names.push_back(machine->name());
  return names;
}

fs::path Site::coordinator_log() const {
  return coordinator_->directory() / "machine.log";
}

process::ProgramResult Site::cdb(std::vector<std::string> arguments,
                                 const std::string& input) const {
  arguments.insert(arguments.begin(), program("CDB_TEST_CDB"));
  return clients_->space().run(arguments, seconds(150), input,
                               {{"CDB_ENDPOINTS", coordinator_endpoint()},
                                {"CDB_NAMESPACE", "default"},
                                {"CDB_CONFIG", directory_ / "none.yaml"},
                                {"CDB_CONTEXT", ""},
                                {"CDB_DNS", ""},
                                {"XDG_RUNTIME_DIR", directory_.path()},
                                {"HOME", directory_.path()}});
}

ClusterSeen Site::look() const {
  const auto said = cdb({"topology", kCluster, "-o", "json"});
  if (said.exit_code != 0) give_up("cdb topology: " + said.err);
  return testing::read_topology(nlohmann::json::parse(said.out));
}

std::vector<Reign> Site::reigns() const {
  const auto said = cdb({"events", kCluster, "--limit", "1000", "-o", "json"});
  if (said.exit_code != 0) give_up("cdb events: " + said.err);
  // "epoch 2 version 3: c-1 is drained and ready [open]"
  static const std::regex opened(R"(epoch (\d+) version \d+: (\S+) is drained and ready.*)");
  std::vector<Reign> reigns;
  const nlohmann::json list = nlohmann::json::parse(said.out);
  for (const auto& event : list.at("items")) {
    std::smatch match;
    const std::string message = event.at("message");
    const std::string type = event.at("type");
    if (type == "election.opened" && std::regex_match(message, match, opened))
      reigns.push_back({std::stoull(match[1]), match[2]});
    if (type == "switchover.undone" && reigns.size() > 1) reigns.push_back(reigns.end()[-1]);
  }
  return reigns;
}

bool Site::sees(const std::function<bool(const ClusterSeen&)>& holds, Duration time) const {
  const Deadline deadline = Deadline::after(time);
  return eventually(
      [&] {
        const auto said = cdb({"topology", kCluster, "-o", "json"});
        if (said.exit_code != 0) return false;
        return holds(testing::read_topology(nlohmann::json::parse(said.out)));
      },
      deadline.left());
}

bool Site::becomes_level(Duration time) const {
  return sees(
      [](const ClusterSeen& seen) { return testing::is_steady(seen) && testing::is_level(seen); },
      time);
}

std::unique_ptr<agent::MysqlConnection> Site::connect(const std::string& node) const {
  agent::MysqlLogin login;
  for (const auto& machine : machines_) {
    if (machine->name() == node) login.host = machine->address();
  }
  login.user = account_.user;
  login.password = Secret(account_.password);
  std::unique_ptr<agent::MysqlConnection> connection;
  clients_->space().inside([&] {
    auto opened = agent::MysqlConnection::open(login, seconds(2), seconds(20));
    if (!opened.connection) give_up(node + ": " + opened.error->text);
    connection = std::move(opened.connection);
  });
  return connection;
}

std::vector<std::string> Site::ask(const std::string& node, const std::string& statement) const {
  const auto answer = connect(node)->run(statement);
  if (!answer.ok()) give_up(node + ": " + answer.error->text);
  std::vector<std::string> values;
  for (const auto& row : answer.rows.rows)
    values.push_back(row.front().value_or(""));
  return values;
}

void Site::as_root(const std::string& node, const std::string& statements) const {
  const auto machine = std::find_if(machines_.begin(), machines_.end(),
                                    [&](const auto& each) { return each->name() == node; });
  const auto said = (*machine)->space().run(
      {"mariadb", "--defaults-file=" + ((*machine)->disk() / "state/root.cnf").string()},
      seconds(30), statements);
  if (said.exit_code != 0) give_up(node + ": " + said.err);
}

void Site::coordinator_off() {
  coordinator_->space().service_off();
  coordinator_->send("cdb-coordinator", SIGKILL);
  if (!eventually([&] { return !coordinator_->runs("cdb-coordinator"); }))
    give_up("the coordinator does not end");
}

void Site::coordinator_on() {
  std::error_code none;
  fs::remove(coordinator_->directory() / "endpoints", none);
  coordinator_->power_on();
  coordinator_->space().service_on();
  if (!eventually([&] { return fs::exists(coordinator_->directory() / "endpoints"); }))
    give_up("the coordinator does not start\n" + logs());
}

void Site::mend() {
  network_->heal();
  for (const auto& machine : machines_) {
    machine->thaw_disk();
    machine->empty_disk();
    machine->step_clock(seconds(0));
    machine->resume();
    if (!machine->is_on()) {
      std::ofstream(machine->directory() / "power") << "on\n";
      machine->power_on();
    }
    machine->space().service_on();
    for (const char* process : {"mysqllet", "mysqld"})
      machine->send(process, SIGCONT);
  }
  coordinator_->step_clock(seconds(0));
  coordinator_->resume();
  if (!coordinator_->is_on() || !coordinator_->runs("cdb-coordinator")) coordinator_on();
}

std::string Site::logs() const {
  std::string text;
  const auto add = [&text](const fs::path& file) {
    const auto tail = read_file_tail(file, 20000);
    if (tail && !tail->empty()) text += "---- " + file.string() + "\n" + *tail;
  };
  if (coordinator_) add(coordinator_->directory() / "machine.log");
  for (const auto& machine : machines_) {
    add(machine->directory() / "machine.log");
    add(machine->disk() / "log/error.log");
  }
  return text;
}

}  // namespace cdb::chaos
