#include "coordinator/convert/resource_convert.h"

#include <array>
#include <charconv>
#include <set>
#include <string>
#include <utility>

#include <google/protobuf/timestamp.pb.h>

#include "cdb/v1/operations.pb.h"
#include "cdb/v1/resources.pb.h"
#include "lib/base/duration.h"
#include "lib/base/text.h"
#include "proto/convert/node_wire.h"

// Each to_proto() takes its value apart by name: a field that is added to a value and forgotten
// here does not compile.

namespace cdb::coordinator {
namespace {

constexpr size_t kLongestQuote = 200;
constexpr size_t kLongestInstanceName = 63;  // a cluster's name of 40 with an ordinal

constexpr const char* kNever = "never";

std::string quoted(const std::string& text) {
  return "'" + to_utf8(text, kLongestQuote) + "'";
}
std::string free_text(const std::string& text) {
  return to_utf8(text, wire::kLongestText);
}

v1::MysqlSpec spec_message(const MysqlSpec& spec) {
  const auto& [flavor, replica, storage_kind, storage_gib, version] = spec;
  v1::MysqlSpec message;
  message.set_flavor(flavor);
  message.set_replica(replica);
  message.mutable_storage()->set_kind(storage_kind);
  message.mutable_storage()->set_size_gib(storage_gib);
  message.set_version(version);
  return message;
}

v1::MysqlConfigSpec spec_message(const MysqlConfigSpec& spec) {
  const auto& [engine_version, settings] = spec;
  v1::MysqlConfigSpec message;
  message.set_engine_version(engine_version);
  message.mutable_settings()->insert(settings.begin(), settings.end());
  return message;
}

v1::AntiFlap part_message(const AntiFlap& anti_flap) {
  const auto& [failovers, window] = anti_flap;
  v1::AntiFlap message;
  message.set_failovers(failovers);
  message.set_window(duration_text(window));
  return message;
}

v1::Hooks part_message(const Hooks& hooks) {
  const auto& [before, after, deadline] = hooks;
  v1::Hooks message;
  message.mutable_before()->Assign(before.begin(), before.end());
  message.mutable_after()->Assign(after.begin(), after.end());
  message.set_deadline(duration_text(deadline));
  return message;
}

v1::OrchestratorSpec spec_message(const OrchestratorSpec& spec) {
  const auto& [durability, paused, never_promote, dns_ttl_s, acks, heartbeat, ttl, priority, zones,
               acks_from_other_zone, candidate_from_same_zone, anti_flap, wait_for_proof,
               fence_by_time, without_ackers, read_lag_cap, hooks] = spec;
  v1::OrchestratorSpec message;
  if (durability) message.set_durability(std::string(to_string(*durability)));
  message.set_paused(paused);
  for (const std::string& node : never_promote)
    (*message.mutable_promotion())[node] = kNever;
  for (const auto& [node, preference] : priority)
    (*message.mutable_promotion())[node] = std::to_string(preference);
  message.mutable_zones()->insert(zones.begin(), zones.end());
  message.set_dns_ttl(dns_ttl_s);
  message.set_acks(acks);
  message.set_heartbeat(duration_text(heartbeat));
  message.set_ttl(duration_text(ttl));
  message.set_acker_zone(acks_from_other_zone ? "other" : "any");
  message.set_candidate_zone(candidate_from_same_zone ? "same" : "any");
  *message.mutable_anti_flap() = part_message(anti_flap);
  message.set_wait_for_proof(wait_for_proof);
  message.set_fence_by_time(fence_by_time);
  message.set_without_ackers(std::string(to_string(without_ackers)));
  message.set_read_lag_cap(duration_text(read_lag_cap));
  *message.mutable_hooks() = part_message(hooks);
  return message;
}

v1::InstanceSpec spec_message(const InstanceSpec& spec) {
  const auto& [cluster, flavor, version, volume_gib, volume_type, address, server_id] = spec;
  v1::InstanceSpec message;
  message.set_cluster(cluster);
  message.set_flavor(flavor);
  message.set_version(version);
  message.mutable_data_volume()->set_size(volume_gib);
  message.mutable_data_volume()->set_volume_type(volume_type);
  message.set_address(address);
  message.set_server_id(server_id);
  return message;
}

v1::ConnectorSpec spec_message(const ConnectorSpec& spec) {
  const auto& [owner, rw, rw_ip, ro, ro_ips] = spec;
  v1::ConnectorSpec message;
  message.set_owner(owner);
  message.set_rw(rw);
  message.set_rw_ip(rw_ip);
  message.set_ro(ro);
  for (const std::string& ip : ro_ips)
    message.add_ro_ips(ip);
  return message;
}

// Reads one resource and gathers all that is wrong with it.
class ResourceReader {
 public:
  explicit ResourceReader(const v1::Resource& message) : message_(message) {}

  Resource read() {
    Resource resource;
    read_key(resource.key);
    const v1::Metadata& metadata = message_.metadata();
    resource.uid = metadata.uid();
    resource.generation = metadata.generation();
    if (metadata.has_created()) {
      take("metadata.created", from_proto(metadata.created()), resource.created);
    }
    resource.deleting = metadata.deleting();
    resource.spec = read_spec(resource.key.kind);
    return resource;
  }
  std::vector<FieldError> errors() && { return std::move(errors_); }

 private:
  void wrong(std::string field, std::string message, std::string hint = {}) {
    errors_.push_back({std::move(field), std::move(message), std::move(hint)});
  }
  template <typename T, typename To>
  bool take(const char* field, Result<T> parsed, To& to) {
    if (parsed) {
      to = std::move(parsed).value();
    } else {
      wrong(field, to_utf8(parsed.error().message, kLongestQuote), parsed.error().hint);
    }
    return parsed.ok();
  }

  void read_key(ResourceKey& key) {
    if (message_.api_version() != kApiVersion) {
      wrong("api_version", quoted(message_.api_version()) + " is not known",
            "write " + std::string(kApiVersion));
    }
    kind_known_ = take("kind", parse_kind(message_.kind()), key.kind);
    const v1::Metadata& metadata = message_.metadata();
    key.name = metadata.name();
    key.name_space = metadata.namespace_().empty() ? "default" : metadata.namespace_();
    const bool instance = kind_known_ && key.kind == Kind::Instance;
    if (!is_dns_label(key.name, instance ? kLongestInstanceName : 40)) {
      wrong("metadata.name", quoted(key.name) + " is not a name", kNameHint);
    }
    if (!is_dns_label(key.name_space)) {
      wrong("metadata.namespace", quoted(key.name_space) + " is not a name", kNameHint);
    }
  }

  // No spec at all is an empty one.
  Spec read_spec(Kind kind) {
    if (!kind_known_) return {};
    constexpr std::array cases{v1::Resource::kMysql, v1::Resource::kMysqlConfig,
                               v1::Resource::kOrchestrator, v1::Resource::kInstance,
                               v1::Resource::kConnector};
    const auto given = message_.spec_case();
    if (given != v1::Resource::SPEC_NOT_SET && given != cases.at(static_cast<size_t>(kind))) {
      wrong("spec", "belongs to another kind than " + std::string(to_string(kind)));
      return {};
    }
    switch (kind) {
      case Kind::Mysql: return read_mysql(message_.mysql());
      case Kind::MysqlConfig: return read_mysql_config(message_.mysql_config());
      case Kind::Orchestrator: return read_orchestrator(message_.orchestrator());
      case Kind::Instance: return read_instance(message_.instance());
      case Kind::Connector: return read_connector(message_.connector());
    }
    return {};
  }

  MysqlSpec read_mysql(const v1::MysqlSpec& message) {
    MysqlSpec spec{.flavor = message.flavor(),
                   .replica = message.replica(),
                   .storage_gib = message.storage().size_gib(),
                   .version = message.version()};
    if (!message.storage().kind().empty()) spec.storage_kind = message.storage().kind();
    const std::string& engine = message.engine_version();
    if (spec.version.empty()) {
      spec.version = engine;
    } else if (!engine.empty() && engine != spec.version) {
      wrong("spec.engine_version",
            quoted(engine) + " contradicts spec.version " + quoted(spec.version),
            "both mean the same: give one of them");
    }
    return spec;
  }

  static MysqlConfigSpec read_mysql_config(const v1::MysqlConfigSpec& message) {
    return {.engine_version = message.engine_version(),
            .settings = {message.settings().begin(), message.settings().end()}};
  }

  void take_duration(const char* field, const std::string& text, std::chrono::milliseconds& to) {
    if (text.empty()) return;
    Duration duration{};
    if (take(field, parse_duration(text), duration)) {
      to = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
    }
  }

  // One of two words, or nothing for what it is already.
  void take_choice(const char* field, const std::string& word, const char* yes, const char* no,
                   bool& to) {
    if (word.empty()) return;
    to = word == yes;
    if (word != yes && word != no) {
      wrong(field, quoted(word) + " is not known", std::string("write ") + yes + " or " + no);
    }
  }

  void read_promotion(const v1::OrchestratorSpec& message, OrchestratorSpec& spec) {
    std::set<std::string> never(message.never_promote().begin(), message.never_promote().end());
    for (const auto& [node, word] : message.promotion()) {
      int preference = 0;
      const char* end = word.data() + word.size();
      const auto parsed = std::from_chars(word.data(), end, preference);
      if (word == kNever) {
        never.insert(node);
      } else if (parsed.ec == std::errc{} && parsed.ptr == end) {
        spec.priority[node] = preference;
      } else {
        wrong("spec.promotion." + to_utf8(node, kLongestQuote),
              quoted(word) + " is no preference for a promotion",
              "write -100 to 100, the higher the more preferred, or never");
      }
    }
    for (const std::string& node : never) {
      if (spec.priority.erase(node) > 0) {
        wrong("spec.never_promote", quoted(node) + " has a priority too", "keep one of the two");
      }
    }
    spec.never_promote = {never.begin(), never.end()};
  }

  OrchestratorSpec read_orchestrator(const v1::OrchestratorSpec& message) {
    OrchestratorSpec spec{.paused = message.paused(),
                          .zones = {message.zones().begin(), message.zones().end()}};
    if (!message.durability().empty()) {
      take("spec.durability", parse_durability(message.durability()), spec.durability);
    }
    read_promotion(message, spec);
    if (message.dns_ttl() != 0) spec.dns_ttl_s = message.dns_ttl();
    if (message.acks() != 0) spec.acks = message.acks();
    take_duration("spec.heartbeat", message.heartbeat(), spec.heartbeat);
    take_duration("spec.ttl", message.ttl(), spec.ttl);
    take_choice("spec.acker_zone", message.acker_zone(), "other", "any", spec.acks_from_other_zone);
    take_choice("spec.candidate_zone", message.candidate_zone(), "same", "any",
                spec.candidate_from_same_zone);
    const v1::AntiFlap& anti_flap = message.anti_flap();
    if (anti_flap.failovers() != 0) spec.anti_flap.failovers = anti_flap.failovers();
    take_duration("spec.anti_flap.window", anti_flap.window(), spec.anti_flap.window);
    if (message.has_wait_for_proof()) spec.wait_for_proof = message.wait_for_proof();
    if (message.has_fence_by_time()) spec.fence_by_time = message.fence_by_time();
    if (!message.without_ackers().empty()) {
      take("spec.without_ackers", parse_without_ackers(message.without_ackers()),
           spec.without_ackers);
    }
    take_duration("spec.read_lag_cap", message.read_lag_cap(), spec.read_lag_cap);
    spec.hooks.before = {message.hooks().before().begin(), message.hooks().before().end()};
    spec.hooks.after = {message.hooks().after().begin(), message.hooks().after().end()};
    take_duration("spec.hooks.deadline", message.hooks().deadline(), spec.hooks.deadline);
    return spec;
  }

  static InstanceSpec read_instance(const v1::InstanceSpec& message) {
    return {.cluster = message.cluster(),
            .flavor = message.flavor(),
            .version = message.version(),
            .volume_gib = message.data_volume().size(),
            .volume_type = message.data_volume().volume_type(),
            .address = message.address(),
            .server_id = message.server_id()};
  }

  static ConnectorSpec read_connector(const v1::ConnectorSpec& message) {
    return {.owner = message.owner(),
            .rw = message.rw(),
            .rw_ip = message.rw_ip(),
            .ro = message.ro(),
            .ro_ips = {message.ro_ips().begin(), message.ro_ips().end()}};
  }

  static constexpr const char* kNameHint =
      "lower case letters, digits and dashes, at most 40, no dash at either end";

  const v1::Resource& message_;
  bool kind_known_{false};
  std::vector<FieldError> errors_{};
};

v1::OperationStep step_message(const OperationStep& step) {
  const auto& [name, state, detail, started, finished] = step;
  v1::OperationStep message;
  message.set_name(name);
  message.set_state(std::string(to_string(state)));
  message.set_detail(free_text(detail));
  if (started) *message.mutable_started() = to_proto(*started);
  if (finished) *message.mutable_finished() = to_proto(*finished);
  return message;
}

}  // namespace

google::protobuf::Timestamp to_proto(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  google::protobuf::Timestamp message;
  message.set_seconds(seconds.time_since_epoch().count());
  message.set_nanos(static_cast<int32_t>(std::chrono::nanoseconds(time - seconds).count()));
  return message;
}

Result<WallTime> from_proto(const google::protobuf::Timestamp& time) {
  constexpr int64_t kFirst = -62'135'596'800;  // 0001-01-01T00:00:00Z
  constexpr int64_t kLast = 253'402'300'799;   // 9999-12-31T23:59:59Z
  if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return invalid("not a point in time");
  }
  return WallTime(std::chrono::seconds(time.seconds()) +
                  std::chrono::microseconds(time.nanos() / 1000));
}

v1::Resource to_proto(const Resource& resource) {
  const auto& [key, uid, generation, created, deleting, spec] = resource;
  v1::Resource message;
  message.set_api_version(kApiVersion);
  message.set_kind(std::string(to_string(key.kind)));
  v1::Metadata& metadata = *message.mutable_metadata();
  metadata.set_name(key.name);
  metadata.set_namespace_(key.name_space);
  metadata.set_uid(uid);
  metadata.set_generation(generation);
  if (created != WallTime{}) *metadata.mutable_created() = to_proto(created);
  metadata.set_deleting(deleting);
  switch (key.kind) {
    case Kind::Mysql: *message.mutable_mysql() = spec_message(std::get<MysqlSpec>(spec)); break;
    case Kind::MysqlConfig:
      *message.mutable_mysql_config() = spec_message(std::get<MysqlConfigSpec>(spec));
      break;
    case Kind::Orchestrator:
      *message.mutable_orchestrator() = spec_message(std::get<OrchestratorSpec>(spec));
      break;
    case Kind::Instance:
      *message.mutable_instance() = spec_message(std::get<InstanceSpec>(spec));
      break;
    case Kind::Connector:
      *message.mutable_connector() = spec_message(std::get<ConnectorSpec>(spec));
      break;
  }
  return message;
}

Result<Resource> from_proto(const v1::Resource& message) {
  ResourceReader reader(message);
  Resource resource = reader.read();
  std::vector<FieldError> errors = std::move(reader).errors();
  if (!errors.empty()) return invalid_fields(std::move(errors));
  return resource;
}

Result<std::vector<Resource>> from_proto(const v1::ApplyRequest& message) {
  std::vector<Resource> resources;
  std::vector<FieldError> errors;
  for (int i = 0; i < message.resources_size(); ++i) {
    ResourceReader reader(message.resources(i));
    resources.push_back(reader.read());
    for (FieldError& error : std::move(reader).errors()) {
      error.field.insert(0, "resources[" + std::to_string(i) + "].");
      errors.push_back(std::move(error));
    }
  }
  if (!errors.empty()) return invalid_fields(std::move(errors));
  return resources;
}

v1::Operation to_proto(const Operation& operation) {
  const auto& [id, kind, cluster, state, steps, problem, hint, arguments, epoch, created,
               finished] = operation;
  static_cast<void>(epoch);  // for the engine alone
  v1::Operation message;
  message.set_id(id.str());
  message.set_kind(std::string(to_string(kind)));
  *message.mutable_cluster() = wire::to_wire(cluster);
  message.set_state(std::string(to_string(state)));
  for (const OperationStep& step : steps)
    *message.add_steps() = step_message(step);
  message.set_problem(free_text(problem));
  message.set_hint(free_text(hint));
  for (const auto& [name, value] : arguments) {
    (*message.mutable_arguments())[name] = free_text(value);
  }
  *message.mutable_created() = to_proto(created);
  if (finished) *message.mutable_finished() = to_proto(*finished);
  return message;
}

v1::Event to_proto(const Event& event) {
  const auto& [sequence, time, cluster, node, type, severity, text] = event;
  v1::Event message;
  message.set_sequence(sequence);
  *message.mutable_time() = to_proto(time);
  *message.mutable_cluster() = wire::to_wire(cluster);
  message.set_node(node);
  message.set_type(type);
  message.set_severity(std::string(to_string(severity)));
  message.set_message(free_text(text));
  return message;
}

}  // namespace cdb::coordinator
