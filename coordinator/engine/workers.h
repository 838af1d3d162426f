#pragma once
// The hands of the engine: one thread for machines, one for names, a few for hooks, so that a hung
// cloud or a hung program never delays a failover. Each answer goes back through the EngineHost.

#include <array>
#include <deque>
#include <map>
#include <thread>
#include <variant>

#include "coordinator/engine/effects.h"
#include "coordinator/engine/host.h"
#include "coordinator/ports/dns_provider.h"
#include "coordinator/ports/provisioner.h"
#include "lib/base/sync.h"

namespace cdb::coordinator {

class Workers final : public Effects {
 public:
  Workers(DnsProvider& dns, const HookRunner& hooks);
  ~Workers() override;  // stops all threads; work not begun is dropped

  // Once, before the host starts; what was asked for until then is done now.
  void start(EngineHost& host, Provisioner& provisioner);
  void stop();

  void ensure_machine(const MachineSpec& spec) override;
  void remove_machine(const model::NodeId& node) override;
  void publish_dns(const DnsRecords& records) override;
  void remove_dns(const model::ClusterId& cluster) override;
  void run_hooks(const HookJob& job) override;

 private:
  using MachineJob = std::variant<MachineSpec, model::NodeId>;  // ensure, or remove
  using NameJob = std::variant<DnsRecords, model::ClusterId>;   // publish, or remove

  static void work_on_machines(Sync<std::deque<MachineJob>>& jobs, const std::stop_token& stop,
                               EngineHost& host, Provisioner& provisioner);
  void work_on_names(const std::stop_token& stop, EngineHost& host);

  void work_on_hooks(const std::stop_token& stop, EngineHost& host);

  DnsProvider& dns_;
  const HookRunner& hooks_;
  Sync<std::deque<MachineJob>> machine_jobs_{};
  Sync<std::deque<NameJob>> name_jobs_{};
  Sync<std::deque<HookJob>> hook_jobs_{};
  std::jthread machines_{};
  std::jthread names_{};
  std::array<std::jthread, 4> hook_threads_{};  // so many clusters' programs at a time
};

}  // namespace cdb::coordinator
