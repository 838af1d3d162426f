#pragma once
// The key that a DNS server knows us by (TSIG). Values; the file is read blocking.

#include <filesystem>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/base/secret.h"

namespace cdb::coordinator {

struct TsigKey {
  std::string name{};
  std::string algorithm{"hmac-sha256"};  // or hmac-sha512, hmac-sha1
  Secret secret{};                       // base64
  friend bool operator==(const TsigKey&, const TsigKey&) = default;
};

// Invalid where a part is missing or not what it should be.
Status check_key(const TsigKey& key);

// What tsig-keygen prints and BIND includes: key "name" { algorithm hmac-sha256; secret "..."; };
// Exactly one, with comments anywhere.
Result<TsigKey> parse_bind_key(std::string_view text);
Result<TsigKey> load_bind_key(const std::filesystem::path& path);

}  // namespace cdb::coordinator
