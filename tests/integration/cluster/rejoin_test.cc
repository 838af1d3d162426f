// A former primary comes back with what nobody had acknowledged.

#include <csignal>
#include <future>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "agent/adapters/mysql_connection.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::testing {
namespace {

namespace fs = std::filesystem;
using agent::MysqlConnection;
using std::chrono::seconds;

fs::path state_dir(const Cloud& cloud, const std::string& node) {
  return cloud.instance(node) / "state";
}

nlohmann::json memory_of(const Cloud& cloud, const std::string& node) {
  const auto text = read_file(state_dir(cloud, node) / "node.json");
  REQUIRE(text.ok());
  return nlohmann::json::parse(*text).at("body");
}

// As a person on the machine would log in.
std::unique_ptr<MysqlConnection> root_of(const Cloud& cloud, const std::string& node) {
  agent::MysqlLogin login;
  login.user = "root";
  const auto text = read_file(state_dir(cloud, node) / "root.cnf");
  REQUIRE(text.ok());
  for (const std::string& line : split(*text, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    std::string value(trim(std::string_view(line).substr(equals + 1)));
    if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
    if (trim(std::string_view(line).substr(0, equals)) == "password")
      login.password = Secret(value);
    if (trim(std::string_view(line).substr(0, equals)) == "socket") login.socket = value;
  }
  auto opened = MysqlConnection::open(login, seconds(5), seconds(30));
  REQUIRE_MESSAGE(opened.connection, (opened.error ? opened.error->text : ""));
  return std::move(opened.connection);
}

void signal(const std::optional<process::Identity>& whom, int number) {
  REQUIRE(whom);
  REQUIRE(process::send_signal(*whom, number));
}

std::string event_about(const Cloud& cloud, const std::string& cluster, const std::string& type) {
  const nlohmann::json events = cloud.json({"events", cluster});
  for (const auto& event : events.at("items"))
    if (event.at("type") == type) return event.at("message").get<std::string>();
  return {};
}

// Clients of the primary that wait for an acknowledgement which never comes, then its end.
void leave_unacknowledged_tail(const Cloud& cloud, const ClusterSeen& seen, bool agent_too) {
  const Account account = cloud.account("shop");
  // Frozen agents do not start their receivers again.
  for (const auto& node : seen.nodes) {
    if (node.name == seen.primary) continue;
    const auto root = root_of(cloud, node.name);
    signal(cloud.agent(node.name), SIGSTOP);
    REQUIRE(root->run("STOP REPLICA IO_THREAD").ok());
  }
  std::vector<std::future<bool>> clients;
  for (int i = 1; i <= 3; ++i) {
    clients.push_back(std::async(std::launch::async, [&, i] {
      agent::MysqlLogin login;
      login.host = seen.node(seen.primary).address;
      login.user = account.user;
      login.password = Secret(account.password);
      const auto opened = MysqlConnection::open(login, seconds(5), seconds(30));
      return opened.connection &&
             opened.connection
                 ->run("INSERT INTO load_test.numbered VALUES (-" + std::to_string(i) + ")")
                 .ok();
    }));
  }
  const auto root = root_of(cloud, seen.primary);
  REQUIRE(eventually([&] {
    return root->run(
                   "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE "
                   "'INSERT%'")
               .rows.text("n") == "3";
  }));
  if (agent_too) signal(cloud.agent(seen.primary), SIGKILL);
  signal(cloud.mysqld(seen.primary), SIGKILL);
  for (auto& client : clients)
    CHECK_FALSE(client.get());
  for (const auto& node : seen.nodes)
    if (node.name != seen.primary) signal(cloud.agent(node.name), SIGCONT);
}

TEST_CASE("a killed primary comes back without its unacknowledged tail and with all of its data") {
  for (const bool agent_too : {false, true}) {
    CAPTURE(agent_too);
    Cloud cloud;
    cloud.create("shop", "9.7", 2);
    REQUIRE(cloud.becomes_steady("shop"));
    {
      Writer writer(cloud, "shop");
      REQUIRE(writer.goes_on(100));
    }
    const ClusterSeen before = cloud.look("shop");
    const Account account = cloud.account("shop");
    const std::string& old = before.primary;
    const std::string address = before.node(old).address;
    const auto incarnation = memory_of(cloud, old).at("incarnation");
    const std::string uuid = ask(address, account, "SELECT @@server_uuid");

    leave_unacknowledged_tail(cloud, before, agent_too);
    REQUIRE_MESSAGE(eventually([&] { return cloud.look("shop").primary != old; }, seconds(60)),
                    cloud.logs());
    REQUIRE_MESSAGE(eventually([&] { return cloud.look("shop").node(old).acker; }, seconds(60)),
                    cloud.logs());
    Writer writer(cloud, "shop");
    REQUIRE(writer.goes_on());
    writer.stop();
    REQUIRE(cloud.becomes_level("shop"));

    CHECK(memory_of(cloud, old).at("incarnation") == incarnation);
    CHECK(ask(address, account, "SELECT @@server_uuid") != uuid);
    const auto discarded = memory_of(cloud, old).at("discarded");
    REQUIRE_MESSAGE(discarded.at("trimmed") == true, cloud.logs());
    CHECK(discarded.at("gtids").get<std::string>().rfind(uuid, 0) == 0);
    const fs::path kept = discarded.at("archive").get<std::string>();
    CHECK(fs::exists(kept / "discarded"));
    CHECK(std::distance(fs::directory_iterator(kept), fs::directory_iterator{}) == 2);
    const std::string told = event_about(cloud, "shop", "node.discarded");
    CHECK(told.find(discarded.at("gtids").get<std::string>()) != std::string::npos);
    CHECK(told.find(kept.string()) != std::string::npos);
    const auto rows = rows_at(address, account);
    for (const auto& node : before.nodes)
      CHECK(rows_at(node.address, account) == rows);
    CHECK(rows.lower_bound(0) == rows.begin());
    CHECK(missing(writer.rows(), rows).empty());
  }
}

// What a replica of it does not have yet can only come by a copy.
void purge_binary_logs(const Cloud& cloud, const std::string& node) {
  const auto root = root_of(cloud, node);
  REQUIRE(root->run("FLUSH BINARY LOGS").ok());
  const auto logs = root->run("SHOW BINARY LOGS");
  REQUIRE(logs.ok());
  REQUIRE(root->run("PURGE BINARY LOGS TO '" +
                    logs.rows.text("Log_name", logs.rows.rows.size() - 1) + "'")
              .ok());
}

TEST_CASE("on 5.6 a replica that its source can no longer serve from its logs is copied anew") {
  Cloud cloud;
  cloud.create("old", "5.6", 1);
  REQUIRE(cloud.becomes_steady("old"));
  const ClusterSeen before = cloud.look("old");
  const std::string replica = before.replica().name;
  const auto incarnation = memory_of(cloud, replica).at("incarnation");
  Writer writer(cloud, "old");
  REQUIRE(writer.goes_on(50));
  {
    // Stopped while its source goes on and purges; its agent cannot help.
    const auto root = root_of(cloud, replica);
    signal(cloud.agent(replica), SIGSTOP);
    REQUIRE(root->run("STOP SLAVE").ok());
  }
  REQUIRE(writer.goes_on(50));
  purge_binary_logs(cloud, before.primary);
  REQUIRE(writer.goes_on(50));
  signal(cloud.agent(replica), SIGCONT);
  REQUIRE_MESSAGE(eventually(
                      [&] {
                        const auto memory = memory_of(cloud, replica);
                        return memory.at("incarnation") != incarnation &&
                               !memory.at("seeding").get<bool>() &&
                               cloud.look("old").node(replica).state == "replica";
                      },
                      seconds(120)),
                  cloud.logs());
  REQUIRE(writer.goes_on());
  writer.stop();
  REQUIRE(cloud.becomes_level("old"));
  const Account account = cloud.account("old");
  const auto rows = rows_at(before.node(replica).address, account);
  CHECK(rows == rows_at(before.node(before.primary).address, account));
  CHECK(missing(writer.rows(), rows).empty());
  CHECK(cloud.look("old").node(replica).errant.empty());
}

}  // namespace
}  // namespace cdb::testing
