#pragma once
// One MySQL server: its data directory, which outlives the process, and what the process knows. It
// behaves as real servers were seen to behave (binary log, relay log, semi-sync after sync), as far
// as clients, replicas and the agent can tell.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/binlog_file.h"
#include "lib/model/report.h"
#include "tests/sim/gate.h"
#include "tests/sim/process.h"
#include "tests/sim/stage.h"

namespace cdb::sim {

class Mysqld;
class Oracle;

// What a client sent and waits for.
struct Write {
  uint64_t row{0};
  TransactionId id{0};                           // once it is in the binary log
  std::function<void(bool committed)> answer{};  // at the server; empty once the client is gone
};

// A replica's receiver and the source's dump thread for it. Each end knows only its own.
struct Link {
  Mysqld* source{nullptr};
  Mysqld* replica{nullptr};
  std::shared_ptr<Connection> connection{};
  bool semisync{false};     // switched on when the receiver started
  bool source_open{true};   // the dump thread is there
  bool replica_open{true};  // the receiver uses this one
  size_t next{0};           // in the source's binary log: what is not sent yet
  model::GtidSet held{};    // what the replica had when it connected
  uint64_t source_life{0};
  uint64_t replica_life{0};
  uint64_t number{0};  // of the receiver's attempt
  Instant heard{};     // by the receiver
};

class Mysqld {
 public:
  Mysqld(Stage& stage, Oracle& oracle, std::vector<std::unique_ptr<Mysqld>>& all, Host host,
         Gate& gate, model::MysqlVersion version);

  [[nodiscard]] Host host() const { return host_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  Process process{};
  [[nodiscard]] Gate& gate() { return gate_; }
  [[nodiscard]] const Gate& gate() const { return gate_; }

  // --- the data directory ---
  [[nodiscard]] bool initialised() const { return initialised_; }
  void initialise();
  void wipe();
  // All that it holds: executed, in the binary log, only received.
  [[nodiscard]] model::GtidSet holdings() const;
  // In its binary log: what a primary has, waiting commits included.
  [[nodiscard]] const model::GtidSet& logged() const { return logged_; }
  [[nodiscard]] const model::GtidSet& executed() const { return executed_; }
  [[nodiscard]] bool level_with(const Mysqld& other) const { return executed_ == other.executed_; }

  // --- the process ---
  void start();
  void crash(bool machine_lost);
  [[nodiscard]] bool answers() const { return process.runs() && ready_; }
  [[nodiscard]] bool ready() const { return ready_; }
  // Once, when the process that runs now ends.
  void set_exit_callback(std::function<void()> callback) { on_exit_ = std::move(callback); }

  // --- clients ---
  void write(const std::shared_ptr<Write>& write);
  [[nodiscard]] bool writable() const { return process.alive() && ready_ && !read_only_; }
  [[nodiscard]] bool read_only() const { return read_only_; }
  // Whether clients get anything from it but resets. One that slept with its clock does not count:
  // it may show old rows for the rest of its lease.
  [[nodiscard]] bool serves() const { return writable() && gate_.open() && !gate_.slept(); }
  // Whether a commit that is made now could be acknowledged by and by.
  [[nodiscard]] bool can_acknowledge() const;

  // --- the agent's statements: at once, with what they would have waited for ---
  [[nodiscard]] model::ServerStatus status() const;
  void set_replica_semisync(bool on) { replica_semisync_ = on; }
  void change_source(const model::Endpoint& source);
  void start_receiver();
  void stop_receiver();
  [[nodiscard]] bool receiver_refused() const { return !receiver_error_.empty(); }
  void start_applier();
  void stop_applier() { applier_on_ = false; }
  void reset_replication();
  void set_source_semisync(int acks);
  void set_writable() { read_only_ = false; }
  void begin_read_only() { read_only_ = true; }
  [[nodiscard]] bool commits_wait() const { return committed_ < log_.size(); }
  void undo_read_only() { read_only_ = false; }
  void drop_clients();
  // The connections of members that the gate bars.
  void cut_barred();
  // Of the agent's own: in the binary log at once, committed when it is acknowledged.
  TransactionId write_marker();
  [[nodiscard]] bool committed(TransactionId id) const;
  // Copies the donor's data; the process has to be started again afterwards.
  void become_copy_of(const Mysqld& donor);
  void lose_data();  // the server goes on, empty
  // The first place of the binary log whose transaction the cluster has not.
  struct Tail {
    size_t place{0};
    model::GtidSet gtids{};
    bool at_the_end{true};  // and it has nothing after that either
  };
  [[nodiscard]] Tail tail_beyond(const agent::ClusterTransactions& cluster) const;
  // With the process down: the next start rolls back what was prepared and is not there any more.
  void cut_log(size_t place);
  [[nodiscard]] std::optional<uint64_t> rolled_back() const { return rolled_back_; }

  void set_apply_delay(Duration delay) { apply_delay_ = delay; }

 private:
  TransactionId append(uint64_t row);
  void log_transaction(TransactionId id);
  void release();
  [[nodiscard]] bool enough_acks(size_t index) const;
  void after(Duration delay, Handler handler);
  // As a source.
  void send_new();
  void pump(const std::shared_ptr<Link>& link);
  void take_replica(const std::shared_ptr<Link>& link);
  void acked(const std::shared_ptr<Link>& link, size_t upto);
  void lose_replica(const std::shared_ptr<Link>& link);
  // As a replica.
  void try_to_connect();
  void connected(const std::shared_ptr<Link>& link, const std::string& refusal,
                 const std::string& uuid);
  void received(const std::shared_ptr<Link>& link, TransactionId id, size_t index, bool wants_ack);
  void close_receiver(bool tell);
  void give_up_attempt();
  void lose_source();
  void retry_later();
  void watch_receiver();
  void apply_soon();
  void apply_one();

  Stage& stage_;
  Oracle& oracle_;
  std::vector<std::unique_ptr<Mysqld>>& all_;
  Host host_;
  std::string name_;
  Gate& gate_;
  model::MysqlVersion version_;

  // On disk.
  bool initialised_{false};
  int uuid_{0};
  std::vector<TransactionId> log_{};  // the binary log
  size_t committed_{0};               // of it
  size_t prepared_{0};                // behind that, in InnoDB alone since the log was cut
  std::optional<uint64_t> rolled_back_{};
  model::GtidSet logged_{};  // log_ and what was purged before it
  model::GtidSet executed_{};
  model::GtidSet purged_{};
  std::deque<TransactionId> relay_log_{};  // received, not applied
  size_t unsynced_{0};                     // the last so many of them
  model::GtidSet retrieved_{};
  std::optional<model::Endpoint> source_{};

  // Of the process.
  bool ready_{false};
  bool read_only_{true};
  bool source_semisync_{false};
  int acks_{0};
  bool replica_semisync_{false};
  std::map<size_t, std::shared_ptr<Write>> waiting_{};  // by place in log_
  std::vector<std::shared_ptr<Link>> dumps_{};
  std::map<Host, size_t> acked_upto_{};  // every place below it
  bool receiver_on_{false};
  bool watching_{false};
  std::shared_ptr<Link> receiver_{};  // connected
  std::shared_ptr<Link> attempt_{};   // not yet
  uint64_t receiver_try_{0};
  std::string receiver_error_{};
  std::string source_uuid_{};
  bool applier_on_{false};
  bool applying_{false};
  std::string applier_error_{};
  Duration apply_delay_{std::chrono::microseconds(500)};
  std::function<void()> on_exit_{};
};

// "10.0.0.1" is host 0.
std::string address_of(Host host);
std::optional<Host> host_of(const std::string& address);

}  // namespace cdb::sim
