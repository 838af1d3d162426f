#pragma once
// The messages that nftables understands about the table `inet cdb`. Pure.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/adapters/gate_table.h"
#include "agent/adapters/netlink.h"
#include "lib/base/result.h"

namespace cdb::agent {

const char* name_of(GateSet set);

// What the kernel keeps of an element: parts of 4 bytes, in the order of the network.
struct GateKey {
  std::array<uint8_t, 12> bytes{};
  uint8_t size{0};
};
// invalid where one of its addresses is no IPv4 address.
Result<GateKey> key_of(const GateElement& element);

// One more message of nftables: `type` is NFT_MSG_*, `flags` is added to NLM_F_REQUEST.
nlmsghdr* add_message(NetlinkMessages& messages, int type, int flags, uint32_t number);
// What encloses a transaction: NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END. With a generation it is
// refused (ERESTART) where the tables have changed since.
nlmsghdr* add_begin(NetlinkMessages& messages, uint32_t number, std::optional<uint32_t> generation);
nlmsghdr* add_end(NetlinkMessages& messages, uint32_t number);

// To be put in this order.
void put_table(nlmsghdr* message);
void put_set(nlmsghdr* message, GateSet set);
void put_element(nlmsghdr* message, const GateKey& key, std::chrono::milliseconds timeout);

// Appends the elements of an answer.
void collect_elements(GateSet set, const nlmsghdr& answer, std::vector<GateElement>& elements);
uint32_t generation_in(const nlmsghdr& answer);

}  // namespace cdb::agent
