#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/chart.h"
#include "report/html_sections.h"
#include "report/plot_layout.h"
#include "report/text_width.h"
#include "report/xml_text.h"

// What happened in the course of each point: was it steady, and what did the server say meanwhile?
namespace kneepoint::report {
namespace {

using metrics::is_missing;
using metrics::kMissing;

double seconds(Nanos time) { return static_cast<double>(time.count()) / 1e9; }

class Mean {
 public:
  void add(double value, double weight) {
    if (is_missing(value) || !(weight > 0)) return;
    sum_ += value * weight;
    weight_ += weight;
  }
  double value() const { return weight_ > 0 ? sum_ / weight_ : kMissing; }

 private:
  double sum_ = 0, weight_ = 0;
};

double greater(double a, double b) {
  return is_missing(a) ? b : is_missing(b) ? a : std::max(a, b);
}

// Neighbours become one until there are at most `most`: rates as they are, medians as their mean
// by requests, the tails as the highest, so that thinning out never hides a stall.
std::vector<run::Slice> thinned(const std::vector<run::Slice>& slices, std::size_t most) {
  if (most == 0) return {};
  const std::size_t stride = (slices.size() + most - 1) / most;
  if (stride <= 1) return slices;
  std::vector<run::Slice> out;
  for (std::size_t from = 0; from < slices.size(); from += stride) {
    run::Slice joined;
    joined.from = slices[from].from;
    Mean rate, in_flight, ttft, itl;
    for (std::size_t i = from; i < std::min(from + stride, slices.size()); ++i) {
      const run::Slice& slice = slices[i];
      const double length = seconds(slice.length);
      const auto requests = static_cast<double>(slice.completed);
      joined.length += slice.length;
      joined.sent += slice.sent;
      joined.completed += slice.completed;
      joined.failed += slice.failed;
      rate.add(slice.output_tokens_per_second, length);
      in_flight.add(slice.in_flight_mean, length);
      ttft.add(slice.ttft_p50_ms, requests);
      itl.add(slice.itl_p50_ms, requests);
      joined.ttft_p99_ms = greater(joined.ttft_p99_ms, slice.ttft_p99_ms);
      joined.itl_p99_ms = greater(joined.itl_p99_ms, slice.itl_p99_ms);
    }
    joined.output_tokens_per_second = rate.value();
    joined.in_flight_mean = in_flight.value();
    joined.ttft_p50_ms = ttft.value();
    joined.itl_p50_ms = itl.value();
    out.push_back(joined);
  }
  return out;
}

std::vector<metrics::SignalSample> thinned(const std::vector<metrics::SignalSample>& samples,
                                           std::size_t most) {
  std::vector<metrics::SignalSample> out;
  if (most == 0) return out;
  const std::size_t stride = std::max<std::size_t>(1, (samples.size() + most - 1) / most);
  for (std::size_t i = 0; i < samples.size(); i += stride) out.push_back(samples[i]);
  return out;
}

// The charts of one point, over the same seconds.
class PointCharts {
 public:
  PointCharts(const run::PointRecord& point, std::size_t number, std::size_t most)
      : point_(point), number_(number), slices_(thinned(point.slices, most)) {
    if (point.server) samples_ = thinned(point.server->samples, most);
    for (const run::Slice& slice : slices_) {
      times_.push_back(seconds(slice.from) + seconds(slice.length) / 2);
      end_ = std::max(end_, seconds(slice.from) + seconds(slice.length));
    }
    for (const metrics::SignalSample& sample : samples_) {
      sample_times_.push_back(seconds(sample.at));
      end_ = std::max(end_, seconds(sample.at));
    }
  }

  bool empty() const { return slices_.empty() && samples_.empty(); }

  std::string draw() const {
    std::string out = "<div class=\"pair\">\n";
    out += chart("rate", "Throughput", "output tokens/s", "",
                 {of_slices("output tokens/s", "rate", &run::Slice::output_tokens_per_second)});
    out += chart("queue", "Requests under way", "requests", "",
                 {of_slices("in flight, client", "flight", &run::Slice::in_flight_mean),
                  of_samples("running, server", "running", &metrics::SignalSample::running),
                  of_samples("waiting, server", "waiting", &metrics::SignalSample::waiting)});
    out += chart("ttft", "TTFT", "milliseconds", "ms",
                 {of_slices("p50", "ttft", &run::Slice::ttft_p50_ms),
                  of_slices("p99", "ttft dashed", &run::Slice::ttft_p99_ms)});
    out += chart("itl", "ITL", "milliseconds", "ms",
                 {of_slices("p50", "itl", &run::Slice::itl_p50_ms),
                  of_slices("p99", "itl dashed", &run::Slice::itl_p99_ms)});
    Line kv = of_samples("KV cache in use, server", "kv", &metrics::SignalSample::kv_use);
    for (double& y : kv.y) y *= 100;
    if (std::ranges::any_of(kv.y, [](double y) { return std::isfinite(y); })) {
      out += chart("kv", "KV cache in use", "% of the server's KV cache", "%", {kv});
    }
    if (Line failed = failures(); !failed.x.empty()) {
      out += chart("failed", "Failed requests", "requests/s", "", {failed});
    }
    out += "</div>\n";
    return out + "<p class=\"note\">" + escaped(note()) + "</p>\n";
  }

 private:
  Line of_slices(std::string name, std::string style, double run::Slice::* field) const {
    Line line{.name = std::move(name), .style = std::move(style), .x = times_};
    for (const run::Slice& slice : slices_) line.y.push_back(slice.*field);
    return line;
  }
  Line of_samples(std::string name, std::string style,
                  double metrics::SignalSample::* field) const {
    Line line{.name = std::move(name), .style = std::move(style), .x = sample_times_};
    for (const metrics::SignalSample& sample : samples_) line.y.push_back(sample.*field);
    return line;
  }
  Line failures() const {
    Line line{.name = "failed", .style = "failed", .x = times_};
    std::uint64_t all = 0;
    for (const run::Slice& slice : slices_) {
      line.y.push_back(static_cast<double>(slice.failed) / seconds(slice.length));
      all += slice.failed;
    }
    return all > 0 ? line : Line{};
  }

  std::string chart(std::string_view what, std::string title, std::string y_title,
                    std::string y_unit, std::vector<Line> lines) const {
    Chart chart;
    chart.id = fmt::format("series-{}-{}", number_, what);
    chart.title = std::move(title);
    chart.y_title = std::move(y_title);
    chart.y_unit = std::move(y_unit);
    chart.x = linear_axis(end_ / 1.04);
    chart.x.max = std::max(end_, 1e-9);
    std::erase_if(chart.x.ticks, [this](double tick) { return tick > end_; });
    chart.x.title = "seconds since the point began";
    chart.x_unit = "s";
    const double from = seconds(point_.summary.window.from), to = seconds(point_.summary.window.to);
    if (from > 0) chart.stretches.push_back({0, std::min(from, end_), "outside"});
    if (to > from && to < end_) chart.stretches.push_back({to, end_, "outside"});
    chart.lines = std::move(lines);
    double highest = 0;
    for (const Line& line : chart.lines) {
      for (const double y : line.y) highest = std::isfinite(y) ? std::max(highest, y) : highest;
    }
    const Axis fitting = axis_for(chart.lines);
    chart.y = y_unit_is_time(chart) ? fitting : linear_axis(highest);
    if (chart.y.log) chart.y_title += ", log scale";
    chart.width = 520;
    chart.height = 210;
    return chart_html(chart);
  }
  static bool y_unit_is_time(const Chart& chart) { return chart.y_unit == "ms"; }

  std::string note() const {
    std::string words = "Shaded grey: not in the figures (warm-up and drain).";
    if (!point_.warmup.empty()) words += " " + shortened(point_.warmup, kMostWords) + ".";
    if (slices_.size() < point_.slices.size()) {
      words += " Each place stands for " + figure(seconds(slices_.front().length)) +
               " s; a p99 is the highest of its seconds.";
    }
    return words;
  }

  const run::PointRecord& point_;
  std::size_t number_;
  std::vector<run::Slice> slices_;
  std::vector<metrics::SignalSample> samples_;
  std::vector<double> times_, sample_times_;
  double end_ = 0;
};

std::string pair_line(std::string_view what, double client, double server) {
  if (is_missing(server)) return {};
  return "<dt>" + std::string(what) + "</dt><dd>" + number_html(client) + " ms seen here, " +
         number_html(server) + " ms by the server's account</dd>";
}

std::string server_facts(const run::PointRecord& point) {
  if (!point.server) return {};
  const metrics::ServerSignals& server = *point.server;
  const auto mean = [&point](metrics::Metric metric) { return point.summary.of(metric).mean; };
  std::string out = pair_line("TTFT mean", mean(metrics::Metric::Ttft), server.ttft_mean_ms) +
                    pair_line("TPOT mean", mean(metrics::Metric::Tpot), server.tpot_mean_ms) +
                    pair_line("ITL mean", mean(metrics::Metric::Itl), server.itl_mean_ms) +
                    pair_line("E2E mean", mean(metrics::Metric::E2e), server.e2e_mean_ms);
  const auto fact = [&out](std::string_view what, double value, std::string_view unit) {
    if (is_missing(value)) return;
    out +=
        "<dt>" + std::string(what) + "</dt><dd>" + number_html(value) + std::string(unit) + "</dd>";
  };
  fact("waited in the server", server.queue_mean_ms, " ms, mean");
  fact("preemptions", server.preemptions, "");
  fact("prefix cache hits", 100 * server.prefix_hit_share, " % of prompt tokens");
  return out.empty() ? out : "<dl class=\"facts\">" + out + "</dl>\n";
}

}  // namespace

std::string series_section(const BenchReport& report, const BenchCurve& curve,
                           std::size_t most_values) {
  if (report.points.empty()) return {};
  std::string out =
      "<section aria-labelledby=\"series\">\n<h2 id=\"series\">In the course of each point</h2>\n"
      "<div class=\"card\">\n";
  for (const std::size_t i : all_in_order(curve)) {
    const run::PointRecord& point = report.points[i];
    const bool open = curve.knee_record() == i || report.points.size() == 1;
    out += fmt::format("<details id=\"point-{}\"{}><summary><b>{}</b>", i, open ? " open" : "",
                       escaped(load_text(load_of(point))));
    out += fmt::format("<span class=\"tag {}\">{}</span>", place_style(report, curve, i),
                       place_words(report, curve, i));
    const double rate =
        point.summary.output_rate ? point.summary.output_rate->per_second() : kMissing;
    if (!is_missing(rate)) out += "<span>" + figure(rate) + " tokens/s</span>";
    out += "<span>" + figure(seconds(point.took)) +
           " s, ended: " + std::string(run::name(point.end)) + "</span></summary>\n<div>\n";
    const PointCharts charts(point, i, most_values);
    if (!charts.empty()) {
      out += charts.draw();
    } else {
      out += point.slices.empty()
                 ? "<p class=\"none\">No time series was kept.</p>\n"
                 : "<p class=\"none\">Left out to keep this page small; the JSON has it.</p>\n";
    }
    out += server_facts(point) + "</div></details>\n";
  }
  return out + "</div>\n</section>\n";
}

}  // namespace kneepoint::report
