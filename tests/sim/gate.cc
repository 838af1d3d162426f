#include "tests/sim/gate.h"

#include <utility>

namespace cdb::sim {

void Gate::pass(const std::shared_ptr<Connection>& connection, Host host) {
  connection->guard(host, [this] { return open(); });
  std::erase_if(clients_,
                [](const auto& other) { return other.use_count() == 1 && !other->holds(); });
  clients_.push_back(connection);
}

void Gate::vanish() {
  until_.reset();
  admission_ = {};
  destroy_clients();
}

void Gate::destroy_clients() {
  for (const auto& connection : std::exchange(clients_, {}))
    connection->destroy();
}

void Gate::wake_clients() {
  const auto clients = clients_;
  for (const auto& connection : clients)
    connection->try_again();
}

Status GatePort::admit(const agent::Admission& admission) {
  gate_.set_admission(admission);
  cut_barred_();
  return {};
}

Status GatePort::open_until(Instant until) {
  if (!gate_.open()) gate_.destroy_clients();
  gate_.set_until(until);
  return {};
}

Status GatePort::shut() {
  gate_.shut();
  gate_.destroy_clients();
  return {};
}

Result<std::optional<Instant>> GatePort::open_now() {
  return gate_.open() ? gate_.until() : std::nullopt;
}

}  // namespace cdb::sim
