#pragma once
// One function per command. Each prints its data on the world's `out`; an error that it returns is
// reported and turned into an exit code by run(). Blocking; one thread.

#include "cli/session.h"

namespace cdb::cli {

Result<Exit> apply(Session& session, const ApplyArgs& args);
Result<Exit> diff(Session& session, const DiffArgs& args);
Result<Exit> get(Session& session, const GetArgs& args);
Result<Exit> remove(Session& session, const DeleteArgs& args);
Result<Exit> topology(Session& session, const TopologyArgs& args);
Result<Exit> switchover(Session& session, const SwitchoverArgs& args);
Result<Exit> failover(Session& session, const FailoverArgs& args);
Result<Exit> maintenance(Session& session, const MaintenanceArgs& args);
Result<Exit> rejoin(Session& session, const RejoinArgs& args);
Result<Exit> events(Session& session, const EventsArgs& args);
Result<Exit> operations(Session& session, const OperationsArgs& args);
Result<Exit> connect(Session& session, const ConnectArgs& args);
Result<Exit> resolve(Session& session, const ResolveArgs& args);
Result<Exit> catalogue(Session& session, const CatalogueArgs& args);

// These ask no coordinator.
Result<Exit> context(World& world, const ContextArgs& args);
Result<Exit> version(World& world);
Result<Exit> completion(World& world, const CompletionArgs& args);

}  // namespace cdb::cli
