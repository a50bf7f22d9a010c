#include "httpd/tokens.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace kneepoint::httpd {
namespace {

constexpr std::uint64_t kMostBytes = 8 << 20;
constexpr std::size_t kMostTokens = 10'000;
constexpr std::size_t kShortest = 16;  // characters; 64 bits where they are hex
constexpr std::size_t kLongest = 4096;
constexpr std::string_view kHashed = "sha256:";

using Hash = std::array<unsigned char, 32>;

Hash sha256(std::string_view text) {
  Hash hash{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return hash;
}

std::optional<Hash> from_hex(std::string_view text) {
  Hash hash;
  if (text.size() != 2 * hash.size()) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return hash;
}

/// Blanks and tabs apart; a name or a token has none inside.
std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  while (true) {
    const auto from = line.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return found;
    line.remove_prefix(from);
    const auto to = std::min(line.find_first_of(" \t\r"), line.size());
    found.push_back(line.substr(0, to));
    line.remove_prefix(to);
  }
}

}  // namespace

std::optional<Right> parse_right(std::string_view text) {
  for (const auto right : {Right::Read, Right::Write, Right::Deploy})
    if (text == name(right)) return right;
  return std::nullopt;
}

std::string_view name(Right right) {
  switch (right) {
    case Right::Read:
      return "read";
    case Right::Write:
      return "write";
    case Right::Deploy:
      return "deploy";
  }
  return "read";
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size() ||
      lower(authorization.substr(0, kScheme.size())) != kScheme)
    return std::nullopt;
  const auto token = trim(authorization.substr(kScheme.size()));
  if (token.empty()) return std::nullopt;
  return token;
}

Result<TokenTable::Entries> TokenTable::parse(std::string_view text) {
  Entries entries;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto wrong = [&](std::string_view why) {
      return fail(ErrorCode::InvalidArgument, fmt::format("line {}: {}", number, why));
    };
    const auto parts = words(line);
    if (parts.size() != 3)
      return wrong("expected three words: name, right (read, write or deploy), token");
    if (parts[0].size() > 64) return wrong("the name is longer than 64 characters");
    const auto right = parse_right(parts[1]);
    if (!right) return wrong("the second word is none of read, write, deploy");
    Entry entry{{}, {std::string(parts[0]), *right}};
    const auto token = parts[2];
    if (token.starts_with(kHashed)) {
      const auto hash = from_hex(token.substr(kHashed.size()));
      if (!hash) return wrong("sha256: is followed by 64 hex digits");
      entry.hash = *hash;
    } else if (token.size() < kShortest || token.size() > kLongest) {
      return wrong("a token has 16 to 4096 characters; make one with: openssl rand -hex 32");
    } else {
      entry.hash = sha256(token);
    }
    for (const auto& other : entries)
      if (other.hash == entry.hash)
        return wrong(fmt::format("the same token as that of \"{}\"", other.caller.name));
    if (entries.size() == kMostTokens) return wrong("more than 10000 tokens");
    entries.push_back(std::move(entry));
  }
  if (entries.empty())
    return fail(ErrorCode::InvalidArgument,
                "no token in it; a line is: name, right (read, write or deploy), token");
  return entries;
}

Result<void> TokenTable::read() {
  const auto where = fmt::format("token file {}", path_);
  auto now = file_stamp(path_);
  if (!now) return fail(std::move(now.error()).during("token file"));
  if ((now->mode & 0037) != 0)
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: mode {:04o} lets others at it; set it with: chmod 600 {}", where,
                            now->mode, path_));
  if (now->size > kMostBytes)
    return fail(ErrorCode::InvalidArgument, where + ": larger than 8 MiB");
  auto text = read_file(path_);
  if (!text) return fail(std::move(text.error()).during("token file"));
  auto entries = parse(*text);
  OPENSSL_cleanse(text->data(), text->size());
  if (!entries) return fail(std::move(entries.error()).during(where));
  const std::scoped_lock lock(mutex_);
  entries_ = std::make_shared<const Entries>(std::move(*entries));
  stamp_ = *now;
  return {};
}

Result<std::shared_ptr<TokenTable>> TokenTable::open(std::string path) {
  const std::shared_ptr<TokenTable> table(new TokenTable(std::move(path)));
  if (auto done = table->read(); !done) return fail(std::move(done.error()));
  return table;
}

Result<bool> TokenTable::refresh() {
  auto now = file_stamp(path_);
  if (!now) return fail(std::move(now.error()).during("token file"));
  {
    const std::scoped_lock lock(mutex_);
    if (*now == stamp_) return false;
  }
  if (auto done = read(); !done) return fail(std::move(done.error()));
  return true;
}

std::optional<Caller> TokenTable::find(std::string_view token) const {
  if (token.empty() || token.size() > kLongest) return std::nullopt;
  const auto hash = sha256(token);
  std::shared_ptr<const Entries> entries;
  {
    const std::scoped_lock lock(mutex_);
    entries = entries_;
  }
  // Every entry is looked at, whichever matches: the time tells nothing.
  const Entry* found = nullptr;
  for (const auto& entry : *entries)
    if (CRYPTO_memcmp(entry.hash.data(), hash.data(), hash.size()) == 0) found = &entry;
  if (!found) return std::nullopt;
  return found->caller;
}

std::size_t TokenTable::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_->size();
}

}  // namespace kneepoint::httpd
