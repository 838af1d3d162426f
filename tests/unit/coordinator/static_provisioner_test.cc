#include "coordinator/adapters/static_provisioner.h"

#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.h"

namespace cdb::coordinator {
namespace {

constexpr const char* kTwo =
    "[[machine]]\nnode = \"team-a/shop-0\"\naddress = \"10.0.0.17\"\nversion = \"9.7.4\"\n"
    "memory = \"2GiB\"\nvcpu = 2\n"
    "[[machine]]\nnode = \"team-a/shop-1\"\naddress = \"10.0.0.18\"\nversion = \"5.6.51\"\n";

model::NodeId node(const std::string& name) {
  return {{"team-a", "shop"}, model::NodeName(name)};
}

MachineSpec spec(const std::string& name, const std::string& version = "9.7.4") {
  MachineSpec spec;
  spec.node = node(name);
  spec.version = *model::MysqlVersion::parse(version);
  spec.flavor = "micro";
  spec.memory_bytes = uint64_t{1} << 30U;
  return spec;
}

// A list of machines, and provisioners that read it.
class Site {
 public:
  explicit Site(const std::string& list = kTwo) { write(list); }
  void write(const std::string& list) const { std::ofstream(dir_ / "machines.toml") << list; }
  // A program that says how the power of shop-0 is.
  void power_says(const std::string& script) const {
    const std::string path = dir_ / "power";
    std::ofstream(path) << "#!/bin/sh\n" + script + "\n";
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    std::string list = kTwo;
    const std::string line = "vcpu = 2\n";
    write(list.insert(list.find(line), "power_state = [\"" + path +
                                           "\", \"shop-0\"]\npower_on = [\"/bin/touch\", \"" +
                                           (dir_ / "switched-on").string() + "\"]\n"));
  }
  [[nodiscard]] Result<StaticProvisioner> open() const {
    return StaticProvisioner::open(
        {dir_ / "machines.toml", dir_ / "released", std::chrono::milliseconds(500)});
  }
  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return dir_ / name; }

 private:
  testing::TempDir dir_{};
};

TEST_CASE("a node gets the machine that is listed for it, and no other") {
  const Site site;
  auto provisioner = site.open();
  REQUIRE(provisioner);
  const auto machine = provisioner->ensure(spec("shop-0"));
  REQUIRE(machine);
  CHECK(machine->address == "10.0.0.17");
  CHECK(machine->state == MachineState::Running);
  CHECK(machine->detail.find("not known") != std::string::npos);
  const auto none = provisioner->ensure(spec("shop-7"));
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Code::Precondition);
  CHECK(none.error().message == "no machine is listed for node team-a/shop-7");
}

TEST_CASE("a machine that is listed later is found without a restart") {
  const Site site;
  auto provisioner = site.open();
  REQUIRE(provisioner);
  site.write(
      std::string(kTwo) +
      "[[machine]]\nnode = \"team-a/shop-7\"\naddress = \"10.0.0.19\"\nversion = \"9.7.4\"\n");
  CHECK(provisioner->ensure(spec("shop-7")).value().address == "10.0.0.19");
}

TEST_CASE("the versions on offer are those of the listed machines, ascending") {
  const Site site;
  const auto versions = site.open().value().installed_versions();
  REQUIRE(versions);
  REQUIRE(versions->size() == 2);
  CHECK(versions->front().str() == "5.6.51");
  CHECK(versions->back().str() == "9.7.4");
}

TEST_CASE("a machine with another version or less than the flavor wants is refused") {
  const Site site;
  auto provisioner = site.open();
  REQUIRE(provisioner);
  CHECK(provisioner->ensure(spec("shop-0", "5.6.51")).error().code == Code::Conflict);
  MachineSpec large = spec("shop-0");
  large.memory_bytes = uint64_t{4} << 30U;
  CHECK(provisioner->ensure(large).error().message ==
        "machine 10.0.0.17 of node team-a/shop-0 has 2048 MiB of memory, flavor micro wants 4096");
  large = spec("shop-0");
  large.vcpu = 3;
  CHECK(provisioner->ensure(large).error().code == Code::Precondition);
}

TEST_CASE("a released machine is refused, also after a restart, until a person clears it") {
  const Site site;
  CHECK(site.open().value().remove(node("shop-0")).value() == MachineState::Absent);
  auto again = site.open();
  REQUIRE(again);
  CHECK(again->observe(node("shop-0")).value().state == MachineState::Absent);
  CHECK(again->remove(node("shop-0")).value() == MachineState::Absent);
  CHECK(again->list().value().size() == 1);
  const auto refused = again->ensure(spec("shop-0"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("may hold the data of a deleted cluster") !=
        std::string::npos);
  CHECK(refused.error().hint.find("\"team-a/shop-0 10.0.0.17\"") != std::string::npos);
  std::filesystem::remove(site.file("released"));
  CHECK(again->ensure(spec("shop-0")));
}

TEST_CASE("a machine is off only when its power_state says the word") {
  const Site site;
  const auto state_when = [&](const std::string& script) {
    site.power_says(script);
    return site.open().value().observe(node("shop-0")).value().state;
  };
  CHECK(state_when("echo off") == MachineState::Off);
  CHECK(state_when("echo on") == MachineState::Running);
  CHECK(state_when("echo offline") == MachineState::Running);
  CHECK(state_when("echo off; exit 1") == MachineState::Running);
  CHECK(state_when("sleep 30; echo off") == MachineState::Running);
}

TEST_CASE("a wanted machine that is off is switched on") {
  const Site site;
  site.power_says("echo off");
  auto provisioner = site.open();
  REQUIRE(provisioner);
  CHECK(provisioner->ensure(spec("shop-0")).value().state == MachineState::Off);
  CHECK(std::filesystem::exists(site.file("switched-on")));
}

TEST_CASE("a list that is not understood is refused with its place") {
  const Site site;
  const auto refusal = [&](const std::string& from, const std::string& to) {
    std::string list = kTwo;
    site.write(list.replace(list.find(from), from.size(), to));
    const auto opened = site.open();
    REQUIRE_FALSE(opened);
    return opened.error().text();
  };
  CHECK(refusal("shop-1", "shop-0").find("another machine is for team-a/shop-0") !=
        std::string::npos);
  CHECK(refusal("10.0.0.18", "10.0.0.17").find("another machine has 10.0.0.17") !=
        std::string::npos);
  CHECK(refusal("shop-0", "shop").find("is no node") != std::string::npos);
  CHECK(refusal("10.0.0.17", "vm1").find("machines.toml:3") != std::string::npos);
  CHECK(refusal("vcpu", "vcpus").find("did you mean") != std::string::npos);
  CHECK(refusal("2GiB", "2GB").find("write 2GiB") != std::string::npos);
}

}  // namespace
}  // namespace cdb::coordinator
