#include "tests/support/writer.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "agent/adapters/mysql_connection.h"

namespace cdb::testing {
namespace {

using agent::MysqlConnection;
using std::chrono::seconds;

std::unique_ptr<MysqlConnection> open(const std::string& address, const Account& account) {
  agent::MysqlLogin login;
  login.host = address;
  login.user = account.user;
  login.password = Secret(account.password);
  return MysqlConnection::open(login, seconds(2), seconds(5)).connection;
}

agent::SqlRows query(const std::string& address, const Account& account,
                     const std::string& statement) {
  const auto connection = open(address, account);
  if (!connection) throw std::runtime_error("cannot connect to " + address);
  auto answer = connection->run(statement);
  if (answer.error) throw std::runtime_error(address + ": " + answer.error->text);
  return std::move(answer.rows);
}

}  // namespace

Writer::Writer(const Cloud& cloud, std::string cluster)
    : cloud_(cloud), cluster_(std::move(cluster)), account_(cloud.account(cluster_)) {
  const auto addresses = cloud.addresses(cluster_, "rw");
  if (addresses.size() != 1) throw std::runtime_error(cluster_ + " has no read-write address");
  query(addresses.front(), account_, "CREATE DATABASE IF NOT EXISTS load_test");
  query(addresses.front(), account_,
        "CREATE TABLE IF NOT EXISTS load_test.numbered (id BIGINT PRIMARY KEY) ENGINE=InnoDB");
  const std::string highest =
      ask(addresses.front(), account_, "SELECT COALESCE(MAX(id), 0) FROM load_test.numbered");
  acknowledged_ = 0;
  thread_ = std::jthread(
      [this, first = std::stoll(highest) + 1](const std::stop_token& stop) { run(stop, first); });
  if (!goes_on(1)) throw std::runtime_error("nothing can be written to " + cluster_);
}

Writer::~Writer() {
  stop();
}

void Writer::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Writer::run(const std::stop_token& stop, int64_t next) {
  std::unique_ptr<MysqlConnection> connection;
  // A number is used once: whether a row that was not acknowledged is there is not known.
  for (; !stop.stop_requested(); ++next) {
    if (!connection) {
      const auto addresses = cloud_.addresses(cluster_, "rw");
      if (!addresses.empty()) connection = open(addresses.front(), account_);
    }
    if (connection &&
        connection->run("INSERT INTO load_test.numbered VALUES (" + std::to_string(next) + ")")
            .ok()) {
      note(next);
      continue;
    }
    ++failures_;
    connection.reset();
    ::poll(nullptr, 0, 10);
  }
}

void Writer::note(int64_t row) {
  const Instant now = BootTime::now();
  if (!rows_.empty()) longest_gap_ = std::max(longest_gap_, now - last_);
  last_ = now;
  rows_.insert(row);
  ++acknowledged_;
}

bool Writer::goes_on(int64_t rows, Duration time) const {
  const int64_t wanted = acknowledged_ + rows;
  return eventually([&] { return acknowledged_ >= wanted; }, time);
}

std::set<int64_t> rows_at(const std::string& address, const Account& account) {
  const auto answer = query(address, account, "SELECT id FROM load_test.numbered");
  std::set<int64_t> rows;
  for (size_t i = 0; i < answer.rows.size(); ++i)
    rows.insert(std::stoll(answer.rows[i].front().value()));
  return rows;
}

std::string ask(const std::string& address, const Account& account, const std::string& statement) {
  const auto answer = query(address, account, statement);
  if (answer.rows.empty() || !answer.rows.front().front()) return {};
  return *answer.rows.front().front();
}

std::set<int64_t> missing(const std::set<int64_t>& rows, const std::set<int64_t>& there) {
  std::set<int64_t> gone;
  std::set_difference(rows.begin(), rows.end(), there.begin(), there.end(),
                      std::inserter(gone, gone.end()));
  return gone;
}

}  // namespace cdb::testing
