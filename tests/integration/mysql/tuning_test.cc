// What tuning/ renders, tried on real servers: taken without an adjustment, and effective.
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/process/program.h"
#include "tests/support/temp_dir.h"
#include "tuning/overrides.h"
#include "tuning/tune.h"

namespace cdb::tuning {
namespace {

namespace fs = std::filesystem;
using process::ProgramResult;
using testing::TempDir;

constexpr uint64_t kMiB = 1024 * 1024;
constexpr uint64_t kGiB = 1024 * kMiB;
constexpr auto kPatience = std::chrono::seconds(90);

fs::path mysqld_from(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr || *path == '\0') {
    FAIL("no " << std::string(variable) << " in the environment: run ./test");
  }
  return path;
}
fs::path mysqld_97() {
  return mysqld_from("CDB_TEST_MYSQLD_97");
}
fs::path mysqld_56() {
  return mysqld_from("CDB_TEST_MYSQLD_56");
}

ProgramResult run(const fs::path& program, std::vector<std::string> arguments) {
  auto result = process::run({program, std::move(arguments), {}, {}}, Deadline::after(kPatience));
  REQUIRE_MESSAGE(result.ok(), result.error().text());
  return *std::move(result);
}

// The limit up to which a mysqld that we start can go.
uint64_t open_files_max() {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_max == RLIM_INFINITY ? 1048576 : limit.rlim_max;
}

// One machine with one server on it.
class Machine {
 public:
  Machine(fs::path mysqld, uint64_t memory_bytes, int vcpu, const std::string& disk_kind)
      : mysqld_(std::move(mysqld)) {
    for (const char* name : {"log", "tmp"})
      fs::create_directory(dir_ / name);
    const auto version =
        model::MysqlVersion::parse_program_output(run(mysqld_, {"--version"}).out).value();
    facts.version = version;
    facts.memory_bytes = memory_bytes;
    facts.vcpu = vcpu;
    facts.disk_kind = disk_kind;
    facts.disk_bytes = 20 * kGiB;
    facts.open_files_max = open_files_max();
    facts.lossless = version.has_lossless_semisync();
    facts.has_clone = version.has_clone();
    facts.server_id = 4294967295;
    facts.port = 0;
    facts.bind_address = "127.0.0.1";
    facts.report_host = "shop-1";
    facts.data_dir = dir_ / "data";
    facts.socket = dir_ / "socket";
    facts.pid_file = dir_ / "pid";
    facts.error_log = dir_ / "log/error.log";
    facts.log_dir = dir_ / "log";
    facts.tmp_dir = dir_ / "tmp";
  }

  Plan plan(const Overrides& overrides = {}) {
    static const RuleSet rules = load_rules(fs::path(CDB_SOURCE_DIR) / "tuning").value();
    auto plan = tune(facts, rules, overrides);
    REQUIRE_MESSAGE(plan.ok(), plan.error().text());
    REQUIRE(write_file_atomically(config(), render_mycnf(*plan)).ok());
    return *std::move(plan);
  }

  // mysqld with the file and more options.
  [[nodiscard]] process::Program mysqld(std::vector<std::string> options) const {
    options.insert(options.begin(), {"--defaults-file=" + config().string(), "--user=root"});
    return {mysqld_, std::move(options), {}, {}};
  }
  // Runs it to its end.
  ProgramResult dry_run(std::vector<std::string> options) {
    const process::Program program = mysqld(std::move(options));
    return run(program.path, program.arguments);
  }

  void initialise() {
    if (facts.version.has_initialize_option()) {
      const auto made = run(mysqld_, {"--no-defaults", "--user=root", "--initialize-insecure",
                                      "--datadir=" + facts.data_dir});
      REQUIRE_MESSAGE(made.exit_code == 0, made.err);
      return;
    }
    fs::copy(mysqld_.parent_path().parent_path() / "data-template", facts.data_dir,
             fs::copy_options::recursive);
  }

  [[nodiscard]] fs::path config() const { return dir_ / "my.cnf"; }
  [[nodiscard]] fs::path path(const std::string& name) const { return dir_ / name; }
  [[nodiscard]] std::string error_log() const {
    return read_file(facts.error_log).value_or("(no error log)");
  }

  Facts facts{};

 private:
  TempDir dir_{};
  fs::path mysqld_{};
};

// A server that runs until the end of the scope.
class RunningServer {
 public:
  explicit RunningServer(Machine& machine)
      : machine_(machine), thread_([program = machine.mysqld({"--skip-networking"})] {
          const auto ended = process::run(program, Deadline::after(kPatience));
          if (!ended) std::fprintf(stderr, "%s\n", ended.error().text().c_str());
        }) {
    const auto ping = client("mysqladmin", {"--wait=60", "ping"});
    REQUIRE_MESSAGE(ping.exit_code == 0, ping.err << machine.error_log());
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() {
    const auto pid = read_file(machine_.facts.pid_file);
    if (pid) ::kill(std::stoi(*pid), SIGTERM);
  }

  std::map<std::string, std::string> variables() {
    const auto shown = client("mysql", {"-N", "-B", "--raw", "-e", "SHOW GLOBAL VARIABLES"});
    REQUIRE_MESSAGE(shown.exit_code == 0, shown.err);
    std::map<std::string, std::string> variables;
    for (const std::string& line : split(shown.out, '\n')) {
      const size_t tab = line.find('\t');
      if (tab != std::string::npos) variables[line.substr(0, tab)] = line.substr(tab + 1);
    }
    return variables;
  }

 private:
  // Those of 9.7 log in to 5.6 too.
  [[nodiscard]] ProgramResult client(const char* name, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {"--no-defaults", "--user=root", "--socket=" + machine_.facts.socket});
    return run(mysqld_97().parent_path() / name, std::move(arguments));
  }

  Machine& machine_;
  std::jthread thread_;
};

bool same_value(const Setting& setting, const std::string& shown) {
  const std::string word = to_lower(shown);
  if (setting.value == "ON") return word == "on" || word == "1" || word == "true" || word == "yes";
  if (setting.value == "OFF")
    return word == "off" || word == "0" || word == "false" || word == "no";
  const auto planned = parse_number(setting.value);
  const auto number = parse_number(shown);
  if (planned && number) return *planned == *number;
  return to_lower(setting.value) == word;
}

// "name   value" of `mysqld --verbose --help`, by variable name.
std::map<std::string, std::string> effective_values(const std::string& help) {
  std::map<std::string, std::string> values;
  const size_t table = help.find("\nVariables (--variable-name=value)");
  REQUIRE(table != std::string::npos);
  for (const std::string& line : split(help.substr(table), '\n')) {
    const size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    values[Catalogue::canonical(line.substr(0, blank))] = std::string(trim(line.substr(blank)));
  }
  return values;
}

void check_dry_run(Machine& machine, const Plan& plan) {
  const auto dry = machine.dry_run({"--log-bin-index=" + machine.path("tmp/index").string(),
                                    "--log-error=stderr", "--verbose", "--help"});
  CHECK_MESSAGE(dry.exit_code == 0, dry.err);
  const auto values = effective_values(dry.out);
  size_t seen = 0;
  for (const Setting& setting : plan.settings) {
    const auto value = values.find(setting.name);
    if (value == values.end() || !setting.readback || setting.name == "log_error") continue;
    ++seen;
    CHECK_MESSAGE(same_value(setting, value->second),
                  setting.name << " = " << setting.value << " became " << value->second);
  }
  CHECK(seen > 50);
}

void check_validation(Machine& machine) {
  const auto validated =
      machine.dry_run({"--validate-config", "--log-error=stderr", "--log-error-verbosity=2"});
  CHECK(validated.exit_code == 0);
  for (const std::string& line : split(validated.err, '\n')) {
    INFO(line);
    CHECK(line.find("[ERROR]") == std::string::npos);
    CHECK(line.find("adjusted") == std::string::npos);
    CHECK(line.find("deprecated") == std::string::npos);
    CHECK(line.find("unknown") == std::string::npos);
  }
}

void check_running(Machine& machine, const Plan& plan) {
  machine.initialise();
  RunningServer server(machine);
  const auto variables = server.variables();
  size_t seen = 0;
  for (const Setting& setting : plan.settings) {
    const auto shown = variables.find(setting.name);
    INFO(setting.name << " = " << setting.value << " [" << setting.rule_id << "]");
    CHECK((setting.option || shown != variables.end()));
    if (shown == variables.end() || !setting.readback) continue;
    ++seen;
    CHECK_MESSAGE(same_value(setting, shown->second), "became " << shown->second);
  }
  CHECK(seen > 50);
  for (const char* closed : {"read_only", "gtid_mode", "log_bin"})
    CHECK(variables.at(closed) == "ON");
  for (const std::string& line : split(machine.error_log(), '\n')) {
    INFO(line);
    CHECK(line.find("djusted") == std::string::npos);
    CHECK(line.find("Changed limits") == std::string::npos);
    CHECK(line.find("Could not increase") == std::string::npos);
  }
}

struct Flavor {
  uint64_t memory_bytes;
  int vcpu;
  const char* disk_kind;
};
const Flavor kFlavors[] = {
    {1 * kGiB, 1, "hdd"}, {2 * kGiB, 2, "ssd"}, {16 * kGiB, 4, "nvme"}, {64 * kGiB, 32, "nvme"}};

}  // namespace

TEST_CASE("MySQL 9.7 takes the files of every flavor as they are") {
  for (const Flavor& flavor : kFlavors) {
    Machine machine(mysqld_97(), flavor.memory_bytes, flavor.vcpu, flavor.disk_kind);
    INFO(bytes_text(static_cast<double>(flavor.memory_bytes)));
    const Plan plan = machine.plan();
    check_dry_run(machine, plan);
    check_validation(machine);
  }
}

TEST_CASE("MySQL 5.6 takes the files of every flavor as they are") {
  for (const Flavor& flavor : kFlavors) {
    Machine machine(mysqld_56(), flavor.memory_bytes, flavor.vcpu, flavor.disk_kind);
    INFO(bytes_text(static_cast<double>(flavor.memory_bytes)));
    check_dry_run(machine, machine.plan());
  }
}

TEST_CASE("MySQL 9.7 runs a machine of 1 GiB with every setting as planned") {
  Machine machine(mysqld_97(), kGiB, 1, "ssd");
  check_running(machine, machine.plan());
}

TEST_CASE("MySQL 9.7 runs a user's settings as planned, whatever is in them") {
  Machine machine(mysqld_97(), 2 * kGiB, 2, "ssd");
  const Plan plan = machine.plan({{"init_connect", "SET @a = '#x\\\\y' ;"},
                                  {"Max-Connections", "120"},
                                  {"expire_log_days", "10"},
                                  {"innodb_buffer_pool_size", "500M"},
                                  {"sql_mode", "strict_trans_tables,ansi_quotes"},
                                  {"connect_timeout", "100"},
                                  {"innodb_sort_buffer_size", "2M"}});
  check_running(machine, plan);
}

TEST_CASE("MySQL 5.6 runs a machine of 1 GiB with every setting as planned") {
  Machine machine(mysqld_56(), kGiB, 1, "ssd");
  check_running(machine, machine.plan());
}

}  // namespace cdb::tuning
