#include "agent/tasks/node_actions.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "lib/base/log.h"

namespace cdb::agent {
namespace {

using model::GtidSet;
using model::NodeState;
using model::ThreadState;

constexpr Duration kStatement = std::chrono::seconds(2);
constexpr Duration kDrainSlice = std::chrono::seconds(1);
constexpr Duration kCloseSlice = std::chrono::seconds(3);
constexpr Duration kInitialise = std::chrono::minutes(5);
constexpr Duration kSeed = std::chrono::hours(12);
constexpr Duration kStop = std::chrono::minutes(10);
constexpr Duration kKill = std::chrono::seconds(30);
constexpr Duration kConfigCheck = std::chrono::seconds(60);
constexpr Duration kRefollow = std::chrono::seconds(3);

ReplicationSource source_of(const Situation& s, const NodeMemory& memory) {
  return {*s.goal.source, memory.credentials->replication, s.goal.state == NodeState::Acker};
}

}  // namespace

std::string new_incarnation() {
  return Secret::random().reveal().substr(0, 12);
}

NodeActions::NodeActions(NodePorts ports, NodeMemory& memory, Progress& progress,
                         const Clock& clock)
    : ports_(ports),
      memory_(memory),
      progress_(progress),
      tail_(ports.server, ports.process, ports.store, memory),
      clock_(clock) {}

Status NodeActions::run(Action action, const Situation& s) {
  switch (action) {
    case Action::None: return {};
    case Action::Initialise: return initialise(s);
    case Action::Start: return start(s);
    case Action::Trim: return trim(s);
    case Action::Follow: return follow(s);
    case Action::StopReceiver: return stop_receiver(s);
    case Action::Prepare: return prepare(s);
    case Action::Open: return open(s);
    case Action::Adjust: return adjust(s);
    case Action::Close: return close(s);
    case Action::Kill: return kill(s);
    case Action::Reseed: return reseed(s);
  }
  return {};
}

Status NodeActions::initialise(const Situation& s) {
  if (!memory_.credentials)
    return deadline_exceeded("the accounts of the cluster are not known yet");
  CDB_TRY(ports_.config.ensure(s.goal, Deadline::after(kConfigCheck)));
  CDB_TRY(begin_new_copy(false));
  return ports_.process.initialise(Deadline::after(kInitialise));
}

// Another copy of the data from here on, even if we die before it is complete.
Status NodeActions::begin_new_copy(bool seeding) {
  NodeMemory next = memory_;
  next.incarnation = new_incarnation();
  next.seeding = seeding;
  next.written_epoch = 0;
  next.trim_unproved = false;
  next.trim_failed = false;
  CDB_TRY(ports_.store.save(next));
  memory_ = next;
  return {};
}

Status NodeActions::start(const Situation& s) {
  const auto ensured = ports_.config.ensure(s.goal, Deadline::after(kConfigCheck));
  // Settings that cannot be had must not keep a database down that has a file to start with.
  if (const Status usable = ports_.config.starting(); !usable) {
    return ensured ? usable : Status{ensured.error()};
  }
  if (!ensured) log::warn("config.old_file_used", "why=\"{}\"", ensured.error().text());
  NodeMemory next = memory_;
  ++next.mysqld_boot;
  CDB_TRY(ports_.store.save(next));
  memory_ = next;
  progress_ = Progress{};
  const auto started = ports_.process.start_with(tail_.start_options());
  return started ? Status{} : Status{started.error()};
}

Status NodeActions::trim(const Situation& s) {
  CDB_TRY(tail_.cut(s));
  return start(s);
}

Status NodeActions::keep_in_shape(const Situation& s) {
  if (!s.server || !memory_.credentials) return {};
  if (!progress_.accounts_ready) {
    CDB_TRY(ports_.server.ensure_accounts(*memory_.credentials, Deadline::after(kStatement * 2)));
    CDB_TRY(ports_.config.write_client_files(*memory_.credentials));
    progress_.accounts_ready = true;
  }
  CDB_ASSIGN_OR_RETURN(const std::vector<ConfigChange> changes,
                       ports_.config.ensure(s.goal, Deadline::after(kConfigCheck)));
  std::vector<std::string> pending;
  std::string refused;
  for (const ConfigChange& change : changes) {
    const auto done = progress_.applied.find(change.name);
    if (done != progress_.applied.end() && done->second == change.value) continue;
    if (!change.dynamic) {
      pending.push_back(change.name);
      continue;
    }
    const Status set =
        ports_.server.set_variable(change.name, change.value, Deadline::after(kStatement));
    if (!set) {
      pending.push_back(change.name);
      refused = set.error().text();
      continue;
    }
    progress_.applied[change.name] = change.value;
    log::info("config.applied", "name={} value={}", change.name, change.value);
  }
  progress_.pending_restart = std::move(pending);
  return refused.empty() ? Status{} : Status{precondition("a setting was not taken: " + refused)};
}

Status NodeActions::follow(const Situation& s) {
  const auto& server = *s.server;
  if (!memory_.credentials)
    return deadline_exceeded("the accounts of the cluster are not known yet");
  const auto& replication = server.replication;
  const bool wants_ack = s.goal.state == NodeState::Acker;
  const bool same_source = replication.source == s.goal.source;
  const bool threads_on =
      replication.receiver != ThreadState::Off && replication.applier == ThreadState::On;
  const bool ack_set = server.semisync.replica_enabled == wants_ack;
  const bool acks_now =
      server.semisync.replica_acking == wants_ack || replication.receiver != ThreadState::On;
  const bool recent = progress_.followed_at && clock_.now() - *progress_.followed_at < kRefollow;
  const bool in_place = same_source && threads_on && ack_set && acks_now;
  // What was just asked for gets time to show; a thread that failed is not started over and over.
  if (in_place || (same_source && ack_set && recent)) return deadline_exceeded("it is catching up");
  // What the source no longer has in its binary log can only come by a copy.
  // (Error 1236 alone says any trouble of the source with its log.)
  const auto says = [&](std::string_view text) {
    return replication.receiver_error.find(text) != std::string::npos;
  };
  const bool too_late = says("1236") && says("purged");
  const bool fresh = server.executed.empty() && s.goal.base && !s.goal.base->empty();
  // An empty node loses nothing by it; what a full one has must not be wiped on an old word.
  const bool may = s.goal.may_reseed && (fresh || s.coordinator_connected);
  if ((fresh || too_late) && may) return seed_from_source(s, too_late);
  if (server.semisync.source_enabled) {
    // Nobody waits: this node was closed gently, or started closed.
    CDB_TRY(ports_.server.set_acks_required(0, Deadline::after(kStatement)));
  }
  CDB_TRY(ports_.server.replicate_from(source_of(s, memory_), Deadline::after(kStatement * 2)));
  progress_.followed_at = clock_.now();
  log::info("node.follows", "source={} acker={}", s.goal.source->str(), wants_ack);
  return {};
}

Status NodeActions::seed_from_source(const Situation& s, bool purged) {
  if (!s.server->version.has_clone()) {
    if (!s.server->executed.empty()) return reseed(s);
    // Replication skips what this node's own server_id once wrote: one that has lived before would
    // never get that back from the binary logs.
    if (purged || memory_.mysqld_boot > 1) return seed_by_copy(s);
    progress_.followed_at = clock_.now();
    return ports_.server.replicate_from(source_of(s, memory_), Deadline::after(kStatement * 2));
  }
  log::info("node.seeding", "donor={} method=clone", s.goal.source->str());
  CDB_TRY(begin_new_copy(false));
  return ports_.server.clone_from(source_of(s, memory_), Deadline::after(kSeed));
}

// Until the last line these are half of a copy, for us and for the next agent.
Status NodeActions::seed_by_copy(const Situation& s) {
  log::info("node.seeding", "donor={} method=copy", s.goal.source->str());
  CDB_TRY(begin_new_copy(true));
  CDB_TRY(ports_.server.copy_from(source_of(s, memory_), tell_, Deadline::after(kSeed)));
  // An orderly end puts all of it on disk, and the next start is closed as ever.
  CDB_TRY(ports_.process.stop(Deadline::after(kStop)));
  NodeMemory next = memory_;
  next.seeding = false;
  CDB_TRY(ports_.store.save(next));
  memory_ = next;
  log::info("node.seeded", "donor={}", s.goal.source->str());
  return {};
}

Status NodeActions::stop_receiver(const Situation&) {
  return ports_.server.stop_receiver(Deadline::after(kStatement));
}

Status NodeActions::prepare(const Situation& s) {
  auto& server = ports_.server;
  const auto& now = *s.server;
  if (now.replication.source) {
    if (s.goal.drain_to && !now.executed.contains(*s.goal.drain_to)) {
      // What is still with a closing primary has to come over before the receiver stops.
      const GtidSet held = now.executed + now.replication.retrieved;
      if (!held.contains(*s.goal.drain_to) && now.replication.receiver == ThreadState::Off) {
        return precondition("the node lacks transactions of the base and no longer receives");
      }
      if (now.replication.applier == ThreadState::Off)
        CDB_TRY(server.start_applier(Deadline::after(kStatement)));
      CDB_TRY(server.wait_for_executed(*s.goal.drain_to, Deadline::after(kDrainSlice)));
    }
    CDB_TRY(server.stop_receiver(Deadline::after(kStatement)));
    CDB_ASSIGN_OR_RETURN(const model::ServerStatus stopped,
                         server.status(Deadline::after(kStatement)));
    if (!stopped.executed.contains(stopped.replication.retrieved)) {
      if (stopped.replication.applier == ThreadState::Off)
        CDB_TRY(server.start_applier(Deadline::after(kStatement)));
      CDB_TRY(
          server.wait_for_executed(stopped.replication.retrieved, Deadline::after(kDrainSlice)));
    }
    CDB_TRY(server.stop_applier(Deadline::after(kStatement)));
    CDB_TRY(server.reset_replication(Deadline::after(kStatement)));
  }
  if (now.semisync.available)
    CDB_TRY(server.set_acks_required(s.goal.acks_required, Deadline::after(kStatement)));
  progress_.prepared_epoch = s.goal.record.epoch;
  log::info("node.prepared", "epoch={} acks={}", s.goal.record.epoch, s.goal.acks_required);
  return {};
}

Status NodeActions::open(const Situation& s) {
  if (s.server->replication.source) return precondition("the node still replicates");
  if (s.server->semisync.available) {
    CDB_TRY(ports_.server.set_acks_required(s.goal.acks_required, Deadline::after(kStatement)));
  } else if (s.goal.acks_required > 0) {
    return precondition(
        "the record asks for acknowledgements and the server has no semi-sync plugin");
  }
  CDB_TRY(ports_.server.set_writable(Deadline::after(kStatement)));
  log::info("node.opened", "epoch={} boot={} acks={}", s.goal.record.epoch, s.boot,
            s.goal.acks_required);
  return {};
}

Status NodeActions::adjust(const Situation& s) {
  const auto& semisync = s.server->semisync;
  const bool wants = s.goal.acks_required > 0;
  if (semisync.available && (semisync.source_enabled != wants ||
                             (wants && semisync.acks_required != s.goal.acks_required))) {
    progress_.marker.reset();
    progress_.marked = {};
    CDB_TRY(ports_.server.set_acks_required(s.goal.acks_required, Deadline::after(kStatement)));
    return {};  // looked at again before it is marked
  }
  if (wants && semisync.connected_ackers < s.goal.acks_required) {
    return deadline_exceeded("no acker is connected yet, the row could only wait");
  }
  return mark(s);
}

Status NodeActions::mark(const Situation& s) {
  CDB_ASSIGN_OR_RETURN(const GtidSet marker,
                       ports_.server.write_marker(s.goal.record, Deadline::after(kStatement)));
  progress_.marker = marker;
  progress_.marked = s.goal.record;
  return {};
}

Status NodeActions::close(const Situation& s) {
  CDB_TRY(ports_.server.set_read_only(Deadline::after(kCloseSlice)));
  CDB_TRY(ports_.server.kill_client_sessions(Deadline::after(kStatement)));
  CDB_ASSIGN_OR_RETURN(const model::ServerStatus closed,
                       ports_.server.status(Deadline::after(kStatement)));
  if (!closed.read_only) return internal("the server is writable after it was made read-only");
  progress_.final_set = closed.executed;
  progress_.closed_epoch = s.goal.record.epoch;
  log::info("node.closed", "epoch={} final={}", s.goal.record.epoch, closed.executed.str());
  return {};
}

Status NodeActions::kill(const Situation&) {
  log::warn("node.killed", "boot={}", memory_.mysqld_boot);
  return ports_.process.kill(Deadline::after(kKill));
}

Status NodeActions::reseed(const Situation& s) {
  const std::string label = fmt::format("epoch{}-{}", s.goal.record.epoch, memory_.incarnation);
  const GtidSet errant = s.seeding ? GtidSet{} : errant_of(s);
  log::warn("node.reseed", "errant={}", errant.str());
  CDB_TRY(ports_.process.kill(Deadline::after(kKill)));
  CDB_ASSIGN_OR_RETURN(const auto archive, ports_.process.archive_and_wipe(label));
  log::info("node.archived", "binary_logs={}", archive.string());
  progress_ = Progress{};
  if (errant.empty()) return {};
  NodeMemory next = memory_;
  next.discarded = model::Discarded{errant, archive.string(), false};
  CDB_TRY(ports_.store.save(next));
  memory_ = next;
  return {};
}

}  // namespace cdb::agent
