// What agents of one machine share, and what they leave behind.
#include <cstdlib>
#include <thread>

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/adapters/kernel_fence.h"
#include "agent/adapters/machine_gates.h"
#include "tests/integration/fence/site.h"

namespace cdb::agent {
namespace {

using namespace std::chrono_literals;
using testing::from_now;
using testing::Host;
using testing::Listener;
using testing::must;
using testing::Session;
using testing::session_from;
using testing::Site;

std::string ruleset(const Site& site) {
  return site.machine.output_of("nft list ruleset");
}

// Without CAP_NET_ADMIN; capabilities are a thread's own.
Status opened_without_right(const model::Endpoint& node) {
  Status result;
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (::syscall(SYS_capget, &header, data) != 0) FAIL("no capabilities to give away");
    data[0].effective &= ~(1U << CAP_NET_ADMIN);
    data[0].permitted &= ~(1U << CAP_NET_ADMIN);
    if (::syscall(SYS_capset, &header, data) != 0) FAIL("the capability cannot be given away");
    const auto fence = KernelFence::open(node);
    if (!fence) result = fence.error();
  }).join();
  return result;
}

}  // namespace

TEST_CASE("two nodes on one machine do not disturb one another") {
  const Site site(Site::Where::OneHost);
  const Listener second_mysqld(site.machine, "127.0.0.9");
  const model::Endpoint second{"127.0.0.9", second_mysqld.port()};
  // The same address with another port, as a third.
  const Listener third_mysqld(site.machine, site.node.host);
  const model::Endpoint third{site.node.host, third_mysqld.port()};
  const auto one = site.new_agent();
  const auto two = Site::agent_of(second);
  const auto three = Site::agent_of(third);
  for (const auto* fence : {&one, &two, &three})
    must((*fence)->install());
  must(one->admit({{"127.0.0.4"}, {"127.0.0.5"}}));
  must(two->admit({{"127.0.0.5"}, {"127.0.0.4"}}));
  must(one->open_until(from_now(1min)));
  must(two->open_until(from_now(1min)));
  const auto reaches = [&](const std::string& from, const model::Endpoint& node) {
    return try_connect(site.machine, from, node).has_value();
  };
  Session session = session_from(site.from_client(), site.mysqld);
  CHECK(reaches("127.0.0.4", site.node));
  CHECK_FALSE(reaches("127.0.0.5", site.node));
  CHECK(reaches("127.0.0.5", second));
  CHECK_FALSE(reaches("127.0.0.4", second));
  CHECK_FALSE(reaches("127.0.0.3", third));

  must(two->shut());
  must(two->admit({}));
  must(three->open_until(from_now(1min)));
  must(three->remove());
  CHECK(session.talks());
  CHECK(reaches("127.0.0.4", site.node));
  CHECK_FALSE(reaches("127.0.0.5", site.node));
  CHECK_FALSE(reaches("127.0.0.5", second));
  CHECK(reaches("127.0.0.3", third));  // no gate is there any more
  must(two->remove());
  CHECK(session.talks());
  CHECK_FALSE(reaches("127.0.0.5", site.node));
}

TEST_CASE("an agent that is started again leaves a lease that runs, and its connections") {
  const Site site(Site::Where::TwoHosts);
  const Instant until = from_now(1min);
  {
    const auto fence = site.new_agent();
    must(fence->install());
    must(fence->open_until(until));
  }
  Session session = session_from(site.from_client(), site.mysqld);
  const auto next = site.new_agent();
  must(next->install());
  const auto open = next->open_now();
  REQUIRE(*open);
  CHECK(**open <= until);
  CHECK(**open > until - 30s);
  must(next->open_until(from_now(1min)));
  CHECK(session.talks());
}

TEST_CASE("the rules of an earlier version are replaced while a connection goes on") {
  const Site site(Site::Where::TwoHosts);
  const std::string node = site.node.host + " . " + std::to_string(site.node.port);
  site.machine.run(
      "nft 'table inet cdb { set nodes { type ipv4_addr . inet_service; elements = { " + node +
      " }; }; set leases { type ipv4_addr . inet_service; flags timeout; elements = { " + node +
      " timeout 5m }; }; chain of_old { type filter hook input priority -5; tcp dport 1 drop; }; "
      "chain input { type filter hook input priority filter; ip daddr . tcp dport @leases accept; "
      "ip daddr . tcp dport @nodes drop; }; }'");
  Session session = session_from(site.from_client(), site.mysqld);
  const auto fence = site.new_agent();
  must(fence->install());
  CHECK(*fence->open_now());
  CHECK(session.talks());
  CHECK(ruleset(site).find("dport 1 drop") == std::string::npos);
  must(fence->shut());
  CHECK(session.client.received_before_reset() == "");
  CHECK_FALSE(site.from_client());
  must(fence->remove());
  CHECK(ruleset(site).empty());
}

TEST_CASE("agents that come and go at the same time do not lose a gate, nor its lease") {
  const Site site(Site::Where::OneHost);
  const auto steady = site.new_agent();
  must(steady->install());
  must(steady->open_until(from_now(5min)));
  Session session = session_from(site.from_client(), site.mysqld);
  const auto come_and_go = [](const model::Endpoint& node, Status& failed) {
    for (int i = 0; i < 15 && failed.ok(); ++i) {
      const auto fence = KernelFence::open(node);
      failed = fence ? (*fence)->install() : Status(fence.error());
      if (failed) failed = (*fence)->open_until(from_now(1min));
      if (failed && (i % 2 == 0)) failed = (*fence)->install();
      const auto open = fence ? (*fence)->open_now() : std::optional<Instant>();
      if (failed && (!open || !*open)) failed = internal("the gate was lost");
      if (failed) failed = (*fence)->remove();
    }
  };
  const auto two_come_and_go = [&] {
    Status first;
    Status second;
    std::jthread other(come_and_go, model::Endpoint{"127.0.0.8", 3306}, std::ref(first));
    come_and_go({"127.0.0.9", 3306}, second);
    other.join();
    must(first);
    must(second);
  };
  two_come_and_go();
  CHECK(session.talks());
  must(steady->remove());
  two_come_and_go();  // now each is the last that leaves, or nearly so
  CHECK(ruleset(site).empty());
}

TEST_CASE("a table to which somebody came meanwhile is not taken away") {
  const Site site(Site::Where::OneHost);
  const auto one = site.new_agent();
  must(one->install());
  auto table = GateTable::open();
  REQUIRE(table);
  const auto seen = table->generation();
  REQUIRE(seen);
  const auto two = Site::agent_of({"127.0.0.9", 3306});
  must(two->install());
  CHECK(*table->drop(*seen) == GateOutcome::Changed);
  CHECK(*table->apply({{GateChange::Kind::Put, {GateSet::Nodes, site.node, {}, {}}}}, *seen) ==
        GateOutcome::Changed);
  CHECK(machine_gates()->size() == 2);
  CHECK(*table->drop(*table->generation()) == GateOutcome::Done);
}

TEST_CASE("a table that somebody flushed is put back by the next call, and no client notices") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->admit({{site.member}, {}}));
  must(fence->open_until(from_now(5min)));
  Session client = session_from(site.from_client(), site.mysqld);
  Session member = session_from(site.from_member(), site.mysqld);
  const auto lost = [&] { site.machine.run("nft flush ruleset"); };
  lost();
  CHECK(fence->open_now().error().code == Code::Precondition);
  must(fence->open_until(from_now(5min)));
  CHECK(*fence->open_now());
  lost();
  must(fence->admit({{site.member}, {"127.0.0.6"}}));
  CHECK(*fence->open_now());
  CHECK(client.talks());
  lost();
  must(Site::agent_of({"127.0.0.9", 3306})->install());  // another agent is faster
  must(fence->open_until(from_now(5min)));
  CHECK(client.talks());
  CHECK(machine_gates()->front().admission == Admission{{site.member}, {"127.0.0.6"}});
  lost();
  must(fence->shut());
  CHECK_FALSE(*fence->open_now());
  CHECK(client.client.received_before_reset() == "");
  CHECK(member.talks());
  lost();
  must(fence->shut());
  CHECK_FALSE(site.from_client());
  CHECK(member.talks());
  CHECK(machine_gates()->front().admission == Admission{{site.member}, {"127.0.0.6"}});
}

TEST_CASE("removing leaves nothing behind, also where nothing was") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->remove());
  must(fence->install());
  must(fence->admit({{site.member}, {site.client}}));
  must(fence->open_until(from_now(1min)));
  CHECK_FALSE(ruleset(site).empty());
  must(fence->remove());
  CHECK(ruleset(site).empty());
  CHECK(fence->open_now().error().message == "there is no gate before " + site.node.str());
  session_from(site.from_client(), site.mysqld);
  must(fence->remove());
}

TEST_CASE("all gates of a machine can be shown and removed") {
  const Site site(Site::Where::OneHost);
  CHECK(machine_gates()->empty());
  CHECK(remove_machine_gates()->empty());
  const model::Endpoint second{"127.0.0.9", 3306};
  const auto one = site.new_agent();
  const auto two = Site::agent_of(second);
  must(one->install());
  must(two->install());
  must(one->admit({{"127.0.0.4", "127.0.0.5"}, {"127.0.0.6"}}));
  must(two->open_until(from_now(1min)));
  const auto gates = machine_gates();
  REQUIRE(gates->size() == 2);
  CHECK(gates->front() == MachineGate{site.node, {}, {{"127.0.0.4", "127.0.0.5"}, {"127.0.0.6"}}});
  CHECK(gates->back().node == second);
  REQUIRE(gates->back().left);
  CHECK(*gates->back().left <= 1min);
  CHECK(*gates->back().left > 30s);
  CHECK(remove_machine_gates()->size() == 2);
  CHECK(ruleset(site).empty());
}

TEST_CASE("the agent's command shows the gates of its machine and removes them") {
  const Site site(Site::Where::OneHost);
  const std::string mysqllet = std::getenv("CDB_TEST_MYSQLLET");
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->admit({{"127.0.0.4", "127.0.0.5"}, {"127.0.0.6"}}));
  const std::string shown = site.machine.output_of(mysqllet + " fence show");
  for (const std::string& part : {site.node.str(), std::string("shut"),
                                  std::string("127.0.0.4,127.0.0.5"), std::string("127.0.0.6")}) {
    CHECK(shown.find(part) != std::string::npos);
  }
  must(fence->open_until(from_now(10min)));
  CHECK(site.machine.output_of(mysqllet + " fence show").find("9 min ") != std::string::npos);
  CHECK(site.machine.output_of(mysqllet + " fence remove") ==
        "removed the gate of " + site.node.str() + "\n");
  CHECK(ruleset(site).empty());
  CHECK(site.machine.output_of(mysqllet + " fence show") == "no gate on this machine\n");
  CHECK(site.machine.output_of(mysqllet + " fence remove").empty());
  CHECK(site.machine.output_of(mysqllet + " fence shut 2>/dev/null || echo $?") == "64\n");
}

TEST_CASE("what a gate cannot be is refused with the reason") {
  const Site site(Site::Where::OneHost);
  for (const char* host : {"db1.example.com", "::1", "0.0.0.0", "", "127.0.0.1 "}) {
    const auto fence = KernelFence::open({host, 3306});
    REQUIRE_FALSE(fence);
    CHECK(fence.error().code == Code::Invalid);
    CHECK(fence.error().hint.find("IPv4 address") != std::string::npos);
  }
  const auto no_nft = KernelFence::open(site.node, "/nowhere/nft");
  REQUIRE_FALSE(no_nft);
  CHECK(no_nft.error().code == Code::Precondition);
  CHECK(no_nft.error().text().find("/nowhere/nft") != std::string::npos);
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->admit({{site.member}, {}}));
  CHECK(fence->admit({{"db2.example.com"}, {}}).error().code == Code::Invalid);
  CHECK(site.from_member());  // nothing was changed
}

TEST_CASE("without the right to change the network an agent is told what it lacks") {
  const Site site(Site::Where::OneHost);
  const Status opened = opened_without_right(site.node);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::Denied);
  CHECK(opened.error().hint.find("CAP_NET_ADMIN") != std::string::npos);
  CHECK(opened_without_right(site.node).error().message ==
        "look at the tables of nftables: not permitted");
}

}  // namespace cdb::agent
