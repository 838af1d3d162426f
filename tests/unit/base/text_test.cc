#include "lib/base/text.h"

#include <doctest/doctest.h>

namespace cdb {

TEST_CASE("nearest finds the word that was meant and nothing when none is near") {
  CHECK(nearest("max_conections", {"max_connections", "max_connect_errors"}) == "max_connections");
  CHECK(nearest("flavour", {"flavor", "replica"}) == "flavor");
  CHECK(nearest("sepc", {"spec", "status"}) == "spec");
  CHECK(nearest("zebra", {"flavor", "replica"}).empty());
}

TEST_CASE("a cluster's name must be one DNS label") {
  CHECK(is_dns_label("shop-1"));
  for (const char* bad : {"", "-a", "a-", "Shop", "a.b", "a_b"})
    CHECK_FALSE(is_dns_label(bad));
}

TEST_CASE("split keeps empty parts and join is its inverse") {
  for (const char* text : {"", "a", "a,b", ",a,,b,"}) {
    CHECK(join(split(text, ','), ",") == text);
  }
}

TEST_CASE(
    "text from outside becomes valid UTF-8, one mark for each bad byte, cut between characters") {
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(to_utf8("gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xAC") == "gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xAC");
  CHECK(to_utf8("a\xFF"
                "b") == "a" + mark + "b");
  CHECK(to_utf8("\xC0\x80") == mark + mark);                        // overlong
  CHECK(to_utf8("\xED\xA0\x80") == mark + mark + mark);             // a surrogate
  CHECK(to_utf8("\xF4\x90\x80\x80") == mark + mark + mark + mark);  // above U+10FFFF
  CHECK(to_utf8("x\xE2\x82") == "x" + mark + mark);                 // cut off
  CHECK(to_utf8("\xC3\xBC\xC3\xBC", 3) == "\xC3\xBC");
  CHECK(to_utf8(std::string_view("a\0b", 3)) == std::string("a\0b", 3));
}

}  // namespace cdb
