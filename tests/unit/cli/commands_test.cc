#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "cli/tree.h"
#include "tests/unit/cli/command_run.h"
#include "tests/unit/cli/temp_folder.h"

namespace cdb::cli {
namespace {

constexpr const char* kShop =
    "apiVersion: cdb.cycloud.io/v1\nkind: MySQL\nmetadata: {name: shop}\nspec:\n"
    "  flavor: small\n  replica: 2\n  version: 8.0\n";

Ran run(const FakeCoordinator& coordinator, const std::vector<std::string>& args,
        const std::string& input = {}) {
  CommandRun command(coordinator);
  command.input = input;
  return command.run(args);
}

v1::Topology topology() {
  v1::Topology found;
  found.mutable_cluster()->set_namespace_("default");
  found.mutable_cluster()->set_name("shop");
  found.mutable_record()->set_epoch(7);
  found.mutable_record()->set_version(3);
  found.set_phase("steady");
  found.set_primary("shop-2");
  found.set_acks_required(1);
  found.set_protection("protected");
  found.set_rw_name("shop.db.test");
  found.set_ro_name("shop-ro.db.test");
  found.mutable_last()->set_from("shop-1");
  found.mutable_last()->set_to("shop-2");
  found.mutable_last()->set_cause("mysqld of shop-1 has ended");
  found.mutable_last()->mutable_decided()->set_seconds(1);
  found.mutable_last()->set_write_gap_ms(812);
  found.mutable_last()->set_loss("3 transactions of shop-1");
  found.set_dns_problem("10.0.0.53 refused the update");
  const auto add = [&](const std::string& name, const std::string& role, int host) {
    auto* node = found.add_nodes();
    node->set_name(name);
    node->set_role(role);
    node->set_state(role == "primary" ? "writable" : "replicating");
    node->set_goal(node->state());
    node->mutable_endpoint()->set_host("10.0.0." + std::to_string(host));
    node->mutable_endpoint()->set_port(3306);
    node->set_connected(true);
    node->set_writable(role == "primary");
    node->set_epoch(7);
    node->set_version("8.0.45");
    return node;
  };
  auto* replica = add("shop-1", "replica", 1);
  replica->set_acker(true);
  replica->set_lag_seconds(0);
  replica->set_lag_transactions(2);
  replica->mutable_lease()->set_source("stream");
  replica->mutable_lease()->set_left_ms(1700);
  replica->mutable_lease()->set_fence("kernel");
  add("shop-2", "primary", 2);
  auto* broken = add("shop-3", "replica", 3);
  broken->set_connected(false);
  broken->set_goal("fenced");
  broken->set_problem("duplicate key in row event");
  return found;
}

}  // namespace

TEST_CASE("apply creates, then changes, then finds nothing to do") {
  const FakeCoordinator coordinator;
  Ran ran = run(coordinator, {"apply", "-f", "-"}, kShop);
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "mysql/shop created\n");
  CHECK(ran.err.find("create default/shop succeeded after") != std::string::npos);
  CHECK(coordinator.last_user() == "jane");
  REQUIRE(coordinator.resources().size() == 1);
  CHECK(coordinator.resources()[0].mysql().version() == "8.0");

  ran = run(coordinator, {"apply", "-f", "-"}, kShop);
  CHECK(ran.out == "mysql/shop unchanged\n");
  const Ran shown = run(coordinator, {"get", "mysql", "shop", "-o", "yaml"});
  CHECK(run(coordinator, {"apply", "-f", "-"}, shown.out).out == "mysql/shop unchanged\n");
  std::string changed = kShop;
  changed.replace(changed.find("replica: 2"), 10, "replica: 0");
  ran = run(coordinator, {"apply", "-f", "-"}, changed);
  CHECK(ran.out == "mysql/shop configured\n");
  CHECK(ran.err.find("warning: mysql/shop: without a replica nothing takes over") !=
        std::string::npos);
}

TEST_CASE("a dry run says what would be done and does nothing") {
  const FakeCoordinator coordinator;
  const Ran ran = run(coordinator, {"apply", "-f", "-", "--dry-run"}, kShop);
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "mysql/shop created (dry run)\n");
  CHECK(coordinator.resources().empty());
}

TEST_CASE("a manifest with mistakes is not sent") {
  const FakeCoordinator coordinator;
  const Ran ran = run(coordinator, {"apply", "-f", "-"}, std::string(kShop) + "  flavour: x\n");
  CHECK(ran.exit == Exit::Error);
  CHECK(ran.out.empty());
  CHECK(ran.err ==
        "<stdin>:8:3: unknown field spec.flavour of MySQL\n  hint: did you mean flavor?\n"
        "error: 1 problem was found; nothing was applied\n");
  CHECK(coordinator.resources().empty());
}

TEST_CASE("what the coordinator refuses is shown at its line with the coordinator's hint") {
  const FakeCoordinator coordinator;
  std::string text = kShop;
  text.replace(text.find("flavor: small"), 13, "flavor: huge");
  Ran ran = run(coordinator, {"apply", "-f", "-"}, text);
  CHECK(ran.exit == Exit::Error);
  CHECK(ran.err ==
        "<stdin>:5:11: unknown flavor 'huge'\n  hint: there are small\n"
        "error: 1 problem was found; nothing was applied\n");
  text +=
      "---\napiVersion: cdb.cycloud.io/v1\nkind: MysqlConfig\nmetadata: {name: shop}\nspec:\n"
      "  no_such_thing: 3\n";
  ran = run(coordinator, {"apply", "-f", "-"}, text);
  CHECK(ran.err ==
        "<stdin>:5:11: unknown flavor 'huge'\n  hint: there are small\n"
        "<stdin>:13:18: there is no variable no_such_thing\n"
        "error: 2 problems were found; nothing was applied\n");
}

TEST_CASE("hundreds of complaints of the coordinator arrive, each at its line") {
  const FakeCoordinator coordinator;
  std::string text =
      "apiVersion: cdb.cycloud.io/v1\nkind: MysqlConfig\nmetadata: {name: shop}\nspec:\n";
  for (int i = 0; i < 300; ++i)
    text += "  no_such_variable_" + std::to_string(i) + ": 1\n";
  const Ran ran = run(coordinator, {"apply", "-f", "-"}, text);
  CHECK(ran.err.find("<stdin>:304:25: there is no variable no_such_variable_299\n") !=
        std::string::npos);
  CHECK(ran.err.find("error: 300 problems were found; nothing was applied\n") != std::string::npos);
}

TEST_CASE("diff shows what an apply would change and changes nothing") {
  const FakeCoordinator coordinator;
  Ran ran = run(coordinator, {"diff", "-f", "-", "--exit-code"}, kShop);
  CHECK(ran.exit == Exit::Differs);
  CHECK(ran.out == "MySQL default/shop (new)\n+ flavor: small\n+ replica: 2\n+ version: \"8.0\"\n");
  CHECK(coordinator.resources().empty());
  run(coordinator, {"apply", "-f", "-"}, kShop);
  ran = run(coordinator, {"diff", "-f", "-", "--exit-code"}, kShop);
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out.empty());
  std::string changed = kShop;
  changed.replace(changed.find("replica: 2"), 10, "replica: 3");
  ran = run(coordinator, {"diff", "-f", "-"}, changed);
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out ==
        "MySQL default/shop (changed)\n  flavor: small\n- replica: 2\n+ replica: 3\n"
        "  version: \"8.0\"\n");
  CHECK(run(coordinator, {"diff", "-f", "-"}, "kind: MySQL\n").exit == Exit::Error);
}

TEST_CASE("apply of what is there already waits for what still runs on it") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  run(coordinator, {"apply", "-f", "-", "--no-wait"}, kShop);
  CommandRun command(coordinator);
  command.input = kShop;
  command.begin({"apply", "-f", "-"});
  REQUIRE(command.err.wait_for("create default/shop: prepare running"));
  coordinator.end_operation("op-1");
  const Ran ran = command.end();
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "mysql/shop unchanged\n");
}

TEST_CASE("an operation that fails is an error with its problem") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  CommandRun command(coordinator);
  command.input = kShop;
  command.begin({"apply", "-f", "-"});
  REQUIRE(command.err.wait_for("create default/shop: prepare running"));
  coordinator.end_operation("op-1", "quota is full");
  const Ran ran = command.end();
  CHECK(ran.exit == Exit::Error);
  CHECK(ran.err.find("error: create default/shop failed after") != std::string::npos);
  CHECK(ran.err.find("quota is full") != std::string::npos);
}

TEST_CASE("a wait that times out says that the work goes on and how to follow it") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  CommandRun command(coordinator);
  command.input = kShop;
  const Ran ran = command.run({"apply", "-f", "-", "--timeout", "300ms"});
  CHECK(ran.exit == Exit::Timeout);
  CHECK(ran.err.find("create default/shop goes on; follow it with: cdb operations op-1 -w\n") !=
        std::string::npos);
}

TEST_CASE("Ctrl-C while waiting leaves the work alone and says how to follow it") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  CommandRun command(coordinator);
  command.input = kShop;
  command.begin({"apply", "-f", "-"});
  REQUIRE(command.err.wait_for("prepare running"));
  command.stop.request_stop();
  const Ran ran = command.end();
  CHECK(ran.exit == Exit::Interrupted);
  CHECK(ran.err.find("stopped waiting\ncreate default/shop goes on; follow it with: "
                     "cdb operations op-1 -w\n") != std::string::npos);
}

TEST_CASE("a coordinator that goes away while one waits is found again") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  CommandRun command(coordinator);
  command.input = kShop;
  command.begin({"apply", "-f", "-"});
  REQUIRE(command.err.wait_for("prepare running"));
  coordinator.go_down();
  REQUIRE(command.err.wait_for("trying again"));
  coordinator.come_back();
  REQUIRE(command.err.wait_for("connected to the coordinator"));
  coordinator.end_operation("op-1");
  CHECK(command.end().exit == Exit::Ok);
}

TEST_CASE("--no-wait leaves at once") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  const Ran ran = run(coordinator, {"apply", "-f", "-", "--no-wait"}, kShop);
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.err == "create default/shop goes on; follow it with: cdb operations op-1 -w\n");
}

TEST_CASE("the progress on a terminal is drawn in place and never on standard output") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  CommandRun command(coordinator);
  command.terminal = true;
  command.input = kShop;
  command.begin({"apply", "-f", "-"});
  REQUIRE(command.err.wait_for("\x1b[3A\r\x1b[J"));
  coordinator.end_operation("op-1");
  const Ran ran = command.end();
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "mysql/shop created\n");
}

TEST_CASE("get shows resources as table, names, JSON and YAML") {
  FakeCoordinator coordinator;
  run(coordinator, {"apply", "-f", "-"}, kShop);
  v1::ResourceStatus status;
  status.set_state("ready");
  status.set_version("8.0.45");
  status.set_primary("shop-1");
  status.set_members(3);
  status.set_ready_members(3);
  status.set_protection("protected");
  coordinator.change_status("shop", status);

  const Ran table = run(coordinator, {"get", "MySQLs"});
  CHECK(table.exit == Exit::Ok);
  CHECK(table.out.find("NAME   STATE   READY   PRIMARY   VERSION   FLAVOR   PROTECTION   AGE\n"
                       "shop   ready   3/3     shop-1    8.0.45    small    protected    ") == 0);
  CHECK(run(coordinator, {"get", "my", "-o", "name"}).out == "mysql/shop\n");
  CHECK(run(coordinator, {"get", "mysql/shop", "-o", "name"}).out == "mysql/shop\n");
  const Tree one = Tree::parse(run(coordinator, {"get", "mysql", "shop", "-o", "json"}).out);
  CHECK(one["status"]["primary"] == "shop-1");
  const Tree list = Tree::parse(run(coordinator, {"get", "all", "-o", "json"}).out);
  CHECK(list["kind"] == "List");
  CHECK(list["items"].size() == 1);
  CHECK(run(coordinator, {"get", "mysql", "-A"}).out.find("NAMESPACE") == 0);
  const Ran none = run(coordinator, {"get", "mysql", "-n", "other"});
  CHECK(none.exit == Exit::Ok);
  CHECK(none.out.empty());
  CHECK(none.err == "no MySQL in namespace other\n");
}

TEST_CASE("get of something that does not exist exits 3, a wrong kind 1") {
  const FakeCoordinator coordinator;
  const Ran missing = run(coordinator, {"get", "mysql", "none"});
  CHECK(missing.exit == Exit::NotFound);
  CHECK(missing.err == "error: there is no MySQL default/none\n");
  const Ran wrong = run(coordinator, {"get", "mysqll"});
  CHECK(wrong.exit == Exit::Error);
  CHECK(wrong.err == "error: there is no kind mysqll\nhint: did you mean mysql?\n");
}

TEST_CASE("get -w shows what is and every change, and survives a lost connection") {
  FakeCoordinator coordinator;
  run(coordinator, {"apply", "-f", "-"}, kShop);
  CommandRun command(coordinator);
  command.begin({"get", "mysql", "-w"});
  REQUIRE(command.out.wait_for("creating"));
  v1::ResourceStatus status;
  status.set_state("degraded");
  coordinator.change_status("shop", status);
  REQUIRE(command.out.wait_for("degraded"));
  coordinator.go_down();
  REQUIRE(command.err.wait_for("trying again"));
  status.set_state("ready");
  coordinator.change_status("shop", status);
  coordinator.come_back();
  REQUIRE(command.out.wait_for("ready"));
  command.stop.request_stop();
  const Ran ran = command.end();
  CHECK(ran.exit == Exit::Interrupted);
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 4);
  CHECK(ran.out.find("modified   shop   ready") != std::string::npos);
}

TEST_CASE("delete wants the name again") {
  FakeCoordinator coordinator;
  run(coordinator, {"apply", "-f", "-"}, kShop);
  Ran ran = run(coordinator, {"delete", "mysql", "shop"});
  CHECK(ran.exit == Exit::Refused);
  CHECK(ran.err ==
        "error: delete MySQL default/shop with its machines, its data and its names must be "
        "confirmed\nhint: give --confirm=shop\n");
  ran = run(coordinator, {"delete", "mysql", "shop", "--confirm=shopp"});
  CHECK(ran.exit == Exit::Refused);
  CHECK(coordinator.resources().size() == 1);

  CommandRun wrong(coordinator);
  wrong.terminal = true;
  wrong.input = "yes\n";
  CHECK(wrong.run({"delete", "mysql", "shop"}).exit == Exit::Refused);
  CHECK(coordinator.resources().size() == 1);

  CommandRun typed(coordinator);
  typed.terminal = true;
  typed.input = "shop\n";
  CHECK(typed.run({"delete", "mysql", "shop"}).exit == Exit::Ok);
  CHECK(coordinator.resources().empty());
}

TEST_CASE("delete -f deletes what the files declare, the last first") {
  FakeCoordinator coordinator;
  const TempFolder folder;
  const std::string file =
      folder.write("shop.yaml", std::string(kShop) +
                                    "---\napiVersion: cdb.cycloud.io/v1\nkind: Orchestrator\n"
                                    "metadata: {name: shop}\nspec: {paused: true}\n");
  CHECK(run(coordinator, {"apply", "-f", file}).out ==
        "mysql/shop created\norchestrator/shop created\n");
  const Ran ran = run(coordinator, {"delete", "-f", file, "--confirm=shop"});
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "orchestrator/shop deleted\nmysql/shop is being deleted\n");
  CHECK(coordinator.resources().empty());
  CHECK(run(coordinator, {"delete", "mysql", "shop", "--confirm", "shop"}).exit == Exit::NotFound);
  CHECK(run(coordinator, {"delete", "instance", "shop-1", "--confirm", "shop-1"}).exit ==
        Exit::Refused);
}

TEST_CASE("topology shows the primary with its replicas under it and what is wrong") {
  FakeCoordinator coordinator;
  coordinator.set_topology(topology());
  const Ran ran = run(coordinator, {"topology", "shop"});
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out.find("cluster        default/shop\n"
                     "phase          steady\n"
                     "protection     protected\n"
                     "epoch          7 (version 3)\n"
                     "acks required  1\n"
                     "read-write     shop.db.test\n"
                     "read-only      shop-ro.db.test\n"
                     "last election  ") == 0);
  CHECK(ran.out.find("ago: shop-1 to shop-2, mysqld of shop-1 has ended; writes waited for at most "
                     "812 ms\n"
                     "may have lost  3 transactions of shop-1\n"
                     "dns problem    10.0.0.53 refused the update\n\n"
                     "NODE       ROLE      STATE") != std::string::npos);
  CHECK(ran.out.find("stream 1.7 s") != std::string::npos);
  CHECK(ran.out.find("shop-2     primary   writable") != std::string::npos);
  CHECK(ran.out.find("+ shop-1   replica   replicating") != std::string::npos);
  CHECK(ran.out.find("0 s, 2 tx") != std::string::npos);
  CHECK(ran.out.find("replicating -> fenced (agent gone)") != std::string::npos);
  CHECK(ran.out.find("problem of shop-3: duplicate key in row event\n") != std::string::npos);
  CHECK(ran.out.find('\x1b') == std::string::npos);
  const Tree tree = Tree::parse(run(coordinator, {"topology", "mysql/shop", "-o", "json"}).out);
  CHECK(tree["nodes"][0]["lag_transactions"] == 2);
  CHECK(run(coordinator, {"topology", "none"}).exit == Exit::NotFound);
}

TEST_CASE("topology -w draws each change, in place on a terminal") {
  FakeCoordinator coordinator;
  coordinator.set_topology(topology());
  CommandRun command(coordinator);
  command.terminal = true;
  command.begin({"topology", "shop", "-w"});
  REQUIRE(command.out.wait_for("shop-3"));
  v1::Topology next = topology();
  next.set_primary("shop-1");
  coordinator.set_topology(next);
  REQUIRE(command.out.wait_for("\n+ shop-2"));
  command.stop.request_stop();
  CHECK(command.end().out.find("A\r\x1b[J") != std::string::npos);
}

TEST_CASE("switchover moves the primary, and a refusal is shown with its hint") {
  FakeCoordinator coordinator;
  Ran ran = run(coordinator, {"switchover", "shop", "--to", "shop-2"});
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "switchover default/shop begun (op-1)\n");
  CHECK(coordinator.last_switchover().to() == "shop-2");
  ran = run(coordinator, {"switchover", "shop", "--to", "gone"});
  CHECK(ran.exit == Exit::Refused);
  CHECK(ran.err == "error: node gone is not connected\nhint: wait until its agent is back\n");
  ran = run(coordinator, {"switchover", "shop", "--dry-run"});
  CHECK(ran.out.find("switchover default/shop would begin (dry run)\n") == 0);
}

TEST_CASE("failover wants the cluster's name and passes the reason on") {
  FakeCoordinator coordinator;
  CHECK(run(coordinator, {"failover", "shop"}).exit == Exit::Refused);
  CHECK(coordinator.last_failover().cluster().name().empty());
  const Ran ran =
      run(coordinator, {"failover", "other/shop", "--confirm=shop", "--reason", "slow disk"});
  CHECK(ran.exit == Exit::Ok);
  CHECK(coordinator.last_failover().reason() == "slow disk");
  CHECK(coordinator.last_failover().cluster().namespace_() == "other");
}

TEST_CASE("a failover that may lose data says what, and wants a reason and the cluster's name") {
  FakeCoordinator coordinator;
  const Ran refused =
      run(coordinator, {"failover", "shop", "--allow-data-loss", "--reason", "fire"});
  CHECK(refused.exit == Exit::Refused);
  CHECK(refused.err.find("May be lost: 7 transactions of shop-0 must be confirmed") !=
        std::string::npos);
  CHECK(coordinator.last_failover().dry_run());
  for (const char* yes : {"--confirm=shop", "--yes"}) {
    const Ran ran =
        run(coordinator, {"failover", "shop", "--allow-data-loss", "--reason", "fire", yes});
    CHECK(ran.exit == Exit::Ok);
    CHECK(coordinator.last_failover().allow_data_loss());
    CHECK_FALSE(coordinator.last_failover().dry_run());
    CHECK(coordinator.last_failover().reason() == "fire");
  }
}

TEST_CASE("maintenance of a node is begun, ended, tried, and refused for the primary") {
  FakeCoordinator coordinator;
  Ran ran = run(coordinator, {"maintenance", "shop", "shop-2", "on", "--allow-unprotected"});
  CHECK(ran.exit == Exit::Ok);
  CHECK(ran.out == "maintenance default/shop begun (op-1)\n");
  CHECK(coordinator.last_maintenance().node() == "shop-2");
  CHECK(coordinator.last_maintenance().on());
  CHECK(coordinator.last_maintenance().allow_unprotected());
  ran = run(coordinator, {"maintenance", "shop", "shop-2", "off", "--dry-run"});
  CHECK_FALSE(coordinator.last_maintenance().on());
  CHECK(ran.out.find("maintenance-end default/shop would begin (dry run)") == 0);
  ran = run(coordinator, {"maintenance", "shop", "shop-0", "on"});
  CHECK(ran.exit == Exit::Refused);
  CHECK(ran.err.find("hint: first move the primary away: cdb switchover") != std::string::npos);
}

TEST_CASE("a node is only seeded anew once its name was typed, and after what that archives") {
  FakeCoordinator coordinator;
  CHECK(run(coordinator, {"rejoin", "shop", "shop-2"}).exit == Exit::Ok);
  CHECK_FALSE(coordinator.last_rejoin().reseed());
  const Ran refused = run(coordinator, {"rejoin", "shop", "shop-2", "--reseed"});
  CHECK(refused.exit == Exit::Refused);
  CHECK(refused.err.find("only its archived binary logs will still have uuid:1-3") !=
        std::string::npos);
  const Ran ran =
      run(coordinator, {"rejoin", "shop", "shop-2", "--reseed", "--confirm=shop-2", "-o", "json"});
  CHECK(ran.exit == Exit::Ok);
  CHECK(Tree::parse(ran.out)["kind"] == "reseed");
  CHECK(Tree::parse(ran.out)["state"] == "succeeded");
}

TEST_CASE("events are listed, limited and followed across a lost connection") {
  FakeCoordinator coordinator;
  for (const char* message : {"one", "two", "three"})
    coordinator.add_event("shop", message);
  coordinator.add_event("other", "elsewhere");
  const Ran ran = run(coordinator, {"events", "shop", "--limit", "2"});
  CHECK(ran.out.find("one") == std::string::npos);
  CHECK(ran.out.find("default/shop") != std::string::npos);
  CHECK(ran.out.find("three") != std::string::npos);
  CommandRun command(coordinator);
  command.begin({"events", "shop", "-w", "-o", "json"});
  REQUIRE(command.out.wait_for("three"));
  coordinator.go_down();
  REQUIRE(command.err.wait_for("trying again"));
  coordinator.add_event("shop", "four");
  coordinator.come_back();
  REQUIRE(command.out.wait_for("four"));
  command.stop.request_stop();
  const Ran watched = command.end();
  CHECK(std::count(watched.out.begin(), watched.out.end(), '\n') == 4);
}

TEST_CASE("operations are found by id and by cluster, and followed to their end") {
  FakeCoordinator coordinator;
  coordinator.let_operations_run();
  coordinator.add_operation("create", "shop");
  coordinator.add_operation("create", "other");
  const Ran all = run(coordinator, {"operations"});
  CHECK(all.out.find("op-1   create   default/shop    running   prepare") != std::string::npos);
  CHECK(run(coordinator, {"operations", "shop", "-o", "name"}).out == "op-1\n");
  CHECK(run(coordinator, {"operations", "op-2"}).out.find("create default/other  running") == 0);
  CHECK(run(coordinator, {"operations", "none"}).exit == Exit::NotFound);
  CommandRun command(coordinator);
  command.begin({"operations", "op-1", "-w"});
  REQUIRE(command.err.wait_for("prepare running"));
  coordinator.end_operation("op-1");
  CHECK(command.end().exit == Exit::Ok);
  CHECK(run(coordinator, {"operations", "--running", "-o", "name"}).out == "op-2\n");
}

TEST_CASE("the catalogue lists flavors and versions") {
  const FakeCoordinator coordinator;
  CHECK(run(coordinator, {"catalogue"}).out ==
        "FLAVOR   VCPU   MEMORY    DISK\nsmall    2      1.5 GiB   20 GiB\n\n"
        "MYSQL VERSION\n5.6.24\n9.7.4\n");
}

TEST_CASE("errors of the coordinator become exit codes, with their hints") {
  FakeCoordinator coordinator;
  struct Case {
    Error error;
    Exit exit;
  };
  for (const Case& one :
       {Case{denied("jane may not do this", "ask the owner of the project"), Exit::NotAllowed},
        Case{precondition("the cluster is being deleted"), Exit::Refused},
        Case{conflict("changed underneath"), Exit::Refused},
        Case{outcome_unknown("may have happened"), Exit::Error},
        Case{unavailable("the store does not answer"), Exit::Unreachable},
        Case{internal("a bug"), Exit::Error}}) {
    CAPTURE(one.error.message);
    coordinator.refuse_with(std::make_shared<const Error>(one.error));
    const Ran ran = run(coordinator, {"get", "mysql"});
    CHECK(ran.exit == one.exit);
    CHECK(ran.err == "error: " + one.error.message + "\n" +
                         (one.error.hint.empty() ? "" : "hint: " + one.error.hint + "\n"));
  }
}

TEST_CASE("endpoints are tried in order, and none that answers exits 7") {
  const FakeCoordinator coordinator;
  CommandRun second("unix:/nonexistent/socket," + coordinator.endpoint());
  CHECK(second.run({"catalogue"}).exit == Exit::Ok);
  CommandRun none("unix:/nonexistent/a,unix:/nonexistent/b");
  const Ran ran = none.run({"catalogue"});
  CHECK(ran.exit == Exit::Unreachable);
  CHECK(ran.err.find(
            "error: no coordinator answers at unix:/nonexistent/a, unix:/nonexistent/b\n") == 0);
  CommandRun watching("unix:/nonexistent/a");
  CHECK(watching.run({"get", "mysql", "-w"}).exit == Exit::Unreachable);
}

TEST_CASE("help and version need no coordinator") {
  CommandRun help;
  CHECK(help.run({"apply", "--help"}).exit == Exit::Ok);
  CommandRun version;
  CHECK(version.run({"version"}).out.find("cdb ") == 0);
  CommandRun completion;
  CHECK(completion.run({"completion", "bash"}).out.find("complete -F _cdb cdb") !=
        std::string::npos);
}

}  // namespace cdb::cli
