#pragma once
// The command line as plain values. CLI11 is known to args.cc alone. Pure.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/exit_code.h"
#include "lib/base/clock.h"

namespace cdb::cli {

enum class Format { Table, Wide, Json, Yaml, Name };

struct GlobalArgs {
  std::string endpoints{};  // host:port,...; empty: environment, then context
  std::string context{};
  std::string name_space{};  // empty: environment, then context, then "default"
  std::optional<Duration> timeout{};
};

struct ApplyArgs {
  std::vector<std::string> files{};
  bool dry_run{false};
  bool wait{true};
};

struct DiffArgs {
  std::vector<std::string> files{};
  bool exit_code{false};  // 2 where something differs
};

struct GetArgs {
  std::string kinds{};
  std::vector<std::string> names{};
  bool all_namespaces{false};
  bool watch{false};
  Format format{Format::Table};
};

struct DeleteArgs {
  std::string kind{};
  std::string name{};
  std::vector<std::string> files{};
  std::vector<std::string> confirmed{};
  bool wait{true};
};

struct TopologyArgs {
  std::string cluster{};
  bool watch{false};
  Format format{Format::Table};
};

// Of every command that begins one operation.
struct BeginArgs {
  bool dry_run{false};
  bool wait{true};
  Format format{Format::Table};
};

struct SwitchoverArgs {
  std::string cluster{};
  std::string to{};
  BeginArgs how{};
};

struct FailoverArgs {
  std::string cluster{};
  std::string to{};
  std::string reason{};
  bool allow_data_loss{false};
  std::vector<std::string> confirmed{};
  bool yes{false};
  BeginArgs how{};
};

struct MaintenanceArgs {
  std::string cluster{};
  std::string node{};
  std::string mode{};  // on, off
  bool allow_unprotected{false};
  BeginArgs how{};
};

struct RejoinArgs {
  std::string cluster{};
  std::string node{};
  bool reseed{false};
  std::vector<std::string> confirmed{};
  BeginArgs how{};
};

struct EventsArgs {
  std::string cluster{};
  bool all_namespaces{false};
  bool watch{false};
  int limit{100};
  Format format{Format::Table};
};

struct OperationsArgs {
  std::string which{};  // a cluster or an operation's id
  bool all_namespaces{false};
  bool running{false};
  bool watch{false};
  Format format{Format::Table};
};

struct ConnectArgs {
  std::string cluster{};
  bool read_only{false};
  bool print{false};
  std::vector<std::string> client_args{};
};

struct ResolveArgs {
  std::string cluster{};
  Format format{Format::Table};
};

struct CatalogueArgs {
  Format format{Format::Table};
};

struct ContextArgs {
  std::string use{};  // empty: list them
};

struct VersionArgs {};

struct CompletionArgs {
  std::string shell{};
};

using CommandArgs =
    std::variant<ApplyArgs, DiffArgs, GetArgs, DeleteArgs, TopologyArgs, SwitchoverArgs,
                 FailoverArgs, MaintenanceArgs, RejoinArgs, EventsArgs, OperationsArgs, ConnectArgs,
                 ResolveArgs, CatalogueArgs, ContextArgs, VersionArgs, CompletionArgs>;

struct Invocation {
  GlobalArgs global{};
  CommandArgs command{};
};

// Either an invocation, or a text to show and how to end: help (Ok) or a complaint (Usage).
struct ParsedArgs {
  std::optional<Invocation> invocation{};
  std::string text{};
  Exit exit{Exit::Ok};
};

ParsedArgs parse_args(const std::vector<std::string>& args);

}  // namespace cdb::cli
