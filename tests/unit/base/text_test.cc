#include <doctest/doctest.h>

#include "lib/base/text.h"

namespace cdb {

TEST_CASE("nearest finds the word that was meant and nothing when none is near") {
  CHECK(nearest("max_conections", {"max_connections", "max_connect_errors"}) == "max_connections");
  CHECK(nearest("flavour", {"flavor", "replica"}) == "flavor");
  CHECK(nearest("zebra", {"flavor", "replica"}).empty());
}

TEST_CASE("a cluster's name must be one DNS label") {
  CHECK(is_dns_label("shop-1"));
  for (const char* bad : {"", "-a", "a-", "Shop", "a.b", "a_b"}) CHECK_FALSE(is_dns_label(bad));
}

TEST_CASE("split keeps empty parts and join is its inverse") {
  for (const char* text : {"", "a", "a,b", ",a,,b,"}) {
    CHECK(join(split(text, ','), ",") == text);
  }
}

}  // namespace cdb
