#include <filesystem>
#include <fstream>
#include <set>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "coordinator/adapters/address_pool.h"
#include "coordinator/adapters/agent_config.h"
#include "coordinator/adapters/machine_file.h"
#include "coordinator/adapters/memory_cgroup.h"
#include "coordinator/instance_init/init_status.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "tests/support/temp_dir.h"

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

const model::NodeId kNode{{"default", "demo"}, model::NodeName("demo-0")};

// Listens on the address, at a port that was free, as long as it lives.
class Listener {
 public:
  explicit Listener(const std::string& address)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(::listen(fd_.get(), 1) == 0);
    socklen_t size = sizeof where;
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&where), &size) == 0);
    port_ = ntohs(where.sin_port);
  }
  [[nodiscard]] uint16_t port() const { return port_; }

 private:
  UniqueFd fd_;
  uint16_t port_{0};
};

// Instances as far as an address pool sees them: directories with a machine.json.
class Pool {
 public:
  explicit Pool(const std::string& network) : Pool(network, Listener("127.91.0.1").port()) {}
  Pool(const std::string& network, uint16_t port)
      : pool_(*AddressNetwork::parse(network), port, dir_.path() / "reservations") {}

  Result<std::string> take(const std::string& instance, const std::set<std::string>& used = {}) {
    return pool_.take(path(instance), used, [&](const std::string& address) {
      fs::create_directories(path(instance));
      return write_machine_file(InstanceLayout(path(instance)).machine_file(),
                                MachineFile{kNode, address, 3306, {}, {}, {}, 0, {}, {}});
    });
  }
  [[nodiscard]] fs::path path(const std::string& instance) const { return dir_.path() / instance; }
  [[nodiscard]] fs::path link(const std::string& address) const {
    return dir_.path() / "reservations" / address;
  }
  AddressPool& operator*() { return pool_; }

 private:
  TempDir dir_{};
  AddressPool pool_;
};

}  // namespace

TEST_CASE("a network of addresses must be a whole part of 127.0.0.0/8") {
  const auto network = AddressNetwork::parse("127.77.0.0/16");
  REQUIRE(network);
  CHECK(network->count == 65536);
  for (const char* bad : {"", "127.77.0.0", "10.0.0.0/8", "127.77.0.1/16", "127.0.0.0/7",
                          "127.77.0.0/32", "127.77.0.0/x", "127.77.0.0/16 ", "::1/64"}) {
    CAPTURE(bad);
    CHECK_FALSE(AddressNetwork::parse(bad));
  }
}

TEST_CASE("instances get different addresses and each gets the same again") {
  Pool pool("127.91.3.0/24");
  const auto first = pool.take("a");
  const auto second = pool.take("b");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first != *second);
  REQUIRE((*pool).release(pool.path("a")));
  CHECK(*pool.take("a") == *first);
}

TEST_CASE("addresses that end in 0 or 255 are never given, and an empty network says so") {
  Pool pool("127.91.3.0/30");
  std::set<std::string> given;
  for (const char* instance : {"a", "b", "c"})
    given.insert(pool.take(instance).value());
  CHECK(given == std::set<std::string>{"127.91.3.1", "127.91.3.2", "127.91.3.3"});
  const auto fourth = pool.take("d");
  REQUIRE_FALSE(fourth);
  CHECK(fourth.error().code == Code::Unavailable);
  CHECK(fourth.error().message == "no free address in 127.91.3.0/30");
}

TEST_CASE("a reservation whose instance is gone is taken over, one that lives is not") {
  Pool pool("127.91.3.2/31");
  const std::string first = pool.take("a").value();
  const std::string second = pool.take("b").value();
  CHECK_FALSE(pool.take("c"));
  fs::remove_all(pool.path("a"));
  CHECK(*pool.take("c") == first);
  CHECK(fs::read_symlink(pool.link(first)) == pool.path("c"));
  CHECK(fs::read_symlink(pool.link(second)) == pool.path("b"));
}

TEST_CASE("an address is not kept once another instance has it") {
  Pool pool("127.91.3.2/31");
  const std::string address = pool.take("a").value();
  CHECK((*pool).keep(address, pool.path("a")));
  fs::remove(pool.link(address));
  CHECK((*pool).keep(address, pool.path("a")));
  CHECK(fs::is_symlink(pool.link(address)));
  const auto refused = (*pool).keep(address, pool.path("b"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Conflict);
}

TEST_CASE("addresses in use by others are passed over") {
  const Listener listener("127.91.4.1");
  Pool pool("127.91.4.0/29", listener.port());
  std::set<std::string> given;
  for (const char* instance : {"a", "b", "c", "d", "e"}) {
    given.insert(pool.take(instance, {"127.91.4.2"}).value());
  }
  CHECK(given == std::set<std::string>{"127.91.4.3", "127.91.4.4", "127.91.4.5", "127.91.4.6",
                                       "127.91.4.7"});
}

TEST_CASE("a server that listens on every address is named as the hindrance") {
  const Listener listener("0.0.0.0");
  Pool pool("127.91.4.0/29", listener.port());
  const auto refused = pool.take("a");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint.find("of every address") != std::string::npos);
}

TEST_CASE("nothing stays reserved when the address could not be recorded") {
  Pool pool("127.91.3.2/31");
  const auto refused = (*pool).take(
      pool.path("a"), {}, [](const std::string&) { return Status(unavailable("no space")); });
  CHECK(refused.error().message == "no space");
  CHECK(pool.take("b"));
  CHECK(pool.take("c"));
}

TEST_CASE("machine.json brings back what was written and says when it is damaged") {
  const TempDir dir;
  const MachineFile machine{kNode,   "127.77.1.2", 3306,        "9.7.4", "/opt/9.7/mysqld",
                            "small", 1U << 30U,    "/sys/fs/x", "none"};
  REQUIRE(write_machine_file(dir.path() / "m", machine));
  CHECK(*read_machine_file(dir.path() / "m") == machine);
  std::ofstream(dir.path() / "m") << "{\"node\": 3}";
  CHECK(read_machine_file(dir.path() / "m").error().code == Code::Invalid);
  CHECK(read_machine_file(dir.path() / "n").error().code == Code::NotFound);
}

TEST_CASE("an init's status brings back what was written") {
  const TempDir dir;
  const InitStatus status{process::Identity{7, 8, "boot"}, 3, 2, true, "no", "exit code 3"};
  REQUIRE(write_init_status(dir.path() / "s", status));
  CHECK(*read_init_status(dir.path() / "s") == status);
  REQUIRE(write_init_status(dir.path() / "s", InitStatus{}));
  CHECK(*read_init_status(dir.path() / "s") == InitStatus{});
}

TEST_CASE("names of instances come back as nodes, and no name leads out of the root") {
  CHECK(*instance_name(kNode) == "default.demo-0");
  CHECK(*parse_instance_name("default.demo-0") == kNode);
  for (const char* bad : {"..", "a/b", "", "a.b", "A", "-a", "a-"}) {
    CAPTURE(bad);
    CHECK_FALSE(instance_name({{"default", "x"}, model::NodeName(bad)}));
    CHECK_FALSE(instance_name({{bad, "x"}, model::NodeName("x-0")}));
  }
  for (const char* other : {".lock", "lost+found", "a", "a.b.c"}) {
    CHECK_FALSE(parse_instance_name(other));
  }
}

TEST_CASE("an agent's configuration holds all of a VM's, with names quoted") {
  const MachineFile machine{kNode, "127.77.1.2", 3306, "9.7.4", "/opt/my \"sql\"/mysqld", {},
                            0,     {},           {}};
  const std::string text = agent_config(machine, InstanceLayout("/i/default.demo-0"),
                                        {"127.0.0.1:7400", "127.0.0.2:7400"}, "/share/rules");
  for (const char* line :
       {"node = \"demo-0\"", "cluster = \"demo\"", "namespace = \"default\"",
        "coordinators = [\"127.0.0.1:7400\", \"127.0.0.2:7400\"]", "address = \"127.77.1.2\"",
        "port = 3306", "mysqld = \"/opt/my \\\"sql\\\"/mysqld\"",
        "data_dir = \"/i/default.demo-0/mysql\"", "run_dir = \"/i/default.demo-0/run\"",
        "log_dir = \"/i/default.demo-0/log\"", "state_dir = \"/i/default.demo-0/state\"",
        "tuning_dir = \"/share/rules\""}) {
    CAPTURE(line);
    CHECK(text.find(std::string("\n") + line + "\n") != std::string::npos);
  }
}

TEST_CASE("the memory hierarchy is found by its controller, v1 before v2") {
  const TempDir dir;
  const std::string v1 =
      "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
      "31 25 0:27 / /sys/fs/cgroup/my\\040memory rw shared:9 - cgroup cgroup rw,memory\n";
  const std::string v2 = "32 25 0:28 / " + dir.path().string() + " rw - cgroup2 cgroup2 rw\n";
  CHECK(*find_memory_hierarchy(v1) == CgroupHierarchy{"/sys/fs/cgroup/my memory", 1});
  CHECK_FALSE(find_memory_hierarchy(v2));
  std::ofstream(dir.path() / "cgroup.controllers") << "cpu memory\n";
  CHECK(*find_memory_hierarchy(v2) == CgroupHierarchy{dir.path(), 2});
  CHECK(find_memory_hierarchy(v2 + v1)->version == 1);
  CHECK(find_memory_hierarchy("").error().code == Code::NotFound);
}

// A directory stands for the kernel's tree: what would be written to it shows.
TEST_CASE("on cgroup v2 each level passes the controller on before a limit is set") {
  const TempDir dir;
  const auto write = [](const fs::path& file) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "";
  };
  const auto group = dir.path() / "cdb" / "g";
  for (const auto& at : {dir.path(), group.parent_path(), group})
    write(at / "cgroup.subtree_control");
  write(group / "i" / "memory.max");
  const MemoryCgroups cgroups({dir.path(), 2}, "g");
  CHECK(*cgroups.ensure("i", 4096) == group / "i");
  CHECK(*read_file(group / "i" / "memory.max") == "4096");
  for (const auto& at : {dir.path(), group.parent_path(), group}) {
    CHECK(*read_file(at / "cgroup.subtree_control") == "+memory");
  }
}

TEST_CASE("a hierarchy that cannot be written to says so") {
  const MemoryCgroups cgroups({"/proc/self", 1}, "g");
  const auto refused = cgroups.ensure("i", 4096);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("make /proc/self/cdb") != std::string::npos);
}

}  // namespace cdb::coordinator
