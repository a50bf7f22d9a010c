#include "report/html.h"

#include <fmt/format.h>

#include "report/html_sections.h"
#include "report/html_style.h"
#include "report/plot_layout.h"
#include "report/text_width.h"
#include "report/xml_text.h"
#include "run/measured_profile.h"

namespace kneepoint::report {
namespace {

constexpr std::size_t kMostLines = 16;  // of a chart: each has a switch

std::string title_of(const BenchReport& report) {
  return report.facts.model.empty() ? "Load test" : shortened(report.facts.model, 200);
}

std::string head(const BenchReport& report) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src '{}'; base-uri 'none'; form-action 'none'\">\n",
      kPageScriptHash);
  out += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
  out += "<title>" + escaped(title_of(report)) + " · bench report</title>\n<style>";
  out += kPageStyle;
  for (std::size_t i = 0; i < kMostLines; ++i) {
    out +=
        fmt::format("figure:has(input.t{0}:not(:checked)) [data-t=\"{0}\"]{{display:none}}\n", i);
  }
  return out + "</style>\n</head>\n<body>\n<main>\n";
}

std::string page(const BenchReport& report, const BenchCurve& curve, std::size_t most_values) {
  std::string out = head(report);
  out += verdict_section(report, curve);
  out += curve_section(report, curve);
  out += table_section(report, curve);
  out += distribution_section(report, curve);
  out += series_section(report, curve, most_values);
  out += trouble_section(report);
  out += environment_section(report);
  out += definition_section();
  out += "</main>\n<script>";
  out += kPageScript;
  return out + "</script>\n</body>\n</html>\n";
}

}  // namespace

std::vector<std::size_t> all_in_order(const BenchCurve& curve) {
  std::vector<std::size_t> all = curve.order;
  all.insert(all.end(), curve.of_another_kind.begin(), curve.of_another_kind.end());
  return all;
}

std::string_view place_style(const BenchReport& report, const BenchCurve& curve,
                             std::size_t record) {
  if (!counts(report.points[record])) return "invalid";
  for (std::size_t i = 0; i < curve.order.size(); ++i) {
    if (curve.order[i] != record) continue;
    switch (curve.knee.state == curve::KneeState::Found ? curve.zones[i] : curve::Zone::Unknown) {
      case curve::Zone::Below:
        return "zone-below";
      case curve::Zone::At:
        return "zone-at";
      case curve::Zone::Past:
        return "zone-past";
      case curve::Zone::Unknown:
        break;
    }
  }
  return "";
}

std::string_view place_words(const BenchReport& report, const BenchCurve& curve,
                             std::size_t record) {
  const std::string_view style = place_style(report, curve, record);
  if (style == "invalid") return report.points[record].self.valid ? "server gone" : "not valid";
  if (style == "zone-below") return zone_words(curve::Zone::Below);
  if (style == "zone-at") return zone_words(curve::Zone::At);
  if (style == "zone-past") return zone_words(curve::Zone::Past);
  return "";
}

std::string html_page(const BenchReport& report) {
  const BenchCurve curve = curve_of(report);
  // Time series are most of the page; they are thinned out until it fits. The last try has none.
  std::string out;
  for (std::size_t values = std::min<std::size_t>(90, 3000 / (report.points.size() + 1));;
       values /= 2) {
    out = page(report, curve, values);
    if (out.size() <= kMostPageBytes || values == 0) return out;
  }
}

}  // namespace kneepoint::report
