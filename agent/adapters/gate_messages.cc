#include "agent/adapters/gate_messages.h"

#include <cstring>
#include <functional>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

namespace cdb::agent {
namespace {

constexpr const char* kTable = "cdb";

bool names_a_peer(GateSet set) {
  return set == GateSet::Admitted || set == GateSet::Barred;
}

void put_part(GateKey& key, const void* part, size_t size) {
  std::memcpy(key.bytes.data() + key.size, part, size);
  key.size += 4;
}

Status put_address(GateKey& key, const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) {
    return invalid("'" + text + "' is no IPv4 address",
                   "the gate before a node knows only IPv4 addresses");
  }
  put_part(key, &address, sizeof address);
  return {};
}

std::string address_at(const uint8_t* bytes) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, bytes, text.data(), text.size());
  return text.data();
}

using EachAttribute = std::function<void(const nlattr*)>;

int call_each(const nlattr* attribute, void* each) {
  (*static_cast<EachAttribute*>(each))(attribute);
  return MNL_CB_OK;
}
void each_in(const nlmsghdr& message, EachAttribute each) {
  mnl_attr_parse(&message, sizeof(nfgenmsg), call_each, &each);
}
void each_in(const nlattr* nest, EachAttribute each) {
  mnl_attr_parse_nested(nest, call_each, &each);
}

// None for a key of another form than ours.
std::optional<GateElement> element_from(GateSet set, const nlattr* attributes) {
  GateElement result{set, {}, {}, {}};
  const uint8_t* key = nullptr;
  size_t key_size = 0;
  each_in(attributes, [&](const nlattr* attribute) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == NFTA_SET_ELEM_EXPIRATION && mnl_attr_validate(attribute, MNL_TYPE_U64) >= 0) {
      const auto left = be64toh(mnl_attr_get_u64(attribute));
      result.timeout = std::chrono::milliseconds(static_cast<int64_t>(left));
    }
    if (type != NFTA_SET_ELEM_KEY) return;
    each_in(attribute, [&](const nlattr* value) {
      if (mnl_attr_get_type(value) != NFTA_DATA_VALUE) return;
      key = static_cast<const uint8_t*>(mnl_attr_get_payload(value));
      key_size = mnl_attr_get_payload_len(value);
    });
  });
  if (key_size != (names_a_peer(set) ? 12U : 8U)) return {};
  if (names_a_peer(set)) {
    result.peer = address_at(key);
    key += 4;
  }
  result.node.host = address_at(key);
  uint16_t port = 0;
  std::memcpy(&port, key + 4, sizeof port);
  result.node.port = ntohs(port);
  return result;
}

void put_family(nlmsghdr* message, uint8_t family, uint16_t resource) {
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  header->res_id = htons(resource);
}

nlmsghdr* add_border(NetlinkMessages& messages, uint16_t type, uint32_t number) {
  nlmsghdr* message = messages.add(type, NLM_F_REQUEST, number);
  put_family(message, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  return message;
}

}  // namespace

const char* name_of(GateSet set) {
  switch (set) {
    case GateSet::Nodes: return "nodes";
    case GateSet::Leases: return "leases";
    case GateSet::Admitted: return "admitted";
    case GateSet::Barred: return "barred";
  }
  return "";
}

Result<GateKey> key_of(const GateElement& element) {
  GateKey key;
  if (names_a_peer(element.set)) CDB_TRY(put_address(key, element.peer));
  CDB_TRY(put_address(key, element.node.host));
  const uint16_t port = htons(element.node.port);
  put_part(key, &port, sizeof port);
  return key;
}

nlmsghdr* add_message(NetlinkMessages& messages, int type, int flags, uint32_t number) {
  nlmsghdr* message = messages.add(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type),
                                   static_cast<uint16_t>(NLM_F_REQUEST | flags), number);
  put_family(message, NFPROTO_INET, 0);
  return message;
}

nlmsghdr* add_begin(NetlinkMessages& messages, uint32_t number,
                    std::optional<uint32_t> generation) {
  nlmsghdr* message = add_border(messages, NFNL_MSG_BATCH_BEGIN, number);
  if (generation) mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(*generation));
  return message;
}

nlmsghdr* add_end(NetlinkMessages& messages, uint32_t number) {
  return add_border(messages, NFNL_MSG_BATCH_END, number);
}

void put_table(nlmsghdr* message) {
  static_assert(int{NFTA_TABLE_NAME} == int{NFTA_SET_ELEM_LIST_TABLE});
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, kTable);
}

void put_set(nlmsghdr* message, GateSet set) {
  mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name_of(set));
}

void put_element(nlmsghdr* message, const GateKey& key, std::chrono::milliseconds timeout) {
  nlattr* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  nlattr* data = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
  mnl_attr_put(message, NFTA_DATA_VALUE, key.size, key.bytes.data());
  mnl_attr_nest_end(message, data);
  if (timeout.count() > 0) {
    mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT,
                     htobe64(static_cast<uint64_t>(timeout.count())));
  }
  mnl_attr_nest_end(message, element);
  mnl_attr_nest_end(message, list);
}

void collect_elements(GateSet set, const nlmsghdr& answer, std::vector<GateElement>& elements) {
  each_in(answer, [&](const nlattr* list) {
    if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    each_in(list, [&](const nlattr* element) {
      if (auto found = element_from(set, element)) elements.push_back(std::move(*found));
    });
  });
}

uint32_t generation_in(const nlmsghdr& answer) {
  uint32_t generation = 0;
  each_in(answer, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == NFTA_GEN_ID) {
      generation = ntohl(mnl_attr_get_u32(attribute));
    }
  });
  return generation;
}

}  // namespace cdb::agent
