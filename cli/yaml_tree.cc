#include "cli/yaml_tree.h"

#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace cdb::cli {
namespace {

constexpr size_t kMaxTextBytes = 1 << 20;
constexpr size_t kMaxNodes = 50'000;
constexpr size_t kMaxExpandedBytes = 4 << 20;

// Ends the reading of one file; never leaves parse_yaml.
struct Abandon {
  Position at{};
  std::string message{};
  std::string hint{};
};

Position position_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Builds the tree from yaml-cpp's events: its own Node would guess types and forget doubled keys.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  std::vector<YamlNode> take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark&) override {
    open_.clear();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.at = position_of(mark);
    add(std::move(node), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    YamlNode node;
    node.type = YamlNode::Type::Scalar;
    node.at = position_of(mark);
    node.quoted = tag == "!";
    node.text = value;
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Abandon{position_of(mark), "an alias stands inside what it names", {}};
    }
    YamlNode copy = found->second;
    charge_tree(copy, position_of(mark));
    copy.at = position_of(mark);
    place(std::move(copy));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(YamlNode::Type::List, position_of(mark), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(YamlNode::Type::Map, position_of(mark), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node{};
    YAML::anchor_t anchor{0};
    std::optional<YamlNode::Key> key{};  // Map: read, its value is awaited
    bool skip{false};                    // the awaited value belongs to a key that is no good
    std::map<std::string, int> lines{};  // of the keys seen
  };

  void complain(Position at, std::string message, std::string hint = {}) {
    problems_.push_back({file_, at, std::move(message), std::move(hint)});
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.rfind("tag:yaml.org,2002:", 0) == 0) return;
    complain(position_of(mark), fmt::format("tag {} is not understood", tag), "leave the tag out");
  }
  void charge(size_t bytes, Position at) {
    bytes_ += bytes;
    if (++nodes_ > kMaxNodes || bytes_ > kMaxExpandedBytes) {
      throw Abandon{at, "the file holds too much once its aliases are expanded",
                    "write it without aliases, or in several files"};
    }
  }
  void charge_tree(const YamlNode& node, Position at) {
    charge(node.text.size(), at);
    for (const auto& key : node.keys)
      charge(key.text.size(), at);
    for (const auto& item : node.items)
      charge_tree(item, at);
  }
  void open(YamlNode::Type type, Position at, YAML::anchor_t anchor) {
    charge(0, at);
    Open opened;
    opened.node.type = type;
    opened.node.at = at;
    opened.anchor = anchor;
    open_.push_back(std::move(opened));
  }
  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    remember(closed.node, closed.anchor);
    place(std::move(closed.node));
  }
  void add(YamlNode node, YAML::anchor_t anchor) {
    charge(node.text.size(), node.at);
    remember(node, anchor);
    place(std::move(node));
  }
  void remember(const YamlNode& node, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    charge_tree(node, node.at);
    anchors_[anchor] = node;
  }
  void place(YamlNode node) {
    if (open_.empty()) {
      if (node.type != YamlNode::Type::Null) documents_.push_back(std::move(node));
      return;
    }
    Open& parent = open_.back();
    if (parent.node.type == YamlNode::Type::List) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.skip) {
      parent.skip = false;
    } else if (parent.key) {
      parent.node.keys.push_back(*std::exchange(parent.key, std::nullopt));
      parent.node.items.push_back(std::move(node));
    } else {
      place_key(parent, node);
    }
  }
  void place_key(Open& parent, YamlNode& node) {
    parent.skip = true;
    if (node.type != YamlNode::Type::Scalar) return complain(node.at, "a key must be text");
    if (node.text == "<<") {
      return complain(node.at, "merge keys (<<) are not understood", "write the fields out");
    }
    const auto [first, fresh] = parent.lines.emplace(node.text, node.at.line);
    if (!fresh) {
      return complain(node.at, fmt::format("duplicate key {}", node.text),
                      fmt::format("it already stands in line {}: keep one", first->second));
    }
    parent.skip = false;
    parent.key = YamlNode::Key{std::move(node.text), node.at};
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
  std::vector<YamlNode> documents_{};
  std::vector<Open> open_{};
  std::map<YAML::anchor_t, YamlNode> anchors_{};
  size_t nodes_{0};
  size_t bytes_{0};
};

// The length of the UTF-8 sequence at the start of `text`, or 0 where there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (length == 3 && ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)))
    return 0;
  if (length == 4 && ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)))
    return 0;
  return length;
}

// Where the text stops being something a person could have typed.
std::optional<Position> first_foreign_byte(std::string_view text) {
  Position at{1, 1};
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = utf8_length(text.substr(i));
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) return at;
    at = c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
    i += length;
  }
  return std::nullopt;
}

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool indented_by_tab(std::string_view line) {
  const size_t first = line.find_first_not_of(' ');
  return first != std::string_view::npos && line[first] == '\t';
}

Problem syntax_problem(const std::string& file, std::string_view text, Position at,
                       const std::string& what) {
  Problem problem{file, at, "not valid YAML: " + what,
                  "check the indentation, and quote text that holds ': ' or ' #'"};
  if (what.find("anchor") != std::string::npos) {
    problem.hint = "define it further up with &NAME, or write the value itself";
  }
  // The parser notices a tab up to one line late.
  for (const int line : {at.line, at.line - 1}) {
    const std::string_view written = line < 1 ? std::string_view{} : line_of(text, line);
    if (!indented_by_tab(written)) continue;
    problem.at = {line, static_cast<int>(written.find('\t')) + 1};
    problem.message = "not valid YAML: a tab stands where the line is indented";
    problem.hint = "indent with spaces";
    break;
  }
  return problem;
}

}  // namespace

std::string Problem::text() const {
  std::string shown = file;
  if (at.line > 0) shown += fmt::format(":{}:{}", at.line, at.column);
  shown += ": " + message;
  if (!hint.empty()) shown += "\n  hint: " + hint;
  return shown;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

std::vector<YamlNode> parse_yaml(const std::string& file, std::string_view text,
                                 std::vector<Problem>& problems) {
  if (text.size() > kMaxTextBytes) {
    problems.push_back({file, {}, "larger than 1 MiB", "write the resources in several files"});
    return {};
  }
  if (const auto foreign = first_foreign_byte(text)) {
    problems.push_back({file, *foreign, "not UTF-8 text", "save the file as UTF-8"});
    return {};
  }
  TreeBuilder builder(file, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Abandon& abandon) {
    problems.push_back({file, abandon.at, abandon.message, abandon.hint});
  } catch (const YAML::DeepRecursion& error) {
    problems.push_back({file, position_of(error.mark), "nested too deeply", {}});
  } catch (const YAML::Exception& error) {
    problems.push_back(syntax_problem(file, text, position_of(error.mark), error.msg));
  }
  return builder.take();
}

}  // namespace cdb::cli
