#pragma once
// A real server with a ConnectorMysqlServer on it, as a node of a cluster has them. One thread.

#include <functional>
#include <string>
#include <vector>

#include "agent/adapters/connector_mysql_server.h"
#include "tests/support/mysql_fixture.h"

namespace cdb::test {

inline model::Credentials test_credentials() {
  return {.root = Secret("rootRootRoot1"),
          .agent = Secret("agentAgent2"),
          .replication = Secret("replRepl3"),
          .app = Secret("appApp4")};
}

inline Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

struct Node {
  explicit Node(MysqlLine line, std::vector<std::string> options = {})
      : mysqld(line, std::move(options)) {}

  // With the cluster's accounts, as the agent makes them first of all.
  static std::unique_ptr<Node> with_accounts(MysqlLine line,
                                             std::vector<std::string> options = {}) {
    auto node = std::make_unique<Node>(line, std::move(options));
    const Status made = node->server.ensure_accounts(test_credentials(), soon());
    if (!made) throw std::runtime_error(made.error().text());
    node->known = test_credentials().agent;
    return node;
  }

  agent::SqlRows root(const std::vector<std::string>& statements) const {
    return mysqld.sql("root", test_credentials().root.reveal(), statements);
  }
  std::string root_value(const std::string& query) const {
    const agent::SqlRows rows = root({query});
    return rows.rows.empty() ? "" : rows.rows[0][0].value_or("NULL");
  }
  agent::SqlAnswer app(const std::string& statement) const {
    return mysqld.connect("app", test_credentials().app.reveal())->run(statement);
  }
  agent::ReplicationSource source(bool acker = false) const {
    return {
        .endpoint = mysqld.endpoint(), .password = test_credentials().replication, .acker = acker};
  }
  model::ServerStatus status() {
    const auto got = server.status(soon());
    if (!got) throw std::runtime_error(got.error().text());
    return *got;
  }
  // Looks until it holds; false after ten seconds.
  bool eventually(const std::function<bool(const model::ServerStatus&)>& holds) {
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while (!holds(status())) {
      if (deadline.passed()) return false;
      agent::pause(std::chrono::milliseconds(10), deadline);
    }
    return true;
  }

  MysqldFixture mysqld;
  Secret known{};  // what the agent knows of its password
  agent::ConnectorMysqlServer server{
      [this] { return agent::MysqlAccess{.socket = mysqld.socket(), .agent_password = known}; }};
};

}  // namespace cdb::test
