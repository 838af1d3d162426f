#include "tests/sim/world.h"

#include <utility>

#include "tests/sim/faults.h"

namespace cdb::sim {

using coordinator::Durability;
using coordinator::Kind;
using coordinator::MysqlSpec;
using coordinator::OrchestratorSpec;
using coordinator::Phase;
using coordinator::Resource;
using model::ThreadState;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr int kClients = 3;
constexpr Duration kForming = seconds(90);
constexpr Duration kHealing = seconds(120);

int some_members(Random& random) {
  static const std::vector<int> kSizes{1, 2, 2, 3, 3, 3, 3, 4, 5};
  return random.pick(kSizes);
}

}  // namespace

World::World(uint64_t seed, const Variant& variant, bool told)
    : World(seed, variant, told, Random(seed ^ 0x5EED)) {}

World::World(uint64_t seed, const Variant& variant, bool told, Random shape)
    : stage(seed, told, variant.options, 5 + 2 + kClients),
      oracle(stage, variant.lossless.value_or(shape.chance(0.8))),
      seed_(seed),
      faults_(variant.faults),
      members_(variant.members.value_or(some_members(shape))),
      lossless_(oracle.lossless()),
      policies_(seed ^ 0x9017),
      version_(lossless_ || shape.chance(0.6) ? model::MysqlVersion{9, 7, 4}
                                              : model::MysqlVersion{5, 6, 51}) {
  // Hosts: the members, the coordinator, the names, the clients.
  names.host = members_ + 1;
  coordinator::EngineConfig config;
  config.flavors.push_back({"small", 1, uint64_t{1} << 30, uint64_t{10} << 30});
  config.check_settings = [](const auto&, const auto&, const auto&) {
    return std::vector<FieldError>{};
  };
  config.zone = "cdb.internal";
  if (variant.decide) config.decide = variant.decide;
  coordinator = std::make_unique<Coordinator>(stage, oracle, members_, names, std::move(config));
  servers.reserve(static_cast<size_t>(members_));
  for (Host host = 0; host < members_; ++host) {
    const model::NodeId node{cluster_, model::NodeName("demo-" + std::to_string(host))};
    agents.push_back(std::make_unique<Agent>(stage, oracle, servers, host, node, version_,
                                             *coordinator, variant.agent));
  }
  coordinator->store.write_late(variant.written_late);
  coordinator->know(agents);
  for (const auto& agent : agents)
    agent->know(agents);
  oracle.watch(servers);
  lay_network(shape);
  for (int i = 0; i < kClients; ++i) {
    const Host host = members_ + 2 + i;
    client_hosts.push_back(host);
    const Duration ttl =
        i == 0 ? Duration(std::chrono::hours(24)) : Duration(seconds(1 + 4 * (i - 1)));
    clients_.push_back(std::make_unique<Client>(stage, oracle, servers, host, names, ttl,
                                                shape.between(milliseconds(15), milliseconds(150)),
                                                i == 1 ? seconds(20) : seconds(3)));
  }
}

World::~World() = default;

// Some networks are as good everywhere, in others one way is much longer than another.
void World::lay_network(Random& shape) {
  const bool even = shape.chance(0.3);
  for (Host from = 0; from < stage.network.hosts(); ++from) {
    for (Host to = 0; to < stage.network.hosts(); ++to) {
      const Duration delay =
          even ? Duration(microseconds(200)) : microseconds(50) * (1 << shape.between(0, 9));
      delays_.push_back(delay);
      stage.network.set_quality(from, to, delay, 0);
    }
  }
}

Duration World::usual_delay(Host from, Host to) const {
  return delays_[static_cast<size_t>(from * stage.network.hosts() + to)];
}

Agent* World::primary() const {
  const auto* row = coordinator->row();
  if (row == nullptr) return nullptr;
  for (const auto& agent : agents) {
    if (agent->node().node == row->record.primary) return agent.get();
  }
  return nullptr;
}

bool World::run_for(Duration duration, const std::function<bool()>& until) {
  const Instant end = stage.timeline.now() + duration;
  Instant next_look = stage.timeline.now();
  while (!stage.story.failed() && stage.timeline.run_one(end)) {
    oracle.look();
    if (until && stage.timeline.now() >= next_look) {
      if (until()) return true;
      next_look = stage.timeline.now() + milliseconds(200);
    }
  }
  return false;
}

void World::apply() {
  Resource mysql;
  mysql.key = {Kind::Mysql, cluster_.name_space, cluster_.name};
  MysqlSpec spec;
  spec.flavor = "small";
  spec.replica = members_ - 1;
  spec.version = version_.str();
  mysql.spec = spec;
  const Resource policy = some_policy();
  coordinator->ask([&](coordinator::Engine& engine, coordinator::Now now) {
    const auto applied = engine.apply({policy, mysql}, false, now);
    if (!applied) stage.story.fail("the apply is refused: " + applied.error().text());
  });
}

void World::apply_policy() {
  const Resource policy = some_policy();
  coordinator->ask([&](coordinator::Engine& engine, coordinator::Now now) {
    const auto applied = engine.apply({policy}, false, now);
    if (!applied) stage.story.tell("person", "is told: {}", applied.error().text());
  });
}

Resource World::some_policy() {
  Resource policy;
  policy.key = {Kind::Orchestrator, cluster_.name_space, cluster_.name};
  OrchestratorSpec rules;
  rules.durability = lossless_ ? Durability::Lossless : Durability::Asynchronous;
  if (policies_.chance(0.5)) {
    using coordinator::WithoutAckers;
    rules.acks = lossless_ ? policies_.between(1, 2) : 1;
    static const std::vector<WithoutAckers> kWays{WithoutAckers::FailOver, WithoutAckers::Weaken,
                                                  WithoutAckers::Block};
    rules.without_ackers = policies_.pick(kWays);
    rules.anti_flap.failovers = policies_.between(1, 4);
    for (int i = 0; i < members_; ++i) {
      const std::string node = cluster_.name + "-" + std::to_string(i);
      if (policies_.chance(0.3)) rules.priority[node] = policies_.between(-10, 10);
      if (policies_.chance(0.7)) rules.zones[node] = policies_.chance(0.5) ? "a" : "b";
    }
  }
  policy.spec = rules;
  return policy;
}

// Open, known by name, and every member level with it.
bool World::settled() const {
  return why_unsettled().empty();
}

std::string World::why_unsettled() const {
  const auto* row = coordinator->row();
  if (row == nullptr) return "there is no record";
  const auto& record = row->record;
  if (!record.blocked.empty()) return "blocked: " + record.blocked;
  if (record.phase != Phase::Steady) return "phase " + std::string(to_string(record.phase));
  Agent* const open = primary();
  if (open == nullptr || !open->mysqld().writable()) return "the primary is not writable";
  if (!names.records || names.records->rw != address_of(open->host()))
    return "the name does not point to the primary";
  if (lossless_ && members_ > 1 && record.acks_required == 0) return "it is unprotected";
  if (open->mysqld().commits_wait()) return "commits wait";
  for (const auto& agent : agents) {
    if (agent.get() == open) continue;
    const auto status = agent->mysqld().status();
    if (status.replication.receiver != ThreadState::On || !agent->mysqld().read_only())
      return agent->mysqld().name() + " does not replicate";
    if (!agent->mysqld().level_with(open->mysqld()))
      return agent->mysqld().name() + " is not level: " + status.executed.str() + ", and not " +
             open->mysqld().executed().str();
  }
  return {};
}

void World::end_well() {
  const bool well = run_for(kHealing, [this] { return settled(); });
  if (stage.story.failed()) return;
  if (!well) {
    stage.story.fail("it does not come back: " + why_unsettled());
    return;
  }
  oracle.all_there(primary()->mysqld());
}

Ending World::run() {
  Faults faults(*this, faults_);
  coordinator->start();
  apply();
  const bool trouble_from_the_start = stage.random.chance(0.15);
  if (!trouble_from_the_start && !run_for(kForming, [this] { return settled(); }) &&
      !stage.story.failed()) {
    stage.story.fail("it is not formed: " + why_unsettled());
  }
  for (const auto& client : clients_)
    client->start();
  if (!trouble_from_the_start) run_for(stage.random.between(Duration(0), seconds(2)), {});
  stage.story.tell("", "faults begin");
  faults.begin();
  run_for(stage.random.between(seconds(5), seconds(60)), {});
  stage.story.tell("", "everything is healed");
  faults.heal();
  run_for(seconds(2), {});
  for (const auto& client : clients_)
    client->stop();
  if (!stage.story.failed()) end_well();
  ++stage.counts.stories;
  Ending ending;
  ending.seed = seed_;
  ending.title = fmt::format("{} members, {}, MySQL {}", members_,
                             lossless_ ? "lossless" : "asynchronous", version_.str());
  ending.failure = stage.story.failure();
  ending.counts = stage.counts;
  ending.lines = stage.story.lines();
  return ending;
}

Ending tell_story(uint64_t seed, const Variant& variant, bool told) {
  World world(seed, variant, told);
  return world.run();
}

}  // namespace cdb::sim
