// A mysql client on a cluster, by its name as the cluster's DNS server gives it now.

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cdb/v1/clusters.pb.h"
#include "cli/commands/commands.h"
#include "cli/dns_lookup.h"
#include "cli/password_file.h"
#include "cli/table.h"
#include "lib/base/secret.h"
#include "lib/base/text.h"

namespace cdb::cli {
namespace {

constexpr Duration kLookupTimeout = std::chrono::seconds(5);

// Where a name leads, and who said so.
struct Resolved {
  std::string name{};
  std::vector<std::string> addresses{};
  std::string by{};
};

std::string dns_server(const Session& session, const v1::Connection& connection) {
  return session.settings.dns.empty() ? connection.dns_server() : session.settings.dns;
}

Result<Resolved> resolve_name(const Session& session, const v1::Connection& connection,
                              bool read_only) {
  Resolved resolved;
  resolved.name = read_only ? connection.ro_name() : connection.rw_name();
  const std::string server = dns_server(session, connection);
  if (!server.empty() && !resolved.name.empty()) {
    CDB_ASSIGN_OR_RETURN(resolved.addresses, lookup(server, resolved.name, kLookupTimeout));
    resolved.by = "DNS server " + server;
    return resolved;
  }
  resolved.by = "coordinator";
  if (read_only) {
    resolved.addresses = {connection.ro_addresses().begin(), connection.ro_addresses().end()};
  } else if (!connection.rw_address().empty()) {
    resolved.addresses.push_back(connection.rw_address());
  }
  return resolved;
}

// The coordinator may give an address with its port.
std::pair<std::string, std::string> host_and_port(const std::string& address, uint32_t port) {
  const size_t colon = address.rfind(':');
  const bool one_colon = colon != std::string::npos && address.find(':') == colon;
  if (one_colon) return {address.substr(0, colon), address.substr(colon + 1)};
  return {address, std::to_string(port)};
}

Result<std::string> choose(const Resolved& resolved, const v1::Connection& connection,
                           bool read_only) {
  if (resolved.addresses.empty()) {
    return unavailable(fmt::format("{} leads nowhere at present",
                                   resolved.name.empty() ? "the cluster" : resolved.name),
                       read_only ? "there may be no replica: leave --ro out, or see cdb topology"
                                 : "see cdb topology for why there is no primary");
  }
  if (resolved.addresses.size() == 1 || connection.rw_address() == resolved.addresses.front()) {
    return resolved.addresses.front();
  }
  std::random_device random;
  return resolved.addresses[random() % resolved.addresses.size()];
}

Result<std::string> find_client(const World& world) {
  if (const std::string given = world.env("CDB_MYSQL_CLIENT"); !given.empty()) return given;
  for (const char* name : {"mysql", "mariadb"}) {
    for (const auto& folder : split(world.env("PATH"), ':')) {
      const auto path = std::filesystem::path(folder) / name;
      if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) return path.string();
    }
  }
  return precondition("there is no mysql or mariadb client in PATH",
                      "install one (default-mysql-client), or set CDB_MYSQL_CLIENT");
}

Result<std::filesystem::path> password_folder(const World& world) {
  const std::string runtime = world.env("XDG_RUNTIME_DIR");
  if (!runtime.empty()) return std::filesystem::path(runtime) / "cdb";
  const std::string home = world.env("HOME");
  if (home.empty()) {
    return precondition("there is no place for the password", "set XDG_RUNTIME_DIR or HOME");
  }
  return std::filesystem::path(home) / ".cache" / "cdb" / "connect";
}

std::string shell_quoted(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,@%+";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::vector<std::string> client_line(const std::string& client, const std::string& options,
                                     const std::string& address, uint32_t port,
                                     const std::vector<std::string>& more) {
  const auto place = host_and_port(address, port);
  std::vector<std::string> line{client, "--defaults-file=" + options, "--protocol=TCP",
                                "--host=" + place.first, "--port=" + place.second};
  line.insert(line.end(), more.begin(), more.end());
  return line;
}

Result<v1::Connection> get_connection(Session& session, const std::string& cluster) {
  v1::GetConnectionRequest request;
  *request.mutable_cluster() = cluster_ref(session, cluster);
  return session.client.connection(request);
}

}  // namespace

Result<Exit> connect(Session& session, const ConnectArgs& args) {
  World& world = session.world;
  CDB_ASSIGN_OR_RETURN(const v1::Connection connection, get_connection(session, args.cluster));
  CDB_ASSIGN_OR_RETURN(const Resolved resolved, resolve_name(session, connection, args.read_only));
  CDB_ASSIGN_OR_RETURN(const std::string address, choose(resolved, connection, args.read_only));
  CDB_ASSIGN_OR_RETURN(const std::string client, find_client(world));
  const std::string home = world.env("HOME");
  const std::string text =
      option_text(connection.user(), Secret(connection.password()),
                  home.empty() ? std::filesystem::path{} : std::filesystem::path(home) / ".my.cnf");
  if (args.print) {
    const v1::ClusterRef cluster = cluster_ref(session, args.cluster);
    const std::string file = fmt::format("{}.{}.cnf", cluster.namespace_(), cluster.name());
    CDB_ASSIGN_OR_RETURN(const auto folder, password_folder(world));
    CDB_ASSIGN_OR_RETURN(const auto path, password_on_disk(folder, file, text));
    std::vector<std::string> line;
    for (const auto& part :
         client_line(client, path.string(), address, connection.port(), args.client_args)) {
      line.push_back(shell_quoted(part));
    }
    world.out << join(line, " ") << "\n" << std::flush;
    world.err << "the password of " << connection.user() << " is in " << path.string()
              << " (mode 0600)\n";
    return Exit::Ok;
  }
  CDB_ASSIGN_OR_RETURN(const std::string options, password_in_memory(text));
  if (world.err_terminal) {
    world.err << fmt::format("{} is {} ({})\n", resolved.name, address, resolved.by) << std::flush;
  }
  CDB_TRY(
      world.execute(client_line(client, options, address, connection.port(), args.client_args)));
  return Exit::Ok;
}

Result<Exit> resolve(Session& session, const ResolveArgs& args) {
  World& world = session.world;
  CDB_ASSIGN_OR_RETURN(const v1::Connection connection, get_connection(session, args.cluster));
  CDB_ASSIGN_OR_RETURN(const Resolved rw, resolve_name(session, connection, false));
  const auto ro = resolve_name(session, connection, true);
  if (!ro && ro.error().code != Code::NotFound) return ro.error();
  Tree tree = Tree::object();
  Table table({"ACCESS", "NAME", "ADDRESSES", "PORT", "SAID BY"});
  const auto add = [&](const char* access, const Resolved& resolved) {
    tree[access] = {
        {"name", resolved.name}, {"addresses", resolved.addresses}, {"by", resolved.by}};
    table.add({access, resolved.name, join(resolved.addresses, ","),
               std::to_string(connection.port()), resolved.by});
  };
  add("rw", rw);
  add("ro",
      ro ? *ro
         : Resolved{connection.ro_name(), {}, "DNS server " + dns_server(session, connection)});
  tree["port"] = connection.port();
  if (!print_tree(world, args.format, tree)) world.out << table.text() << std::flush;
  return Exit::Ok;
}

}  // namespace cdb::cli
