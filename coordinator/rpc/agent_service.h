#pragma once
// cdb.v1.AgentService: one stream per agent, thousands in one process, no thread of their own.

#include <memory>

#include "coordinator/rpc/agent_sessions.h"
#include "coordinator/rpc/server.h"

namespace cdb::coordinator {

// `sessions` must outlive the server.
NamedService make_agent_service(AgentSessions& sessions, std::shared_ptr<OpenStreams> streams);

}  // namespace cdb::coordinator
