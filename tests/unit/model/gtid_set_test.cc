#include "lib/model/gtid_set.h"

#include <random>
#include <set>
#include <utility>

#include <doctest/doctest.h>

namespace cdb::model {
namespace {

const std::string kA = "aaaaaaaa-0000-11e1-9e33-c80aa9429562";
const std::string kB = "bbbbbbbb-0000-11e1-9e33-c80aa9429562";

GtidSet set(const std::string& text) {
  auto parsed = GtidSet::parse(text);
  INFO(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

// The same operations on single transactions: slow and obviously right.
using Naive = std::set<std::pair<std::string, int64_t>>;

struct Pair {
  GtidSet real{};
  Naive naive{};
};

Pair random_pair(std::mt19937& random) {
  const std::vector<std::string> sources{kA, kB, kA + ":tag_1", kA + ":zz", kB + ":a"};
  Pair pair;
  std::uniform_int_distribution<int> how_many(0, 12);
  std::uniform_int_distribution<size_t> which(0, sources.size() - 1);
  std::uniform_int_distribution<int64_t> first(1, 60);
  std::uniform_int_distribution<int64_t> length(0, 8);
  for (int left = how_many(random); left > 0; --left) {
    const std::string& source = sources[which(random)];
    const int64_t begin = first(random);
    const int64_t end = begin + length(random);
    pair.real.add(source, {begin, end});
    for (int64_t n = begin; n <= end; ++n)
      pair.naive.insert({source, n});
  }
  return pair;
}

Naive to_naive(const GtidSet& wanted) {
  Naive result;
  for (const auto& source : {kA, kB, kA + ":tag_1", kA + ":zz", kB + ":a"}) {
    for (int64_t n = 1; n <= 70; ++n) {
      GtidSet one;
      one.add(source, {n, n});
      if (wanted.contains(one)) result.insert({source, n});
    }
  }
  return result;
}

}  // namespace

TEST_CASE("a GTID set is printed in the form that a server prints") {
  struct Case {
    std::string in;
    std::string out;
  };
  const std::vector<Case> cases{
      {"", ""},
      {" \n", ""},
      {",,", ""},
      {kA + ":1", kA + ":1"},
      {kA + ":1-1", kA + ":1"},
      {kA + ":1-5:7", kA + ":1-5:7"},
      {kA + ":7:1-3:4-5", kA + ":1-5:7"},
      {kA + ":1-10:3-4", kA + ":1-10"},
      {kA + ":5-6:1-3:2-4", kA + ":1-6"},
      {kB + ":1-3,\n" + kA + ":2", kA + ":2," + kB + ":1-3"},
      {kA + ":1," + kA + ":2", kA + ":1-2"},
      {" " + kA + " : 1 - 5 : 7 ,\r\n " + kB + ":1", kA + ":1-5:7," + kB + ":1"},
      {"AAAAAAAA-0000-11E1-9E33-C80AA9429562:1", kA + ":1"},
      {kA + ":tag:1-5", kA + ":tag:1-5"},
      {kA + ":1-2:Tag:3-4:6:other:1", kA + ":1-2:other:1:tag:3-4:6"},
      {kA + ":tag:1," + kA + ":1-3", kA + ":1-3:tag:1"},
      {kA + ":9223372036854775806", kA + ":9223372036854775806"},
  };
  for (const Case& one : cases) {
    INFO(one.in);
    CHECK(set(one.in).str() == one.out);
    CHECK(set(one.out) == set(one.in));
  }
}

TEST_CASE("text that is no GTID set is refused, with what was wrong in the message") {
  for (const std::string& bad : {std::string("x"),
                                 kA,
                                 kA + ":",
                                 kA + ":0",
                                 kA + ":-1",
                                 kA + ":5-3",
                                 kA + ":1-",
                                 kA + ":1:",
                                 kA + ":1-2-3",
                                 kA + ":1 2",
                                 kA + ":tag",
                                 kA + ":tag:",
                                 kA + ":tag:other:1",
                                 kA + ":9tag:1",
                                 kA + ":" + std::string(33, 't') + ":1",
                                 kA + ":9223372036854775807",
                                 kA + ":99999999999999999999",
                                 kA.substr(1) + ":1",
                                 kA + "0:1",
                                 kA + ":1;" + kB + ":1",
                                 std::string("aaaaaaaa-0000-11e1-9e33-c80aa942956g:1")}) {
    INFO(bad);
    const auto parsed = GtidSet::parse(bad);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == Code::Invalid);
    CHECK(parsed.error().message.find("is not a GTID set") != std::string::npos);
  }
}

TEST_CASE("the operations agree with sets of single transactions") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 1000; ++round) {
    const Pair a = random_pair(random);
    const Pair b = random_pair(random);
    INFO("a " << a.real.str());
    INFO("b " << b.real.str());
    Naive sum = a.naive;
    sum.insert(b.naive.begin(), b.naive.end());
    Naive difference;
    Naive common;
    for (const auto& item : a.naive)
      (b.naive.count(item) != 0 ? common : difference).insert(item);

    REQUIRE(to_naive(a.real) == a.naive);
    REQUIRE(to_naive(a.real + b.real) == sum);
    REQUIRE(to_naive(a.real - b.real) == difference);
    REQUIRE(to_naive(a.real & b.real) == common);
    REQUIRE(a.real.count() == a.naive.size());
    REQUIRE(a.real.empty() == a.naive.empty());
    REQUIRE(a.real.contains(b.real) == (common.size() == b.naive.size()));
    REQUIRE(a.real.intersects(b.real) == !common.empty());
    REQUIRE((a.real == b.real) == (a.naive == b.naive));
    // What an operation leaves is canonical: equal to the same set read from text.
    for (const GtidSet& result : {a.real + b.real, a.real - b.real, a.real & b.real}) {
      REQUIRE(set(result.str()) == result);
    }
  }
}

TEST_CASE("a set can be added to, taken from and cut with itself") {
  GtidSet one = set(kA + ":1-5," + kB + ":2");
  one.add(one);
  one.intersect(one);
  CHECK(one == set(kA + ":1-5," + kB + ":2"));
  one.subtract(one);
  CHECK(one.empty());
}

TEST_CASE("what one server wrote is found under all its tags, and nothing else is") {
  const GtidSet all = set(kA + ":1-5:tag:2," + kB + ":1");
  CHECK(all.of_source(kA) == set(kA + ":1-5:tag:2"));
  CHECK(all.of_source("AAAAAAAA-0000-11E1-9E33-C80AA9429562") == all.of_source(kA));
  CHECK(all.without_source(kA) == set(kB + ":1"));
  CHECK(all.of_source("cccccccc-0000-11e1-9e33-c80aa9429562").empty());
  CHECK(all.of_source(kB) + all.without_source(kB) == all);
}

TEST_CASE("thousands of intervals under hundreds of servers stay fast") {
  std::string odd;
  std::string even;
  for (int source = 0; source < 300; ++source) {
    std::string uuid = kA;
    uuid.replace(0, 3, std::to_string(100 + source));
    odd += (odd.empty() ? "" : ",") + uuid;
    even += (even.empty() ? "" : ",") + uuid;
    for (int i = 0; i < 2000; ++i) {
      odd += ":" + std::to_string(4 * i + 1);
      even += ":" + std::to_string(4 * i + 3);
    }
  }
  const GtidSet a = set(odd);
  const GtidSet b = set(even);
  CHECK_FALSE(a.intersects(b));
  CHECK((a + b).count() == 1'200'000);
  CHECK((a + b).contains(a));
  CHECK((a + b) - b == a);
  CHECK((a & b).empty());
  CHECK(set(a.str()) == a);
}

}  // namespace cdb::model
