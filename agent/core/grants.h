#pragma once
// The privileges of the accounts that every node has, and what must be granted or revoked to get
// there from what a server says. Pure; any thread.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/mysql_version.h"

namespace cdb::agent {

enum class Account {
  Agent,        // everything
  Replication,  // reads binary logs, donates clones, stays connected in offline mode
  App,          // data, in every schema but the system's and ours; never what could undo a fence
};
inline constexpr Account kAccounts[] = {Account::App, Account::Replication, Account::Agent};

std::string_view user_of(Account account);
std::string_view host_of(Account account);

// The schema that the agent keeps its own rows in.
inline constexpr std::string_view kMetaSchema = "cdb_meta";

// What SHOW GRANTS says, by scope without backticks ("*.*", "mysql.*"). Roles, proxies and grants
// on tables and columns are left out.
struct Grants {
  std::map<std::string, std::set<std::string>> granted{};
  std::map<std::string, std::set<std::string>> revoked{};  // partial revokes, 8.0.16+
  bool grant_option{false};                                // on *.*
};
Grants parse_grants(const std::vector<std::string>& show_grants);

// The statements that give the account exactly its privileges on the scopes that we manage; none
// when it has them. Running them again does no harm.
std::vector<std::string> grant_repairs(Account account, const model::MysqlVersion& version,
                                       const Grants& now);

// Whether the app account is kept off the system's tables by partial revokes, which need the
// variable partial_revokes to be ON.
bool uses_partial_revokes(const model::MysqlVersion& version);

}  // namespace cdb::agent
