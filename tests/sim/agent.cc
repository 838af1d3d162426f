#include "tests/sim/agent.h"

#include <utility>

#include "tests/sim/coordinator.h"

namespace cdb::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
// As SessionClientConfig says.
constexpr Duration kFirstPause = milliseconds(100);
constexpr Duration kLongestPause = seconds(2);
constexpr Duration kRefusedPause = seconds(10);
constexpr Duration kConnectTimeout = seconds(2);
constexpr Duration kKeepalive = seconds(4);
constexpr Duration kWatch = milliseconds(500);
constexpr double kDrift = 0.001;

double some_rate(Random& random) {
  return 1.0 + kDrift * (random.between(-1000, 1000) / 1000.0);
}
}  // namespace

AgentParts real_parts() {
  AgentParts parts;
  parts.server = [](Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
                    std::vector<std::unique_ptr<Mysqld>>& all,
                    const std::function<uint64_t()>& epoch) {
    return std::make_unique<ServerPort>(stage, waiter, mysqld, oracle, all, epoch);
  };
  parts.process = [](Stage& stage, Waiter& waiter, Mysqld& mysqld, Oracle& oracle,
                     model::MysqlVersion version) {
    return std::make_unique<ProcessPort>(stage, waiter, mysqld, oracle, version);
  };
  parts.memory = [](Stage& stage, Waiter& waiter, AgentDisk& disk, Oracle& oracle,
                    std::string name) {
    return std::make_unique<MemoryPort>(stage, waiter, disk, oracle, std::move(name));
  };
  parts.gate = [](Gate& gate, std::function<void()> cut_barred) {
    return std::make_unique<GatePort>(gate, std::move(cut_barred));
  };
  return parts;
}

Agent::Agent(Stage& stage, Oracle& oracle, std::vector<std::unique_ptr<Mysqld>>& all, Host host,
             model::NodeId node, model::MysqlVersion version, Coordinator& coordinator,
             const AgentParts& parts)
    : clock(stage.timeline, some_rate(stage.random)),
      gate(clock),
      stage_(stage),
      oracle_(oracle),
      all_(all),
      host_(host),
      name_("agent-" + std::to_string(host)),
      node_(std::move(node)),
      version_(version),
      coordinator_(coordinator),
      parts_(parts),
      mysqld_(
          *all.emplace_back(std::make_unique<Mysqld>(stage, oracle, all, host, gate, version))) {
  disk.on_crash = [this] { kill(); };
}

Agent::~Agent() = default;

void Agent::after(Duration delay, Handler handler) {
  stage_.timeline.after(delay, [this, life = process.life(), handler = std::move(handler)] {
    process.deliver(life, handler);
  });
}

// --- the machine ---

void Agent::power_on() {
  if (powered_) return;
  powered_ = true;
  ++boots_;
  stage_.story.tell(name_, "the machine starts");
  clock.go_on();
  start();
}

void Agent::power_off() {
  if (!powered_) return;
  go_on();
  powered_ = false;
  mysqld_.crash(true);
  gate.vanish();
  process.end();
  fiber_.reset();
  if (session_) session_->close_agent_end(false);
  session_.reset();
}

void Agent::pause(bool clock_stops) {
  if (clock_stops) {
    clock.stop();
    gate.sleep();
  }
  process.hold(Process::MachinePaused);
  mysqld_.process.hold(Process::MachinePaused);
}

void Agent::go_on() {
  clock.go_on();
  gate.wake();
  mysqld_.process.release(Process::MachinePaused);
  process.release(Process::MachinePaused);
}

void Agent::lose_disks() {
  mysqld_.wipe();
  disk.saved.reset();
  oracle_.forgives(host_);
}

// --- the process ---

void Agent::kill() {
  if (!process.alive()) return;
  stage_.story.tell(name_, "is killed");
  process.end();
  fiber_.reset();
  if (session_) session_->close_agent_end(true);
  session_.reset();
  start_later();
}

void Agent::start_later() {
  stage_.timeline.after(stage_.random.between(milliseconds(100), milliseconds(1500)), [this] {
    if (!powered_ || process.alive()) return;
    if (process.held(Process::MachinePaused)) {
      start_later();
    } else {
      start();
    }
  });
}

void Agent::start() {
  process.start();
  ++stage_.counts.timers;
  connected_ = false;
  pause_ = kFirstPause;
  latest_.reset();
  server_ = parts_.server(stage_, *this, mysqld_, oracle_, all_,
                          [this] { return disk.saved ? disk.saved->accepted.epoch : 0; });
  memory_ = parts_.memory(stage_, *this, disk, oracle_, name_);
  process_port_ = parts_.process(stage_, *this, mysqld_, oracle_, version_);
  fence_ = parts_.gate(gate, [this] { mysqld_.cut_barred(); });
  agent::PeerClient& peers = *this;
  lease_ = std::make_unique<agent::LeaseTask>(node_, *fence_, peers, clock);
  lease_->set_client(*this);
  keeper_ = parts_.lease ? parts_.lease(*lease_) : nullptr;
  lease_status_ = {};
  holding_epoch_ = 0;
  sent_.clear();
  fiber_ = std::make_unique<Fiber>([this] { run(); });
  fiber_->resume();
}

// NodeTask::run(), in simulated time.
void Agent::run() {
  task_ready_ = false;
  agent::LeaseKeeper& real_keeper = *lease_;
  agent::LeaseKeeper& keeper = keeper_ ? *keeper_ : real_keeper;
  const std::string boot = parts_.machine_boot ? parts_.machine_boot(boot_id()) : boot_id();
  task_ = std::make_unique<agent::NodeTask>(
      agent::NodePorts{*server_, *process_port_, config_port_, *memory_, keeper},
      [] { return agent::DiskState{}; }, boot, clock);
  if (const Status loaded = task_->load(); !loaded) {
    stage_.story.tell(name_, "does not start: {}", loaded.error().text());
    after(Duration::zero(), [this] { kill(); });
    return;
  }
  task_->set_client(*this);
  task_ready_ = true;
  dial();
  keep_lease();
  while (true) {
    const Instant wake = task_->step();
    between_steps_ = true;
    if (!std::exchange(poked_, false) && wake > clock.now()) {
      sleep(clock.until(wake));
      poked_ = false;
    }
    between_steps_ = false;
  }
}

void Agent::sleep(Duration duration) {
  after(duration, [this, nap = ++naps_] {
    if (nap == naps_) fiber_->resume();
  });
  Fiber::wait();
}

// News has come in: the step that waits for its time begins now.
void Agent::poke() {
  poked_ = true;
  if (!between_steps_) return;
  after(Duration::zero(), [this, nap = ++naps_] {
    if (nap == naps_) fiber_->resume();
  });
}

Handler Agent::news(Handler handler) {
  return [this, life = process.life(), handler = std::move(handler)] {
    process.deliver(life, [this, handler] {
      handler();
      poke();
    });
  };
}

// --- the session ---

// LeaseTask::run(): apart from the worker, which may wait for mysqld.
void Agent::keep_lease() {
  const Instant wake = lease_->step();
  after(clock.until(wake), [this] { keep_lease(); });
}

void Agent::ask_hold(const std::string& address, const model::HoldRequest& request, Deadline,
                     std::function<void(const Result<model::HoldAnswer>&)> answered) {
  const auto host = host_of(address);
  Agent* const peer = (*peers_)[static_cast<size_t>(*host)].get();
  const auto once =
      std::make_shared<std::function<void(const Result<model::HoldAnswer>&)>>(std::move(answered));
  const auto answer = [this, once, life = process.life()](const Result<model::HoldAnswer>& with) {
    process.deliver(life, [once, with] {
      if (const auto call = std::exchange(*once, nullptr)) call(with);
    });
  };
  after(request.ttl, [answer] { answer(unavailable("no answer in time")); });
  stage_.network.post(host_, *host, [this, peer, request, answer] {
    peer->process.deliver(peer->process.life(), [this, peer, request, answer] {
      if (!peer->task_ready_) return;
      const model::HoldAnswer given = peer->hold(request);
      stage_.network.post(peer->host_, host_, [answer, given] { answer(given); });
    });
  });
}

void Agent::report(const model::NodeReport& report) {
  lease_status_ = report.lease;
  holding_epoch_ = report.holding_epoch;
  latest_ = report;
  send_latest();
}

void Agent::heartbeat(const model::LeaseStatus& lease, uint64_t holding_epoch) {
  lease_status_ = lease;
  holding_epoch_ = holding_epoch;
  if (latest_) send_latest();
}

// As SessionClient: the words about the lease stay with all reports, and a grant counts from when
// its report was sent.
void Agent::send_latest() {
  if (!session_) return;
  latest_->lease = lease_status_;
  latest_->holding_epoch = holding_epoch_;
  oracle_.reported(host_, latest_->accepted);
  sent_.emplace_back(++sequence_, clock.now());
  if (sent_.size() > 100) sent_.pop_front();
  session_->report(sequence_, *latest_);
}

void Agent::dial() {
  if (session_) return;
  if (!stage_.network.both_ways(host_, coordinator_.host())) {
    after(kConnectTimeout, [this] { dial_later(false); });
    return;
  }
  if (!coordinator_.process.alive()) {
    dial_later(false);
    return;
  }
  session_ = std::make_shared<Session>(*this, coordinator_,
                                       stage_.network.connect(host_, coordinator_.host()));
  session_->introduce();
  if (latest_) send_latest();
  watch_session(session_, stage_.timeline.now());
}

void Agent::dial_later(bool refused) {
  const Duration pause =
      refused ? kRefusedPause : std::exchange(pause_, std::min(pause_ * 2, kLongestPause));
  after(pause, [this] { dial(); });
}

void Agent::session_answered(const std::shared_ptr<Session>& session, const model::NodeGoal* goal,
                             const Answer* answer) {
  if (session != session_) return;
  if (answer != nullptr) {
    std::optional<Instant> sent_at;
    while (!sent_.empty() && sent_.front().first <= answer->sequence) {
      if (sent_.front().first == answer->sequence) sent_at = sent_.front().second;
      sent_.pop_front();
    }
    if (sent_at && answer->grant) {
      lease_->granted(*answer->grant, parts_.grants_count_from_receipt ? clock.now() : *sent_at);
    }
  }
  if (!std::exchange(connected_, true)) {
    stage_.story.tell(name_, "is connected");
    task_->connection_changed(true, "coordinator");
    poke();
  }
  pause_ = kFirstPause;
  if (goal == nullptr) return;
  if (stage_.story.told()) {
    stage_.story.tell(name_, "is asked for {} at ({}, {})", to_string(goal->state),
                      goal->record.epoch, goal->record.version);
  }
  goals_.push_back(*goal);
  if (goals_.size() > 12) goals_.pop_front();
  take(*goal);
}

void Agent::take(model::NodeGoal goal) {
  if (parts_.goal) {
    goal = parts_.goal(std::move(goal), disk.saved ? disk.saved->accepted : model::RecordVersion{});
  }
  task_->goal_received(goal);
  poke();
}

void Agent::replay() {
  if (!process.runs() || !task_ready_ || goals_.empty()) return;
  const model::NodeGoal& old = goals_[stage_.random.below(goals_.size())];
  if (!(old.record < goals_.back().record)) return;
  stage_.story.tell(name_, "is asked once more for {} at ({}, {})", to_string(old.state),
                    old.record.epoch, old.record.version);
  take(old);
}

void Agent::session_lost(const std::shared_ptr<Session>& session, bool refused) {
  if (session != session_) return;
  session_.reset();
  if (std::exchange(connected_, false)) {
    stage_.story.tell(name_, "loses the coordinator");
    task_->connection_changed(false, "lost");
    poke();
  }
  dial_later(refused);
}

// Pings are answered while both processes run and the way is open in both directions.
void Agent::watch_session(const std::shared_ptr<Session>& session, Instant heard) {
  after(kWatch, [this, session, heard] {
    if (session != session_) return;
    const bool answered = stage_.network.both_ways(host_, coordinator_.host()) &&
                          coordinator_.process.runs() && session->coordinator_open();
    const Instant last = answered ? stage_.timeline.now() : heard;
    if (stage_.timeline.now() - last <= kKeepalive) {
      watch_session(session, last);
      return;
    }
    ++stage_.counts.timers;
    session->close_agent_end(true);
    session_lost(session, false);
  });
}

}  // namespace cdb::sim
