#include "cli/help.h"

#include <array>

#include "lib/base/result.h"

namespace cdb::cli::help {
namespace {

struct Entry {
  std::string_view command;
  std::string_view summary;
  std::string_view examples;
};

constexpr std::array kEntries{
    Entry{"apply", "Create or change what files declare",
          R"(All files are checked before anything is sent; every mistake is shown as
file:line:column. The coordinator takes all of it or nothing.

A cluster of one primary and two replicas:

  apiVersion: cdb.cycloud.io/v1
  kind: MySQL
  metadata:
    name: shop
  spec:
    flavor: small            # see: cdb catalogue
    replica: 2
    version: 8.0
    storage: {kind: ssd, size_gib: 20}

Examples:
  cdb apply -f shop.yaml                 wait until the cluster is ready
  cdb apply -f clusters/ --dry-run       check a folder, change nothing
  cdb get mysql shop -o yaml | sed 's/replica: 2/replica: 3/' | cdb apply -f -

Exit: 0 done, 1 the files or an operation are wrong, 4 the state forbids it,
5 still running after --timeout, 7 no coordinator answered.)"},
    Entry{"diff", "Show what apply would change",
          R"(Examples:
  cdb diff -f shop.yaml
  cdb diff -f clusters/ --exit-code      exit 0: the same, 2: something differs)"},
    Entry{"get", "Show resources",
          R"(Examples:
  cdb get mysql                          the clusters of this namespace
  cdb get mysql shop -o yaml             one of them, in a form that apply reads
  cdb get instances -o wide -A           every machine everywhere
  cdb get all -w                         and every change from now on
  cdb get mysql,mysqlconfig,orchestrator -o yaml > backup.yaml

Short names: my (mysql), mc (mysqlconfig), orch (orchestrator), inst (instance),
conn (connector).)"},
    Entry{"delete", "Delete resources",
          R"(The name must be typed again, or given with --confirm: deleting a MySQL takes its
machines, its data and its names. Without a terminal and without --confirm nothing
is deleted (exit 4).

Examples:
  cdb delete mysql shop
  cdb delete mysql shop --confirm=shop --no-wait
  cdb delete -f shop.yaml --confirm=shop)"},
    Entry{"topology", "Show a cluster as it is: roles, lag, leases, epoch, problems",
          R"(The primary stands first, its replicas under it. LAG is in seconds and in
transactions. ACKER: the primary's commits wait for this replica. LEASE: who lets the
node serve, and for how long without a word: coordinator, holds (of its peers, while
the coordinator is away), stream (a reader), own (a single node). A state with an arrow
is on its way to the other.

protection: "protected" (an acknowledged write is on another node too), "unprotected:
no acker", or "asynchronous". blocked: why there can be no primary now, in words; it
goes on by itself once the reason is gone. The write gap of the last change of the
primary is at most what clients felt: from the last report of a writable old primary to
the first one of the new.

Examples:
  cdb topology shop
  cdb topology shop -w                   live
  cdb topology shop -o json | jq -r .primary
  cdb topology shop -o json | jq .last.write_gap_ms)"},
    Entry{"switchover", "Move the primary to another node, planned",
          R"(Nothing is lost and clients wait for about a second. Refused (exit 4) where that
cannot be promised; the reason is shown. Without --to the replica that policy prefers
takes over. Programs of the policy's hooks.before run first, up to their deadline.

Examples:
  cdb switchover shop --dry-run          would it go?
  cdb switchover shop --to shop-2
  cdb switchover shop -o json | jq -r .state)"},
    Entry{"failover", "Replace the primary by a person's word",
          R"(For a primary that is sick in a way no check sees. A dead primary is replaced
without being asked. The cluster's name must be typed again, or given with --confirm.

A cluster that is blocked (see cdb topology) waits for a node that has every
acknowledged write. Where none will come back, --allow-data-loss elects the connected
node that holds most. What may be lost is shown before, with --dry-run too; who, why
and what is kept as an event and in the operation. Refused (exit 4) while anything
safer is possible.

Examples:
  cdb failover shop --reason 'disk of shop-1 answers in seconds'
  cdb failover shop --to shop-3 --confirm=shop
  cdb failover shop --allow-data-loss --reason 'rack 7 burnt down' --dry-run)"},
    Entry{"maintenance", "Take a replica out for a while, or give it back",
          R"(With "on" no write waits for the node, it is not elected, it leaves the read-only
name, and once it reads maintenance in cdb topology its agent does nothing to its
mysqld: it neither starts nor stops nor configures it. It goes on reporting, and keeps
the node from being written to. It stays so until "off", through restarts and failovers.

Refused (exit 4) for a primary (switch over first), and where fewer replicas than wanted
would be left to acknowledge writes, unless --allow-unprotected.

Examples:
  cdb maintenance shop shop-2 on
  cdb maintenance shop shop-2 off
  cdb maintenance shop shop-1 on --allow-unprotected --dry-run)"},
    Entry{"rejoin", "Let a node try again now, or seed it anew",
          R"(Nodes rejoin by themselves. This is for one that waits between attempts, or whose
replication is broken. With --reseed its data are replaced by a copy of the primary's:
its binary logs are archived first, the node's name must be typed again or given with
--confirm. Refused (exit 4) where it holds anything of the cluster's that the primary
does not.

Examples:
  cdb rejoin shop shop-2
  cdb rejoin shop shop-2 --reseed --dry-run     what would be archived
  cdb rejoin shop shop-2 --reseed --confirm=shop-2)"},
    Entry{"events", "Show what happened",
          R"(Examples:
  cdb events shop --limit 20
  cdb events -A -w -o json | jq 'select(.severity == "error")')"},
    Entry{"operations", "Show long-running work, or stay with it",
          R"(Examples:
  cdb operations                         all of this namespace
  cdb operations shop --running
  cdb operations ID                      one, with its steps
  cdb operations ID -w                   until it ends; exit 1 where it fails)"},
    Entry{"connect", "Open a mysql client on a cluster",
          R"(The name is asked of the cluster's own DNS server (or CDB_DNS=host:port). The
client is mysql or mariadb from PATH, or CDB_MYSQL_CLIENT. The password never stands on
a command line: the client reads it from a file in memory. Your ~/.my.cnf is
read too.

Examples:
  cdb connect shop
  cdb connect shop --ro -- -e 'SELECT @@hostname'
  echo 'SELECT 1' | cdb connect shop
  $(cdb connect shop --print) -e 'SELECT 1'   the password stays in a file of yours)"},
    Entry{"resolve", "Show where a cluster's names lead",
          R"(Examples:
  cdb resolve shop
  CDB_DNS=10.0.0.53:53 cdb resolve shop -o json)"},
    Entry{"catalogue", "Show flavors and MySQL versions that can be asked for",
          R"(Examples:
  cdb catalogue
  cdb catalogue -o json | jq -r '.flavors[].name')"},
    Entry{"context", "Show the contexts, or use another one",
          R"(Contexts stand in ~/.config/cdb/config.yaml:

  current-context: lab
  contexts:
  - name: lab
    endpoints: [10.0.0.1:7400, 10.0.0.2:7400]
    namespace: shop          # optional
    dns: 10.0.0.53:53        # optional, for connect and resolve

Examples:
  cdb context
  cdb context use lab)"},
    Entry{"version", "Show the version of this command", ""},
    Entry{"completion", "Print a completion script",
          R"(Examples:
  source <(cdb completion bash))"},
};

const Entry& entry(std::string_view command) {
  for (const auto& known : kEntries) {
    if (known.command == command) return known;
  }
  broken_invariant("a command without help", __FILE__, __LINE__);
}

}  // namespace

std::string_view overview() {
  return R"(Where to start:
  export CDB_ENDPOINTS=10.0.0.1:7400     the coordinator, if not on this machine
  cdb catalogue                          what can be asked for
  cdb apply --help                       how a cluster is declared
  cdb topology CLUSTER                   how it is

Exit codes: 0 ok, 1 error, 2 differs, 3 not found, 4 refused, 5 timeout (the work
goes on), 6 not allowed, 7 unreachable, 64 usage, 130 interrupted.
Data goes to standard output, messages and progress to standard error.)";
}

std::string_view summary(std::string_view command) {
  return entry(command).summary;
}
std::string_view examples(std::string_view command) {
  return entry(command).examples;
}

}  // namespace cdb::cli::help
