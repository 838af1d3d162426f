#include "cli/run.h"

#include <algorithm>

#include "cli/args.h"
#include "cli/commands/commands.h"

namespace cdb::cli {
namespace {

// A single question is answered at once or not at all; --timeout is about work that takes its time.
constexpr Duration kShortestCall = std::chrono::seconds(1);
constexpr Duration kLongestCall = std::chrono::seconds(30);

struct Dispatch {
  World& world;
  const GlobalArgs& global;

  Result<Exit> operator()(const ContextArgs& args) const { return context(world, args); }
  Result<Exit> operator()(const VersionArgs&) const { return version(world); }
  Result<Exit> operator()(const CompletionArgs& args) const { return completion(world, args); }

  template <typename Args>
  Result<Exit> operator()(const Args& args) const {
    CDB_ASSIGN_OR_RETURN(const Settings settings, find_settings(global, world));
    Client client({settings.endpoints, world.user,
                   std::clamp(global.timeout.value_or(kLongestCall), kShortestCall, kLongestCall)});
    Session session{world, client, settings, global};
    return begin(session, args);
  }

 private:
  static Result<Exit> begin(Session& session, const ApplyArgs& a) { return apply(session, a); }
  static Result<Exit> begin(Session& session, const DiffArgs& a) { return diff(session, a); }
  static Result<Exit> begin(Session& session, const GetArgs& a) { return get(session, a); }
  static Result<Exit> begin(Session& session, const DeleteArgs& a) { return remove(session, a); }
  static Result<Exit> begin(Session& session, const TopologyArgs& a) {
    return topology(session, a);
  }
  static Result<Exit> begin(Session& session, const SwitchoverArgs& a) {
    return switchover(session, a);
  }
  static Result<Exit> begin(Session& session, const FailoverArgs& a) {
    return failover(session, a);
  }
  static Result<Exit> begin(Session& session, const MaintenanceArgs& a) {
    return maintenance(session, a);
  }
  static Result<Exit> begin(Session& session, const RejoinArgs& a) { return rejoin(session, a); }
  static Result<Exit> begin(Session& session, const EventsArgs& a) { return events(session, a); }
  static Result<Exit> begin(Session& session, const OperationsArgs& a) {
    return operations(session, a);
  }
  static Result<Exit> begin(Session& session, const ConnectArgs& a) { return connect(session, a); }
  static Result<Exit> begin(Session& session, const ResolveArgs& a) { return resolve(session, a); }
  static Result<Exit> begin(Session& session, const CatalogueArgs& a) {
    return catalogue(session, a);
  }
};

Exit run_parsed(const ParsedArgs& parsed, World& world) {
  if (!parsed.invocation) {
    (parsed.exit == Exit::Ok ? world.out : world.err) << parsed.text;
    return parsed.exit;
  }
  const auto exit =
      std::visit(Dispatch{world, parsed.invocation->global}, parsed.invocation->command);
  if (exit) return *exit;
  report(world, exit.error());
  return exit_for(exit.error().code);
}

}  // namespace

Exit run(const std::vector<std::string>& args, World& world) {
  const Exit exit = run_parsed(parse_args(args), world);
  world.out.flush();
  if (world.out) return exit;
  report(world, internal("standard output cannot be written", "is the disk full?"));
  return Exit::Error;
}

}  // namespace cdb::cli
