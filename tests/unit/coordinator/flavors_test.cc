#include "coordinator/adapters/flavors.h"

#include <string>

#include <doctest/doctest.h>

namespace cdb::coordinator {
namespace {

constexpr const char* kOne =
    "[[flavor]]\nname = \"small\"\nvcpu = 2\nmemory = \"2GiB\"\ndisk = \"20GiB\"\n";

// The message and the hint of a text that must be refused.
Error refusal(const std::string& text) {
  const auto flavors = parse_flavors(text, "f.toml");
  REQUIRE_FALSE(flavors);
  CHECK(flavors.error().code == Code::Invalid);
  return flavors.error();
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kOne;
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a size is a whole number with a binary unit") {
  CHECK(*parse_size("512MiB") == uint64_t{512} << 20U);
  CHECK(*parse_size("8GiB") == uint64_t{8} << 30U);
  CHECK(*parse_size("1TiB") == uint64_t{1} << 40U);
  for (const char* bad : {"", "8", "GiB", "-1GiB", "1.5GiB", "8 GiB", "8GiBs", "0x8GiB",
                          "99999999999999999999GiB", "18000000TiB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("a size in decimal or shortened units says what to write instead") {
  CHECK(parse_size("8GB").error().hint == "write 8GiB");
  CHECK(parse_size("512m").error().hint == "write 512MiB");
  CHECK(parse_size("8").error().hint ==
        "units are KiB, MiB, GiB and TiB, directly after the number");
}

TEST_CASE("flavors come in the order of the file") {
  const auto flavors = parse_flavors(std::string(kOne) + with("\"small\"", "\"big.2\""), "f.toml");
  REQUIRE(flavors);
  REQUIRE(flavors->size() == 2);
  CHECK(flavors->front() == Flavor{"small", 2, uint64_t{2} << 30U, uint64_t{20} << 30U});
  CHECK(flavors->back().name == "big.2");
}

TEST_CASE("a misspelt key is refused with its place and the key that was meant") {
  const Error error = refusal(with("memory", "memry"));
  CHECK(error.message == "f.toml:4:1: unknown key \"memry\"");
  CHECK(error.hint == "did you mean memory");
}

TEST_CASE("a second flavor of the same name is refused with both places") {
  const Error error = refusal(std::string(kOne) + kOne);
  CHECK(error.message == "f.toml:7:8: a second flavor named \"small\"");
  CHECK(error.hint == "the first is in line 2");
}

TEST_CASE("what makes no sense is refused with its place") {
  struct Row {
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {with("vcpu = 2", "vcpu = -2"), "f.toml:3:8: vcpu must be a whole number from 1 to 1024"},
      {with("vcpu = 2", "vcpu = 1.5"), "f.toml:3:8: vcpu must be a whole number from 1 to 1024"},
      {with("vcpu = 2", "vcpu = \"2\""), "f.toml:3:8: vcpu must be a whole number from 1 to 1024"},
      {with("\"2GiB\"", "\"-2GiB\""),
       "f.toml:4:10: memory: size \"-2GiB\" does not begin with a whole number"},
      {with("\"2GiB\"", "2048"), "f.toml:4:10: memory must be a size in quotes"},
      {with("\"2GiB\"", "\"64MiB\""), "f.toml:4:10: memory must be at least 256MiB"},
      {with("\"20GiB\"", "\"0GiB\""), "f.toml:5:8: disk must be at least 1GiB"},
      {with("disk = \"20GiB\"\n", ""), "f.toml:1:1: this flavor has no disk"},
      {with("\"small\"", "\"Small\""),
       "f.toml:2:8: the name of a flavor must be 1 to 40 of a-z, 0-9, '-' and '.'"},
      {with("[[flavor]]", "[[flavour]]"), "f.toml:1:3: unknown key \"flavour\""},
      {with("[[flavor]]", "[flavor]"), "f.toml:1:1: no [[flavor]] table"},
      {"", "f.toml:1:1: no [[flavor]] table"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(refusal(row.text).message == row.message);
  }
}

TEST_CASE("a text that is no TOML is refused with line and column") {
  const Error error = refusal(with("\"2GiB\"", "2GiB"));
  CHECK(error.message.substr(0, 9) == "f.toml:4:");
}

TEST_CASE("a missing file is not found") {
  CHECK(load_flavors("/nonexistent/flavors.toml").error().code == Code::NotFound);
}

TEST_CASE("the flavors we ship are understood and grow") {
  const auto flavors = load_flavors(CDB_SOURCE_ROOT "/packaging/etc/flavors.toml");
  REQUIRE(flavors);
  CHECK(flavors->size() >= 5);
  CHECK(flavors->front().name == "tiny");
  for (size_t i = 1; i < flavors->size(); ++i) {
    CHECK((*flavors)[i].memory_bytes > (*flavors)[i - 1].memory_bytes);
    CHECK((*flavors)[i].vcpu >= (*flavors)[i - 1].vcpu);
  }
}

}  // namespace cdb::coordinator
