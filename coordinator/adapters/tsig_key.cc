#include "coordinator/adapters/tsig_key.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "lib/base/atomic_file.h"
#include "lib/base/text.h"

namespace cdb::coordinator {
namespace {

constexpr std::array kAlgorithms{"hmac-sha256", "hmac-sha512", "hmac-sha1"};

bool is_base64(std::string_view text) {
  const size_t padding = text.size() - (text.find_last_not_of('=') + 1);
  if (text.empty() || text.size() % 4 != 0 || padding > 2) return false;
  return std::all_of(text.begin(), text.end() - static_cast<ptrdiff_t>(padding), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/';
  });
}

// What is left of `text` after blanks and comments.
std::string_view skip_blanks(std::string_view text) {
  for (;;) {
    const size_t start = text.find_first_not_of(" \t\r\n");
    text.remove_prefix(std::min(start, text.size()));
    std::string_view end;
    if (text.starts_with("//") || text.starts_with('#')) {
      end = "\n";
    } else if (text.starts_with("/*")) {
      end = "*/";
    } else {
      return text;
    }
    const size_t stop = text.find(end);
    text.remove_prefix(stop == std::string_view::npos ? text.size() : stop + end.size());
  }
}

// Words, quoted strings (without their quotes) and the marks { } ;
std::vector<std::string> tokens(std::string_view text) {
  std::vector<std::string> found;
  for (text = skip_blanks(text); !text.empty(); text = skip_blanks(text)) {
    size_t length = 1;
    if (text.front() == '"') {
      length = std::min(text.find('"', 1), text.size());
      found.emplace_back(text.substr(1, length - 1));
      length = std::min(length + 1, text.size());
    } else {
      if (std::string_view("{};").find(text.front()) == std::string_view::npos) {
        length = std::min(text.find_first_of(" \t\r\n{};\""), text.size());
      }
      found.emplace_back(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return found;
}

// The tokens of a file, one after another.
class KeyReader {
 public:
  explicit KeyReader(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}

  Result<TsigKey> read() {
    TsigKey key;
    CDB_TRY(expect("key"));
    CDB_ASSIGN_OR_RETURN(key.name, next("the key's name"));
    CDB_TRY(expect("{"));
    while (!at("}")) {
      CDB_ASSIGN_OR_RETURN(const std::string what, next("algorithm or secret"));
      CDB_ASSIGN_OR_RETURN(const std::string value, next("a value for " + what));
      CDB_TRY(expect(";"));
      if (what == "algorithm") {
        key.algorithm = to_lower(value);
      } else if (what == "secret") {
        key.secret = Secret(value);
      } else {
        return invalid("unknown statement '" + what + "' in a key");
      }
    }
    CDB_TRY(expect("}"));
    CDB_TRY(expect(";"));
    if (place_ != tokens_.size()) return invalid("more than one key", "leave one in the file");
    CDB_TRY(check_key(key));
    return key;
  }

 private:
  [[nodiscard]] bool at(std::string_view token) const {
    return place_ < tokens_.size() && tokens_[place_] == token;
  }
  Result<std::string> next(const std::string& what) {
    if (place_ == tokens_.size()) {
      return invalid("ends where " + what + " should be", "tsig-keygen makes such a file");
    }
    return tokens_[place_++];
  }
  Status expect(const std::string& token) {
    CDB_ASSIGN_OR_RETURN(const std::string found, next("'" + token + "'"));
    if (found == token) return {};
    // What was found may be the secret.
    return invalid("'" + token + "' is missing", "tsig-keygen makes such a file");
  }

  std::vector<std::string> tokens_;
  size_t place_{0};
};

}  // namespace

Status check_key(const TsigKey& key) {
  if (key.name.empty()) return invalid("the key has no name");
  if (std::find(kAlgorithms.begin(), kAlgorithms.end(), key.algorithm) == kAlgorithms.end()) {
    return invalid("the algorithm '" + key.algorithm + "' of key " + key.name + " is not known",
                   "one of " + join({kAlgorithms.begin(), kAlgorithms.end()}, ", "));
  }
  if (!is_base64(key.secret.reveal())) {
    return invalid("the secret of key " + key.name + " is not base64");
  }
  return {};
}

Result<TsigKey> parse_bind_key(std::string_view text) {
  return KeyReader(tokens(text)).read();
}

Result<TsigKey> load_bind_key(const std::filesystem::path& path) {
  CDB_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  Result<TsigKey> key = parse_bind_key(text);
  if (!key) return key.error().in("key file " + path.string());
  return key;
}

}  // namespace cdb::coordinator
