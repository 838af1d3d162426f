#include "coordinator/rpc/agent_sessions.h"

#include <map>
#include <utility>

#include "coordinator/engine/host.h"
#include "lib/base/log.h"

namespace cdb::coordinator {
namespace {

class EngineSessions final : public AgentSessions {
 public:
  explicit EngineSessions(EngineHost& host) : host_(host) {}

  void opened(Key key, const model::NodeId& node, const AgentHello& hello,
              std::shared_ptr<AgentSink> sink) override {
    host_.post([table = table_, key, node, hello, sink = std::move(sink)](Engine& engine, Now now) {
      const Result<uint64_t> session = engine.agent_connected(node, hello, sink, now);
      if (!session) {
        log::info("session.refused", "node={} error=\"{}\"", node.str(), session.error().text());
        sink->close(session.error());
        return;
      }
      table->emplace(key, Session{node, *session});
    });
  }

  void reported(Key key, uint64_t sequence, model::NodeReport report,
                std::function<void()> handled) override {
    host_.post([table = table_, key, sequence, report = std::move(report),
                handled = std::move(handled)](Engine& engine, Now now) {
      if (const auto found = table->find(key); found != table->end()) {
        engine.agent_reported(found->second.node, found->second.number, sequence, report, now);
      }
      handled();
    });
  }

  void closed(Key key) override {
    host_.post([table = table_, key](Engine& engine, Now now) {
      // Not there: the engine refused the session.
      if (const auto found = table->find(key); found != table->end()) {
        const Session session = found->second;
        table->erase(found);
        engine.agent_disconnected(session.node, session.number, now);
      }
    });
  }

 private:
  struct Session {
    model::NodeId node{};
    uint64_t number{0};  // the engine's
  };

  EngineHost& host_;
  // Touched on the engine thread alone. Shared: posted work may outlive this object.
  std::shared_ptr<std::map<Key, Session>> table_{std::make_shared<std::map<Key, Session>>()};
};

}  // namespace

std::unique_ptr<AgentSessions> make_engine_sessions(EngineHost& host) {
  return std::make_unique<EngineSessions>(host);
}

}  // namespace cdb::coordinator
