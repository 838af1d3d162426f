#pragma once
// The coordinator's machine: the real Engine on a store that can die at any commit, the names, and
// the machines that it asks for.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/engine/engine.h"
#include "tests/sim/agent.h"
#include "tests/sim/session.h"

namespace cdb::sim {

// The authoritative name server.
struct NameServer {
  Host host{0};
  bool up{true};
  std::optional<coordinator::DnsRecords> records{};
};

// The coordinator's disk.
class Store final : public coordinator::StateStore {
 public:
  // How the next commits fail.
  enum class Fault {
    None,
    Refused,      // nothing was changed
    UnknownDone,  // no answer; it is there
    UnknownLost,  // no answer; it is not
    CrashBefore,  // the process dies, nothing was written
    CrashAfter,   // the process dies with the commit on disk and nothing else done
  };
  struct Died {};  // thrown through the engine

  Store(Stage& stage, Oracle& oracle) : stage_(stage), oracle_(oracle) {}
  Result<coordinator::Snapshot> load() override { return disk_; }
  Result<std::vector<coordinator::Event>> commit(const coordinator::Changes& changes) override;
  Result<std::vector<coordinator::Event>> events(const coordinator::EventQuery&) override {
    return std::vector<coordinator::Event>{};
  }
  void fail_next(Fault fault) { fault_ = fault; }
  // A bug: what these events tell is acted on before it is on disk.
  void write_late(std::set<std::string> events) { late_ = std::move(events); }
  // The process is gone, and with it what it had not written.
  void lose_late() { unwritten_.clear(); }
  [[nodiscard]] const coordinator::Snapshot& disk() const { return disk_; }

 private:
  void put(const coordinator::Changes& changes);
  [[nodiscard]] bool is_late(const coordinator::Changes& changes) const;
  void flush();
  void watch(const coordinator::ClusterRow& row);

  Stage& stage_;
  Oracle& oracle_;
  coordinator::Snapshot disk_{};
  Fault fault_{Fault::None};
  std::set<std::string> late_{};
  std::vector<coordinator::Changes> unwritten_{};
};

class Coordinator final : private coordinator::Effects {
 public:
  Coordinator(Stage& stage, Oracle& oracle, Host host, NameServer& names,
              coordinator::EngineConfig config);
  ~Coordinator() override;
  void know(std::vector<std::unique_ptr<Agent>>& agents) { agents_ = &agents; }

  [[nodiscard]] Host host() const { return host_; }
  Process process{};
  Store store;

  void start();
  void kill();
  void restart_later(Duration delay);
  // What a person asks for; nothing while it is away.
  void ask(const std::function<void(coordinator::Engine&, coordinator::Now)>& request);
  [[nodiscard]] const coordinator::ClusterRow* row() const;

  // --- from sessions ---
  void session_opened(const std::shared_ptr<Session>& session, Agent& agent);
  void session_reported(const std::shared_ptr<Session>& session, Agent& agent, uint64_t sequence,
                        const model::NodeReport& report);
  void session_closed(const std::shared_ptr<Session>& session, Agent& agent);

 private:
  void ensure_machine(const coordinator::MachineSpec& spec) override;
  void remove_machine(const model::NodeId& node) override;
  void publish_dns(const coordinator::DnsRecords& records) override;
  void remove_dns(const model::ClusterId& cluster) override;

  // Runs it on the engine, then what is due, as the engine's thread does.
  template <typename F>
  void with_engine(F work);
  void tick_at(Instant local);
  void published(const coordinator::DnsRecords& records, const Status& result);
  void watch_session(const std::shared_ptr<Session>& session, Agent& agent, Instant heard);
  void after(Duration delay, Handler handler);
  [[nodiscard]] coordinator::Now now() const { return {clock_.now(), clock_.wall()}; }

  Stage& stage_;
  Host host_;
  NameServer& names_;
  coordinator::EngineConfig config_;
  HostClock clock_;
  std::vector<std::unique_ptr<Agent>>* agents_{nullptr};
  std::unique_ptr<coordinator::Engine> engine_{};
  std::vector<std::shared_ptr<Session>> sessions_{};
  uint64_t ticks_{0};
  uint64_t ids_{0};
  uint64_t publications_{0};
};

}  // namespace cdb::sim
