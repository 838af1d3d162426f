#include "tests/sim/coordinator.h"

#include <algorithm>
#include <utility>

namespace cdb::sim {

using coordinator::Changes;
using coordinator::DnsRecords;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
constexpr Duration kKeepalive =
    seconds(2);  // as ServerConfig says: a second, and one for the answer
constexpr Duration kWatch = milliseconds(300);
constexpr Duration kDnsDeadline = seconds(3);
}  // namespace

// --- the store ---

void Store::watch(const coordinator::ClusterRow& row) {
  const auto before = disk_.clusters.find(row.id);
  if (before == disk_.clusters.end()) return;
  const auto& old = before->second.record;
  oracle_.promised("the record", {old.version.epoch, old.version.version},
                   {row.record.version.epoch, row.record.version.version});
  if (old.blocked.empty() && !row.record.blocked.empty()) ++stage_.counts.blocks;
}

void Store::put(const Changes& changes) {
  for (const auto& resource : changes.put_resources)
    disk_.resources[resource.key] = resource;
  for (const auto& row : changes.put_clusters) {
    watch(row);
    disk_.clusters[row.id] = row;
  }
  for (const auto& operation : changes.put_operations)
    disk_.operations[operation.id] = operation;
  ++stage_.counts.disk_writes;
  for (const auto& event : changes.events)
    stage_.story.tell("coordinator", "{}: {} {}", event.type, event.node, event.message);
}

bool Store::is_late(const Changes& changes) const {
  return !unwritten_.empty() ||
         std::any_of(changes.events.begin(), changes.events.end(),
                     [this](const auto& event) { return late_.contains(event.type); });
}

void Store::flush() {
  for (const Changes& changes : std::exchange(unwritten_, {}))
    put(changes);
}

Result<std::vector<coordinator::Event>> Store::commit(const Changes& changes) {
  switch (std::exchange(fault_, Fault::None)) {
    case Fault::Refused: return unavailable("the disk is full");
    case Fault::UnknownDone: put(changes); return outcome_unknown("no answer from the disk");
    case Fault::UnknownLost: return outcome_unknown("no answer from the disk");
    case Fault::CrashBefore: ++stage_.counts.lost_at_commit; throw Died{};
    case Fault::CrashAfter:
      ++stage_.counts.lost_at_commit;
      put(changes);
      throw Died{};
    case Fault::None: break;
  }
  if (is_late(changes)) {
    if (unwritten_.empty()) stage_.timeline.after(milliseconds(1500), [this] { flush(); });
    unwritten_.push_back(changes);
  } else {
    put(changes);
  }
  std::vector<coordinator::Event> events = changes.events;
  for (auto& event : events)
    event.sequence = ++disk_.last_event;
  return events;
}

// --- the process ---

Coordinator::Coordinator(Stage& stage, Oracle& oracle, Host host, NameServer& names,
                         coordinator::EngineConfig config)
    : store(stage, oracle),
      stage_(stage),
      host_(host),
      names_(names),
      config_(std::move(config)),
      clock_(stage.timeline, 1.0) {
  config_.new_id = [this] { return fmt::format("id{}", ++ids_); };
}

Coordinator::~Coordinator() = default;

void Coordinator::after(Duration delay, Handler handler) {
  stage_.timeline.after(delay, [this, life = process.life(), handler = std::move(handler)] {
    process.deliver(life, handler);
  });
}

template <typename F>
void Coordinator::with_engine(F work) {
  try {
    work(*engine_);
    tick_at(engine_->tick(now()));
  } catch (const Store::Died&) {
    stage_.story.tell("coordinator", "dies at a commit");
    kill();
    restart_later(stage_.random.between(milliseconds(200), seconds(4)));
  }
}

void Coordinator::tick_at(Instant local) {
  after(clock_.until(local), [this, tick = ++ticks_] {
    if (tick == ticks_) with_engine([](coordinator::Engine&) {});
  });
}

void Coordinator::start() {
  process.start();
  ++stage_.counts.timers;
  stage_.story.tell("coordinator", "starts");
  coordinator::Effects& effects = *this;
  engine_ = std::make_unique<coordinator::Engine>(config_, store, effects);
  if (const Status loaded = engine_->load(now()); !loaded)
    stage_.story.fail("the coordinator does not start: " + loaded.error().text());
  engine_->versions_found({{9, 7, 4}, {5, 6, 51}});
  with_engine([](coordinator::Engine&) {});
}

void Coordinator::kill() {
  if (!process.alive()) return;
  ++stage_.counts.lost_coordinators;
  stage_.story.tell("coordinator", "is killed");
  process.end();
  engine_.reset();
  store.lose_late();
  for (const auto& session : std::exchange(sessions_, {}))
    session->close_coordinator_end(true, false);
}

void Coordinator::restart_later(Duration delay) {
  stage_.timeline.after(delay, [this] {
    if (!process.alive()) start();
  });
}

void Coordinator::ask(const std::function<void(coordinator::Engine&, coordinator::Now)>& request) {
  if (!process.runs()) return;
  with_engine([&](coordinator::Engine& engine) { request(engine, now()); });
}

const coordinator::ClusterRow* Coordinator::row() const {
  const auto& clusters = store.disk().clusters;
  return clusters.empty() ? nullptr : &clusters.begin()->second;
}

// --- sessions ---

void Coordinator::session_opened(const std::shared_ptr<Session>& session, Agent& agent) {
  sessions_.push_back(session);
  with_engine([&](coordinator::Engine& engine) {
    const auto number = engine.agent_connected(
        agent.node(), {"0.1.0", agent.boot_id(), address_of(agent.host())}, session, now());
    if (!number) {
      session->close(number.error());
      return;
    }
    session->number = *number;
    watch_session(session, agent, stage_.timeline.now());
  });
}

void Coordinator::session_reported(const std::shared_ptr<Session>& session, Agent& agent,
                                   uint64_t sequence, const model::NodeReport& report) {
  with_engine([&](coordinator::Engine& engine) {
    engine.agent_reported(agent.node(), session->number, sequence, report, now());
  });
}

void Coordinator::session_closed(const std::shared_ptr<Session>& session, Agent& agent) {
  std::erase(sessions_, session);
  with_engine([&](coordinator::Engine& engine) {
    engine.agent_disconnected(agent.node(), session->number, now());
  });
}

// A silent session is ended, as gRPC's keepalive does.
void Coordinator::watch_session(const std::shared_ptr<Session>& session, Agent& agent,
                                Instant heard) {
  after(kWatch, [this, session, &agent, heard] {
    if (!session->coordinator_open()) {
      std::erase(sessions_, session);
      return;
    }
    const bool answered = stage_.network.both_ways(host_, agent.host()) && agent.process.runs() &&
                          session->agent_open();
    const Instant last = answered ? stage_.timeline.now() : heard;
    if (stage_.timeline.now() - last <= kKeepalive) {
      watch_session(session, agent, last);
      return;
    }
    ++stage_.counts.timers;
    session->close_coordinator_end(true, false);
    session_closed(session, agent);
  });
}

// --- what it asks of the world ---

void Coordinator::ensure_machine(const coordinator::MachineSpec& spec) {
  Agent* agent = nullptr;
  for (const auto& candidate : *agents_) {
    if (candidate->node() == spec.node) agent = candidate.get();
  }
  after(stage_.random.between(milliseconds(50), milliseconds(400)), [this, agent,
                                                                     node = spec.node] {
    if (agent == nullptr) return;
    ++stage_.counts.timers;
    coordinator::Machine machine;
    machine.node = node;
    // One step: what is off may be said to be off first.
    const bool says_off = !agent->powered() && stage_.random.chance(0.4);
    if (!says_off) agent->power_on();
    machine.state = says_off ? coordinator::MachineState::Off : coordinator::MachineState::Running;
    machine.address = address_of(agent->host());
    with_engine([&](coordinator::Engine& engine) { engine.machine_ensured(node, machine, now()); });
  });
}

void Coordinator::remove_machine(const model::NodeId&) {
  stage_.story.fail("a machine is removed that nobody asked to remove");
}

void Coordinator::publish_dns(const DnsRecords& records) {
  const uint64_t publication = ++publications_;
  stage_.network.post(host_, names_.host, [this, records, life = process.life(), publication] {
    if (!names_.up) return;
    const bool older = names_.records && names_.records->version > records.version;
    if (!older && names_.records != records) {
      names_.records = records;
      ++stage_.counts.disk_writes;
      stage_.story.tell("names", "rw is {}", records.rw.value_or("nobody"));
    }
    stage_.network.post(names_.host, host_, [this, records, life, publication, older] {
      process.deliver(life, [this, records, publication, older] {
        if (publication != publications_) return;
        ++publications_;
        published(records, older ? Status{conflict("a newer version is there")} : Status{});
      });
    });
  });
  after(kDnsDeadline, [this, records, publication] {
    if (publication != publications_) return;
    ++publications_;
    ++stage_.counts.timers;
    published(records, outcome_unknown("the name server does not answer"));
  });
}

void Coordinator::published(const DnsRecords& records, const Status& result) {
  with_engine([&](coordinator::Engine& engine) { engine.dns_published(records, result, now()); });
}

void Coordinator::remove_dns(const model::ClusterId&) {
  stage_.story.fail("names are removed that nobody asked to remove");
}

}  // namespace cdb::sim
