#pragma once
// The declared resources as values: what a person wrote (specs), by kind. Status is computed, never
// stored with them. Pure.

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

struct OrchestratorSpec {
  std::optional<Durability> durability{};    // none: lossless where the version can
  bool paused{false};                        // no automatic failover
  std::vector<std::string> never_promote{};  // node names
  int dns_ttl_s{5};
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
