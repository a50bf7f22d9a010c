#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/html_sections.h"
#include "report/plot_layout.h"
#include "report/xml_text.h"

// All points in one table, for those who want the figures and for readers without the pictures.
namespace kneepoint::report {
namespace {

using metrics::Metric;

std::string cell(const std::string& words) { return "<td>" + words + "</td>"; }
std::string cell(double value) { return cell(number_html(value)); }

template <class Quantity>
std::string rate_cell(const std::optional<Rate<Quantity>>& rate) {
  return cell(rate ? rate->per_second() : metrics::kMissing);
}

std::string count_cell(std::uint64_t count) { return cell(static_cast<double>(count)); }

// Two digits of it say all there is to say.
std::string half_width_html(const metrics::MeanInterval& interval) {
  return fmt::format("<data value=\"{}\">{:.{}f}</data>", shortest(interval.half_width),
                     interval.half_width,
                     interval.half_width >= 10  ? 0
                     : interval.half_width >= 1 ? 1
                                                : 2);
}

std::string output_rate_cell(const run::PointRecord& point) {
  std::string words = number_html(
      point.summary.output_rate ? point.summary.output_rate->per_second() : metrics::kMissing);
  if (point.output_rate_interval) {
    words += " <small>± " + half_width_html(*point.output_rate_interval) + "</small>";
  }
  return cell(words);
}

std::string ttft_mean_cell(const run::PointRecord& point) {
  std::string words = number_html(point.summary.of(Metric::Ttft).mean);
  if (point.ttft_interval) {
    words += " <small>± " + half_width_html(*point.ttft_interval) + "</small>";
  }
  return cell(words);
}

std::string row(const BenchReport& report, const BenchCurve& curve, std::size_t i) {
  const run::PointRecord& point = report.points[i];
  const metrics::Summary& summary = point.summary;
  const std::string_view style = place_style(report, curve, i);
  const std::string_view row_style = curve.knee_record() == i ? "knee-row"
                                     : style == "invalid"     ? "invalid"
                                                              : "";
  std::string out =
      fmt::format("<tr class=\"{}\"><th scope=\"row\"><a href=\"#point-{}\">{}</a></th>", row_style,
                  i, escaped(load_text(load_of(point))));
  out += fmt::format("<td class=\"place\"><span class=\"tag {}\">{}</span></td>", style,
                     place_words(report, curve, i));
  out += count_cell(point.requests_sent) + count_cell(point.requests_failed);
  out += rate_cell(summary.requests_per_second) + output_rate_cell(point) + ttft_mean_cell(point);
  for (const Metric metric : {Metric::Ttft, Metric::Itl}) {
    out += cell(summary.of(metric).p50) + cell(summary.of(metric).p99);
  }
  out += cell(summary.of(Metric::Tpot).p50) + cell(summary.of(Metric::E2e).p50) +
         cell(summary.of(Metric::E2e).p99);
  if (point.server) {
    out += cell(point.server->running.mean) + cell(point.server->waiting.mean) +
           cell(100 * point.server->kv_use.max);
  } else {
    out += cell(metrics::kMissing) + cell(metrics::kMissing) + cell(metrics::kMissing);
  }
  return out + "</tr>\n";
}

}  // namespace

std::string number_html(double value) {
  if (!std::isfinite(value)) return "–";
  return "<data value=\"" + shortest(value) + "\">" + figure(value) + "</data>";
}

std::string table_section(const BenchReport& report, const BenchCurve& curve) {
  if (report.points.empty()) return {};
  std::string out =
      "<section aria-labelledby=\"points\">\n<h2 id=\"points\">All load points</h2>\n"
      "<div class=\"card scroll\" role=\"region\" aria-labelledby=\"points\" tabindex=\"0\">\n"
      "<table>\n<caption>Times in milliseconds; ± is half of the 95 % confidence interval of the "
      "mean, by batch means. Running and waiting (means) and KV (highest) are the server's "
      "own.</caption>\n<thead><tr>"
      "<th scope=\"col\">load</th><th scope=\"col\" class=\"words\">place</th>";
  for (const std::string_view title :
       {"sent", "failed", "requests/s", "output tokens/s", "TTFT mean", "TTFT p50", "TTFT p99",
        "ITL p50", "ITL p99", "TPOT p50", "E2E p50", "E2E p99", "running", "waiting", "KV %"}) {
    out += "<th scope=\"col\">" + std::string(title) + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const std::size_t i : all_in_order(curve)) out += row(report, curve, i);
  return out + "</tbody>\n</table>\n</div>\n</section>\n";
}

}  // namespace kneepoint::report
