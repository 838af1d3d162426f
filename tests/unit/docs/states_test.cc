// docs/states.md is written from the tables in the code (UPDATE_GOLDEN=1 rewrites it; the diff is
// reviewed), and both sides of the protocol are walked: no phase is entered and no goal given for
// which there is no row.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <regex>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/core/transitions.h"
#include "coordinator/core/decide.h"
#include "coordinator/core/goals.h"
#include "coordinator/core/phases.h"
#include "lib/base/atomic_file.h"
#include "lib/base/text.h"
#include "tests/support/view_builder.h"

namespace cdb {
namespace {

using agent::Situation;
using coordinator::ClusterView;
using coordinator::Decision;
using coordinator::ElectionRequest;
using coordinator::Phase;
using model::MysqldState;
using model::NodeName;
using model::NodeState;
using model::ThreadState;

const std::filesystem::path kDocs = std::filesystem::path(CDB_SOURCE_DIR) / "docs";

// --- the coordinator's side ---

class RandomViews {
 public:
  explicit RandomViews(unsigned seed) : random_(seed) {}

  coordinator::test::ViewBuilder next() {
    coordinator::test::ViewBuilder view(1 + any(4));
    if (any(30) == 0) return view;  // a new cluster
    view.steady();
    auto& record = view.view.record;
    const std::vector<Phase> phases{Phase::Steady, Phase::Revoking, Phase::Demoting,
                                    Phase::Promoting, Phase::Publishing};
    record.phase = phases[static_cast<size_t>(any(5))];
    record.opened =
        record.phase == Phase::Steady || record.phase == Phase::Publishing || any(2) == 0;
    if (record.phase != Phase::Steady && record.phase != Phase::Publishing)
      record.candidate = NodeName("c-" + std::to_string(any(4)));
    if (any(2) == 0) record.unfenced = {NodeName("c-0")};
    if (any(4) == 0) record.blocked = "something";
    if (any(6) == 0) record.allow_loss = true;
    view.view.in_phase_for = std::chrono::seconds(any(20));
    view.view.ackers_short_for = std::chrono::seconds(any(5));
    view.view.dns_current = any(2) == 0;
    view.view.policy.acks = any(3);
    if (any(3) == 0) view.asynchronous();
    for (auto& [name, member] : view.view.members)
      vary(view, name.str(), member);
    if (any(3) == 0) {
      view.view.request =
          ElectionRequest{any(2) == 0, NodeName("c-" + std::to_string(any(4))), "", false};
    } else if (any(3) == 0) {
      view.view.request = ElectionRequest{false, NodeName(), "", true};
    }
    return view;
  }

 private:
  int any(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  void vary(coordinator::test::ViewBuilder& view, const std::string& name,
            coordinator::MemberView& member) {
    auto& report = *member.report;
    if (any(3) == 0) view.revoked(name);
    if (any(6) == 0) view.state(name, model::kAllNodeStates[static_cast<size_t>(any(15))]);
    if (any(6) == 0) view.blind(name);
    if (any(8) == 0) view.holds(name, "0:1-150");
    if (any(8) == 0) view.incarnation(name, "other");
    if (any(8) == 0) member.maintenance = true;
    if (any(5) == 0) {
      report.state = NodeState::Fenced;
      report.final_set = report.server->executed;
    }
    if (any(8) == 0) view.mysqld_dead(name);
    if (any(6) == 0) view.lost(name, std::chrono::seconds(any(4)));
  }

  std::mt19937 random_;
};

using Edge = std::tuple<Phase, Phase, std::string>;

struct Walked {
  std::set<Edge> edges{};
  std::set<NodeState> goals{};
};

Walked walk_the_rules() {
  Walked walked;
  RandomViews views(20261129);
  for (int i = 0; i < 60'000; ++i) {
    coordinator::test::ViewBuilder builder = views.next();
    ClusterView view = builder.view;
    const Decision decision = coordinator::decide(view);
    if (decision.record) {
      const auto& before = view.record;
      const auto& after = *decision.record;
      if (before.phase != after.phase || before.version.epoch != after.version.epoch)
        walked.edges.emplace(before.phase, after.phase, decision.rule);
      view.record = after;
    }
    coordinator::ClusterRow row;
    for (const auto& [name, member] : view.members)
      row.members[name].address = "127.0.0.1";
    for (const auto& [name, member] : view.members) {
      if (const auto goal = coordinator::goal_for(view, row, {}, name))
        walked.goals.insert(goal->state);
    }
  }
  return walked;
}

// --- the agent's side ---

// Every situation that can differ in what it is called, one of each kind.
std::vector<Situation> situations(NodeState goal) {
  std::vector<Situation> all;
  for (int bits = 0; bits < (1 << 11); ++bits) {
    const auto bit = [&](int n) { return ((bits >> n) & 1) != 0; };
    Situation s;
    s.goal.state = goal;
    s.goal.record = {4, 2};
    s.goal.base = coordinator::test::gtids(coordinator::test::written("0:1-10"));
    s.goal.source = model::Endpoint{"127.0.0.2", 3306};
    s.mysqld = MysqldState::Running;
    s.server.emplace();
    auto& server = *s.server;
    server.executed =
        coordinator::test::gtids(coordinator::test::written(bit(0) ? "0:1-10,1:1-2" : "0:1-10"));
    if (bit(1)) server.executed = {};
    server.read_only = !bit(2);
    server.semisync.source_enabled = bit(3);
    server.semisync.acks_required = bit(3) ? 1 : 0;
    server.semisync.replica_enabled = server.semisync.replica_acking = bit(4);
    if (bit(5)) server.replication.source = s.goal.source;
    server.replication.receiver = bit(6) ? ThreadState::On : ThreadState::Off;
    server.replication.applier = bit(7) ? ThreadState::On : ThreadState::Off;
    s.closed_epoch = bit(8) ? 4 : 0;
    s.prepared_epoch = bit(9) ? 4 : 0;
    s.seeding = bit(10);
    all.push_back(s);
  }
  return all;
}

std::set<NodeState> reportable(NodeState goal) {
  std::set<NodeState> found;
  for (const Situation& s : situations(goal))
    found.insert(agent::classify(s));
  return found;
}

const agent::TransitionRow* row_for(NodeState goal, NodeState reported) {
  for (const auto& row : agent::transition_table()) {
    if (row.goal == goal && (!row.reported || *row.reported == reported)) return &row;
  }
  return nullptr;
}

// --- the text ---

std::string rules_text() {
  std::string text = "| rule | when, and what it does |\n|---|---|\n";
  for (const auto& rule : coordinator::decision_rules())
    text += fmt::format("| `{}` | {} |\n", rule.id, rule.sentence);
  return text;
}

std::string phases_text() {
  std::string text = "| phase | the record says | nodes are told |\n|---|---|---|\n";
  for (const auto& info : coordinator::phase_infos()) {
    text += fmt::format("| {} | {} | {} |\n", to_string(info.phase), info.record_says,
                        info.nodes_are_told);
  }
  return text;
}

std::string diagram_text() {
  // One arrow for each pair of phases, with every rule that takes it.
  std::vector<std::pair<Phase, Phase>> order;
  std::map<std::pair<Phase, Phase>, std::vector<std::string>> rules;
  for (const auto& edge : coordinator::phase_edges()) {
    const std::pair pair{edge.from, edge.to};
    if (rules[pair].empty()) order.push_back(pair);
    rules[pair].emplace_back(edge.rule);
  }
  std::string text = "```mermaid\nstateDiagram-v2\n  [*] --> forming\n";
  for (const auto& pair : order) {
    text += fmt::format("  {} --> {}: {}\n", to_string(pair.first), to_string(pair.second),
                        join(rules[pair], ", "));
  }
  return text + "```\n";
}

std::string states_text() {
  std::string text = "| state | meaning |\n|---|---|\n";
  for (const NodeState state : model::kAllNodeStates)
    text += fmt::format("| {} | {} |\n", to_string(state), model::meaning(state));
  return text;
}

std::string transitions_text() {
  std::string text =
      "| goal | reported | action | what it does, in the agent's log |\n"
      "|---|---|---|---|\n";
  for (const auto& row : agent::transition_table()) {
    text += fmt::format("| {} | {} | {} | {} |\n", to_string(row.goal),
                        row.reported ? to_string(*row.reported) : "anything else",
                        to_string(row.action), row.sentence);
  }
  return text;
}

std::vector<NodeState> goals_in_table() {
  std::vector<NodeState> goals;
  for (const auto& row : agent::transition_table()) {
    if (std::find(goals.begin(), goals.end(), row.goal) == goals.end()) goals.push_back(row.goal);
  }
  return goals;
}

std::string pairs_text() {
  const std::vector<NodeState> goals = goals_in_table();
  std::string text = "| reported |";
  std::string line = "|---|";
  for (const NodeState goal : goals) {
    text += fmt::format(" {} |", to_string(goal));
    line += "---|";
  }
  text += "\n" + line + "\n";
  for (const NodeState reported : model::kAllNodeStates) {
    text += fmt::format("| {} |", to_string(reported));
    for (const NodeState goal : goals) {
      const bool reached = reportable(goal).contains(reported);
      const auto* row = row_for(goal, reported);
      text += fmt::format(" {} |", !reached ? "-" : row == nullptr ? "?" : to_string(row->action));
    }
    text += "\n";
  }
  return text;
}

// The text between <!-- name --> and <!-- /name --> replaced.
std::string with_block(const std::string& document, const std::string& name,
                       const std::string& text) {
  const std::string begin = "<!-- " + name + " -->\n";
  const std::string end = "<!-- /" + name + " -->\n";
  const size_t from = document.find(begin);
  const size_t to = document.find(end);
  REQUIRE_MESSAGE(from != std::string::npos, name);
  REQUIRE_MESSAGE(to != std::string::npos, name);
  return document.substr(0, from + begin.size()) + text + document.substr(to);
}

}  // namespace

TEST_CASE("docs/states.md says what the tables in the code say") {
  const auto file = kDocs / "states.md";
  const auto reviewed = read_file(file);
  REQUIRE(reviewed.ok());
  std::string text = *reviewed;
  text = with_block(text, "phases", phases_text());
  text = with_block(text, "diagram", diagram_text());
  text = with_block(text, "rules", rules_text());
  text = with_block(text, "states", states_text());
  text = with_block(text, "transitions", transitions_text());
  text = with_block(text, "pairs", pairs_text());
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    REQUIRE(write_file_atomically(file, text).ok());
    return;
  }
  CHECK_MESSAGE(text == *reviewed, "run with UPDATE_GOLDEN=1 and review the diff");
}

TEST_CASE("no rule takes a way between phases that the diagram does not show, and each is taken") {
  std::set<Edge> shown;
  for (const auto& edge : coordinator::phase_edges())
    shown.emplace(edge.from, edge.to, edge.rule);
  const Walked walked = walk_the_rules();
  for (const auto& [from, to, rule] : walked.edges) {
    const std::string name = fmt::format("{} {} -> {}", rule, to_string(from), to_string(to));
    CHECK_MESSAGE(shown.contains({from, to, rule}), name, " is taken and not shown");
  }
  for (const auto& [from, to, rule] : shown) {
    const std::string name = fmt::format("{} {} -> {}", rule, to_string(from), to_string(to));
    CHECK_MESSAGE(walked.edges.contains({from, to, rule}), name, " is shown and never taken");
  }
}

TEST_CASE("the coordinator gives exactly the goals that the agents have rows for") {
  const Walked walked = walk_the_rules();
  const std::vector<NodeState> goals = goals_in_table();
  for (const NodeState goal : walked.goals) {
    CHECK_MESSAGE(std::find(goals.begin(), goals.end(), goal) != goals.end(), to_string(goal),
                  " is asked for and has no row");
  }
  for (const NodeState goal : goals)
    CHECK_MESSAGE(walked.goals.contains(goal), to_string(goal), " has rows and is never asked for");
}

TEST_CASE("each pair of a goal and what can be reported then has a row") {
  for (const NodeState goal : goals_in_table()) {
    for (const NodeState reported : reportable(goal)) {
      CHECK_MESSAGE(row_for(goal, reported) != nullptr, to_string(goal), " with ",
                    to_string(reported));
    }
  }
}

TEST_CASE("the documents name only rules and files that there are") {
  std::set<std::string> rules;
  for (const auto& rule : coordinator::decision_rules())
    rules.emplace(rule.id);
  for (const char* name : {"invariants.md", "states.md", "life-of-a-failover.md"}) {
    CAPTURE(name);
    const auto text = read_file(kDocs / name);
    REQUIRE(text.ok());
    const std::regex rule_words("rules? ((`[a-z_]+`(, | and )?)+)");
    for (std::sregex_iterator i(text->begin(), text->end(), rule_words), end; i != end; ++i) {
      const std::string list = (*i)[1];
      const std::regex word("`([a-z_]+)`");
      for (std::sregex_iterator j(list.begin(), list.end(), word); j != end; ++j) {
        const std::string rule = (*j)[1];
        CHECK_MESSAGE(rules.contains(rule), "no rule is called ", rule);
      }
    }
    const std::regex path("`((coordinator|agent|lib|tests|cli|tuning)/[a-z_/0-9.-]+)`");
    for (std::sregex_iterator i(text->begin(), text->end(), path), end; i != end; ++i) {
      const std::string file = (*i)[1];
      CHECK_MESSAGE(std::filesystem::exists(std::filesystem::path(CDB_SOURCE_DIR) / file), file,
                    " is not there");
    }
  }
}

}  // namespace cdb
