#include "tests/sim/agent_ports.h"

#include <algorithm>
#include <utility>

namespace cdb::sim {

using model::GtidSet;
using model::ThreadState;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool Waiter::wait_until(const std::function<bool()>& holds, Duration limit) {
  Duration pause = milliseconds(1);
  for (Duration waited{0}; !holds(); waited += pause) {
    if (waited >= limit) return false;
    sleep(pause);
    pause = std::min<Duration>(pause * 2, milliseconds(40));
  }
  return true;
}

// --- the server ---

Status ServerPort::statement() {
  waiter_.sleep(stage_.random.between(microseconds(100), microseconds(700)));
  if (!m_.process.alive()) return unavailable("mysqld does not run");
  if (!m_.process.runs()) {
    const uint64_t life = m_.process.life();
    const bool answered = waiter_.wait_until(
        [&] { return m_.process.runs() || m_.process.life() != life; }, seconds(2));
    if (!answered) return deadline_exceeded("no answer in time");
  }
  if (!m_.answers()) return unavailable("mysqld does not answer");
  return {};
}

Result<model::ServerStatus> ServerPort::status(Deadline) {
  CDB_TRY(statement());
  return m_.status();
}

Status ServerPort::ensure_accounts(const model::Credentials&, Deadline) {
  return statement();
}

Status ServerPort::stop_receiver_thread() {
  const model::ServerStatus now = m_.status();
  if (now.replication.receiver == ThreadState::Off) return {};
  const auto source = host_of(now.replication.source->host);
  const bool black_hole = now.replication.receiver == ThreadState::Connecting && source &&
                          !stage_.network.both_ways(m_.host(), *source);
  if (black_hole) waiter_.sleep(seconds(2));
  CDB_TRY(statement());
  m_.stop_receiver();
  return {};
}

Status ServerPort::drain() {
  const GtidSet wanted = m_.status().replication.retrieved;
  if (m_.executed().contains(wanted)) return {};
  m_.start_applier();
  return wait_for_executed(wanted, Deadline::at({}));
}

// As ReplicaVerbs: with the applier running the relay log is kept.
Status ServerPort::change_source(const agent::ReplicationSource& source) {
  const model::ServerStatus now = m_.status();
  const bool under_applier = now.version.at_least(5, 7);
  if (now.replication.source && under_applier) {
    m_.start_applier();
  } else if (now.replication.source) {
    CDB_TRY(drain());
    m_.stop_applier();
  }
  CDB_TRY(statement());
  m_.change_source(source.endpoint);
  return {};
}

Status ServerPort::replicate_from(const agent::ReplicationSource& source, Deadline) {
  CDB_TRY(statement());
  const model::ServerStatus before = m_.status();
  if (before.semisync.source_enabled) return precondition("semi-sync's source side is on");
  const bool same_source = before.replication.source == source.endpoint;
  const bool as_wanted = same_source && before.semisync.replica_enabled == source.acker &&
                         before.replication.receiver == ThreadState::On &&
                         before.semisync.replica_acking == source.acker;
  if (as_wanted) {
    m_.start_applier();
    return {};
  }
  CDB_TRY(stop_receiver_thread());
  const GtidSet retrieved = m_.status().replication.retrieved;
  CDB_TRY(statement());
  m_.set_replica_semisync(source.acker);
  if (!same_source) CDB_TRY(change_source(source));
  oracle_.follows(m_);
  CDB_TRY(statement());
  const model::ServerStatus after = m_.status();
  const GtidSet lost = retrieved - after.executed - after.replication.retrieved;
  m_.start_applier();
  CDB_TRY(statement());
  m_.start_receiver();
  if (!lost.empty()) return internal("received transactions vanished with the change of source");
  waiter_.wait_until(
      [&] { return !m_.answers() || m_.status().replication.receiver != ThreadState::Connecting; },
      milliseconds(250));
  CDB_TRY(statement());
  const auto& settled = m_.status().replication;
  if (settled.receiver == ThreadState::Off)
    return precondition("the receiver stopped at once: " + settled.receiver_error);
  return {};
}

Status ServerPort::stop_receiver(Deadline) {
  CDB_TRY(statement());
  m_.set_replica_semisync(false);
  if (!m_.status().replication.source) return {};
  return stop_receiver_thread();
}

Status ServerPort::start_applier(Deadline) {
  CDB_TRY(statement());
  if (!m_.status().replication.source) return precondition("no source is set");
  m_.start_applier();
  return {};
}

Status ServerPort::stop_applier(Deadline) {
  CDB_TRY(statement());
  m_.stop_applier();
  return {};
}

Status ServerPort::wait_for_executed(const GtidSet& set, Deadline) {
  CDB_TRY(statement());
  const bool ended = waiter_.wait_until(
      [&] {
        return !m_.process.alive() || m_.executed().contains(set) ||
               m_.status().replication.applier != ThreadState::On;
      },
      seconds(1));
  if (!ended) return deadline_exceeded("not everything is executed");
  CDB_TRY(statement());
  if (m_.executed().contains(set)) return {};
  return precondition("the applier does not run");
}

Status ServerPort::reset_replication(Deadline) {
  CDB_TRY(statement());
  const model::ServerStatus now = m_.status();
  if (!now.replication.source) return {};
  CDB_TRY(stop_receiver_thread());
  if (!m_.executed().contains(m_.status().replication.retrieved))
    return precondition("received transactions are not executed yet");
  m_.stop_applier();
  m_.reset_replication();
  return {};
}

Status ServerPort::set_acks_required(int acks, Deadline) {
  CDB_TRY(statement());
  m_.set_source_semisync(acks);
  stage_.story.tell(m_.name(), "waits for {} acks", acks);
  return {};
}

Status ServerPort::set_writable(Deadline) {
  CDB_TRY(statement());
  if (!m_.read_only()) return {};
  m_.set_writable();
  stage_.story.tell(m_.name(), "opens in epoch {} with {}", epoch_(), m_.logged().str());
  oracle_.opened(m_, epoch_());
  return {};
}

// Waits for commits that wait for acknowledgements.
Status ServerPort::set_read_only(Deadline) {
  CDB_TRY(statement());
  if (m_.read_only() && !m_.commits_wait()) return {};
  const uint64_t life = m_.process.life();
  m_.begin_read_only();
  m_.drop_clients();
  const bool ended = waiter_.wait_until(
      [&] { return m_.process.life() != life || !m_.commits_wait(); }, seconds(3));
  if (m_.process.life() != life) return outcome_unknown("mysqld ended");
  if (ended) {
    stage_.story.tell(m_.name(), "is read-only");
    return {};
  }
  m_.undo_read_only();
  return deadline_exceeded("commits still wait for acknowledgements");
}

Status ServerPort::kill_client_sessions(Deadline) {
  CDB_TRY(statement());
  m_.drop_clients();
  return {};
}

Result<GtidSet> ServerPort::write_marker(model::RecordVersion, Deadline) {
  CDB_TRY(statement());
  if (m_.read_only()) return precondition("the server is read-only");
  const uint64_t life = m_.process.life();
  const TransactionId id = m_.write_marker();
  const bool ended =
      waiter_.wait_until([&] { return m_.process.life() != life || m_.committed(id); }, seconds(2));
  if (!ended || m_.process.life() != life) return outcome_unknown("the marker row still waits");
  CDB_TRY(statement());
  return m_.executed();
}

Status ServerPort::set_variable(const std::string&, const std::string&, Deadline) {
  return statement();
}

Result<std::map<std::string, std::string>> ServerPort::variables(const std::vector<std::string>&,
                                                                 Deadline) {
  return std::map<std::string, std::string>{};
}

// The recipient's data are dropped first; a copy that does not come to its end leaves it empty.
Status ServerPort::fetch_data(const agent::ReplicationSource& donor,
                              const std::function<bool()>& goes_on) {
  CDB_TRY(statement());
  const auto host = host_of(donor.endpoint.host);
  if (!host) return precondition("no such donor");
  const Mysqld& source = *all_[static_cast<size_t>(*host)];
  const auto reachable = [&] {
    return source.answers() && stage_.network.both_ways(m_.host(), *host) &&
           source.gate().admits(address_of(m_.host()));
  };
  if (!reachable()) return unavailable("the donor does not answer");
  const uint64_t life = m_.process.life();
  const uint64_t donor_life = source.process.life();
  stage_.story.tell(m_.name(), "copies {}", source.name());
  oracle_.forgets(m_);
  m_.lose_data();
  for (int part = stage_.random.between(3, 20); part > 0; --part) {
    waiter_.sleep(milliseconds(100));
    if (m_.process.life() != life) return unavailable("mysqld ended while it was seeded");
    if (source.process.life() != donor_life || !reachable())
      return outcome_unknown("the donor was lost");
    if (!goes_on()) return cancelled("the copy is not wanted any more");
  }
  m_.become_copy_of(source);
  return {};
}

Status ServerPort::clone_from(const agent::ReplicationSource& donor, Deadline) {
  CDB_TRY(fetch_data(donor, [] { return true; }));
  m_.crash(false);
  return {};
}

Status ServerPort::copy_from(const agent::ReplicationSource& donor,
                             const std::function<bool(const std::string&)>& progress, Deadline) {
  return fetch_data(donor, [&] { return progress("copying"); });
}

// --- the process ---

Status ProcessPort::initialise(Deadline) {
  if (m_.initialised()) return conflict("there is a data directory");
  waiter_.sleep(stage_.random.between(milliseconds(500), milliseconds(2000)));
  m_.initialise();
  stage_.story.tell(m_.name(), "has a new data directory");
  return {};
}

// The names of folders are random: no story tells them.
Result<std::filesystem::path> ProcessPort::archive_and_wipe(const std::string&) {
  if (m_.process.alive()) return precondition("mysqld runs");
  waiter_.sleep(milliseconds(50));
  stage_.story.tell(m_.name(), "is wiped of {}", m_.holdings().str());
  oracle_.forgets(m_);
  m_.wipe();
  ++stage_.counts.seeds;
  return std::filesystem::path("archive");
}

// As plan_trim(): what the cluster has not must be the end of the log.
Result<agent::TailPlan> ProcessPort::find_tail(const agent::ClusterTransactions& cluster) {
  if (m_.process.alive()) return precondition("mysqld runs");
  waiter_.sleep(milliseconds(20));
  agent::TailPlan plan;
  const auto found = m_.tail_beyond(cluster);
  plan.gtids = found.gtids;
  plan.transactions = found.gtids.count();
  plan.offset = found.place;
  plan.kind = plan.gtids.empty() ? agent::TailPlan::Kind::Nothing
              : found.at_the_end ? agent::TailPlan::Kind::Cut
                                 : agent::TailPlan::Kind::Leave;
  return plan;
}

Result<std::filesystem::path> ProcessPort::keep_tail(const agent::TailPlan&, const std::string&) {
  waiter_.sleep(milliseconds(20));
  return std::filesystem::path("archive");
}

Status ProcessPort::cut_tail(const agent::TailPlan& plan) {
  if (m_.process.alive()) return precondition("mysqld runs");
  waiter_.sleep(milliseconds(5));
  stage_.story.tell(m_.name(), "loses the end of its log: {}", plan.gtids.str());
  m_.cut_log(plan.offset);
  ++stage_.counts.trims;
  return {};
}

std::optional<process::Identity> ProcessPort::running() {
  if (!m_.process.alive()) return std::nullopt;
  return process::Identity{100, m_.process.life(), "boot"};
}

Result<process::Identity> ProcessPort::start_with(const std::vector<std::string>&) {
  waiter_.sleep(milliseconds(5));
  if (m_.process.alive()) return conflict("mysqld runs");
  if (!m_.initialised()) return precondition("there is no data directory");
  m_.start();
  stage_.story.tell(m_.name(), "is started");
  return *running();
}

Status ProcessPort::kill(Deadline) {
  if (m_.process.alive()) stage_.story.tell(m_.name(), "is killed by its agent");
  m_.crash(false);
  waiter_.sleep(milliseconds(95));
  return {};
}

void ProcessPort::on_exit(std::function<void()> callback) {
  m_.set_exit_callback(waiter_.news(std::move(callback)));
}

// --- the memory ---

void MemoryPort::crash_now() {
  disk_.crash = AgentDisk::Crash::None;
  stage_.timeline.after(Duration::zero(), disk_.on_crash);
  while (true)
    waiter_.sleep(seconds(1));  // until the crash ends this fiber
}

Status MemoryPort::save(const agent::NodeMemory& memory) {
  waiter_.sleep(stage_.random.between(microseconds(200), milliseconds(3)));
  if (disk_.full) return unavailable("no space left on device");
  if (disk_.crash == AgentDisk::Crash::Before) crash_now();
  const model::RecordVersion before = disk_.saved ? disk_.saved->accepted : model::RecordVersion{};
  oracle_.promised(name_, {before.epoch, before.version},
                   {memory.accepted.epoch, memory.accepted.version});
  disk_.saved = memory;
  ++stage_.counts.disk_writes;
  if (disk_.crash == AgentDisk::Crash::After) crash_now();
  return {};
}

}  // namespace cdb::sim
