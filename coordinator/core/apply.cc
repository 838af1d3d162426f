#include "coordinator/core/apply.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

using model::ClusterId;
using model::MysqlVersion;

constexpr int kMostReplicas = 8;
constexpr int64_t kMostGib = 65536;  // 64 TiB
constexpr uint64_t kGiB = uint64_t{1} << 30;

// "8" and "8.0.36" agree, "8.0" and "8.4" do not.
bool agree(const std::string& a, const std::string& b) {
  const auto parts_a = split(a, '.');
  const auto parts_b = split(b, '.');
  return std::equal(parts_a.begin(),
                    parts_a.begin() + static_cast<long>(std::min(parts_a.size(), parts_b.size())),
                    parts_b.begin());
}

bool is_storage_kind(const std::string& kind) {
  return kind == "hdd" || kind == "ssd" || kind == "nvme";
}

bool is_storage_size(int64_t gib) {
  return gib >= 0 && gib <= kMostGib;
}

std::string installed_text(const std::vector<MysqlVersion>& installed) {
  std::vector<std::string> names;
  for (const auto& version : installed)
    names.push_back(version.str());
  return names.empty() ? "no MySQL is installed here" : "installed are " + join(names, ", ");
}

// Checks one apply; collects every error.
class Plan {
 public:
  Plan(const ApplyContext& context, const std::vector<Resource>& wanted)
      : context_(context), wanted_(wanted) {}

  Result<std::vector<PlannedResource>> make() {
    for (size_t i = 0; i < wanted_.size(); ++i)
      check_key(i);
    for (size_t i = 0; i < wanted_.size(); ++i) {
      PlannedResource planned = against_existing(i);
      if (const auto* mysql = std::get_if<MysqlSpec>(&wanted_[i].spec))
        plan_mysql(i, *mysql, planned);
      if (const auto* config = std::get_if<MysqlConfigSpec>(&wanted_[i].spec))
        plan_config(i, *config, planned);
      if (const auto* policy = std::get_if<OrchestratorSpec>(&wanted_[i].spec))
        plan_policy(i, *policy, planned);
      planned_.push_back(std::move(planned));
    }
    if (!errors_.empty()) return invalid_fields(std::move(errors_));
    return std::move(planned_);
  }

 private:
  void wrong(size_t i, const std::string& field, std::string message, std::string hint = {}) {
    errors_.push_back(
        {fmt::format("resources[{}].{}", i, field), std::move(message), std::move(hint)});
  }

  void check_key(size_t i) {
    const ResourceKey& key = wanted_[i].key;
    constexpr const char* kLabelHint = "use 1 to 40 of a-z, 0-9 and '-', with no '-' at either end";
    if (!is_dns_label(key.name)) {
      wrong(i, "metadata.name", "'" + key.name + "' cannot be a part of a DNS name", kLabelHint);
    }
    if (!is_dns_label(key.name_space)) {
      wrong(i, "metadata.namespace", "'" + key.name_space + "' cannot be a part of a DNS name",
            kLabelHint);
    }
    if (key.kind == Kind::Instance || key.kind == Kind::Connector) {
      wrong(i, "kind", std::string(to_string(key.kind)) + " is written by the system only",
            "apply the MySQL that it belongs to");
    }
    for (size_t other = 0; other < i; ++other) {
      if (wanted_[other].key == key) {
        wrong(i, "metadata.name", fmt::format("{} is named twice in one apply", key.str()),
              "keep one of the two documents");
      }
    }
  }

  PlannedResource against_existing(size_t i) {
    PlannedResource planned;
    planned.resource = wanted_[i];
    planned.created = true;
    planned.changed = true;
    const auto found = context_.existing.find(wanted_[i].key);
    if (found == context_.existing.end()) return planned;
    if (found->second.deleting) {
      wrong(i, "metadata.name", wanted_[i].key.str() + " is being deleted",
            "wait until it is gone, or use another name");
    }
    planned.created = false;
    planned.changed = !(found->second.spec == wanted_[i].spec);
    planned.resource = found->second;
    if (planned.changed) {
      planned.resource.spec = wanted_[i].spec;
      ++planned.resource.generation;
    }
    return planned;
  }

  // The spec of that kind and cluster as it will be after this apply.
  template <typename T>
  const T* after(Kind kind, const ResourceKey& cluster) const {
    const ResourceKey key{kind, cluster.name_space, cluster.name};
    for (const Resource& resource : wanted_) {
      if (resource.key == key) return std::get_if<T>(&resource.spec);
    }
    const auto found = context_.existing.find(key);
    return found == context_.existing.end() ? nullptr : std::get_if<T>(&found->second.spec);
  }

  const Resource* before(Kind kind, const ResourceKey& cluster) const {
    const auto found = context_.existing.find({kind, cluster.name_space, cluster.name});
    return found == context_.existing.end() ? nullptr : &found->second;
  }

  bool is_wanted(Kind kind, const ResourceKey& cluster) const {
    return std::any_of(wanted_.begin(), wanted_.end(), [&](const Resource& resource) {
      return resource.key == ResourceKey{kind, cluster.name_space, cluster.name};
    });
  }

  // The version that the cluster runs, or will be built with.
  Result<MysqlVersion> version_for(const ResourceKey& key, const std::string& asked) const {
    const auto row = context_.clusters.find(ClusterId{key.name_space, key.name});
    if (row != context_.clusters.end() && !row->second.members.empty()) {
      const std::string& running = row->second.members.begin()->second.version;
      if (!asked.empty() && !agree(asked, running)) {
        return invalid(fmt::format("{} runs MySQL {}, not {}", key.str(), running, asked),
                       "a version cannot be changed in place yet");
      }
      return MysqlVersion::parse(running);
    }
    return pick_version(context_.versions, asked);
  }

  // What can be said of the spec alone. False where something is wrong with it.
  bool check_spec(size_t i, const MysqlSpec& spec) {
    const size_t errors = errors_.size();
    if (find_flavor(context_.flavors, spec.flavor) == nullptr) unknown_flavor(i, spec.flavor);
    if (spec.replica < 0 || spec.replica > kMostReplicas) {
      wrong(i, "spec.replica",
            fmt::format("replica must be 0 to {}, not {}", kMostReplicas, spec.replica),
            "it is the number of nodes beside the primary");
    }
    if (!is_storage_kind(spec.storage_kind)) {
      wrong(i, "spec.storage.kind", "unknown storage kind '" + spec.storage_kind + "'",
            "use hdd, ssd or nvme");
    }
    if (!is_storage_size(spec.storage_gib)) {
      wrong(i, "spec.storage.size_gib",
            fmt::format("size_gib must be 0 to {}, not {}", kMostGib, spec.storage_gib),
            "it is in GiB; leave it out for the flavor's disk");
    }
    return errors_.size() == errors;
  }

  // With what cannot be had, and is refused elsewhere, replaced: what is left of the settings'
  // faults shall be said in the same answer. The largest flavor refuses least.
  MysqlSpec assumed(MysqlSpec spec) const {
    if (!is_storage_kind(spec.storage_kind)) spec.storage_kind = MysqlSpec{}.storage_kind;
    if (!is_storage_size(spec.storage_gib)) spec.storage_gib = 0;
    if (find_flavor(context_.flavors, spec.flavor) != nullptr || context_.flavors.empty()) {
      return spec;
    }
    spec.flavor = std::max_element(context_.flavors.begin(), context_.flavors.end(),
                                   [](const Flavor& a, const Flavor& b) {
                                     return a.memory_bytes < b.memory_bytes;
                                   })
                      ->name;
    return spec;
  }

  void plan_mysql(size_t i, const MysqlSpec& spec, PlannedResource& planned) {
    const ResourceKey& key = wanted_[i].key;
    const bool sound = check_spec(i, spec);
    const auto* config = after<MysqlConfigSpec>(Kind::MysqlConfig, key);
    std::string asked = spec.version;
    if (config != nullptr && !config->engine_version.empty()) {
      if (!asked.empty() && !agree(asked, config->engine_version)) {
        wrong(i, "spec.version",
              fmt::format("version {} and the MysqlConfig's engine_version {} do not agree", asked,
                          config->engine_version),
              "state the version once, or the same in both");
        return;
      }
      if (config->engine_version.size() > asked.size()) asked = config->engine_version;
    }
    const auto version = version_for(key, asked);
    if (!version) {
      // Said once, where the version that counts is written.
      const bool elsewhere = asked != spec.version && is_wanted(Kind::MysqlConfig, key);
      if (!elsewhere) wrong(i, "spec.version", version.error().message, version.error().hint);
      return;
    }
    planned.version = *version;
    warn_about_protection(key, spec, *version, planned);
    // What the settings need of a machine that cannot be had would only be said twice.
    if (sound && !is_wanted(Kind::MysqlConfig, key)) {
      check_settings(i, *version, spec,
                     config == nullptr ? std::map<std::string, std::string>{} : config->settings,
                     "spec.flavor");
    }
    if (planned.created) {
      planned.operation = OperationKind::Create;
    } else if (planned.changed && sound) {
      plan_change(i, std::get<MysqlSpec>(before(Kind::Mysql, key)->spec), spec, planned);
    }
  }

  void unknown_flavor(size_t i, const std::string& name) {
    std::vector<std::string> names;
    for (const Flavor& flavor : context_.flavors)
      names.push_back(flavor.name);
    const std::string meant = nearest(name, names);
    if (name.empty()) {
      wrong(i, "spec.flavor", "a flavor is needed", "one of " + join(names, ", "));
    } else {
      wrong(i, "spec.flavor", "unknown flavor '" + name + "'",
            (meant.empty() ? "" : "did you mean " + meant + "? ") +
                ("there are " + join(names, ", ")));
    }
  }

  void plan_change(size_t i, const MysqlSpec& old, const MysqlSpec& now, PlannedResource& planned) {
    if (old.flavor != now.flavor) {
      wrong(i, "spec.flavor",
            fmt::format("the flavor of an existing cluster cannot be changed yet ({} to {})",
                        old.flavor, now.flavor),
            "create a cluster of the new flavor and move the data");
    }
    if (old.storage_kind != now.storage_kind || old.storage_gib != now.storage_gib) {
      wrong(i, "spec.storage", "the storage of an existing cluster cannot be changed yet",
            "create a cluster with the new storage and move the data");
    }
    if (now.replica < old.replica) {
      wrong(i, "spec.replica",
            fmt::format("replicas cannot be taken away yet ({} to {})", old.replica, now.replica),
            "keep the number, or create a smaller cluster and move the data");
    }
    if (now.replica > old.replica) planned.operation = OperationKind::Scale;
  }

  void warn_about_protection(const ResourceKey& key, const MysqlSpec& spec,
                             const MysqlVersion& version, PlannedResource& planned) const {
    const auto* policy = after<OrchestratorSpec>(Kind::Orchestrator, key);
    const bool lossless = is_lossless(version, policy == nullptr ? OrchestratorSpec{} : *policy);
    if (spec.replica == 0) {
      planned.warnings.emplace_back("replica: 0 is a single node: nothing takes over when it dies");
    } else if (!lossless) {
      planned.warnings.emplace_back(
          "replication is asynchronous: a failover may lose the last transactions, and says how "
          "many");
    } else if (spec.replica == 1) {
      planned.warnings.emplace_back(
          "replica: 1 has a single acker: with it and the coordinator both gone, writes wait");
    }
  }

  void check_settings(size_t i, const MysqlVersion& version, const MysqlSpec& spec,
                      const std::map<std::string, std::string>& settings,
                      const std::string& whole) {
    const auto sizing = sizing_of(context_.flavors, spec);
    if (!sizing) return;  // the flavor was refused already
    for (FieldError& error : context_.check_settings(version, *sizing, settings)) {
      const bool named = !error.field.empty() && whole == "spec.settings";
      wrong(i, named ? "spec.settings." + error.field : whole, std::move(error.message),
            std::move(error.hint));
    }
  }

  void plan_config(size_t i, const MysqlConfigSpec& spec, PlannedResource& planned) {
    const ResourceKey& key = wanted_[i].key;
    const auto* mysql = after<MysqlSpec>(Kind::Mysql, key);
    const std::string asked =
        mysql != nullptr && spec.engine_version.empty() ? mysql->version : spec.engine_version;
    const auto version = version_for(key, asked);
    if (!version) {
      // Said once, where the MySQL itself is refused for it.
      const bool said =
          is_wanted(Kind::Mysql, key) && spec.engine_version.size() <= mysql->version.size();
      if (!said) wrong(i, "spec.engine_version", version.error().message, version.error().hint);
      return;
    }
    // Without its MySQL the size is not known.
    check_settings(i, *version, assumed(mysql == nullptr ? MysqlSpec{} : *mysql), spec.settings,
                   "spec.settings");
    const Resource* cluster = before(Kind::Mysql, key);
    if (planned.changed && cluster != nullptr && !cluster->deleting) {
      planned.operation = OperationKind::Reconfigure;
    }
  }

  void plan_policy(size_t i, const OrchestratorSpec& policy, PlannedResource& planned) {
    const ResourceKey& key = wanted_[i].key;
    const auto* mysql = after<MysqlSpec>(Kind::Mysql, key);
    PolicyCheck check = check_policy(
        key.name, policy, mysql == nullptr ? std::nullopt : std::optional(mysql->replica),
        context_.check_hook);
    for (FieldError& error : check.errors)
      wrong(i, error.field, std::move(error.message), std::move(error.hint));
    planned.warnings.insert(planned.warnings.end(), check.warnings.begin(), check.warnings.end());
    if (mysql == nullptr || policy.durability != Durability::Lossless) return;
    const auto* config = after<MysqlConfigSpec>(Kind::MysqlConfig, key);
    const auto version = version_for(
        key, mysql->version.empty() && config != nullptr ? config->engine_version : mysql->version);
    if (version && !version->has_lossless_semisync()) {
      wrong(i, "spec.durability",
            "MySQL " + version->str() +
                " cannot be lossless: it acknowledges after the commit is visible",
            "use durability: asynchronous, or MySQL 5.7 or later");
    }
  }

  const ApplyContext& context_;
  const std::vector<Resource>& wanted_;
  std::vector<FieldError> errors_{};
  std::vector<PlannedResource> planned_{};
};

}  // namespace

Result<std::vector<PlannedResource>> plan_apply(const ApplyContext& context,
                                                const std::vector<Resource>& wanted) {
  return Plan(context, wanted).make();
}

Result<MysqlVersion> pick_version(const std::vector<MysqlVersion>& installed,
                                  const std::string& wanted) {
  const MysqlVersion* best = nullptr;
  if (!wanted.empty())
    CDB_TRY([&]() -> Status {
      const auto parsed = MysqlVersion::parse(wanted);
      return parsed ? Status{} : Status{parsed.error()};
    }());
  for (const MysqlVersion& version : installed) {
    if (!wanted.empty() && !agree(wanted, version.str())) continue;
    if (best == nullptr || *best < version) best = &version;
  }
  if (best != nullptr) return *best;
  return invalid(
      wanted.empty() ? "no MySQL is installed here" : "MySQL " + wanted + " is not installed here",
      installed_text(installed));
}

const Flavor* find_flavor(const std::vector<Flavor>& flavors, const std::string& name) {
  const auto found = std::find_if(flavors.begin(), flavors.end(),
                                  [&](const Flavor& flavor) { return flavor.name == name; });
  return found == flavors.end() ? nullptr : &*found;
}

Result<Sizing> sizing_of(const std::vector<Flavor>& flavors, const MysqlSpec& spec) {
  const Flavor* flavor = find_flavor(flavors, spec.flavor);
  if (flavor == nullptr) return not_found("no flavor '" + spec.flavor + "'");
  const uint64_t disk =
      spec.storage_gib > 0 ? static_cast<uint64_t>(spec.storage_gib) * kGiB : flavor->disk_bytes;
  return Sizing{*flavor, spec.storage_kind, disk};
}

bool is_lossless(const MysqlVersion& version, const OrchestratorSpec& policy) {
  return version.has_lossless_semisync() && policy.durability != Durability::Asynchronous;
}

}  // namespace cdb::coordinator
