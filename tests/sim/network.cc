#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace cdb::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

void Connection::send(Host from, Handler deliver) {
  if (dead_) return;
  const int index = from == ends_[0] ? 0 : 1;
  Way& way = ways_[index];
  if (way.open && !way.open()) {
    way.held.push_back(std::move(deliver));
    return;
  }
  const Host to = ends_[1 - index];
  const Instant when = std::max(network_.timeline_.now() + network_.delay(from, to),
                                way.last + std::chrono::nanoseconds(1));
  way.last = when;
  network_.timeline_.at(when, [self = shared_from_this(), index, deliver = std::move(deliver)] {
    self->arrive(index, deliver);
  });
}

void Connection::destroy() {
  dead_ = true;
  for (Way& way : ways_)
    way.held.clear();
}

void Connection::guard(Host from, std::function<bool()> open) {
  ways_[from == ends_[0] ? 0 : 1].open = std::move(open);
}

void Connection::try_again() {
  flush(0);
  flush(1);
}

bool Connection::passes(int index) const {
  const auto& open = ways_[index].open;
  return network_.passes(ends_[index], ends_[1 - index]) && (!open || open());
}

// What is under way already arrives, also when the socket is destroyed behind it.
void Connection::arrive(int index, Handler deliver) {
  Way& way = ways_[index];
  const bool cut = !network_.passes(ends_[index], ends_[1 - index]);
  if (!way.held.empty() || cut) {
    if (dead_) return;
    if (way.held.empty())
      network_.way(ends_[index], ends_[1 - index]).held.push_back(shared_from_this());
    way.held.push_back(std::move(deliver));
    return;
  }
  ++network_.deliveries_;
  deliver();
}

void Connection::flush(int index) {
  Way& way = ways_[index];
  while (!dead_ && !way.held.empty() && passes(index)) {
    const Handler next = std::move(way.held.front());
    way.held.pop_front();
    ++network_.deliveries_;
    next();
  }
  if (!dead_ && !way.held.empty())
    network_.way(ends_[index], ends_[1 - index]).held.push_back(shared_from_this());
}

Network::Network(Timeline& timeline, Random& random, int hosts, uint64_t& deliveries)
    : timeline_(timeline),
      random_(random),
      hosts_(hosts),
      deliveries_(deliveries),
      ways_(static_cast<size_t>(hosts * hosts)) {}

// What is still held may own its connection.
Network::~Network() {
  for (const Way& way : ways_) {
    for (const auto& connection : way.held)
      connection->destroy();
  }
}

void Network::heal(Host from, Host to) {
  Way& healed = way(from, to);
  if (--healed.cuts > 0) return;

  for (const auto& connection : std::exchange(healed.held, {})) {
    const int index = connection->ends_[0] == from ? 0 : 1;
    // When TCP tries again: soon after a short cut, later after a long one.
    timeline_.after(random_.between(milliseconds(1), milliseconds(800)),
                    [connection, index] { connection->flush(index); });
  }
}

void Network::set_quality(Host from, Host to, Duration delay, double loss) {
  way(from, to).delay = delay;
  way(from, to).loss = loss;
}

Duration Network::delay(Host from, Host to) {
  const Way& here = way(from, to);
  Duration taken = here.delay + random_.between(Duration(0), here.delay);
  if (here.loss > 0 && random_.chance(here.loss)) taken += milliseconds(200);  // sent again
  return taken;
}

void Network::post(Host from, Host to, Handler deliver) {
  timeline_.after(delay(from, to), [this, from, to, deliver = std::move(deliver)] {
    if (!passes(from, to)) return;
    ++deliveries_;
    deliver();
  });
}

}  // namespace cdb::sim
