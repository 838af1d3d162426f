#include "tests/support/fake_node.h"

namespace cdb::agent::test {

using model::ThreadState;

void FakeMachine::boot() {
  running = true;
  ++starts;
  status.version = version;
  status.read_only = true;
  status.super_read_only = true;
  status.replication.receiver = ThreadState::Off;
  status.replication.applier = ThreadState::Off;
  status.semisync = {};
  status.semisync.available = true;
}

void FakeMachine::write(const std::string& gtids) {
  status.executed.add(model::GtidSet::parse(gtids).value());
}

Status FakeServer::up(const char* call) {
  m_.calls.emplace_back(call);
  return m_.running ? Status{} : Status{unavailable("mysqld does not run")};
}

Result<model::ServerStatus> FakeServer::status(Deadline) {
  if (!m_.running) return unavailable("mysqld does not run");
  return m_.status;
}

Status FakeServer::ensure_accounts(const model::Credentials&, Deadline) {
  return up("accounts");
}

Status FakeServer::replicate_from(const ReplicationSource& source, Deadline) {
  CDB_TRY(up("replicate_from"));
  m_.status.replication.source = source.endpoint;
  m_.status.replication.receiver = ThreadState::On;
  m_.status.replication.applier = ThreadState::On;
  m_.status.semisync.replica_enabled = source.acker;
  m_.status.semisync.replica_acking = source.acker;
  return {};
}

Status FakeServer::stop_receiver(Deadline) {
  CDB_TRY(up("stop_receiver"));
  m_.status.replication.receiver = ThreadState::Off;
  m_.status.semisync.replica_acking = false;
  return {};
}

Status FakeServer::start_applier(Deadline) {
  CDB_TRY(up("start_applier"));
  m_.status.replication.applier = ThreadState::On;
  return {};
}

Status FakeServer::stop_applier(Deadline) {
  CDB_TRY(up("stop_applier"));
  m_.status.replication.applier = ThreadState::Off;
  return {};
}

Status FakeServer::wait_for_executed(const model::GtidSet& set, Deadline) {
  CDB_TRY(up("wait_for_executed"));
  if (m_.status.replication.applier == ThreadState::On)
    m_.status.executed.add(m_.status.replication.retrieved);
  if (m_.status.executed.contains(set)) return {};
  return deadline_exceeded("not all of it is executed");
}

Status FakeServer::reset_replication(Deadline) {
  CDB_TRY(up("reset_replication"));
  if (!m_.status.executed.contains(m_.status.replication.retrieved))
    return precondition("there is a backlog");
  m_.status.replication = {};
  return {};
}

Status FakeServer::set_acks_required(int acks, Deadline) {
  CDB_TRY(up("set_acks_required"));
  m_.status.semisync.source_enabled = acks > 0;
  m_.status.semisync.acks_required = acks;
  m_.status.semisync.connected_ackers = acks;
  return {};
}

Status FakeServer::set_writable(Deadline) {
  CDB_TRY(up("set_writable"));
  m_.status.read_only = false;
  m_.status.super_read_only = false;
  return {};
}

Status FakeServer::set_read_only(Deadline) {
  CDB_TRY(up("set_read_only"));
  m_.status.read_only = true;
  m_.status.super_read_only = true;
  return {};
}

Status FakeServer::kill_client_sessions(Deadline) {
  return up("kill_client_sessions");
}

Result<model::GtidSet> FakeServer::write_marker(model::RecordVersion, Deadline) {
  CDB_TRY(up("write_marker"));
  return m_.status.executed;
}

Status FakeServer::set_variable(const std::string& name, const std::string& value, Deadline) {
  return up(("set " + name + "=" + value).c_str());
}

Result<std::map<std::string, std::string>> FakeServer::variables(const std::vector<std::string>&,
                                                                 Deadline) {
  return std::map<std::string, std::string>{};
}

Status FakeServer::clone_from(const ReplicationSource&, Deadline) {
  CDB_TRY(up("clone_from"));
  m_.running = false;
  return {};
}

Status FakeServer::copy_from(const ReplicationSource&,
                             const std::function<bool(const std::string&)>& progress, Deadline) {
  CDB_TRY(up("copy_from"));
  m_.status.replication = {};
  if (!progress("copying: 1 of 2 tables")) return cancelled("the copy is not wanted any more");
  if (m_.copy_fails) return unavailable("the source went away");
  m_.status.executed = m_.copied;
  return {};
}

Status FakeProcess::initialise(Deadline) {
  m_.calls.emplace_back("initialise");
  if (m_.initialised) return conflict("there is a data directory");
  m_.initialised = true;
  m_.status.executed = {};
  return {};
}

Result<std::filesystem::path> FakeProcess::archive_and_wipe(const std::string& label) {
  m_.calls.emplace_back("wipe");
  if (m_.running) return precondition("mysqld runs");
  m_.initialised = false;
  return std::filesystem::path("archive") / label;
}

std::optional<process::Identity> FakeProcess::running() {
  if (!m_.running) return std::nullopt;
  return process::Identity{100, m_.starts, "boot"};
}

Result<TailPlan> FakeProcess::find_tail(const ClusterTransactions&) {
  m_.calls.emplace_back("find_tail");
  if (m_.running) return precondition("mysqld runs");
  return m_.tail;
}

Result<std::filesystem::path> FakeProcess::keep_tail(const TailPlan&, const std::string& label) {
  m_.calls.emplace_back("keep_tail");
  if (m_.archive_fills_disk) m_.disk_full = true;
  return std::filesystem::path("archive") / label;
}

Status FakeProcess::cut_tail(const TailPlan&) {
  m_.calls.emplace_back("cut_tail");
  m_.tail = {};
  return {};
}

Result<process::Identity> FakeProcess::start_with(const std::vector<std::string>& options) {
  m_.calls.emplace_back("start");
  m_.start_options = options;
  if (m_.running) return conflict("mysqld runs");
  if (!m_.start_fails) m_.boot();
  return process::Identity{100, m_.starts, "boot"};
}

Status FakeProcess::kill(Deadline) {
  m_.calls.emplace_back("kill");
  m_.running = false;
  return {};
}

Status FakeProcess::stop(Deadline deadline) {
  return kill(deadline);
}

Status FakeMemory::save(const NodeMemory& memory) {
  if (m_.disk_full) return unavailable("no space left on device");
  m_.saved = memory;
  return {};
}

}  // namespace cdb::agent::test
