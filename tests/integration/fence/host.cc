#include "tests/integration/fence/host.h"

#include <array>
#include <cerrno>
#include <thread>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "lib/process/program.h"
#include "tests/support/eventually.h"

namespace cdb::testing {
namespace {

UniqueFd own_namespace() {
  UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  CDB_INVARIANT(fd);
  return fd;
}

bool readable(int fd, Duration longest) {
  pollfd waiting{fd, POLLIN, 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
  return ::poll(&waiting, 1, static_cast<int>(ms)) == 1;
}

sockaddr_in ipv4(const std::string& address, uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  CDB_INVARIANT(::inet_pton(AF_INET, address.c_str(), &result.sin_addr) == 1);
  return result;
}

}  // namespace

Host::Host() {
  std::string failed;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) {
      fd_ = own_namespace();
    } else {
      failed = from_errno("make a network namespace", errno).text();
    }
  }).join();
  if (!fd_) FAIL(failed << ": this test needs root");
  run("ip link set lo up");
}

Host::Inside::Inside(const Host& host) : outside_(own_namespace()) {
  CDB_INVARIANT(::setns(host.fd_.get(), CLONE_NEWNET) == 0);
}

Host::Inside::~Inside() {
  CDB_INVARIANT(::setns(outside_.get(), CLONE_NEWNET) == 0);
}

std::string Host::output_of(const std::string& command) const {
  const Inside inside(*this);
  const auto done =
      process::run({"/bin/sh", {"-c", command}, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}, {}},
                   Deadline::after(std::chrono::minutes(1)));
  if (!done) FAIL(done.error().text());
  if (done->exit_code != 0) FAIL(command << ": " << done->err);
  return done->out;
}

void Host::connect_to(const Host& other, const std::string& addresses,
                      const std::string& other_addresses) const {
  const std::string there =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(other.fd_.get());
  run("ip link add cable type veth peer name cable netns " + there);
  const auto set_up = [](const Host& host, const std::string& list) {
    host.run("for a in " + list + "; do ip address add $a dev cable || exit 1; done; " +
             "ip link set cable up");
  };
  set_up(*this, addresses);
  set_up(other, other_addresses);
}

bool Connection::send(const std::string& text) {
  const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  // EPIPE is what a reset is called once the other end has said that it will send no more.
  if (sent < 0 && (errno == ECONNRESET || (errno == EPIPE && !finished_))) reset_ = true;
  return sent == static_cast<ssize_t>(text.size());
}

std::string Connection::receive(Duration longest) {
  if (!readable(fd_.get(), longest)) return {};
  std::array<char, 4096> buffer{};
  const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == ECONNRESET) reset_ = true;
  return got > 0 ? std::string(buffer.data(), static_cast<size_t>(got)) : std::string();
}

std::optional<std::string> Connection::received_before_reset() {
  std::string all;
  const bool over = eventually([&] {
    send("?");
    all += receive(std::chrono::milliseconds(1));
    return reset_;
  });
  return over ? std::optional(all) : std::nullopt;
}

void Connection::finish_sending() {
  finished_ = true;
  CHECK(::shutdown(fd_.get(), SHUT_WR) == 0);
}

bool talk(Connection& client, Connection& server) {
  return client.send("query") && server.receive() == "query" && server.send("answer") &&
         client.receive() == "answer";
}

Listener::Listener(const Host& host, const std::string& address) {
  const Host::Inside inside(host);
  const bool any = address == "::";
  fd_ = UniqueFd(::socket(any ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 everywhere{};
  everywhere.sin6_family = AF_INET6;
  sockaddr_in one = any ? sockaddr_in{} : ipv4(address, 0);
  auto* where = any ? reinterpret_cast<sockaddr*>(&everywhere) : reinterpret_cast<sockaddr*>(&one);
  socklen_t size = any ? sizeof everywhere : sizeof one;
  if (::bind(fd_.get(), where, size) != 0 || ::listen(fd_.get(), 64) != 0 ||
      ::getsockname(fd_.get(), where, &size) != 0) {
    FAIL(from_errno("listen on " + address, errno).text());
  }
  port_ = ntohs(any ? everywhere.sin6_port : one.sin_port);
}

Connection Listener::accept() const {
  if (!readable(fd_.get(), std::chrono::seconds(30))) FAIL("nobody connects");
  UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) FAIL(from_errno("accept", errno).text());
  return Connection(std::move(fd));
}

std::optional<Connection> try_connect(const Host& host, const std::string& source,
                                      const model::Endpoint& to) {
  const Host::Inside inside(host);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!source.empty()) {
    const sockaddr_in from = ipv4(source, 0);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
      FAIL(from_errno("connect from " + source, errno).text());
    }
  }
  // More than enough, but for a SYN that nobody answers.
  constexpr timeval kLongest{20, 0};
  CHECK(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kLongest, sizeof kLongest) == 0);
  const sockaddr_in where = ipv4(to.host, to.port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) {
    return Connection(std::move(fd));
  }
  if (errno != ECONNREFUSED) FAIL(from_errno("connect to " + to.str(), errno).text());
  return {};
}

}  // namespace cdb::testing
