#include "tests/unit/cli/fake_dns.h"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/result.h"

namespace cdb::cli {
namespace {

constexpr size_t kHeader = 12;
constexpr char kNoError = 0;
constexpr char kNoSuchName = 3;

sockaddr_in loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The question's name as text, and where its type begins.
std::pair<std::string, size_t> name_in(const std::string& packet) {
  std::string name;
  size_t at = kHeader;
  while (at < packet.size() && packet[at] != 0) {
    const auto length = static_cast<size_t>(static_cast<unsigned char>(packet[at]));
    name += packet.substr(at + 1, length) + ".";
    at += length + 1;
  }
  return {name, at + 1};
}

}  // namespace

FakeDns::FakeDns()
    : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), end_(::eventfd(0, EFD_CLOEXEC)) {
  const sockaddr_in address = loopback();
  CDB_INVARIANT(
      ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  thread_ = std::jthread([this] { serve(); });
}

FakeDns::~FakeDns() {
  const uint64_t one = 1;
  CDB_INVARIANT(::write(end_.get(), &one, sizeof one) == sizeof one);
}

std::string FakeDns::server() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  CDB_INVARIANT(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
}

void FakeDns::set(const std::string& name, std::vector<std::string> addresses) {
  names_.with([&](auto& names) { names[name + "."] = std::move(addresses); });
}

void FakeDns::serve() {
  std::array<pollfd, 2> fds{pollfd{socket_.get(), POLLIN, 0}, pollfd{end_.get(), POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) > 0 && fds[1].revents == 0) {
    std::array<char, 1500> buffer{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t length = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                      reinterpret_cast<sockaddr*>(&from), &size);
    if (length < static_cast<ssize_t>(kHeader)) continue;
    const std::string reply = answer({buffer.data(), static_cast<size_t>(length)});
    CDB_INVARIANT(::sendto(socket_.get(), reply.data(), reply.size(), 0,
                           reinterpret_cast<const sockaddr*>(&from), size) > 0);
  }
}

std::string FakeDns::answer(const std::string& question) const {
  const auto [name, type_at] = name_in(question);
  const std::string wanted = name;
  const auto addresses = names_.read([&](const auto& names) {
    const auto found = names.find(wanted);
    return found == names.end() ? std::vector<std::string>{"none"} : found->second;
  });
  const bool known = addresses != std::vector<std::string>{"none"};
  const bool is_a = question.at(type_at + 1) == 1;
  std::string reply = question.substr(0, type_at + 4);
  reply[2] = static_cast<char>(0x84);  // an authoritative answer
  reply[3] = known ? kNoError : kNoSuchName;
  for (size_t i = 6; i < kHeader; ++i)
    reply[i] = 0;
  if (!known || !is_a) return reply;
  reply[7] = static_cast<char>(addresses.size());
  for (const auto& text : addresses) {
    in_addr address{};
    CDB_INVARIANT(::inet_pton(AF_INET, text.c_str(), &address) == 1);
    // A pointer to the question's name, type A, class IN, 5 s, 4 bytes.
    reply += std::string("\xC0\x0C\0\1\0\1\0\0\0\5\0\4", 12);
    reply += std::string(reinterpret_cast<const char*>(&address), sizeof address);
  }
  return reply;
}

}  // namespace cdb::cli
