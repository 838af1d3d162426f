#include "coordinator/adapters/tsig_key.h"

#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.h"

namespace cdb::coordinator {

TEST_CASE("a key is read with blanks, quotes and comments wherever BIND allows them") {
  const TsigKey wanted{.name = "cdb", .algorithm = "hmac-sha512", .secret = Secret("c2VjcmV0")};
  for (const char* text : {
           "key \"cdb\" { algorithm hmac-sha512; secret \"c2VjcmV0\"; };",
           "key cdb{algorithm HMAC-SHA512;secret c2VjcmV0;};",
           "# made by hand\nkey \"cdb\" { // this one\n  secret \"c2VjcmV0\" ;\n"
           "  /* and\n so on */ algorithm \"hmac-sha512\";\n};\n// the end",
       }) {
    CAPTURE(text);
    const auto key = parse_bind_key(text);
    REQUIRE_MESSAGE(key.ok(), (key.ok() ? "" : key.error().text()));
    CHECK(*key == wanted);
  }
}

TEST_CASE("a file that is no key says what is wrong, and never shows the secret") {
  struct Bad {
    const char* text;
    const char* message;
  };
  const std::vector<Bad> table{
      {"", "ends where 'key' should be"},
      {"/* key", "ends where 'key' should be"},
      {"zone \"x\" {};", "'key' is missing"},
      {"key", "ends where the key's name should be"},
      {"key \"cdb", "ends where '{' should be"},
      {"key cdb {", "ends where algorithm or secret should be"},
      {"key cdb { algorithm hmac-sha256; secret \"c2VjcmV0\" };", "';' is missing"},
      {"key cdb { algorithm hmac-sha256; secret \"c2VjcmV0\"; }", "ends where ';' should be"},
      {"key cdb { algorithm hmac-sha256; };", "the secret of key cdb is not base64"},
      {"key cdb { algorithm hmac-sha256; secret \"c2VjcmV\"; };",
       "the secret of key cdb is not base64"},
      {"key cdb { algorithm hmac-md5; secret \"c2VjcmV0\"; };",
       "the algorithm 'hmac-md5' of key cdb is not known"},
      {"key cdb { color red; };", "unknown statement 'color' in a key"},
      {"key \"\" { secret \"c2VjcmV0\"; };", "the key has no name"},
      {"key a { secret \"c2VjcmV0\"; }; key b { secret \"c2VjcmV0\"; };", "more than one key"},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.text);
    const auto key = parse_bind_key(bad.text);
    REQUIRE_FALSE(key.ok());
    CHECK(key.error().code == Code::Invalid);
    CHECK(key.error().message == bad.message);
    CHECK(key.error().text().find("c2VjcmV") == std::string::npos);
  }
}

TEST_CASE("a key file cut short anywhere is refused") {
  const std::string whole = "key \"cdb\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };";
  for (size_t length = 0; length < whole.size(); ++length) {
    CHECK_FALSE(parse_bind_key(whole.substr(0, length)).ok());
  }
}

TEST_CASE("a key file that cannot be read, or is wrong, is named") {
  const testing::TempDir dir;
  CHECK(load_bind_key(dir / "none.key").error().code == Code::NotFound);
  std::ofstream(dir / "bad.key") << "key";
  CHECK(load_bind_key(dir / "bad.key")
            .error()
            .message.find("key file " + (dir / "bad.key").string() + ": ") == 0);
}

}  // namespace cdb::coordinator
