#include "tests/sim/mysqld.h"

#include <algorithm>
#include <utility>

#include "tests/sim/oracle.h"

namespace cdb::sim {

using model::GtidSet;
using model::ThreadState;
using std::chrono::milliseconds;

std::string address_of(Host host) {
  return "10.0.0." + std::to_string(host + 1);
}

std::optional<Host> host_of(const std::string& address) {
  constexpr std::string_view kNet = "10.0.0.";
  if (!address.starts_with(kNet)) return std::nullopt;
  return std::stoi(address.substr(kNet.size())) - 1;
}

Mysqld::Mysqld(Stage& stage, Oracle& oracle, std::vector<std::unique_ptr<Mysqld>>& all, Host host,
               Gate& gate, model::MysqlVersion version)
    : stage_(stage),
      oracle_(oracle),
      all_(all),
      host_(host),
      name_("mysqld-" + std::to_string(host)),
      gate_(gate),
      version_(version) {}

void Mysqld::after(Duration delay, Handler handler) {
  stage_.timeline.after(delay, [this, life = process.life(), handler = std::move(handler)] {
    process.deliver(life, handler);
  });
}

// --- the data directory ---

void Mysqld::initialise() {
  initialised_ = true;
  uuid_ = stage_.transactions.new_uuid();
  ++stage_.counts.disk_writes;
}

void Mysqld::wipe() {
  initialised_ = false;
  log_.clear();
  committed_ = 0;
  logged_ = executed_ = purged_ = retrieved_ = {};
  relay_log_.clear();
  unsynced_ = 0;
  source_.reset();
  ++stage_.counts.disk_writes;
}

GtidSet Mysqld::holdings() const {
  GtidSet all = logged_;
  for (const TransactionId id : relay_log_)
    stage_.transactions.add_to(all, id);
  return all;
}

void Mysqld::lose_data() {
  stop_receiver();
  waiting_.clear();
  wipe();
  initialised_ = true;
}

void Mysqld::become_copy_of(const Mysqld& donor) {
  lose_data();
  executed_ = logged_ = purged_ = donor.executed_;
  ++stage_.counts.seeds;
}

Mysqld::Tail Mysqld::tail_beyond(const agent::ClusterTransactions& cluster) const {
  Tail tail;
  tail.gtids = (logged_ - cluster.base).without_source(cluster.source_uuid);
  tail.place = log_.size();
  for (uint64_t left = tail.gtids.count(); left > 0 && tail.place > 0;) {
    --tail.place;
    if (stage_.transactions.contained(tail.gtids, log_[tail.place])) {
      --left;
    } else {
      tail.at_the_end = false;
    }
  }
  // What was purged before the log cannot be cut.
  if (!purged_.empty() && tail.gtids.intersects(purged_)) tail.at_the_end = false;
  return tail;
}

void Mysqld::cut_log(size_t place) {
  while (log_.size() > place) {
    logged_.subtract(stage_.transactions.as_set(log_.back()));
    log_.pop_back();
    if (log_.size() >= committed_) ++prepared_;
  }
  committed_ = std::min(committed_, log_.size());
  uuid_ = stage_.transactions.new_uuid();
  ++stage_.counts.disk_writes;
}

// --- the process ---

void Mysqld::start() {
  process.start();
  ready_ = false;
  read_only_ = true;
  source_semisync_ = false;
  acks_ = 0;
  replica_semisync_ = false;
  receiver_on_ = false;
  applier_on_ = false;
  applying_ = false;
  watching_ = false;
  receiver_error_.clear();
  if (stage_.options.relay_log_recovery) {
    relay_log_.clear();
    retrieved_ = {};
  }
  after(stage_.random.between(milliseconds(300), milliseconds(1500)), [this] {
    // What had not been acknowledged is committed by the recovery.
    executed_.add(logged_);
    committed_ = log_.size();
    rolled_back_ = std::exchange(prepared_, 0);
    ready_ = true;
    ++stage_.counts.timers;
    stage_.story.tell(name_, "answers");
  });
}

void Mysqld::crash(bool machine_lost) {
  if (!process.alive()) return;
  process.end();
  ready_ = false;
  waiting_.clear();
  // The kernel closes what the process had open; a machine without power says nothing.
  for (const auto& link : std::exchange(dumps_, {})) {
    link->source_open = false;
    if (machine_lost) continue;
    link->connection->send(host_, [link] {
      link->replica->process.deliver(link->replica_life, [link] {
        if (link->replica_open) link->replica->lose_source();
      });
    });
  }
  close_receiver(!machine_lost);
  give_up_attempt();
  receiver_on_ = false;
  acked_upto_.clear();
  if (machine_lost && stage_.options.lose_relay_log && unsynced_ > 0) {
    const auto lost =
        static_cast<size_t>(stage_.random.below(std::min(unsynced_, relay_log_.size()) + 1));
    for (size_t i = 0; i < lost; ++i) {
      retrieved_.subtract(stage_.transactions.as_set(relay_log_.back()));
      relay_log_.pop_back();
    }
    if (lost > 0) stage_.story.tell(name_, "lost {} received transactions", lost);
  }
  unsynced_ = 0;
  if (on_exit_ && !machine_lost) {
    stage_.timeline.after(stage_.random.between(milliseconds(1), milliseconds(5)),
                          std::exchange(on_exit_, {}));
  }
}

// --- clients ---

bool Mysqld::can_acknowledge() const {
  if (!writable() || !gate_.open()) return false;
  if (!source_semisync_) return true;
  int live = 0;
  for (const auto& link : dumps_) {
    live += link->semisync && link->replica_open && link->replica->process.alive() &&
                    stage_.network.both_ways(host_, link->replica->host_)
                ? 1
                : 0;
  }
  return live >= acks_;
}

void Mysqld::write(const std::shared_ptr<Write>& write) {
  if (!ready_ || read_only_) {
    write->answer(false);
    return;
  }
  write->id = append(write->row);
  waiting_.emplace(log_.size() - 1, write);
  send_new();
  release();
}

TransactionId Mysqld::append(uint64_t row) {
  Transactions& transactions = stage_.transactions;
  const std::string& uuid = transactions.uuids[static_cast<size_t>(uuid_)];
  // The lowest number that it does not know of, as the server does.
  const auto number = static_cast<int64_t>(logged_.of_source(uuid).count()) + 1;
  const auto id = static_cast<TransactionId>(transactions.all.size());
  transactions.all.push_back({uuid_, number, row});
  oracle_.generated(*this, id);
  log_transaction(id);
  return id;
}

void Mysqld::log_transaction(TransactionId id) {
  log_.push_back(id);
  stage_.transactions.add_to(logged_, id);
  ++stage_.counts.disk_writes;
}

bool Mysqld::enough_acks(size_t index) const {
  if (!source_semisync_) return true;
  const auto acks = std::count_if(acked_upto_.begin(), acked_upto_.end(),
                                  [&](const auto& replica) { return replica.second > index; });
  return acks >= acks_;
}

void Mysqld::release() {
  while (committed_ < log_.size() && enough_acks(committed_)) {
    const size_t index = committed_++;
    stage_.transactions.add_to(executed_, log_[index]);
    const auto found = waiting_.find(index);
    if (found == waiting_.end()) continue;
    const auto write = std::move(found->second);
    waiting_.erase(found);
    if (write->answer) write->answer(true);
  }
}

// --- the agent's statements ---

model::ServerStatus Mysqld::status() const {
  model::ServerStatus status;
  status.version = version_;
  status.server_uuid = stage_.transactions.uuids[static_cast<size_t>(uuid_)];
  status.executed = executed_;
  status.purged = purged_;
  status.read_only = status.super_read_only = read_only_;
  auto& replication = status.replication;
  if (source_) {
    replication.source = source_;
    replication.source_uuid = source_uuid_;
    replication.receiver = !receiver_on_ ? ThreadState::Off
                           : receiver_   ? ThreadState::On
                                         : ThreadState::Connecting;
    replication.applier = applier_on_ ? ThreadState::On : ThreadState::Off;
    replication.retrieved = retrieved_;
    replication.receiver_error = receiver_error_;
  }
  auto& semisync = status.semisync;
  semisync.available = version_.has_lossless_semisync();
  semisync.source_enabled = source_semisync_;
  semisync.acks_required = source_semisync_ ? acks_ : 0;
  semisync.replica_enabled = replica_semisync_;
  semisync.replica_acking = receiver_ && receiver_->semisync;
  semisync.connected_ackers = static_cast<int>(
      std::count_if(dumps_.begin(), dumps_.end(), [](const auto& link) { return link->semisync; }));
  semisync.waiting_sessions = static_cast<int>(log_.size() - committed_);
  return status;
}

void Mysqld::set_source_semisync(int acks) {
  source_semisync_ = acks > 0;
  acks_ = acks;
  if (acks == 0) acked_upto_.clear();
  // Also where nobody acknowledged: this is a false OK to those who wait.
  release();
}

void Mysqld::drop_clients() {
  for (auto& [index, write] : waiting_)
    write->answer = nullptr;
}

TransactionId Mysqld::write_marker() {
  const TransactionId id = append(0);
  send_new();
  release();
  return id;
}

bool Mysqld::committed(TransactionId id) const {
  return stage_.transactions.contained(executed_, id);
}

}  // namespace cdb::sim
