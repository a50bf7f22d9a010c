#include "workload/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "workload/length.h"

namespace kneepoint::workload {
namespace {

enum class Field { Input, Output, Both, Seconds, Milliseconds, DateAndTime };

struct Name {
  std::string_view text;
  Field field;
};

constexpr std::array kNames{
    Name{"prompt_tokens", Field::Input},
    Name{"input_tokens", Field::Input},
    Name{"input_length", Field::Input},
    Name{"num_prefill_tokens", Field::Input},
    Name{"ContextTokens", Field::Input},
    Name{"Request tokens", Field::Input},
    Name{"output_tokens", Field::Output},
    Name{"output_length", Field::Output},
    Name{"completion_tokens", Field::Output},
    Name{"num_decode_tokens", Field::Output},
    Name{"GeneratedTokens", Field::Output},
    Name{"Response tokens", Field::Output},
    Name{"tokens", Field::Both},
    Name{"arrival_s", Field::Seconds},
    Name{"arrived_at", Field::Seconds},
    Name{"Timestamp", Field::Seconds},
    Name{"timestamp", Field::Milliseconds},
    Name{"TIMESTAMP", Field::DateAndTime},
};

std::optional<Field> find_field(std::string_view name) {
  for (const Name& row : kNames) {
    if (row.text == name) return row.field;
  }
  return {};
}

constexpr double kLongest = 1e9;  // seconds: 31 years

/// "2023-11-16 18:17:03.9799600" or with a T, in seconds since 1970; no zone but Z or +00:00.
std::optional<Nanos> date_and_time(std::string_view text) {
  if (text.size() < 19 || (text[10] != ' ' && text[10] != 'T')) return {};
  const auto day = parse_date(text.substr(0, 10));
  std::string_view clock = text.substr(11);
  if (clock.ends_with("+00:00")) clock.remove_suffix(6);
  if (clock.ends_with('Z')) clock.remove_suffix(1);
  if (!day || clock.size() < 8 || clock[2] != ':' || clock[5] != ':') return {};
  // A clock of 64-bit nanoseconds ends in 2262.
  if (*day < Date(std::chrono::days(0)) || *day > Date(std::chrono::days(84'000))) return {};
  const auto hours = parse_integer(clock.substr(0, 2));
  const auto minutes = parse_integer(clock.substr(3, 2));
  const auto seconds = parse_number(clock.substr(6));
  if (!hours || !minutes || !seconds || *hours < 0 || *hours > 23 || *minutes < 0 ||
      *minutes > 59 || *seconds < 0 || *seconds >= 61) {
    return {};
  }
  return Nanos(day->time_since_epoch()) + std::chrono::hours(*hours) +
         std::chrono::minutes(*minutes) + Nanos(static_cast<std::int64_t>(*seconds * 1e9 + 0.5));
}

/// Collects rows field by field, whatever the form they came in.
class Collector {
 public:
  Collector(std::string_view name, std::string_view unit) : name_(name), unit_(unit) {}

  tl::unexpected<Error> wrong(std::size_t place, const std::string& what) const {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: {} {}: {}", name_, unit_, place, what));
  }

  Result<void> number(std::size_t place, std::string_view name, Field field,
                      std::optional<double> value, std::string_view shown) {
    if (field == Field::Seconds || field == Field::Milliseconds) {
      const double seconds = value.value_or(-1) / (field == Field::Milliseconds ? 1000.0 : 1.0);
      if (!(seconds >= 0 && seconds <= 5 * kLongest)) {
        return wrong(place,
                     fmt::format("'{}' must be a time of at least 0, not '{}'", name, shown));
      }
      due_ = Nanos(static_cast<std::int64_t>(seconds * 1e9 + 0.5));
      return {};
    }
    if (!value || *value < 0 || *value > static_cast<double>(kMostTokens) ||
        *value != std::floor(*value)) {
      return wrong(place, fmt::format("'{}' must be a whole number from 0 to {}, not '{}'", name,
                                      kMostTokens, shown));
    }
    const Tokens tokens(static_cast<std::int64_t>(*value));
    if (field != Field::Output) input_ = tokens;
    if (field != Field::Input) output_ = tokens;
    return {};
  }

  Result<void> text(std::size_t place, std::string_view name, Field field, std::string_view value) {
    const std::string_view shown = value.substr(0, 40);
    if (field != Field::DateAndTime) return number(place, name, field, parse_number(value), shown);
    due_ = date_and_time(value);
    if (!due_) {
      return wrong(
          place, fmt::format("'{}' must look like 2023-11-16 18:17:03.97, not '{}'", name, shown));
    }
    return {};
  }

  Result<void> blocks(std::size_t place, const json::Value& value) {
    blocks_.clear();
    if (!value.is_array()) return wrong(place, "'hash_ids' must be an array");
    for (const json::Value& id : value.get_array()) {
      if (!id.is_int64() || id.get_int64() < 0) {
        return wrong(place, fmt::format("'hash_ids' must hold whole numbers from 0, not '{}'",
                                        json::to_line(id).substr(0, 40)));
      }
      blocks_.push_back(id.get_int64());
    }
    return {};
  }
  void shape(Tokens input, Tokens output) {
    input_ = std::min(input, Tokens(kMostTokens));
    output_ = std::min(output, Tokens(kMostTokens));
  }
  void skip() { ++trace_.skipped; }
  void estimated() { trace_.estimated = true; }

  Result<void> end_row(std::size_t place) {
    const auto input = std::exchange(input_, {});
    const auto output = std::exchange(output_, {});
    const auto due = std::exchange(due_, {});
    auto blocks = std::exchange(blocks_, {});
    if (!input || !output) {
      return wrong(place, fmt::format("no {} tokens: known names are {}",
                                      input ? "output" : "input", names(!input)));
    }
    if (*input < Tokens(1) || *output < Tokens(1)) {
      skip();
      return {};
    }
    if (trace_.rows.empty()) {
      trace_.timed = due.has_value();
      first_ = due.value_or(Nanos());
    } else if (trace_.timed != due.has_value()) {
      return wrong(place, "some rows have a time and some have none");
    }
    const Nanos since_first = due.value_or(Nanos()) - first_;
    if (due && !trace_.rows.empty() && since_first < trace_.rows.back().due) {
      return wrong(place, "earlier than the row before: sort the file by time");
    }
    const std::int64_t most = (input->count() + kTraceBlock.count() - 1) / kTraceBlock.count();
    if (static_cast<std::int64_t>(blocks.size()) > most) {
      return wrong(place, fmt::format("{} 'hash_ids' for {} input tokens: a block has {}",
                                      blocks.size(), input->count(), kTraceBlock.count()));
    }
    trace_.rows.push_back({since_first, *input, *output, std::move(blocks)});
    return {};
  }

  Result<Trace> finish() {
    if (trace_.rows.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: holds no request with input and output", name_));
    }
    return std::move(trace_);
  }

 private:
  static std::string names(bool input) {
    std::vector<std::string> out;
    for (const Name& row : kNames) {
      if (row.field == (input ? Field::Input : Field::Output)) out.emplace_back(row.text);
    }
    return join(out, ", ");
  }

  std::string_view name_;
  std::string_view unit_;
  Trace trace_;
  Nanos first_{};
  std::optional<Tokens> input_, output_;
  std::optional<Nanos> due_;
  std::vector<std::int64_t> blocks_;
};

// ---- CSV ----

/// The fields of one line; a field may be quoted, a quote in it doubled. Fields over several lines
/// do not occur among numbers and are not read.
std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  for (std::string& field : fields) field = std::string(trim(field));
  return fields;
}

/// Calls `line(number, text)` for every line that is not blank, until one fails.
template <class Line>
Result<void> each_line(std::string_view text, Line line) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view content = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (content.empty()) continue;
    const Result<void> done = line(number, content);
    if (!done) return done;
  }
  return {};
}

Result<Trace> parse_csv(std::string_view text, std::string_view name) {
  Collector rows(name, "line");
  std::vector<std::string> header;
  const auto read = each_line(text, [&](std::size_t number, std::string_view line) -> Result<void> {
    const std::vector<std::string> fields = csv_fields(line);
    if (header.empty()) {
      header = fields;
      return {};
    }
    if (fields.size() != header.size()) {
      return rows.wrong(
          number, fmt::format("{} fields, but the header has {}", fields.size(), header.size()));
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto field = find_field(header[i]);
      if (!field) continue;
      const auto taken = rows.text(number, header[i], *field, fields[i]);
      if (!taken) return taken;
    }
    return rows.end_row(number);
  });
  if (!read) return fail(read.error());
  return rows.finish();
}

// ---- JSON ----

std::string_view string_member(const json::Object& object, std::string_view one,
                               std::string_view other) {
  for (const std::string_view key : {one, other}) {
    const json::Value* value = object.if_contains(key);
    if (value != nullptr && value->is_string()) return value->get_string();
  }
  return {};
}

/// The first two turns that are not the system's; nothing where there are fewer.
void read_conversation(const json::Array& turns, const TokenCounter& counter, Collector& rows,
                       bool& found) {
  std::vector<std::string_view> said;
  for (const json::Value& turn : turns) {
    if (said.size() == 2) break;
    if (!turn.is_object()) continue;
    if (string_member(turn.get_object(), "from", "role") == "system") continue;
    said.push_back(string_member(turn.get_object(), "value", "content"));
  }
  found = said.size() == 2;
  if (found) rows.shape(counter(said[0]), counter(said[1]));
}

Result<void> read_object(const json::Value& item, std::size_t place, const TokenCounter& counter,
                         Collector& rows) {
  if (!item.is_object()) return rows.wrong(place, "must be an object");
  const json::Object& object = item.get_object();
  for (const std::string_view key : {"conversations", "conversation"}) {
    const json::Value* turns = object.if_contains(key);
    if (turns == nullptr) continue;
    if (!turns->is_array()) return rows.wrong(place, fmt::format("'{}' must be an array", key));
    rows.estimated();
    bool found = false;
    read_conversation(turns->get_array(), counter, rows, found);
    if (found) return rows.end_row(place);
    rows.skip();
    return {};
  }
  for (const auto& member : object) {
    if (member.key() == "hash_ids") {
      if (auto ok = rows.blocks(place, member.value()); !ok) return ok;
      continue;
    }
    const auto field = find_field(member.key());
    if (!field) continue;
    const json::Value& value = member.value();
    Result<void> taken;
    if (value.is_string()) {
      taken = rows.text(place, member.key(), *field, value.get_string());
    } else {
      std::optional<double> number;
      if (value.is_number()) number = value.to_number<double>();
      if (*field == Field::DateAndTime) number.reset();
      taken = *field == Field::DateAndTime
                  ? rows.text(place, member.key(), *field, json::to_line(value))
                  : rows.number(place, member.key(), *field, number,
                                json::to_line(value).substr(0, 40));
    }
    if (!taken) return taken;
  }
  return rows.end_row(place);
}

Result<Trace> parse_json_lines(std::string_view text, std::string_view name,
                               const TokenCounter& counter) {
  Collector rows(name, "line");
  const auto read = each_line(text, [&](std::size_t number, std::string_view line) -> Result<void> {
    const auto item = json::parse(line);
    if (!item) return rows.wrong(number, item.error().message);
    return read_object(*item, number, counter, rows);
  });
  if (!read) return fail(read.error());
  return rows.finish();
}

Result<Trace> parse_json_array(std::string_view text, std::string_view name,
                               const TokenCounter& counter) {
  const auto document = json::parse(text);
  if (!document) return fail(Error(document.error()).during(name));
  Collector rows(name, "item");
  std::size_t place = 0;
  for (const json::Value& item : document->as_array()) {
    const auto read = read_object(item, ++place, counter, rows);
    if (!read) return fail(read.error());
  }
  return rows.finish();
}

}  // namespace

Tokens estimate_tokens(std::string_view text) {
  return Tokens(static_cast<std::int64_t>((text.size() + 3) / 4));
}

Result<Trace> parse_trace(std::string_view text, std::string_view name,
                          const TokenCounter& counter) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const std::string_view content = trim(text);
  if (content.starts_with('[')) return parse_json_array(content, name, counter);
  if (content.starts_with('{')) return parse_json_lines(text, name, counter);
  return parse_csv(text, name);
}

Result<Trace> read_trace(const std::filesystem::path& path, const TokenCounter& counter) {
  const auto file = MappedFile::open(path);
  if (!file) return fail(file.error());
  return parse_trace(file->bytes(), path.string(), counter);
}

}  // namespace kneepoint::workload
