#include "run/timelines.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "run/directory.h"
#include "run/gzip.h"

namespace kneepoint::run {
namespace {

constexpr std::size_t kBlock = std::size_t{4} << 20;  // text of a member, about
constexpr std::size_t kLargestBlock = std::size_t{64}
                                      << 20;  // one answer may be longer than kBlock
constexpr std::size_t kLargestLine = std::size_t{48} << 20;

using simdjson::dom::element;
using simdjson::dom::object;

std::optional<metrics::Outcome> parse_outcome(std::string_view word) {
  for (const metrics::Outcome outcome : metrics::kOutcomes) {
    if (name(outcome) == word) return outcome;
  }
  return {};
}

/// The member as nanoseconds; nothing when it is left out. False for anything that is no time.
bool read_time(const object& line, std::string_view key, std::optional<Nanos>& time) {
  element value;
  if (line[key].get(value) != simdjson::SUCCESS) return true;
  std::int64_t count = 0;
  if (value.get(count) != simdjson::SUCCESS) return false;
  time = Nanos(count);
  return true;
}

bool read_usage(const object& line, std::optional<metrics::Usage>& usage) {
  simdjson::dom::array numbers;
  if (line["usage"].get(numbers) != simdjson::SUCCESS) return true;
  std::array<std::int64_t, 3> counts{};
  std::size_t at = 0;
  for (const element number : numbers) {
    if (at == counts.size() || number.get(counts[at]) != simdjson::SUCCESS) return false;
    ++at;
  }
  usage = {Tokens(counts[0]), Tokens(counts[1]), Tokens(counts[2])};
  return at == counts.size();
}

bool read_events(const object& line, std::vector<metrics::TokenEvent>& events) {
  simdjson::dom::array numbers;
  if (line["events"].get(numbers) != simdjson::SUCCESS) return true;
  std::int64_t time = 0;
  std::optional<std::int64_t> gap;
  events.reserve(numbers.size() / 2);
  for (const element number : numbers) {
    std::int64_t value = 0;
    if (number.get(value) != simdjson::SUCCESS || value < 0) return false;
    if (!gap) {
      gap = value;
      continue;
    }
    time = std::min(time, metrics::TokenEvent::kLatest.count());
    time += std::min(*gap, metrics::TokenEvent::kLatest.count());
    events.emplace_back(Nanos(time), std::min(value, metrics::TokenEvent::kMostTokens));
    gap.reset();
  }
  return !gap;
}

std::optional<metrics::Timeline> read_line(const object& line) {
  metrics::Timeline out;
  std::optional<Nanos> due, end;
  std::string_view outcome;
  bool streamed = true;
  const bool whole = read_time(line, "due", due) && read_time(line, "sent", out.sent) &&
                     read_time(line, "first_byte", out.first_byte) && read_time(line, "end", end) &&
                     line["outcome"].get(outcome) == simdjson::SUCCESS &&
                     line["streamed"].get(streamed) == simdjson::SUCCESS &&
                     read_usage(line, out.usage) && read_events(line, out.events);
  const auto parsed = parse_outcome(outcome);
  if (!whole || !due || !end || !parsed) return {};
  out.due = *due;
  out.end = *end;
  out.outcome = *parsed;
  out.streamed = streamed;
  return out;
}

}  // namespace

std::string to_timeline_line(std::int64_t point, const metrics::Timeline& timeline) {
  std::string out;
  const auto put = std::back_inserter(out);
  fmt::format_to(put, R"({{"point":{},"due":{})", point, timeline.due.count());
  if (timeline.sent) fmt::format_to(put, R"(,"sent":{})", timeline.sent->count());
  if (timeline.first_byte) fmt::format_to(put, R"(,"first_byte":{})", timeline.first_byte->count());
  fmt::format_to(put, R"(,"end":{},"outcome":"{}","streamed":{})", timeline.end.count(),
                 name(timeline.outcome), timeline.streamed);
  if (timeline.usage) {
    fmt::format_to(put, R"(,"usage":[{},{},{}])", timeline.usage->input.count(),
                   timeline.usage->output.count(), timeline.usage->reasoning.count());
  }
  out += R"(,"events":[)";
  Nanos before{0};
  for (const metrics::TokenEvent& event : timeline.events) {
    if (out.back() != '[') out += ',';
    const fmt::format_int gap((event.after_due() - before).count());
    out.append(gap.data(), gap.size());
    out += ',';
    const fmt::format_int tokens(event.tokens());
    out.append(tokens.data(), tokens.size());
    before = event.after_due();
  }
  out += "]}\n";
  return out;
}

Result<std::vector<metrics::Timeline>> parse_timeline_lines(std::string_view lines) {
  std::vector<metrics::Timeline> out;
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(lines);
  std::string_view left = padded;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    object line;
    const auto parsed = parser.parse(left.data(), end, false).get(line);
    auto timeline = parsed == simdjson::SUCCESS ? read_line(line) : std::nullopt;
    if (!timeline) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("line {} of the block is no request's timeline", out.size() + 1));
    }
    out.push_back(std::move(*timeline));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return out;
}

Result<void> TimelineWriter::add(std::span<const metrics::Timeline> timelines) {
  for (const metrics::Timeline& timeline : timelines) {
    const std::string line = to_timeline_line(point_, timeline);
    if (line.size() > kLargestLine) {
      return fail(
          ErrorCode::InvalidArgument,
          fmt::format("an answer of {} events is too long for a timeline", timeline.events.size()));
    }
    if (lines_.size() + line.size() > kBlock && !lines_.empty()) {
      if (auto written = write_member(); !written) return written;
    }
    lines_ += line;
    ++requests_;
  }
  return {};
}

Result<void> TimelineWriter::write_member() {
  if (lines_.empty()) return {};
  const auto packed = compress(lines_);
  lines_.clear();
  if (!packed) return fail(packed.error());
  return file_.write(*packed);
}

Result<void> TimelineWriter::finish() {
  if (auto written = write_member(); !written) return written;
  if (auto flushed = file_.flush(); !flushed) return flushed;
  const json::Object stretch{{"point", point_},
                             {"from", static_cast<std::int64_t>(from_)},
                             {"to", static_cast<std::int64_t>(file_.size())},
                             {"requests", requests_}};
  return directory_->put("timelines", stretch);
}

Result<std::optional<std::vector<metrics::Timeline>>> TimelineReader::next() {
  if (at_ >= to_) return std::nullopt;
  std::string_view bytes = file_.bytes().substr(at_, to_ - at_);
  const std::size_t had = bytes.size();
  const auto lines = decompress(bytes, kLargestBlock);
  auto timelines = lines ? parse_timeline_lines(*lines)
                         : Result<std::vector<metrics::Timeline>>(fail(lines.error()));
  if (!timelines) {
    return fail(std::move(timelines).error().during(fmt::format("timelines.gz at byte {}", at_)));
  }
  at_ += had - bytes.size();
  return std::optional(std::move(*timelines));
}

}  // namespace kneepoint::run
