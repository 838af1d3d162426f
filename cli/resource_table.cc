#include "cli/resource_table.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "cdb/v1/resources.pb.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

// A column and whether only `-o wide` shows it.
struct Cell {
  const char* title;
  std::string text{};
  bool wide{false};
};

std::string number(int64_t value) {
  return value == 0 ? std::string{} : std::to_string(value);
}

template <typename List>
std::string list_text(const List& list) {
  return join({list.begin(), list.end()}, ",");
}

std::vector<Cell> mysql_cells(const v1::Resource& resource) {
  const auto& spec = resource.mysql();
  const auto& status = resource.status();
  const std::string storage =
      spec.has_storage()
          ? fmt::format("{} GiB {}", spec.storage().size_gib(), spec.storage().kind())
          : std::string{};
  return {{"STATE", status.state()},
          {"READY", fmt::format("{}/{}", status.ready_members(), status.members())},
          {"PRIMARY", status.primary()},
          {"VERSION", !status.version().empty() ? status.version()
                      : !spec.version().empty() ? spec.version()
                                                : spec.engine_version()},
          {"FLAVOR", spec.flavor()},
          {"PROTECTION", status.protection()},
          {"EPOCH", number(static_cast<int64_t>(status.epoch())), true},
          {"STORAGE", storage, true},
          {"GENERATION", number(resource.metadata().generation()), true},
          {"MESSAGE", status.message(), true}};
}

std::vector<Cell> config_cells(const v1::Resource& resource) {
  const auto& spec = resource.mysql_config();
  std::vector<std::string> settings;
  for (const auto& [name, value] : spec.settings())
    settings.push_back(name + "=" + value);
  std::sort(settings.begin(), settings.end());
  return {{"ENGINE VERSION", spec.engine_version()},
          {"SETTINGS", std::to_string(settings.size())},
          {"GENERATION", number(resource.metadata().generation()), true},
          {"VALUES", join(settings, " "), true}};
}

// "shop-1=10,shop-2=never"
std::string promotion_text(const v1::OrchestratorSpec& spec) {
  std::map<std::string, std::string> sorted(spec.promotion().begin(), spec.promotion().end());
  for (const std::string& node : spec.never_promote())
    sorted[node] = "never";
  std::vector<std::string> parts;
  for (const auto& [node, word] : sorted)
    parts.push_back(node + "=" + word);
  return join(parts, ",");
}

std::vector<Cell> orchestrator_cells(const v1::Resource& resource) {
  const auto& spec = resource.orchestrator();
  return {
      {"DURABILITY", spec.durability()},
      {"ACKS", number(spec.acks())},
      {"WITHOUT ACKERS", spec.without_ackers()},
      {"TTL", spec.ttl()},
      {"PROMOTION", promotion_text(spec)},
      {"PAUSED", spec.paused() ? "yes" : "no"},
      {"HEARTBEAT", spec.heartbeat(), true},
      {"ANTI FLAP",
       spec.has_anti_flap()
           ? fmt::format("{} in {}", spec.anti_flap().failovers(), spec.anti_flap().window())
           : std::string{},
       true},
      {"DNS TTL", spec.dns_ttl() == 0 ? std::string{} : fmt::format("{} s", spec.dns_ttl()), true},
      {"GENERATION", number(resource.metadata().generation()), true}};
}

std::vector<Cell> instance_cells(const v1::Resource& resource) {
  const auto& spec = resource.instance();
  const auto& status = resource.status();
  const std::string volume =
      spec.has_data_volume()
          ? fmt::format("{} GiB {}", spec.data_volume().size(), spec.data_volume().volume_type())
          : std::string{};
  return {{"CLUSTER", spec.cluster()},
          {"ROLE", status.role()},
          {"STATE", status.state()},
          {"VERSION", !status.version().empty() ? status.version() : spec.version()},
          {"FLAVOR", spec.flavor()},
          {"ADDRESS", spec.address()},
          {"VOLUME", volume, true},
          {"SERVER ID", number(spec.server_id()), true},
          {"EPOCH", number(static_cast<int64_t>(status.epoch())), true},
          {"MESSAGE", status.message(), true}};
}

std::vector<Cell> connector_cells(const v1::Resource& resource) {
  const auto& spec = resource.connector();
  return {{"OWNER", spec.owner()},
          {"RW", spec.rw()},
          {"RW IP", spec.rw_ip()},
          {"RO", spec.ro()},
          {"RO IPS", list_text(spec.ro_ips())},
          {"STATE", resource.status().state(), true},
          {"MESSAGE", resource.status().message(), true}};
}

std::vector<Cell> cells_of(const v1::Resource& resource, const KindInfo& kind, WallTime now) {
  std::vector<Cell> cells{{"NAME", resource.metadata().name()}};
  std::vector<Cell> own = kind.name == "MySQL"          ? mysql_cells(resource)
                          : kind.name == "MysqlConfig"  ? config_cells(resource)
                          : kind.name == "Orchestrator" ? orchestrator_cells(resource)
                          : kind.name == "Instance"     ? instance_cells(resource)
                                                        : connector_cells(resource);
  // AGE ends the narrow table, where people look for it.
  const auto first_wide =
      std::find_if(own.begin(), own.end(), [](const Cell& cell) { return cell.wide; });
  own.insert(first_wide, {"AGE", age_text(resource.metadata().created(), now)});
  cells.insert(cells.end(), own.begin(), own.end());
  return cells;
}

bool is_shown(const Cell& cell, const Columns& columns) {
  return !cell.wide || columns.wide;
}

}  // namespace

std::vector<std::string> resource_header(const KindInfo& kind, const Columns& columns) {
  std::vector<std::string> header;
  if (columns.with_namespace) header.emplace_back("NAMESPACE");
  for (const auto& cell : cells_of(v1::Resource{}, kind, {})) {
    if (is_shown(cell, columns)) header.emplace_back(cell.title);
  }
  return header;
}

std::vector<std::string> resource_row(const v1::Resource& resource, const KindInfo& kind,
                                      const Columns& columns, WallTime now) {
  std::vector<std::string> row;
  if (columns.with_namespace) row.push_back(resource.metadata().namespace_());
  for (const auto& cell : cells_of(resource, kind, now)) {
    if (is_shown(cell, columns)) row.push_back(cell.text);
  }
  return row;
}

std::string age_text(const google::protobuf::Timestamp& since, WallTime now) {
  if (since.seconds() == 0) return {};
  const WallTime then{std::chrono::seconds(since.seconds())};
  // Whole seconds: nobody wants an age of 3.2 s.
  const auto age = std::max(std::chrono::duration_cast<std::chrono::seconds>(now - then),
                            std::chrono::seconds(0));
  if (age < std::chrono::minutes(1)) return fmt::format("{} s", age.count());
  return to_text(age);
}

}  // namespace cdb::cli
