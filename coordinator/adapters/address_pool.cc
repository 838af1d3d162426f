#include "coordinator/adapters/address_pool.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/adapters/machine_file.h"
#include "coordinator/instance_init/layout.h"

namespace cdb::coordinator {
namespace {

constexpr uint32_t kLoopback = 127U << 24U;
// Each holder makes some dozen system calls.
constexpr Duration kLockTime = std::chrono::seconds(10);

std::string to_text(uint32_t address) {
  const in_addr raw{htonl(address)};
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &raw, text.data(), text.size());
  return text.data();
}

// Whether a server could bind there. Asked without SO_REUSEADDR: just closed connections count too.
Result<bool> is_free(const std::string& address, uint16_t port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return from_errno("make a socket", errno);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return true;
  if (errno == EADDRINUSE) return false;
  return from_errno("bind " + address + ":" + std::to_string(port), errno);
}

// One that we may not look into counts as alive: it is another user's.
bool owns(const std::filesystem::path& instance, const std::string& address) {
  const auto machine = read_machine_file(InstanceLayout(instance).machine_file());
  return machine ? machine->address == address : machine.error().code != Code::NotFound;
}

}  // namespace

uint64_t stable_hash(std::string_view text) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

Result<AddressNetwork> AddressNetwork::parse(const std::string& text) {
  const Error bad = invalid("\"" + text + "\" is no network of local addresses",
                            "write a part of 127.0.0.0/8, for example 127.77.0.0/16");
  const size_t slash = text.find('/');
  in_addr raw{};
  if (slash == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, slash).c_str(), &raw) != 1) {
    return bad;
  }
  const std::string bits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto parsed = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  if (parsed.ec != std::errc() || parsed.ptr != bits.data() + bits.size() || prefix < 8 ||
      prefix > 31) {
    return bad;
  }
  const uint32_t count = uint32_t{1} << (32U - prefix);
  const uint32_t first = ntohl(raw.s_addr);
  if ((first & (count - 1)) != 0 || (first & 0xff000000U) != kLoopback) return bad;
  return AddressNetwork{first, count, text};
}

AddressPool::AddressPool(AddressNetwork network, uint16_t port, std::filesystem::path reservations)
    : network_(std::move(network)), port_(port), reservations_(std::move(reservations)) {}

std::filesystem::path AddressPool::default_reservations() {
  const bool usable = ::access("/run/lock/cdb", W_OK) == 0 || ::access("/run/lock", W_OK) == 0;
  return usable ? "/run/lock/cdb" : "/tmp/cdb-lock";
}

Result<FileLock> AddressPool::lock() {
  std::error_code error;
  std::filesystem::create_directories(reservations_.parent_path(), error);
  if (::mkdir(reservations_.c_str(), 01777) == 0) {
    // As /tmp: each user removes only what is his.
    ::chmod(reservations_.c_str(), 01777);
  } else if (errno != EEXIST) {
    return from_errno("make " + reservations_.string(), errno);
  }
  return FileLock::acquire(reservations_ / ".lock", Deadline::after(kLockTime), 0666);
}

Result<bool> AddressPool::reserve(const std::string& address,
                                  const std::filesystem::path& instance) {
  const auto link = reservations_ / address;
  std::error_code error;
  const auto owner = std::filesystem::read_symlink(link, error);
  if (!error) {
    if (owner == instance) return true;
    if (owns(owner, address)) return false;
    if (::unlink(link.c_str()) != 0) {
      // Left behind by another user: not ours to remove.
      if (errno == EACCES || errno == EPERM) return false;
      return from_errno("remove " + link.string(), errno);
    }
  }
  if (::symlink(instance.c_str(), link.c_str()) != 0) {
    return from_errno("reserve " + link.string(), errno);
  }
  return true;
}

Result<std::string> AddressPool::take(const std::filesystem::path& instance,
                                      const std::set<std::string>& used,
                                      const std::function<Status(const std::string&)>& record) {
  CDB_ASSIGN_OR_RETURN(const FileLock held, lock());
  const uint32_t start = static_cast<uint32_t>(stable_hash(instance.string()) % network_.count);
  bool listened = false;
  bool all_listen = true;
  for (uint32_t i = 0; i < network_.count; ++i) {
    const uint32_t offset = (start + i) % network_.count;
    const uint32_t value = network_.first + offset;
    // .0 and .255 make people and programs wonder; 127.0.0.x is everybody's.
    if ((value & 0xffU) == 0 || (value & 0xffU) == 255 || value >> 8U == kLoopback >> 8U) continue;
    const std::string address = to_text(value);
    if (used.count(address) > 0) {
      all_listen = false;
      continue;
    }
    CDB_ASSIGN_OR_RETURN(const bool free, is_free(address, port_));
    listened = listened || !free;
    if (!free) continue;
    all_listen = false;
    CDB_ASSIGN_OR_RETURN(const bool reserved, reserve(address, instance));
    if (!reserved) continue;
    const Status recorded = record(address);
    if (recorded) return address;
    ::unlink((reservations_ / address).c_str());
    return recorded.error();
  }
  const std::string port = std::to_string(port_);
  return unavailable(
      "no free address in " + network_.text,
      listened && all_listen
          ? "something listens on port " + port + " of every address: bind it to one, or stop it"
          : "delete unused clusters, or configure a larger network");
}

Status AddressPool::keep(const std::string& address, const std::filesystem::path& instance) {
  CDB_ASSIGN_OR_RETURN(const FileLock held, lock());
  CDB_ASSIGN_OR_RETURN(const bool ours, reserve(address, instance));
  if (ours) return {};
  std::error_code error;
  const auto owner = std::filesystem::read_symlink(reservations_ / address, error);
  return conflict("address " + address + " belongs to " + owner.string() + " by now",
                  "delete one of the two instances");
}

Status AddressPool::release(const std::filesystem::path& instance) {
  CDB_ASSIGN_OR_RETURN(const FileLock held, lock());
  std::error_code error;
  for (std::filesystem::directory_iterator entry(reservations_, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code no_link;
    if (std::filesystem::read_symlink(entry->path(), no_link) != instance || no_link) continue;
    if (::unlink(entry->path().c_str()) != 0 && errno != ENOENT) {
      return from_errno("remove " + entry->path().string(), errno);
    }
  }
  if (error) return from_errno("list " + reservations_.string(), error.value());
  return {};
}

}  // namespace cdb::coordinator
