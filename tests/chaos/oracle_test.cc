#include "tests/chaos/oracle.h"

#include <doctest/doctest.h>

namespace cdb::chaos {
namespace {

const std::vector<Reign> kReigns{{1, "c-0"}, {2, "c-1"}, {4, "c-0"}};

Acked ack(const std::string& host, int64_t sent, int64_t done) {
  return {sent, done, host, done};
}

TEST_CASE("acknowledgements that follow the reigns are as they should be") {
  CHECK(late_acknowledgements(
            {ack("c-0", 1, 2), ack("c-1", 3, 4), ack("c-1", 5, 6), ack("c-0", 7, 8)}, kReigns, 1)
            .empty());
}

TEST_CASE("an answer that took longer than its successor's first one is not late") {
  CHECK(late_acknowledgements({ack("c-0", 1, 9), ack("c-1", 3, 4), ack("c-1", 10, 11)}, kReigns, 1)
            .empty());
}

TEST_CASE("a row asked for after the successor had acknowledged one is late") {
  const std::vector<Reign> reigns{{1, "c-0"}, {2, "c-1"}};
  const auto late =
      late_acknowledgements({ack("c-0", 1, 2), ack("c-1", 3, 4), ack("c-0", 5, 6)}, reigns, 1);
  CHECK(late == std::vector<std::string>{"c-0"});
}

TEST_CASE("after its second reign began a node may acknowledge, and the one between may not") {
  const auto late = late_acknowledgements(
      {ack("c-0", 1, 2), ack("c-1", 3, 4), ack("c-0", 5, 6), ack("c-1", 7, 8)}, kReigns, 1);
  CHECK(late == std::vector<std::string>{"c-1"});
}

TEST_CASE("a node that was never elected acknowledges nothing") {
  CHECK(late_acknowledgements({ack("c-2", 1, 2)}, kReigns, 1).size() == 1);
}

TEST_CASE("reigns before the trial do not count") {
  CHECK(late_acknowledgements({ack("c-1", 1, 2), ack("c-0", 3, 4)}, kReigns, 2).empty());
  CHECK(late_acknowledgements({ack("c-0", 1, 2), ack("c-1", 3, 4)}, kReigns, 3).size() == 1);
}

}  // namespace
}  // namespace cdb::chaos
