#pragma once
// Machines as the network sees them, and TCP connections between them, whose ends all belong to the
// test: what an application, a mysqld and their kernels do, in one thread.

#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/unique_fd.h"
#include "lib/model/ids.h"

namespace cdb::testing {

// A network namespace without a name: gone when nothing is in it any more. Its loopback is up.
class Host {
 public:
  Host();

  // While it lives, what this thread opens and starts belongs to the host.
  class Inside {
   public:
    explicit Inside(const Host& host);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

   private:
    UniqueFd outside_;
  };

  // The output of a shell command that has to succeed.
  [[nodiscard]] std::string output_of(const std::string& command) const;
  void run(const std::string& command) const { static_cast<void>(output_of(command)); }
  // A cable to the other, with addresses ("10.0.0.1/24 10.0.0.2/24") at both ends.
  void connect_to(const Host& other, const std::string& addresses,
                  const std::string& other_addresses) const;

 private:
  UniqueFd fd_{};
};

// One end of a connection.
class Connection {
 public:
  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}

  // False where the connection is over.
  bool send(const std::string& text);
  // What has arrived within the time; empty: nothing, or it is over.
  std::string receive(Duration longest = std::chrono::seconds(30));
  // Everything that still arrives until a reset; none without a reset in time. Sends, so that the
  // other end, whatever is left of it, has to answer.
  std::optional<std::string> received_before_reset();
  [[nodiscard]] bool reset() const { return reset_; }
  void finish_sending();
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  bool reset_{false};
  bool finished_{false};
};

// Whether both can hear each other.
bool talk(Connection& client, Connection& server);

class Listener {
 public:
  // On a port that the host's kernel picks. "::" hears IPv4 connections, too.
  Listener(const Host& host, const std::string& address);
  [[nodiscard]] uint16_t port() const { return port_; }
  Connection accept() const;

 private:
  UniqueFd fd_{};
  uint16_t port_{0};
};

// Where `source` is empty, the kernel picks the address. None where a reset says no.
std::optional<Connection> try_connect(const Host& host, const std::string& source,
                                      const model::Endpoint& to);

}  // namespace cdb::testing
