#pragma once
// What the agents' streams tell the engine. The stream's side (agent_service) knows no engine; the
// engine's side below knows no stream.

#include <cstdint>
#include <functional>
#include <memory>

#include "coordinator/engine/effects.h"
#include "lib/model/ids.h"
#include "lib/model/report.h"

namespace cdb::coordinator {

class EngineHost;

// Calls return at once, from any thread; what they ask is done later, in their order.
class AgentSessions {
 public:
  using Key = uint64_t;  // names a stream; never used again

  virtual ~AgentSessions() = default;
  // `sink` is closed with the reason when the node may not have a session.
  virtual void opened(Key key, const model::NodeId& node, const AgentHello& hello,
                      std::shared_ptr<AgentSink> sink) = 0;
  // `handled` is called, from any thread, once the engine has seen the report.
  virtual void reported(Key key, uint64_t sequence, model::NodeReport report,
                        std::function<void()> handled) = 0;
  // After opened(), exactly once, and nothing of this key follows.
  virtual void closed(Key key) = 0;
};

// Hands everything to the engine thread.
std::unique_ptr<AgentSessions> make_engine_sessions(EngineHost& host);

}  // namespace cdb::coordinator
