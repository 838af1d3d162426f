#include "lib/base/secret.h"

#include <array>

#include <sys/random.h>

#include "lib/base/result.h"

namespace cdb {

Secret Secret::random() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr size_t kLength = 32;
  std::string value;
  while (value.size() < kLength) {
    std::array<unsigned char, 64> bytes{};
    CDB_INVARIANT(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    for (const unsigned char byte : bytes) {
      // 248 = 4 x 62: bytes above it would favour the first letters.
      if (byte < 248 && value.size() < kLength) value += kAlphabet[byte % kAlphabet.size()];
    }
  }
  return Secret(value);
}

}  // namespace cdb
