#include "tests/sim/faults.h"

#include <array>
#include <utility>

namespace cdb::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<Faults::Kind>& Faults::all_kinds() {
  static const std::vector<Kind> kinds{{"kill_mysqld", 14, &Faults::kill_mysqld},
                                       {"kill_several", 5, &Faults::kill_several},
                                       {"kill_again", 4, &Faults::kill_again},
                                       {"stall_mysqld", 6, &Faults::stall_mysqld},
                                       {"kill_agent", 5, &Faults::kill_agent},
                                       {"stop_agent", 5, &Faults::stop_agent},
                                       {"crash_at_save", 5, &Faults::crash_agent_at_save},
                                       {"fill_disk", 2, &Faults::fill_agent_disk},
                                       {"power_off", 8, &Faults::power_off},
                                       {"power_off_several", 4, &Faults::power_off_several},
                                       {"pause_machine", 5, &Faults::pause_machine},
                                       {"isolate", 9, &Faults::isolate},
                                       {"cut_one_way", 8, &Faults::cut_one_way},
                                       {"cut_pair", 8, &Faults::cut_pair},
                                       {"cut_coordinator", 4, &Faults::cut_coordinator},
                                       {"slow_network", 4, &Faults::slow_network},
                                       {"slow_pair", 5, &Faults::slow_pair},
                                       {"slow_applier", 7, &Faults::slow_applier},
                                       {"kill_coordinator", 5, &Faults::kill_coordinator},
                                       {"fail_commit", 9, &Faults::fail_commit},
                                       {"stop_coordinator", 2, &Faults::stop_coordinator},
                                       {"silence_names", 2, &Faults::silence_names},
                                       {"step_clock", 2, &Faults::step_clock},
                                       {"ask", 6, &Faults::ask_for_election},
                                       {"replay", 5, &Faults::replay_goal},
                                       {"maintenance", 3, &Faults::ask_for_maintenance},
                                       {"rejoin", 2, &Faults::ask_for_rejoin},
                                       {"policy", 3, &Faults::change_policy}};
  return kinds;
}

Faults::Faults(World& world, const std::map<std::string, int>& weights) : world_(world) {
  for (Kind kind : all_kinds()) {
    if (!weights.empty()) {
      const auto found = weights.find(kind.name);
      kind.weight = found == weights.end() ? 0 : found->second;
    }
    if (kind.weight == 0) continue;
    total_weight_ += kind.weight;
    kinds_.push_back(kind);
  }
}

void Faults::begin() {
  next();
}

void Faults::next() {
  Random& random = world_.stage.random;
  // Sometimes one upon the other, sometimes with time to recover.
  const Duration pause = random.chance(0.4) ? random.between(milliseconds(1), milliseconds(800))
                                            : random.between(milliseconds(500), seconds(9));
  world_.stage.timeline.after(pause, [this] {
    if (ended_) return;
    strike();
    next();
  });
}

void Faults::strike() {
  int chosen = world_.stage.random.between(0, total_weight_ - 1);
  ++world_.stage.counts.faults;
  if (lasting_ > 0) ++world_.stage.counts.double_faults;
  for (const Kind& kind : kinds_) {
    if (chosen < kind.weight) {
      (this->*kind.happen)();
      return;
    }
    chosen -= kind.weight;
  }
}

// The primary more often than another.
Agent& Faults::victim() {
  Agent* primary = world_.primary();
  if (primary != nullptr && world_.stage.random.chance(0.5)) return *primary;
  return *world_.agents[world_.stage.random.below(world_.agents.size())];
}

Duration Faults::some_while() {
  Random& random = world_.stage.random;
  return random.chance(0.6) ? random.between(milliseconds(50), seconds(4))
                            : random.between(seconds(2), seconds(15));
}

void Faults::lasting(Duration duration, Handler undo) {
  ++lasting_;
  undo_.push_back(std::move(undo));
  world_.stage.timeline.after(duration, [this, place = undo_.size() - 1] {
    if (const Handler now = std::exchange(undo_[place], nullptr)) {
      --lasting_;
      now();
    }
  });
}

void Faults::heal() {
  ended_ = true;
  for (Handler& undo : undo_) {
    if (const Handler now = std::exchange(undo, nullptr)) now();
  }
  lasting_ = 0;
  for (const auto& agent : world_.agents) {
    agent->disk.crash = AgentDisk::Crash::None;
    agent->power_on();
  }
  world_.coordinator->store.fail_next(Store::Fault::None);
  if (!world_.coordinator->process.alive()) world_.coordinator->start();
  end_maintenance();
}

// Whoever took a node gives it back; again and again, for a commit may fail.
void Faults::end_maintenance() {
  world_.coordinator->ask([&](coordinator::Engine& engine, coordinator::Now now) {
    const auto topology = engine.topology(world_.cluster());
    if (!topology) return;
    for (const auto& node : topology->nodes) {
      if (!node.member.maintenance) continue;
      coordinator::NodeAsk ask;
      ask.node = node.member.node.node.str();
      const auto asked = engine.maintenance(world_.cluster(), ask, false, now);
      world_.stage.story.tell("person", "gives {} back{}", ask.node,
                              asked ? "" : ": " + asked.error().text());
    }
  });
  if (ended_) world_.stage.timeline.after(seconds(1), [this] { end_maintenance(); });
}

// --- one of them each ---

void Faults::kill_mysqld() {
  Mysqld& mysqld = victim().mysqld();
  world_.stage.story.tell("FAULT", "{} is killed", mysqld.name());
  mysqld.crash(false);
}

void Faults::stall_mysqld() {
  if (!world_.stage.options.stall_mysqld) return;
  Mysqld& mysqld = victim().mysqld();
  if (!mysqld.process.runs()) return;
  world_.stage.story.tell("FAULT", "{} is stopped", mysqld.name());
  mysqld.process.hold(Process::Stopped);
  lasting(some_while(), [this, &mysqld] {
    world_.stage.story.tell("FAULT", "{} goes on", mysqld.name());
    mysqld.process.release(Process::Stopped);
  });
}

void Faults::kill_agent() {
  Agent& agent = victim();
  world_.stage.story.tell("FAULT", "{} is killed", agent.name());
  agent.kill();
}

void Faults::stop_agent() {
  Agent& agent = victim();
  if (!agent.process.runs()) return;
  world_.stage.story.tell("FAULT", "{} is stopped", agent.name());
  agent.process.hold(Process::Stopped);
  lasting(some_while(), [this, &agent] {
    world_.stage.story.tell("FAULT", "{} goes on", agent.name());
    agent.process.release(Process::Stopped);
  });
}

void Faults::crash_agent_at_save() {
  Agent& agent = victim();
  const bool before = world_.stage.random.chance(0.5);
  world_.stage.story.tell("FAULT", "{} will die {} its next save", agent.name(),
                          before ? "before" : "after");
  agent.disk.crash = before ? AgentDisk::Crash::Before : AgentDisk::Crash::After;
}

void Faults::fill_agent_disk() {
  Agent& agent = victim();
  world_.stage.story.tell("FAULT", "{} has a full disk", agent.name());
  agent.disk.full = true;
  lasting(some_while(), [&agent] { agent.disk.full = false; });
}

void Faults::power_off() {
  Agent& agent = victim();
  if (!agent.powered()) return;
  world_.stage.story.tell("FAULT", "{} loses its power", agent.name());
  agent.power_off();
  lasting(some_while(), [&agent] { agent.power_on(); });
}

// One after another, within a moment.
void Faults::kill_several() {
  Random& random = world_.stage.random;
  world_.stage.story.tell("FAULT", "several servers are killed");
  for (const auto& agent : world_.agents) {
    if (!random.chance(0.7)) continue;
    world_.stage.timeline.after(random.between(milliseconds(0), milliseconds(2500)),
                                [this, &mysqld = agent->mysqld()] {
                                  if (ended_) return;
                                  world_.stage.story.tell("FAULT", "{} is killed", mysqld.name());
                                  mysqld.crash(false);
                                });
  }
}

// And once more when it is hardly back.
void Faults::kill_again() {
  Mysqld& mysqld = victim().mysqld();
  world_.stage.story.tell("FAULT", "{} is killed, and will be again", mysqld.name());
  mysqld.crash(false);
  world_.stage.timeline.after(world_.stage.random.between(milliseconds(1500), seconds(5)),
                              [this, &mysqld] {
                                if (ended_) return;
                                world_.stage.story.tell("FAULT", "{} is killed", mysqld.name());
                                mysqld.crash(false);
                              });
}

void Faults::power_off_several() {
  Random& random = world_.stage.random;
  world_.stage.story.tell("FAULT", "a rack loses its power");
  for (const auto& agent : world_.agents) {
    if (!agent->powered() || !random.chance(0.6)) continue;
    agent->power_off();
    lasting(some_while(), [&agent] { agent->power_on(); });
  }
}

void Faults::pause_machine() {
  if (!world_.stage.options.pause_machines) return;
  Agent& agent = victim();
  if (!agent.powered() || agent.process.held(Process::MachinePaused)) return;
  // Time alone is no proof for a machine that is paused with its clocks.
  const bool clock_stops = world_.stage.random.chance(0.5) && world_.oracle.lossless();
  world_.stage.story.tell("FAULT", "the machine of {} is paused, its clock {}", agent.name(),
                          clock_stops ? "too" : "not");
  agent.pause(clock_stops);
  lasting(some_while(), [this, &agent] {
    world_.stage.story.tell("FAULT", "the machine of {} goes on", agent.name());
    agent.go_on();
  });
}

// From everyone, or from all but the coordinator or the other members.
void Faults::isolate() {
  Network& network = world_.stage.network;
  const Host host = victim().host();
  const bool spare_coordinator = world_.stage.random.chance(0.3);
  const bool spare_members = !spare_coordinator && world_.stage.random.chance(0.3);
  std::vector<Host> others;
  for (Host other = 0; other < network.hosts(); ++other) {
    const bool member = other < world_.members();
    if (other == host || (spare_coordinator && !member) || (spare_members && member)) continue;
    others.push_back(other);
  }
  world_.stage.story.tell("FAULT", "host {} is cut off from {}", host,
                          spare_coordinator ? "the members"
                          : spare_members   ? "all but the members"
                                            : "all");
  for (const Host other : others) {
    network.cut(host, other);
    network.cut(other, host);
  }
  lasting(some_while(), [this, host, others] {
    world_.stage.story.tell("FAULT", "host {} is reached again", host);
    for (const Host other : others) {
      world_.stage.network.heal(host, other);
      world_.stage.network.heal(other, host);
    }
  });
}

void Faults::cut_one_way() {
  Network& network = world_.stage.network;
  const Host from = victim().host();
  const bool outwards = world_.stage.random.chance(0.5);
  std::vector<Host> others;
  for (Host other = 0; other < network.hosts(); ++other) {
    if (other != from && world_.stage.random.chance(0.6)) others.push_back(other);
  }
  world_.stage.story.tell("FAULT", "host {} {} {} others", from,
                          outwards ? "is not heard by" : "does not hear", others.size());
  for (const Host other : others)
    outwards ? network.cut(from, other) : network.cut(other, from);
  lasting(some_while(), [this, from, others, outwards] {
    world_.stage.story.tell("FAULT", "host {} is whole again", from);
    for (const Host other : others) {
      outwards ? world_.stage.network.heal(from, other) : world_.stage.network.heal(other, from);
    }
  });
}

void Faults::cut_pair() {
  const Host a = victim().host();
  const auto hosts = static_cast<uint64_t>(world_.stage.network.hosts());
  cut(a, static_cast<Host>(world_.stage.random.below(hosts)));
}

void Faults::cut_coordinator() {
  cut(victim().host(), world_.coordinator->host());
}

void Faults::cut(Host a, Host b) {
  if (a == b) return;
  world_.stage.story.tell("FAULT", "hosts {} and {} are cut off from each other", a, b);
  world_.stage.network.cut(a, b);
  world_.stage.network.cut(b, a);
  lasting(some_while(), [this, a, b] {
    world_.stage.story.tell("FAULT", "hosts {} and {} reach each other", a, b);
    world_.stage.network.heal(a, b);
    world_.stage.network.heal(b, a);
  });
}

void Faults::slow_network() {
  Network& network = world_.stage.network;
  const Host host = victim().host();
  const Duration delay = world_.stage.random.between(milliseconds(1), milliseconds(120));
  const double loss = world_.stage.random.between(0, 20) / 100.0;
  world_.stage.story.tell("FAULT", "the network of host {} is slow: {}", host, to_text(delay));
  for (Host other = 0; other < network.hosts(); ++other) {
    network.set_quality(host, other, delay, loss);
    network.set_quality(other, host, delay, loss);
  }
  lasting(some_while(), [this, host] {
    for (Host other = 0; other < world_.stage.network.hosts(); ++other) {
      usual(host, other);
      usual(other, host);
    }
  });
}

// One way, between two hosts: what is acknowledged by another is long under way here.
void Faults::slow_pair() {
  Network& network = world_.stage.network;
  const Host from = victim().host();
  const auto to = static_cast<Host>(world_.stage.random.below(world_.agents.size()));
  const Duration delay = world_.stage.random.between(milliseconds(10), milliseconds(1500));
  world_.stage.story.tell("FAULT", "what host {} sends to {} takes {}", from, to, to_text(delay));
  network.set_quality(from, to, delay, 0);
  lasting(some_while(), [this, from, to] { usual(from, to); });
}

void Faults::usual(Host from, Host to) {
  world_.stage.network.set_quality(from, to, world_.usual_delay(from, to), 0);
}

void Faults::slow_applier() {
  Mysqld& mysqld = victim().mysqld();
  world_.stage.story.tell("FAULT", "the applier of {} is slow", mysqld.name());
  mysqld.set_apply_delay(world_.stage.random.between(milliseconds(20), milliseconds(700)));
  lasting(some_while(), [&mysqld] { mysqld.set_apply_delay(microseconds(500)); });
}

void Faults::kill_coordinator() {
  if (!world_.coordinator->process.alive()) return;
  world_.stage.story.tell("FAULT", "the coordinator is killed");
  world_.coordinator->kill();
  world_.coordinator->restart_later(some_while());
}

void Faults::stop_coordinator() {
  if (!world_.coordinator->process.runs()) return;
  world_.stage.story.tell("FAULT", "the coordinator is stopped");
  world_.coordinator->process.hold(Process::Stopped);
  lasting(some_while(), [this] {
    world_.stage.story.tell("FAULT", "the coordinator goes on");
    world_.coordinator->process.release(Process::Stopped);
  });
}

void Faults::fail_commit() {
  static constexpr std::array kFaults{Store::Fault::Refused, Store::Fault::UnknownDone,
                                      Store::Fault::UnknownLost, Store::Fault::CrashBefore,
                                      Store::Fault::CrashAfter};
  const auto index = world_.stage.random.below(kFaults.size());
  static constexpr std::array kWords{"is refused", "stands though nobody says so",
                                     "is lost though nobody says so", "kills the coordinator first",
                                     "stands and kills the coordinator"};
  world_.stage.story.tell("FAULT", "the next commit {}", kWords[index]);
  world_.coordinator->store.fail_next(kFaults[index]);
}

void Faults::silence_names() {
  if (!world_.names.up) return;
  world_.stage.story.tell("FAULT", "the name server is silent");
  world_.names.up = false;
  lasting(some_while(), [this] { world_.names.up = true; });
}

void Faults::step_clock() {
  Agent& agent = victim();
  world_.stage.story.tell("FAULT", "the wall clock of {} is stepped", agent.name());
  agent.clock.step_wall(std::chrono::hours(world_.stage.random.between(-2, 2)));
}

void Faults::replay_goal() {
  victim().replay();
}

void Faults::ask_for_election() {
  Agent& to = *world_.agents[world_.stage.random.below(world_.agents.size())];
  const bool planned = world_.stage.random.chance(0.6);
  const std::string name = world_.stage.random.chance(0.7) ? to.node().node.str() : std::string{};
  world_.stage.story.tell("person", "asks for a {} to {}", planned ? "switchover" : "failover",
                          name.empty() ? "anyone" : name);
  world_.coordinator->ask([&](coordinator::Engine& engine, coordinator::Now now) {
    const auto asked =
        planned ? engine.switchover(world_.cluster(), name, false, now)
                : engine.failover(world_.cluster(), {.to = name, .reason = "a story"}, now);
    if (!asked) world_.stage.story.tell("person", "is told: {}", asked.error().text());
  });
}

void Faults::ask_for_maintenance() {
  Random& random = world_.stage.random;
  coordinator::NodeAsk ask;
  ask.node = world_.agents[random.below(world_.agents.size())]->node().node.str();
  ask.allow_unprotected = random.chance(0.5);
  world_.stage.story.tell("person", "wants {} for maintenance", ask.node);
  world_.coordinator->ask([&](coordinator::Engine& engine, coordinator::Now now) {
    const auto asked = engine.maintenance(world_.cluster(), ask, true, now);
    if (!asked) world_.stage.story.tell("person", "is told: {}", asked.error().text());
  });
  lasting(some_while(), [this] { end_maintenance(); });
}

void Faults::ask_for_rejoin() {
  Random& random = world_.stage.random;
  coordinator::NodeAsk ask;
  ask.node = world_.agents[random.below(world_.agents.size())]->node().node.str();
  const bool reseed = random.chance(0.6);
  world_.stage.story.tell("person", "wants {} to {}", ask.node,
                          reseed ? "be seeded anew" : "try again");
  world_.coordinator->ask([&](coordinator::Engine& engine, coordinator::Now now) {
    const auto asked = engine.rejoin(world_.cluster(), ask, reseed, now);
    if (!asked) world_.stage.story.tell("person", "is told: {}", asked.error().text());
  });
}

void Faults::change_policy() {
  world_.stage.story.tell("person", "changes the policy");
  world_.apply_policy();
}

}  // namespace cdb::sim
