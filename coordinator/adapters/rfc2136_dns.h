#pragma once
// The cluster's names on a DNS server that takes signed updates (BIND and its like). A TXT record
// beside the names, _epoch.<cluster>.<namespace>.<zone> = "<epoch>.<version>", makes every update a
// compare-and-set. Blocking until the deadline at the latest; one thread.

#include <memory>
#include <string>

#include "coordinator/adapters/tsig_key.h"
#include "coordinator/ports/dns_provider.h"

namespace cdb::coordinator {

class DnsClient;

struct Rfc2136Config {
  std::string server{};  // the primary of the zone: "192.0.2.1:53"
  std::string zone{};    // "db.example.net"
  TsigKey key{};
};

class Rfc2136Dns final : public DnsProvider {
 public:
  // Invalid where the configuration is not what it should be; the server is not asked.
  static Result<std::unique_ptr<Rfc2136Dns>> create(const Rfc2136Config& config);
  ~Rfc2136Dns() override;

  [[nodiscard]] std::string rw_name(const model::ClusterId& cluster) const override;
  [[nodiscard]] std::string ro_name(const model::ClusterId& cluster) const override;
  // Nothing is sent when the server shows the records already.
  Status publish(const DnsRecords& records, Deadline deadline) override;
  Status remove(const model::ClusterId& cluster, Deadline deadline) override;
  Status check(Deadline deadline) override;

 private:
  explicit Rfc2136Dns(std::unique_ptr<DnsClient> client);
  [[nodiscard]] std::string version_name(const model::ClusterId& cluster) const;
  [[nodiscard]] std::string in_zone(const std::string& label,
                                    const model::ClusterId& cluster) const;

  std::unique_ptr<DnsClient> client_;
};

}  // namespace cdb::coordinator
