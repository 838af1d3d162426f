#include "coordinator/adapters/state_codec.h"

#include <chrono>
#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

namespace cdb::coordinator {
namespace {

using Json = nlohmann::json;

// One list of fields for each value, for writing and reading alike. The values are taken apart by
// name: a field that is added to a value and forgotten here does not compile. What older states do
// not have yet is a later() field: where it is missing it keeps its initial value.

template <typename Value, typename T>
concept Of = std::same_as<std::remove_const_t<Value>, T>;

template <typename Archive>
void fields(Archive& archive, Of<model::RecordVersion> auto& value) {
  auto& [epoch, version] = value;
  archive("epoch", epoch);
  archive("version", version);
}

template <typename Archive>
void fields(Archive& archive, Of<model::ClusterId> auto& value) {
  auto& [name_space, name] = value;
  archive("namespace", name_space);
  archive("name", name);
}

template <typename Archive>
void fields(Archive& archive, Of<model::NodeId> auto& value) {
  auto& [cluster, node] = value;
  archive("cluster", cluster);
  archive("node", node);
}

template <typename Archive>
void fields(Archive& archive, Of<model::Credentials> auto& value) {
  auto& [root, agent, replication, app] = value;
  archive("root", root);
  archive("agent", agent);
  archive("replication", replication);
  archive("app", app);
}

template <typename Archive>
void fields(Archive& archive, Of<MysqlSpec> auto& value) {
  auto& [flavor, replica, storage_kind, storage_gib, version] = value;
  archive("flavor", flavor);
  archive("replica", replica);
  archive("storage_kind", storage_kind);
  archive("storage_gib", storage_gib);
  archive("version", version);
}

template <typename Archive>
void fields(Archive& archive, Of<MysqlConfigSpec> auto& value) {
  auto& [engine_version, settings] = value;
  archive("engine_version", engine_version);
  archive("settings", settings);
}

template <typename Archive>
void fields(Archive& archive, Of<AntiFlap> auto& value) {
  auto& [failovers, window] = value;
  archive("failovers", failovers);
  archive("window_ms", window);
}

template <typename Archive>
void fields(Archive& archive, Of<Hooks> auto& value) {
  auto& [before, after, deadline] = value;
  archive("before", before);
  archive("after", after);
  archive("deadline_ms", deadline);
}

template <typename Archive>
void fields(Archive& archive, Of<OrchestratorSpec> auto& value) {
  auto& [durability, paused, never_promote, dns_ttl_s, acks, heartbeat, ttl, priority, zones,
         acks_from_other_zone, candidate_from_same_zone, anti_flap, wait_for_proof, fence_by_time,
         without_ackers, read_lag_cap, hooks] = value;
  archive("durability", durability);
  archive("paused", paused);
  archive("never_promote", never_promote);
  archive("dns_ttl_s", dns_ttl_s);
  archive.later("acks", acks);
  archive.later("heartbeat_ms", heartbeat);
  archive.later("ttl_ms", ttl);
  archive.later("priority", priority);
  archive.later("zones", zones);
  archive.later("acks_from_other_zone", acks_from_other_zone);
  archive.later("candidate_from_same_zone", candidate_from_same_zone);
  archive.later("anti_flap", anti_flap);
  archive.later("wait_for_proof", wait_for_proof);
  archive.later("fence_by_time", fence_by_time);
  archive.later("without_ackers", without_ackers);
  archive.later("read_lag_cap_ms", read_lag_cap);
  archive.later("hooks", hooks);
}

template <typename Archive>
void fields(Archive& archive, Of<InstanceSpec> auto& value) {
  auto& [cluster, flavor, version, volume_gib, volume_type, address, server_id] = value;
  archive("cluster", cluster);
  archive("flavor", flavor);
  archive("version", version);
  archive("volume_gib", volume_gib);
  archive("volume_type", volume_type);
  archive("address", address);
  archive("server_id", server_id);
}

template <typename Archive>
void fields(Archive& archive, Of<ConnectorSpec> auto& value) {
  auto& [owner, rw, rw_ip, ro, ro_ips] = value;
  archive("owner", owner);
  archive("rw", rw);
  archive("rw_ip", rw_ip);
  archive("ro", ro);
  archive("ro_ips", ro_ips);
}

template <typename Archive>
void fields(Archive& archive, Of<ResourceKey> auto& value) {
  auto& [kind, name_space, name] = value;
  archive("kind", kind);
  archive("namespace", name_space);
  archive("name", name);
}

Spec empty_spec(Kind kind) {
  switch (kind) {
    case Kind::Mysql: return MysqlSpec{};
    case Kind::MysqlConfig: return MysqlConfigSpec{};
    case Kind::Orchestrator: return OrchestratorSpec{};
    case Kind::Instance: return InstanceSpec{};
    case Kind::Connector: return ConnectorSpec{};
  }
  return {};
}

template <typename Archive>
void fields(Archive& archive, Of<Resource> auto& value) {
  auto& [key, uid, generation, created, deleting, spec] = value;
  archive("key", key);
  archive("uid", uid);
  archive("generation", generation);
  archive("created", created);
  archive("deleting", deleting);
  if constexpr (Archive::kReads) spec = empty_spec(key.kind);
  std::visit([&archive](auto& of_kind) { archive("spec", of_kind); }, spec);
}

template <typename Archive>
void fields(Archive& archive, Of<ClusterRecord> auto& value) {
  auto& [version, phase, primary, primary_uuid, candidate, ackers, leaving, acks_required,
         acks_wanted, base, opened, open_boot, unfenced, proof_needed, voters, holds_required,
         holds_over, cause, blocked, allow_loss, loss] = value;
  archive("version", version);
  archive("phase", phase);
  archive("primary", primary);
  archive("primary_uuid", primary_uuid);
  archive("candidate", candidate);
  archive("ackers", ackers);
  archive("leaving", leaving);
  archive("acks_required", acks_required);
  archive("acks_wanted", acks_wanted);
  archive("base", base);
  archive("opened", opened);
  archive("open_boot", open_boot);
  archive("unfenced", unfenced);
  archive("proof_needed", proof_needed);
  archive.later("voters", voters);
  archive.later("holds_required", holds_required);
  archive.later("holds_over", holds_over);
  archive("cause", cause);
  archive("blocked", blocked);
  archive.later("allow_loss", allow_loss);
  archive.later("loss", loss);
}

template <typename Archive>
void fields(Archive& archive, Of<Member> auto& value) {
  auto& [node, ordinal, server_id, version, address, removing, gated, away_until, maintenance] =
      value;
  archive("node", node);
  archive("ordinal", ordinal);
  archive("server_id", server_id);
  archive("version", version);
  archive("address", address);
  archive("removing", removing);
  archive.later("gated", gated);
  archive.later("away_until", away_until);
  archive.later("maintenance", maintenance);
}

template <typename Archive>
void fields(Archive& archive, Of<LastElection> auto& value) {
  auto& [epoch, from, to, cause, loss, automatic, decided, writable, write_gap] = value;
  archive("epoch", epoch);
  archive("from", from);
  archive("to", to);
  archive("cause", cause);
  archive("loss", loss);
  archive("automatic", automatic);
  archive("decided", decided);
  archive("writable", writable);
  archive("write_gap_ms", write_gap);
}

template <typename Archive>
void fields(Archive& archive, Of<ClusterRow> auto& value) {
  auto& [id, uid, record, credentials, members, next_ordinal, last_election, failovers] = value;
  archive("id", id);
  archive("uid", uid);
  archive("record", record);
  archive("credentials", credentials);
  archive("members", members);
  archive("next_ordinal", next_ordinal);
  archive.later("last_election", last_election);
  archive.later("failovers", failovers);
}

template <typename Archive>
void fields(Archive& archive, Of<OperationStep> auto& value) {
  auto& [name, state, detail, started, finished] = value;
  archive("name", name);
  archive("state", state);
  archive("detail", detail);
  archive("started", started);
  archive("finished", finished);
}

template <typename Archive>
void fields(Archive& archive, Of<Operation> auto& value) {
  auto& [id, kind, cluster, state, steps, problem, hint, arguments, epoch, created, finished] =
      value;
  archive("id", id);
  archive("kind", kind);
  archive("cluster", cluster);
  archive("state", state);
  archive("steps", steps);
  archive("problem", problem);
  archive("hint", hint);
  archive("arguments", arguments);
  archive("epoch", epoch);
  archive("created", created);
  archive("finished", finished);
}

// --- kinds of values ---

template <typename T>
constexpr bool kIsText = false;
template <>
constexpr bool kIsText<std::string> = true;
template <>
constexpr bool kIsText<Secret> = true;
template <typename Tag>
constexpr bool kIsText<model::StrongId<Tag>> = true;

template <typename T>
constexpr bool kIsMilliseconds = std::same_as<T, std::chrono::milliseconds>;

const std::string& text_of(const std::string& value) {
  return value;
}
const std::string& text_of(const Secret& value) {
  return value.reveal();
}
template <typename Tag>
const std::string& text_of(const model::StrongId<Tag>& value) {
  return value.value;
}

template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
constexpr bool kIsMap = false;
template <typename K, typename V>
constexpr bool kIsMap<std::map<K, V>> = true;

template <typename T>
constexpr bool kIsList = false;
template <typename T>
constexpr bool kIsList<std::vector<T>> = true;
template <typename T>
constexpr bool kIsList<std::set<T>> = true;

Result<Phase> parse_word(std::string_view text, Phase) {
  return parse_phase(text);
}
Result<Durability> parse_word(std::string_view text, Durability) {
  return parse_durability(text);
}
Result<WithoutAckers> parse_word(std::string_view text, WithoutAckers) {
  return parse_without_ackers(text);
}
Result<Kind> parse_word(std::string_view text, Kind) {
  return parse_kind(text);
}
Result<StepState> parse_word(std::string_view text, StepState) {
  return parse_step_state(text);
}
Result<OperationState> parse_word(std::string_view text, OperationState) {
  return parse_operation_state(text);
}
Result<OperationKind> parse_word(std::string_view text, OperationKind) {
  return parse_operation_kind(text);
}

// --- writing ---

class Writer {
 public:
  static constexpr bool kReads = false;

  template <typename T>
  void operator()(const char* name, const T& value) {
    object_[name] = json(value);
  }
  template <typename T>
  void later(const char* name, const T& value) {
    (*this)(name, value);
  }

  template <typename T>
  static Json json(const T& value) {
    if constexpr (kIsText<T>) {
      return text_of(value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      return value;
    } else if constexpr (std::is_enum_v<T>) {
      return std::string(to_string(value));
    } else if constexpr (std::same_as<T, WallTime>) {
      return value.time_since_epoch().count();
    } else if constexpr (kIsMilliseconds<T>) {
      return value.count();
    } else if constexpr (std::same_as<T, model::GtidSet>) {
      return value.str();
    } else if constexpr (kIsOptional<T>) {
      return value ? json(*value) : Json();
    } else if constexpr (kIsMap<T>) {
      Json object = Json::object();
      for (const auto& entry : value)
        object[text_of(entry.first)] = json(entry.second);
      return object;
    } else if constexpr (kIsList<T>) {
      Json array = Json::array();
      for (const auto& element : value)
        array.push_back(json(element));
      return array;
    } else {
      Writer writer;
      fields(writer, value);
      return std::move(writer.object_);
    }
  }

 private:
  Json object_ = Json::object();
};

template <typename T>
std::string encode_value(const T& value) {
  // What is not UTF-8 is replaced: a store that refuses to write a problem's text is worse.
  return Writer::json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// --- reading ---

// The first thing that is wrong, and where; after it nothing more is read.
struct Problem {
  std::optional<Error> error{};
  void say(const std::string& path, const std::string& what) {
    if (!error) error = invalid(path.empty() ? what : path + ": " + what);
  }
};

class Reader {
 public:
  static constexpr bool kReads = true;

  Reader(const Json& object, std::string path, Problem& problem)
      : object_(object), path_(std::move(path)), problem_(problem) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    if (problem_.error) return;
    const std::string path = path_.empty() ? name : path_ + "." + name;
    const auto found = object_.find(name);
    if (found == object_.end()) return problem_.say(path, "is missing");
    read(*found, path, problem_, value);
  }
  // A field that older files have not: it keeps its default there.
  template <typename T>
  void later(const char* name, T& value) {
    if (object_.contains(name)) (*this)(name, value);
  }

  template <typename T>
  static void read(const Json& json, const std::string& path, Problem& problem, T& value) {
    if constexpr (kIsText<T>) {
      if (!json.is_string()) return problem.say(path, "is not a string");
      value = T(json.get<std::string>());
    } else if constexpr (std::same_as<T, bool>) {
      if (!json.is_boolean()) return problem.say(path, "is not true or false");
      value = json.get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
      read_integer(json, path, problem, value);
    } else if constexpr (std::is_enum_v<T>) {
      if (!json.is_string()) return problem.say(path, "is not a string");
      take(parse_word(json.get_ref<const std::string&>(), T{}), path, problem, value);
    } else if constexpr (std::same_as<T, WallTime>) {
      int64_t microseconds = 0;
      read_integer(json, path, problem, microseconds);
      value = WallTime(std::chrono::microseconds(microseconds));
    } else if constexpr (kIsMilliseconds<T>) {
      std::chrono::milliseconds::rep count = 0;
      read_integer(json, path, problem, count);
      value = std::chrono::milliseconds(count);
    } else if constexpr (std::same_as<T, model::GtidSet>) {
      if (!json.is_string()) return problem.say(path, "is not a string");
      take(model::GtidSet::parse(json.get_ref<const std::string&>()), path, problem, value);
    } else if constexpr (kIsOptional<T>) {
      if (!json.is_null()) read(json, path, problem, value.emplace());
    } else if constexpr (kIsMap<T>) {
      if (!json.is_object()) return problem.say(path, "is not an object");
      for (const auto& [key, element] : json.items()) {
        read(element, path + "." + key, problem, value[typename T::key_type(key)]);
      }
    } else if constexpr (kIsList<T>) {
      if (!json.is_array()) return problem.say(path, "is not a list");
      for (const Json& element : json) {
        typename T::value_type read_element{};
        read(element, path + "[" + std::to_string(value.size()) + "]", problem, read_element);
        value.insert(value.end(), std::move(read_element));
      }
    } else {
      if (!json.is_object()) return problem.say(path, "is not an object");
      Reader reader(json, path, problem);
      fields(reader, value);
    }
  }

 private:
  template <typename T>
  static void read_integer(const Json& json, const std::string& path, Problem& problem, T& value) {
    if (!json.is_number_integer()) return problem.say(path, "is not a whole number");
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<uint64_t>())
                                                : std::in_range<T>(json.get<int64_t>());
    if (!fits) return problem.say(path, "is out of range");
    value = json.get<T>();
  }

  template <typename T>
  static void take(Result<T> parsed, const std::string& path, Problem& problem, T& value) {
    if (!parsed) return problem.say(path, parsed.error().message);
    value = std::move(parsed).value();
  }

  const Json& object_;
  std::string path_;
  Problem& problem_;
};

template <typename T>
Result<T> decode_value(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return invalid("is not JSON");
  Problem problem;
  T value;
  Reader::read(json, "", problem, value);
  if (problem.error) return *std::move(problem.error);
  return value;
}

}  // namespace

std::string encode(const Resource& resource) {
  return encode_value(resource);
}
std::string encode(const ClusterRow& cluster) {
  return encode_value(cluster);
}
std::string encode(const Operation& operation) {
  return encode_value(operation);
}

Result<Resource> decode_resource(std::string_view text) {
  return decode_value<Resource>(text);
}
Result<ClusterRow> decode_cluster(std::string_view text) {
  return decode_value<ClusterRow>(text);
}
Result<Operation> decode_operation(std::string_view text) {
  return decode_value<Operation>(text);
}

}  // namespace cdb::coordinator
