#include "httpd/static_files.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "httpd/answer.h"
#include "httpd/gzip.h"

namespace kneepoint::httpd {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kMostFiles = 10'000;
constexpr std::size_t kSmall = 512;  // not worth packing

struct Type {
  std::string_view ending, type;
};
constexpr std::array kTypes{
    Type{".html", "text/html; charset=utf-8"},
    Type{".js", "text/javascript; charset=utf-8"},
    Type{".mjs", "text/javascript; charset=utf-8"},
    Type{".css", "text/css; charset=utf-8"},
    Type{".json", "application/json; charset=utf-8"},
    Type{".map", "application/json; charset=utf-8"},
    Type{".webmanifest", "application/manifest+json"},
    Type{".svg", "image/svg+xml"},
    Type{".png", "image/png"},
    Type{".jpg", "image/jpeg"},
    Type{".webp", "image/webp"},
    Type{".ico", "image/x-icon"},
    Type{".woff2", "font/woff2"},
    Type{".woff", "font/woff"},
    Type{".wasm", "application/wasm"},
    Type{".txt", "text/plain; charset=utf-8"},
    Type{".md", "text/markdown; charset=utf-8"},
    Type{".yaml", "application/yaml"},
};

/// "app-1a2b3c4d.js": bundlers put a hash of at least 8 characters between the name and its ending.
/// It has a digit or a capital in it, which "some-component.js" has not.
bool has_hash(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.find('.');
  const auto dash = name.substr(0, dot).find_last_of('-');
  if (dash == std::string_view::npos || dot == std::string_view::npos) return false;
  const auto hash = name.substr(dash + 1, dot - dash - 1);
  bool telling = false;
  for (const char c : hash) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
    telling = telling || std::isdigit(static_cast<unsigned char>(c)) ||
              std::isupper(static_cast<unsigned char>(c));
  }
  return hash.size() >= 8 && telling;
}

bool lists(std::string_view if_none_match, std::string_view tag) {
  if (trim(if_none_match) == "*") return true;
  for (auto each : split(if_none_match, ',')) {
    if (each.starts_with("W/")) each.remove_prefix(2);
    if (each == tag) return true;
  }
  return false;
}

}  // namespace

std::string_view content_type(std::string_view path) {
  for (const auto& each : kTypes)
    if (path.ends_with(each.ending)) return each.type;
  return "application/octet-stream";
}

Result<StaticFiles> StaticFiles::read(const std::string& folder) {
  StaticFiles files;
  std::unordered_map<std::string, Bytes> found;
  std::size_t bytes = 0;
  std::error_code wrong;
  fs::recursive_directory_iterator at(folder, wrong);
  const auto unreadable = [&] {
    return fail(ErrorCode::NotFound,
                fmt::format("the console's folder {}: {}", folder, wrong.message()));
  };
  if (wrong) return unreadable();
  for (; at != fs::recursive_directory_iterator(); at.increment(wrong)) {
    const auto& path = at->path();
    const bool hidden = path.filename().native().starts_with(".");
    if (at->is_symlink() || hidden) {
      at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file()) continue;
    auto content = read_file(path);
    if (!content) return fail(std::move(content.error()).during("the console's folder"));
    bytes += content->size();
    if (bytes > kMostBytes || found.size() == kMostFiles)
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{} is no console: more than 64 MiB or 10000 files", folder));
    found.emplace("/" + path.lexically_relative(folder).generic_string(),
                  std::make_shared<const std::string>(std::move(*content)));
  }
  if (wrong) return unreadable();
  if (!found.contains("/index.html"))
    return fail(ErrorCode::NotFound,
                fmt::format("{} holds no index.html: build the console with web/build, or leave it "
                            "out with --web=off",
                            folder));
  const auto beside = [&](const std::string& name) {
    const auto each = found.find(name);
    return each == found.end() ? nullptr : each->second;
  };
  for (const auto& [name, content] : found) {
    if ((name.ends_with(".gz") || name.ends_with(".br")) &&
        found.contains(name.substr(0, name.size() - 3)))
      continue;
    File file;
    file.type = content_type(name);
    file.tag = fmt::format("\"{}\"", content_hash(*content).substr(0, 20));
    file.plain = content;
    file.gz = beside(name + ".gz");
    file.br = beside(name + ".br");
    file.forever = has_hash(name);
    if (!file.gz && content->size() >= kSmall && worth_packing(file.type))
      file.gz = std::make_shared<const std::string>(gzip(*content, 9));
    files.files_.emplace(name, std::move(file));
  }
  return files;
}

Answer StaticFiles::answer(std::string_view path,
                           const std::function<std::string_view(std::string_view)>& field) const {
  auto found = files_.find(std::string(path));
  if (found == files_.end()) {
    const auto name = path.substr(path.rfind('/') + 1);
    const bool looks_like_a_file = content_type(name) != "application/octet-stream";
    if (looks_like_a_file) return error_answer(404, "NO_SUCH_FILE", "the console has no such file");
    found = files_.find("/index.html");
  }
  const auto& file = found->second;
  Answer answer;
  answer.content_type = file.type;
  answer.fields.emplace_back("ETag", "W/" + file.tag);  // the same for packed and plain
  answer.fields.emplace_back("Vary", "Accept-Encoding");
  answer.fields.emplace_back("Cache-Control",
                             file.forever ? "public, max-age=31536000, immutable" : "no-cache");
  if (lists(field("if-none-match"), file.tag)) {
    answer.status = 304;
    return answer;
  }
  const auto accepted = field("accept-encoding");
  answer.body = file.plain;
  if (file.br && accepts_encoding(accepted, "br")) {
    answer.body = file.br;
    answer.fields.emplace_back("Content-Encoding", "br");
  } else if (file.gz && accepts_encoding(accepted, "gzip")) {
    answer.body = file.gz;
    answer.fields.emplace_back("Content-Encoding", "gzip");
  }
  return answer;
}

}  // namespace kneepoint::httpd
