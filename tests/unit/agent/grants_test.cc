#include "agent/core/grants.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace cdb;
using namespace cdb::agent;
using model::MysqlVersion;

namespace {

constexpr MysqlVersion k56{5, 6, 24};
constexpr MysqlVersion k57{5, 7, 44};
constexpr MysqlVersion k80_15{8, 0, 15};
constexpr MysqlVersion k80_16{8, 0, 16};
constexpr MysqlVersion k97{9, 7, 4};

constexpr const char* kData =
    "ALTER, ALTER ROUTINE, CREATE, CREATE ROUTINE, CREATE TEMPORARY TABLES, CREATE VIEW, DELETE, "
    "DROP, EVENT, EXECUTE, INDEX, INSERT, LOCK TABLES, REFERENCES, SELECT, SHOW VIEW, TRIGGER, "
    "UPDATE";
constexpr const char* kWrites =
    "ALTER, ALTER ROUTINE, CREATE, CREATE ROUTINE, CREATE VIEW, DELETE, DROP, EVENT, INDEX, "
    "INSERT, "
    "REFERENCES, TRIGGER, UPDATE";

using Lines = std::vector<std::string>;

std::string with(std::string before, const char* names, const std::string& after) {
  return before + names + after;
}

// What a server would answer SHOW GRANTS with once these statements have run.
Lines as_shown(const Lines& statements) {
  Lines lines{"GRANT USAGE ON *.* TO `x`@`%`"};
  lines.insert(lines.end(), statements.begin(), statements.end());
  return lines;
}

}  // namespace

TEST_CASE("the application gets data everywhere but in the system's schema") {
  const Lines old{with("GRANT ", kData, " ON `%`.* TO 'app'@'%'"),
                  "GRANT SHOW VIEW ON `mysql`.* TO 'app'@'%'",
                  "GRANT SELECT ON `cdb\\_meta`.* TO 'app'@'%'"};
  const Lines with_revokes{with("GRANT ", kData, " ON *.* TO 'app'@'%'"),
                           with("REVOKE ", kData, " ON `mysql`.* FROM 'app'@'%'"),
                           with("REVOKE ", kWrites, " ON `cdb_meta`.* FROM 'app'@'%'")};
  for (const MysqlVersion& version : {k56, k57, k80_15})
    CHECK(grant_repairs(Account::App, version, {}) == old);
  for (const MysqlVersion& version : {k80_16, k97})
    CHECK(grant_repairs(Account::App, version, {}) == with_revokes);
}

TEST_CASE("what is right needs no repair") {
  for (const MysqlVersion& version : {k56, k57, k80_15, k80_16, k97})
    for (const Account account : kAccounts) {
      Lines shown = as_shown(grant_repairs(account, version, {}));
      CHECK(grant_repairs(account, version, parse_grants(shown)).empty());
    }
  // As 5.6 says it.
  CHECK(grant_repairs(Account::App, k56,
                      parse_grants({"GRANT USAGE ON *.* TO 'app'@'%' IDENTIFIED BY PASSWORD '*B6'",
                                    "GRANT SHOW VIEW ON `mysql`.* TO 'app'@'%'",
                                    "GRANT SELECT ON `cdb\\_meta`.* TO 'app'@'%'",
                                    "GRANT ALL PRIVILEGES ON `%`.* TO 'app'@'%'"}))
            .empty());
  // As 9.7 says it.
  CHECK(grant_repairs(Account::Replication, k97,
                      parse_grants({"GRANT REPLICATION SLAVE ON *.* TO `cdb_replication`@`%`",
                                    "GRANT BACKUP_ADMIN,CONNECTION_ADMIN ON *.* TO "
                                    "`cdb_replication`@`%`"}))
            .empty());
}

TEST_CASE("what could undo a fence is taken from the application again") {
  Lines shown = as_shown(grant_repairs(Account::App, k97, {}));
  shown.push_back("GRANT SUPER, SHUTDOWN ON *.* TO `app`@`%` WITH GRANT OPTION");
  shown.push_back("GRANT CONNECTION_ADMIN ON *.* TO `app`@`%`");
  CHECK(grant_repairs(Account::App, k97, parse_grants(shown)) ==
        Lines{"REVOKE GRANT OPTION ON *.* FROM 'app'@'%'",
              "REVOKE CONNECTION_ADMIN, SHUTDOWN, SUPER ON *.* FROM 'app'@'%'"});
  const Lines all =
      grant_repairs(Account::App, k57, parse_grants({"GRANT ALL PRIVILEGES ON *.* TO 'app'@'%'"}));
  REQUIRE_FALSE(all.empty());
  CHECK(all.front() == "REVOKE ALL PRIVILEGES ON *.* FROM 'app'@'%'");
}

TEST_CASE(
    "the replication account may read logs, give a copy of everything, and stay in offline mode") {
  CHECK(grant_repairs(Account::Replication, k57, {}) ==
        Lines{"GRANT EVENT, PROCESS, RELOAD, REPLICATION SLAVE, SELECT, SHOW DATABASES, SHOW "
              "VIEW, TRIGGER ON *.* TO 'cdb_replication'@'%'"});
  CHECK(grant_repairs(Account::Replication, k80_16, {}) ==
        Lines{"GRANT CONNECTION_ADMIN, EVENT, PROCESS, RELOAD, REPLICATION SLAVE, SELECT, SHOW "
              "DATABASES, SHOW VIEW, TRIGGER ON *.* TO 'cdb_replication'@'%'"});
  CHECK(grant_repairs(Account::Replication, k97, {}) ==
        Lines{"GRANT BACKUP_ADMIN, CONNECTION_ADMIN, REPLICATION SLAVE ON *.* TO "
              "'cdb_replication'@'%'"});
}

TEST_CASE("the agent's account lacks nothing that its version has") {
  const Lines all{"GRANT ALL PRIVILEGES ON *.* TO 'cdb_agent'@'localhost' WITH GRANT OPTION"};
  CHECK(grant_repairs(Account::Agent, k57, {}) == all);
  // Right on 8.0.15, and a privilege short after the upgrade.
  const Grants shown = parse_grants(
      {"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, SHUTDOWN, PROCESS, FILE, "
       "SUPER, "
       "REPLICATION SLAVE, REPLICATION CLIENT, CREATE USER ON *.* TO `cdb_agent`@`localhost` WITH "
       "GRANT OPTION",
       "GRANT BACKUP_ADMIN,CONNECTION_ADMIN,REPLICATION_SLAVE_ADMIN,SYSTEM_VARIABLES_ADMIN,"
       "SERVICE_CONNECTION_ADMIN ON *.* TO `cdb_agent`@`localhost` WITH GRANT OPTION"});
  CHECK(grant_repairs(Account::Agent, k80_15, shown).empty());
  CHECK(grant_repairs(Account::Agent, k80_16, shown) == all);
}

TEST_CASE("grants of roles, tables and proxies are not taken for ours") {
  const Grants grants = parse_grants(
      {"GRANT `role`@`%` TO `app`@`%`", "GRANT SELECT (`a`, `b`) ON `shop`.`t` TO `app`@`%`",
       "GRANT PROXY ON ``@`` TO `root`@`localhost` WITH GRANT OPTION", "nonsense", ""});
  CHECK(grants.granted.empty());
  CHECK_FALSE(grants.grant_option);
}
