#pragma once
// The network between hosts: each direction of each pair can be cut, slow or lossy by itself. A
// connection keeps its order, as TCP does; what cannot pass waits to be sent again.

#include <deque>
#include <memory>
#include <vector>

#include "tests/sim/random.h"
#include "tests/sim/timeline.h"

namespace cdb::sim {

using Host = int;

class Network;

// One connection between two hosts. Both ends may close it; the other end is told if it can be.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network& network, Host a, Host b) : network_(network), ends_{a, b} {}
  // From one of its hosts to the other, after everything sent before.
  void send(Host from, Handler deliver);
  // Nothing is sent any more, nor sent again.
  void destroy();
  // What `from` sends gets out only while this holds; otherwise it is sent again later.
  void guard(Host from, std::function<bool()> open);
  void try_again();
  [[nodiscard]] bool holds() const { return !ways_[0].held.empty() || !ways_[1].held.empty(); }

 private:
  friend class Network;
  struct Way {
    Instant last{};
    std::deque<Handler> held{};
    std::function<bool()> open{};
  };
  [[nodiscard]] bool passes(int way) const;
  void arrive(int way, Handler deliver);
  void flush(int way);

  Network& network_;
  Host ends_[2];
  Way ways_[2]{};  // from ends_[0], from ends_[1]
  bool dead_{false};
};

class Network {
 public:
  Network(Timeline& timeline, Random& random, int hosts, uint64_t& deliveries);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] int hosts() const { return hosts_; }
  [[nodiscard]] bool passes(Host from, Host to) const { return way(from, to).cuts == 0; }
  [[nodiscard]] bool both_ways(Host a, Host b) const { return passes(a, b) && passes(b, a); }

  void cut(Host from, Host to) { ++way(from, to).cuts; }
  void heal(Host from, Host to);
  void set_quality(Host from, Host to, Duration delay, double loss);
  // How long one message takes now.
  Duration delay(Host from, Host to);

  std::shared_ptr<Connection> connect(Host a, Host b) {
    return std::make_shared<Connection>(*this, a, b);
  }
  // A message that is lost where it cannot pass.
  void post(Host from, Host to, Handler deliver);

 private:
  friend class Connection;
  struct Way {
    int cuts{0};  // faults may overlap
    Duration delay{std::chrono::microseconds(200)};
    double loss{0};
    std::vector<std::shared_ptr<Connection>> held{};  // with something to send again
  };
  Way& way(Host from, Host to) { return ways_[static_cast<size_t>(from * hosts_ + to)]; }
  [[nodiscard]] const Way& way(Host from, Host to) const {
    return ways_[static_cast<size_t>(from * hosts_ + to)];
  }

  Timeline& timeline_;
  Random& random_;
  int hosts_;
  uint64_t& deliveries_;
  std::vector<Way> ways_;
};

}  // namespace cdb::sim
