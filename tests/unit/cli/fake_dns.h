#pragma once
// A DNS server on 127.0.0.1 that knows the addresses a test gives it. Thread-safe.

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/sync.h"
#include "lib/base/unique_fd.h"

namespace cdb::cli {

class FakeDns {
 public:
  FakeDns();
  ~FakeDns();
  FakeDns(const FakeDns&) = delete;
  FakeDns& operator=(const FakeDns&) = delete;

  [[nodiscard]] std::string server() const;  // host:port
  // Both IPv4; no addresses: the name exists without any.
  void set(const std::string& name, std::vector<std::string> addresses);

 private:
  void serve();
  [[nodiscard]] std::string answer(const std::string& question) const;

  Sync<std::map<std::string, std::vector<std::string>>> names_{};
  UniqueFd socket_{};
  UniqueFd end_{};
  std::jthread thread_{};
};

}  // namespace cdb::cli
