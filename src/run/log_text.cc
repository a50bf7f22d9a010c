#include "run/log_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hash.h"

namespace kneepoint::run {
namespace {

constexpr std::size_t kSumDigits = 16;
constexpr std::string_view kVersionWord = "kneepoint-run v";

bool is_kind(std::string_view kind) {
  return !kind.empty() && kind.size() <= 32 && std::all_of(kind.begin(), kind.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '-';
  });
}

/// The decimal number in front of a blank, taken off the text together with the blank. Written as
/// we write it: no sign, no leading zero.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || used == text.size() || *end != ' ' || text.front() == '-' ||
      (text.front() == '0' && used > 1)) {
    return {};
  }
  text.remove_prefix(used + 1);
  return value;
}

struct Line {
  std::string_view sum;
  std::string_view summed;  // what the sum is of
  std::optional<std::int64_t> size;
  std::string_view rest;  // what the size counts
};

Line split_line(std::string_view line) {
  Line out;
  if (line.size() <= kSumDigits || line[kSumDigits] != ' ') return out;
  out.sum = line.substr(0, kSumDigits);
  out.summed = out.rest = line.substr(kSumDigits + 1);
  out.size = take_number(out.rest);
  return out;
}

bool sum_is_right(const Line& line) {
  return line.size && *line.size == static_cast<std::int64_t>(line.rest.size()) &&
         line.sum == fmt::format("{:016x}", hash64(line.summed));
}

Result<Record> to_record(std::string_view rest) {
  Record record;
  const auto index = take_number(rest);
  const std::size_t blank = rest.find(' ');
  if (!index || blank == std::string_view::npos || !is_kind(rest.substr(0, blank))) {
    return fail(ErrorCode::InvalidArgument, "no number and kind in front");
  }
  auto value = json::parse(rest.substr(blank + 1));
  if (!value) return fail(value.error());
  record.index = *index;
  record.kind = rest.substr(0, blank);
  record.value = std::move(*value);
  return record;
}

Result<void> check_start(std::string_view bytes) {
  if (bytes.starts_with(kLogStart)) return {};
  if (kLogStart.starts_with(bytes)) {
    return fail(
        ErrorCode::InvalidArgument,
        "the run was stopped before it began and holds nothing; remove its folder and start "
        "it anew");
  }
  if (bytes.starts_with(kVersionWord)) {
    const std::string_view version =
        bytes.substr(kVersionWord.size(), bytes.find('\n') - kVersionWord.size()).substr(0, 20);
    if (!version.empty() && version.find_first_not_of("0123456789") == std::string_view::npos) {
      return fail(
          ErrorCode::Incompatible,
          fmt::format("written in version {} of the format, this build reads version 1; use "
                      "the kneepoint that wrote it, or a later one",
                      version));
    }
  }
  return fail(ErrorCode::InvalidArgument, "not the log of a run: it does not start with its name");
}

}  // namespace

Result<std::string> to_log_line(std::int64_t index, std::string_view kind,
                                const json::Value& value) {
  if (!is_kind(kind)) {
    return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no kind of record", kind));
  }
  const std::string rest = fmt::format("{} {} {}", index, kind, json::to_line(value));
  if (rest.size() > kLargestRecord) {
    return fail(ErrorCode::InvalidArgument, fmt::format("a record of {} bytes; at most {} are kept",
                                                        rest.size(), kLargestRecord));
  }
  const std::string summed = fmt::format("{} {}", rest.size(), rest);
  return fmt::format("{:016x} {}\n", hash64(summed), summed);
}

Result<Record> parse_log_line(std::string_view line) {
  const Line parts = split_line(line);
  if (!sum_is_right(parts)) {
    return fail(ErrorCode::InvalidArgument, "no record, or a damaged one: its sum is not right");
  }
  return to_record(parts.rest);
}

Result<LogText> parse_log(std::string_view bytes) {
  if (auto start = check_start(bytes); !start) return fail(start.error());
  if (bytes.size() > kLargestLog) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} bytes; a log has at most {}", bytes.size(), kLargestLog));
  }
  LogText out;
  out.good = kLogStart.size();
  while (out.good < bytes.size()) {
    const auto number = static_cast<std::int64_t>(out.records.size());
    const std::string_view left = bytes.substr(out.good);
    const std::size_t end = left.find('\n');
    const Line line = split_line(left.substr(0, end));
    const bool whole = end != std::string_view::npos;
    if (!whole || !sum_is_right(line)) {
      const bool last = !whole || end + 1 == left.size();
      const bool runs_on = line.size && static_cast<std::int64_t>(line.rest.size()) > *line.size;
      if (last && !runs_on) {
        out.torn = fmt::format(
            "record {} was not finished when the run was stopped; its {} bytes (from byte {}) are "
            "dropped",
            number, left.size(), out.good);
        break;
      }
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("record {} (at byte {}) is damaged: its sum is not right, and more "
                              "follows it; use a copy of the folder, or run it anew",
                              number, out.good));
    }
    auto record = to_record(line.rest);
    if (!record) {
      return fail(std::move(record).error().during(
          fmt::format("record {} (at byte {})", number, out.good)));
    }
    if (record->index != number) {
      return fail(
          ErrorCode::InvalidArgument,
          fmt::format("record {} (at byte {}) says it is number {}: lines are missing or in "
                      "another order; use a copy of the folder, or run it anew",
                      number, out.good, record->index));
    }
    out.records.push_back(std::move(*record));
    out.good += end + 1;
  }
  return out;
}

}  // namespace kneepoint::run
