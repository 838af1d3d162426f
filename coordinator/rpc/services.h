#pragma once
// The API that people and the command use. Each service hands its calls to the engine thread and
// answers from there.

#include "coordinator/rpc/agent_sessions.h"
#include "coordinator/rpc/server.h"

namespace cdb::coordinator {

NamedService make_resources_service(EngineHost& host, std::shared_ptr<OpenStreams> streams);
NamedService make_operations_service(EngineHost& host, std::shared_ptr<OpenStreams> streams);
NamedService make_events_service(EngineHost& host, std::shared_ptr<OpenStreams> streams);
NamedService make_clusters_service(EngineHost& host, std::shared_ptr<OpenStreams> streams);

// All of them and the agents'. Both arguments must outlive the server, and the host must run until
// the server has stopped: a call that nobody answers keeps the server from stopping.
Services make_services(EngineHost& host, AgentSessions& sessions);

}  // namespace cdb::coordinator
