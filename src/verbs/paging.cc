#include "verbs/paging.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/hash.h"
#include "base/text.h"

namespace kneepoint::verbs {
namespace {

constexpr std::size_t kHexDigits = 16;

std::string token_of(std::uint64_t of, std::size_t from) {
  const std::string body = fmt::format("{:016x}{:x}", of, from);
  return body + fmt::format("{:04x}", hash64(body, of) & 0xffff);
}

std::size_t digits(std::uint64_t number) {
  std::size_t out = 1;
  while (number >= 10) {
    number /= 10;
    ++out;
  }
  return out;
}

}  // namespace

std::size_t size_of(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::object: {
      std::size_t out = 2;
      for (const auto& member : value.get_object()) {
        out += member.key().size() + 4 + size_of(member.value());
      }
      return out;
    }
    case boost::json::kind::array: {
      std::size_t out = 2;
      for (const json::Value& item : value.get_array()) out += size_of(item) + 1;
      return out;
    }
    case boost::json::kind::string:
      return value.get_string().size() + 2;
    case boost::json::kind::int64: {
      const std::int64_t number = value.get_int64();
      return number < 0 ? 1 + digits(-static_cast<std::uint64_t>(number))
                        : digits(static_cast<std::uint64_t>(number));
    }
    case boost::json::kind::uint64:
      return digits(value.get_uint64());
    case boost::json::kind::double_:
      return shortest(value.get_double()).size();
    default:
      return 5;
  }
}

Result<Page> Page::of(Call& call, Reader& read) {
  Page out;
  const auto size = read.integer("pageSize", 0, 2'147'483'647);
  out.most_ = static_cast<std::size_t>(std::min(size.value_or(0), kLargestPage));
  const std::string token = read.text("pageToken", 64);
  const auto state = call.session.state();
  if (!state) return fail(state.error());
  json::Object ask;
  for (const auto& member : call.ask) {
    if (member.key() == "pageSize" || member.key() == "pageToken") continue;
    ask.emplace(member.key(), member.value());
  }
  out.of_ = hash64(json::to_line(ask), hash64(*state));
  if (token.empty()) return out;
  const auto bad = [](const char* why) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("pageToken: {}; leave it out to begin with the first page", why));
  };
  if (token.size() < kHexDigits + 5) return bad("no token of this service");
  std::uint64_t of = 0, from = 0;
  const char* const begin = token.data();
  const char* const middle = begin + kHexDigits;
  const char* const end = begin + token.size() - 4;
  if (std::from_chars(begin, middle, of, 16).ptr != middle ||
      std::from_chars(middle, end, from, 16).ptr != end || token_of(of, from) != token) {
    return bad("no token of this service");
  }
  if (of != out.of_) return bad("of another request, or the profiles have changed since");
  out.from_ = from;
  return out;
}

bool Page::takes(std::size_t bytes) {
  if (most_ > 0 && taken_ == most_) return false;
  if (taken_ > 0 && bytes_ + bytes > kLargestAnswer) {
    full_ = true;
    return false;
  }
  bytes_ += bytes + 1;
  ++taken_;
  return true;
}

std::string Page::next_token() const { return token_of(of_, from_ + taken_); }

json::Value page_of_names(Page page, std::string_view key, const std::vector<std::string>& names) {
  json::Object out;
  json::Array list;
  for (std::size_t i = page.from(); i < names.size(); ++i) {
    if (!page.takes(names[i].size() + 2)) {
      out.emplace("nextPageToken", page.next_token());
      break;
    }
    list.emplace_back(names[i]);
  }
  out.insert_or_assign(key, std::move(list));
  return out;
}

}  // namespace kneepoint::verbs
