#include "coordinator/rpc/services.h"

#include "coordinator/rpc/agent_service.h"

namespace cdb::coordinator {

Services make_services(EngineHost& host, AgentSessions& sessions) {
  Services services;
  services.list = {make_agent_service(sessions, services.streams),
                   make_resources_service(host, services.streams),
                   make_operations_service(host, services.streams),
                   make_events_service(host, services.streams),
                   make_clusters_service(host, services.streams)};
  return services;
}

}  // namespace cdb::coordinator
