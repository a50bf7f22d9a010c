#include "scrape/signal_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/hash.h"
#include "base/text.h"
#include "metrics/metric.h"
#include "scrape/exposition.h"

namespace kneepoint::scrape {
namespace {

struct SignalWords {
  std::string_view word, in_words;
};
constexpr std::array<SignalWords, kSignalCount> kWords{{
    {"running", "requests that run"},
    {"waiting", "requests that wait"},
    {"kv_cache_usage", "KV cache use"},
    {"preemptions", "preemptions"},
    {"prefix_cache_hits", "prefix cache hits"},
    {"prefix_cache_queries", "prefix cache queries"},
    {"prefix_cache_misses", "prefix cache misses"},
    {"prompt_tokens", "prompt tokens"},
    {"generation_tokens", "generated tokens"},
    {"finished", "finished requests"},
    {"ttft", "time to first token"},
    {"itl", "inter-token latency"},
    {"tpot", "time per output token"},
    {"e2e", "end-to-end latency"},
    {"queue_time", "time in the queue"},
}};

bool is_latency(Signal signal) {
  return signal == Signal::Ttft || signal == Signal::Itl || signal == Signal::Tpot ||
         signal == Signal::E2e || signal == Signal::QueueTime;
}

bool is_shard_label(std::string_view name) {
  return name == "tp_rank" || name == "pp_rank" || name == "moe_ep_rank" || name == "pid";
}

std::string plain(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), ':', '_');
  return out;
}

std::string_view without_total(std::string_view name) {
  constexpr std::string_view kTotal = "_total";
  if (name.size() > kTotal.size() && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  return name;
}

/// As catalog::Catalog reads since and until: what cannot be compared counts as newer than all.
bool covers(const std::string& since, const std::string& until, std::string_view version) {
  const auto against = [&](const std::string& bound) {
    return catalog::compare_versions(version, bound).value_or(1);
  };
  return (since.empty() || against(since) >= 0) && (until.empty() || against(until) < 0);
}

bool later(const SignalMap::Row& a, const SignalMap::Row& b) {
  if (a.since.empty() || b.since.empty()) return !a.since.empty() && b.since.empty();
  return catalog::compare_versions(a.since, b.since).value_or(0) > 0;
}

std::string span_of(const SignalMap::Row& row) {
  if (!row.since.empty() && !row.until.empty()) {
    return fmt::format("the name from {} to before {}", row.since, row.until);
  }
  if (!row.since.empty()) return fmt::format("the name since {}", row.since);
  if (!row.until.empty()) return fmt::format("the name before {}", row.until);
  return "another of its names";
}

/// Of one line: which label set it is, without the labels of shards, and which shard.
struct LabelSet {
  std::uint64_t key = 0;
  std::string shard;
  bool selected = true;
};

LabelSet label_set(std::string_view labels, const SignalMap::Row& row) {
  LabelSet out;
  std::size_t met = 0;
  LabelReader reader(labels);
  while (const auto label = reader.next()) {
    if (is_shard_label(label->name)) {
      out.shard.append(label->raw).push_back('\x1f');
      continue;
    }
    // Labels may come in any order.
    out.key += hash64(label->raw, hash64(label->name));
    for (const auto& [name, value] : row.wanted_labels) {
      if (label->name == name) met += unescape(label->raw) == value ? 1 : 0;
    }
  }
  out.selected = met == row.wanted_labels.size();
  return out;
}

}  // namespace

std::string_view word(Signal signal) { return kWords[at(signal)].word; }
std::string_view in_words(Signal signal) { return kWords[at(signal)].in_words; }
bool is_counted(Signal signal) {
  return signal != Signal::Running && signal != Signal::Waiting && signal != Signal::KvUse;
}

Result<SignalMap> SignalMap::of(const catalog::Catalog& catalog, std::string_view server,
                                std::string_view version) {
  SignalMap out;
  out.server_ = server;
  out.version_ = version;
  if (const auto* found = catalog.server(server)) out.enable_hint_ = found->metrics_enable;
  for (std::size_t s = 0; s < kSignalCount; ++s) {
    const auto signal = static_cast<Signal>(s);
    const std::size_t first = out.rows_.size();
    for (const catalog::ServerMetric& metric : catalog.server_metrics()) {
      // Without a scale the value cannot be brought into the signal's unit.
      const auto scale = parse_number(metric.scale);
      if (metric.server != server || metric.signal != word(signal) || !scale) continue;
      Row row{.signal = signal,
              .series = metric.series,
              .since = metric.since,
              .until = metric.until,
              .wanted_labels = {},
              .scale = *scale};
      row.histogram = metric.type == "histogram";
      row.valid = covers(metric.since, metric.until, version);
      for (const std::string_view label : split(metric.labels, ';')) {
        const std::size_t equals = label.find('=');
        if (equals == std::string_view::npos) continue;
        row.wanted_labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
      }
      out.rows_.push_back(std::move(row));
    }
    const auto begin = out.rows_.begin() + static_cast<std::ptrdiff_t>(first);
    std::stable_sort(begin, out.rows_.end(), [](const Row& a, const Row& b) {
      return a.valid != b.valid ? a.valid : later(a, b);
    });
    if (begin != out.rows_.end() && begin->valid) begin->promised = true;
  }
  if (out.rows_.empty()) {
    return fail(ErrorCode::NotFound,
                fmt::format("the catalog knows no metrics of server '{}'; give a server of "
                            "server_metrics.csv, or add its rows in an overlay",
                            server));
  }
  for (std::size_t r = 0; r < out.rows_.size(); ++r) {
    const Row& row = out.rows_[r];
    const std::string name = plain(row.series);
    if (row.histogram) {
      out.names_.push_back({name + "_sum", r, Name::Kind::Sum});
      out.names_.push_back({name + "_count", r, Name::Kind::Count});
    } else {
      out.names_.push_back({std::string(without_total(name)), r, Name::Kind::Value});
    }
  }
  std::sort(out.names_.begin(), out.names_.end(),
            [](const Name& a, const Name& b) { return a.text < b.text; });
  return out;
}

bool SignalMap::promises(Signal signal) const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const Row& row) { return row.signal == signal && row.promised; });
}

Result<Reading> SignalMap::read(std::string_view page) const {
  const std::size_t start = page.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && (page[start] == '{' || page[start] == '[')) {
    return fail(ErrorCode::InvalidArgument,
                "the metrics page is JSON, not Prometheus text; TensorRT-LLM has the text at "
                "/prometheus/metrics");
  }
  if (start != std::string_view::npos && page[start] == '<') {
    return fail(ErrorCode::InvalidArgument,
                "the metrics page is HTML; the address is that of another service");
  }
  struct Gathered {
    std::map<std::uint64_t, std::pair<std::string, Part>> parts;  // by label set: shard, values
  };
  std::vector<Gathered> rows(rows_.size());
  ExpositionReader reader(page);
  std::string name;
  std::string_view unwanted;  // samples of one family follow each other
  while (const auto found = reader.next()) {
    if (*found == unwanted) continue;
    name.assign(*found);
    std::replace(name.begin(), name.end(), ':', '_');
    const auto less = [](const Name& a, std::string_view b) { return a.text < b; };
    auto match = std::lower_bound(names_.begin(), names_.end(), name, less);
    if (match == names_.end() || match->text != name) {
      const std::string_view shorter = without_total(name);
      match = std::lower_bound(names_.begin(), names_.end(), shorter, less);
      if (match == names_.end() || match->text != shorter) {
        unwanted = *found;
        continue;
      }
    }
    const auto sample = reader.parse();
    if (!sample || sample->value != sample->value) continue;
    // The same series may serve two signals.
    for (const std::string& text = match->text; match != names_.end() && match->text == text;
         ++match) {
      const Row& row = rows_[match->row];
      LabelSet set = label_set(sample->labels, row);
      if (!set.selected) continue;
      auto& parts = rows[match->row].parts;
      auto place = parts.find(set.key);
      if (place == parts.end() || set.shard < place->second.first) {
        place = parts.insert_or_assign(set.key, std::pair(set.shard, Part{set.key, 0, 0})).first;
      } else if (set.shard != place->second.first) {
        continue;
      }
      Part& part = place->second.second;
      (match->kind == Name::Kind::Count ? part.count : part.value) =
          sample->value * (match->kind == Name::Kind::Count ? 1 : row.scale);
    }
  }
  Reading out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    Found& found = out[at(rows_[r].signal)];
    if (rows[r].parts.empty() || !found.parts.empty()) continue;
    found.row = static_cast<std::uint8_t>(r);
    found.has_count = rows_[r].histogram && is_latency(rows_[r].signal);
    for (const auto& [key, part] : rows[r].parts) found.parts.push_back(part.second);
  }
  return out;
}

std::string SignalMap::warning(Signal signal, const Found* seen) const {
  const auto promised = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) {
    return row.signal == signal && row.promised;
  });
  const std::string who = version_.empty() ? server_ : fmt::format("{} {}", server_, version_);
  if (seen != nullptr) {
    const Row& used = rows_[seen->row];
    if (used.promised) return {};
    if (promised == rows_.end()) {
      return fmt::format("{} should have no series for {}, but {} ({}) is there and was used", who,
                         in_words(signal), used.series, span_of(used));
    }
    return fmt::format("{} should have {} for {}; it is not there, {} ({}) was used instead", who,
                       promised->series, in_words(signal), used.series, span_of(used));
  }
  if (promised == rows_.end()) return {};
  std::string out = fmt::format("{} should have {} for {}; neither it nor another name was found",
                                who, promised->series, in_words(signal));
  if (is_counted(signal)) out += " (some servers show a series only once it has counted something)";
  if (!enable_hint_.empty()) out += fmt::format("; metrics are turned on by {}", enable_hint_);
  return out;
}

double combined(Signal signal, const Found& found) {
  if (found.parts.empty()) return metrics::kMissing;
  double sum = 0;
  for (const Part& part : found.parts) sum += part.value;
  return signal == Signal::KvUse ? sum / static_cast<double>(found.parts.size()) : sum;
}

}  // namespace kneepoint::scrape
