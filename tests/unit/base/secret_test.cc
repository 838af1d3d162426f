#include "lib/base/secret.h"

#include <algorithm>
#include <cctype>

#include <doctest/doctest.h>

namespace cdb {

TEST_CASE("a secret prints three stars, however it is formatted") {
  const Secret secret("hunter2");
  CHECK(fmt::format("{}", secret) == "***");
  CHECK(fmt::format("password={:>5}", secret) == "password=  ***");
  CHECK(fmt::format("{}", Secret()) == "***");
  CHECK(secret.reveal() == "hunter2");
}

TEST_CASE("random secrets differ and need no quoting") {
  const Secret one = Secret::random();
  CHECK(one.reveal().size() == 32);
  CHECK(std::all_of(one.reveal().begin(), one.reveal().end(),
                    [](unsigned char c) { return std::isalnum(c) != 0; }));
  CHECK_FALSE(one == Secret::random());
}

}  // namespace cdb
