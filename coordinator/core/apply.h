#pragma once
// Whether what a person applies can be had, and what it changes. All or nothing: any error refuses
// the whole of it. Pure.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/apply_policy.h"
#include "coordinator/core/flavors.h"
#include "coordinator/core/state.h"
#include "lib/model/mysql_version.h"

namespace cdb::coordinator {

// The machine that a cluster's nodes get.
struct Sizing {
  Flavor flavor{};
  std::string disk_kind{};
  uint64_t disk_bytes{0};
};

// What is wrong with these settings on such a server; `field` is the setting's name as written.
using SettingsCheck = std::function<std::vector<FieldError>(
    const model::MysqlVersion&, const Sizing&, const std::map<std::string, std::string>&)>;

struct ApplyContext {
  const std::map<ResourceKey, Resource>& existing;
  const std::map<model::ClusterId, ClusterRow>& clusters;
  const std::vector<Flavor>& flavors;
  const std::vector<model::MysqlVersion>& versions;  // installed
  const SettingsCheck& check_settings;
  HookCheck check_hook{};
};

struct PlannedResource {
  Resource resource{};  // as it will be stored; uid empty when it is new
  bool created{false};
  bool changed{false};
  std::optional<OperationKind> operation{};
  std::optional<model::MysqlVersion> version{};  // of a MySQL: what it runs or will be built with
  std::vector<std::string> warnings{};
};

// In the order of `wanted`. Invalid with fields "resources[i]...." otherwise.
Result<std::vector<PlannedResource>> plan_apply(const ApplyContext& context,
                                                const std::vector<Resource>& wanted);

// The newest installed version that "5", "8.0" or "9.7.4" may mean; empty text: the newest of all.
// The error lists what is installed.
Result<model::MysqlVersion> pick_version(const std::vector<model::MysqlVersion>& installed,
                                         const std::string& wanted);

const Flavor* find_flavor(const std::vector<Flavor>& flavors, const std::string& name);
// NotFound where the flavor is not there any more.
Result<Sizing> sizing_of(const std::vector<Flavor>& flavors, const MysqlSpec& spec);

// Whether a cluster of this version and policy waits for acknowledgements.
bool is_lossless(const model::MysqlVersion& version, const OrchestratorSpec& policy);

}  // namespace cdb::coordinator
