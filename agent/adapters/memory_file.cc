#include "agent/adapters/memory_file.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>

#include "cdb/v1/agent.pb.h"
#include "lib/base/atomic_file.h"
#include "proto/convert/node_wire.h"

namespace cdb::agent {
namespace {

using nlohmann::json;
constexpr int kFormat = 1;

// FNV-1a: against torn and hand-edited files, not against an adversary.
std::string checksum(const std::string& text) {
  uint64_t hash = 14695981039346656037ull;
  for (const unsigned char c : text)
    hash = (hash ^ c) * 1099511628211ull;
  return fmt::format("{:016x}", hash);
}

std::string seal(const json& body) {
  const std::string text = body.dump();
  return json{{"format", kFormat}, {"checksum", checksum(text)}, {"body", body}}.dump(1) + "\n";
}

Error damaged(const std::filesystem::path& file, const std::string& why) {
  return precondition(
      "the agent's state file " + file.string() + " is damaged: " + why,
      "restore it from a copy; the promises in it protect acknowledged writes, so it is "
      "never begun anew by itself");
}

Result<json> unseal(const std::filesystem::path& file, const std::string& text) {
  const json whole = json::parse(text, nullptr, false);
  if (whole.is_discarded() || !whole.is_object()) return damaged(file, "it is not complete JSON");
  const json format = whole.value("format", json());
  if (format != kFormat)
    return damaged(file, "format " + format.dump() + " is not known to this agent");
  if (!whole.contains("body") ||
      whole.value("checksum", json()) != checksum(whole["body"].dump())) {
    return damaged(file, "its checksum does not fit");
  }
  return whole["body"];
}

Result<json> goal_to_json(const model::NodeGoal& goal) {
  std::string text;
  const auto printed = google::protobuf::util::MessageToJsonString(wire::to_wire(goal), &text);
  if (!printed.ok()) return internal("cannot write the goal: " + std::string(printed.message()));
  return json::parse(text);
}

Result<model::NodeGoal> goal_from_json(const std::filesystem::path& file, const json& value) {
  v1::NodeGoal goal;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // of a newer agent that was rolled back
  const auto parsed = google::protobuf::util::JsonStringToMessage(value.dump(), &goal, options);
  if (!parsed.ok()) return damaged(file, std::string(parsed.message()));
  return wire::from_wire(goal);
}

json to_json(const model::Discarded& discarded) {
  return {{"gtids", discarded.gtids.str()},
          {"archive", discarded.archive},
          {"trimmed", discarded.trimmed}};
}

// Throws json::exception.
Result<model::Discarded> discarded_from_json(const std::filesystem::path& file, const json& body) {
  const auto gtids = model::GtidSet::parse(body.at("gtids").get<std::string>());
  if (!gtids) return damaged(file, gtids.error().message);
  return model::Discarded{.gtids = *gtids,
                          .archive = body.at("archive").get<std::string>(),
                          .trimmed = body.at("trimmed").get<bool>()};
}

Result<NodeMemory> memory_from_json(const std::filesystem::path& file, const json& body) {
  NodeMemory memory;
  try {
    memory.accepted = {body.at("epoch").get<uint64_t>(), body.at("version").get<uint64_t>()};
    memory.mysqld_boot = body.at("mysqld_boot").get<uint64_t>();
    memory.incarnation = body.at("incarnation").get<std::string>();
    memory.machine_boot = body.value("machine_boot", std::string{});
    memory.seeding = body.value("seeding", false);
    memory.written_epoch = body.value("written_epoch", uint64_t{0});
    memory.trim_unproved = body.value("trim_unproved", false);
    memory.trim_failed = body.value("trim_failed", false);
    if (body.contains("discarded")) {
      CDB_ASSIGN_OR_RETURN(memory.discarded, discarded_from_json(file, body["discarded"]));
    }
  } catch (const json::exception& error) {
    return damaged(file, error.what());
  }
  if (body.contains("goal")) {
    CDB_ASSIGN_OR_RETURN(memory.goal, goal_from_json(file, body["goal"]));
  }
  return memory;
}

Result<model::Credentials> credentials_from_json(const std::filesystem::path& file,
                                                 const json& body) {
  try {
    return model::Credentials{Secret(body.at("root").get<std::string>()),
                              Secret(body.at("agent").get<std::string>()),
                              Secret(body.at("replication").get<std::string>()),
                              Secret(body.at("app").get<std::string>())};
  } catch (const json::exception& error) {
    return damaged(file, error.what());
  }
}

}  // namespace

MemoryFile::MemoryFile(std::filesystem::path directory, UniqueFd lock)
    : directory_(std::move(directory)), lock_(std::move(lock)) {}

Result<std::unique_ptr<MemoryFile>> MemoryFile::open(const std::filesystem::path& state_dir) {
  std::error_code failed;
  std::filesystem::create_directories(state_dir, failed);
  if (failed) return from_errno("create " + state_dir.string(), failed.value());
  std::filesystem::permissions(state_dir, std::filesystem::perms::owner_all, failed);
  if (failed) return from_errno("chmod " + state_dir.string(), failed.value());
  const auto lock_path = state_dir / "lock";
  UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return from_errno("open " + lock_path.string(), errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return conflict("another agent works on " + state_dir.string(), "stop it first");
  }
  return std::unique_ptr<MemoryFile>(new MemoryFile(state_dir, std::move(lock)));
}

Result<NodeMemory> MemoryFile::load() {
  const auto text = read_file(file());
  if (!text) {
    if (text.error().code != Code::NotFound) return text.error();
    if (std::filesystem::exists(marker())) return damaged(file(), "it is gone");
    return NodeMemory{};
  }
  CDB_ASSIGN_OR_RETURN(const json body, unseal(file(), *text));
  CDB_ASSIGN_OR_RETURN(NodeMemory memory, memory_from_json(file(), body));
  const auto secret_text = read_file(secrets());
  if (secret_text) {
    CDB_ASSIGN_OR_RETURN(const json secret_body, unseal(secrets(), *secret_text));
    CDB_ASSIGN_OR_RETURN(memory.credentials, credentials_from_json(secrets(), secret_body));
  } else if (secret_text.error().code != Code::NotFound || body.value("has_accounts", false)) {
    return damaged(secrets(), secret_text.error().message);
  }
  saved_credentials_ = memory.credentials;
  return memory;
}

Status MemoryFile::save(const NodeMemory& memory) {
  // The accounts first: a memory that says there are some must find them.
  if (memory.credentials && memory.credentials != saved_credentials_) {
    const auto& c = *memory.credentials;
    CDB_TRY(write_file_atomically(secrets(),
                                  seal({{"root", c.root.reveal()},
                                        {"agent", c.agent.reveal()},
                                        {"replication", c.replication.reveal()},
                                        {"app", c.app.reveal()}}),
                                  0600));
    saved_credentials_ = memory.credentials;
  }
  json body{
      {"epoch", memory.accepted.epoch},        {"version", memory.accepted.version},
      {"mysqld_boot", memory.mysqld_boot},     {"incarnation", memory.incarnation},
      {"machine_boot", memory.machine_boot},   {"seeding", memory.seeding},
      {"written_epoch", memory.written_epoch}, {"trim_unproved", memory.trim_unproved},
      {"trim_failed", memory.trim_failed},     {"has_accounts", memory.credentials.has_value()}};
  if (memory.goal) {
    CDB_ASSIGN_OR_RETURN(body["goal"], goal_to_json(*memory.goal));
  }
  if (memory.discarded) body["discarded"] = to_json(*memory.discarded);
  CDB_TRY(write_file_atomically(file(), seal(body), 0600));
  if (!std::filesystem::exists(marker())) return write_file_atomically(marker(), "", 0600);
  return {};
}

}  // namespace cdb::agent
