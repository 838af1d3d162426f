#include "coordinator/adapters/dns_client.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <random>
#include <utility>

#include <ldns/ldns.h>

namespace cdb::coordinator {
namespace {

constexpr uint16_t kFudgeSeconds = 300;

struct Free {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(void* memory) const { std::free(memory); }
};
using Rdf = std::unique_ptr<ldns_rdf, Free>;
using Record = std::unique_ptr<ldns_rr, Free>;
using Records = std::unique_ptr<ldns_rr_list, Free>;
using Packet = std::unique_ptr<ldns_pkt, Free>;

ldns_rr_type ldns_type(DnsType type) {
  switch (type) {
    case DnsType::A: return LDNS_RR_TYPE_A;
    case DnsType::Txt: return LDNS_RR_TYPE_TXT;
    case DnsType::Soa: return LDNS_RR_TYPE_SOA;
  }
  return LDNS_RR_TYPE_A;
}

Result<Rdf> domain_name(const std::string& name) {
  Rdf rdf(name.empty() ? nullptr : ldns_dname_new_frm_str(name.c_str()));
  if (!rdf) return invalid("'" + name + "' is not a domain name");
  return rdf;
}

// A record without data: in an update it stands for a whole set or name (RFC 2136, 2.4 and 2.5).
Result<Record> bare_record(const std::string& name, ldns_rr_type type, ldns_rr_class of_class,
                           uint32_t ttl) {
  CDB_ASSIGN_OR_RETURN(Rdf owner, domain_name(name));
  Record record(ldns_rr_new());
  if (!record) return internal("no memory for a DNS record");
  ldns_rr_set_owner(record.get(), owner.release());
  ldns_rr_set_type(record.get(), type);
  ldns_rr_set_class(record.get(), of_class);
  ldns_rr_set_ttl(record.get(), ttl);
  return record;
}

Result<Rdf> data_of(DnsType type, const std::string& text) {
  Rdf rdf;
  if (type == DnsType::A) {
    rdf.reset(ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, text.c_str()));
  } else if (text.size() <= 255) {
    const std::string counted = static_cast<char>(text.size()) + text;
    rdf.reset(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, counted.size(), counted.data()));
  }
  if (!rdf) return invalid("'" + text + "' cannot stand in a DNS record");
  return rdf;
}

void push(const Records& list, Result<Record>& record) {
  ldns_rr_list_push_rr(list.get(), std::move(record).value().release());
}

Status push_set(const Records& list, const DnsSet& set, ldns_rr_class of_class, uint32_t ttl) {
  for (const std::string& text : set.texts) {
    Result<Record> record = bare_record(set.name, ldns_type(set.type), of_class, ttl);
    if (!record) return record.error();
    CDB_ASSIGN_OR_RETURN(Rdf data, data_of(set.type, text));
    ldns_rr_push_rdf(record->get(), data.release());
    push(list, record);
  }
  return {};
}

Status push_bare(const Records& list, const std::string& name, ldns_rr_type type,
                 ldns_rr_class of_class) {
  Result<Record> record = bare_record(name, type, of_class, 0);
  if (!record) return record.error();
  push(list, record);
  return {};
}

Result<Packet> update_packet(const std::string& zone, const DnsUpdate& update) {
  const Records conditions(ldns_rr_list_new());
  const Records changes(ldns_rr_list_new());
  for (const DnsSet& set : update.conditions) {
    if (set.texts.empty()) {
      CDB_TRY(push_bare(conditions, set.name, ldns_type(set.type), LDNS_RR_CLASS_NONE));
    } else {
      CDB_TRY(push_set(conditions, set, LDNS_RR_CLASS_IN, 0));
    }
  }
  for (const std::string& name : update.erase_names) {
    CDB_TRY(push_bare(changes, name, LDNS_RR_TYPE_ANY, LDNS_RR_CLASS_ANY));
  }
  for (const DnsSet& set : update.replace) {
    CDB_TRY(push_bare(changes, set.name, ldns_type(set.type), LDNS_RR_CLASS_ANY));
    CDB_TRY(push_set(changes, set, LDNS_RR_CLASS_IN, set.ttl));
  }
  CDB_ASSIGN_OR_RETURN(Rdf zone_name, domain_name(zone));
  // Takes the name, copies the lists.
  Packet packet(ldns_update_pkt_new(zone_name.release(), LDNS_RR_CLASS_IN, conditions.get(),
                                    changes.get(), nullptr));
  if (!packet) return internal("no memory for a DNS update");
  ldns_pkt_set_rd(packet.get(), false);
  return packet;
}

uint16_t random_id() {
  static thread_local std::random_device device;
  return static_cast<uint16_t>(device());
}

Result<DnsBytes> bytes_of(const Packet& packet) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  const ldns_status status = ldns_pkt2wire(&wire, packet.get(), &size);
  const std::unique_ptr<uint8_t, Free> freed(wire);
  if (status != LDNS_STATUS_OK) {
    return internal(std::string("cannot write a DNS message: ") + ldns_get_errorstr_by_id(status));
  }
  return DnsBytes(wire, wire + size);
}

Result<Packet> parsed(const DnsBytes& bytes, const std::string& server) {
  ldns_pkt* packet = nullptr;
  const ldns_status status = ldns_wire2pkt(&packet, bytes.data(), bytes.size());
  if (status != LDNS_STATUS_OK) {
    return outcome_unknown(
        "DNS server " + server +
        " answers with something that is no DNS message: " + ldns_get_errorstr_by_id(status));
  }
  return Packet(packet);
}

std::string text_of(const ldns_rr* record, DnsType type) {
  if (type == DnsType::Soa || ldns_rr_rd_count(record) == 0) return {};
  const ldns_rdf* const rdf = ldns_rr_rdf(record, 0);
  const uint8_t* const data = ldns_rdf_data(rdf);
  const size_t size = ldns_rdf_size(rdf);
  if (type == DnsType::Txt) return size == 0 ? "" : std::string(data + 1, data + size);
  const std::unique_ptr<char, Free> text(ldns_rdf2str(rdf));
  return text ? std::string(text.get()) : std::string();
}

// The 48-bit time of the server that comes with BADTIME.
std::optional<WallTime> time_in(const ldns_rdf* other_data) {
  if (other_data == nullptr || ldns_rdf_size(other_data) != 8) return std::nullopt;
  const uint8_t* const data = ldns_rdf_data(other_data);  // a length of 16 bits goes first
  int64_t seconds = 0;
  for (size_t i = 2; i < 8; ++i)
    seconds = seconds << 8 | data[i];
  return WallTime(std::chrono::seconds(seconds));
}

void read_key_error(const Packet& answer, DnsReply& reply) {
  const ldns_rr* const signature = ldns_pkt_tsig(answer.get());
  if (signature == nullptr || ldns_rr_rd_count(signature) <= 6) return;
  reply.key_error = static_cast<TsigError>(ldns_rdf2native_int16(ldns_rr_rdf(signature, 5)));
  if (reply.key_error == TsigError::BadTime) reply.server_time = time_in(ldns_rr_rdf(signature, 6));
}

// Whether the server signed this answer, and to this request of ours.
bool genuine(const Packet& answer, const DnsBytes& bytes, const TsigKey& key,
             const ldns_rdf* our_mac) {
  ldns_rr* const signature = ldns_pkt_tsig(answer.get());
  const bool verified =
      ldns_pkt_tsig_verify(answer.get(), bytes.data(), bytes.size(), key.name.c_str(),
                           key.secret.reveal().c_str(), our_mac);
  // ldns 1.8.3 takes it out of the packet, and does not put it back when the algorithm is unknown.
  ldns_pkt_set_tsig(answer.get(), signature);
  return verified;
}

}  // namespace

Result<DnsClient> DnsClient::create(const std::string& server, const std::string& zone,
                                    TsigKey key) {
  CDB_ASSIGN_OR_RETURN(DnsTransport transport, DnsTransport::to(server));
  CDB_ASSIGN_OR_RETURN(const Rdf zone_name, domain_name(zone));
  if (zone.back() == '.') return invalid("zone '" + zone + "' ends with a dot");
  CDB_TRY(check_key(key));
  if (!domain_name(key.name)) return invalid("'" + key.name + "' is not the name of a key");
  return DnsClient(std::move(transport), zone, std::move(key));
}

Result<DnsAnswer> DnsClient::query(const std::string& name, DnsType type, Deadline deadline) const {
  CDB_ASSIGN_OR_RETURN(Rdf owner, domain_name(name));
  CDB_ASSIGN_OR_RETURN(const Rdf asked, domain_name(name));
  const Packet packet(
      ldns_pkt_query_new(owner.release(), ldns_type(type), LDNS_RR_CLASS_IN, uint16_t{0}));
  if (!packet) return internal("no memory for a DNS query");
  ldns_pkt_set_id(packet.get(), random_id());
  CDB_ASSIGN_OR_RETURN(const DnsBytes request, bytes_of(packet));
  Result<DnsBytes> bytes = transport_.exchange(request, deadline);
  Result<Packet> answer = bytes ? parsed(*bytes, server()) : Result<Packet>(bytes.error());
  if (!answer) {
    Error error = answer.error();
    if (error.code == Code::OutcomeUnknown)
      error.code = Code::Unavailable;  // a question changes nothing
    return error;
  }
  const ldns_pkt* const message = answer->get();
  DnsAnswer found{.code = static_cast<DnsCode>(ldns_pkt_get_rcode(message)),
                  .authoritative = ldns_pkt_aa(message),
                  .set = {.name = name, .type = type}};
  const ldns_rr_list* const records = ldns_pkt_answer(message);
  for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const ldns_rr* const record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) != ldns_type(type) ||
        ldns_dname_compare(ldns_rr_owner(record), asked.get()) != 0) {
      continue;
    }
    found.set.texts.push_back(text_of(record, type));
    found.set.ttl = ldns_rr_ttl(record);
  }
  return found;
}

Result<DnsReply> DnsClient::update(const DnsUpdate& update, Deadline deadline) const {
  CDB_ASSIGN_OR_RETURN(const Packet packet, update_packet(zone_, update));
  ldns_pkt_set_id(packet.get(), random_id());
  const ldns_status signed_status =
      ldns_pkt_tsig_sign(packet.get(), key_.name.c_str(), key_.secret.reveal().c_str(),
                         kFudgeSeconds, (key_.algorithm + ".").c_str(), nullptr);
  if (signed_status != LDNS_STATUS_OK) {
    return invalid("cannot sign with key " + key_.name + ": " +
                   ldns_get_errorstr_by_id(signed_status));
  }
  const ldns_rdf* const our_mac = ldns_rr_rdf(ldns_pkt_tsig(packet.get()), 3);
  CDB_ASSIGN_OR_RETURN(const DnsBytes request, bytes_of(packet));
  CDB_ASSIGN_OR_RETURN(const DnsBytes bytes, transport_.exchange(request, deadline));
  CDB_ASSIGN_OR_RETURN(const Packet answer, parsed(bytes, server()));
  DnsReply reply{.code = static_cast<DnsCode>(ldns_pkt_get_rcode(answer.get()))};
  read_key_error(answer, reply);
  // A complaint about our signature cannot be signed itself.
  if (reply.code == DnsCode::NoError && !genuine(answer, bytes, key_, our_mac)) {
    return outcome_unknown(
        "DNS server " + server() + " answers without a valid signature of key " + key_.name,
        "does something between here and there change DNS messages?");
  }
  return reply;
}

}  // namespace cdb::coordinator
