#include "importers/measured.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "base/text.h"

namespace kneepoint::importers {
namespace {

constexpr Difference kDifferences[] = {
    {"clock_starts_at_send",
     "TTFT and end-to-end time start when the tool sent the request, not when it was due: what a "
     "request waited in the client is not in them"},
    {"itl_percentiles_are_tpot",
     "the tool's \"inter-token latency\" is one mean per request, so its percentiles are those of "
     "means; it stands under TPOT, and there is no ITL"},
    {"tpot_weighted_by_tokens",
     "the percentiles of TPOT and NTPOT count each request as often as it has tokens"},
    {"itl_is_between_events",
     "ITL is the gap between two events of the stream, and an event may carry several tokens"},
    {"itl_by_client_tokenizer",
     "the tool splits each event into tokens of its own tokenizer; further tokens of an event "
     "count "
     "as gaps of 0"},
    {"token_counts_disagree",
     "tokens counted by the tool differ from those of the server; rates and per-token times are by "
     "the tool's count"},
    {"tokens_counted_by_client", "tokens were counted by the tool's tokenizer, not by the server"},
    {"rates_include_start_and_drain",
     "rates are over the whole run, from the first request sent to the last answer"},
    {"warmup_not_cut", "the first requests count like all others; no warm-up was cut"},
    {"client_limits_both_rate_and_concurrency",
     "a rate and a limit of requests in flight were both set; the load is the rate"},
    {"all_requests_sent_at_once", "all requests were sent at once: not a steady state"},
    {"ttft_of_streamed_answers_only", "answers that were not streamed have no TTFT"},
    {"converted_from_another_tool",
     "the report was converted from that of another tool, whose definitions hold"},
    {"definitions_of_source_tool_not_stated",
     "which tool measured is not stated, so its definitions are not known"},
    {"percentiles_stated_without_mean", "the mean is not published"},
    {"summed_up_from_records",
     "mean and percentiles were computed here from the tool's records of "
     "single requests"},
    {"not_completed", "the tool says that the run was cut short"},
};

}  // namespace

std::span<const Difference> differences() { return kDifferences; }

std::string_view sentence_of(std::string_view flag) {
  for (const Difference& known : kDifferences) {
    if (known.flag == flag) return known.sentence;
  }
  return "";
}

Measured measured(std::string_view tool, const Document& document) {
  Measured out;
  out.tool = tool;
  const auto slash = document.name.rfind('/');
  out.file = slash == std::string::npos ? document.name : document.name.substr(slash + 1);
  out.folder = slash == std::string::npos ? "" : document.name.substr(0, slash);
  out.setup.decoding = "serving";
  out.point.source_ref = out.file;
  return out;
}

void flag(Measured& measured, std::string_view flag) {
  for (const auto there : split(measured.point.flags, ';')) {
    if (there == flag) return;
  }
  if (!measured.point.flags.empty()) measured.point.flags += ';';
  measured.point.flags += flag;
}

void derived(Measured& measured, std::string_view what) {
  if (!measured.point.derived.empty()) measured.point.derived += ';';
  measured.point.derived += what;
}

void read_latency(const Place& from, const StatisticNames& names, double scale,
                  metrics::Metric metric, Measured& to) {
  using metrics::Statistic;
  const std::pair<Statistic, std::string_view> columns[] = {{Statistic::Mean, names.mean},
                                                            {Statistic::P50, names.p50},
                                                            {Statistic::P90, names.p90},
                                                            {Statistic::P99, names.p99}};
  for (const auto& [statistic, name] : columns) {
    if (name.empty() || !from.there()) continue;
    const double value = from.figure(name);
    if (metrics::is_missing(value)) continue;
    const double milliseconds = value * scale;
    if (!std::isfinite(milliseconds)) {
      from.at(name).wrong("must be a time");
      continue;
    }
    to.point.at.latency.set(metric, statistic, milliseconds);
  }
}

std::string date_of(std::string_view text) {
  const auto digits = [&](std::size_t from, std::size_t count) {
    if (text.size() < from + count) return false;
    for (const char c : text.substr(from, count)) {
      if (c < '0' || c > '9') return false;
    }
    return true;
  };
  if (digits(0, 4) && digits(5, 2) && digits(8, 2) && text[4] == '-' && text[7] == '-') {
    return std::string(text.substr(0, 10));
  }
  if (digits(0, 8) && (text.size() == 8 || text[8] == '-')) {
    return fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2));
  }
  return "";
}

std::string date_of_seconds(double seconds) {
  constexpr double kYear2200 = 7.26e9;
  if (!(seconds > 0 && seconds < kYear2200)) return "";
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(seconds))));
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace kneepoint::importers
