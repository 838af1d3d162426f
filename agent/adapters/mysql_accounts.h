#pragma once
// The accounts that every node has: looks at what is there, works out what is missing, and writes
// only then, outside the binary log. Blocking; one thread at a time.

#include <vector>

#include "agent/adapters/mysql_session.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/report.h"

namespace cdb::agent {

// The ways in for the owner of this node, the likeliest first.
std::vector<MysqlLogin> administrator_logins(const std::string& socket,
                                             const Secret& agent_password,
                                             const model::Credentials& credentials);

// `session` has every privilege. Does not write when nothing is wrong. A server that was
// super_read_only is so again at the end; OutcomeUnknown when that could not be had.
Status ensure_accounts(MysqlSession& session, const model::Credentials& credentials,
                       Deadline deadline);

}  // namespace cdb::agent
