#include "tests/sim/clients.h"

#include <utility>

namespace cdb::sim {

using std::chrono::milliseconds;

Client::Client(Stage& stage, Oracle& oracle, std::vector<std::unique_ptr<Mysqld>>& servers,
               Host host, const NameServer& names, Duration ttl, Duration pace, Duration patience)
    : stage_(stage),
      oracle_(oracle),
      servers_(servers),
      host_(host),
      names_(names),
      ttl_(ttl),
      pace_(pace),
      patience_(patience) {}

void Client::start() {
  next();
}

void Client::next() {
  if (stopped_) return;
  const uint64_t request = ++request_;
  stage_.timeline.after(stage_.random.between(pace_ / 2, pace_ * 2), [this, request] {
    if (request != request_ || stopped_) return;
    if (!address_ || stage_.timeline.now() - resolved_ > ttl_) resolve();
    if (!address_) {
      next();
      return;
    }
    // Whatever comes of it, it goes on.
    stage_.timeline.after(patience_, [this, request] {
      if (request == request_) next();
    });
    if (stage_.random.chance(0.25)) {
      read_from(*address_);
    } else {
      write_to(*address_);
    }
  });
}

// A question to a name server is no step of its own.
void Client::resolve() {
  if (!names_.up || !stage_.network.both_ways(host_, names_.host)) return;
  if (!names_.records || !names_.records->rw) return;
  address_ = host_of(*names_.records->rw);
  resolved_ = stage_.timeline.now();
}

// A reset gets out of a gate that is shut.
void Client::refused(uint64_t request, Host server) {
  stage_.network.post(server, host_, [this, request] {
    if (request == request_) next();
  });
}

void Client::write_to(Host host) {
  Mysqld& server = *servers_[static_cast<size_t>(host)];
  const uint64_t request = request_;
  // A connection of its own: an answer that cannot pass is sent again until the client gives up.
  const auto connection = stage_.network.connect(host_, host);
  server.gate().pass(connection, host);
  connection->send(host_, [this, &server, request, connection] {
    auto write = std::make_shared<Write>();
    write->row = (static_cast<uint64_t>(host_) << 40) + ++row_;
    // The write does not own itself: the answer goes by its number.
    write->answer = [this, &server, request, connection,
                     weak = std::weak_ptr<Write>(write)](bool committed) {
      const auto answered = weak.lock();
      const TransactionId id = answered ? answered->id : 0;
      connection->send(server.host(), [this, &server, request, id, committed] {
        if (request != request_) return;  // it has given up
        if (committed) oracle_.acknowledged(server, id);
        next();
      });
    };
    if (!server.process.alive() || !server.gate().open()) {
      refused(request, server.host());
      return;
    }
    server.process.deliver(server.process.life(), [&server, write] { server.write(write); });
  });
}

void Client::read_from(Host host) {
  Mysqld& server = *servers_[static_cast<size_t>(host)];
  const uint64_t request = request_;
  const auto connection = stage_.network.connect(host_, host);
  server.gate().pass(connection, host);
  connection->send(host_, [this, &server, request, connection] {
    if (!server.process.alive() || !server.gate().open()) {
      refused(request, server.host());
      return;
    }
    server.process.deliver(server.process.life(), [this, &server, request, connection] {
      // A read-only node may be a replica: what it shows is no promise.
      const bool counts = server.writable();
      connection->send(server.host(), [this, &server, request, counts, rows = server.executed()] {
        if (request != request_) return;
        if (counts) oracle_.read(server, rows);
        next();
      });
    });
  });
}

}  // namespace cdb::sim
