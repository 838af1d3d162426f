// The replication half of Mysqld: receivers, dump threads, acknowledgements, the applier.
#include <algorithm>
#include <utility>

#include "tests/sim/mysqld.h"
#include "tests/sim/oracle.h"

namespace cdb::sim {

using model::GtidSet;
using std::chrono::milliseconds;

namespace {
constexpr Duration kNetTimeout = std::chrono::seconds(4);
constexpr Duration kConnectRetry = std::chrono::seconds(1);
constexpr Duration kWatch = milliseconds(400);
}  // namespace

// --- the source's side ---

void Mysqld::send_new() {
  // A copy: a link may be dropped meanwhile.
  for (const auto& link : dumps_)
    pump(link);
}

void Mysqld::pump(const std::shared_ptr<Link>& link) {
  while (link->next < log_.size()) {
    const size_t index = link->next++;
    link->connection->send(host_, [link, id = log_[index], index, ack = source_semisync_] {
      link->replica->process.deliver(link->replica_life, [link, id, index, ack] {
        link->replica->received(link, id, index, ack);
      });
    });
  }
}

// A replica asks for what it lacks.
void Mysqld::take_replica(const std::shared_ptr<Link>& link) {
  // It has hung up long ago, or is kept out by now.
  if (!link->replica_open || !gate_.admits(address_of(link->replica->host_))) return;
  // A dump thread of the same replica that has not noticed its end is ended now.
  std::erase_if(dumps_, [&](const auto& other) {
    if (other->replica != link->replica) return false;
    other->source_open = false;
    return true;
  });
  std::string refusal;
  const std::string& uuid = stage_.transactions.uuids[static_cast<size_t>(uuid_)];
  if (!link->held.contains(purged_)) {
    refusal = "error 1236: the source has purged required binary logs";
  } else if (!logged_.contains(link->held.of_source(uuid))) {
    refusal = "error 1236: the replica has more GTIDs than the source has";
  }
  link->connection->send(host_, [link, refusal, uuid] {
    link->replica->process.deliver(link->replica_life, [link, refusal, uuid] {
      link->replica->connected(link, refusal, uuid);
    });
  });
  if (!refusal.empty()) return;
  const GtidSet missing = logged_ - link->held;
  const uint64_t count = missing.count();
  std::vector<size_t> places;
  for (size_t i = log_.size(); i > 0 && places.size() < count; --i) {
    if (stage_.transactions.contained(missing, log_[i - 1])) places.push_back(i - 1);
  }
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    link->next = *place;
    const size_t index = *place;
    link->connection->send(host_, [link, id = log_[index], index, ack = source_semisync_] {
      link->replica->process.deliver(link->replica_life, [link, id, index, ack] {
        link->replica->received(link, id, index, ack);
      });
    });
  }
  link->next = log_.size();
  dumps_.push_back(link);
}

void Mysqld::acked(const std::shared_ptr<Link>& link, size_t upto) {
  if (!link->source_open || !source_semisync_) return;
  size_t& known = acked_upto_[link->replica->host_];
  known = std::max(known, upto);
  release();
}

void Mysqld::cut_barred() {
  const auto dumps = dumps_;
  for (const auto& link : dumps) {
    if (!gate_.bars(address_of(link->replica->host_))) continue;
    link->connection->send(host_, [link] {
      link->replica->process.deliver(link->replica_life, [link] {
        if (link->replica_open) link->replica->lose_source();
      });
    });
    lose_replica(link);
  }
}

void Mysqld::lose_replica(const std::shared_ptr<Link>& link) {
  link->source_open = false;
  std::erase(dumps_, link);
}

// --- the replica's side ---

void Mysqld::change_source(const model::Endpoint& source) {
  // With both threads stopped what was received is discarded, without a word.
  if (!applier_on_) {
    relay_log_.clear();
    retrieved_ = {};
    unsynced_ = 0;
  }
  source_ = source;
  source_uuid_.clear();
  receiver_error_.clear();
  ++stage_.counts.disk_writes;
}

void Mysqld::start_receiver() {
  if (receiver_on_ || !source_) return;
  receiver_on_ = true;
  receiver_error_.clear();
  ++receiver_try_;
  try_to_connect();
  watch_receiver();
}

void Mysqld::give_up_attempt() {
  if (const auto link = std::exchange(attempt_, nullptr)) link->replica_open = false;
}

void Mysqld::stop_receiver() {
  if (!receiver_on_) return;
  receiver_on_ = false;
  ++receiver_try_;
  give_up_attempt();
  close_receiver(true);
}

void Mysqld::close_receiver(bool tell) {
  const auto link = std::exchange(receiver_, nullptr);
  if (!link) return;
  link->replica_open = false;
  if (!tell) return;
  link->connection->send(host_, [link] {
    link->source->process.deliver(link->source_life, [link] { link->source->lose_replica(link); });
  });
}

void Mysqld::lose_source() {
  close_receiver(true);
  if (receiver_on_) retry_later();
}

void Mysqld::retry_later() {
  after(kConnectRetry, [this, attempt = receiver_try_] {
    if (receiver_on_ && attempt == receiver_try_ && !receiver_) try_to_connect();
  });
}

void Mysqld::try_to_connect() {
  const auto host = host_of(source_->host);
  if (!host || static_cast<size_t>(*host) >= all_.size() || *host == host_) return;
  Mysqld& source = *all_[static_cast<size_t>(*host)];
  auto link = std::make_shared<Link>();
  link->source = &source;
  link->replica = this;
  link->connection = stage_.network.connect(host_, *host);
  link->semisync = replica_semisync_;
  link->held = executed_ + retrieved_;
  link->replica_life = process.life();
  const uint64_t attempt = ++receiver_try_;
  link->number = attempt;
  give_up_attempt();
  attempt_ = link;
  if (!stage_.network.both_ways(host_, *host)) {
    receiver_error_ = "error connecting to source";
    retry_later();
    return;
  }
  link->connection->send(host_, [this, link, attempt, &source] {
    link->source_life = source.process.life();
    if (!source.process.alive() || !source.ready_ || !source.gate_.admits(address_of(host_))) {
      link->connection->send(source.host_, [this, link, attempt] {
        process.deliver(link->replica_life, [this, attempt] {
          if (attempt != receiver_try_ || !receiver_on_) return;
          receiver_error_ = "error connecting to source";
          retry_later();
        });
      });
      return;
    }
    source.process.deliver(link->source_life, [link, &source] { source.take_replica(link); });
  });
  // Nobody answers.
  after(kNetTimeout, [this, attempt] {
    if (receiver_on_ && attempt == receiver_try_ && !receiver_) try_to_connect();
  });
}

void Mysqld::connected(const std::shared_ptr<Link>& link, const std::string& refusal,
                       const std::string& uuid) {
  if (!receiver_on_ || link->number != receiver_try_ || receiver_) {
    link->replica_open = false;
    link->connection->send(host_, [link] {
      link->source->process.deliver(link->source_life,
                                    [link] { link->source->lose_replica(link); });
    });
    return;
  }
  source_uuid_ = uuid;
  receiver_error_ = refusal;
  if (!refusal.empty()) {
    receiver_on_ = false;  // such an error ends the thread
    return;
  }
  receiver_ = std::exchange(attempt_, nullptr);
  link->heard = stage_.timeline.now();
  if (!link->source_open) lose_source();
}

void Mysqld::received(const std::shared_ptr<Link>& link, TransactionId id, size_t index,
                      bool wants_ack) {
  if (receiver_ != link) return;
  link->heard = stage_.timeline.now();
  const GtidSet one = stage_.transactions.as_set(id);
  if (!retrieved_.contains(one) && !logged_.contains(one)) {
    relay_log_.push_back(id);
    ++unsynced_;
    retrieved_.add(one);
    ++stage_.counts.disk_writes;
    apply_soon();
  }
  if (link->semisync && wants_ack) {
    link->connection->send(host_, [link, upto = index + 1] {
      link->source->process.deliver(link->source_life,
                                    [link, upto] { link->source->acked(link, upto); });
    });
  }
}

// Heartbeats come while the source runs and the way is open.
void Mysqld::watch_receiver() {
  if (watching_) return;
  watching_ = true;
  after(kWatch, [this] {
    watching_ = false;
    if (!receiver_on_) return;
    if (receiver_) {
      const Mysqld& source = *receiver_->source;
      const bool heard = stage_.network.passes(source.host_, host_) && receiver_->source_open &&
                         source.process.runs();
      if (heard) receiver_->heard = stage_.timeline.now();
      if (stage_.timeline.now() - receiver_->heard > kNetTimeout) {
        ++stage_.counts.timers;
        stage_.story.tell(name_, "hears nothing from {}", source.name_);
        lose_source();
      }
    }
    watch_receiver();
  });
}

void Mysqld::start_applier() {
  if (applier_on_ || !source_) return;
  applier_on_ = true;
  apply_soon();
}

void Mysqld::apply_soon() {
  if (!applier_on_ || applying_ || relay_log_.empty()) return;
  applying_ = true;
  after(apply_delay_, [this] {
    applying_ = false;
    if (applier_on_ && !relay_log_.empty()) apply_one();
    apply_soon();
  });
}

void Mysqld::apply_one() {
  // With the source's side on, its own applier hangs until somebody acknowledges.
  if (commits_wait()) return;
  const TransactionId id = relay_log_.front();
  relay_log_.pop_front();
  unsynced_ = std::min(unsynced_, relay_log_.size());
  if (stage_.transactions.contained(logged_, id)) return;
  log_transaction(id);
  ++stage_.counts.timers;
  send_new();
  release();
}

void Mysqld::reset_replication() {
  relay_log_.clear();
  retrieved_ = {};
  unsynced_ = 0;
  source_.reset();
  source_uuid_.clear();
  receiver_error_.clear();
  ++stage_.counts.disk_writes;
}

}  // namespace cdb::sim
