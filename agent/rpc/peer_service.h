#pragma once
// The agents' end for each other: answers holds while the coordinator is away. Threads are gRPC's.

#include <functional>
#include <memory>
#include <string>

#include "lib/base/result.h"
#include "lib/model/ids.h"
#include "lib/model/report.h"

namespace cdb::agent {

class PeerService {
 public:
  using Answer = std::function<model::HoldAnswer(const model::HoldRequest&)>;

  virtual ~PeerService() = default;  // afterwards no call is under way or will come

  // Listens on "host:port" and answers the members of this cluster alone.
  static Result<std::unique_ptr<PeerService>> start(const std::string& listen,
                                                    const model::ClusterId& cluster, Answer answer);
};

}  // namespace cdb::agent
