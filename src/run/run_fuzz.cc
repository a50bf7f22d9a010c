#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "run/gzip.h"
#include "run/log_text.h"
#include "run/timelines.h"

namespace {

using namespace kneepoint;

std::string written(const std::vector<run::Record>& records) {
  std::string out(run::kLogStart);
  for (const run::Record& record : records) {
    const auto line = run::to_log_line(record.index, record.kind, record.value);
    if (!line) std::abort();
    out += *line;
  }
  return out;
}

/// What is read, written again, is read the same; and a log that was cut holds its first records.
void fuzz_log(std::string_view bytes) {
  const auto log = run::parse_log(bytes);
  if (!log) return;
  if (log->good > bytes.size() || log->torn.has_value() != (log->good < bytes.size())) std::abort();
  const std::string again = written(log->records);
  const auto reread = run::parse_log(again);
  if (!reread || reread->torn || reread->records.size() != log->records.size()) std::abort();
  if (written(reread->records) != again) std::abort();
}

/// A log whose records are the lines of the input, damaged at one place: never more or other
/// records than were written.
void fuzz_damage(std::string_view text) {
  if (text.size() < 3) return;
  const std::size_t place =
      static_cast<unsigned char>(text[0]) * 256U + static_cast<unsigned char>(text[1]);
  const char flip = text[2];
  text.remove_prefix(3);
  std::vector<run::Record> records;
  while (!text.empty() && records.size() < 8) {
    const std::string_view line = text.substr(0, text.find('\n'));
    records.push_back({static_cast<std::int64_t>(records.size()), "point", json::Value(line)});
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  std::string bytes = written(records);
  if (flip == 0) {
    bytes.resize(place % (bytes.size() + 1));
  } else {
    bytes[place % bytes.size()] = static_cast<char>(bytes[place % bytes.size()] ^ flip);
  }
  const auto log = run::parse_log(bytes);
  if (!log) return;
  if (log->records.size() > records.size()) std::abort();
  if (flip != 0 && log->records.size() + 1 != records.size()) std::abort();
  for (std::size_t i = 0; i < log->records.size(); ++i) {
    if (log->records[i].value != records[i].value) std::abort();
  }
}

void fuzz_timelines(std::string_view lines) {
  const auto timelines = run::parse_timeline_lines(lines);
  if (!timelines) return;
  std::string again;
  for (const metrics::Timeline& timeline : *timelines) again += run::to_timeline_line(0, timeline);
  const auto reread = run::parse_timeline_lines(again);
  if (!reread || reread->size() != timelines->size()) std::abort();
  for (std::size_t i = 0; i < timelines->size(); ++i) {
    if ((*reread)[i].events != (*timelines)[i].events) std::abort();
  }
}

}  // namespace

// The first byte says which of a run's files the others are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      fuzz_log(bytes);
      break;
    case 1:
      fuzz_damage(bytes);
      break;
    case 2:
      fuzz_timelines(bytes);
      break;
    default:
      while (!bytes.empty() && run::decompress(bytes, 1U << 20U)) {
      }
  }
  return 0;
}
