#include "coordinator/adapters/sqlite_store.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/adapters/sqlite_schema.h"
#include "lib/base/atomic_file.h"
#include "tests/support/random_state.h"
#include "tests/support/temp_dir.h"

// --- a disk that fails ---
// SQLite's calls end here instead of in libc: the n-th write or sync from now on fails, and all
// after it until disarmed.
namespace {

struct FailingDisk {
  int writes_left{-1};  // negative: never
  int syncs_left{-1};
  int error{0};
  static bool fails(int& left) {
    if (left > 0) --left;
    return left == 0;
  }
};
FailingDisk disk;

template <typename F>
F next_function(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  static const auto next =
      next_function<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  if (FailingDisk::fails(disk.writes_left)) return errno = disk.error, -1;
  return next(fd, data, size, offset);
}
int fdatasync(int fd) {
  static const auto next = next_function<int (*)(int)>("fdatasync");
  if (FailingDisk::fails(disk.syncs_left)) return errno = disk.error, -1;
  return next(fd);
}
}

namespace cdb::coordinator {
namespace {

namespace fs = std::filesystem;
using testing::RandomState;
using testing::TempDir;

std::unique_ptr<SqliteStore> opened(const fs::path& path, uint64_t keep_events = 100'000) {
  auto store = SqliteStore::open({.path = path, .keep_events = keep_events});
  REQUIRE_MESSAGE(store.ok(), (store.ok() ? "" : store.error().text()));
  return std::move(store).value();
}

Snapshot loaded(SqliteStore& store) {
  auto snapshot = store.load();
  REQUIRE_MESSAGE(snapshot.ok(), (snapshot.ok() ? "" : snapshot.error().text()));
  return std::move(snapshot).value();
}

Error refusal(const fs::path& path) {
  const auto store = SqliteStore::open({.path = path});
  REQUIRE_FALSE(store.ok());
  INFO(store.error().text());
  CHECK(store.error().message.find(path.string()) != std::string::npos);
  CHECK_FALSE(store.error().hint.empty());
  return store.error();
}

ClusterRow cluster_at(uint64_t epoch, uint64_t version, const std::string& name = "demo") {
  ClusterRow row;
  row.id = {"default", name};
  row.record.version = {epoch, version};
  return row;
}

Event event(const std::string& message, const std::string& cluster = "demo") {
  return {.time = WallTime(std::chrono::microseconds(5)),
          .cluster = {"default", cluster},
          .type = "test.event",
          .message = message};
}

// Step n of a history in which the cluster, a resource and the newest event always agree.
Changes step(uint64_t n) {
  Changes changes;
  changes.put_clusters = {cluster_at(1, n)};
  changes.put_clusters[0].record.cause = std::string(20'000, 'x');  // several pages
  changes.put_resources.push_back({.key = {Kind::Mysql, "default", "demo"},
                                   .generation = static_cast<int64_t>(n),
                                   .spec = MysqlSpec{}});
  changes.events = {event(std::to_string(n))};
  return changes;
}

// Which step the store is at; fails when its parts disagree.
uint64_t step_of(SqliteStore& store) {
  const Snapshot snapshot = loaded(store);
  if (snapshot.clusters.empty()) {
    CHECK(snapshot.resources.empty());
    CHECK(snapshot.last_event == 0);
    return 0;
  }
  const uint64_t n = snapshot.clusters.begin()->second.record.version.version;
  CHECK(snapshot.resources.begin()->second.generation == static_cast<int64_t>(n));
  const auto newest = store.events({.limit = 1});
  REQUIRE(newest.ok());
  REQUIRE(newest->size() == 1);
  CHECK(newest->front().message == std::to_string(n));
  CHECK(newest->front().sequence == n);
  CHECK(snapshot.last_event == n);
  return n;
}

// Runs `body` in a process of its own and returns what it said; empty: nothing was wrong.
std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string said = body();
    const bool told =
        ::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    ::_exit(told ? 0 : 1);
  }
  ::close(ends[1]);
  const UniqueFd from(ends[0]);
  std::string said;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(from.get(), buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<size_t>(got));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (status != 0) said += " [wait status " + std::to_string(status) + "]";
  return said;
}

// Gives this process mounts of its own; where that is not allowed, as the root of a user namespace.
bool may_mount() {
  if (::unshare(CLONE_NEWNS) == 0) return true;
  const std::string uid = "0 " + std::to_string(::geteuid()) + " 1";
  const std::string gid = "0 " + std::to_string(::getegid()) + " 1";
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  return (std::ofstream("/proc/self/uid_map") << uid).flush().good() &&
         (std::ofstream("/proc/self/gid_map") << gid).flush().good();
}

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

void write_raw(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

}  // namespace

TEST_CASE("the first start makes an empty store that only its owner can read") {
  const TempDir dir;
  const fs::path path = dir / "var/lib/state.db";
  const auto store = opened(path);
  const Snapshot snapshot = loaded(*store);
  CHECK(snapshot.resources.empty());
  CHECK(snapshot.clusters.empty());
  CHECK(snapshot.operations.empty());
  CHECK(snapshot.last_event == 0);
  REQUIRE(store->commit(step(1)).ok());
  CHECK(mode_of(path.parent_path()) == 0700);
  for (const char* suffix : {"", "-wal", "-shm", ".lock", ".initialized"}) {
    CAPTURE(suffix);
    CHECK(mode_of(path.string() + suffix) == 0600);
  }
}

TEST_CASE("whatever was committed is there after a restart") {
  const TempDir dir;
  Snapshot expected;
  RandomState random(11);
  for (int restart = 0; restart < 3; ++restart) {
    const auto store = opened(dir / "state.db");
    for (int i = 0; i < 20; ++i) {
      Changes changes;
      changes.put_resources = random.several([&] { return random.resource(); });
      changes.put_clusters = random.several([&] { return random.cluster_row(); });
      changes.put_operations = random.several([&] { return random.operation(); });
      for (const auto& resource : changes.put_resources)
        expected.resources[resource.key] = resource;
      for (const auto& cluster : changes.put_clusters)
        expected.clusters[cluster.id] = cluster;
      for (const auto& operation : changes.put_operations) {
        expected.operations[operation.id] = operation;
      }
      REQUIRE(store->commit(changes).ok());
    }
  }
  const auto store = opened(dir / "state.db");
  const Snapshot snapshot = loaded(*store);
  CHECK(snapshot.resources == expected.resources);
  CHECK(snapshot.clusters == expected.clusters);
  CHECK(snapshot.operations == expected.operations);
}

TEST_CASE("what is put replaces, what is erased is gone, and erased and put is replaced") {
  const TempDir dir;
  const auto store = opened(dir / "state.db");
  RandomState random(3);
  Resource resource = random.resource();
  REQUIRE(store->commit({.put_resources = {resource}, .put_clusters = {cluster_at(7, 1)}}).ok());
  resource.generation += 1;
  REQUIRE(store->commit({.put_resources = {resource}}).ok());
  CHECK(loaded(*store).resources.at(resource.key) == resource);

  REQUIRE(store
              ->commit({.put_resources = {resource},
                        .erase_resources = {resource.key},
                        .put_clusters = {cluster_at(1, 0)},
                        .erase_clusters = {{"default", "demo"}}})
              .ok());
  CHECK(loaded(*store).resources.size() == 1);
  CHECK(loaded(*store).clusters.at({"default", "demo"}) == cluster_at(1, 0));

  REQUIRE(store
              ->commit({.erase_resources = {resource.key},
                        .erase_clusters = {{"default", "demo"}, {"default", "never-was"}}})
              .ok());
  CHECK(loaded(*store).resources.empty());
  CHECK(loaded(*store).clusters.empty());
}

TEST_CASE("a cluster's record never goes back, and the whole commit goes with it") {
  const TempDir dir;
  const auto store = opened(dir / "state.db");
  REQUIRE(store->commit({.put_clusters = {cluster_at(3, 5)}}).ok());
  CHECK(store->commit({.put_clusters = {cluster_at(3, 5)}}).ok());
  RandomState random(4);
  for (const auto& older : {cluster_at(3, 4), cluster_at(2, 9)}) {
    const auto committed = store->commit({.put_resources = {random.resource()},
                                          .put_clusters = {cluster_at(1, 1, "other"), older},
                                          .put_operations = {random.operation()},
                                          .events = {event("never")}});
    REQUIRE_FALSE(committed.ok());
    CHECK(committed.error().code == Code::Conflict);
    CHECK(committed.error().message.find(
              "holds the record of cluster default/demo at 3.5, newer") != std::string::npos);
  }
  const Snapshot snapshot = loaded(*store);
  CHECK(snapshot.resources.empty());
  CHECK(snapshot.operations.empty());
  CHECK(snapshot.clusters.size() == 1);
  CHECK(store->events({})->empty());
  REQUIRE(store->commit({.put_clusters = {cluster_at(4, 0)}, .events = {event("first")}}).ok());
  CHECK(store->events({})->front().sequence == 1);
  // Numbers with the highest bit are larger, not negative.
  REQUIRE(store->commit({.put_clusters = {cluster_at(UINT64_MAX, 0)}}).ok());
  CHECK(store->commit({.put_clusters = {cluster_at(4, 0)}}).error().code == Code::Conflict);
}

TEST_CASE("events get ascending numbers and are found by cluster, place and number") {
  const TempDir dir;
  const auto store = opened(dir / "state.db");
  RandomState random(9);
  std::vector<Event> all;
  for (int i = 0; i < 30; ++i) {
    Event made = random.event();
    made.cluster = {"default", i % 3 == 0 ? "a" : "b"};
    const auto committed = store->commit({.events = {made, made}});
    REQUIRE(committed.ok());
    for (const Event& one : *committed) {
      CHECK(one.sequence == all.size() + 1);
      made.sequence = one.sequence;
      CHECK(one == made);
      all.push_back(one);
    }
  }
  CHECK(*store->events({}) == all);
  CHECK(*store->events({.after = 57}) == std::vector<Event>(all.begin() + 57, all.end()));
  CHECK(*store->events({.limit = 2}) == std::vector<Event>(all.end() - 2, all.end()));
  CHECK(store->events({.after = UINT64_MAX})->empty());
  CHECK(store->events({.limit = 0})->empty());
  CHECK(store->events({.limit = SIZE_MAX})->size() == all.size());
  const auto of_a =
      store->events({.cluster = model::ClusterId{"default", "a"}, .after = 1, .limit = 3});
  REQUIRE(of_a->size() == 3);
  for (const Event& one : *of_a)
    CHECK(one.cluster.name == "a");
  CHECK(of_a->back().sequence == 56);
}

TEST_CASE("only the newest events are kept, and their numbers are never given again") {
  const TempDir dir;
  {
    const auto store = opened(dir / "state.db", 10);
    for (int i = 0; i < 25; ++i)
      REQUIRE(store->commit({.events = {event("e")}}).ok());
    const auto kept = store->events({});
    REQUIRE(kept->size() == 10);
    CHECK(kept->front().sequence == 16);
  }
  const auto store = opened(dir / "state.db", 1);
  CHECK(loaded(*store).last_event == 25);
  CHECK(store->commit({.events = {event("e"), event("e")}})->back().sequence == 27);
  CHECK(store->events({})->size() == 1);
}

TEST_CASE("threads that commit at once each get all of theirs, one after another") {
  const TempDir dir;
  const auto store = opened(dir / "state.db");
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&store, t] {
        for (int i = 0; i < 25; ++i) {
          const std::string message = std::to_string(t);
          const auto committed = store->commit({.events = {event(message), event(message)}});
          if (!committed || (*committed)[0].sequence + 1 != (*committed)[1].sequence) return;
        }
      });
    }
  }
  CHECK(store->events({})->size() == 200);
}

TEST_CASE("a second coordinator on the same file is refused, by whatever path it comes") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  auto store = opened(path);
  const Error error = refusal(path);
  CHECK(error.code == Code::Conflict);
  CHECK(error.message.find("is in use by another process (pid " + std::to_string(::getpid()) +
                           ")") != std::string::npos);
  fs::create_symlink(path, dir / "link.db");
  fs::create_directory_symlink(dir.path(), dir / "here");
  CHECK(SqliteStore::open({.path = dir / "link.db"}).error().code == Code::Conflict);
  CHECK(SqliteStore::open({.path = dir / "here/state.db"}).error().code == Code::Conflict);
  CHECK(in_child([&] { return SqliteStore::open({.path = path}).ok() ? "opened" : ""; }) == "");
  store.reset();
  CHECK(SqliteStore::open({.path = path}).ok());
}

TEST_CASE("a coordinator killed at any moment leaves every commit it was told of, whole") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  RandomState random(21);
  uint64_t reached = 0;
  for (int round = 0; round < 15; ++round) {
    CAPTURE(round);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = SqliteStore::open({.path = path});
      for (uint64_t n = reached + 1; store.ok(); ++n) {
        if (!(*store)->commit(step(n)).ok()) break;
        if (::write(ends[1], &n, sizeof n) != sizeof n) break;
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    const UniqueFd from(ends[0]);
    uint64_t told = reached;
    for (uint64_t left = 1 + random.below(20); left > 0; --left) {
      REQUIRE(::read(from.get(), &told, sizeof told) == sizeof told);
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    while (::read(from.get(), &told, sizeof told) == sizeof told) {
    }
    const auto store = opened(path);
    reached = step_of(*store);
    CHECK(reached >= told);
    CHECK(reached <= told + 1);
  }
}

TEST_CASE("a database that is missing or empty, but was there, is never replaced by an empty one") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  REQUIRE(opened(path)->commit(step(1)).ok());
  write_raw(path, "");
  CHECK(refusal(path).message.find("is an empty file, but held a state before") !=
        std::string::npos);
  fs::remove(path);
  const Error error = refusal(path);
  CHECK(error.code == Code::Precondition);
  CHECK(error.message.find("is missing, but was there before") != std::string::npos);
  CHECK(error.hint.find(
            "restore it from a backup; to start anew and forget every cluster, remove ") == 0);
  CHECK_FALSE(fs::exists(path));

  // Without the marker: what is there is still not taken for nothing.
  fs::remove(path.string() + ".initialized");
  write_raw(path.string() + "-wal", "frames");
  CHECK(refusal(path).message.find("but its log") != std::string::npos);
  fs::remove(path.string() + "-wal");
  write_raw(path, "");
  CHECK(refusal(path).code == Code::Precondition);
  fs::remove(path);
  CHECK(SqliteStore::open({.path = path}).ok());
}

TEST_CASE("a database whose log is gone after a crash is refused, not read as it was long ago") {
  const TempDir directory;
  const fs::path path = directory.path() / "state.db";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto store = SqliteStore::open({path});
    Changes changes;
    changes.events.push_back(Event{});
    ::_exit(store.ok() && (*store)->commit(changes).ok() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  fs::rename(path.string() + "-wal", directory.path() / "elsewhere");
  const auto refused = SqliteStore::open({path});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::Precondition);
  CHECK(refused.error().message.find("-wal") != std::string::npos);
  fs::rename(directory.path() / "elsewhere", path.string() + "-wal");
  CHECK(SqliteStore::open({path}).ok());
}

TEST_CASE("a store restored without its marker is opened and marked") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  REQUIRE(opened(path)->commit(step(1)).ok());
  fs::remove(path.string() + ".initialized");
  fs::permissions(path, fs::perms(0644));
  CHECK(step_of(*opened(path)) == 1);
  CHECK(fs::exists(path.string() + ".initialized"));
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("a first start that crashed before it was done is started again") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  write_raw(path.string() + ".new", "half a data");
  write_raw(path.string() + ".new-journal", "half a journal");
  CHECK(step_of(*opened(path)) == 0);
  CHECK_FALSE(fs::exists(path.string() + ".new"));
}

TEST_CASE("a database cut short anywhere is refused and left as it is") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  {
    const auto store = opened(path);
    for (uint64_t n = 1; n <= 3; ++n)
      REQUIRE(store->commit(step(n)).ok());
  }
  const std::string whole = *read_file(path);
  REQUIRE(whole.size() > 3 * 4096);
  for (const size_t size :
       {size_t{1}, size_t{15}, size_t{50}, size_t{100}, size_t{511}, size_t{4095}, size_t{4096},
        size_t{4097}, whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    CAPTURE(size);
    write_raw(path, whole.substr(0, size));
    const Error error = refusal(path);
    CHECK(error.code == Code::Internal);
    CHECK(error.message.find("is damaged: ") != std::string::npos);
    CHECK(read_file(path)->size() == size);
  }
  write_raw(path, whole);
  CHECK(step_of(*opened(path)) == 3);
}

TEST_CASE("a database with a page of garbage is refused") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  REQUIRE(opened(path)->commit(step(1)).ok());
  const std::string whole = *read_file(path);
  for (size_t page = 0; page < whole.size() / 4096; ++page) {
    CAPTURE(page);
    std::string damaged = whole;
    damaged.replace(page * 4096, 4096, std::string(4096, '\xA5'));
    write_raw(path, damaged);
    auto store = SqliteStore::open({.path = path});
    // What hangs off a row (its overflow pages) is text to SQLite; that text is no JSON any more.
    const Error error = store ? (*store)->load().error() : store.error();
    CHECK(error.code == Code::Internal);
    CHECK(error.message.find(path.string()) != std::string::npos);
    CHECK(error.hint == "restore it from a backup");
  }
}

TEST_CASE("a file that is no database is refused and left as it is") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  for (const std::string& content : {std::string("hello\n"), std::string(100'000, '\xA5')}) {
    write_raw(path, content);
    CHECK(refusal(path).code == Code::Internal);
    CHECK(*read_file(path) == content);
  }
}

TEST_CASE(
    "a database of another program, or of a newer coordinator, is refused and left as it is") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  REQUIRE(opened(path)->commit(step(1)).ok());
  const auto with_pragma = [&path](const char* sql) {
    auto database = Database::open(path);
    REQUIRE(database.ok());
    REQUIRE(database->execute(sql).ok());
  };
  with_pragma("PRAGMA user_version = 999");
  const Error newer = refusal(path);
  CHECK(newer.code == Code::Precondition);
  CHECK(newer.message.find("has schema 999, this coordinator knows up to ") != std::string::npos);
  with_pragma("PRAGMA application_id = 17");
  const Error foreign = refusal(path);
  CHECK(foreign.code == Code::Precondition);
  CHECK(foreign.message.find("is a SQLite database, but not a coordinator's") != std::string::npos);
}

TEST_CASE("an older schema is brought up to date, all of it or nothing") {
  const TempDir dir;
  const fs::path path = dir / "old.db";
  write_raw(path, "");
  auto database = Database::open(path);
  REQUIRE(database.ok());
  REQUIRE(initialise(*database).ok());
  REQUIRE(migrate(*database, {"CREATE TABLE a (x)"}).ok());
  const Migrations failing{"CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE TABLE a (x)"};
  CHECK_FALSE(migrate(*database, failing).ok());
  CHECK(*database->integer("PRAGMA user_version") == 1);
  CHECK(*database->integer("SELECT count(*) FROM sqlite_schema") == 1);
  const Migrations good{"CREATE TABLE a (x)", "CREATE TABLE b (x); INSERT INTO b SELECT 7",
                        "CREATE TABLE c (x)"};
  REQUIRE(migrate(*database, good).ok());
  CHECK(*database->integer("PRAGMA user_version") == 3);
  CHECK(*database->integer("SELECT x FROM b") == 7);
  CHECK(migrate(*database, {"CREATE TABLE a (x)"}).error().code == Code::Precondition);
}

TEST_CASE("a row that is not what it should be stops the start, and is named") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  REQUIRE(opened(path)->commit(step(1)).ok());
  {
    auto database = Database::open(path);
    REQUIRE(database->execute("UPDATE clusters SET body = '{}'").ok());
  }
  const auto snapshot = opened(path)->load();
  REQUIRE_FALSE(snapshot.ok());
  CHECK(snapshot.error().code == Code::Internal);
  CHECK(snapshot.error().message ==
        "state store " + path.string() +
            " holds a row in clusters that cannot be read: id: is missing");
}

TEST_CASE("a database that is removed under the coordinator takes no further commits") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  const auto store = opened(path);
  REQUIRE(store->commit(step(1)).ok());
  fs::rename(path, dir / "elsewhere.db");
  const auto committed = store->commit(step(2));
  REQUIRE_FALSE(committed.ok());
  CHECK(committed.error().code == Code::Internal);
  CHECK(committed.error().message.find("was removed or replaced") != std::string::npos);
  fs::rename(dir / "elsewhere.db", path);
  CHECK(store->commit(step(2)).ok());
}

TEST_CASE(
    "a write that fails anywhere in a commit leaves the old state, or says that it may not have") {
  const TempDir dir;
  for (const int error : {ENOSPC, EDQUOT, EIO}) {
    int failures = 0;
    for (int nth = 1;; ++nth) {
      CAPTURE(error);
      CAPTURE(nth);
      const fs::path path = dir / (std::to_string(error) + "-" + std::to_string(nth) + ".db");
      auto store = opened(path);
      REQUIRE(store->commit(step(1)).ok());
      disk = {.writes_left = nth, .error = error};
      const auto committed = store->commit(step(2));
      disk = {};
      if (committed.ok()) break;
      ++failures;
      if (error == EIO) {
        CHECK(committed.error().code == Code::OutcomeUnknown);
        CHECK(store->commit(step(3)).error().code == Code::Precondition);
        CHECK(store->events({}).error().code == Code::Precondition);
      } else {
        CHECK(committed.error().code == Code::Unavailable);
        CHECK(committed.error().message.find("has no space left") != std::string::npos);
        CHECK(committed.error().hint.find("free some space") == 0);
        CHECK(step_of(*store) == 1);
      }
      const uint64_t found = step_of(*store);
      CHECK(found <= 2);
      REQUIRE(store->commit(step(found + 1)).ok());
      store.reset();
      CHECK(step_of(*opened(path)) == found + 1);
    }
    CHECK(failures > 5);
  }
}

TEST_CASE("a sync that fails leaves a state that a restart does not change any more") {
  const TempDir dir;
  const fs::path path = dir / "state.db";
  // In a process that ends without closing: what load() saw must be what is found.
  const std::string said = in_child([&]() -> std::string {
    auto opened_store = SqliteStore::open({.path = path});
    if (!opened_store) return "cannot begin";
    SqliteStore* const store = std::move(opened_store).value().release();
    if (!store->commit(step(1))) return "cannot begin";
    disk = {.syncs_left = 1, .error = EIO};
    const auto committed = store->commit(step(2));
    disk = {};
    if (committed.ok() || committed.error().code != Code::OutcomeUnknown) return "no failure";
    const auto snapshot = store->load();
    if (!snapshot) return snapshot.error().text();
    const uint64_t seen = snapshot->clusters.begin()->second.record.version.version;
    return seen == 1 || seen == 2 ? std::to_string(seen) : "nonsense";
  });
  CHECK(std::to_string(step_of(*opened(path))) == said);
}

TEST_CASE("a full disk refuses commits until there is space again") {
  const TempDir dir;
  const std::string said = in_child([&]() -> std::string {
    if (!may_mount()) return "no mount";
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "no mount";
    if (::mount("cdb-test", dir.path().c_str(), "tmpfs", 0, "size=512k") != 0) return "no mount";
    auto store = SqliteStore::open({.path = dir / "state.db"});
    if (!store) return store.error().text();
    write_raw(dir / "ballast", std::string(300'000, 'x'));
    uint64_t n = 1;
    Result<std::vector<Event>> committed = (*store)->commit(step(n));
    for (; committed.ok() && n < 1000; ++n)
      committed = (*store)->commit(step(n + 1));
    if (committed.ok()) return "never full";
    if (committed.error().code != Code::Unavailable) return committed.error().text();
    const auto snapshot = (*store)->load();
    if (!snapshot) return snapshot.error().text();
    if (snapshot->clusters.begin()->second.record.version.version != n - 1)
      return "not the old state";
    fs::remove(dir / "ballast");
    committed = (*store)->commit(step(n));
    return committed ? "" : committed.error().text();
  });
  if (said == "no mount") {
    MESSAGE("may not mount a file system here: not tested");
  } else {
    CHECK(said == "");
  }
}

TEST_CASE("a limit on the size of files refuses commits like a full disk") {
  const TempDir dir;
  CHECK(in_child([&]() -> std::string {
          auto store = SqliteStore::open({.path = dir / "state.db"});
          if (!store) return store.error().text();
          std::signal(SIGXFSZ, SIG_IGN);
          const rlimit limit{.rlim_cur = 200'000, .rlim_max = 200'000};
          if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return "setrlimit";
          for (uint64_t n = 1; n < 1000; ++n) {
            const auto committed = (*store)->commit(step(n));
            if (committed) continue;
            return committed.error().code == Code::Unavailable ? "" : committed.error().text();
          }
          return "never full";
        }) == "");
}

}  // namespace cdb::coordinator
