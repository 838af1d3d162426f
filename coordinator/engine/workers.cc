#include "coordinator/engine/workers.h"

#include <algorithm>
#include <vector>

namespace cdb::coordinator {
namespace {

constexpr Duration kLongWait = std::chrono::hours(1);
constexpr Duration kDnsDeadline = std::chrono::seconds(3);

// The oldest job; none when a stop was asked for.
template <typename Job>
std::optional<Job> take(Sync<std::deque<Job>>& jobs, const std::stop_token& stop) {
  std::optional<Job> job;
  while (!job && !stop.stop_requested()) {
    jobs.wait(stop, Deadline::after(kLongWait), [&](std::deque<Job>& queue) {
      if (queue.empty()) return false;
      job = std::move(queue.front());
      queue.pop_front();
      return true;
    });
  }
  return job;
}

}  // namespace

Workers::Workers(DnsProvider& dns, const HookRunner& hooks) : dns_(dns), hooks_(hooks) {}

Workers::~Workers() {
  stop();
}

void Workers::start(EngineHost& host, Provisioner& provisioner) {
  machines_ = std::jthread([this, &host, &provisioner](const std::stop_token& stop) {
    work_on_machines(machine_jobs_, stop, host, provisioner);
  });
  names_ = std::jthread([this, &host](const std::stop_token& stop) { work_on_names(stop, host); });
  for (std::jthread& thread : hook_threads_) {
    thread =
        std::jthread([this, &host](const std::stop_token& stop) { work_on_hooks(stop, host); });
  }
}

void Workers::stop() {
  std::vector<std::jthread*> threads{&machines_, &names_};
  for (std::jthread& thread : hook_threads_)
    threads.push_back(&thread);
  for (std::jthread* thread : threads)
    thread->request_stop();
  for (std::jthread* thread : threads) {
    if (!thread->joinable()) continue;
    thread->join();
  }
}

void Workers::ensure_machine(const MachineSpec& spec) {
  machine_jobs_.with([&](auto& queue) { queue.emplace_back(spec); });
}

void Workers::remove_machine(const model::NodeId& node) {
  machine_jobs_.with([&](auto& queue) { queue.emplace_back(node); });
}

void Workers::publish_dns(const DnsRecords& records) {
  name_jobs_.with([&](auto& queue) {
    std::erase_if(queue, [&](const NameJob& job) {
      const auto* older = std::get_if<DnsRecords>(&job);
      return older != nullptr && older->cluster == records.cluster;
    });
    queue.emplace_back(records);
  });
}

void Workers::remove_dns(const model::ClusterId& cluster) {
  name_jobs_.with([&](auto& queue) { queue.emplace_back(cluster); });
}

void Workers::run_hooks(const HookJob& job) {
  hook_jobs_.with([&](auto& queue) { queue.push_back(job); });
}

void Workers::work_on_hooks(const std::stop_token& stop, EngineHost& host) {
  while (const auto job = take(hook_jobs_, stop)) {
    auto results = hooks_.run(*job);
    host.post([job = *job, results = std::move(results)](Engine& engine, Now now) {
      engine.hooks_finished(job, results, now);
    });
  }
}

void Workers::work_on_machines(Sync<std::deque<MachineJob>>& jobs, const std::stop_token& stop,
                               EngineHost& host, Provisioner& provisioner) {
  while (const auto job = take(jobs, stop)) {
    if (const auto* spec = std::get_if<MachineSpec>(&*job)) {
      auto result = provisioner.ensure(*spec);
      host.post([node = spec->node, result = std::move(result)](Engine& engine, Now now) {
        engine.machine_ensured(node, result, now);
      });
    } else {
      const auto node = std::get<model::NodeId>(*job);
      auto result = provisioner.remove(node);
      host.post([node, result = std::move(result)](Engine& engine, Now now) {
        engine.machine_removed(node, result, now);
      });
    }
  }
}

void Workers::work_on_names(const std::stop_token& stop, EngineHost& host) {
  while (const auto job = take(name_jobs_, stop)) {
    if (const auto* records = std::get_if<DnsRecords>(&*job)) {
      auto result = dns_.publish(*records, Deadline::after(kDnsDeadline));
      host.post([records = *records, result = std::move(result)](Engine& engine, Now now) {
        engine.dns_published(records, result, now);
      });
    } else {
      const auto cluster = std::get<model::ClusterId>(*job);
      auto result = dns_.remove(cluster, Deadline::after(kDnsDeadline));
      host.post([cluster, result = std::move(result)](Engine& engine, Now now) {
        engine.dns_removed(cluster, result, now);
      });
    }
  }
}

}  // namespace cdb::coordinator
