#pragma once
// What the engine asks of the world. Each call only queues the work and returns at once; the answer
// comes back as a call of the engine. Called from the engine thread alone.

#include <cstdint>
#include <optional>
#include <string>

#include "coordinator/ports/dns_provider.h"
#include "coordinator/ports/hook_runner.h"
#include "coordinator/ports/provisioner.h"
#include "lib/base/clock.h"
#include "lib/model/report.h"

namespace cdb::coordinator {

// The time, twice: `at` for intervals, `wall` for people.
struct Now {
  Instant at{};
  WallTime wall{};
};

// The way to one connected agent. Calls return at once; any thread.
class AgentSink {
 public:
  virtual ~AgentSink() = default;
  virtual void send(const model::NodeGoal& goal) = 0;
  virtual void ack(uint64_t report_sequence, const std::optional<model::LeaseGrant>& grant) = 0;
  // Ends the session with this error.
  virtual void close(const Error& reason) = 0;
};

// How an agent introduces itself.
struct AgentHello {
  std::string agent_version{};
  std::string boot_id{};
  std::string address{};
};

class Effects {
 public:
  virtual ~Effects() = default;
  virtual void ensure_machine(const MachineSpec& spec) = 0;
  virtual void remove_machine(const model::NodeId& node) = 0;
  // A newer request for the same cluster replaces one that has not begun.
  virtual void publish_dns(const DnsRecords& records) = 0;
  virtual void remove_dns(const model::ClusterId& cluster) = 0;
  // Does nothing where there is no place to run programs; then their results never come.
  virtual void run_hooks(const HookJob& /*job*/) {}
};

}  // namespace cdb::coordinator
