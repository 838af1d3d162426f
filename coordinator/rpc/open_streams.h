#pragma once
// The streams that are open, so that a server that stops can end each of them with a word instead
// of waiting for callers that never leave by themselves. Any thread.

#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "lib/base/result.h"

namespace cdb::coordinator {

class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Ends the stream with this error, unless it has ended. Returns at once; any thread.
  virtual void end(const Error& reason) = 0;
};

class OpenStreams {
 public:
  // A stream that comes after end_all() is ended at once.
  void add(const std::shared_ptr<OpenStream>& stream);
  void remove(const std::shared_ptr<OpenStream>& stream);
  void end_all(const Error& reason);
  [[nodiscard]] size_t count() const;

 private:
  mutable std::mutex mutex_{};
  std::set<std::shared_ptr<OpenStream>> streams_{};  // shared: ended outside the lock
  std::optional<Error> ended_{};
};

}  // namespace cdb::coordinator
