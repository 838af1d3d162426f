// The engine around a change of the primary: programs, what is remembered, and what a person asks
// of one node. A steady cluster of three with agents that say what the test wants.
#include "coordinator/engine/engine.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/memory_store.h"
#include "tests/support/view_builder.h"

namespace cdb::coordinator {
namespace {

using model::ClusterId;
using model::NodeId;
using model::NodeName;
using model::NodeState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::gtids;
using test::ViewBuilder;
using test::written;

const ClusterId kCluster{"default", "c"};

class FakeSink final : public AgentSink {
 public:
  void send(const model::NodeGoal& goal) override { last = goal; }
  void ack(uint64_t, const std::optional<model::LeaseGrant>&) override {}
  void close(const Error&) override {}
  std::optional<model::NodeGoal> last{};
};

class FakeEffects final : public Effects {
 public:
  void ensure_machine(const MachineSpec& spec) override { ensured.push_back(spec.node); }
  void remove_machine(const NodeId&) override {}
  void publish_dns(const DnsRecords& records) override { published = records; }
  void remove_dns(const ClusterId&) override {}
  void run_hooks(const HookJob& job) override { hooks.push_back(job); }
  std::vector<NodeId> ensured{};
  std::optional<DnsRecords> published{};
  std::vector<HookJob> hooks{};
};

class Bench {
 public:
  explicit Bench(OrchestratorSpec policy = {}) : policy_(std::move(policy)) {
    ClusterRow row;
    row.id = kCluster;
    row.uid = "u";
    row.record = view.view.record;
    for (const auto& [name, member] : view.view.members) {
      Member stored;
      stored.node = {kCluster, name};
      stored.ordinal = member.ordinal;
      stored.version = "9.7.4";
      stored.address = "10.0.0." + std::to_string(member.ordinal);
      row.members[name] = stored;
    }
    store.state.clusters[kCluster] = row;
    MysqlSpec mysql;
    mysql.flavor = "small";
    mysql.replica = 2;
    put({Kind::Mysql, "default", "c"}, mysql);
    put({Kind::Orchestrator, "default", "c"}, policy_);
    start();
  }

  // A coordinator that has just been started on the same store.
  void start() {
    EngineConfig config;
    config.flavors = {{"small", 1, uint64_t{2} << 30, uint64_t{20} << 30}};
    config.zone = "test";
    engine = std::make_unique<Engine>(config, store, effects);
    REQUIRE(engine->load(now).ok());
    for (const auto& [name, member] : view.view.members) {
      sinks[name] = std::make_shared<FakeSink>();
      sessions[name] = engine->agent_connected({kCluster, name}, {}, sinks[name], now).value();
    }
    report_all();
    finish_names();
  }

  void report_all() {
    for (const auto& [name, member] : view.view.members)
      report(name.str());
  }
  void report(const std::string& node) {
    engine->agent_reported({kCluster, NodeName(node)}, sessions[NodeName(node)], ++sequence_,
                           view.report(node), now);
  }
  void finish_names() {
    while (const auto records = std::exchange(effects.published, std::nullopt))
      engine->dns_published(*records, {}, now);
  }
  void pass(Duration duration) {
    now.at += duration;
    now.wall += std::chrono::duration_cast<WallTime::duration>(duration);
    engine->tick(now);
  }
  // The hooks that wait have ended, all of them with this fault.
  void end_hooks(const std::string& fault = {}) {
    for (const HookJob& job : std::exchange(effects.hooks, {})) {
      std::vector<HookResult> results;
      for (const std::string& command : job.commands)
        results.push_back({command, fault, "said so"});
      engine->hooks_finished(job, results, now);
    }
  }

  [[nodiscard]] const ClusterRow& row() const { return store.state.clusters.at(kCluster); }
  [[nodiscard]] Phase phase() const { return row().record.phase; }
  [[nodiscard]] const Event* event(const std::string& type) const {
    const auto found = std::find_if(store.told.rbegin(), store.told.rend(),
                                    [&](const Event& e) { return e.type == type; });
    return found == store.told.rend() ? nullptr : &*found;
  }

  // c-0's mysqld ends; the rest promise, c-1 is prepared and opens.
  void fail_over() {
    view.mysqld_dead("c-0");
    view.report("c-0").accepted = row().record.version;
    report("c-0");
    pass(milliseconds(100));
    for (const char* node : {"c-1", "c-2"}) {
      view.view.record = row().record;
      view.revoked(node);
      report(node);
    }
    pass(milliseconds(100));
    REQUIRE(phase() == Phase::Promoting);
    const std::string candidate = row().record.candidate.str();
    view.report(candidate).accepted = row().record.version;
    view.report(candidate).state = NodeState::Promoting;
    view.report(candidate).server->replication = {};
    report(candidate);
    // Whatever the lease of the old primary is worth, it is over.
    for (int i = 0; i < 8 && phase() == Phase::Promoting; ++i) {
      report(candidate);
      pass(milliseconds(500));
    }
    REQUIRE(phase() == Phase::Publishing);
    view.report(candidate).accepted = row().record.version;
    view.report(candidate).state = NodeState::Primary;
    view.report(candidate).server->read_only = false;
    report(candidate);
    finish_names();
    pass(milliseconds(10));
    report(candidate);
  }

  ViewBuilder view = ViewBuilder(3).steady();
  Now now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(500'000))};
  test::MemoryStore store{};
  FakeEffects effects{};
  std::unique_ptr<Engine> engine{};
  std::map<NodeName, std::shared_ptr<FakeSink>> sinks{};
  std::map<NodeName, uint64_t> sessions{};

 private:
  void put(const ResourceKey& key, const Spec& spec) {
    Resource resource;
    resource.key = key;
    resource.spec = spec;
    store.state.resources[key] = resource;
  }

  OrchestratorSpec policy_;
  uint64_t sequence_{0};
};

OrchestratorSpec with_hooks() {
  OrchestratorSpec policy;
  policy.hooks.before = {"announce"};
  policy.hooks.after = {"notify --all"};
  policy.hooks.deadline = seconds(5);
  return policy;
}

}  // namespace

TEST_CASE("a switchover waits for its programs, and no longer than their deadline") {
  Bench bench(with_hooks());
  REQUIRE(bench.engine->switchover(kCluster, "c-1", false, bench.now).ok());
  REQUIRE(bench.effects.hooks.size() == 1);
  const HookJob job = bench.effects.hooks[0];
  CHECK(job.moment == HookMoment::Before);
  CHECK(job.commands == std::vector<std::string>{"announce"});
  CHECK(job.environment.at("CDB_KIND") == "switchover");
  CHECK(job.environment.at("CDB_FROM") == "c-0");
  CHECK(job.environment.at("CDB_TO") == "c-1");
  CHECK(bench.phase() == Phase::Steady);

  SUBCASE("they end well") {
    bench.end_hooks();
    CHECK(bench.phase() == Phase::Demoting);
    CHECK(bench.event("hook.succeeded")->message.find("announce before the switchover") == 0);
  }
  SUBCASE("they fail: told, and nothing more") {
    bench.end_hooks("exit code 3");
    CHECK(bench.phase() == Phase::Demoting);
    CHECK(bench.event("hook.failed")->severity == Severity::Warning);
    CHECK(bench.event("hook.failed")->message.find("exit code 3; it said: said so") !=
          std::string::npos);
  }
  SUBCASE("they hang") {
    for (int i = 0; i < 9; ++i) {
      bench.pass(milliseconds(500));
      bench.report_all();
    }
    CHECK(bench.phase() == Phase::Steady);
    bench.pass(milliseconds(501));
    CHECK(bench.phase() == Phase::Demoting);
  }
}

TEST_CASE("a failover never waits for its programs, and they hear how it went") {
  Bench bench(with_hooks());
  bench.fail_over();
  CHECK(bench.phase() == Phase::Steady);
  REQUIRE(bench.effects.hooks.size() == 2);
  CHECK(bench.effects.hooks[0].environment.at("CDB_HOOK") == "before");
  CHECK(bench.effects.hooks[0].environment.at("CDB_CAUSE") == "mysqld of c-0 has ended");
  const auto& after = bench.effects.hooks[1];
  CHECK(after.commands == std::vector<std::string>{"notify --all"});
  CHECK(after.environment.at("CDB_KIND") == "failover");
  CHECK(after.environment.at("CDB_FROM") == "c-0");
  CHECK(after.environment.at("CDB_TO") == "c-1");
  CHECK(after.environment.contains("CDB_WRITE_GAP_MS"));
  CHECK(after.environment.at("CDB_RW_ADDRESS") == "10.0.0.1");
}

TEST_CASE("the write gap is from the last writable report to the first one, and is kept") {
  Bench bench;
  bench.pass(milliseconds(300));
  bench.report("c-0");
  const Instant last = bench.now.at;
  bench.pass(milliseconds(200));
  bench.fail_over();
  const auto& election = bench.row().last_election;
  REQUIRE(election);
  CHECK(election->from == "c-0");
  CHECK(election->to == "c-1");
  CHECK(election->cause == "mysqld of c-0 has ended");
  CHECK(election->automatic);
  REQUIRE(election->write_gap);
  CHECK(*election->write_gap >= milliseconds(400));
  CHECK(*election->write_gap <= bench.now.at - last);
  CHECK(bench.event("election.writable")->message.find("c-1 is writable; writes waited") == 0);
  CHECK(bench.engine->topology(kCluster)->last_election == election);
}

TEST_CASE("names whose writing failed are written again, also where they are to be as before") {
  Bench bench;
  const ViewBuilder well = bench.view;
  bench.view.mysqld_dead("c-2");
  bench.report("c-2");
  const auto without = std::exchange(bench.effects.published, std::nullopt);
  REQUIRE(without);
  bench.view = well;
  bench.report("c-2");
  bench.engine->dns_published(*without, outcome_unknown("no answer"), bench.now);
  CHECK(bench.engine->topology(kCluster)->dns_problem == "no answer");
  bench.pass(seconds(1));
  REQUIRE(bench.effects.published);
  CHECK(bench.effects.published->ro.size() == 2);
  bench.finish_names();
  CHECK(bench.engine->topology(kCluster)->dns_problem.empty());
}

TEST_CASE("a machine whose address was not stored is asked for again, though its agent is here") {
  Bench bench;
  bench.store.state.clusters.at(kCluster).members.at(NodeName("c-1")).address.clear();
  bench.start();
  const NodeId node{kCluster, NodeName("c-1")};
  bench.engine->machine_ensured(node, unavailable("no answer"), bench.now);
  bench.effects.ensured.clear();
  bench.pass(seconds(3));
  CHECK(bench.effects.ensured == std::vector<NodeId>{node});
  Machine machine;
  machine.node = node;
  machine.state = MachineState::Running;
  machine.address = "10.0.0.1";
  bench.engine->machine_ensured(node, machine, bench.now);
  CHECK(bench.row().members.at(node.node).address == "10.0.0.1");
  bench.pass(std::chrono::minutes(1));
  CHECK(bench.effects.ensured.size() == 1);
}

TEST_CASE(
    "an announced absence stays on record until the lease for it is over, though its agent is "
    "back") {
  Bench bench;
  bench.view.report("c-0").lease.fence = "kernel";
  bench.view.report("c-0").lease.wanted_ms = 20000;
  bench.report("c-0");
  const auto away = [&] { return bench.row().members.at(NodeName("c-0")).away_until.has_value(); };
  CHECK(bench.row().members.at(NodeName("c-0")).gated);
  CHECK(away());
  bench.view.report("c-0").lease.wanted_ms = 0;
  bench.report("c-0");
  CHECK(away());
  bench.pass(seconds(5));
  bench.report("c-0");
  CHECK(away());
  bench.pass(seconds(70));
  bench.report("c-0");
  CHECK_FALSE(away());
}

TEST_CASE("a coordinator that slept does not take its own silence for the primary's") {
  for (const bool slept : {true, false}) {
    CAPTURE(slept);
    Bench bench;
    if (slept) {
      bench.pass(seconds(3));
    } else {
      for (int i = 0; i < 6; ++i) {
        for (const char* node : {"c-1", "c-2"})
          bench.report(node);
        bench.pass(milliseconds(500));
      }
    }
    // What they sent meanwhile is read before what the primary sent.
    bench.view.blind("c-1").blind("c-2");
    for (const char* node : {"c-1", "c-2"})
      bench.report(node);
    CHECK((bench.phase() == Phase::Steady) == slept);
  }
}

TEST_CASE("a gap that this coordinator saw only the end of is not guessed") {
  Bench bench;
  bench.view.mysqld_dead("c-0");
  bench.start();
  bench.fail_over();
  REQUIRE(bench.row().last_election);
  CHECK(bench.row().last_election->writable);
  CHECK_FALSE(bench.row().last_election->write_gap);
}

TEST_CASE("automatic failovers are counted over a restart of the coordinator, for their window") {
  OrchestratorSpec policy;
  policy.anti_flap = {.failovers = 1, .window = std::chrono::minutes(10)};
  Bench bench(policy);
  bench.fail_over();
  CHECK(bench.row().failovers.size() == 1);
  const uint64_t epoch = bench.row().record.version.epoch;
  bench.view.view.record = bench.row().record;
  bench.start();
  bench.view.mysqld_dead("c-1");
  bench.report("c-1");
  CHECK(bench.row().record.version.epoch == epoch);
  CHECK_FALSE(bench.row().record.blocked.empty());
}

TEST_CASE("maintenance is kept, told to the agent once nothing hangs on the node, and ended") {
  Bench bench;
  const auto begun =
      bench.engine->maintenance(kCluster, {.node = "c-2", .who = "jane"}, true, bench.now);
  REQUIRE_MESSAGE(begun.ok(), begun.error().text());
  CHECK(begun->kind == OperationKind::Maintenance);
  CHECK(bench.row().members.at(NodeName("c-2")).maintenance);
  CHECK(bench.row().record.leaving.contains(NodeName("c-2")));
  CHECK(bench.sinks[NodeName("c-2")]->last->state == NodeState::Replica);
  CHECK(bench.event("operation.started")->message.find("asked for by jane") != std::string::npos);

  // It acknowledges no more, and the rest holds what was written before.
  auto& leaving = bench.view.report("c-2");
  leaving.accepted = bench.row().record.version;
  leaving.state = NodeState::Replica;
  leaving.server->semisync.replica_acking = false;
  for (int i = 0; i < 4; ++i) {
    bench.view.report("c-0").accepted = bench.row().record.version;
    bench.view.report("c-0").marker = gtids(written("0:200"));
    bench.view.report("c-1").accepted = bench.row().record.version;
    bench.report_all();
  }
  CHECK_FALSE(bench.row().record.ackers.contains(NodeName("c-2")));
  CHECK(bench.sinks[NodeName("c-2")]->last->state == NodeState::Maintenance);
  leaving.state = NodeState::Maintenance;
  leaving.accepted = bench.row().record.version;
  bench.report("c-2");
  CHECK(bench.engine->operation(begun->id)->state == OperationState::Succeeded);
  CHECK(bench.engine->topology(kCluster)->nodes[2].member.maintenance);

  const auto refused = bench.engine->maintenance(kCluster, {.node = "c-1"}, true, bench.now);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().hint.find("--allow-unprotected") != std::string::npos);
  REQUIRE(bench.engine->maintenance(kCluster, {.node = "c-2"}, false, bench.now).ok());
  CHECK_FALSE(bench.row().members.at(NodeName("c-2")).maintenance);
  CHECK(bench.sinks[NodeName("c-2")]->last->state == NodeState::Replica);
}

TEST_CASE("a dry run checks and starts nothing") {
  Bench bench(with_hooks());
  const auto events = bench.store.told.size();
  CHECK(
      bench.engine->maintenance(kCluster, {.node = "c-2", .dry_run = true}, true, bench.now).ok());
  CHECK(bench.engine->rejoin(kCluster, {.node = "c-2", .dry_run = true}, true, bench.now).ok());
  CHECK(bench.engine->failover(kCluster, {.dry_run = true}, bench.now).ok());
  CHECK(bench.store.told.size() == events);
  CHECK(bench.effects.hooks.empty());
  CHECK(bench.engine->operations(kCluster, false).empty());
}

TEST_CASE(
    "data are replaced only after the node has left, and the operation says what is archived") {
  Bench bench;
  bench.view.report("c-0").server->version = {9, 7, 4};
  bench.view.holds("c-2", "0:1-200,2:1-3");
  bench.report_all();
  const auto begun = bench.engine->rejoin(kCluster, {.node = "c-2"}, true, bench.now);
  REQUIRE_MESSAGE(begun.ok(), begun.error().text());
  CHECK(begun->arguments.at("replaces") == "c-2-data");
  CHECK(begun->arguments.at("archives") == written("2:1-3"));
  CHECK(bench.sinks[NodeName("c-2")]->last->reseed.empty());
  CHECK(bench.row().record.leaving.contains(NodeName("c-2")));
}

TEST_CASE("an allowed data loss is kept with who, why and what, and shouted") {
  Bench bench;
  const auto refused = bench.engine->failover(
      kCluster, {.reason = "fire", .who = "jane", .allow_data_loss = true}, bench.now);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::Precondition);

  // c-0 and c-2 are gone for good; c-1 lacks a part.
  bench.view.holds("c-1", "0:1-180").blind("c-1");
  bench.report_all();
  for (const char* node : {"c-0", "c-2"})
    bench.engine->agent_disconnected({kCluster, NodeName(node)}, bench.sessions[NodeName(node)],
                                     bench.now);
  for (int i = 0; i < 10; ++i) {
    bench.pass(seconds(1));
    bench.report("c-1");
  }
  REQUIRE_FALSE(bench.row().record.blocked.empty());
  CHECK_FALSE(bench.engine->failover(kCluster, {.who = "jane", .allow_data_loss = true}, bench.now)
                  .ok());  // no reason
  const auto begun = bench.engine->failover(
      kCluster, {.reason = "fire", .who = "jane", .allow_data_loss = true}, bench.now);
  REQUIRE_MESSAGE(begun.ok(), begun.error().text());
  CHECK(begun->arguments.at("who") == "jane");
  CHECK(begun->arguments.at("may_be_lost").find("20 transactions") == 0);
  CHECK(bench.row().record.allow_loss);
  CHECK(bench.event("operation.started")->severity == Severity::Error);
  const Event* allowed = bench.event("failover.data_loss_allowed");
  REQUIRE(allowed != nullptr);
  CHECK(allowed->message.find("by jane: fire") != std::string::npos);

  bench.view.view.record = bench.row().record;
  bench.view.revoked("c-1");
  bench.report("c-1");
  bench.pass(seconds(1));
  bench.report("c-1");
  CHECK(bench.phase() == Phase::Promoting);
  const Event* loss = bench.event("failover.data_loss");
  REQUIRE(loss != nullptr);
  CHECK(loss->severity == Severity::Error);
  CHECK(loss->message.find("20 transactions that c-0 was last seen to have") != std::string::npos);
}

}  // namespace cdb::coordinator
