// The danger that a shut gate alone does not avert: what the server sent while it was shut is kept
// by the kernel, sent again and again, and delivered when the gate opens, also when the server is
// long gone. Such an answer may acknowledge what a new primary knows nothing of.
#include <doctest/doctest.h>

#include "agent/adapters/kernel_fence.h"
#include "agent/adapters/machine_gates.h"
#include "tests/integration/fence/site.h"
#include "tests/support/eventually.h"

namespace cdb::agent {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::from_now;
using testing::kBothPlaces;
using testing::must;
using testing::Session;
using testing::session_from;
using testing::Site;

constexpr const char* kAnswer = "OK, your commit is safe";

// A client has asked, the lease has lapsed, and the answer was sent then.
struct LateAnswer {
  explicit LateAnswer(Site::Where where) : site(where), fence(site.new_agent()) {
    must(fence->install());
    must(fence->open_until(from_now(1min)));
    session.emplace(session_from(site.from_client(), site.mysqld));
    must(fence->open_until(from_now(100ms)));
    REQUIRE(eventually([&] {
      const auto open = fence->open_now();
      return open.ok() && !*open;
    }));
    REQUIRE(session->server.send(kAnswer));
  }
  // What the client hears before its connection is reset: quiet at first, since what it sends could
  // end the connection too soon. Longer than the kernel waits before it sends once more.
  std::string heard() {
    const std::string first = session->client.receive(5s);
    return first + session->client.received_before_reset().value_or(", and no reset");
  }
  Site site;
  std::unique_ptr<KernelFence> fence;
  std::optional<Session> session{};
};

enum class Server { Lives, HasExited };
constexpr Server kBothServers[] = {Server::Lives, Server::HasExited};

}  // namespace

TEST_CASE("the danger is real: a lease given back as it is lets the late answer out") {
  for (const Site::Where where : kBothPlaces) {
    for (const Server server : kBothServers) {
      LateAnswer late(where);
      if (server == Server::HasExited) late.session->server.close();
      auto table = GateTable::open();
      REQUIRE(table);
      const GateElement lease{GateSet::Leases, late.site.node, {}, 1min};
      REQUIRE(*table->apply({{GateChange::Kind::Insert, lease}}) == GateOutcome::Done);
      CHECK(late.session->client.receive() == kAnswer);
    }
  }
}

TEST_CASE(
    "an answer that was sent while the gate was shut is never delivered when it opens again") {
  for (const Site::Where where : kBothPlaces) {
    for (const Server server : kBothServers) {
      LateAnswer late(where);
      if (server == Server::HasExited) {
        late.session->server.close();
        CHECK_FALSE(late.site.machine.output_of("ss -Htn state fin-wait-1").empty());
      }
      must(late.fence->open_until(from_now(1min)));
      CHECK(late.heard().empty());
    }
  }
}

TEST_CASE(
    "nor after the gate was shut once more, or is opened by an agent that was started again") {
  for (const Server server : kBothServers) {
    LateAnswer late(Site::Where::TwoHosts);
    if (server == Server::HasExited) late.session->server.close();
    late.fence = late.site.new_agent();
    must(late.fence->install());
    if (server == Server::HasExited) must(late.fence->shut());
    must(late.fence->open_until(from_now(1min)));
    CHECK(late.heard().empty());
  }
}

TEST_CASE("nor when the gate is taken away, by its agent or with all of the machine") {
  for (const bool whole_machine : {false, true}) {
    LateAnswer late(Site::Where::TwoHosts);
    late.session->server.close();
    if (whole_machine) {
      REQUIRE(remove_machine_gates());
    } else {
      must(late.fence->remove());
    }
    CHECK(late.heard().empty());
  }
}

TEST_CASE("a server that answers after the gate was shut is told that nobody is there any more") {
  const Site site(Site::Where::TwoHosts);
  const auto fence = site.new_agent();
  must(fence->install());
  must(fence->open_until(from_now(1min)));
  Session session = session_from(site.from_client(), site.mysqld);
  must(fence->shut());
  CHECK_FALSE(session.server.send(kAnswer));
  must(fence->open_until(from_now(1min)));
  CHECK(session.client.received_before_reset() == "");
}

}  // namespace cdb::agent
