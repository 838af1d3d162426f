#pragma once
// Applications: they find the primary by name, write numbered rows and read. One of them believes
// its first address for ever.

#include <memory>
#include <optional>
#include <vector>

#include "tests/sim/coordinator.h"

namespace cdb::sim {

class Client {
 public:
  Client(Stage& stage, Oracle& oracle, std::vector<std::unique_ptr<Mysqld>>& servers, Host host,
         const NameServer& names, Duration ttl, Duration pace, Duration patience);

  void start();
  void stop() { stopped_ = true; }

 private:
  void next();
  void resolve();
  void refused(uint64_t request, Host server);
  void write_to(Host server);
  void read_from(Host server);

  Stage& stage_;
  Oracle& oracle_;
  std::vector<std::unique_ptr<Mysqld>>& servers_;
  Host host_;
  const NameServer& names_;
  Duration ttl_;       // how long it believes an address
  Duration pace_;      // between two requests
  Duration patience_;  // with one of them
  bool stopped_{false};
  std::optional<Host> address_{};
  Instant resolved_{};
  uint64_t request_{0};
  uint64_t row_{0};
};

}  // namespace cdb::sim
