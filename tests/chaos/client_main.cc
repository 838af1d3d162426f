// An application of the chaos tests: writes numbered rows, or reads what is there, through the
// read-write name, whatever happens, and keeps a journal of what it was told. Timeouts are those
// of an ordinary application: 1 s to connect, 1 s for an answer.
//
// usage: chaos_client DIRECTORY write NUMBER FIRST-ROW | read NUMBER WRITERS
//
// DIRECTORY/login has five lines: name, port, user, password, and how it resolves the name: "fresh"
// for each connection, "forever" once, or for how many seconds it keeps an answer.

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include "agent/adapters/mysql_connection.h"
#include "lib/base/clock.h"
#include "tests/chaos/journal.h"

namespace cdb::chaos {
namespace {

using agent::MysqlConnection;
using std::chrono::seconds;

constexpr int kPauseMs = 5;          // between two statements
constexpr int kFailurePauseMs = 20;  // after one that failed
constexpr int kRowsSeen = 50;        // of each writer, with one look
constexpr int kNoAddress = -1;       // as an error number: the name was not resolved

std::atomic<bool> stopped{false};

int64_t now_ns() {
  return BootTime::now().time_since_epoch().count();
}

struct Login {
  std::string name{};
  uint16_t port{0};
  std::string user{};
  std::string password{};
  std::string resolve{};
};

// The address of the name, asked for anew when this client does so.
class Name {
 public:
  explicit Name(const Login& login) : name_(login.name) {
    if (login.resolve == "forever") {
      keep_ = std::chrono::hours(24);
    } else if (login.resolve != "fresh") {
      keep_ = seconds(std::stoi(login.resolve));
    }
  }
  std::string address() {
    if (!address_.empty() && BootTime::now() < until_) return address_;
    const std::string found = resolve();
    if (found.empty()) return {};
    address_ = found;
    until_ = BootTime::now() + keep_;
    return address_;
  }

 private:
  [[nodiscard]] std::string resolve() const {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(name_.c_str(), nullptr, &hints, &list) != 0) return {};
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto* const address = reinterpret_cast<const sockaddr_in*>(list->ai_addr);
    ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
    ::freeaddrinfo(list);
    return text.data();
  }
  std::string name_;
  Duration keep_{0};
  std::string address_{};
  Instant until_{};
};

class Client {
 public:
  explicit Client(const std::string& directory, const std::string& journal)
      : journal_(directory + "/" + journal, std::ios::app) {
    std::ifstream file(directory + "/login");
    file >> login_.name >> login_.port >> login_.user >> login_.password >> login_.resolve;
    name_.emplace(login_);
  }

  void write(int number, int64_t next) {
    // A number is used once: whether a row that was not acknowledged is there is not known.
    for (; !stopped; ++next) {
      const int64_t sent = now_ns();
      if (!connect(sent)) continue;
      const auto answer = connection_->run(
          fmt::format("INSERT INTO chaos.numbered (writer, n, node) VALUES ({}, {}, @@hostname)",
                      number, next));
      if (answer.ok()) {
        journal_ << Acked{sent, now_ns(), host_, next} << std::flush;
        pause(kPauseMs);
      } else {
        failed(sent, answer.error->number);
      }
    }
  }

  void read(int writers) {
    std::string query;
    for (int writer = 1; writer <= writers; ++writer) {
      query += fmt::format(
          "{}(SELECT writer, n FROM chaos.numbered WHERE writer = {} ORDER BY n DESC LIMIT {})",
          writer == 1 ? "" : " UNION ALL ", writer, kRowsSeen);
    }
    std::map<std::string, int64_t> highest;
    while (!stopped) {
      const int64_t sent = now_ns();
      if (!connect(sent)) continue;
      const auto answer = connection_->run(query);
      if (!answer.ok()) {
        failed(sent, answer.error->number);
        continue;
      }
      for (const auto& row : answer.rows.rows) {
        const std::string writer = row.at(0).value_or("");
        const int64_t n = std::stoll(row.at(1).value_or("0"));
        if (n <= highest[writer]) continue;
        journal_ << Seen{sent, now_ns(), host_, std::stoi(writer), n};
      }
      for (const auto& row : answer.rows.rows) {
        int64_t& most = highest[row.at(0).value_or("")];
        most = std::max(most, static_cast<int64_t>(std::stoll(row.at(1).value_or("0"))));
      }
      journal_ << Looked{sent, now_ns(), host_} << std::flush;
      pause(2 * kPauseMs);
    }
  }

 private:
  bool connect(int64_t sent) {
    if (connection_) return true;
    agent::MysqlLogin login;
    login.host = name_->address();
    if (login.host.empty()) {
      failed(sent, kNoAddress);
      return false;
    }
    login.port = login_.port;
    login.user = login_.user;
    login.password = Secret(login_.password);
    auto opened = MysqlConnection::open(login, seconds(1), seconds(1));
    if (!opened.connection) {
      failed(sent, opened.error->number);
      return false;
    }
    connection_ = std::move(opened.connection);
    const auto answer = connection_->run("SELECT @@hostname AS h");
    if (!answer.ok()) {
      failed(sent, answer.error->number);
      return false;
    }
    host_ = answer.rows.text("h");
    return true;
  }
  // Any failure ends the connection, as a pool would.
  void failed(int64_t sent, int error) {
    journal_ << Failed{sent, now_ns(), error} << std::flush;
    connection_.reset();
    pause(kFailurePauseMs);
  }
  static void pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

  std::ofstream journal_;
  Login login_{};
  std::optional<Name> name_{};
  std::unique_ptr<MysqlConnection> connection_{};
  std::string host_{};
};

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  struct sigaction action {};
  action.sa_handler = [](int /*signal*/) { stopped = true; };
  ::sigaction(SIGTERM, &action, nullptr);
  Client client(argv[1], "journal");
  if (std::strcmp(argv[2], "write") == 0) {
    client.write(std::stoi(argv[3]), std::stoll(argv[4]));
  } else {
    client.read(std::stoi(argv[4]));
  }
  return 0;
}

}  // namespace
}  // namespace cdb::chaos

int main(int argc, char** argv) {
  return cdb::chaos::main(argc, argv);
}
