#include "tests/integration/fence/site.h"

#include <doctest/doctest.h>

namespace cdb::testing {
namespace {

// The node's address, once it is there.
std::string set_up(Site::Where where, const Host& machine, const Host& afar) {
  if (where == Site::Where::OneHost) return "127.0.0.2";
  machine.connect_to(afar, "10.0.0.2/24", "10.0.0.3/24 10.0.0.4/24");
  return "10.0.0.2";
}

}  // namespace

Site::Site(Where the_place)
    : where(the_place),
      client(where == Where::OneHost ? "127.0.0.3" : "10.0.0.3"),
      member(where == Where::OneHost ? "127.0.0.4" : "10.0.0.4"),
      mysqld(machine, set_up(where, machine, afar)),
      node{where == Where::OneHost ? "127.0.0.2" : "10.0.0.2", mysqld.port()} {}

std::unique_ptr<agent::KernelFence> Site::agent_of(const model::Endpoint& which) {
  auto fence = agent::KernelFence::open(which);
  if (!fence) FAIL(fence.error().text());
  return std::move(*fence);
}

Session session_from(std::optional<Connection> client, const Listener& server) {
  if (!client) FAIL("turned away");
  Session session{std::move(*client), server.accept()};
  REQUIRE(session.talks());
  return session;
}

void must(const Status& status) {
  if (!status) FAIL(status.error().text());
}

Instant from_now(Duration duration) {
  return BootTime::now() + duration;
}

}  // namespace cdb::testing
