#pragma once
// Talks to the kernel about one subject, in the network namespace it was opened in. One thread at a
// time; an exchange takes microseconds and gives up after a second. libmnl, whose functions fill in
// and read messages, is known to the .cc files.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/unique_fd.h"

struct nlmsghdr;

namespace cdb::agent {

// Messages that go to the kernel in one piece.
class NetlinkMessages {
 public:
  explicit NetlinkMessages(size_t count) : bytes_(count * kLargestBytes) {}

  // The header of one more message, zero but for these: attributes may be added until the next.
  nlmsghdr* add(uint16_t type, uint16_t flags, uint32_t number);
  [[nodiscard]] const void* data() const { return bytes_.data(); }
  [[nodiscard]] size_t size() const;

 private:
  static constexpr size_t kLargestBytes = 256;
  [[nodiscard]] const nlmsghdr* last() const;
  std::vector<char> bytes_;
  size_t last_{0};
  bool empty_{true};
};

class Netlink {
 public:
  // One answer; true: it was the last.
  using Take = std::function<bool(const nlmsghdr&)>;

  // `subject`: NETLINK_NETFILTER and the like.
  static Result<Netlink> open(int subject);

  // Numbers messages, so that answers to an exchange that was given up are told apart.
  uint32_t next_number() { return ++number_; }
  // Sends them, and hands over the answers to those numbered `first` and later. outcome_unknown
  // when the kernel falls silent.
  Status exchange(const NetlinkMessages& messages, uint32_t first, const Take& take);

 private:
  explicit Netlink(UniqueFd fd) : fd_(std::move(fd)), buffer_(size_t{64} * 1024) {}
  UniqueFd fd_;
  std::vector<char> buffer_;
  uint32_t number_{0};
};

// The errno that an answer carries: 0 in an acknowledgement; none in any other message.
enum class NetlinkAnswer { Data, Done, Acknowledged, Refused };
NetlinkAnswer kind_of(const nlmsghdr& answer);
int errno_of(const nlmsghdr& refused);

}  // namespace cdb::agent
