#include "cli/args.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>

#include "cli/help.h"
#include "lib/base/duration.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

// Everything that CLI11 writes into; lives as long as the App.
struct Values {
  GlobalArgs global{};
  std::string timeout{};
  ApplyArgs apply{};
  DiffArgs diff{};
  GetArgs get{};
  DeleteArgs remove{};
  TopologyArgs topology{};
  SwitchoverArgs switchover{};
  FailoverArgs failover{};
  MaintenanceArgs maintenance{};
  RejoinArgs rejoin{};
  EventsArgs events{};
  OperationsArgs operations{};
  ConnectArgs connect{};
  ResolveArgs resolve{};
  CatalogueArgs catalogue{};
  ContextArgs context{};
  std::string context_verb{};
  CompletionArgs completion{};
};

constexpr const char* kGlobals =
    "--endpoint, --context, -n/--namespace, --timeout (see cdb --help)";

std::string check_duration(const std::string& text) {
  const auto duration = parse_duration(text);
  return duration ? std::string{} : duration.error().text();
}

CLI::App* add_command(CLI::App& app, const std::string& name) {
  CLI::App* command = app.add_subcommand(name, std::string(help::summary(name)));
  command->footer(
      std::string(help::examples(name)) +
      (name == "version" ? "" : "\n\nOptions of every command: " + std::string(kGlobals)));
  return command;
}

void add_globals(CLI::App& app, Values& values) {
  app.add_option("--endpoint", values.global.endpoints,
                 "Coordinators as host:port,... tried in this order (CDB_ENDPOINTS, "
                 "default 127.0.0.1:7400)");
  app.add_option("--context", values.global.context,
                 "Entry of ~/.config/cdb/config.yaml (CDB_CONTEXT)");
  app.add_option("-n,--namespace", values.global.name_space,
                 "Namespace, if not the default one (CDB_NAMESPACE)");
  app.add_option("--timeout", values.timeout, "How long to wait: 30s, 10m, 1h (default 10m)")
      ->check(CLI::Validator(std::function<std::string(std::string&)>(check_duration), "DURATION"));
}

void add_format(CLI::App& command, Format& format, const std::vector<std::string>& names) {
  static const std::map<std::string, Format> kFormats{{"table", Format::Table},
                                                      {"wide", Format::Wide},
                                                      {"json", Format::Json},
                                                      {"yaml", Format::Yaml},
                                                      {"name", Format::Name}};
  std::map<std::string, Format> known;
  for (const auto& name : names)
    known[name] = kFormats.at(name);
  command
      .add_option_function<std::string>(
          "-o,--output", [&format, known](const std::string& name) { format = known.at(name); },
          "Form of the output: " + join(names, ", "))
      ->check(CLI::IsMember(names))
      ->type_name("FORM");
}

void add_wait(CLI::App& command, bool& wait) {
  command.add_flag("--wait,!--no-wait", wait,
                   "Stay until the work is done (default), or leave at once");
}

CLI::Option* add_files(CLI::App& command, std::vector<std::string>& files) {
  return command.add_option("-f,--filename", files, "File, folder, or - for standard input")
      ->expected(1)
      ->take_all()
      ->type_name("FILE");
}

void add_cluster(CLI::App& command, std::string& cluster, bool required) {
  auto* option = command.add_option("CLUSTER", cluster, "Name of a cluster, or NAMESPACE/NAME");
  if (required) option->required();
}

void add_node(CLI::App& command, std::string& node) {
  command.add_option("NODE", node, "Name of one of its nodes, such as shop-1")->required();
}

void add_how(CLI::App& command, BeginArgs& how) {
  command.add_flag("--dry-run", how.dry_run, "Only check, and say what would begin");
  add_wait(command, how.wait);
  add_format(command, how.format, {"table", "json", "yaml"});
}

void add_confirm(CLI::App& command, std::vector<std::string>& confirmed, const char* whose) {
  command
      .add_option("--confirm", confirmed, std::string(whose) + " name again, instead of typing it")
      ->type_name("NAME")
      ->expected(1);
}

void add_resource_commands(CLI::App& app, Values& values) {
  CLI::App* apply = add_command(app, "apply");
  add_files(*apply, values.apply.files)->required();
  apply->add_flag("--dry-run", values.apply.dry_run, "Only check, and say what would be done");
  add_wait(*apply, values.apply.wait);

  CLI::App* diff = add_command(app, "diff");
  add_files(*diff, values.diff.files)->required();
  diff->add_flag("--exit-code", values.diff.exit_code, "Exit 2 where something differs");

  CLI::App* get = add_command(app, "get");
  get->add_option(
         "KIND", values.get.kinds,
         "mysql, mysqlconfig, orchestrator, instance, connector, several with commas, or all")
      ->required();
  get->add_option("NAME", values.get.names, "Names; all of the kind where none is given");
  get->add_flag("-A,--all-namespaces", values.get.all_namespaces, "In every namespace");
  get->add_flag("-w,--watch", values.get.watch, "Go on and show every change");
  add_format(*get, values.get.format, {"table", "wide", "json", "yaml", "name"});

  CLI::App* remove = add_command(app, "delete");
  remove->add_option("KIND", values.remove.kind, "mysql, mysqlconfig or orchestrator");
  remove->add_option("NAME", values.remove.name, "Name of the resource");
  add_files(*remove, values.remove.files)->description("Delete what these files declare");
  remove->add_option("--confirm", values.remove.confirmed, "The name again, instead of typing it")
      ->expected(1)
      ->take_all()
      ->delimiter(',')
      ->type_name("NAME");
  add_wait(*remove, values.remove.wait);
}

void add_cluster_commands(CLI::App& app, Values& values) {
  CLI::App* topology = add_command(app, "topology");
  add_cluster(*topology, values.topology.cluster, true);
  topology->add_flag("-w,--watch", values.topology.watch, "Go on and show every change");
  add_format(*topology, values.topology.format, {"table", "json", "yaml"});

  CLI::App* switchover = add_command(app, "switchover");
  add_cluster(*switchover, values.switchover.cluster, true);
  switchover->add_option("--to", values.switchover.to, "Node that shall be primary")
      ->type_name("NODE");
  add_how(*switchover, values.switchover.how);

  CLI::App* failover = add_command(app, "failover");
  add_cluster(*failover, values.failover.cluster, true);
  failover->add_option("--to", values.failover.to, "Node that shall be primary")->type_name("NODE");
  failover->add_option("--reason", values.failover.reason, "Kept in the events")->type_name("TEXT");
  failover->add_flag("--allow-data-loss", values.failover.allow_data_loss,
                     "Out of a blocked cluster, although acknowledged writes may be missing; "
                     "needs --reason");
  add_confirm(*failover, values.failover.confirmed, "The cluster's");
  failover->add_flag("--yes", values.failover.yes, "Ask for no confirmation");
  add_how(*failover, values.failover.how);

  CLI::App* maintenance = add_command(app, "maintenance");
  add_cluster(*maintenance, values.maintenance.cluster, true);
  add_node(*maintenance, values.maintenance.node);
  maintenance->add_option("MODE", values.maintenance.mode, "on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  maintenance->add_flag("--allow-unprotected", values.maintenance.allow_unprotected,
                        "Even if fewer replicas than wanted are left to acknowledge writes");
  add_how(*maintenance, values.maintenance.how);

  CLI::App* rejoin = add_command(app, "rejoin");
  add_cluster(*rejoin, values.rejoin.cluster, true);
  add_node(*rejoin, values.rejoin.node);
  rejoin->add_flag("--reseed", values.rejoin.reseed,
                   "Replace all of its data by a copy of the primary's");
  add_confirm(*rejoin, values.rejoin.confirmed, "The node's");
  add_how(*rejoin, values.rejoin.how);

  CLI::App* connect = add_command(app, "connect");
  add_cluster(*connect, values.connect.cluster, true);
  connect->add_flag("--ro", values.connect.read_only, "Use the read-only name");
  connect->add_flag("--print", values.connect.print,
                    "Print the client's command line, do not run it");

  CLI::App* resolve = add_command(app, "resolve");
  add_cluster(*resolve, values.resolve.cluster, true);
  add_format(*resolve, values.resolve.format, {"table", "json", "yaml"});
}

void add_other_commands(CLI::App& app, Values& values) {
  CLI::App* events = add_command(app, "events");
  add_cluster(*events, values.events.cluster, false);
  events->add_flag("-A,--all-namespaces", values.events.all_namespaces, "In every namespace");
  events->add_flag("-w,--watch", values.events.watch, "Go on and show every new event");
  events->add_option("--limit", values.events.limit, "The newest so many (default 100)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  add_format(*events, values.events.format, {"table", "json", "yaml"});

  CLI::App* operations = add_command(app, "operations");
  operations->add_option("CLUSTER|ID", values.operations.which, "A cluster, or one operation");
  operations->add_flag("-A,--all-namespaces", values.operations.all_namespaces,
                       "In every namespace");
  operations->add_flag("--running", values.operations.running, "Only what runs now");
  operations->add_flag("-w,--watch", values.operations.watch, "Stay with what runs until it ends");
  add_format(*operations, values.operations.format, {"table", "json", "yaml", "name"});

  CLI::App* catalogue = add_command(app, "catalogue");
  add_format(*catalogue, values.catalogue.format, {"table", "json", "yaml"});

  CLI::App* context = add_command(app, "context");
  context->add_option("VERB", values.context_verb, "use")->check(CLI::IsMember({"use"}));
  context->add_option("NAME", values.context.use, "The context to use from now on");

  add_command(app, "version");
  CLI::App* completion = add_command(app, "completion");
  completion->add_option("SHELL", values.completion.shell, "bash")
      ->required()
      ->check(CLI::IsMember({"bash"}));
}

CommandArgs chosen(const std::string& command, const Values& values) {
  if (command == "apply") return values.apply;
  if (command == "diff") return values.diff;
  if (command == "get") return values.get;
  if (command == "delete") return values.remove;
  if (command == "topology") return values.topology;
  if (command == "switchover") return values.switchover;
  if (command == "failover") return values.failover;
  if (command == "maintenance") return values.maintenance;
  if (command == "rejoin") return values.rejoin;
  if (command == "events") return values.events;
  if (command == "operations") return values.operations;
  if (command == "connect") return values.connect;
  if (command == "resolve") return values.resolve;
  if (command == "catalogue") return values.catalogue;
  if (command == "context") return values.context;
  if (command == "completion") return values.completion;
  return VersionArgs{};
}

// What CLI11 cannot say: options that exclude or need one another.
std::string inconsistency(const Values& values, const std::string& command) {
  if (command == "delete") {
    const bool named = !values.remove.kind.empty();
    if (named == !values.remove.files.empty()) return "name either KIND NAME or -f FILE";
  }
  const FailoverArgs& failover = values.failover;
  if (command == "failover" && failover.allow_data_loss && failover.reason.empty()) {
    return "--allow-data-loss needs --reason: it is kept with your name";
  }
  if (command == "context" && !values.context_verb.empty() && values.context.use.empty()) {
    return "which context? cdb context use NAME";
  }
  return {};
}

ParsedArgs usage_error(const std::string& what, const std::string& command) {
  const std::string more = command.empty() ? "cdb --help" : "cdb " + command + " --help";
  return {std::nullopt, "error: " + what + "\nhint: see " + more + "\n", Exit::Usage};
}

std::string unknown_command(const CLI::App& app, const std::vector<std::string>& args) {
  std::vector<std::string> known;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(command->get_name());
  }
  for (const auto& arg : args) {
    if (arg.empty() || arg.front() == '-') continue;
    if (std::count(known.begin(), known.end(), arg) > 0) return {};
    const std::string meant = nearest(arg, known);
    if (meant.empty()) return "there is no command " + arg;
    return "there is no command " + arg + ": did you mean " + meant + "?";
  }
  return {};
}

}  // namespace

ParsedArgs parse_args(const std::vector<std::string>& given) {
  // What follows "--" belongs to the client that connect runs.
  const auto split_at = std::find(given.begin(), given.end(), "--");
  std::vector<std::string> args(given.begin(), split_at);
  Values values;
  if (split_at != given.end()) values.connect.client_args.assign(split_at + 1, given.end());

  CLI::App app("Managed MySQL: declare clusters, watch them, operate them.", "cdb");
  app.fallthrough();
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  app.footer(std::string(help::overview()));
  app.set_version_flag("--version", "cdb " CDB_VERSION);
  add_globals(app, values);
  add_resource_commands(app, values);
  add_cluster_commands(app, values);
  add_other_commands(app, values);
  app.require_subcommand(1);

  std::string command;
  try {
    std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
    app.parse(args);
    command = app.get_subcommands().front()->get_name();
  } catch (const CLI::ParseError& error) {
    const auto parsed = app.get_subcommands();
    command = parsed.empty() ? "" : parsed.front()->get_name();
    std::ostringstream out;
    std::ostringstream err;
    if (app.exit(error, out, err) == 0) return {std::nullopt, out.str(), Exit::Ok};
    if (given.empty()) return {std::nullopt, app.help(), Exit::Usage};
    const std::string unknown = command.empty() ? unknown_command(app, given) : "";
    return usage_error(unknown.empty() ? error.what() : unknown, command);
  }
  const std::string wrong = inconsistency(values, command);
  if (!wrong.empty()) return usage_error(wrong, command);
  if (split_at != given.end() && command != "connect") {
    return usage_error("only connect takes arguments after --", command);
  }
  if (!values.timeout.empty()) values.global.timeout = parse_duration(values.timeout).value();
  return {Invocation{values.global, chosen(command, values)}, {}, Exit::Ok};
}

}  // namespace cdb::cli
