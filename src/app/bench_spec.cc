#include "app/bench_spec.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace kneepoint::app {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr int kMostNodes = 10'000;  // aliases unfolded
constexpr int kDeepest = 32;

/// yaml-cpp calls itself once for each level, and has no bound of its own.
bool too_deep(std::string_view text) {
  int depth = 0;
  std::size_t indent = 0, dashes = 0;
  bool line_start = true;
  for (const char c : text) {
    if (c == '\n') {
      line_start = true;
      indent = dashes = 0;
    } else if (line_start && c == ' ') {
      if (++indent > 400) return true;
    } else if (line_start && (c == '-' || c == '?')) {
      if (++dashes > kDeepest) return true;
    } else {
      line_start = false;
    }
    if (c == '[' || c == '{') ++depth;
    if (depth > 4 * kDeepest) return true;
  }
  return false;
}

json::Value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return json::Value(text);  // in quotes
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  if (const auto whole = parse_integer(text)) return static_cast<std::int64_t>(*whole);
  if (const auto number = parse_number(text)) return *number;
  return json::Value(text);
}

/// Throws what yaml-cpp throws.
json::Value convert(const YAML::Node& node, int depth, int& nodes) {
  if (depth > kDeepest || ++nodes > kMostNodes) {
    throw YAML::RepresentationException(node.Mark(), "the document is too large");
  }
  if (node.IsMap()) {
    json::Object out;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) {
        throw YAML::RepresentationException(member.first.Mark(), "a key must be a word");
      }
      const std::string& key = member.first.Scalar();
      if (out.contains(key)) {
        throw YAML::RepresentationException(member.first.Mark(), "'" + key + "' is there twice");
      }
      out.emplace(key, convert(member.second, depth + 1, nodes));
    }
    return out;
  }
  if (node.IsSequence()) {
    json::Array out;
    for (const auto& item : node) out.push_back(convert(item, depth + 1, nodes));
    return out;
  }
  return node.IsScalar() ? scalar(node) : json::Value(nullptr);
}

Result<json::Value> parse_document(std::string_view text) {
  if (text.size() > kMostBytes || too_deep(text)) {
    return fail(ErrorCode::InvalidArgument, "spec: the document is too large or too deep");
  }
  try {
    int nodes = 0;
    return convert(YAML::Load(std::string(text)), 0, nodes);
  } catch (const YAML::Exception& wrong) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("spec: line {}, column {}: {}", wrong.mark.line + 1,
                            wrong.mark.column + 1, wrong.msg));
  }
}

/// Takes a text member out of the document.
Result<std::string> take_text(json::Object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr) return std::string();
  if (!found->is_string() || found->get_string().empty()) {
    return fail(ErrorCode::InvalidArgument, fmt::format("spec: {}: must be a text", key));
  }
  std::string out(found->get_string());
  from.erase(key);
  return out;
}

}  // namespace

Result<BenchSpec> parse_bench_spec(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return fail(std::move(document.error()));
  if (!document->is_object()) {
    return fail(ErrorCode::InvalidArgument,
                "spec: must be a list of members, such as \"url: ...\"");
  }
  json::Object& members = document->get_object();
  BenchSpec out;
  auto url = take_text(members, "url"), model = take_text(members, "model"),
       api = take_text(members, "api");
  for (const auto* one : {&url, &model, &api}) {
    if (!*one) return fail(one->error());
  }
  out.url = std::move(*url);
  out.model = std::move(*model);
  if (!api->empty()) {
    const auto known = parse_api(*api);
    if (!known) return fail(Error(known.error()).during("spec"));
    out.api = *known;
  }
  if (!members.contains("schema")) members.emplace("schema", workload::kRunSpecSchema);
  auto run = workload::from_json(*document);
  if (!run) return fail(std::move(run.error()).during("spec"));
  out.run = std::move(*run);
  return out;
}

Result<BenchSpec> read_bench_spec(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  auto spec = parse_bench_spec(*text);
  if (!spec) return fail(std::move(spec.error()).during(path.string()));
  return spec;
}

}  // namespace kneepoint::app
