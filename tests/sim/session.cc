#include "tests/sim/session.h"

#include <utility>

#include "tests/sim/agent.h"
#include "tests/sim/coordinator.h"

namespace cdb::sim {

Session::Session(Agent& agent, Coordinator& coordinator, std::shared_ptr<Connection> connection)
    : agent_(agent),
      coordinator_(coordinator),
      connection_(std::move(connection)),
      agent_life_(agent.process.life()),
      coordinator_life_(coordinator.process.life()) {}

void Session::to_coordinator(Handler handler) {
  connection_->send(agent_.host(), [self = shared_from_this(), handler = std::move(handler)] {
    self->coordinator_.process.deliver(self->coordinator_life_, handler);
  });
}

void Session::to_agent(Handler handler) {
  connection_->send(coordinator_.host(), [self = shared_from_this(), handler = std::move(handler)] {
    self->agent_.process.deliver(self->agent_life_, handler);
  });
}

// --- the agent's end ---

void Session::introduce() {
  connection_->send(agent_.host(), [self = shared_from_this()] {
    Process& process = self->coordinator_.process;
    if (!process.alive() || process.life() != self->coordinator_life_) {
      self->coordinator_open_ = true;
      self->close_coordinator_end(true, false);  // there is no such connection here
      return;
    }
    process.deliver(self->coordinator_life_, [self] {
      if (!self->agent_open_) return;
      self->coordinator_open_ = true;
      self->coordinator_.session_opened(self, self->agent_);
    });
  });
}

void Session::report(uint64_t sequence, const model::NodeReport& report) {
  if (!agent_open_) return;
  report_ = {sequence, report};
  if (!report_under_way_) send_report();
}

void Session::send_report() {
  if (!report_) return;
  report_under_way_ = true;
  auto [sequence, report] = std::move(*std::exchange(report_, std::nullopt));
  connection_->send(
      agent_.host(), [self = shared_from_this(), sequence = sequence, report = std::move(report)] {
        self->report_under_way_ = false;
        if (self->agent_open_) self->send_report();
        self->coordinator_.process.deliver(self->coordinator_life_, [self, sequence, report] {
          if (self->coordinator_open_)
            self->coordinator_.session_reported(self, self->agent_, sequence, report);
        });
      });
}

void Session::close_agent_end(bool tell) {
  if (!std::exchange(agent_open_, false) || !tell) return;
  to_coordinator([self = shared_from_this()] {
    if (std::exchange(self->coordinator_open_, false))
      self->coordinator_.session_closed(self, self->agent_);
  });
}

// --- the coordinator's end ---

void Session::send(const model::NodeGoal& goal) {
  goal_ = goal;
  write_next();
}

void Session::ack(uint64_t report_sequence, const std::optional<model::LeaseGrant>& grant) {
  ack_ = {report_sequence, grant};
  write_next();
}

void Session::write_next() {
  if (!coordinator_open_ || writing_ || (!goal_ && !ack_)) return;
  std::optional<model::NodeGoal> goal;
  std::optional<Answer> answer;
  if (goal_) {
    goal = std::exchange(goal_, std::nullopt);
  } else {
    answer = std::exchange(ack_, std::nullopt);
  }
  writing_ = true;
  connection_->send(
      coordinator_.host(), [self = shared_from_this(), goal = std::move(goal), answer] {
        self->writing_ = false;
        self->write_next();
        self->agent_.process.deliver(self->agent_life_, [self, goal, answer] {
          if (!self->agent_open_) return;
          self->agent_.session_answered(self, goal ? &*goal : nullptr, answer ? &*answer : nullptr);
        });
      });
}

void Session::close(const Error& reason) {
  close_coordinator_end(true, reason.code == Code::NotFound || reason.code == Code::Conflict);
}

void Session::close_coordinator_end(bool tell, bool refused) {
  if (!std::exchange(coordinator_open_, false) || !tell) return;
  to_agent([self = shared_from_this(), refused] {
    if (std::exchange(self->agent_open_, false)) self->agent_.session_lost(self, refused);
  });
}

}  // namespace cdb::sim
