#pragma once
// The whole system in one directory, as shipped: BIND, cdb-coordinator with local machines, their
// agents and MySQL servers, driven by the cdb command. What cannot be had throws std::runtime_error
// with the end of the log that says why; after a failed check the logs are shown at the end.
// Nothing outlives it. One thread, but for account(), addresses() and the process functions, which
// any may call.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lib/base/clock.h"
#include "lib/process/identity.h"
#include "tests/support/bind_fixture.h"
#include "tests/support/cluster_seen.h"
#include "tests/support/eventually.h"
#include "tests/support/guarded_directory.h"

namespace cdb::testing {

// What the cdb command did.
struct Said {
  int exit_code{0};
  std::string out{};
  std::string err{};
};

struct Account {
  std::string user{};
  std::string password{};
};

class Cloud {
 public:
  // Everything up to a coordinator that answers; no cluster yet.
  Cloud();
  ~Cloud();
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;

  [[nodiscard]] BindFixture& dns() { return *dns_; }
  [[nodiscard]] const GuardedDirectory& directory() const { return directory_; }
  // Both take effect when the coordinator starts next.
  void use_key(const std::filesystem::path& key_file);
  void offer_server(const std::filesystem::path& mysqld);

  void start_coordinator();
  void start_coordinator_process();                                     // without waiting for it
  void kill_coordinator();                                              // SIGKILL
  void stop_coordinator();                                              // SIGTERM
  [[nodiscard]] pid_t coordinator_pid() const { return coordinator_; }  // 0: none runs
  [[nodiscard]] std::filesystem::path state_file() const { return directory_ / "c/cdb.sqlite"; }

  [[nodiscard]] Said cdb(const std::vector<std::string>& arguments,
                         Duration time = std::chrono::seconds(150),
                         const std::string& input = {}) const;
  // The same for commands that must succeed and print JSON.
  [[nodiscard]] nlohmann::json json(std::vector<std::string> arguments) const;

  // Declares a cluster and waits until it is made; version "9.7" or "5.6".
  void create(const std::string& cluster, const std::string& version, int replicas);
  [[nodiscard]] static std::string manifest(const std::string& cluster, const std::string& version,
                                            int replicas);
  void remove(const std::string& cluster);
  [[nodiscard]] ClusterSeen look(const std::string& cluster) const;
  // Nothing under way, a writable primary, all others replicating.
  [[nodiscard]] bool becomes_steady(const std::string& cluster,
                                    Duration time = std::chrono::seconds(90)) const;
  // Besides, all have the same transactions: while nobody writes.
  [[nodiscard]] bool becomes_level(const std::string& cluster,
                                   Duration time = std::chrono::seconds(60)) const;
  // The state of the newest operation of this kind; empty where there is none.
  [[nodiscard]] std::string operation_state(const std::string& cluster,
                                            const std::string& kind) const;
  [[nodiscard]] Account account(const std::string& cluster) const;

  // What the DNS server says now; "rw" or "ro".
  [[nodiscard]] std::vector<std::string> addresses(const std::string& cluster,
                                                   const std::string& access) const;

  // Instances live in namespace default.
  [[nodiscard]] std::filesystem::path instance(const std::string& node) const;
  [[nodiscard]] std::optional<process::Identity> mysqld(const std::string& node) const;
  [[nodiscard]] std::optional<process::Identity> agent(const std::string& node) const;
  // Of the coordinator and of every instance, the end of each.
  [[nodiscard]] std::string logs() const;

 private:
  void write_config() const;
  void end_coordinator(int signal);
  [[nodiscard]] std::optional<process::Identity> find(const std::string& program,
                                                      const std::string& node) const;

  GuardedDirectory directory_;  // first: its guardian is forked before anything else is there
  std::unique_ptr<BindFixture> dns_;
  std::filesystem::path key_file_{};
  std::vector<std::filesystem::path> servers_{};
  int port_{0};  // the coordinator's; chosen by its first start
  pid_t coordinator_{0};
  int failures_before_{0};
};

}  // namespace cdb::testing
