#include "agent/adapters/kernel_fence.h"

#include <algorithm>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/fence/site.h"
#include "tests/support/eventually.h"

namespace cdb::agent {
namespace {

using namespace std::chrono_literals;
using testing::Connection;
using testing::eventually;
using testing::from_now;
using testing::kBothPlaces;
using testing::Listener;
using testing::must;
using testing::Session;
using testing::session_from;
using testing::Site;

// A lease may end this much before its time.
constexpr Duration kEarly = 40ms;

bool lapses(KernelFence& fence) {
  return eventually([&] {
    const auto open = fence.open_now();
    return open.ok() && !*open;
  });
}

}  // namespace

TEST_CASE("a gate that was never opened turns clients away with a reset, and nobody else") {
  for (const Site::Where where : kBothPlaces) {
    const Site site(where);
    const Listener other(site.machine, site.node.host);
    const Listener outside(site.peers(), site.member);
    const auto before = session_from(site.from_client(), site.mysqld);
    const auto fence = site.new_agent();
    must(fence->install());
    CHECK(fence->kind() == "kernel");
    CHECK_FALSE(*fence->open_now());
    CHECK_FALSE(site.from_client());

    // Another port of the same address; and what the node itself begins.
    session_from(try_connect(site.peers(), site.client, {site.node.host, other.port()}), other);
    session_from(try_connect(site.machine, site.node.host, {site.member, outside.port()}), outside);
  }
}

TEST_CASE("a lease lets clients in, and when it has run out they are reset without any agent") {
  for (const Site::Where where : kBothPlaces) {
    const Site site(where);
    auto fence = site.new_agent();
    must(fence->install());
    const Instant until = from_now(2s);
    must(fence->open_until(until));
    const auto open = fence->open_now();
    REQUIRE(*open);
    CHECK(**open <= until);
    CHECK(**open >= until - 1s);
    Session session = session_from(site.from_client(), site.mysqld);
    fence.reset();  // the agent is dead

    CHECK(session.client.received_before_reset() == "");
    CHECK(BootTime::now() >= until - kEarly);
    CHECK_FALSE(site.from_client());
  }
}

TEST_CASE("a lease is never open beyond its time") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->install());
  for (int i = 0; i < 20; ++i) {
    const Instant until = from_now(KernelFence::kShortest + 20ms + i * 1ms);
    must(fence->open_until(until));
    Instant seen_open{};
    for (bool open = true; open;) {
      const Instant before = BootTime::now();
      const auto answer = fence->open_now();
      REQUIRE(answer);
      open = answer->has_value();
      if (open) seen_open = before;
    }
    CHECK(seen_open < until);
  }
}

TEST_CASE("a later time replaces an earlier one, and an earlier one a later") {
  const Site site(Site::Where::TwoHosts);
  const auto fence = site.new_agent();
  must(fence->install());
  const Instant first = from_now(500ms);
  must(fence->open_until(first));
  Session session = session_from(site.from_client(), site.mysqld);
  must(fence->open_until(from_now(1min)));
  CHECK(eventually([&] { return BootTime::now() > first + 100ms; }));
  CHECK(session.talks());

  const Instant sooner = from_now(500ms);
  must(fence->open_until(sooner));
  CHECK(session.talks());
  CHECK(session.client.received_before_reset() == "");
  CHECK(BootTime::now() >= sooner - kEarly);
  CHECK_FALSE(*fence->open_now());
}

TEST_CASE("a time that has passed, or as good as, shuts the gate") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->install());
  for (const Duration left : {Duration(-1h), Duration(0), Duration(1ns), Duration(3ms),
                              Duration(KernelFence::kShortest) - 1ms}) {
    must(fence->open_until(from_now(1min)));
    Session session = session_from(site.from_client(), site.mysqld);
    must(fence->open_until(from_now(left)));
    CHECK_FALSE(*fence->open_now());
    CHECK(session.client.received_before_reset() == "");
  }
  // No time at all would be a time without end.
  must(fence->open_until(from_now(KernelFence::kShortest + 5ms)));
  CHECK(lapses(*fence));
  must(fence->open_until(Instant::max()));
  CHECK(**fence->open_now() > from_now(24h * 365));
}

TEST_CASE("members that are admitted pass while the gate is shut, also when it shuts") {
  for (const Site::Where where : kBothPlaces) {
    const Site site(where);
    const auto fence = site.new_agent();
    must(fence->install());
    must(fence->admit({{site.member}, {}}));
    Session early = session_from(site.from_member(), site.mysqld);
    CHECK_FALSE(site.from_client());
    must(fence->open_until(from_now(1min)));
    Session client = session_from(site.from_client(), site.mysqld);
    Session late = session_from(site.from_member(), site.mysqld);
    must(fence->shut());
    CHECK(client.client.received_before_reset() == "");
    CHECK(early.talks());
    CHECK(late.talks());
    // An agent that was started again knows nothing of the members yet.
    const auto next = site.new_agent();
    must(next->install());
    must(next->open_until(from_now(1min)));
    must(next->shut());
    CHECK(early.talks());
    must(next->admit({}));
    CHECK_FALSE(site.from_member());
  }
}

TEST_CASE("members that are barred are cut and kept out while the gate is open to all others") {
  for (const Site::Where where : kBothPlaces) {
    const Site site(where);
    const auto fence = site.new_agent();
    must(fence->install());
    must(fence->admit({{site.member}, {}}));
    must(fence->open_until(from_now(1min)));
    Session client = session_from(site.from_client(), site.mysqld);
    Session member = session_from(site.from_member(), site.mysqld);
    must(fence->admit({{}, {site.member}}));
    CHECK_FALSE(member.server.send("more"));
    CHECK(member.client.received_before_reset() == "");
    CHECK_FALSE(site.from_member());
    CHECK(client.talks());
    must(fence->admit({{site.member}, {site.member}}));  // barred wins
    CHECK_FALSE(site.from_member());
    must(fence->admit({}));
    session_from(site.from_member(), site.mysqld);
    CHECK(client.talks());
  }
}

TEST_CASE(
    "what barred members send arrives no more, even where their connection could not be cut") {
  const Site site(Site::Where::TwoHosts);
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->open_until(from_now(1min)));
  Session member = session_from(site.from_member(), site.mysqld);
  auto table = GateTable::open();
  REQUIRE(table);
  REQUIRE(*table->apply({{GateChange::Kind::Put, {GateSet::Barred, site.node, site.member, {}}}}) ==
          GateOutcome::Done);
  CHECK(member.server.send("never to arrive"));
  CHECK(member.client.received_before_reset() == "");
  CHECK(member.server.receive(100ms).empty());
}

TEST_CASE("shutting destroys connections in every state, those of no process included") {
  for (const Site::Where where : kBothPlaces) {
    for (const std::string listens_on : {"", "::"}) {
      Site site(where);
      if (!listens_on.empty()) site.mysqld = Listener(site.machine, listens_on);
      site.node.port = site.mysqld.port();
      const auto fence = site.new_agent();
      must(fence->install());
      must(fence->open_until(from_now(1min)));
      Session established = session_from(site.from_client(), site.mysqld);
      Session client_done = session_from(site.from_client(), site.mysqld);
      client_done.client.finish_sending();
      Session server_done = session_from(site.from_client(), site.mysqld);
      server_done.server.finish_sending();
      Session server_gone = session_from(site.from_client(), site.mysqld);
      server_gone.server.close();
      auto waiting = site.from_client();
      REQUIRE(waiting);
      must(fence->shut());
      for (Connection* client : {&established.client, &client_done.client, &server_done.client,
                                 &server_gone.client, &*waiting}) {
        CHECK(client->received_before_reset() == "");
      }
      CHECK_FALSE(established.server.send("an answer"));
      CHECK_FALSE(site.mysqld.accept().send("a greeting"));
      must(fence->open_until(from_now(1min)));  // the listener itself was spared
      const std::string ours =
          "ss -Htn state connected exclude time-wait sport = :" + std::to_string(site.node.port);
      CHECK(site.machine.output_of(ours).empty());
      session_from(site.from_client(), site.mysqld);
    }
  }
}

TEST_CASE("renewing never lets go of a connection, however often it happens") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->open_until(from_now(1min)));
  Session session = session_from(site.from_client(), site.mysqld);
  Status failed;
  {
    std::jthread agent([&](const std::stop_token& stop) {
      while (failed.ok() && !stop.stop_requested())
        failed = fence->open_until(from_now(1min));
    });
    int exchanges = 0;
    while (exchanges < 5000 && session.talks())
      ++exchanges;
    CHECK(exchanges == 5000);
  }
  must(failed);
}

TEST_CASE("a renewal takes microseconds") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->install());
  std::vector<double> us;
  for (int i = 0; i < 1000; ++i) {
    const Instant before = BootTime::now();
    must(fence->open_until(before + 1min));
    us.push_back(std::chrono::duration<double, std::micro>(BootTime::now() - before).count());
  }
  std::sort(us.begin(), us.end());
  MESSAGE("open_until(): median " << us[500] << " us, p99 " << us[990] << " us, longest "
                                  << us.back() << " us");
}

TEST_CASE("shutting a gate with many connections takes milliseconds") {
  const Site site(Site::Where::OneHost);
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->open_until(from_now(1min)));
  std::vector<Session> sessions;
  for (int i = 0; i < 200; ++i)
    sessions.push_back(session_from(site.from_client(), site.mysqld));
  const Instant before = BootTime::now();
  must(fence->shut());
  const Instant between = BootTime::now();
  must(fence->shut());
  MESSAGE("shut(): with 200 connections "
          << std::chrono::duration<double, std::milli>(between - before).count()
          << " ms, with none "
          << std::chrono::duration<double, std::milli>(BootTime::now() - between).count() << " ms");
  for (Session& session : sessions)
    CHECK(session.client.received_before_reset() == "");
}

}  // namespace cdb::agent
