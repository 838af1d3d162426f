#include "coordinator/rpc/open_streams.h"

namespace cdb::coordinator {

void OpenStreams::add(const std::shared_ptr<OpenStream>& stream) {
  std::optional<Error> ended;
  {
    const std::lock_guard lock(mutex_);
    streams_.insert(stream);
    ended = ended_;
  }
  if (ended) stream->end(*ended);
}

void OpenStreams::remove(const std::shared_ptr<OpenStream>& stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void OpenStreams::end_all(const Error& reason) {
  std::set<std::shared_ptr<OpenStream>> open;
  {
    const std::lock_guard lock(mutex_);
    ended_ = reason;
    open = streams_;
  }
  for (const auto& stream : open)
    stream->end(reason);
}

size_t OpenStreams::count() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace cdb::coordinator
