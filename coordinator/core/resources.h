#pragma once
// The declared resources as values: what a person wrote (specs), by kind. Status is computed, never
// stored with them. Pure.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/ids.h"

namespace cdb::coordinator {

struct MysqlSpec {
  std::string flavor{};
  int replica{0};                   // number of replicas: members - 1
  std::string storage_kind{"ssd"};  // hdd, ssd, nvme
  int64_t storage_gib{0};           // 0: the flavor's disk
  std::string version{};  // "8.0", "9"; empty: MysqlConfig's engine_version, else the newest
  friend bool operator==(const MysqlSpec&, const MysqlSpec&) = default;
};

struct MysqlConfigSpec {
  std::string engine_version{};
  std::map<std::string, std::string> settings{};  // as written: names may be friendly aliases
  friend bool operator==(const MysqlConfigSpec&, const MysqlConfigSpec&) = default;
};

enum class Durability { Lossless, Asynchronous };
std::string_view to_string(Durability durability);
Result<Durability> parse_durability(std::string_view text);

// What follows when fewer ackers are connected to a primary than it has to wait for.
enum class WithoutAckers {
  FailOver,  // to a replica that keeps its protection where there is one, else as Weaken
  Weaken,    // fewer are waited for, down to none, and it is shown
  Block,     // writes wait
};
std::string_view to_string(WithoutAckers without);
Result<WithoutAckers> parse_without_ackers(std::string_view text);

// At most so many automatic failovers within the window, where the old primary can go on instead.
struct AntiFlap {
  int failovers{3};
  std::chrono::milliseconds window{std::chrono::hours(1)};
  friend bool operator==(const AntiFlap&, const AntiFlap&) = default;
};

// Programs of the coordinator's hooks_dir, each with its arguments behind it.
struct Hooks {
  std::vector<std::string> before{};
  std::vector<std::string> after{};
  std::chrono::milliseconds deadline{std::chrono::seconds(10)};  // of all `before`, of all `after`
  friend bool operator==(const Hooks&, const Hooks&) = default;
};

struct OrchestratorSpec {
  std::optional<Durability> durability{};    // none: lossless where the version can
  bool paused{false};                        // no automatic failover
  std::vector<std::string> never_promote{};  // node names
  int dns_ttl_s{5};
  int acks{1};                                 // k that is wanted
  std::chrono::milliseconds heartbeat{300};    // of the agents
  std::chrono::milliseconds ttl{2000};         // of a primary's lease
  std::map<std::string, int> priority{};       // by node; 0 where none is given, higher preferred
  std::map<std::string, std::string> zones{};  // by node
  bool acks_from_other_zone{true};      // replicas of the primary's zone acknowledge only at need
  bool candidate_from_same_zone{true};  // preferred among those of one priority
  AntiFlap anti_flap{};
  bool wait_for_proof{true};  // before an opening with k >= 1, that the former primary is down
  bool fence_by_time{true};   // asynchronous: a lapsed lease is such a proof
  WithoutAckers without_ackers{WithoutAckers::FailOver};
  std::chrono::milliseconds read_lag_cap{std::chrono::minutes(1)};  // beyond it no reads; 0: none
  Hooks hooks{};
  friend bool operator==(const OrchestratorSpec&, const OrchestratorSpec&) = default;
};

// Generated: one per VM.
struct InstanceSpec {
  std::string cluster{};
  std::string flavor{};
  std::string version{};
  int64_t volume_gib{0};
  std::string volume_type{};
  std::string address{};
  uint32_t server_id{0};
  friend bool operator==(const InstanceSpec&, const InstanceSpec&) = default;
};

// Generated: the cluster's DNS endpoint as it should be.
struct ConnectorSpec {
  std::string owner{};  // the MySQL it belongs to
  std::string rw{};     // name
  std::string rw_ip{};
  std::string ro{};
  std::vector<std::string> ro_ips{};
  friend bool operator==(const ConnectorSpec&, const ConnectorSpec&) = default;
};

using Spec =
    std::variant<MysqlSpec, MysqlConfigSpec, OrchestratorSpec, InstanceSpec, ConnectorSpec>;

// The order of Spec's alternatives.
enum class Kind { Mysql, MysqlConfig, Orchestrator, Instance, Connector };
std::string_view to_string(Kind kind);           // "MySQL", "MysqlConfig", ...
Result<Kind> parse_kind(std::string_view text);  // exact; the hint names the nearest

struct ResourceKey {
  Kind kind{Kind::Mysql};
  std::string name_space{};
  std::string name{};
  [[nodiscard]] std::string str() const;  // "MySQL default/demo"
  friend auto operator<=>(const ResourceKey&, const ResourceKey&) = default;
};

struct Resource {
  ResourceKey key{};
  std::string uid{};      // another one of the same name later has another uid
  int64_t generation{1};  // grows with each change of the spec
  WallTime created{};
  bool deleting{false};
  Spec spec{};
  friend bool operator==(const Resource&, const Resource&) = default;
};

}  // namespace cdb::coordinator
