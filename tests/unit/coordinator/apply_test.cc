// What plan_apply() refuses, and how it says so.
#include "coordinator/core/apply.h"

#include <functional>

#include <doctest/doctest.h>

namespace cdb::coordinator {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30U;

Resource mysql(const std::string& name = "shop") {
  Resource resource;
  resource.key = {Kind::Mysql, "default", name};
  MysqlSpec spec;
  spec.flavor = "small";
  spec.replica = 2;
  resource.spec = spec;
  return resource;
}

Resource config(std::map<std::string, std::string> settings = {},
                const std::string& engine_version = "") {
  Resource resource;
  resource.key = {Kind::MysqlConfig, "default", "shop"};
  resource.spec = MysqlConfigSpec{engine_version, std::move(settings)};
  return resource;
}

MysqlSpec& spec_of(Resource& resource) {
  return std::get<MysqlSpec>(resource.spec);
}

// A coordinator with two flavors and three versions, where max_conn is a bad setting and where any
// storage kind that is not known is one too, as for the real check.
struct Arranged {
  std::map<ResourceKey, Resource> existing{};
  std::map<model::ClusterId, ClusterRow> clusters{};
  std::vector<Flavor> flavors{{"small", 1, 2 * kGiB, 20 * kGiB},
                              {"large", 8, 64 * kGiB, 500 * kGiB}};
  std::vector<model::MysqlVersion> versions{{5, 6, 24}, {8, 0, 45}, {9, 7, 4}};
  std::vector<Sizing> asked{};  // what the settings were held against
  SettingsCheck check = [this](const model::MysqlVersion&, const Sizing& sizing,
                               const std::map<std::string, std::string>& settings) {
    asked.push_back(sizing);
    std::vector<FieldError> errors;
    if (settings.count("max_conn") > 0) errors.push_back({"max_conn", "is not known", "look"});
    if (sizing.disk_kind != "ssd") errors.push_back({"", "no such disk kind", ""});
    return errors;
  };

  void stored(const Resource& resource) { existing[resource.key] = resource; }
  void runs(const std::string& version) {
    ClusterRow row;
    row.id = {"default", "shop"};
    Member member;
    member.version = version;
    row.members.emplace(model::NodeName("shop-0"), member);
    clusters[row.id] = row;
  }
  Result<std::vector<PlannedResource>> plan(const std::vector<Resource>& wanted) {
    const HookCheck hooks = [](const std::string&) { return std::string("is not there"); };
    return plan_apply({existing, clusters, flavors, versions, check, hooks}, wanted);
  }
  std::vector<FieldError> errors(const std::vector<Resource>& wanted) {
    const auto planned = plan(wanted);
    if (planned) return {};
    CHECK(planned.error().code == Code::Invalid);
    for (const FieldError& error : planned.error().fields) {
      INFO(error.field);
      CHECK_FALSE(error.hint.empty());
    }
    return planned.error().fields;
  }
  // The one thing that is wrong.
  FieldError error(const std::vector<Resource>& wanted) {
    const auto all = errors(wanted);
    REQUIRE(all.size() == 1);
    return all[0];
  }
};

}  // namespace

TEST_CASE("a new cluster is planned with the newest version and an operation") {
  Arranged arranged;
  const auto planned = arranged.plan({mysql(), config()});
  REQUIRE_MESSAGE(planned.ok(), planned.error().text());
  REQUIRE(planned->size() == 2);
  CHECK(planned->at(0).created);
  CHECK(planned->at(0).operation == OperationKind::Create);
  CHECK(planned->at(0).version->str() == "9.7.4");
  CHECK(planned->at(0).warnings.empty());
}

TEST_CASE("a flavor that is not there is refused with the nearest and all there are") {
  Arranged arranged;
  Resource wanted = mysql();
  spec_of(wanted).flavor = "smal";
  CHECK(arranged.error({wanted}) == FieldError{"resources[0].spec.flavor", "unknown flavor 'smal'",
                                               "did you mean small? there are small, large"});
  spec_of(wanted).flavor = "";
  CHECK(arranged.error({wanted}).message == "a flavor is needed");
}

TEST_CASE("a storage size that no machine has is refused") {
  Arranged arranged;
  for (const int64_t size : {int64_t{-1}, int64_t{65537}, int64_t{99999999999}}) {
    Resource wanted = mysql();
    spec_of(wanted).storage_gib = size;
    CHECK(arranged.error({wanted}) ==
          FieldError{"resources[0].spec.storage.size_gib",
                     "size_gib must be 0 to 65536, not " + std::to_string(size),
                     "it is in GiB; leave it out for the flavor's disk"});
  }
  for (const int64_t size : {0, 1, 65536}) {
    Resource wanted = mysql();
    spec_of(wanted).storage_gib = size;
    CHECK(arranged.errors({wanted}).empty());
  }
}

TEST_CASE("a storage kind that is not known is said once, with or without a MysqlConfig") {
  Arranged arranged;
  Resource wanted = mysql();
  spec_of(wanted).storage_kind = "tape";
  CHECK(arranged.error({wanted}).field == "resources[0].spec.storage.kind");
  CHECK(arranged.asked.empty());
  CHECK(arranged.error({wanted, config()}).field == "resources[0].spec.storage.kind");
}

TEST_CASE("faults of the settings are said beside those of the machine") {
  Arranged arranged;
  Resource wanted = mysql();
  spec_of(wanted).flavor = "huge";
  const auto errors = arranged.errors({wanted, config({{"max_conn", "1"}})});
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].field == "resources[0].spec.flavor");
  CHECK(errors[1] == FieldError{"resources[1].spec.settings.max_conn", "is not known", "look"});
  CHECK(arranged.asked.back().flavor.name == "large");
}

TEST_CASE("a number of replicas that no cluster has is refused") {
  Arranged arranged;
  for (const int replica : {-1, 9, 1000000}) {
    Resource wanted = mysql();
    spec_of(wanted).replica = replica;
    const FieldError error = arranged.error({wanted});
    CHECK(error.field == "resources[0].spec.replica");
    CHECK(error.message == "replica must be 0 to 8, not " + std::to_string(replica));
  }
}

TEST_CASE("a name has to be a part of a DNS name") {
  Arranged arranged;
  for (const std::string& name : {std::string("Shop"), std::string("a_b"), std::string("-a"),
                                  std::string("a."), std::string(""), std::string(41, 'a')}) {
    CHECK(arranged.error({mysql(name)}).field == "resources[0].metadata.name");
  }
  Resource wanted = mysql();
  wanted.key.name_space = "De fault";
  CHECK(arranged.error({wanted}).field == "resources[0].metadata.namespace");
}

TEST_CASE("two documents of one name are refused at the second") {
  Arranged arranged;
  CHECK(arranged.error({mysql(), mysql("other"), mysql()}) ==
        FieldError{"resources[2].metadata.name", "MySQL default/shop is named twice in one apply",
                   "keep one of the two documents"});
}

TEST_CASE("what the system writes cannot be applied") {
  Arranged arranged;
  Resource wanted;
  wanted.key = {Kind::Connector, "default", "shop"};
  wanted.spec = ConnectorSpec{};
  CHECK(arranged.error({wanted}).field == "resources[0].kind");
}

TEST_CASE("a version that is not installed is refused with those that are") {
  Arranged arranged;
  Resource wanted = mysql();
  spec_of(wanted).version = "8.4";
  CHECK(arranged.error({wanted}) == FieldError{"resources[0].spec.version",
                                               "MySQL 8.4 is not installed here",
                                               "installed are 5.6.24, 8.0.45, 9.7.4"});
  CHECK(arranged.error({wanted, config()}).field == "resources[0].spec.version");
  CHECK(arranged.error({wanted, config({}, "8.4")}).field == "resources[0].spec.version");
  CHECK(arranged.error({mysql(), config({}, "8.4")}).field == "resources[1].spec.engine_version");
  CHECK(arranged.error({config({}, "8.4")}).message == "MySQL 8.4 is not installed here");
}

TEST_CASE("the versions of a MySQL and its MysqlConfig have to agree") {
  Arranged arranged;
  Resource wanted = mysql();
  spec_of(wanted).version = "8.0";
  CHECK(arranged.error({wanted, config({}, "9.7")}).message ==
        "version 8.0 and the MysqlConfig's engine_version 9.7 do not agree");
  const auto planned = arranged.plan({wanted, config({}, "8")});
  REQUIRE_MESSAGE(planned.ok(), planned.error().text());
  CHECK(planned->at(0).version->str() == "8.0.45");
}

TEST_CASE("a version cannot be changed in place") {
  Arranged arranged;
  arranged.stored(mysql());
  arranged.runs("8.0.45");
  Resource wanted = mysql();
  spec_of(wanted).version = "9.7";
  CHECK(arranged.error({wanted}).message == "MySQL default/shop runs MySQL 8.0.45, not 9.7");
}

TEST_CASE("of an existing cluster only the number of replicas may grow") {
  Arranged arranged;
  arranged.stored(mysql());
  arranged.runs("9.7.4");
  Resource wanted = mysql();
  spec_of(wanted).replica = 1;
  CHECK(arranged.error({wanted}).message == "replicas cannot be taken away yet (2 to 1)");
  spec_of(wanted).replica = -1;
  CHECK(arranged.error({wanted}).message == "replica must be 0 to 8, not -1");
  wanted = mysql();
  spec_of(wanted).flavor = "large";
  CHECK(arranged.error({wanted}).message ==
        "the flavor of an existing cluster cannot be changed yet (small to large)");
  wanted = mysql();
  spec_of(wanted).storage_gib = 100;
  CHECK(arranged.error({wanted}).field == "resources[0].spec.storage");

  wanted = mysql();
  spec_of(wanted).replica = 3;
  const auto planned = arranged.plan({wanted});
  REQUIRE_MESSAGE(planned.ok(), planned.error().text());
  CHECK(planned->at(0).operation == OperationKind::Scale);
  CHECK(planned->at(0).resource.generation == 2);
}

TEST_CASE("what is as it was needs nothing, and what is being deleted cannot be had") {
  Arranged arranged;
  arranged.stored(mysql());
  arranged.runs("9.7.4");
  const auto planned = arranged.plan({mysql()});
  REQUIRE(planned.ok());
  CHECK_FALSE(planned->at(0).changed);
  CHECK_FALSE(planned->at(0).operation);
  arranged.existing.begin()->second.deleting = true;
  CHECK(arranged.error({mysql()}).message == "MySQL default/shop is being deleted");
}

TEST_CASE("a bad setting is named where it stands") {
  Arranged arranged;
  CHECK(arranged.error({mysql("other"), mysql(), config({{"max_conn", "1"}})}) ==
        FieldError{"resources[2].spec.settings.max_conn", "is not known", "look"});
  CHECK(arranged.error({config({{"max_conn", "1"}})}).field ==
        "resources[0].spec.settings.max_conn");
  CHECK(arranged.asked.back().flavor.name == "large");
}

TEST_CASE("settings that were applied before count against a new cluster's flavor") {
  Arranged arranged;
  arranged.stored(config({{"max_conn", "1"}}));
  CHECK(arranged.error({mysql()}).field == "resources[0].spec.flavor");
}

TEST_CASE("changed settings of a cluster are a reconfiguration") {
  Arranged arranged;
  arranged.stored(mysql());
  arranged.runs("9.7.4");
  const auto planned = arranged.plan({config({{"max_connections", "100"}})});
  REQUIRE_MESSAGE(planned.ok(), planned.error().text());
  CHECK(planned->at(0).operation == OperationKind::Reconfigure);
}

TEST_CASE("a cluster that is protected less than it may seem comes with a warning") {
  Arranged arranged;
  Resource wanted = mysql();
  const auto warning = [&]() -> std::string {
    const auto planned = arranged.plan({wanted});
    REQUIRE_MESSAGE(planned.ok(), planned.error().text());
    REQUIRE(planned->at(0).warnings.size() == 1);
    return planned->at(0).warnings[0];
  };
  spec_of(wanted).replica = 1;
  CHECK(warning().rfind("replica: 1 has a single acker", 0) == 0);
  spec_of(wanted).replica = 0;
  CHECK(warning().rfind("replica: 0 is a single node", 0) == 0);
  spec_of(wanted).replica = 2;
  spec_of(wanted).version = "5.6";
  CHECK(warning().rfind("replication is asynchronous", 0) == 0);
}

TEST_CASE("5.6 cannot be lossless, and a time to live has bounds") {
  Arranged arranged;
  Resource wanted = mysql();
  spec_of(wanted).version = "5.6";
  Resource policy;
  policy.key = {Kind::Orchestrator, "default", "shop"};
  OrchestratorSpec spec;
  spec.durability = Durability::Lossless;
  policy.spec = spec;
  CHECK(arranged.error({wanted, policy}).field == "resources[1].spec.durability");
  spec.durability.reset();
  for (const int ttl : {0, -1, 3601}) {
    spec.dns_ttl_s = ttl;
    policy.spec = spec;
    CHECK(arranged.error({wanted, policy}).field == "resources[1].spec.dns_ttl");
  }
}

TEST_CASE("a failover policy that cannot work is refused, field by field") {
  struct Case {
    const char* field;
    const char* says;
    std::function<void(OrchestratorSpec&)> change;
  };
  using namespace std::chrono;
  const std::vector<Case> cases{
      {"acks", "acks must be 1 to 8, not 0", [](auto& s) { s.acks = 0; }},
      {"heartbeat", "heartbeat must be 50ms to 10s, not 20ms",
       [](auto& s) { s.heartbeat = milliseconds(20); }},
      {"ttl", "ttl 800ms is less than three heartbeats of 300ms",
       [](auto& s) { s.ttl = milliseconds(800); }},
      {"ttl", "ttl must be 150ms to 5m, not 6m", [](auto& s) { s.ttl = minutes(6); }},
      {"anti_flap.failovers", "failovers must be 1 to 100",
       [](auto& s) { s.anti_flap.failovers = 0; }},
      {"anti_flap.window", "window must be 1m to 30d, not 1s",
       [](auto& s) { s.anti_flap.window = seconds(1); }},
      {"read_lag_cap", "read_lag_cap must be 0s to 1d",
       [](auto& s) { s.read_lag_cap = hours(25); }},
      {"hooks.deadline", "deadline must be 100ms to 10m",
       [](auto& s) { s.hooks.deadline = milliseconds(1); }},
      {"hooks.after[0]", "hook 'rm -rf /' is not there",
       [](auto& s) { s.hooks.after = {"rm -rf /"}; }},
      {"never_promote", "'other-1' cannot be a node of shop",
       [](auto& s) { s.never_promote = {"other-1"}; }},
      {"promotion", "'shop-01' cannot be a node of shop",
       [](auto& s) { s.priority["shop-01"] = 1; }},
      {"promotion.shop-1", "a preference must be -100 to 100, not 101",
       [](auto& s) { s.priority["shop-1"] = 101; }},
      {"zones.shop-1", "a zone needs a name", [](auto& s) { s.zones["shop-1"] = ""; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.says);
    Arranged arranged;
    Resource policy;
    policy.key = {Kind::Orchestrator, "default", "shop"};
    OrchestratorSpec spec;
    c.change(spec);
    policy.spec = spec;
    const FieldError error = arranged.error({mysql(), policy});
    CHECK(error.field == std::string("resources[1].spec.") + c.field);
    CHECK(error.message.find(c.says) == 0);
  }
}

TEST_CASE("a policy that promises less than it seems comes with a warning") {
  Arranged arranged;
  Resource policy;
  policy.key = {Kind::Orchestrator, "default", "shop"};
  OrchestratorSpec spec;
  const auto warnings = [&] {
    policy.spec = spec;
    const auto planned = arranged.plan({mysql(), policy});
    REQUIRE_MESSAGE(planned.ok(), planned.error().text());
    return planned->at(1).warnings;
  };
  CHECK(warnings().empty());
  spec.acks = 3;
  REQUIRE(warnings().size() == 1);
  CHECK(warnings()[0] == "acks: 3 with 2 replicas: 2 will be waited for");
  spec.acks = 2;
  CHECK(warnings().at(0).find("the loss of one replica is felt by every write") !=
        std::string::npos);
  spec = {};
  spec.zones["shop-7"] = "a";
  CHECK(warnings() == std::vector<std::string>{"zones: there is no shop-7 yet"});
  spec = {};
  spec.never_promote = {"shop-1", "shop-2"};
  CHECK(warnings().at(0).find("no other node may take over") != std::string::npos);
  spec = {};
  spec.durability = Durability::Asynchronous;
  spec.acks = 2;
  CHECK(warnings().at(0).find("nothing is waited for") != std::string::npos);
}

}  // namespace cdb::coordinator
