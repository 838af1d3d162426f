#include "agent/adapters/gate_table.h"

#include <cerrno>
#include <cstring>

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "agent/adapters/gate_messages.h"
#include "lib/base/text.h"
#include "lib/process/program.h"

namespace cdb::agent {
namespace {

constexpr Duration kTimeForNft = std::chrono::seconds(10);
constexpr const char* kNoRight =
    "the agent needs CAP_NET_ADMIN in its network namespace: run it as root";

// Declared first, then emptied of rules, then filled: whatever version was there before.
//
// Packets to a node: what is turned away gets a reset, so that clients notice at once, those with
// an established connection too. Packets from a node: a reset always passes, or those that turn
// clients away would not; anything else that may not pass is dropped. The kernel sends it again and
// again: so the sockets have to be destroyed before a gate opens again.
constexpr const char* kRules = R"(
table inet cdb {
  set nodes { type ipv4_addr . inet_service; }
  set leases { type ipv4_addr . inet_service; flags timeout; }
  set admitted { type ipv4_addr . ipv4_addr . inet_service; }
  set barred { type ipv4_addr . ipv4_addr . inet_service; }
  chain to_node { }
  chain from_node { }
  chain input { type filter hook input priority filter; policy accept; }
  chain output { type filter hook output priority filter; policy accept; }
}
flush table inet cdb
table inet cdb {
  chain to_node {
    ip saddr . ip daddr . tcp dport @barred reject with tcp reset
    ip saddr . ip daddr . tcp dport @admitted accept
    ip daddr . tcp dport @leases accept
    reject with tcp reset
  }
  chain from_node {
    tcp flags & rst == rst accept
    ip daddr . ip saddr . tcp sport @barred drop
    ip daddr . ip saddr . tcp sport @admitted accept
    ip saddr . tcp sport @leases accept
    drop
  }
  chain input { ip daddr . tcp dport @nodes jump to_node; }
  chain output { ip saddr . tcp sport @nodes jump from_node; }
}
)";

Error refused(const std::string& what, int error) {
  if (error == EPERM || error == EACCES) return denied(what + ": not permitted", kNoRight);
  if (error == EOPNOTSUPP || error == EINVAL || error == EPROTONOSUPPORT || error == EAFNOSUPPORT) {
    return precondition(what + ": " + std::strerror(error),
                        "the kernel needs nftables: CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, "
                        "CONFIG_NFT_REJECT_INET");
  }
  return from_errno(what, error);
}

Status add_change(NetlinkMessages& messages, const GateChange& change, uint32_t number) {
  CDB_ASSIGN_OR_RETURN(const GateKey key, key_of(change.element));
  const bool remove = change.kind == GateChange::Kind::Remove;
  int flags = NLM_F_ACK;
  if (!remove) flags |= NLM_F_CREATE;
  if (change.kind == GateChange::Kind::Insert) flags |= NLM_F_EXCL;
  nlmsghdr* message =
      add_message(messages, remove ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM, flags, number);
  put_table(message);
  put_set(message, change.element.set);
  put_element(message, key, remove ? std::chrono::milliseconds(0) : change.element.timeout);
  return {};
}

}  // namespace

Result<GateTable> GateTable::open() {
  CDB_ASSIGN_OR_RETURN(Netlink netlink, Netlink::open(NETLINK_NETFILTER));
  GateTable table(std::move(netlink));
  // The smallest question: it meets the same checks as any other.
  if (const auto generation = table.generation(); !generation) return generation.error();
  return table;
}

Status GateTable::install(const std::filesystem::path& nft) {
  CDB_ASSIGN_OR_RETURN(const auto done, process::run({nft, {"-f", "-"}, {{"LC_ALL", "C"}}, kRules},
                                                     Deadline::after(kTimeForNft)));
  if (done.exit_code == 0) return {};
  const std::string first_line = split(std::string(trim(done.err)), '\n').front();
  const std::string what = nft.string() + " cannot install the table inet cdb: " + first_line;
  if (done.err.find("Operation not permitted") != std::string::npos) return denied(what, kNoRight);
  return unavailable(what, "the kernel needs nftables with `inet` tables and `reject`");
}

Result<GateTable::Verdict> GateTable::commit(const NetlinkMessages& messages, uint32_t first,
                                             size_t changes) {
  Verdict verdict{0, std::vector<int>(changes, 0)};
  size_t answered = 0;
  const auto take = [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != NLMSG_ERROR) return false;
    const size_t place = answer.nlmsg_seq - first;
    if (place == 0) {  // the batch as a whole was refused: nothing else need come
      verdict.batch = errno_of(answer);
      return true;
    }
    if (place > changes) return false;
    verdict.changes[place - 1] = errno_of(answer);
    return ++answered == changes;
  };
  CDB_TRY(netlink_.exchange(messages, first, take));
  return verdict;
}

Result<GateOutcome> GateTable::apply(const std::vector<GateChange>& changes,
                                     std::optional<uint32_t> generation) {
  if (changes.empty()) return GateOutcome::Done;
  NetlinkMessages messages(changes.size() + 2);
  const uint32_t first = netlink_.next_number();
  add_begin(messages, first, generation);
  for (const GateChange& change : changes) {
    CDB_TRY(add_change(messages, change, netlink_.next_number()));
  }
  add_end(messages, netlink_.next_number());
  CDB_ASSIGN_OR_RETURN(const Verdict verdict, commit(messages, first, changes.size()));
  if (verdict.batch == ERESTART) return GateOutcome::Changed;
  const std::string what = "change the gate of " + changes.front().element.node.str();
  if (verdict.batch != 0) return refused(what, verdict.batch);
  GateOutcome outcome = GateOutcome::Done;
  for (size_t i = 0; i < changes.size(); ++i) {
    const int error = verdict.changes[i];
    const bool remove = changes[i].kind == GateChange::Kind::Remove;
    if (error == 0) continue;
    if (error == ENOENT && !remove) return GateOutcome::NoTable;
    if (error == ENOENT) {
      outcome = GateOutcome::Absent;
    } else if (error == EEXIST && changes[i].kind == GateChange::Kind::Insert) {
      outcome = GateOutcome::Present;
    } else {
      return refused(what, error);
    }
  }
  return outcome;
}

Result<std::optional<GateElement>> GateTable::find(const GateElement& wanted) {
  CDB_ASSIGN_OR_RETURN(const GateKey key, key_of(wanted));
  NetlinkMessages messages(1);
  const uint32_t number = netlink_.next_number();
  nlmsghdr* message = add_message(messages, NFT_MSG_GETSETELEM, 0, number);
  put_table(message);
  put_set(message, wanted.set);
  put_element(message, key, std::chrono::milliseconds(0));
  std::vector<GateElement> found;
  int error = 0;
  CDB_TRY(netlink_.exchange(messages, number, [&](const nlmsghdr& answer) {
    if (kind_of(answer) == NetlinkAnswer::Refused) error = errno_of(answer);
    if (kind_of(answer) == NetlinkAnswer::Data) collect_elements(wanted.set, answer, found);
    return true;
  }));
  if (error != 0 && error != ENOENT) return refused("read the gate of " + wanted.node.str(), error);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

Result<std::vector<GateElement>> GateTable::list(GateSet set) {
  constexpr int kMostTries = 20;
  for (int tries = 0; tries < kMostTries; ++tries) {
    NetlinkMessages messages(1);
    const uint32_t number = netlink_.next_number();
    nlmsghdr* message = add_message(messages, NFT_MSG_GETSETELEM, NLM_F_DUMP, number);
    put_table(message);
    put_set(message, set);
    std::vector<GateElement> found;
    int error = 0;
    bool interrupted = false;  // another agent changed a table meanwhile: something may be missing
    CDB_TRY(netlink_.exchange(messages, number, [&](const nlmsghdr& answer) {
      interrupted |= (answer.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      // The end of a list begins with an errno, as a refusal does.
      if (kind_of(answer) != NetlinkAnswer::Data) error = errno_of(answer);
      if (kind_of(answer) == NetlinkAnswer::Data) collect_elements(set, answer, found);
      return kind_of(answer) != NetlinkAnswer::Data;
    }));
    if (error == ENOENT) return std::vector<GateElement>{};
    if (error != 0 && error != EINTR && error != EAGAIN) {
      return refused(std::string("list the set inet cdb ") + name_of(set), error);
    }
    if (error == 0 && !interrupted) return found;
  }
  return unavailable(std::string("the set inet cdb ") + name_of(set) +
                     " changes faster than it can be read");
}

Result<uint32_t> GateTable::generation() {
  NetlinkMessages messages(1);
  const uint32_t number = netlink_.next_number();
  add_message(messages, NFT_MSG_GETGEN, 0, number);
  uint32_t generation = 0;
  int error = 0;
  CDB_TRY(netlink_.exchange(messages, number, [&](const nlmsghdr& answer) {
    if (kind_of(answer) == NetlinkAnswer::Refused) error = errno_of(answer);
    if (kind_of(answer) != NetlinkAnswer::Data) return true;
    generation = generation_in(answer);
    return true;
  }));
  if (error != 0) return refused("look at the tables of nftables", error);
  return generation;
}

Result<GateOutcome> GateTable::drop(uint32_t generation) {
  NetlinkMessages messages(3);
  const uint32_t first = netlink_.next_number();
  add_begin(messages, first, generation);
  nlmsghdr* message = add_message(messages, NFT_MSG_DELTABLE, NLM_F_ACK, netlink_.next_number());
  put_table(message);
  add_end(messages, netlink_.next_number());
  CDB_ASSIGN_OR_RETURN(const Verdict verdict, commit(messages, first, 1));
  const int error = verdict.batch != 0 ? verdict.batch : verdict.changes.front();
  if (error == ERESTART) return GateOutcome::Changed;
  if (error == ENOENT) return GateOutcome::NoTable;
  if (error != 0) return refused("drop the table inet cdb", error);
  return GateOutcome::Done;
}

}  // namespace cdb::agent
