#include "tests/sim/oracle.h"

#include <algorithm>

namespace cdb::sim {

using model::GtidSet;

namespace {
// An answer that was sent in time may arrive later than the next primary opens, but not much.
constexpr Duration kUnderWay = std::chrono::seconds(2);
}  // namespace

void Oracle::generated(const Mysqld& server, TransactionId id) {
  const Transaction& made = stage_.transactions.all[id];
  int64_t& highest = highest_[made.uuid];
  if (made.number > highest) {
    highest = made.number;
    return;
  }
  const GtidSet one = stage_.transactions.as_set(id);
  const bool known = acknowledged_.contains(one) ||
                     std::any_of(servers_->begin(), servers_->end(), [&](const auto& other) {
                       return other.get() != &server && other->holdings().contains(one);
                     });
  if (known) {
    stage_.story.fail(fmt::format("{} gives {} to another transaction", server.name(), one.str()));
  }
}

std::string Oracle::missing(const GtidSet& set) const {
  return set.str() + " of " + std::to_string(acknowledged_.count()) + " acknowledged";
}

void Oracle::opened(const Mysqld& server, uint64_t epoch) {
  const auto [by, fresh] = opened_by_.emplace(epoch, server.host());
  if (by->second != server.host()) {
    stage_.story.fail(fmt::format("{} and {} both open in epoch {}",
                                  (*servers_)[static_cast<size_t>(by->second)]->name(),
                                  server.name(), epoch));
    return;
  }
  open_epoch_[server.host()] = epoch;
  if (epoch < last_epoch_) return;
  ++(epoch > last_epoch_ ? stage_.counts.promotions : stage_.counts.reopenings);
  if (epoch > last_epoch_) last_opened_at_ = stage_.timeline.now();
  last_epoch_ = epoch;
  last_ = server.host();
  const GtidSet lost = acknowledged_ - server.logged();
  const GtidSet unseen = seen_ - server.logged();
  if (lossless_ && !lost.empty()) {
    stage_.story.fail(fmt::format("{} opens in epoch {} without acknowledged writes: {}",
                                  server.name(), epoch, missing(lost)));
  } else if (lossless_ && !unseen.empty()) {
    stage_.story.fail(fmt::format("{} opens in epoch {} without what clients read: {}",
                                  server.name(), epoch, missing(unseen)));
  } else if (!lossless_) {
    stage_.counts.lost_asynchronous += lost.count();
    acknowledged_.subtract(lost);
    seen_.subtract(unseen);
  }
}

void Oracle::follows(const Mysqld& server) {
  const auto epoch = open_epoch_.find(server.host());
  if (epoch == open_epoch_.end() || epoch->second == last_epoch_) return;
  open_epoch_.erase(epoch);
  ++stage_.counts.rejoins;
}

void Oracle::acknowledged(const Mysqld& server, TransactionId id) {
  ++stage_.counts.acknowledged;
  const GtidSet one = stage_.transactions.as_set(id);
  const auto epoch = open_epoch_.find(server.host());
  const uint64_t opened = epoch == open_epoch_.end() ? 0 : epoch->second;
  if (opened < last_epoch_ && last_ != server.host()) {
    const Mysqld& primary = *(*servers_)[static_cast<size_t>(last_)];
    if (!primary.logged().contains(one)) {
      if (lossless_) {
        stage_.story.fail(fmt::format("{} of epoch {} acknowledges {}, which {} of epoch {} lacks",
                                      server.name(), opened, one.str(), primary.name(),
                                      last_epoch_));
      } else if (stage_.timeline.now() - last_opened_at_ > kUnderWay) {
        stage_.story.fail(fmt::format("{} of epoch {} acknowledges {} long after {} opened",
                                      server.name(), opened, one.str(), primary.name()));
      } else {
        ++stage_.counts.lost_asynchronous;
      }
      return;
    }
  }
  acknowledged_.add(one);
}

void Oracle::read(const Mysqld& server, const GtidSet& rows) {
  ++stage_.counts.reads;
  const auto epoch = open_epoch_.find(server.host());
  const uint64_t opened = epoch == open_epoch_.end() ? 0 : epoch->second;
  if (opened < last_epoch_ && last_ != server.host()) {
    const Mysqld& primary = *(*servers_)[static_cast<size_t>(last_)];
    if (!primary.logged().contains(rows)) {
      const GtidSet gone = rows - primary.logged();
      if (lossless_) {
        stage_.story.fail(fmt::format("{} of epoch {} shows {}, which {} of epoch {} lacks",
                                      server.name(), opened, gone.str(), primary.name(),
                                      last_epoch_));
      }
      return;
    }
  }
  if (!seen_.contains(rows)) seen_.add(rows);
}

bool Oracle::somewhere_complete() const {
  return std::any_of(servers_->begin(), servers_->end(), [this](const auto& server) {
    const GtidSet all = server->holdings();
    return all.contains(acknowledged_) && all.contains(seen_);
  });
}

void Oracle::forgets(const Mysqld& server) {
  GtidSet only = acknowledged_ & server.holdings();
  for (const auto& other : *servers_) {
    if (other.get() != &server) only.subtract(other->holdings());
  }
  if (!only.empty()) {
    stage_.story.fail(fmt::format("{} gives up the only copy of {}", server.name(), missing(only)));
  }
}

void Oracle::promised(const std::string& who, std::pair<uint64_t, uint64_t> before,
                      std::pair<uint64_t, uint64_t> now) {
  if (now < before) {
    stage_.story.fail(fmt::format("{} went back from ({}, {}) to ({}, {})", who, before.first,
                                  before.second, now.first, now.second));
  }
}

void Oracle::reported(Host host, const model::RecordVersion& accepted) {
  model::RecordVersion& known = reported_[host];
  if (accepted < known) {
    promised("the promise of agent-" + std::to_string(host), {known.epoch, known.version},
             {accepted.epoch, accepted.version});
  }
  known = accepted;
}

void Oracle::look() {
  const Mysqld* acknowledges = nullptr;
  const Mysqld* serves = nullptr;
  for (const auto& server : *servers_) {
    if (!server->writable()) continue;
    if (server->can_acknowledge()) {
      if (acknowledges != nullptr) {
        stage_.story.fail(fmt::format("{} and {} can both acknowledge now", acknowledges->name(),
                                      server->name()));
      }
      acknowledges = server.get();
    }
    if (server->serves()) {
      if (serves != nullptr) {
        stage_.story.fail(
            fmt::format("{} and {} both serve clients now", serves->name(), server->name()));
      }
      serves = server.get();
    }
  }
}

void Oracle::all_there(const Mysqld& primary) {
  const GtidSet lost = acknowledged_ - primary.logged();
  const GtidSet unseen = seen_ - primary.logged();
  if (!lost.empty()) {
    stage_.story.fail("acknowledged writes are missing at the end: " + missing(lost));
  } else if (!unseen.empty()) {
    stage_.story.fail("rows that were read are missing at the end: " + missing(unseen));
  }
}

}  // namespace cdb::sim
