#include "coordinator/adapters/local_provisioner.h"

#include <csignal>
#include <fstream>
#include <random>
#include <set>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/instance_init/init_status.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "tests/integration/provisioner/playground.h"

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;

model::NodeId node(int ordinal = 0) {
  return {{"default", "demo"}, model::NodeName(fmt::format("demo-{}", ordinal))};
}

MachineSpec spec(int ordinal = 0) {
  MachineSpec spec;
  spec.node = node(ordinal);
  spec.version = {9, 7, 4};
  spec.flavor = "small";
  spec.memory_bytes = uint64_t{64} << 20U;
  return spec;
}

// One provisioner in its playground, and what a test wants to know of its instances.
struct Site {
  Playground ground{};
  LocalProvisioner provisioner;

  Site() : provisioner(*LocalProvisioner::open(ground.config())) {}
  explicit Site(UseCgroups use) : provisioner(open(ground.config(), use)) {}
  static LocalProvisioner open(LocalProvisionerConfig config, UseCgroups use) {
    config.use_cgroups = use;
    return *LocalProvisioner::open(config);
  }

  [[nodiscard]] InstanceLayout layout(int ordinal = 0) const {
    return InstanceLayout(ground.root() / ("default." + node(ordinal).node.str()));
  }
  [[nodiscard]] std::vector<pid_t> inits(int ordinal = 0) const {
    return processes_with_argument("--directory=" + layout(ordinal).directory.string());
  }
  [[nodiscard]] std::vector<pid_t> agents(int ordinal = 0) const {
    return processes_with_argument(layout(ordinal).agent_config());
  }
  [[nodiscard]] std::vector<pid_t> servers(int ordinal = 0) const {
    return processes_with_argument("--datadir=" + layout(ordinal).data_dir().string());
  }
  [[nodiscard]] size_t starts(int ordinal = 0) const {
    const auto lines = read_file(layout(ordinal).state_dir() / "starts").value_or("");
    return static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n'));
  }
  // The stand-in holds its lock and has read what it is to do.
  bool agent_up(size_t start = 1, int ordinal = 0) const {
    return eventually([&] { return starts(ordinal) >= start && agents(ordinal).size() == 1; });
  }
  bool becomes(MachineState state, int ordinal = 0) {
    return eventually([&] { return provisioner.observe(node(ordinal))->state == state; });
  }
  bool powered_on(int ordinal = 0) {
    return eventually([&] {
      const auto machine = provisioner.ensure(spec(ordinal));
      return machine && machine->state == MachineState::Running;
    });
  }
  bool removed(int ordinal = 0) {
    return eventually([&] {
      const auto state = provisioner.remove(node(ordinal));
      return state && *state == MachineState::Absent;
    });
  }
};

void check_nothing_left(const Playground& ground) {
  CHECK(ground.processes().empty());
  CHECK(ground.cgroups().empty());
  CHECK(ground.reservations().empty());
  std::error_code error;
  for (const char* name : {"r", "a", "b"}) {
    for (fs::directory_iterator entry(ground.root(name), error), end; !error && entry != end;
         entry.increment(error)) {
      const auto left = entry->path().filename().string();
      CAPTURE(left);
      CHECK((left == ".lock" || left == "behaviour"));
    }
  }
}

// A process of its own that provisions: runs the body, and is killed after the time if it still
// runs.
void provision_apart(const std::function<void()>& body, std::chrono::microseconds time) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  const auto identity = process::identify(pid);
  if (identity) {
    const auto pidfd = process::open(*identity);
    pollfd waiting{pidfd ? pidfd->get() : -1, POLLIN, 0};
    const timespec left{0, static_cast<long>(time.count()) * 1000};
    ::ppoll(&waiting, 1, &left, nullptr);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

TEST_CASE("a machine is made, seen, listed and removed, and nothing stays behind") {
  Site site;
  CHECK(site.provisioner.observe(node())->state == MachineState::Absent);
  CHECK(site.provisioner.list()->empty());
  const auto versions = site.provisioner.installed_versions();
  REQUIRE(versions);
  CHECK(*versions == std::vector<model::MysqlVersion>{{5, 6, 24}, {9, 7, 4}});

  const auto made = site.provisioner.ensure(spec());
  REQUIRE(made);
  CHECK(made->state == MachineState::Running);
  CHECK(made->address.substr(0, 7) == "127.77.");
  REQUIRE(site.agent_up());
  CHECK(site.provisioner.observe(node())->address == made->address);
  CHECK(site.provisioner.list()->size() == 1);
  CHECK(site.provisioner.list()->front().node == node());
  CHECK(site.inits().size() == 1);
  CHECK(read_file(site.layout().agent_log()).value_or("") == "up\n");
  struct stat info {};
  REQUIRE(::stat(site.layout().agent_config().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);

  REQUIRE(site.removed());
  CHECK(site.provisioner.observe(node())->state == MachineState::Absent);
  CHECK(site.provisioner.list()->empty());
  check_nothing_left(site.ground);
}

TEST_CASE("an agent that is killed comes back in the same machine") {
  Site site;
  REQUIRE(site.powered_on());
  REQUIRE(site.agent_up());
  for (size_t round = 2; round < 5; ++round) {
    const pid_t before = site.agents().at(0);
    const Instant killed = BootTime::now();
    REQUIRE(::kill(before, SIGKILL) == 0);
    REQUIRE(eventually([&] { return site.starts() == round; }));
    MESSAGE("back after " << to_text(BootTime::now() - killed));
    REQUIRE(site.agent_up(round));
    CHECK(site.agents().at(0) != before);
  }
  CHECK(site.provisioner.observe(node())->state == MachineState::Running);
  CHECK(read_init_status(site.layout().init_status())->restarts == 3);
}

TEST_CASE("an agent that cannot run makes the machine Failed, and Running once it can") {
  Site site;
  site.ground.behave("exit 3");
  REQUIRE(site.powered_on());
  REQUIRE(site.becomes(MachineState::Failed));
  const std::string detail = site.provisioner.observe(node())->detail;
  CAPTURE(detail);
  CHECK(detail.find("last with exit code 3") != std::string::npos);
  CHECK(detail.find("log/mysqllet.log") != std::string::npos);
  site.ground.behave("live");
  CHECK(site.becomes(MachineState::Running));
}

TEST_CASE("an agent program that is missing is named") {
  Playground ground;
  auto config = ground.config();
  config.mysqllet = ground.path() / "no-such-agent";
  auto provisioner = *LocalProvisioner::open(config);
  REQUIRE(provisioner.ensure(spec()));
  REQUIRE(eventually([&] { return provisioner.observe(node())->state == MachineState::Failed; }));
  CHECK(provisioner.observe(node())->detail.find("exit code 127") != std::string::npos);
  const auto log = read_file(ground.root() / "default.demo-0/log/mysqllet.log").value_or("");
  CHECK(log.find("cannot execute " + config.mysqllet.string()) != std::string::npos);
}

TEST_CASE("an init program that is missing leaves a machine that a later call completes") {
  Playground ground;
  auto config = ground.config();
  config.instance_init = ground.path() / "no-such-init";
  auto broken = *LocalProvisioner::open(config);
  const auto refused = broken.ensure(spec());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Unavailable);
  CHECK(refused.error().message.find("no-such-init") != std::string::npos);
  const auto seen = broken.observe(node());
  CHECK(seen->state == MachineState::Off);
  auto whole = *LocalProvisioner::open(ground.config());
  const auto made = whole.ensure(spec());
  REQUIRE(made);
  CHECK(made->state == MachineState::Running);
  CHECK(made->address == seen->address);
}

TEST_CASE("when the init is killed its agent lives on, and the next init adopts it") {
  Site site;
  REQUIRE(site.powered_on());
  REQUIRE(site.agent_up());
  const pid_t agent = site.agents().at(0);
  REQUIRE(::kill(site.inits().at(0), SIGKILL) == 0);
  REQUIRE(site.becomes(MachineState::Off));
  CHECK(site.agents() == std::vector<pid_t>{agent});

  REQUIRE(site.powered_on());
  CHECK(site.inits().size() == 1);
  CHECK(site.agents() == std::vector<pid_t>{agent});
  CHECK(site.starts() == 1);
  REQUIRE(::kill(agent, SIGKILL) == 0);
  CHECK(site.agent_up(2));

  REQUIRE(site.removed());
  check_nothing_left(site.ground);
}

TEST_CASE("an agent that the next init does not know of is waited for, never doubled") {
  Site site;
  REQUIRE(site.powered_on());
  REQUIRE(site.agent_up());
  const pid_t agent = site.agents().at(0);
  REQUIRE(::kill(site.inits().at(0), SIGKILL) == 0);
  REQUIRE(site.becomes(MachineState::Off));
  fs::remove(site.layout().init_status());

  REQUIRE(site.powered_on());
  REQUIRE(eventually([&] {
    return site.provisioner.observe(node())->detail.find("waits for an earlier agent") !=
           std::string::npos;
  }));
  CHECK(site.starts() == 1);
  CHECK(site.provisioner.observe(node())->state == MachineState::Running);
  REQUIRE(::kill(agent, SIGKILL) == 0);
  CHECK(site.agent_up(2));
}

TEST_CASE("power off kills a server that has left its agent and is deaf to SIGTERM") {
  for (const char* behaviour : {"serve", "serve-unmarked"}) {
    for (const UseCgroups use : {UseCgroups::Auto, UseCgroups::Off}) {
      CAPTURE(behaviour);
      Site site(use);
      site.ground.behave(behaviour);
      REQUIRE(site.powered_on());
      REQUIRE(eventually([&] { return site.servers().size() == 1; }));
      const std::string address = site.provisioner.observe(node())->address;

      REQUIRE(::kill(site.inits().at(0), SIGTERM) == 0);
      REQUIRE(site.becomes(MachineState::Off));
      CHECK(site.servers().empty());
      CHECK(site.agents().empty());
      CHECK_FALSE(fs::exists(site.layout().init_identity()));

      REQUIRE(site.powered_on());
      CHECK(site.provisioner.observe(node())->address == address);
      CHECK(site.agent_up(2));
    }
  }
}

TEST_CASE("removal kills a server whose init and agent are dead already") {
  for (const UseCgroups use : {UseCgroups::Auto, UseCgroups::Off}) {
    Site site(use);
    site.ground.behave("serve-unmarked");
    REQUIRE(site.powered_on());
    REQUIRE(eventually([&] { return site.servers().size() == 1; }));
    REQUIRE(::kill(site.inits().at(0), SIGKILL) == 0);
    for (const pid_t agent : site.agents())
      ::kill(agent, SIGKILL);
    REQUIRE(eventually([&] { return site.agents().empty() && site.inits().empty(); }));
    CHECK(site.servers().size() == 1);
    REQUIRE(site.removed());
    check_nothing_left(site.ground);
  }
}

TEST_CASE("an agent's restart does not touch its server") {
  Site site;
  site.ground.behave("serve");
  REQUIRE(site.powered_on());
  REQUIRE(eventually([&] { return site.servers().size() == 1; }));
  const pid_t server = site.servers().at(0);
  REQUIRE(::kill(site.agents().at(0), SIGKILL) == 0);
  REQUIRE(site.agent_up(2));
  CHECK(site.servers() == std::vector<pid_t>{server});
}

TEST_CASE("other coordinators reach a running agent: it is started again with them") {
  Site site;
  REQUIRE(site.powered_on());
  REQUIRE(site.agent_up());
  REQUIRE(site.powered_on());
  CHECK(site.starts() == 1);
  auto config = site.ground.config();
  config.coordinators = {"127.0.0.1:7401", "127.0.0.1:7402"};
  auto moved = *LocalProvisioner::open(config);
  REQUIRE(moved.ensure(spec()));
  CHECK(read_file(site.layout().agent_config())
            ->find("coordinators = [\"127.0.0.1:7401\", \"127.0.0.1:7402\"]") != std::string::npos);
  CHECK(site.agent_up(2));
}

TEST_CASE("an instance whose directory is removed by hand powers off by itself") {
  Site site;
  site.ground.behave("serve");
  REQUIRE(site.powered_on());
  REQUIRE(eventually([&] { return site.servers().size() == 1; }));
  const auto directory = site.layout().directory;
  std::error_code error;
  REQUIRE(eventually([&] { return fs::remove_all(directory, error), !fs::exists(directory); }));
  CHECK(eventually([&] { return site.inits().empty() && site.servers().empty(); }));
  CHECK(site.removed());
  check_nothing_left(site.ground);
}

TEST_CASE("an init that does not end when asked is killed with all that is its") {
  Playground ground;
  auto config = ground.config();
  config.power_off_time = std::chrono::milliseconds(200);
  auto provisioner = *LocalProvisioner::open(config);
  REQUIRE(provisioner.ensure(spec()));
  const std::string argument = "--directory=" + (ground.root() / "default.demo-0").string();
  REQUIRE(::kill(processes_with_argument(argument).at(0), SIGSTOP) == 0);
  CHECK(eventually([&] { return *provisioner.remove(node()) == MachineState::Absent; }));
  check_nothing_left(ground);
}

TEST_CASE("the memory cgroup has the flavor's limit and holds agent and server") {
  Site site;
  site.ground.behave("serve-unmarked");
  REQUIRE(site.powered_on());
  REQUIRE(eventually([&] { return site.servers().size() == 1; }));
  const auto cgroups = site.ground.cgroups();
  REQUIRE(cgroups.size() == 1);
  const bool v1 = fs::exists(cgroups[0] / "memory.limit_in_bytes");
  const auto limit = cgroups[0] / (v1 ? "memory.limit_in_bytes" : "memory.max");
  CHECK(read_file(limit).value_or("") == std::to_string(64U << 20U) + "\n");
  const auto inside = split(read_file(cgroups[0] / "cgroup.procs").value_or(""), '\n');
  for (const auto& pids : {site.inits(), site.agents(), site.servers()}) {
    REQUIRE(pids.size() == 1);
    CHECK(std::count(inside.begin(), inside.end(), std::to_string(pids[0])) == 1);
  }
  CHECK(site.provisioner.observe(node())->detail.empty());

  auto larger = spec();
  larger.memory_bytes *= 2;
  REQUIRE(site.provisioner.ensure(larger));
  CHECK(read_file(limit).value_or("") == std::to_string(128U << 20U) + "\n");
}

TEST_CASE("an agent that outgrows the machine's memory is killed alone and comes back") {
  Site site;
  site.ground.behave("eat");
  REQUIRE(site.powered_on());
  REQUIRE(site.agent_up(2));
  CHECK(read_file(site.layout().state_dir() / "eaten").value_or("") == "once\n");
  CHECK(site.inits().size() == 1);
}

TEST_CASE("a machine without a memory cgroup says so") {
  Site site(UseCgroups::Off);
  REQUIRE(site.powered_on());
  CHECK(site.provisioner.observe(node())->detail == "no memory cgroup: switched off");
  CHECK(site.ground.cgroups().empty());
}

TEST_CASE("a version that is not installed, or not the machine's, is refused") {
  Site site;
  auto other = spec();
  other.version = {8, 0, 36};
  const auto refused = site.provisioner.ensure(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Precondition);
  CHECK(refused.error().message == "MySQL 8.0.36 is not installed on this machine");
  REQUIRE(site.powered_on());
  other.version = {5, 6, 24};
  CHECK(site.provisioner.ensure(other).error().code == Code::Conflict);
  CHECK(site.provisioner.observe(node())->state == MachineState::Running);
}

TEST_CASE("half-made machines are listed, removed and completed") {
  Site site;
  fs::create_directories(site.layout(0).state_dir());
  fs::create_directories(site.layout(1).directory);
  std::ofstream(site.layout(1).directory / "agent.toml.tmp") << "half";
  fs::create_directories(site.layout(2).directory);
  std::ofstream(site.layout(2).machine_file()) << "{";
  const auto machines = site.provisioner.list();
  REQUIRE(machines);
  REQUIRE(machines->size() == 3);
  CHECK(machines->at(0).node == node(0));
  CHECK(machines->at(0).state == MachineState::Off);
  CHECK(machines->at(0).detail == "half made, or half removed");
  CHECK(machines->at(2).state == MachineState::Failed);
  CHECK(site.powered_on(0));
  CHECK(site.removed(1));
  CHECK(site.removed(2));
  CHECK(site.removed(0));
  CHECK(site.removed(7));
  check_nothing_left(site.ground);
}

TEST_CASE("a machine keeps its address although somebody else listens there by now") {
  Site site;
  REQUIRE(site.powered_on());
  const std::string address = site.provisioner.observe(node())->address;
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(3306);
  REQUIRE(::inet_pton(AF_INET, address.c_str(), &where.sin_addr) == 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  const auto again = site.provisioner.ensure(spec());
  REQUIRE(again);
  CHECK(again->state == MachineState::Running);
  CHECK(again->address == address);
}

TEST_CASE("provisioners of different roots that work at once give no address twice") {
  Playground ground;
  constexpr int kMachines = 12;
  // Small, so that they meet; not the one of a test run beside this one.
  const pid_t self = ::getpid();
  const std::string network = fmt::format("127.{}.{}.0/27", 100 + self / 256 % 100, self % 256);
  std::vector<pid_t> workers;
  for (const char* name : {"a", "b"}) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      auto config = ground.config(name);
      config.network = network;
      auto provisioner = *LocalProvisioner::open(config);
      bool good = true;
      for (int i = 0; i < kMachines; ++i)
        good = provisioner.ensure(spec(i)).ok() && good;
      ::_exit(good ? 0 : 1);
    }
    workers.push_back(pid);
  }
  for (const pid_t pid : workers) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  std::set<std::string> addresses;
  for (const char* name : {"a", "b"}) {
    auto provisioner = *LocalProvisioner::open(ground.config(name));
    const auto machines = provisioner.list();
    REQUIRE(machines);
    CHECK(machines->size() == kMachines);
    for (const Machine& machine : *machines)
      addresses.insert(machine.address);
  }
  CHECK(addresses.size() == 2 * kMachines);
}

TEST_CASE("the same machine asked for by several at once is made once") {
  Site site;
  std::vector<pid_t> workers;
  for (int i = 0; i < 6; ++i) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      auto provisioner = *LocalProvisioner::open(site.ground.config());
      ::_exit(eventually([&] {
        const auto machine = provisioner.ensure(spec());
        return machine && machine->state == MachineState::Running;
      })
                  ? 0
                  : 1);
    }
    workers.push_back(pid);
  }
  for (const pid_t pid : workers) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  CHECK(site.agent_up());
  CHECK(site.inits().size() == 1);
  CHECK(site.starts() == 1);
  CHECK(site.ground.reservations().size() == 1);
}

TEST_CASE("a provisioning process killed at any moment leaves what the next one completes") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<long> moment_us(0, 40'000);
  Site site;
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    const auto apart = [&](const std::function<void(LocalProvisioner&)>& body) {
      provision_apart(
          [&] {
            auto own = *LocalProvisioner::open(site.ground.config());
            body(own);
          },
          std::chrono::microseconds(moment_us(random)));
    };
    std::string address;
    for (int kill = 0; kill < 3; ++kill) {
      apart([](LocalProvisioner& own) { static_cast<void>(own.ensure(spec()).ok()); });
      const auto seen = site.provisioner.observe(node());
      REQUIRE(seen);
      // Once given, an address stays.
      if (!address.empty()) CHECK(seen->address == address);
      address = seen->address;
    }
    REQUIRE(site.powered_on());
    REQUIRE(site.agent_up());
    CHECK(eventually([&] { return site.inits().size() == 1; }));
    CHECK(site.starts() == 1);
    CHECK(site.ground.reservations().size() == 1);
    CHECK(site.provisioner.list()->size() == 1);
    for (int kill = 0; kill < 2; ++kill) {
      apart([](LocalProvisioner& own) {
        while (true) {
          const auto state = own.remove(node());
          if (state && *state == MachineState::Absent) return;
        }
      });
    }
    REQUIRE(site.removed());
    check_nothing_left(site.ground);
  }
}

TEST_CASE("a full disk is named, hinders no later attempt and no removal") {
  Playground ground;
  const auto root = ground.root();
  fs::create_directories(root);
  REQUIRE_MESSAGE(::mount("tmpfs", root.c_str(), "tmpfs", 0, "size=256k") == 0,
                  "this test mounts a small file system: run it as root");
  const auto fill = [&root] {
    std::ofstream file(root / "filler", std::ios::app);
    while (file << std::string(4096, 'x') << std::flush) {
    }
  };
  auto provisioner = *LocalProvisioner::open(ground.config());
  fill();
  const auto refused = provisioner.ensure(spec(0));
  REQUIRE_FALSE(refused);
  CAPTURE(refused.error().text());
  CHECK(refused.error().code == Code::Unavailable);
  CHECK(refused.error().message.find("No space left on device") != std::string::npos);
  CHECK(refused.error().hint == "free some space on that filesystem");

  fs::remove(root / "filler");
  const auto made = provisioner.ensure(spec(0));
  REQUIRE(made);
  CHECK(made->state == MachineState::Running);
  fill();
  CHECK(provisioner.ensure(spec(0))->state == MachineState::Running);
  CHECK_FALSE(provisioner.ensure(spec(1)));
  for (const int ordinal : {0, 1}) {
    CHECK(eventually([&] {
      return provisioner.remove(node(ordinal)).value_or(MachineState::Off) == MachineState::Absent;
    }));
  }
  CHECK(provisioner.list()->empty());
  CHECK(ground.processes().empty());
  CHECK(ground.cgroups().empty());
  CHECK(ground.reservations().empty());
}

TEST_CASE("a root whose sockets would have too long a path is refused before anything is made") {
  Playground ground;
  auto config = ground.config();
  config.root = ground.path() / std::string(80, 'x');
  auto provisioner = *LocalProvisioner::open(config);
  const auto refused = provisioner.ensure(spec());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Invalid);
  CHECK(refused.error().message.find("Linux allows 107") != std::string::npos);
  CHECK(refused.error().hint.find("shorten the directory of the instances by") == 0);
  CHECK_FALSE(fs::exists(config.root));
}

}  // namespace cdb::coordinator
