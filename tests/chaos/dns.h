#pragma once
// BIND on port 53 of a host of its own: one dynamic zone, a key that may change it. One thread.

#include <filesystem>
#include <string>

#include "tests/chaos/host.h"

namespace cdb::chaos {

class Dns {
 public:
  // Returns once it answers.
  Dns(Network& network, const std::filesystem::path& root, const std::string& address);

  [[nodiscard]] const std::string& address() const { return host_.address(); }
  [[nodiscard]] static std::string zone() { return "db.test"; }
  [[nodiscard]] std::filesystem::path key_file() const { return host_.directory() / "cdb.key"; }

  void stop();  // killed; what it had is on disk
  void start();

 private:
  void write_files() const;
  Host host_;
};

}  // namespace cdb::chaos
