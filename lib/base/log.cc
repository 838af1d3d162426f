#include "lib/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace cdb::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warn: return spdlog::level::warn;
    case Level::Error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make(spdlog::sink_ptr sink, Level level) {
  auto logger = std::make_shared<spdlog::logger>("cdb", std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

std::shared_ptr<spdlog::logger>& current() {
  static auto logger = make(std::make_shared<spdlog::sinks::stderr_sink_mt>(), Level::Info);
  return logger;
}

}  // namespace

void configure(Level level, const std::string& file) {
  spdlog::sink_ptr sink;
  if (file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  }
  current() = make(std::move(sink), level);
}

bool enabled(Level level) {
  return current()->should_log(to_spdlog(level));
}

void write(Level level, std::string_view event, std::string_view fields) {
  current()->log(to_spdlog(level), "{} {}", event, fields);
}

}  // namespace cdb::log
