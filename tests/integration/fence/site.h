#pragma once
// A node with its gate, a client and a member of its cluster: on a machine of their own, or all on
// one with addresses of the loopback.

#include <memory>
#include <optional>
#include <string>

#include "agent/adapters/kernel_fence.h"
#include "tests/integration/fence/host.h"

namespace cdb::testing {

struct Site {
  enum class Where { TwoHosts, OneHost };
  explicit Site(Where the_place);

  // A gate as another agent has it, or the same after a restart.
  [[nodiscard]] std::unique_ptr<agent::KernelFence> new_agent() const { return agent_of(node); }
  [[nodiscard]] static std::unique_ptr<agent::KernelFence> agent_of(const model::Endpoint& which);
  [[nodiscard]] const Host& peers() const { return where == Where::TwoHosts ? afar : machine; }
  [[nodiscard]] std::optional<Connection> from_client() const {
    return try_connect(peers(), client, node);
  }
  [[nodiscard]] std::optional<Connection> from_member() const {
    return try_connect(peers(), member, node);
  }

  Where where;
  Host machine{};  // the node's
  Host afar{};
  std::string client;
  std::string member;
  Listener mysqld;
  model::Endpoint node;
  Host::Inside inside{machine};  // a test runs on the node's machine, as an agent does
};

inline constexpr Site::Where kBothPlaces[] = {Site::Where::TwoHosts, Site::Where::OneHost};

// Two ends of a connection that works.
struct Session {
  Connection client;
  Connection server;
  bool talks() { return talk(client, server); }
};
Session session_from(std::optional<Connection> client, const Listener& server);

void must(const Status& status);
Instant from_now(Duration duration);

}  // namespace cdb::testing
