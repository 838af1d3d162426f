#pragma once
// A coordinator without disk, machines and names: the real engine behind the real server.

#include <memory>
#include <string>
#include <vector>

#include "coordinator/engine/host.h"
#include "coordinator/rpc/services.h"
#include "lib/base/clock.h"
#include "lib/base/sync.h"

namespace cdb::testing {

class MemoryStore final : public coordinator::StateStore {
 public:
  Result<coordinator::Snapshot> load() override;
  Result<std::vector<coordinator::Event>> commit(const coordinator::Changes& changes) override;
  Result<std::vector<coordinator::Event>> events(const coordinator::EventQuery& query) override;

 private:
  struct Data {
    coordinator::Snapshot snapshot{};
    std::vector<coordinator::Event> events{};
  };
  Sync<Data> data_{};
};

// Machines are built for ever; removals are done at once.
class NoMachines final : public coordinator::Effects {
 public:
  void answer_to(coordinator::EngineHost& host) { host_ = &host; }
  void ensure_machine(const coordinator::MachineSpec& spec) override;
  void remove_machine(const model::NodeId& node) override;
  void publish_dns(const coordinator::DnsRecords&) override {}
  void remove_dns(const model::ClusterId& cluster) override;

 private:
  coordinator::EngineHost* host_{nullptr};
};

class TestCoordinator {
 public:
  explicit TestCoordinator(const std::string& address = "127.0.0.1:0");
  ~TestCoordinator();

  [[nodiscard]] std::string address() const { return server_->addresses().front(); }
  [[nodiscard]] coordinator::EngineHost& host() { return host_; }
  [[nodiscard]] coordinator::Server& server() { return *server_; }
  void stop_server(Duration grace) { server_->stop(Deadline::after(grace)); }

 private:
  MemoryStore store_{};
  NoMachines effects_{};
  SystemClock clock_{};
  coordinator::Engine engine_;
  coordinator::EngineHost host_;
  std::unique_ptr<coordinator::AgentSessions> sessions_;
  std::unique_ptr<coordinator::Server> server_{};
};

}  // namespace cdb::testing
