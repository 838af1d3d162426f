#pragma once
// A BIND of our own for one test: a free port of the loopback address, a dynamic zone, a key that
// may change it. Everything is in a temporary directory; nothing of the system's BIND is touched
// and no root is needed. One thread, the one that lives longest: named dies with it.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/secret.h"
#include "tests/support/temp_dir.h"

namespace cdb::testing {

class BindFixture {
 public:
  struct Options {
    std::string zone{"db.test"};
    // Who may change the zone, as a statement of its own.
    std::string policy{"allow-update { key \"cdb-test\"; };"};
  };
  struct Record {
    std::string text{};
    uint32_t ttl{0};
    friend bool operator==(const Record&, const Record&) = default;
  };

  // Returns once it answers.
  static Result<std::unique_ptr<BindFixture>> start(const Options& options);
  static Result<std::unique_ptr<BindFixture>> start() { return start(Options{}); }
  ~BindFixture();
  BindFixture(const BindFixture&) = delete;
  BindFixture& operator=(const BindFixture&) = delete;

  [[nodiscard]] const std::string& zone() const { return options_.zone; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string server() const { return address_ + ":" + std::to_string(port_); }
  // Both are hmac-sha256. The stranger is known to the server, but the policy does not name it.
  [[nodiscard]] const Secret& key() const { return key_; }            // of "cdb-test"
  [[nodiscard]] const Secret& stranger() const { return stranger_; }  // of "cdb-stranger"
  [[nodiscard]] std::filesystem::path key_file() const { return dir_ / "cdb-test.key"; }

  void freeze();  // it is there and does not answer
  void thaw();
  void stop();  // killed; start_again() brings back what it had
  Status start_again();

  // What it has under this name ("A", "TXT", "SOA"), sorted; empty where there is nothing. Asked
  // with ldns, independent of the code under test.
  [[nodiscard]] Result<std::vector<Record>> lookup(const std::string& name,
                                                   const std::string& type) const;
  [[nodiscard]] Result<uint32_t> serial() const;
  [[nodiscard]] std::string log() const;

 private:
  explicit BindFixture(Options options) : options_(std::move(options)) {}
  Status take_port();
  Status write_files() const;
  Status launch();
  Status wait_until_it_answers();
  // Asks twice, and waits so long for an answer each time.
  [[nodiscard]] Result<std::vector<Record>> ask(const std::string& name, const std::string& type,
                                                std::chrono::milliseconds patience) const;

  Options options_;
  TempDir dir_{};
  // BIND listens on the addresses that interfaces have: no other of 127.0.0.0/8.
  std::string address_{"127.0.0.1"};
  uint16_t port_{0};
  std::string name_{Secret::random().reveal().substr(0, 12)};  // in its SOA, to know it by
  Secret key_{Secret::random()};
  Secret stranger_{Secret::random()};
  int pid_{0};
};

}  // namespace cdb::testing
