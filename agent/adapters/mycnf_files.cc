#include "agent/adapters/mycnf_files.h"

#include <fmt/format.h>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::agent {
namespace {

bool same_inputs(const model::NodeGoal& a, const model::NodeGoal& b) {
  return a.server_id == b.server_id && a.memory_bytes == b.memory_bytes && a.vcpu == b.vcpu &&
         a.disk_kind == b.disk_kind && a.disk_bytes == b.disk_bytes && a.settings == b.settings;
}

std::string option_file(const std::string& user, const Secret& password,
                        const std::filesystem::path& socket) {
  return fmt::format("[client]\nuser={}\npassword={}\nsocket={}\n", user, password.reveal(),
                     socket.string());
}

}  // namespace

Result<ServerPlugins> find_plugins(const std::filesystem::path& mysqld,
                                   const model::MysqlVersion& version, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(
      const process::ProgramResult help,
      process::run({mysqld, {"--no-defaults", "--verbose", "--help"}, {}, {}}, deadline));
  std::filesystem::path directory;
  for (const std::string& line : split(help.out, '\n')) {
    if (line.rfind("plugin-dir ", 0) == 0)
      directory = std::string(trim(std::string_view(line).substr(11)));
  }
  if (directory.empty()) {
    return internal(mysqld.string() + " --verbose --help names no plugin-dir",
                    "does this mysqld run at all?");
  }
  const bool new_words = version.has_source_replica_words();
  const auto has = [&](const char* file) { return std::filesystem::exists(directory / file); };
  ServerPlugins plugins;
  plugins.semisync = has(new_words ? "semisync_source.so" : "semisync_master.so") &&
                     has(new_words ? "semisync_replica.so" : "semisync_slave.so");
  plugins.clone = version.has_clone() && has("mysql_clone.so");
  return plugins;
}

MycnfFiles::MycnfFiles(NodePaths paths, tuning::Facts base, tuning::RuleSet rules,
                       MysqlProcess& process)
    : paths_(std::move(paths)),
      base_(std::move(base)),
      rules_(std::move(rules)),
      process_(process) {}

tuning::Facts MycnfFiles::facts_for(const model::NodeGoal& goal) const {
  tuning::Facts facts = base_;
  facts.server_id = goal.server_id;
  facts.memory_bytes = goal.memory_bytes;
  facts.vcpu = goal.vcpu;
  facts.disk_kind = goal.disk_kind;
  facts.disk_bytes = goal.disk_bytes;
  return facts;
}

Result<std::vector<ConfigChange>> MycnfFiles::ensure(const model::NodeGoal& goal,
                                                     Deadline deadline) {
  if (!planned_for_ || !same_inputs(*planned_for_, goal)) {
    CDB_ASSIGN_OR_RETURN(plan_, tuning::tune(facts_for(goal), rules_, goal.settings));
    planned_for_.reset();
    CDB_TRY(put_in_place(tuning::render_mycnf(plan_), deadline));
    planned_for_ = goal;
  }
  return not_yet_running();
}

Status MycnfFiles::put_in_place(const std::string& text, Deadline deadline) {
  const auto file = paths_.config_file();
  const auto old = read_file(file);
  if (old && *old == text) return {};
  const std::filesystem::path candidate = file.string() + ".candidate";
  CDB_TRY(write_file_atomically(candidate, text));
  CDB_TRY(process_.check_config(candidate, deadline));
  if (old) CDB_TRY(write_file_atomically(paths_.last_good_config(), *old));
  CDB_TRY(write_file_atomically(file, text));
  std::error_code ignored;  // a leftover candidate harms nobody
  std::filesystem::remove(candidate, ignored);
  return {};
}

Result<std::vector<ConfigChange>> MycnfFiles::not_yet_running() const {
  std::vector<ConfigChange> changes;
  const auto started = read_file(paths_.started_config());
  if (!started) return changes;  // never started: it will read the new file
  for (const tuning::Change& change : tuning::diff(tuning::parse_mycnf(*started), plan_)) {
    changes.push_back({change.name, change.new_value, change.dynamic});
  }
  return changes;
}

Status MycnfFiles::starting() {
  CDB_ASSIGN_OR_RETURN(const std::string text, read_file(paths_.config_file()));
  return write_file_atomically(paths_.started_config(), text);
}

Status MycnfFiles::write_client_files(const model::Credentials& credentials) {
  const auto file = paths_.state_dir / "root.cnf";
  const std::string text = option_file("root", credentials.root, paths_.socket());
  const auto old = read_file(file);
  if (old && *old == text) return {};
  return write_file_atomically(file, text, 0600);
}

}  // namespace cdb::agent
