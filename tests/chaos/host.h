#pragma once
// One host of a chaos test: namespaces with a cable, an address, a disk of its own and one service.
// Everything in it can be killed or stopped at once. What it wrote to its disk is there when it
// comes back, synced or not: loss of power inside the disk is not modelled. One thread.

#include <filesystem>
#include <string>
#include <vector>

#include "tests/chaos/net.h"
#include "tests/chaos/space.h"

namespace cdb::chaos {

struct HostPlan {
  std::string name{};
  std::string address{};
  std::vector<std::string> service{};  // "{dir}" in it becomes the host's directory
  std::string name_server{};           // empty: it resolves no names
  int disk_mib{0};                     // of the file system at <directory>/disk; 0: none
  bool freezable{false};               // ext4 in a file, not memory: it can be frozen
};

class Host {
 public:
  Host(Network& network, const std::filesystem::path& root, HostPlan plan);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const std::string& name() const { return plan_.name; }
  [[nodiscard]] const std::string& address() const { return plan_.address; }
  [[nodiscard]] const std::filesystem::path& directory() const { return space_.directory(); }
  [[nodiscard]] std::filesystem::path disk() const { return directory() / "disk"; }
  [[nodiscard]] Space& space() { return space_; }
  [[nodiscard]] const Space& space() const { return space_; }
  [[nodiscard]] bool is_on() const { return space_.started(); }

  void power_on();   // and its service starts
  void power_off();  // at once, and no packet tells of it
  // The whole machine stands still, its network too. The kernel's clocks go on, which a
  // hypervisor's pause would stop: the harder case for whoever sleeps.
  void pause();
  void resume();

  // To every process of this name; how many there were.
  int send(const std::string& process, int signal) const;
  void kill(const std::string& process) const;  // SIGKILL, which must hit something
  [[nodiscard]] bool runs(const std::string& process) const;

  // What its programs take for the wall clock, off by so much within a second. The service has to
  // run under with_own_clock(); the clocks that count intervals are the kernel's, as on any machine
  // whose clock is stepped.
  void step_clock(std::chrono::seconds offset) const;

  void fill_disk() const;  // not a byte is left
  void empty_disk() const;
  void freeze_disk();  // writers wait until it thaws
  void thaw_disk();

 private:
  void mount_disk() const;
  HostPlan plan_;
  Network& network_;
  Space space_;
  bool paused_{false};
  bool frozen_{false};
};

// The service with libfaketime before it: nobody else's clock is touched.
std::vector<std::string> with_own_clock(std::vector<std::string> service);

}  // namespace cdb::chaos
