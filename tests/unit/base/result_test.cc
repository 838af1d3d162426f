#include "lib/base/result.h"

#include <cerrno>
#include <memory>

#include <doctest/doctest.h>

namespace cdb {
namespace {

Result<int> halve(int number) {
  if (number % 2 != 0) return invalid(std::to_string(number) + " is odd", "try an even one");
  return number / 2;
}

Result<int> quarter(int number) {
  CDB_ASSIGN_OR_RETURN(const int half, halve(number));
  CDB_ASSIGN_OR_RETURN(const int result, halve(half));
  return result;
}

Status needs_even(int number) {
  CDB_TRY(halve(number));
  return {};
}

}  // namespace

TEST_CASE("the macros pass a value on and leave with the first error") {
  CHECK(quarter(12).value() == 3);
  CHECK(quarter(6).error() == invalid("3 is odd", "try an even one"));
  CHECK(needs_even(2).ok());
  CHECK(needs_even(1).error().code == Code::Invalid);
}

TEST_CASE("an error keeps its code and hint while context is put before its message") {
  const Error error = unavailable("no answer", "start it").in("node n1");
  CHECK(error.code == Code::Unavailable);
  CHECK(error.message == "node n1: no answer");
  CHECK(error.text() == "node n1: no answer (hint: start it)");
  CHECK(internal("plain").text() == "plain");
}

TEST_CASE("errno becomes the code that callers act on") {
  struct Case {
    int value;
    Code code;
  };
  for (const auto& [value, code] : {Case{ENOENT, Code::NotFound}, Case{EEXIST, Code::Conflict},
                                    Case{EACCES, Code::Precondition},
                                    Case{ENOSPC, Code::Unavailable}, Case{EIO, Code::Internal}}) {
    const Error error = from_errno("open /x", value);
    CHECK(error.code == code);
    CHECK(error.message.rfind("open /x: ", 0) == 0);
  }
}

TEST_CASE("a result carries what can only be moved") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(result).value();
  CHECK(*taken == 7);
  CHECK(Result<int>(not_found("x")).value_or(3) == 3);
}

TEST_CASE("every code has a name of its own") {
  std::string names;
  for (int code = 0; code <= static_cast<int>(Code::Internal); ++code) {
    const std::string name(to_string(static_cast<Code>(code)));
    CHECK(names.find(" " + name + " ") == std::string::npos);
    names += " " + name + " ";
  }
}

}  // namespace cdb
