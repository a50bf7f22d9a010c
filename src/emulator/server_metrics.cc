#include "emulator/server_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"

namespace kneepoint::emulator {
namespace {

using Bounds = std::vector<double>;

// Of vLLM (vllm/v1/metrics/loggers.py) and SGLang (metrics_collector.py), as their pages list them.
const Bounds& ttft_bounds(bool sglang) {
  static const Bounds kVllm{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                            1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
  static const Bounds kSglang{.1, .2, .4, .6, .8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400};
  return sglang ? kSglang : kVllm;
}
const Bounds& gap_bounds(bool sglang) {
  static const Bounds kVllm{.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                            .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
  static const Bounds kSglang{.002, .004, .006, .008, .01, .015, .02, .025, .03, .035, .04, .06,
                              .08,  .1,   .2,   .4,   .6,  .8,   1,   2,    4,   6,    8};
  return sglang ? kSglang : kVllm;
}
const Bounds& request_bounds() {
  static const Bounds kAll{.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                           30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
  return kAll;
}
const Bounds& length_bounds() {
  static const Bounds kAll{1,   2,    5,    10,   20,    50,    100,   200,
                           500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
  return kAll;
}

bool covers(const catalog::ServerMetric& row, const std::string& version) {
  const auto since = catalog::compare_versions(row.since, version);
  const auto until = catalog::compare_versions(version, row.until);
  if (version.empty() || !catalog::compare_versions(version, version)) return row.until.empty();
  return (row.since.empty() || (since && *since <= 0)) &&
         (row.until.empty() || (until && *until < 0));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Page {
 public:
  Page(const EngineState& engine, const ServedCounts& served, const std::string& model,
       std::string_view server)
      : engine_(engine), served_(served), model_(model), server_(server) {}

  void add(const catalog::ServerMetric& row) {
    if (row.signal == "finished" && row.labels.find("finished_reason") != std::string::npos) {
      declare(row);
      line(row, "", labels(row, "stop"), static_cast<double>(served_.finished_stop));
      line(row, "", labels(row, "length"), static_cast<double>(served_.finished_length));
      line(row, "", labels(row, "abort"), 0);
      return;
    }
    if (const BucketHistogram* histogram = histogram_of(row.signal)) {
      const double scale = parse_number(row.scale).value_or(1);
      declare(row);
      if (row.type == "histogram") {
        buckets(row, *histogram, scale);
      } else if (row.type == "counter") {
        line(row, "", labels(row), histogram->sum() / scale);
      }
      return;
    }
    if (const auto value = value_of(row)) {
      declare(row);
      line(row, "", labels(row), *value);
    }
  }

  std::string text;

 private:
  /// A family is declared once, and a series that two signals share is told once.
  void declare(const catalog::ServerMetric& row) {
    if (!declared_.insert(row.series).second) return;
    fmt::format_to(std::back_inserter(text), "# HELP {} Emulated.\n# TYPE {} {}\n", row.series,
                   row.series, row.type);
  }

  void line(const catalog::ServerMetric& row, std::string_view suffix, const std::string& labels,
            double value) {
    fmt::format_to(std::back_inserter(text), "{}{}", row.series, suffix);
    if (!labels.empty()) fmt::format_to(std::back_inserter(text), "{{{}}}", labels);
    fmt::format_to(std::back_inserter(text), " {}\n", shortest(value));
  }

  void buckets(const catalog::ServerMetric& row, const BucketHistogram& histogram, double scale) {
    const std::string own = labels(row);
    const std::string lead = own.empty() ? "" : own + ",";
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < histogram.bounds().size(); ++i) {
      below += histogram.counts()[i];
      line(row, "_bucket", fmt::format("{}le=\"{}\"", lead, bound(histogram.bounds()[i] / scale)),
           static_cast<double>(below));
    }
    line(row, "_bucket", lead + "le=\"+Inf\"", static_cast<double>(histogram.count()));
    line(row, "_sum", own, histogram.sum() / scale);
    line(row, "_count", own, static_cast<double>(histogram.count()));
  }

  static std::string bound(double value) {
    const std::string text = shortest(value);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }

  const BucketHistogram* histogram_of(std::string_view signal) const {
    if (signal == "ttft") return &served_.ttft;
    if (signal == "itl") return &served_.itl;
    if (signal == "tpot") return &served_.tpot;
    if (signal == "e2e") return &served_.e2e;
    if (signal == "queue_time") return &served_.queue_time;
    return nullptr;
  }

  std::optional<double> value_of(const catalog::ServerMetric& row) {
    const std::string_view signal = row.signal;
    if (row.type == "histogram") {  // TGI counts tokens by request
      if (signal != "prompt_tokens" && signal != "generation_tokens") return std::nullopt;
      declare(row);
      buckets(row, signal == "prompt_tokens" ? served_.prompt_lengths : served_.output_lengths, 1);
      return std::nullopt;
    }
    const auto real = [](auto number) { return static_cast<double>(number); };
    if (signal == "waiting") return real(engine_.waiting);
    if (signal == "running") {
      if (row.series.find("percentage") == std::string::npos) return real(engine_.running);
      return engine_.sequence_limit > 0 ? real(engine_.running) / real(engine_.sequence_limit) : 0;
    }
    if (signal == "kv_cache_usage") return engine_.kv_use;
    if (signal == "cache_config") {
      const bool in_labels = row.labels.find("block_size") != std::string::npos ||
                             row.labels.find("page_size") != std::string::npos;
      return in_labels ? 1 : real(engine_.block_size);
    }
    if (signal == "prompt_tokens") return real(served_.prompt_tokens);
    if (signal == "generation_tokens") return real(served_.generation_tokens);
    if (signal == "finished") return real(served_.finished_stop + served_.finished_length);
    if (signal == "preemptions") return real(engine_.preemptions);
    if (signal == "prefix_cache_queries") return real(engine_.prefix_queries);
    const bool in_blocks = row.series.find("blocks") != std::string::npos;
    const double per_count = in_blocks ? real(engine_.block_size) : 1;
    if (signal == "prefix_cache_hits") return real(engine_.prefix_hits) / per_count;
    if (signal == "prefix_cache_misses") {
      return std::floor(real(engine_.prefix_queries - engine_.prefix_hits) / per_count);
    }
    if (signal == "throughput") return served_.tokens_per_second;
    return std::nullopt;
  }

  std::string labels(const catalog::ServerMetric& row, std::string_view reason = {}) const {
    std::string out;
    for (const std::string_view label : kneepoint::split(row.labels, ';')) {
      const std::size_t equals = label.find('=');
      const std::string_view name = label.substr(0, equals);
      const std::string value = equals != std::string::npos ? std::string(label.substr(equals + 1))
                                : name == "model_name"      ? model_
                                : name == "engine"          ? "0"
                                : name == "engine_type"     ? engine_type()
                                : name == "finished_reason" ? std::string(reason)
                                : name == "block_size" || name == "page_size"
                                    ? std::to_string(engine_.block_size)
                                    : std::to_string(engine_.blocks);
      fmt::format_to(std::back_inserter(out), "{}{}=\"{}\"", out.empty() ? "" : ",", name, value);
    }
    return out;
  }

  std::string engine_type() const { return server_ == "tensorrt-llm" ? "trtllm" : "unified"; }

  const EngineState& engine_;
  const ServedCounts& served_;
  const std::string& model_;
  std::string_view server_;
  std::set<std::string, std::less<>> declared_;
};

}  // namespace

Result<MetricsPage> MetricsPage::make(const catalog::Catalog& catalog, const std::string& server,
                                      const std::string& version, const std::string& model) {
  MetricsPage page;
  page.server_ = server;
  page.model_ = escaped(model);
  std::set<std::string> servers;
  std::set<std::pair<std::string, std::string>> taken;
  for (const catalog::ServerMetric& row : catalog.server_metrics()) {
    servers.insert(row.server);
    if (row.server != server || !covers(row, version)) continue;
    // Two signals can share a series, where a server told them apart only later.
    if (taken.emplace(row.series, row.labels).second) page.series_.push_back(row);
  }
  if (page.series_.empty()) {
    return fail(ErrorCode::NotFound,
                fmt::format("no metrics are known for the server \"{}\"; there are {}", server,
                            join({servers.begin(), servers.end()}, ", ")));
  }
  // A family's lines stay together.
  std::stable_sort(page.series_.begin(), page.series_.end(),
                   [](const auto& a, const auto& b) { return a.series < b.series; });
  return page;
}

ServedCounts MetricsPage::empty_counts() const {
  const bool sglang = server_ == "sglang";
  ServedCounts counts;
  counts.ttft = BucketHistogram(ttft_bounds(sglang));
  counts.itl = BucketHistogram(gap_bounds(sglang));
  counts.tpot = BucketHistogram(gap_bounds(sglang));
  counts.e2e = BucketHistogram(request_bounds());
  counts.queue_time = BucketHistogram(request_bounds());
  counts.prompt_lengths = BucketHistogram(length_bounds());
  counts.output_lengths = BucketHistogram(length_bounds());
  return counts;
}

std::string MetricsPage::text(const EngineState& engine, const ServedCounts& served) const {
  Page page(engine, served, model_, server_);
  for (const catalog::ServerMetric& row : series_) page.add(row);
  return std::move(page.text);
}

}  // namespace kneepoint::emulator
