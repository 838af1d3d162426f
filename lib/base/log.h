#pragma once
// One line per event: `log::info("failover.decided", "cluster={} epoch={}", c, e)` prints
// `2026-05-01T12:00:00.123Z info failover.decided cluster=c1 epoch=7`. Event names are stable:
// people alert on them. State changes at info, ticks at debug; logged once, where handled.
// Thread-safe. Formatting is fmt's; spdlog is known to log.cc alone.

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cdb::log {

enum class Level { Debug, Info, Warn, Error };

// Where the lines go: standard error unless a file is named. Call once, from main.
void configure(Level level, const std::string& file = {});
void write(Level level, std::string_view event, std::string_view fields);
bool enabled(Level level);

template <typename... Args>
void emit(Level level, std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, event, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  emit(Level::Debug, event, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  emit(Level::Info, event, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  emit(Level::Warn, event, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  emit(Level::Error, event, format, std::forward<Args>(args)...);
}

}  // namespace cdb::log
