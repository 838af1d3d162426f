#include "agent/adapters/host_probe.h"

#include <fstream>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.h"

namespace cdb::agent {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

// A machine with 8 GiB, made of files.
class Machine {
 public:
  explicit Machine(const std::string& cgroup) {
    put("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1 kB\n");
    put("proc/self/cgroup", cgroup);
  }
  void put(const std::string& file, const std::string& content) {
    std::filesystem::create_directories((dir_ / file).parent_path());
    std::ofstream(dir_ / file) << content;
  }
  [[nodiscard]] HostProbe probe() const { return HostProbe(dir_.path()); }

 private:
  testing::TempDir dir_{};
};

}  // namespace

TEST_CASE("without a cgroup's limit the memory is the machine's") {
  Machine machine("4:memory:/\n0::/\n");
  CHECK(machine.probe().memory_bytes().value() == 8192 * kMiB);
  machine.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  machine.put("sys/fs/cgroup/unified/memory.max", "max\n");
  CHECK(machine.probe().memory_bytes().value() == 8192 * kMiB);
}

TEST_CASE("the lowest limit on the way up to the root of a cgroup tree counts") {
  Machine v1("9:cpu,cpuacct:/\n4:memory:/pod/db\n");
  v1.put("sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "1073741824\n");
  v1.put("sys/fs/cgroup/memory/pod/db/memory.limit_in_bytes", "2147483648\n");
  CHECK(v1.probe().memory_bytes().value() == 1024 * kMiB);

  Machine v2("0::/system.slice/mysqllet.service\n");
  v2.put("sys/fs/cgroup/system.slice/memory.max", "3221225472\n");
  v2.put("sys/fs/cgroup/system.slice/mysqllet.service/memory.max", "max\n");
  CHECK(v2.probe().memory_bytes().value() == 3072 * kMiB);

  // A container sees the path of its host, and only its own directory.
  Machine container("0::/../../host/path\n");
  container.put("sys/fs/cgroup/memory.max", "536870912\n");
  CHECK(container.probe().memory_bytes().value() == 512 * kMiB);
}

TEST_CASE("a processor quota lowers the count, rounded up, and never below one") {
  Machine machine("0::/db\n");
  const int all = machine.probe().vcpu_count().value();
  CHECK(all >= 1);
  machine.put("sys/fs/cgroup/db/cpu.max", "max 100000\n");
  CHECK(machine.probe().vcpu_count().value() == all);
  machine.put("sys/fs/cgroup/db/cpu.max", "50000 100000\n");
  CHECK(machine.probe().vcpu_count().value() == 1);
  machine.put("sys/fs/cgroup/db/cpu.max", "6400000 100000\n");
  CHECK(machine.probe().vcpu_count().value() == std::min(all, 64));

  Machine v1("3:cpu,cpuacct:/x\n");
  v1.put("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
  v1.put("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  CHECK(v1.probe().vcpu_count().value() == all);
  v1.put("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000\n");
  CHECK(v1.probe().vcpu_count().value() == 1);
}

TEST_CASE("this machine has memory, processors and a disk") {
  const HostProbe probe;
  CHECK(probe.memory_bytes().value() > 64 * kMiB);
  CHECK(probe.vcpu_count().value() >= 1);
  const auto free = HostProbe::disk_free_bytes("/tmp");
  const auto size = HostProbe::disk_size_bytes("/tmp");
  CHECK(free.value() <= size.value());
  CHECK(HostProbe::disk_free_bytes("/no/such/folder").error().code == Code::NotFound);
}

}  // namespace cdb::agent
