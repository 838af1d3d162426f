#include "agent/adapters/mysql_accounts.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "agent/adapters/status_rows.h"
#include "agent/core/grants.h"
#include "agent/core/statements.h"
#include "lib/base/log.h"

namespace cdb::agent {
namespace {

constexpr const char* kRoot = "root";

struct Row {
  std::string user{};
  std::string host{};
  bool no_password{false};
  bool locked{false};
};

const Secret& password_of(Account account, const model::Credentials& credentials) {
  switch (account) {
    case Account::Agent: return credentials.agent;
    case Account::Replication: return credentials.replication;
    case Account::App: return credentials.app;
  }
  return credentials.app;
}

Result<std::vector<Row>> read_accounts(MysqlSession& session, Deadline deadline) {
  CDB_ASSIGN_OR_RETURN(const SqlRows rows,
                       session.read(std::string(list_accounts(session.version())), deadline));
  std::vector<Row> accounts{};
  for (const SqlRow& row : rows.rows)
    accounts.push_back({.user = row[0].value_or(""),
                        .host = row[1].value_or(""),
                        .no_password = row[2].value_or("") == "1",
                        .locked = row[3].value_or("") == "1"});
  return accounts;
}

const Row* find(const std::vector<Row>& accounts, std::string_view user, std::string_view host) {
  for (const Row& row : accounts)
    if (row.user == user && row.host == host) return &row;
  return nullptr;
}

// Whether the server lets this account in with this password, or would but for something that has
// nothing to do with the password (full, offline, locked).
bool logs_in(MysqlSession& session, std::string_view user, const Secret& password,
             Deadline deadline) {
  constexpr int kAccessDenied = 1045;
  constexpr int kAccessDeniedNoPassword = 1698;
  constexpr int kPasswordExpired = 1862;
  MysqlLogin login = session.login();
  login.user = user;
  login.password = password;
  const auto seconds =
      std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(deadline.left()));
  const auto opened = MysqlConnection::open(login, seconds, seconds);
  if (!opened.error) return true;
  return opened.error->number != kAccessDenied && opened.error->number != kPasswordExpired &&
         opened.error->number != kAccessDeniedNoPassword;
}

class Plan {
 public:
  Plan(MysqlSession& session, const model::Credentials& credentials, Deadline deadline)
      : session_(session), credentials_(credentials), deadline_(deadline) {}

  // Every statement that is needed, in an order in which a crash leaves root without a password
  // until the very end: so that the next attempt still sees a new data directory.
  Result<std::vector<std::string>> statements() {
    CDB_ASSIGN_OR_RETURN(accounts_, read_accounts(session_, deadline_));
    CDB_TRY(plan_cleaning());
    for (const Account account : kAccounts)
      CDB_TRY(plan_account(account));
    const Row* root = find(accounts_, kRoot, "localhost");
    plan_password(kRoot, "localhost", credentials_.root);
    if (root == nullptr)
      add(fmt::format("GRANT ALL PRIVILEGES ON *.* TO {} WITH GRANT OPTION",
                      account_name(kRoot, "localhost")));
    return std::move(statements_);
  }

 private:
  void add(std::string statement) { statements_.push_back(std::move(statement)); }

  // Anonymous accounts always go: over the socket they are taken before app@%. What else a new data
  // directory of 5.6 brings (root without a password from everywhere, a schema for anyone) goes
  // while it is new; later such a thing is somebody's will, and dropping it here alone would break
  // the replication of its own DROP USER.
  Status plan_cleaning() {
    const Row* root = find(accounts_, kRoot, "localhost");
    const bool is_new = root != nullptr && root->no_password;
    for (const Row& row : accounts_) {
      if (row.user == kRoot && row.host == "localhost") continue;
      if (row.user.empty() || (is_new && row.no_password && !row.locked && !managed(row)))
        add("DROP USER " + account_name(row.user, row.host));
    }
    if (!is_new) return {};
    CDB_ASSIGN_OR_RETURN(const SqlRows schemas,
                         session_.read("SHOW DATABASES LIKE 'test'", deadline_));
    CDB_ASSIGN_OR_RETURN(
        const SqlRows tables,
        session_.read("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'test' LIMIT 1",
                      deadline_));
    if (!schemas.rows.empty() && tables.rows.empty()) add("DROP DATABASE test");
    CDB_ASSIGN_OR_RETURN(
        const SqlRows open_to_all,
        session_.read("SELECT 1 FROM mysql.db WHERE User = '' LIMIT 1", deadline_));
    if (!open_to_all.rows.empty()) {
      add("DELETE FROM mysql.db WHERE User = ''");
      add("FLUSH LOCAL PRIVILEGES");
    }
    return {};
  }

  static bool managed(const Row& row) {
    for (const Account account : kAccounts)
      if (row.user == user_of(account) && row.host == host_of(account)) return true;
    return false;
  }

  void plan_password(std::string_view user, std::string_view host, const Secret& password) {
    const Row* row = find(accounts_, user, host);
    if (row != nullptr && !row->no_password && logs_in(session_, user, password, deadline_)) return;
    for (std::string& statement : set_account_password(session_.version(), user, host, password))
      add(std::move(statement));
  }

  Status plan_account(Account account) {
    const std::string_view user = user_of(account);
    const std::string_view host = host_of(account);
    Grants grants{};
    if (find(accounts_, user, host) != nullptr) {
      CDB_ASSIGN_OR_RETURN(const SqlRows rows,
                           session_.read("SHOW GRANTS FOR " + account_name(user, host), deadline_));
      std::vector<std::string> lines{};
      for (const SqlRow& row : rows.rows)
        lines.push_back(row[0].value_or(""));
      grants = parse_grants(lines);
    }
    plan_password(user, host, password_of(account, credentials_));
    const auto repairs = grant_repairs(account, session_.version(), grants);
    if (account == Account::App && !repairs.empty() && uses_partial_revokes(session_.version())) {
      CDB_ASSIGN_OR_RETURN(
          const SqlRows rows,
          session_.read("SELECT @@GLOBAL.partial_revokes AS partial_revokes", deadline_));
      if (!is_on(rows.text("partial_revokes"))) add("SET GLOBAL partial_revokes = ON");
    }
    for (const std::string& statement : repairs)
      add(statement);
    return {};
  }

  MysqlSession& session_;
  const model::Credentials& credentials_;
  Deadline deadline_;
  std::vector<Row> accounts_{};
  std::vector<std::string> statements_{};
};

Status run_all(MysqlSession& session, const std::vector<std::string>& statements,
               Deadline deadline) {
  CDB_TRY(session.change("SET SESSION sql_log_bin = OFF", deadline));
  for (const std::string& statement : statements)
    CDB_TRY(session.change(statement, deadline));
  return {};
}

// Ordinary clients stay shut out: read_only alone holds for them, and it stays on.
Status run_on_read_only(MysqlSession& session, const std::vector<std::string>& statements,
                        Deadline deadline) {
  const auto restore = [&] {
    const Status restored =
        session.change(std::string(session.words(Phrase::SetReadOnly)), deadline);
    if (restored) return restored;
    return Status(outcome_unknown("the server may have been left without super_read_only: " +
                                  restored.error().message));
  };
  CDB_TRY(session.change(std::string(session.words(Phrase::RelaxReadOnly)), deadline));
  const Status done = run_all(session, statements, deadline);
  if (session.broken()) {
    // The session was cut; another one shuts the door.
    auto again = MysqlSession::open(session.login(), Deadline::after(std::chrono::seconds(1)));
    if (!again.session)
      return outcome_unknown("the server was left without super_read_only: " +
                             done.error().message);
    CDB_TRY(again.session->change(std::string(session.words(Phrase::SetReadOnly)),
                                  Deadline::after(std::chrono::seconds(1))));
    return done;
  }
  CDB_TRY(restore());
  return done;
}

}  // namespace

std::vector<MysqlLogin> administrator_logins(const std::string& socket,
                                             const Secret& agent_password,
                                             const model::Credentials& credentials) {
  std::vector<MysqlLogin> logins{};
  const auto add = [&](const char* user, const Secret& password) {
    logins.push_back({.socket = socket, .user = user, .password = password});
  };
  if (!agent_password.empty()) add(model::kAgentUser, agent_password);
  if (!(credentials.agent == agent_password)) add(model::kAgentUser, credentials.agent);
  add(kRoot, Secret{});
  add(kRoot, credentials.root);
  return logins;
}

Status ensure_accounts(MysqlSession& session, const model::Credentials& credentials,
                       Deadline deadline) {
  if (!credentials.complete()) return invalid("accounts: a password is missing");
  CDB_ASSIGN_OR_RETURN(const std::vector<std::string> statements,
                       Plan(session, credentials, deadline).statements());
  if (statements.empty()) return {};
  CDB_ASSIGN_OR_RETURN(const SqlRows state,
                       session.read(read_server_state(session.version(), false), deadline));
  const bool shut = session.version().has_super_read_only() && is_on(state.text("super_read_only"));
  CDB_TRY(shut ? run_on_read_only(session, statements, deadline)
               : run_all(session, statements, deadline));
  log::info("mysql.accounts_repaired", "statements={}", statements.size());
  for (const Account account : kAccounts)
    if (!logs_in(session, user_of(account), password_of(account, credentials), deadline))
      return internal(fmt::format("account {} was made and does not log in", user_of(account)));
  return {};
}

}  // namespace cdb::agent
