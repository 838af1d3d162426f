#include "agent/adapters/memory_file.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "lib/base/atomic_file.h"
#include "tests/support/random_model.h"

namespace cdb::agent {

namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path{};
  Directory() {
    std::string name = (fs::temp_directory_path() / "cdb-memory-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { fs::remove_all(path); }
};

NodeMemory some_memory(uint64_t seed) {
  testing::RandomModel random(seed);
  NodeMemory memory;
  memory.accepted = {7, 3};
  memory.goal = random.goal();
  memory.goal->credentials.reset();
  memory.credentials = model::Credentials{Secret("a"), Secret("b"), Secret("c"), Secret("d")};
  memory.mysqld_boot = 12;
  memory.incarnation = "abc";
  memory.seeding = seed % 4 == 0;
  memory.written_epoch = seed % 3;
  memory.trim_unproved = seed % 2 == 0;
  memory.trim_failed = seed % 5 == 0;
  memory.discarded = random.report().discarded;
  return memory;
}

}  // namespace

TEST_CASE("what was saved is read back by the next agent") {
  const Directory directory;
  for (uint64_t seed = 1; seed < 20; ++seed) {
    CAPTURE(seed);
    const NodeMemory memory = some_memory(seed);
    {
      auto file = MemoryFile::open(directory.path).value();
      REQUIRE(file->save(memory).ok());
    }
    auto file = MemoryFile::open(directory.path).value();
    const auto loaded = file->load();
    REQUIRE(loaded.ok());
    CHECK(*loaded == memory);
  }
}

TEST_CASE("a fresh directory is an empty memory, and secrets are for the owner alone") {
  const Directory directory;
  auto file = MemoryFile::open(directory.path).value();
  CHECK(file->load().value() == NodeMemory{});
  REQUIRE(file->save(some_memory(1)).ok());
  for (const char* name : {"node.json", "accounts.json"}) {
    struct stat info {};
    REQUIRE(::stat((directory.path / name).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a damaged, truncated or lost file is refused by name, and stays as it is") {
  const auto spoil = [](const fs::path& path, const std::string& how) {
    const std::string text = read_file(path).value();
    if (how == "truncated")
      CHECK(write_file_atomically(path, text.substr(0, text.size() / 2)).ok());
    if (how == "empty") CHECK(write_file_atomically(path, "").ok());
    if (how == "flipped") {
      std::string changed = text;
      const size_t digit =
          changed.find("12,") == std::string::npos ? changed.size() / 2 : changed.find("12,");
      changed[digit] = changed[digit] == '9' ? '8' : '9';
      CHECK(write_file_atomically(path, changed).ok());
    }
    if (how == "lost") fs::remove(path);
  };
  for (const char* name : {"node.json", "accounts.json"}) {
    for (const char* how : {"truncated", "empty", "flipped", "lost"}) {
      CAPTURE(std::string(name) + " " + how);
      const Directory directory;
      REQUIRE(MemoryFile::open(directory.path).value()->save(some_memory(2)).ok());
      spoil(directory.path / name, how);
      const auto loaded = MemoryFile::open(directory.path).value()->load();
      REQUIRE_FALSE(loaded.ok());
      CHECK(loaded.error().code == Code::Precondition);
      CHECK(loaded.error().message.find((directory.path / name).string()) != std::string::npos);
      CHECK_FALSE(loaded.error().hint.empty());
    }
  }
}

TEST_CASE("two agents never share a state directory") {
  const Directory directory;
  const auto first = MemoryFile::open(directory.path);
  REQUIRE(first.ok());
  CHECK(MemoryFile::open(directory.path).error().code == Code::Conflict);
}

}  // namespace cdb::agent
