#pragma once
// Addresses of this machine for local instances. A reservation is a symbolic link in a directory
// that all provisioners of the machine share: <address> -> <instance directory>. It holds as long
// as that directory's machine.json names the address, whether the instance runs or not; one that
// was left by a crash, or by a directory that somebody removed, is taken over. Blocking; one
// thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "lib/base/file_lock.h"
#include "lib/base/result.h"

namespace cdb::coordinator {

// IPv4, in host byte order.
struct AddressNetwork {
  uint32_t first{0};
  uint32_t count{0};
  std::string text{};
  // "127.77.0.0/16": 127.0.0.0/8 or a part of it with room for at least two addresses.
  static Result<AddressNetwork> parse(const std::string& text);
};

class AddressPool {
 public:
  AddressPool(AddressNetwork network, uint16_t port, std::filesystem::path reservations);

  // /run/lock/cdb, or a directory in /tmp where that cannot be made: the same for every user.
  static std::filesystem::path default_reservations();

  // Finds a free address, reserves it and has `record` persist it, before any other provisioner may
  // look. Free: not in `used`, not reserved, nobody listens there on the port. Starts at a place
  // that the instance's path determines. Unavailable when there is none.
  Result<std::string> take(const std::filesystem::path& instance, const std::set<std::string>& used,
                           const std::function<Status(const std::string&)>& record);
  // Renews the reservation of a recorded address (a reboot empties /run). Conflict when another
  // instance has it by now.
  Status keep(const std::string& address, const std::filesystem::path& instance);
  // Whatever is reserved for this instance.
  Status release(const std::filesystem::path& instance);

 private:
  Result<FileLock> lock();
  // True when it is ours afterwards, false when another instance has it.
  Result<bool> reserve(const std::string& address, const std::filesystem::path& instance);

  AddressNetwork network_;
  uint16_t port_;
  std::filesystem::path reservations_;
};

// 64 bits that stay the same from build to build (FNV-1a).
uint64_t stable_hash(std::string_view text);

}  // namespace cdb::coordinator
