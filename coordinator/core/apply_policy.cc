#include "coordinator/core/apply_policy.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "lib/base/duration.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

using std::chrono::milliseconds;

constexpr int kMostAcks = 8;
constexpr int kMostPreferred = 100;
constexpr int kMostFailovers = 100;
constexpr size_t kMostHooks = 8;
constexpr size_t kLongestHook = 500;
constexpr int kHeartbeatsPerTtl = 3;

// The N of "shop-N"; none where it is no node of the cluster.
std::optional<int> ordinal_of(const std::string& cluster, const std::string& node) {
  if (node.rfind(cluster + "-", 0) != 0) return std::nullopt;
  int ordinal = 0;
  const char* begin = node.data() + cluster.size() + 1;
  const char* end = node.data() + node.size();
  const auto parsed = std::from_chars(begin, end, ordinal);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == end && ordinal >= 0 &&
                     std::to_string(ordinal).size() == static_cast<size_t>(end - begin);
  return whole ? std::optional(ordinal) : std::nullopt;
}

class PolicyReview {
 public:
  PolicyReview(const std::string& cluster, const OrchestratorSpec& policy,
               std::optional<int> replicas, const HookCheck& check_hook)
      : cluster_(cluster), policy_(policy), replicas_(replicas), check_hook_(check_hook) {}

  PolicyCheck review() {
    check_numbers();
    check_times();
    check_nodes();
    check_hooks("spec.hooks.before", policy_.hooks.before);
    check_hooks("spec.hooks.after", policy_.hooks.after);
    return std::move(found_);
  }

 private:
  void wrong(std::string field, std::string message, std::string hint) {
    found_.errors.push_back({std::move(field), std::move(message), std::move(hint)});
  }

  void check_numbers() {
    if (policy_.dns_ttl_s < 1 || policy_.dns_ttl_s > 3600) {
      wrong("spec.dns_ttl",
            fmt::format("dns_ttl must be 1 to 3600 seconds, not {}", policy_.dns_ttl_s),
            "5 is what it is unless said");
    }
    if (policy_.acks < 1 || policy_.acks > kMostAcks) {
      wrong("spec.acks", fmt::format("acks must be 1 to {}, not {}", kMostAcks, policy_.acks),
            "durability: asynchronous waits for none");
    } else if (policy_.durability == Durability::Asynchronous && policy_.acks > 1) {
      found_.warnings.emplace_back("acks: nothing is waited for with durability: asynchronous");
    } else if (replicas_ && *replicas_ > 0 && policy_.acks > *replicas_) {
      found_.warnings.push_back(fmt::format("acks: {} with {} replica{}: {} will be waited for",
                                            policy_.acks, *replicas_, *replicas_ == 1 ? "" : "s",
                                            *replicas_));
    } else if (replicas_ && policy_.acks > 1 && policy_.acks == *replicas_) {
      found_.warnings.push_back(
          fmt::format("acks: {} with {} replicas: the loss of one replica is felt by every write",
                      policy_.acks, *replicas_));
    }
    const AntiFlap& anti_flap = policy_.anti_flap;
    if (anti_flap.failovers < 1 || anti_flap.failovers > kMostFailovers) {
      wrong("spec.anti_flap.failovers",
            fmt::format("failovers must be 1 to {}, not {}", kMostFailovers, anti_flap.failovers),
            "paused: true allows none");
    }
  }

  void check_range(const char* field, milliseconds value, milliseconds least, milliseconds most) {
    if (value >= least && value <= most) return;
    const std::string name = std::string(field).substr(std::string(field).rfind('.') + 1);
    wrong(field,
          fmt::format("{} must be {} to {}, not {}", name, duration_text(least),
                      duration_text(most), duration_text(value)),
          "write a number and a unit: 300ms, 2s, 1h");
  }

  void check_times() {
    using namespace std::chrono;
    check_range("spec.heartbeat", policy_.heartbeat, milliseconds(50), seconds(10));
    check_range("spec.ttl", policy_.ttl, milliseconds(150), minutes(5));
    if (policy_.ttl < policy_.heartbeat * kHeartbeatsPerTtl) {
      wrong("spec.ttl",
            fmt::format("ttl {} is less than three heartbeats of {}", duration_text(policy_.ttl),
                        duration_text(policy_.heartbeat)),
            fmt::format("use at least {}: two lost heartbeats must not fence a healthy primary",
                        duration_text(policy_.heartbeat * kHeartbeatsPerTtl)));
    }
    check_range("spec.anti_flap.window", policy_.anti_flap.window, minutes(1), hours(24 * 30));
    check_range("spec.read_lag_cap", policy_.read_lag_cap, seconds(0), hours(24));
    check_range("spec.hooks.deadline", policy_.hooks.deadline, milliseconds(100), minutes(10));
  }

  // A node may be named before it is there, but not one that can never be.
  void check_node(const std::string& field, const std::string& node) {
    const auto ordinal = ordinal_of(cluster_, node);
    if (!ordinal) {
      wrong(field, fmt::format("'{}' cannot be a node of {}", node, cluster_),
            fmt::format("its nodes are {0}-0, {0}-1 and so on", cluster_));
    } else if (replicas_ && *ordinal > *replicas_) {
      found_.warnings.push_back(fmt::format("{}: there is no {} yet", field.substr(5), node));
    }
  }

  void check_nodes() {
    for (const std::string& node : policy_.never_promote)
      check_node("spec.never_promote", node);
    for (const auto& [node, preference] : policy_.priority) {
      check_node("spec.promotion", node);
      if (preference >= -kMostPreferred && preference <= kMostPreferred) continue;
      wrong("spec.promotion." + node,
            fmt::format("a preference must be -{0} to {0}, not {1}", kMostPreferred, preference),
            "nodes that are not named have 0; the higher, the more preferred");
    }
    for (const auto& [node, zone] : policy_.zones) {
      check_node("spec.zones", node);
      if (zone.empty() || zone.size() > 63) {
        wrong("spec.zones." + node, "a zone needs a name of at most 63 characters",
              "leave the node out where it has none");
      }
    }
    if (!replicas_ || *replicas_ == 0) return;
    int may_take_over = 0;
    for (int ordinal = 0; ordinal <= *replicas_; ++ordinal) {
      const std::string node = fmt::format("{}-{}", cluster_, ordinal);
      const auto& never = policy_.never_promote;
      may_take_over += std::find(never.begin(), never.end(), node) == never.end() ? 1 : 0;
    }
    if (may_take_over < 2) {
      found_.warnings.emplace_back(
          "promotion: no other node may take over: a dead primary is only "
          "restarted in place");
    }
  }

  void check_hooks(const std::string& field, const std::vector<std::string>& commands) {
    if (commands.size() > kMostHooks) {
      wrong(field, fmt::format("at most {} programs, not {}", kMostHooks, commands.size()),
            "let one program call the others");
    }
    for (size_t i = 0; i < commands.size(); ++i) {
      const std::string fault = commands[i].size() > kLongestHook
                                    ? fmt::format("is longer than {} bytes", kLongestHook)
                                : check_hook_ ? check_hook_(commands[i])
                                              : std::string{};
      if (fault.empty()) continue;
      wrong(fmt::format("{}[{}]", field, i), fmt::format("hook '{}' {}", commands[i], fault),
            "name an executable file of the coordinator's hooks_dir, arguments behind it");
    }
  }

  const std::string& cluster_;
  const OrchestratorSpec& policy_;
  const std::optional<int> replicas_;
  const HookCheck& check_hook_;
  PolicyCheck found_{};
};

}  // namespace

PolicyCheck check_policy(const std::string& cluster, const OrchestratorSpec& policy,
                         std::optional<int> replicas, const HookCheck& check_hook) {
  return PolicyReview(cluster, policy, replicas, check_hook).review();
}

}  // namespace cdb::coordinator
