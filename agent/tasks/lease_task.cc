#include "agent/tasks/lease_task.h"

#include <algorithm>

#include "lib/base/log.h"

namespace cdb::agent {
namespace {

int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

LeaseTask::LeaseTask(model::NodeId self, Fence& fence, PeerClient& peers, const Clock& clock)
    : self_(std::move(self)), fence_(fence), peers_(peers), clock_(clock) {}

void LeaseTask::start_with(const model::RecordVersion& accepted, Duration ttl) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  accepted_ = accepted;
  holding_epoch_ = accepted.epoch;
  holding_until_ = now + ttl;
  // The gate of an agent that was restarted may still be open; what it is worth is for the terms.
  const auto open = fence_.open_now();
  if (open && *open) {
    opened_until_ = **open;
    // Whatever it was granted for, it was this epoch or an older one; an older one's primary gets
    // terms that close.
    words_.granted_epoch = accepted.epoch;
    words_.granted_until = **open;
  }
  if (!open) log::error("gate.problem", "error=\"{}\"", open.error().text());
}

void LeaseTask::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Instant wake = step();
    wake_.wait(stop, Deadline::at(wake), [](Wake& w) { return std::exchange(w.now, false); });
  }
}

Instant LeaseTask::step() {
  const Instant now = clock_.now();
  bool asks = false;
  Instant next{};
  {
    const std::lock_guard lock(mutex_);
    apply(now);
    if (now >= next_beat_) {
      // Under the lock: a hold that is given after these words must not be taken back by them,
      // when the worker's report of a promise has said it meanwhile.
      const Said words = words_now(now);
      if (client_ != nullptr) client_->heartbeat(words.lease, words.holding_epoch);
      next_beat_ = now + heartbeat();
    }
    if (terms_ && wants_holds(*terms_, words_, now) && now >= next_ask_) {
      asks = true;
      next_ask_ = now + heartbeat();
    }
    next = next_beat_;
    if (opened_until_ > now) next = std::min(next, opened_until_);
  }
  if (asks) ask_holders(now);
  return next;
}

LeaseKeeper::Said LeaseTask::said() const {
  const std::lock_guard lock(mutex_);
  return words_now(clock_.now());
}

LeaseKeeper::Said LeaseTask::words_now(Instant now) const {
  model::LeaseStatus status;
  status.epoch = terms_ ? terms_->epoch : accepted_.epoch;
  status.left_ms = std::max<int64_t>(0, to_ms(lease_.until - now));
  status.source = status.left_ms > 0 ? lease_.source : model::LeaseSource::None;
  // A gate that does not move keeps nobody out.
  status.fence = gate_problem_.empty() ? std::string(fence_.kind()) : "none";
  status.wanted_ms = to_ms(wanted_);
  return {status, now < holding_until_ ? holding_epoch_ : 0};
}

void LeaseTask::ask_holders(Instant now) {
  std::vector<model::Peer> holders;
  model::HoldRequest request{self_, 0, Duration{}};
  {
    const std::lock_guard lock(mutex_);
    holders = terms_->holders;
    request.epoch = terms_->epoch;
    request.ttl = terms_->ttl;
  }
  for (const model::Peer& holder : holders) {
    peers_.ask_hold(holder.address, request, Deadline::after(request.ttl),
                    [this, name = holder.name, epoch = request.epoch,
                     until = now + request.ttl](const Result<model::HoldAnswer>& answer) {
                      if (answer && answer->given) held(name, epoch, until);
                    });
  }
}

void LeaseTask::held(const model::NodeName& peer, uint64_t epoch, Instant until) {
  const std::lock_guard lock(mutex_);
  if (words_.held_epoch != epoch) {
    if (epoch < words_.held_epoch) return;
    words_.held_epoch = epoch;
    words_.held_until.clear();
  }
  Instant& known = words_.held_until[peer];
  known = std::max(known, until);
  apply(clock_.now());
}

void LeaseTask::granted(const model::LeaseGrant& grant, Instant sent_at) {
  const std::lock_guard lock(mutex_);
  if (grant.epoch < words_.granted_epoch) return;
  const Instant until = sent_at + grant.ttl;
  if (grant.epoch == words_.granted_epoch && until <= words_.granted_until) return;
  words_.granted_epoch = grant.epoch;
  words_.granted_until = until;
  apply(clock_.now());
}

void LeaseTask::set_terms(const LeaseTerms& terms) {
  const std::lock_guard lock(mutex_);
  if (terms == terms_) return;
  terms_ = terms;
  apply(clock_.now());
}

void LeaseTask::promised(const model::RecordVersion& accepted) {
  const std::lock_guard lock(mutex_);
  accepted_ = std::max(accepted_, accepted);
}

void LeaseTask::streams(Instant seen_at) {
  const std::lock_guard lock(mutex_);
  words_.streamed_at = std::max(words_.streamed_at, seen_at);
  apply(clock_.now());
}

Status LeaseTask::admit(const Admission& admission) {
  const std::lock_guard lock(mutex_);
  return fence_.admit(admission);
}

model::HoldAnswer LeaseTask::hold(const model::HoldRequest& request) {
  const std::lock_guard lock(mutex_);
  const model::HoldAnswer answer = answer_hold(accepted_, request);
  if (answer.given) {
    const Instant now = clock_.now();
    if (now >= holding_until_) {
      log::info("lease.held", "for={} epoch={}", request.from.str(), request.epoch);
    }
    // With the drift that the asker's clock may have; a shorter one takes nothing of it back.
    holding_epoch_ = std::max(holding_epoch_, request.epoch);
    holding_until_ = std::max(holding_until_, now + request.ttl + request.ttl / 10);
  }
  return answer;
}

bool LeaseTask::ask_longer(Duration absence, Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = absence;
    next_beat_ = Instant{};
  }
  step();
  const auto there = [&] {
    const std::lock_guard lock(mutex_);
    return lease_.source == model::LeaseSource::Own ||
           (lease_.source == model::LeaseSource::Coordinator &&
            lease_.until - clock_.now() > absence / 2);
  };
  while (!there() && !deadline.passed()) {
    wake_.wait({}, deadline.sooner_of(std::chrono::milliseconds(20)),
               [](Wake& w) { return std::exchange(w.now, false); });
  }
  return there();
}

// The gate as the words have it. A renewal is worth a call of the kernel, the same time is not.
void LeaseTask::apply(Instant now) {
  if (!terms_) return;
  Lease lease = lease_of(*terms_, words_, now);
  // Before a planned absence nobody else has to agree where nobody could elect another.
  if (lease.source == model::LeaseSource::Own && wanted_ > Duration::zero())
    lease.until = std::max(lease.until, now + wanted_);
  const bool is_open = opened_until_ > now;
  Status done;
  if (lease.until > now) {
    if (is_open && lease.until <= opened_until_ && lease.source == lease_.source) return;
    done = fence_.open_until(lease.until);
    if (done) opened_until_ = lease.until;
    if (!is_open && done) {
      log::info("gate.opened", "epoch={} by={}", terms_->epoch, to_string(lease.source));
    }
  } else if (opened_until_ != Instant{} || now >= next_beat_) {
    // Also with every heartbeat while it is shut: somebody may have flushed the kernel's rules.
    done = fence_.shut();
    if (done && opened_until_ != Instant{}) {
      // The kernel has shut it by itself where its time was over.
      log::info("gate.shut", "epoch={} why=\"{}\"", terms_->epoch,
                terms_->role == LeaseRole::Closed ? "the node serves nobody" : "its lease is over");
      opened_until_ = Instant{};
    }
  }
  lease_ = lease;
  const std::string problem = done ? std::string{} : done.error().text();
  if (!problem.empty() && problem != gate_problem_) {
    log::error("gate.problem", "error=\"{}\"", problem);
  }
  gate_problem_ = problem;
}

}  // namespace cdb::agent
