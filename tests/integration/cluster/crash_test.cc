// The coordinator is killed after each commit of its state, again and again, until the work that it
// was doing is done: what it was doing is done once, whole, and nothing is left over.

#include <csignal>
#include <memory>
#include <stdexcept>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "tests/support/cloud.h"
#include "tests/support/writer.h"

namespace cdb::testing {
namespace {

using std::chrono::seconds;

// Reads the coordinator's database past the coordinator.
class Persisted {
 public:
  explicit Persisted(const std::filesystem::path& file) {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr);
    database_.reset(database);
    if (opened != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database));
    sqlite3_busy_timeout(database, 5000);
  }

  // All that is kept of operations and clusters; grows and shrinks with the work.
  [[nodiscard]] std::string content() const {
    return value("SELECT COALESCE(group_concat(body), '') FROM operations") +
           value("SELECT COALESCE(group_concat(body), '') FROM clusters");
  }
  [[nodiscard]] std::string state_of(const std::string& kind) const {
    return value(
        "SELECT COALESCE(MAX(json_extract(body, '$.state')), '') FROM operations WHERE "
        "json_extract(body, '$.kind') = '" +
        kind + "'");
  }
  // Of the only cluster.
  [[nodiscard]] int64_t epoch() const { return std::stoll(value("SELECT epoch FROM clusters")); }
  [[nodiscard]] std::string phase() const {
    return value("SELECT json_extract(body, '$.record.phase') FROM clusters");
  }
  [[nodiscard]] std::string count_of(const std::string& kind) const {
    return value("SELECT COUNT(*) FROM operations WHERE json_extract(body, '$.kind') = '" + kind +
                 "'");
  }

 private:
  [[nodiscard]] std::string value(const std::string& query) const {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database_.get(), query.c_str(), -1, &raw, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(database_.get()));
    }
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                               sqlite3_finalize);
    if (sqlite3_step(raw) != SQLITE_ROW) throw std::runtime_error(sqlite3_errmsg(database_.get()));
    return reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
  }

  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database_{nullptr, sqlite3_close};
};

// Each life of the coordinator ends with the first thing that it commits. Returns the lives it
// took.
template <typename Done>
int kill_after_each_commit(Cloud& cloud, const Persisted& persisted, Done done) {
  const Deadline deadline = Deadline::after(seconds(150));
  int lives = 0;
  for (; !done(); ++lives) {
    REQUIRE_MESSAGE(!deadline.passed(), cloud.logs());
    const std::string before = persisted.content();
    cloud.start_coordinator_process();
    // A life without a commit has nothing to do but to wait for others, which takes what it takes.
    eventually([&] { return persisted.content() != before || done(); }, seconds(20));
    cloud.kill_coordinator();
  }
  return lives;
}

TEST_CASE("a coordinator that dies after each of its commits still does everything once") {
  Cloud cloud;
  const Persisted persisted(cloud.state_file());
  const auto succeeded = [&](const std::string& kind) {
    return [&persisted, kind] { return persisted.state_of(kind) == "succeeded"; };
  };

  REQUIRE(cloud.cdb({"apply", "-f", "-", "--no-wait"}, seconds(30), Cloud::manifest("c", "9.7", 2))
              .exit_code == 0);
  cloud.kill_coordinator();
  MESSAGE("create: " << kill_after_each_commit(cloud, persisted, succeeded("create")) << " lives");
  cloud.start_coordinator();
  REQUIRE(cloud.becomes_steady("c"));
  CHECK(cloud.look("c").nodes.size() == 3);
  CHECK(cloud.directory().cgroups().size() == 3);
  CHECK(cloud.directory().reservations().size() == 3);
  CHECK(persisted.count_of("create") == "1");

  Writer writer(cloud, "c");
  const std::string first = cloud.look("c").primary;
  REQUIRE(cloud.cdb({"switchover", "c", "--no-wait"}).exit_code == 0);
  cloud.kill_coordinator();
  MESSAGE("switchover: " << kill_after_each_commit(cloud, persisted, succeeded("switchover"))
                         << " lives");
  cloud.start_coordinator();
  REQUIRE(cloud.becomes_steady("c"));
  const std::string second = cloud.look("c").primary;
  CHECK(second != first);
  CHECK(writer.goes_on());

  const int64_t epoch = persisted.epoch();
  REQUIRE(process::send_signal(*cloud.mysqld(second), SIGKILL));
  // Its first commit is the decision: without that the agent would open the same node again.
  REQUIRE(eventually([&] { return persisted.epoch() > epoch; }));
  cloud.kill_coordinator();
  const auto over = [&] { return persisted.phase() == "steady"; };
  MESSAGE("failover: " << kill_after_each_commit(cloud, persisted, over) << " lives");
  cloud.start_coordinator();
  REQUIRE(cloud.becomes_steady("c"));
  CHECK(cloud.look("c").primary != second);
  CHECK(writer.goes_on());
  writer.stop();
  const ClusterSeen seen = cloud.look("c");
  const auto there = rows_at(seen.node(seen.primary).address, cloud.account("c"));
  CHECK(missing(writer.rows(), there).empty());

  REQUIRE(cloud.cdb({"delete", "mysql", "c", "--confirm=c", "--no-wait"}).exit_code == 0);
  cloud.kill_coordinator();
  MESSAGE("delete: " << kill_after_each_commit(cloud, persisted, succeeded("delete")) << " lives");
  cloud.start_coordinator();
  CHECK(cloud.cdb({"get", "mysql", "c"}).exit_code == 3);
  CHECK(cloud.addresses("c", "rw").empty());
  CHECK(cloud.directory().cgroups().empty());
  CHECK(cloud.directory().reservations().empty());
  for (const auto& node : seen.nodes) {
    CHECK_FALSE(std::filesystem::exists(cloud.instance(node.name)));
    CHECK_FALSE(cloud.mysqld(node.name));
    CHECK_FALSE(cloud.agent(node.name));
  }
}

}  // namespace
}  // namespace cdb::testing
