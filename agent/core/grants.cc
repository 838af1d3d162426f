#include "agent/core/grants.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/core/statements.h"
#include "lib/base/text.h"
#include "lib/model/report.h"

namespace cdb::agent {
namespace {

using model::MysqlVersion;
using Names = std::set<std::string>;

const char* const kAll = "ALL PRIVILEGES";

// One scope on which an account's privileges are ours to decide.
struct Wanted {
  std::string scope{};  // as SHOW GRANTS says it, without backticks
  Names granted{};
  Names revoked{};
};

const Names& data_privileges() {
  static const Names names{"SELECT",         "INSERT",        "UPDATE",
                           "DELETE",         "CREATE",        "DROP",
                           "ALTER",          "INDEX",         "REFERENCES",
                           "CREATE VIEW",    "SHOW VIEW",     "TRIGGER",
                           "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE",
                           "EVENT",          "LOCK TABLES",   "CREATE TEMPORARY TABLES"};
  return names;
}

// A grant on *.* reaches mysql.user, by which an application could give itself anything.
// From 8.0.16 partial revokes take the system schema out again. Before, the privileges are granted
// on the schemas that match `%`, and `mysql` and ours get a row of their own with next to nothing:
// the server takes the first row of mysql.db that matches, the one with the fewest wildcards. What
// is given up there: information of other schemas (sys, performance_schema) stays writable as far
// as the server lets anyone write it.
std::vector<Wanted> wanted_of_app(const MysqlVersion& version) {
  if (uses_partial_revokes(version)) {
    Names writing = data_privileges();
    for (const char* reading :
         {"SELECT", "SHOW VIEW", "EXECUTE", "LOCK TABLES", "CREATE TEMPORARY TABLES"})
      writing.erase(reading);
    return {{"*.*", data_privileges(), {}},
            {"mysql.*", {}, data_privileges()},
            {fmt::format("{}.*", kMetaSchema), {}, writing}};
  }
  // "_" is a wildcard in a schema's name here; with "\_" the row has none and wins.
  return {{"*.*", {}, {}},
          {"%.*", data_privileges(), {}},
          {"mysql.*", {"SHOW VIEW"}, {}},
          {"cdb\\_meta.*", {"SELECT"}, {}}};
}

std::vector<Wanted> wanted_of_replication(const MysqlVersion& version) {
  Wanted all{"*.*", {"REPLICATION SLAVE"}, {}};
  if (version.has_dynamic_privileges()) all.granted.insert("CONNECTION_ADMIN");
  // A new replica copies everything from here: with a clone, or statement by statement.
  if (version.has_clone()) {
    all.granted.insert("BACKUP_ADMIN");
  } else {
    all.granted.insert(
        {"SELECT", "RELOAD", "PROCESS", "SHOW DATABASES", "SHOW VIEW", "TRIGGER", "EVENT"});
  }
  return {all};
}

// What ALL PRIVILEGES must at least have meant when it was granted; an upgrade may have added some.
Names needed_by_agent(const MysqlVersion& version) {
  Names names{"SELECT",
              "INSERT",
              "UPDATE",
              "DELETE",
              "CREATE",
              "DROP",
              "RELOAD",
              "SHUTDOWN",
              "PROCESS",
              "SUPER",
              "REPLICATION SLAVE",
              "REPLICATION CLIENT",
              "CREATE USER"};
  if (version.has_dynamic_privileges())
    names.insert(
        {"BACKUP_ADMIN", "CONNECTION_ADMIN", "REPLICATION_SLAVE_ADMIN", "SYSTEM_VARIABLES_ADMIN"});
  if (version.at_least(8, 0, 14)) names.insert("SERVICE_CONNECTION_ADMIN");
  if (version.at_least(8, 0, 16)) names.insert("SYSTEM_USER");
  if (version.has_clone()) names.insert("CLONE_ADMIN");
  return names;
}

Names at(const std::map<std::string, Names>& by_scope, const std::string& scope) {
  const auto found = by_scope.find(scope);
  Names names = found == by_scope.end() ? Names{} : found->second;
  names.erase("USAGE");
  return names;
}

Names without(const Names& a, const Names& b) {
  Names out{};
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
  return out;
}

std::string listed(const Names& names) {
  return join(std::vector<std::string>(names.begin(), names.end()), ", ");
}

std::string backticked(const std::string& scope) {
  if (scope == "*.*") return scope;
  return "`" + scope.substr(0, scope.size() - 2) + "`.*";
}

void repair_scope(const Wanted& wanted, const Grants& now, const std::string& account,
                  std::vector<std::string>& statements) {
  const std::string scope = backticked(wanted.scope);
  Names granted = at(now.granted, wanted.scope);
  // All of a schema's privileges are what we call data privileges, and 5.x then says "all".
  if (granted.contains(kAll) && wanted.scope != "*.*") granted = data_privileges();
  if (granted.contains(kAll)) {
    statements.push_back(fmt::format("REVOKE ALL PRIVILEGES ON {} FROM {}", scope, account));
    granted.clear();
  }
  if (const Names surplus = without(granted, wanted.granted); !surplus.empty())
    statements.push_back(fmt::format("REVOKE {} ON {} FROM {}", listed(surplus), scope, account));
  if (const Names missing = without(wanted.granted, granted); !missing.empty())
    statements.push_back(fmt::format("GRANT {} ON {} TO {}", listed(missing), scope, account));
  if (const Names missing = without(wanted.revoked, at(now.revoked, wanted.scope));
      !missing.empty())
    statements.push_back(fmt::format("REVOKE {} ON {} FROM {}", listed(missing), scope, account));
}

}  // namespace

std::string_view user_of(Account account) {
  switch (account) {
    case Account::Agent: return model::kAgentUser;
    case Account::Replication: return model::kReplicationUser;
    case Account::App: return model::kAppUser;
  }
  return {};
}

std::string_view host_of(Account account) {
  return account == Account::Agent ? "localhost" : "%";
}

bool uses_partial_revokes(const MysqlVersion& version) {
  return version.at_least(8, 0, 16);
}

Grants parse_grants(const std::vector<std::string>& show_grants) {
  Grants grants{};
  for (const std::string& line : show_grants) {
    const bool revoke = line.starts_with("REVOKE ");
    const size_t names_at = revoke ? 7 : 6;
    const size_t on = line.find(" ON ");
    const size_t to = line.find(revoke ? " FROM " : " TO ", on == std::string::npos ? 0 : on);
    if ((!revoke && !line.starts_with("GRANT ")) || on == std::string::npos || on < names_at ||
        to == std::string::npos)
      continue;
    std::string scope = line.substr(on + 4, to - on - 4);
    std::erase(scope, '`');
    if (!scope.ends_with(".*")) continue;
    auto& by_scope = revoke ? grants.revoked : grants.granted;
    for (const std::string& name : split(line.substr(names_at, on - names_at), ','))
      by_scope[scope].insert(std::string(trim(name)));
    if (!revoke && scope == "*.*" && line.ends_with(" WITH GRANT OPTION"))
      grants.grant_option = true;
  }
  return grants;
}

std::vector<std::string> grant_repairs(Account account, const MysqlVersion& version,
                                       const Grants& now) {
  const std::string name = account_name(user_of(account), host_of(account));
  std::vector<std::string> statements{};
  if (account == Account::Agent) {
    const Names has = at(now.granted, "*.*");
    const bool complete = has.contains(kAll) || without(needed_by_agent(version), has).empty();
    if (!complete || !now.grant_option)
      statements.push_back(
          fmt::format("GRANT ALL PRIVILEGES ON *.* TO {} WITH GRANT OPTION", name));
    return statements;
  }
  if (now.grant_option)
    statements.push_back(fmt::format("REVOKE GRANT OPTION ON *.* FROM {}", name));
  for (const Wanted& wanted :
       account == Account::App ? wanted_of_app(version) : wanted_of_replication(version))
    repair_scope(wanted, now, name, statements);
  return statements;
}

}  // namespace cdb::agent
