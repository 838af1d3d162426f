#include "agent/tasks/node_task.h"

#include <fmt/format.h>

#include "lib/base/log.h"

namespace cdb::agent {
namespace {

using model::MysqldState;
using model::NodeState;

constexpr Duration kLook = std::chrono::milliseconds(500);
constexpr Duration kLookSoon = std::chrono::milliseconds(50);
constexpr Duration kStatus = std::chrono::seconds(2);
// Without an answer before mysqld counts as stalled; when it is stopped by a signal.
constexpr Duration kSilent = std::chrono::seconds(5);
constexpr Duration kSuspended = std::chrono::milliseconds(400);
constexpr size_t kLogLines = 6;
// No healthy disk takes so long, however busy.
constexpr Duration kDiskSilent = std::chrono::seconds(9);
constexpr uint64_t kDiskFull = uint64_t{8} << 20;  // mysqld can hardly write any more

model::NodeGoal without_credentials(model::NodeGoal goal) {
  goal.credentials.reset();
  return goal;
}

// Whether what is being done towards the one goal is right for the other.
bool same_source(const model::NodeGoal& a, const model::NodeGoal& b) {
  const auto replicates = [](const model::NodeGoal& goal) {
    return goal.state == NodeState::Replica || goal.state == NodeState::Acker;
  };
  return replicates(a) && replicates(b) && a.source == b.source;
}

}  // namespace

NodeTask::NodeTask(NodePorts ports, std::function<DiskState()> disk, std::string machine_boot,
                   const Clock& clock)
    : ports_(ports),
      disk_(std::move(disk)),
      clock_(clock),
      actions_(ports, memory_, progress_, clock),
      machine_boot_(std::move(machine_boot)),
      start_backoff_(std::chrono::seconds(1), std::chrono::seconds(30)) {}

Status NodeTask::load() {
  CDB_ASSIGN_OR_RETURN(memory_, ports_.store.load());
  if (memory_.incarnation.empty() && ports_.process.initialised()) {
    return precondition("there is a data directory, but nothing is remembered of it",
                        "restore the agent's state file, or move the data directory away");
  }
  if (memory_.machine_boot != machine_boot_) {
    NodeMemory next = memory_;
    // What it acknowledged may have been in the memory of the machine alone: it counts as another
    // copy of the data until it has everything again.
    if (!memory_.machine_boot.empty() && !memory_.incarnation.empty())
      next.incarnation = new_incarnation();
    next.machine_boot = machine_boot_;
    CDB_TRY(ports_.store.save(next));
    memory_ = next;
  }
  ports_.lease.start_with(memory_.accepted, memory_.goal.value_or(model::NodeGoal{}).ttl);
  if (memory_.credentials) {
    agent_password_.with([&](Secret& password) { password = memory_.credentials->agent; });
  }
  if (const auto running = ports_.process.running()) {
    log::info("mysqld.adopted", "pid={} boot={}", running->pid, memory_.mysqld_boot);
  }
  return {};
}

Secret NodeTask::agent_password() const {
  return agent_password_.read([](const Secret& password) { return password; });
}

void NodeTask::goal_received(const model::NodeGoal& goal) {
  news_.with([&](News& news) { news.goal = goal; });
}

void NodeTask::connection_changed(bool connected, const std::string& why) {
  log::info(connected ? "coordinator.connected" : "coordinator.lost", "why=\"{}\"", why);
  news_.with([&](News& news) {
    news.connected = connected;
    news.look_again = true;
  });
}

void NodeTask::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Instant wake = step();
    news_.wait(stop, Deadline::at(wake), [](News& news) {
      return news.goal.has_value() || std::exchange(news.look_again, false);
    });
  }
}

Status NodeTask::take_goal(const model::NodeGoal& goal) {
  if (goal.record < memory_.accepted) {
    log::warn("goal.refused", "goal_epoch={} goal_version={} epoch={} version={}",
              goal.record.epoch, goal.record.version, memory_.accepted.epoch,
              memory_.accepted.version);
    return {};
  }
  NodeMemory next = memory_;
  next.accepted = goal.record;
  next.goal = without_credentials(goal);
  next.credentials = credentials_after(goal);
  if (goal.state == NodeState::Primary || goal.state == NodeState::PrimaryUnprotected)
    next.written_epoch = goal.record.epoch;  // it may be opened from here on
  if (next == memory_) return {};
  // The promise is on disk before it is kept or told.
  CDB_TRY(ports_.store.save(next));
  const bool news = !memory_.goal || memory_.goal->state != goal.state ||
                    memory_.accepted.epoch != goal.record.epoch;
  const bool again = memory_.goal && memory_.goal->rejoin != goal.rejoin && !goal.rejoin.empty();
  memory_ = next;
  ports_.lease.promised(memory_.accepted);
  const bool opens =
      goal.state == NodeState::Primary || goal.state == NodeState::PrimaryUnprotected;
  if (role_ == LeaseRole::Writer && !opens) {
    role_ = LeaseRole::Closed;
    ports_.lease.set_terms({.epoch = memory_.accepted.epoch, .ttl = goal.ttl});
  }
  if (again) try_again();
  if (memory_.credentials) {
    agent_password_.with([&](Secret& password) { password = memory_.credentials->agent; });
  }
  if (news) {
    log::info("goal.accepted", "epoch={} version={} state={} source={}", goal.record.epoch,
              goal.record.version, to_string(goal.state), goal.source ? goal.source->str() : "-");
  }
  return {};
}

std::optional<model::Credentials> NodeTask::credentials_after(const model::NodeGoal& goal) const {
  if (goal.credentials && goal.credentials->complete()) return goal.credentials;
  // The first node of a cluster makes the accounts that all others will have.
  const bool first = goal.state == NodeState::Promoting && goal.may_initialise;
  if (memory_.credentials || !first) return memory_.credentials;
  return model::Credentials{Secret::random(), Secret::random(), Secret::random(), Secret::random()};
}

// A person asked: whatever is waited out is tried at once.
void NodeTask::try_again() {
  progress_.followed_at.reset();
  start_after_.reset();
  start_backoff_.reset();
  problem_.clear();
  log::info("node.rejoin", "incarnation={}", memory_.incarnation);
}

Situation NodeTask::look() {
  Situation s;
  if (memory_.goal) s.goal = *memory_.goal;
  s.boot = memory_.mysqld_boot;
  s.seeding = memory_.seeding;
  s.written_epoch = memory_.written_epoch;
  s.trim_failed = memory_.trim_failed;
  s.incarnation = memory_.incarnation;
  s.coordinator_connected = news_.read([](const News& news) { return news.connected; });
  s.closed_epoch = progress_.closed_epoch;
  s.prepared_epoch = progress_.prepared_epoch;
  s.marked = progress_.marked;

  const auto running = ports_.process.running();
  if (running != watched_) {
    if (watched_ && !answered_) start_failed();
    watched_ = running;
    // One that an earlier agent started is taken to have answered: else a server that hangs while
    // its agent is replaced would be starting for ever.
    answered_ = std::exchange(adopting_, false) && running.has_value();
    if (running) {
      ports_.process.on_exit([this] { news_.with([](News& news) { news.look_again = true; }); });
    }
  }
  const Instant now = clock_.now();
  if (!running) {
    silent_since_.reset();
    if (!down_since_) {
      down_since_ = now;
      if (ports_.process.initialised() && memory_.mysqld_boot > 0)
        log::warn("mysqld.ended", "boot={}", memory_.mysqld_boot);
    }
    s.mysqld_down_for = now - *down_since_;
    s.mysqld = ports_.process.initialised() ? MysqldState::Stopped : MysqldState::NotInitialised;
    return s;
  }
  down_since_.reset();
  // One that is stopped by a signal would only be waited for.
  if (ports_.process.suspended()) {
    s.mysqld = unanswered();
    return s;
  }
  auto status = ports_.server.status(Deadline::after(kStatus));
  if (status) {
    if (!answered_) start_backoff_.reset();
    answered_ = true;
    silent_since_.reset();
    s.mysqld = MysqldState::Running;
    s.server = std::move(*status);
  } else {
    s.mysqld = unanswered();
    log::debug("mysqld.silent", "error=\"{}\"", status.error().text());
  }
  return s;
}

// A server that is only slow must not cost a failover: a stop by a signal is a fact that is
// believed sooner than a timeout. Until then it is not known whether it runs.
MysqldState NodeTask::unanswered() {
  if (!answered_) return MysqldState::Starting;
  const Instant now = clock_.now();
  if (!silent_since_) silent_since_ = now;
  Duration patience = ports_.process.suspended() ? kSuspended : kSilent;
  // Whether a deposed one is slow or stalled makes no difference: it can neither be asked to close
  // nor prove that it has.
  if (memory_.goal && memory_.goal->state == NodeState::Fenced) patience = Duration::zero();
  return now - *silent_since_ >= patience ? MysqldState::Stalled : MysqldState::Starting;
}

LeaseRole NodeTask::role_in(const Situation& s) {
  if (!memory_.goal || s.mysqld != MysqldState::Running || !s.server) return LeaseRole::Closed;
  const NodeState goal = s.goal.state;
  const NodeState now = classify(s);
  if (goal == NodeState::Primary || goal == NodeState::PrimaryUnprotected) {
    return s.server->read_only ? LeaseRole::Closed : LeaseRole::Writer;
  }
  const bool follows =
      goal == NodeState::Replica || goal == NodeState::Acker || goal == NodeState::Revoked;
  if (now == NodeState::Replica || now == NodeState::Acker) was_level_ = true;
  // While its source changes it may go on answering reads with what it has.
  const bool answers = now == NodeState::Replica || now == NodeState::Acker ||
                       now == NodeState::Revoked || now == NodeState::CatchingUp;
  return follows && answers && was_level_ ? LeaseRole::Reader : LeaseRole::Closed;
}

void NodeTask::keep_lease(const Situation& s) {
  if (s.mysqld == MysqldState::NotInitialised || s.seeding) was_level_ = false;
  // A server that does not answer is as it was: whether it may stay open is the record's to say.
  const bool unsure =
      answered_ && (s.mysqld == MysqldState::Starting || s.mysqld == MysqldState::Stalled);
  if (!unsure) role_ = role_in(s);
  LeaseTerms terms;
  terms.epoch = memory_.accepted.epoch;
  terms.role = role_;
  terms.ttl = s.goal.ttl;
  terms.heartbeat = s.goal.heartbeat;
  if (role_ == LeaseRole::Writer) {
    terms.holds_required = s.goal.holds_required;
    for (const model::Peer& peer : s.goal.peers) {
      if (peer.holder) terms.holders.push_back(peer);
    }
  }
  ports_.lease.set_terms(terms);
  if (role_ == LeaseRole::Reader && s.server &&
      s.server->replication.receiver == model::ThreadState::On) {
    ports_.lease.streams(clock_.now());
  }
}

// Who may replicate from here, before anything is done for the record that says so.
Status NodeTask::keep_gate() {
  if (!memory_.goal) return {};
  Admission wanted;
  for (const model::Peer& peer : memory_.goal->peers)
    (peer.admitted ? wanted.admitted : wanted.barred).insert(peer.address);
  if (!gate_ || wanted != admission_) {
    gate_.reset();
    CDB_TRY(ports_.lease.admit(wanted));
    admission_ = std::move(wanted);
  }
  gate_ = memory_.accepted;
  return {};
}

void NodeTask::start_failed() {
  const std::string lines = ports_.process.last_log_lines(kLogLines);
  problem_ = "mysqld does not start" + (lines.empty() ? "" : ": " + lines);
  log::error("mysqld.start_failed", "boot={} log=\"{}\"", memory_.mysqld_boot, lines);
  start_after_ = clock_.now() + start_backoff_.next();
}

std::string NodeTask::first_problem(const Situation& s) const {
  if (!memory_problem_.empty()) return memory_problem_;
  if (!gate_problem_.empty()) return gate_problem_;
  const DiskState disk = disk_();
  if (disk.silent_for >= kDiskSilent) {
    // The same text each time: it is an event.
    return "the disk of the data directory has not answered a write for more than " +
           to_text(kDiskSilent) + " (hint: look at the volume)";
  }
  if (const uint64_t free = disk.free_bytes; free < kDiskFull) {
    return fmt::format(
        "the disk of the data directory is full: {} KiB left (hint: free some space)", free >> 10);
  }
  if (!problem_.empty()) return problem_;
  if (!shape_problem_.empty() || !s.server) return shape_problem_;
  const auto& replication = s.server->replication;
  if (!replication.applier_error.empty())
    return "the applier stopped: " + replication.applier_error;
  // A receiver that is off on purpose, or about to be re-pointed, still shows why it once failed.
  const bool wanted = s.goal.source && replication.source == s.goal.source;
  const bool hinders = wanted && replication.receiver == model::ThreadState::Off &&
                       !replication.receiver_error.empty();
  return hinders ? "the receiver stopped: " + replication.receiver_error : std::string{};
}

void NodeTask::report(const Situation& s, const std::string& doing) {
  if (client_ == nullptr) return;
  model::NodeReport report;
  report.accepted = memory_.accepted;
  report.state = classify(s);
  report.mysqld = s.mysqld;
  report.mysqld_boot = s.boot;
  report.incarnation = memory_.incarnation;
  report.server = s.server;
  report.errant = errant_of(s);
  if (progress_.closed_epoch == memory_.accepted.epoch && s.mysqld == MysqldState::Running) {
    report.final_set = progress_.final_set;
  }
  if (progress_.marked == memory_.accepted) report.marker = progress_.marker;
  report.doing = doing;
  report.problem = first_problem(s);
  report.credentials = memory_.credentials;
  report.pending_restart = progress_.pending_restart;
  const DiskState disk = disk_();
  report.disk_free_bytes = disk.free_bytes;
  report.disk_full = disk.free_bytes < kDiskFull || disk.silent_for >= kDiskSilent;
  if (ports_.lease.gated()) report.gate = gate_;
  const LeaseKeeper::Said said = ports_.lease.said();
  report.lease = said.lease;
  report.holding_epoch = said.holding_epoch;
  report.discarded = memory_.discarded;
  client_->report(report);
}

void NodeTask::note(const Transition& transition, const Status& result) {
  if (result) {
    // A start has succeeded once the server answers.
    if (transition.action != Action::Start && transition.action != Action::Trim) problem_.clear();
    return;
  }
  const std::string text =
      fmt::format("{}: {}", to_string(transition.action), result.error().text());
  const bool slow = result.error().code == Code::Deadline;  // it goes on with the next step
  if (!slow && text != problem_) log::warn("node.problem", "{}", text);
  if (!slow) problem_ = text;
}

Instant NodeTask::step() {
  if (auto goal = news_.with([](News& news) { return std::exchange(news.goal, std::nullopt); })) {
    untaken_ = std::move(goal);
  }
  if (untaken_) {
    const Status taken = take_goal(*untaken_);
    memory_problem_ = taken ? std::string{} : taken.error().text();
    if (taken) untaken_.reset();
  }
  const Status gate = keep_gate();
  gate_problem_ = gate ? std::string{} : gate.error().text();
  Situation s = look();
  keep_lease(s);
  if (!memory_.goal) {
    report(s, {});
    return clock_.now() + kLook;
  }
  const bool hands_off = s.goal.state == NodeState::Maintenance;
  if (s.mysqld == MysqldState::Running && !hands_off) {
    const Status shape = actions_.keep_in_shape(s);
    const std::string trouble = shape ? std::string{} : shape.error().text();
    if (trouble != shape_problem_ && !trouble.empty()) log::warn("node.problem", "{}", trouble);
    shape_problem_ = trouble;
    // Nothing else is done with data of which it is not known what became of them.
    if (const Status settled = actions_.settle_tail(s); !settled) {
      problem_ = settled.error().text();
      report(s, {});
      return clock_.now() + kLook;
    }
  }
  Transition transition = next_transition(s);
  const bool promotes = transition.action == Action::Prepare || transition.action == Action::Open ||
                        transition.action == Action::Adjust;
  if (!gate && promotes) {
    transition = {Action::None, "its gate is not as the record has it: it is not promoted"};
  }
  if (transition.sentence != last_sentence_) {
    last_sentence_ = transition.sentence;
    log::info("node.step", "goal={} reported={} action={} why=\"{}\"", to_string(s.goal.state),
              to_string(classify(s)), to_string(transition.action), transition.sentence);
  }
  if (transition.action == Action::None) {
    if (s.mysqld == MysqldState::Running) problem_.clear();
    report(s, {});
    const bool moving = s.mysqld != MysqldState::Running;  // also one that has just fallen silent
    return clock_.now() + (moving ? kLookSoon * 2 : kLook);
  }
  const bool starts = transition.action == Action::Start || transition.action == Action::Trim;
  if (starts && start_after_ && clock_.now() < *start_after_) {
    report(s, "mysqld did not start; it is tried again soon");
    return *start_after_;
  }
  report(s, std::string(transition.sentence));
  actions_.on_progress([&](const std::string& how_far) {
    report(s, how_far);
    return news_.read(
        [&](const News& news) { return !news.goal || same_source(*news.goal, s.goal); });
  });
  const Status done = actions_.run(transition.action, s);
  note(transition, done);
  // What was done is looked at and told at once; a drain goes on at once, every millisecond of it
  // is a write gap.
  const bool drains =
      transition.action == Action::Prepare && !done && done.error().code == Code::Deadline;
  const bool at_once = done || drains;
  return clock_.now() + (at_once ? Duration::zero() : kLookSoon * 4);
}

}  // namespace cdb::agent
