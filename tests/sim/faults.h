#pragma once
// What goes wrong in a story, at random, and how all of it is put right again.

#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace cdb::sim {

class Faults {
 public:
  // Those that are named, with these weights; none: all, as usual.
  Faults(World& world, const std::map<std::string, int>& weights);

  // From now on until heal().
  void begin();
  // Everything works again, and nothing more goes wrong.
  void heal();

 private:
  struct Kind {
    const char* name;
    int weight;
    void (Faults::*happen)();
  };
  static const std::vector<Kind>& all_kinds();

  void next();
  void strike();
  Agent& victim();
  Duration some_while();
  void lasting(Duration duration, Handler undo);

  void kill_mysqld();
  void stall_mysqld();
  void kill_agent();
  void stop_agent();
  void crash_agent_at_save();
  void fill_agent_disk();
  void power_off();
  void power_off_several();
  void kill_several();
  void kill_again();
  void pause_machine();
  void isolate();
  void cut_one_way();
  void cut_pair();
  void cut_coordinator();
  void cut(Host a, Host b);
  void slow_network();
  void slow_pair();
  void usual(Host from, Host to);
  void slow_applier();
  void kill_coordinator();
  void fail_commit();
  void stop_coordinator();
  void silence_names();
  void step_clock();
  void ask_for_election();
  void replay_goal();
  void ask_for_maintenance();
  void ask_for_rejoin();
  void change_policy();
  void end_maintenance();

  World& world_;
  std::vector<Kind> kinds_{};
  int total_weight_{0};
  bool ended_{false};
  int lasting_{0};
  std::vector<Handler> undo_{};
};

}  // namespace cdb::sim
