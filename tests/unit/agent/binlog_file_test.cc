// The files in tests/data/binlog are real ones. closed-9.7: rotated, with tagged GTIDs.
// waiting-9.7: of a server that was killed while ten transactions waited for an acknowledgement.
// mixed-9.7: what InnoDB does not roll back, among what it does. open-5.6: untagged, in use.
#include "agent/core/binlog_file.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include <doctest/doctest.h>

#include "agent/core/binlog_event.h"
#include "agent/core/tail_trim.h"
#include "lib/base/atomic_file.h"

namespace cdb::agent {

using model::GtidSet;

namespace {

const std::string kUuid = "eff0cc09-ec40-11f1-b9f0-02fc00000001";
const std::string kOtherUuid = "10000000-0000-0000-0000-000000000000";
const model::MysqlVersion k97{9, 7, 4};
constexpr size_t kFlags = 4 + 17;  // of the format description, whose event is the first

std::string real(const std::string& name) {
  return read_file(std::filesystem::path(CDB_SOURCE_DIR) / "tests/data/binlog" / name).value();
}

ReadAt reader(const std::string& bytes) {
  return [&bytes](uint64_t offset, size_t length) -> Result<std::string> {
    if (offset >= bytes.size()) return std::string{};
    return bytes.substr(offset, length);
  };
}

ClusterTransactions cluster(const std::string& base, const std::string& source_uuid = kOtherUuid) {
  return {GtidSet::parse(base).value(), source_uuid};
}

BinlogFile read(const std::string& bytes, const ClusterTransactions& known) {
  return read_binlog(reader(bytes), known).value();
}

TailPlan plan(const std::string& bytes, const ClusterTransactions& known,
              model::MysqlVersion server = k97) {
  return plan_trim(server, "binlog.000002", read(bytes, known), known);
}

// All that it holds, as the events say one by one.
GtidSet all_of(const std::string& name) {
  const BinlogFile file = read(real(name), {});
  REQUIRE(file.tail);
  return file.tail->gtids;
}

}  // namespace

TEST_CASE("the transactions of real files are found, tagged or not") {
  CHECK(all_of("closed-9.7").str() == kUuid + ":1-3:mytag:1-2");
  CHECK(all_of("waiting-9.7").str() == kUuid + ":4-15:other_longer_tag:1");
  CHECK(all_of("open-5.6").str() == "b21b2ea4-ec41-11f1-921c-02fc00000001:1-3");
  CHECK(all_of("mixed-9.7").str() == kUuid + ":6-15");
}

TEST_CASE("what earlier files held is read, with tags and without") {
  CHECK(read(real("closed-9.7"), {}).previous == GtidSet{});
  CHECK(read(real("waiting-9.7"), {}).previous->str() == kUuid + ":1-3:mytag:1-2");
  CHECK(read(real("open-5.6"), {}).previous == GtidSet{});
}

TEST_CASE("a file of a server that crashed is in use, one that it rotated is not") {
  CHECK(read(real("waiting-9.7"), {}).in_use);
  CHECK(read(real("open-5.6"), {}).in_use);
  CHECK_FALSE(read(real("closed-9.7"), {}).in_use);
  CHECK(read(real("closed-9.7"), {}).written_by == k97);
  CHECK(read(real("open-5.6"), {}).written_by == model::MysqlVersion{5, 6, 24});
}

TEST_CASE("the tail is cut at the first transaction that the cluster has not") {
  const std::string acknowledged =
      kUuid + ":1-5," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1";
  const TailPlan cut = plan(real("waiting-9.7"), cluster(acknowledged));
  CHECK(cut.kind == TailPlan::Kind::Cut);
  CHECK(cut.offset == 982);
  CHECK(cut.transactions == 10);
  CHECK(cut.gtids.str() == kUuid + ":6-15");
  // Of eight inserts, a compressed one and a CREATE TABLE some may have been acknowledged.
  const TailPlan shorter =
      plan(real("waiting-9.7"),
           cluster(kUuid + ":1-13," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1"));
  CHECK(shorter.kind == TailPlan::Kind::Cut);
  CHECK(shorter.offset == 3142);
  CHECK(shorter.gtids.str() == kUuid + ":14-15");
}

TEST_CASE("nothing is cut where the cluster has everything") {
  const std::string base = kUuid + ":1-15," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1";
  CHECK(plan(real("waiting-9.7"), cluster(base)).kind == TailPlan::Kind::Nothing);
  // What the present primary writes is the cluster's, whatever base has of it.
  CHECK(plan(real("waiting-9.7"), cluster("", kUuid)).kind == TailPlan::Kind::Nothing);
}

TEST_CASE("a transaction that the cluster has is never cut off") {
  // Number 9 arrived there although 6 to 8 did not.
  const TailPlan left =
      plan(real("waiting-9.7"),
           cluster(kUuid + ":1-5:9," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1"));
  CHECK(left.kind == TailPlan::Kind::Leave);
  CHECK(left.why.find(kUuid + ":9 is in the cluster") != std::string::npos);
}

TEST_CASE("a tail that begins in an earlier file was committed and is left") {
  const TailPlan left = plan(real("waiting-9.7"), cluster(kUuid + ":1-2"));
  CHECK(left.kind == TailPlan::Kind::Leave);
  CHECK(left.why.find("earlier binary log") != std::string::npos);
}

TEST_CASE("what InnoDB does not roll back keeps a tail from being cut") {
  const std::string before = kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1," + kUuid;
  const auto why = [&](int last_known) {
    const TailPlan result =
        plan(real("mixed-9.7"), cluster(before + ":1-" + std::to_string(last_known)));
    return result.kind == TailPlan::Kind::Cut ? std::string("cut") : result.why;
  };
  CHECK(why(6).find(":7: it changed a table that has no transactions") != std::string::npos);
  CHECK(why(7).find(":8: it is of a client's two phases") != std::string::npos);
  CHECK(why(8).find(":9: it is a statement") != std::string::npos);    // XA COMMIT
  CHECK(why(9).find(":11: it is a statement") != std::string::npos);   // after CREATE ... SELECT
  CHECK(why(11).find(":13: it is a statement") != std::string::npos);  // after a savepoint
  CHECK(why(13) == "cut");                                             // ALTER in place, DROP
  CHECK(why(14) == "cut");
}

TEST_CASE("a tail is cut only where the server tells what it had committed, and crashed") {
  const auto known =
      cluster(kUuid + ":1-5," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1");
  CHECK(plan(real("waiting-9.7"), known, {8, 0, 16}).why.find("8.0.16") != std::string::npos);
  CHECK(plan(real("waiting-9.7"), known, {8, 0, 17}).kind == TailPlan::Kind::Cut);
  CHECK(plan(real("open-5.6"), cluster("")).why.find("5.6.24") != std::string::npos);
  std::string closed = real("waiting-9.7");
  closed[kFlags] = 0;
  CHECK(plan(closed, known).why.find("shut down") != std::string::npos);
}

TEST_CASE("an encrypted file, and one that was only just begun, are left") {
  std::string bytes = real("waiting-9.7");
  bytes[0] = '\xfd';
  CHECK(plan(bytes, {}).why.find("encrypted") != std::string::npos);
  for (const size_t size : {size_t{0}, size_t{3}, size_t{4}, size_t{22}, size_t{127}}) {
    CAPTURE(size);
    const std::string begun = real("waiting-9.7").substr(0, size);
    CHECK(plan(begun, {}).why.find("begun") != std::string::npos);
  }
}

TEST_CASE("wherever a crash tore the file, what is whole is found and nothing else") {
  const std::string bytes = real("waiting-9.7");
  const auto known =
      cluster(kUuid + ":1-5," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1");
  uint64_t most = 0;
  for (size_t size = 982; size <= bytes.size(); ++size) {
    const std::string torn = bytes.substr(0, size);
    const auto file = read_binlog(reader(torn), known);
    CAPTURE(size);
    REQUIRE(file.ok());
    CHECK(file->end <= size);
    const uint64_t found = file->tail ? file->tail->transactions : 0;
    CHECK(found >= most);
    if (file->tail) CHECK(file->tail->offset == 982);
    if (file->tail) CHECK(file->tail->obstacle.empty());
    most = found;
  }
  CHECK(most == 10);
}

TEST_CASE("damage is told or does not matter, whatever bytes change") {
  const std::string bytes = real("mixed-9.7");
  const auto known =
      cluster(kUuid + ":1-13," + kUuid + ":mytag:1-2," + kUuid + ":other_longer_tag:1");
  const TailPlan right = plan(bytes, known);
  REQUIRE(right.kind == TailPlan::Kind::Cut);
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = bytes;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int n = 0; n < changes; ++n)
      damaged[4 + random() % (damaged.size() - 4)] = static_cast<char>(random());
    if (random() % 8 == 0) damaged.resize(random() % damaged.size());
    const auto file = read_binlog(reader(damaged), known);
    if (!file) {
      CHECK(file.error().code == Code::Invalid);
      continue;
    }
    // A cut, if any, is where it belongs, and of nothing that the cluster has.
    const TailPlan result = plan_trim(k97, "binlog.000002", *file, known);
    if (result.kind != TailPlan::Kind::Cut) continue;
    CHECK(result.offset >= right.offset);
    CHECK((result.gtids & known.base).empty());
  }
}

TEST_CASE("noise is no binary log") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 5'000; ++i) {
    std::string noise =
        "\xfe"
        "bin";
    for (size_t n = random() % 300; n > 0; --n)
      noise += static_cast<char>(random());
    const auto file = read_binlog(reader(noise), {});
    if (file) CHECK_FALSE(file->tail);
    // Each event by itself, past the header that the walk checks.
    const std::string event = noise.substr(4);
    if (const auto gtid = parse_gtid(event)) CHECK(gtid->number > 0);
    if (const auto gtid = parse_tagged_gtid(event)) CHECK(gtid->number > 0);
    if (const auto set = parse_previous_gtids(event)) CHECK(set->count() < uint64_t{1} << 63U);
    if (const auto kind = parse_query(event)) CHECK(kind.ok());
  }
}

TEST_CASE("a file that cannot be read is not taken for an empty one") {
  const ReadAt broken = [](uint64_t, size_t) -> Result<std::string> {
    return unavailable("read binlog.000002: input/output error");
  };
  CHECK(read_binlog(broken, {}).error().code == Code::Unavailable);
}

}  // namespace cdb::agent
