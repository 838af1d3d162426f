#pragma once
// The whole system as shipped, in network namespaces: BIND, a coordinator, one machine for each
// node of cluster "c", and a host of clients. A machine is an agent (kept running as systemd would)
// and whatever that starts. Clients and the cdb command are on the client host. What cannot be had
// throws std::runtime_error. One thread.

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/chaos/dns.h"
#include "tests/chaos/host.h"
#include "tests/support/cluster_seen.h"
#include "tests/support/guarded_directory.h"

namespace cdb::agent {
class MysqlConnection;
}

namespace cdb::chaos {

using testing::ClusterSeen;

constexpr int kTtlSeconds = 5;  // of the names, by default of the policy

struct SitePlan {
  std::string version{"9.7"};
  int replicas{2};
  bool freezable_disks{false};
  int disk_mib{4096};
  bool own_clocks{false};  // wall clocks that can be stepped, machine by machine: see Host
  // Of the Orchestrator, as YAML of its spec. Rows share a cluster, and many failovers in an hour
  // are what they are for.
  std::string policy{"{anti_flap: {failovers: 100, window: 1h}}"};
};

struct Account {
  std::string user{};
  std::string password{};
};

// Who became primary with which epoch, in order.
struct Reign {
  uint64_t epoch{0};
  std::string primary{};
};

class Site {
 public:
  // Everything up to a steady cluster with the clients' table.
  explicit Site(SitePlan plan);
  ~Site();

  [[nodiscard]] const SitePlan& plan() const { return plan_; }
  [[nodiscard]] Network& network() { return *network_; }
  [[nodiscard]] Dns& dns() { return *dns_; }
  [[nodiscard]] Host& coordinator() { return *coordinator_; }
  [[nodiscard]] Host& clients() { return *clients_; }
  [[nodiscard]] Host& machine(const std::string& node);
  [[nodiscard]] std::vector<std::string> nodes() const;
  [[nodiscard]] std::filesystem::path coordinator_log() const;

  [[nodiscard]] process::ProgramResult cdb(std::vector<std::string> arguments,
                                           const std::string& input = {}) const;
  [[nodiscard]] ClusterSeen look() const;
  [[nodiscard]] std::vector<Reign> reigns() const;
  [[nodiscard]] bool becomes_level(Duration time = std::chrono::seconds(60)) const;
  // Waits for something that cdb shows; while the coordinator does not answer it is not shown.
  [[nodiscard]] bool sees(const std::function<bool(const ClusterSeen&)>& holds,
                          Duration time) const;

  [[nodiscard]] std::string rw_name() const { return "rw.c.default." + Dns::zone(); }
  [[nodiscard]] const Account& account() const { return account_; }
  // Asks one node, past all names; the first column. Throws when it does not answer.
  [[nodiscard]] std::vector<std::string> ask(const std::string& node,
                                             const std::string& statement) const;
  // A connection to one node, from the client host.
  [[nodiscard]] std::unique_ptr<agent::MysqlConnection> connect(const std::string& node) const;
  // The same as root, through the socket on the machine itself.
  void as_root(const std::string& node, const std::string& statements) const;

  void coordinator_off();  // SIGKILL, and it is not started again
  void coordinator_on();
  // Whatever a scenario broke: machines on and going on, cables plugged, nothing dropped.
  void mend();
  // A number that no row has yet, for each trial.
  [[nodiscard]] int64_t next_row() { return next_row_ += 1'000'000; }
  [[nodiscard]] std::string logs() const;

 private:
  [[nodiscard]] std::vector<std::string> service(std::vector<std::string> command) const;
  [[nodiscard]] std::string real_clock(const std::string& mysqld) const;
  void add_coordinator();
  void add_machines();
  void make_cluster();
  void read_account();

  SitePlan plan_;
  testing::GuardedDirectory directory_;
  std::unique_ptr<Network> network_{};
  std::unique_ptr<Dns> dns_{};
  std::unique_ptr<Host> coordinator_{};
  std::unique_ptr<Host> clients_{};
  std::vector<std::unique_ptr<Host>> machines_{};
  Account account_{};
  int64_t next_row_{0};
};

}  // namespace cdb::chaos
