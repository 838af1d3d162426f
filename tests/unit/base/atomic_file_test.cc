#include "lib/base/atomic_file.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace cdb {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

void put(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("a file that was written atomically reads back, with the mode that was asked for") {
  const testing::TempDir dir;
  for (const mode_t mode : {0644U, 0600U, 0666U}) {
    const auto path = dir / "state.json";
    const std::string content(100'000, 'x');
    REQUIRE(write_file_atomically(path, content, mode).ok());
    CHECK(read_file(path).value() == content);
    CHECK(mode_of(path) == mode);
  }
}

TEST_CASE("a temporary file left by a crash neither shows nor stands in the way") {
  const testing::TempDir dir;
  const auto path = dir / "state.json";
  REQUIRE(write_file_atomically(path, "old").ok());
  put(dir / "state.json.tmp", "half of the ne");
  REQUIRE(::chmod((dir / "state.json.tmp").c_str(), 0666) == 0);
  CHECK(read_file(path).value() == "old");

  REQUIRE(write_file_atomically(path, "new", 0600).ok());
  CHECK(read_file(path).value() == "new");
  CHECK(mode_of(path) == 0600);
  CHECK_FALSE(std::filesystem::exists(dir / "state.json.tmp"));
}

TEST_CASE("a write that fails keeps the old content and leaves no temporary file") {
  const testing::TempDir dir;
  const auto missing = write_file_atomically(dir / "no-such-folder/state.json", "x");
  CHECK(missing.error().code == Code::NotFound);

  // A folder in the way: the rename is what fails.
  std::filesystem::create_directories(dir / "state.json/inner");
  CHECK_FALSE(write_file_atomically(dir / "state.json", "x").ok());
  CHECK(std::filesystem::exists(dir / "state.json/inner"));
  CHECK_FALSE(std::filesystem::exists(dir / "state.json.tmp"));
}

TEST_CASE("reading a file that is not there says not_found and names it") {
  const testing::TempDir dir;
  for (const auto& read : {read_file(dir / "nothing"), read_file_tail(dir / "nothing", 10)}) {
    CHECK(read.error().code == Code::NotFound);
    CHECK(read.error().message.find("/nothing") != std::string::npos);
  }
}

TEST_CASE("the tail of a file begins at a line when it was cut, and is whole otherwise") {
  const testing::TempDir dir;
  const auto path = dir / "log";
  put(path, "first\nsecond\nthird\n");
  CHECK(read_file_tail(path, 1000).value() == "first\nsecond\nthird\n");
  CHECK(read_file_tail(path, 19).value() == "first\nsecond\nthird\n");
  CHECK(read_file_tail(path, 10).value() == "third\n");
  put(path, "one endless line");
  CHECK(read_file_tail(path, 4).value() == "line");
}

}  // namespace cdb
