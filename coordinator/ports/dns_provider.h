#pragma once
// The cloud's DNS service. Correctness never depends on it: names are hints. Blocking; one worker
// thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/model/ids.h"

namespace cdb::coordinator {

// The whole of what a cluster's names should be.
struct DnsRecords {
  model::ClusterId cluster{};
  model::RecordVersion version{};   // a writer with a lower one changes nothing
  std::optional<std::string> rw{};  // IPv4 address; none: no such name
  std::vector<std::string> ro{};    // at most 8
  std::chrono::seconds ttl{5};
  friend bool operator==(const DnsRecords&, const DnsRecords&) = default;
};

class DnsProvider {
 public:
  virtual ~DnsProvider() = default;
  // rw.<cluster>.<namespace>.<zone> and ro....
  [[nodiscard]] virtual std::string rw_name(const model::ClusterId& cluster) const = 0;
  [[nodiscard]] virtual std::string ro_name(const model::ClusterId& cluster) const = 0;
  // Replaces both names and the version in one update, conditional on the version there being lower
  // or equal, then asks the authoritative server for what it now says. Conflict when a newer
  // version is there; Precondition when the server refuses us (bad key, zone not ours: the error
  // says which); Unavailable when it does not answer; OutcomeUnknown when it stopped answering
  // after the update was sent. Sending the same again is always right.
  virtual Status publish(const DnsRecords& records, Deadline deadline) = 0;
  // Removes every name of the cluster, whatever the version. Done when the server confirms it.
  virtual Status remove(const model::ClusterId& cluster, Deadline deadline) = 0;
  // Whether the zone can be reached and our key is accepted, without changing anything of value.
  virtual Status check(Deadline deadline) = 0;
};

}  // namespace cdb::coordinator
