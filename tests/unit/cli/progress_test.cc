#include "cli/progress.h"

#include <sstream>

#include <doctest/doctest.h>

#include "cdb/v1/operations.pb.h"

namespace cdb::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t kBegin = 1'700'000'000;

WallTime wall(Duration after) {
  return WallTime(seconds(kBegin) + std::chrono::duration_cast<std::chrono::microseconds>(after));
}
Instant at(Duration after) {
  return Instant(after);
}

v1::Operation operation() {
  v1::Operation op;
  op.set_id("op-1");
  op.set_kind("create");
  op.set_state("running");
  op.mutable_cluster()->set_namespace_("default");
  op.mutable_cluster()->set_name("shop");
  op.mutable_created()->set_seconds(kBegin);
  auto* done = op.add_steps();
  done->set_name("provision");
  done->set_state("done");
  done->mutable_started()->set_seconds(kBegin);
  done->mutable_finished()->set_seconds(kBegin + 4);
  auto* running = op.add_steps();
  running->set_name("join");
  running->set_state("running");
  running->set_detail("1 of 3 agents");
  running->mutable_started()->set_seconds(kBegin + 4);
  auto* pending = op.add_steps();
  pending->set_name("elect");
  pending->set_state("pending");
  return op;
}

}  // namespace

TEST_CASE("the live view shows each step with state, time and detail") {
  v1::Operation op = operation();
  op.set_problem("quota of network lan is full");
  op.set_hint("delete a machine");
  CHECK(live_lines(op, wall(seconds(10))) ==
        std::vector<std::string>{
            "create default/shop  running  10.0 s  (op-1)", "  done    provision  4.0 s",
            "  running join       6.0 s  1 of 3 agents", "  pending elect",
            "  problem: quota of network lan is full", "  hint: delete a machine"});
}

TEST_CASE("a clock that is behind the coordinator's shows no negative time") {
  CHECK(live_lines(operation(), wall(seconds(-5)))[0] ==
        "create default/shop  running  0 ms  (op-1)");
}

TEST_CASE("without a terminal there is a line at each change and every ten seconds") {
  std::ostringstream err;
  ProgressView view(err, {false, 80, 24});
  v1::Operation op = operation();
  view.show({op}, at(seconds(0)), wall(seconds(4)));
  view.show({op}, at(seconds(5)), wall(seconds(9)));
  CHECK(err.str() == "[4.0 s] create default/shop: join running: 1 of 3 agents\n");
  view.show({op}, at(seconds(10)), wall(seconds(14)));
  op.mutable_steps(1)->set_detail("2 of 3 agents");
  view.show({op}, at(seconds(11)), wall(seconds(15)));
  op.set_state("succeeded");
  op.mutable_finished()->set_seconds(kBegin + 16);
  for (auto& step : *op.mutable_steps())
    step.set_state("done");
  view.finish({op}, at(seconds(12)), wall(seconds(20)));
  CHECK(err.str() ==
        "[4.0 s] create default/shop: join running: 1 of 3 agents\n"
        "[14.0 s] create default/shop: join running: 1 of 3 agents\n"
        "[15.0 s] create default/shop: join running: 2 of 3 agents\n"
        "[16.0 s] create default/shop: succeeded\n");
  CHECK(err.str().find('\x1b') == std::string::npos);
}

TEST_CASE("on a terminal the view is redrawn in place, at most every 200 ms, within its size") {
  std::ostringstream err;
  ProgressView view(err, {true, 20, 24});
  const v1::Operation op = operation();
  view.show({op}, at(seconds(1)), wall(seconds(5)));
  const std::string first = err.str();
  CHECK(first ==
        "create default/sh...\n  done    provisi...\n  running join   ...\n  pending elect\n");
  view.show({op}, at(seconds(1) + milliseconds(100)), wall(seconds(5)));
  CHECK(err.str() == first);
  view.show({op}, at(seconds(1) + milliseconds(200)), wall(seconds(5)));
  CHECK(err.str() == first + "\x1b[4A\r\x1b[J" + first);
}

TEST_CASE("what hinders an operation is shown whole, over several rows") {
  std::ostringstream err;
  ProgressView view(err, {true, 20, 24});
  v1::Operation op = operation();
  op.set_problem("quota of network lan is full");
  view.show({op}, at(seconds(1)), wall(seconds(5)));
  CHECK(err.str().find("  problem: quota of network lan is full\n") != std::string::npos);
  view.show({op}, at(seconds(2)), wall(seconds(5)));
  CHECK(err.str().find("\x1b[6A\r\x1b[J") != std::string::npos);
}

TEST_CASE("a view higher than the terminal is cut, so that redrawing stays in place") {
  std::ostringstream err;
  ProgressView view(err, {true, 80, 4});
  view.show({operation()}, at(seconds(1)), wall(seconds(5)));
  const std::string first = err.str();
  CHECK(std::count(first.begin(), first.end(), '\n') == 2);
}

}  // namespace cdb::cli
