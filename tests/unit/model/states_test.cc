#include <set>
#include <string>

#include <doctest/doctest.h>

#include "lib/model/node_state.h"
#include "lib/model/report.h"

namespace cdb::model {

TEST_CASE("every node state survives a round trip through its name, and no two share one") {
  std::set<std::string_view> names;
  for (const NodeState state : kAllNodeStates) {
    names.insert(to_string(state));
    CHECK(parse_node_state(to_string(state)).value() == state);
  }
  CHECK(names.size() == kAllNodeStates.size());
  CHECK(kAllNodeStates.size() == static_cast<size_t>(NodeState::Lost) + 1);
}

TEST_CASE("the states of mysqld and of its threads survive a round trip") {
  for (const MysqldState state :
       {MysqldState::NotInitialised, MysqldState::Stopped, MysqldState::Starting,
        MysqldState::Running, MysqldState::Stalled}) {
    CHECK(parse_mysqld_state(to_string(state)).value() == state);
  }
  for (const ThreadState state : {ThreadState::Off, ThreadState::Connecting, ThreadState::On}) {
    CHECK(parse_thread_state(to_string(state)).value() == state);
  }
}

TEST_CASE("an unknown state is refused by name") {
  CHECK(parse_node_state("catching-up").error() == invalid("unknown node state 'catching-up'"));
  CHECK(parse_mysqld_state("").error().code == Code::Invalid);
  CHECK(parse_thread_state("ON").error().code == Code::Invalid);
}

}  // namespace cdb::model
