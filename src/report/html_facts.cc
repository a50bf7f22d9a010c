#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "report/html_sections.h"
#include "report/plot_layout.h"
#include "report/text_width.h"
#include "report/xml_text.h"
#include "run/measured_profile.h"

// What stands around the figures: the verdict above, and below what went wrong, what was measured
// with what, and what the words mean.
namespace kneepoint::report {
namespace {

using metrics::Metric;

std::string outside(std::string_view text) { return escaped(shortened(text, kMostWords)); }

std::string tile(std::string_view what, const std::string& value, std::string_view unit) {
  return "<div><dt>" + std::string(what) + "</dt><dd>" + value + " <small>" + escaped(unit) +
         "</small></dd></div>";
}

// At the knee; without one, at the highest load.
std::string tiles(const BenchReport& report, const BenchCurve& curve) {
  if (curve.order.empty()) return {};
  const bool found = curve.knee.state == curve::KneeState::Found;
  const std::size_t place = found ? curve.knee.index : curve.order.size() - 1;
  const run::PointRecord& point = report.points[curve.order[place]];
  const curve::LoadPoint& at = curve.points[place];
  std::string out = "<dl class=\"tiles\">";
  out += tile(found ? "load at the knee" : "highest load", number_html(at.load),
              curve::unit(curve.kind));
  out += tile("output throughput", number_html(at.output_tokens_per_second), "tokens/s");
  out += tile("requests", number_html(at.requests_per_second), "per second");
  for (const Metric metric : {Metric::Ttft, Metric::Itl}) {
    const metrics::Spread& spread = point.summary.of(metric);
    out += tile(std::string(metrics::label(metric)) + " p50 · p99",
                number_html(spread.p50) + " · " + number_html(spread.p99), "ms");
  }
  if (point.server && !metrics::is_missing(point.server->kv_use.max)) {
    out += tile("KV cache in use", number_html(100 * point.server->kv_use.max), "% at most");
  }
  return out + "</dl>\n";
}

// The same words of several points become one line that names their loads.
using ByWords = std::vector<std::pair<std::string, std::vector<std::string>>>;
void note(ByWords& all, const std::string& words, const run::PointRecord& point) {
  auto found = std::ranges::find(all, words, &ByWords::value_type::first);
  if (found == all.end()) found = all.insert(all.end(), {words, {}});
  found->second.push_back(load_text(load_of(point)));
}

std::string loads_words(const std::vector<std::string>& loads, std::size_t of) {
  if (loads.size() == of && of > 1) return "at every point";
  constexpr std::size_t kMost = 6;
  std::vector<std::string> shown(loads.begin(), loads.begin() + std::min(loads.size(), kMost));
  std::string words = "at " + join(shown, ", ");
  if (loads.size() > kMost) words += " and " + std::to_string(loads.size() - kMost) + " more";
  return words;
}

std::string error_table(const BenchReport& report) {
  struct Seen {
    std::uint64_t count = 0;
    std::string example;
    std::vector<std::string> loads;
  };
  std::map<std::string, Seen> errors;
  for (const run::PointRecord& point : report.points) {
    for (const run::ErrorCount& error : point.errors) {
      Seen& seen = errors[error.what];
      seen.count += error.count;
      if (seen.example.empty()) seen.example = error.example;
      seen.loads.push_back(load_text(load_of(point)));
    }
  }
  if (errors.empty()) return {};
  std::vector<std::pair<std::string, Seen>> rows(errors.begin(), errors.end());
  std::ranges::stable_sort(rows, std::ranges::greater{},
                           [](const auto& row) { return row.second.count; });
  constexpr std::size_t kMostRows = 50;
  std::string out =
      "<h3>Failed requests</h3>\n<div class=\"scroll\"><table><thead><tr><th class=\"words\" "
      "scope=\"col\">what</th><th scope=\"col\">times</th><th class=\"words\" scope=\"col\">where"
      "</th><th class=\"words\" scope=\"col\">for example</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(rows.size(), kMostRows); ++i) {
    const auto& [what, seen] = rows[i];
    out += "<tr><td class=\"words\">" + outside(what) + "</td><td>" +
           number_html(static_cast<double>(seen.count)) + "</td><td class=\"words\">" +
           escaped(loads_words(seen.loads, report.points.size())) +
           "</td><td class=\"words\"><code>" + outside(seen.example) + "</code></td></tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (rows.size() > kMostRows) {
    out += "<p class=\"note\">And " + std::to_string(rows.size() - kMostRows) +
           " rarer kinds; the JSON has them.</p>\n";
  }
  return out;
}

std::string remark_list(std::string_view title, const ByWords& remarks, std::size_t of) {
  if (remarks.empty()) return {};
  constexpr std::size_t kMost = 60;
  std::string out = "<h3>" + std::string(title) + "</h3>\n<ul class=\"remarks\">\n";
  for (std::size_t i = 0; i < std::min(remarks.size(), kMost); ++i) {
    const auto& [words, loads] = remarks[i];
    out += "<li>" + outside(words);
    if (!loads.empty()) {
      out += " <span class=\"soft\">(" + escaped(loads_words(loads, of)) + ")</span>";
    }
    out += "</li>\n";
  }
  if (remarks.size() > kMost) {
    out += "<li>and " + std::to_string(remarks.size() - kMost) + " more; the JSON has them</li>\n";
  }
  return out + "</ul>\n";
}

std::string fact(std::string_view what, const std::string& html) {
  if (html.empty()) return {};
  return "<dt>" + escaped(shortened(what, 60)) + "</dt><dd>" + html + "</dd>\n";
}

std::string lines_html(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string self_table(const BenchReport& report) {
  std::string out =
      "<h3>The load generator's own check</h3>\n<div class=\"scroll\"><table><thead><tr>"
      "<th scope=\"col\">load</th><th scope=\"col\">rate wanted</th><th scope=\"col\">rate "
      "sent</th>"
      "<th scope=\"col\">most in flight</th><th scope=\"col\">sent late p50, ms</th>"
      "<th scope=\"col\">p99</th><th scope=\"col\">read late p99, ms</th>"
      "<th scope=\"col\">core used %</th><th scope=\"col\">input tokens wanted</th>"
      "<th scope=\"col\">counted</th><th scope=\"col\">output wanted</th>"
      "<th scope=\"col\">counted</th><th class=\"words\" scope=\"col\">valid</th>"
      "</tr></thead><tbody>\n";
  for (const run::PointRecord& point : report.points) {
    const run::SelfCheck& self = point.self;
    out += "<tr><th scope=\"row\">" + escaped(load_text(load_of(point))) + "</th>";
    for (const double value :
         {self.offered_rate, self.achieved_rate, static_cast<double>(self.most_in_flight),
          self.send_lateness.p50, self.send_lateness.p99, self.read_lag.p99, 100 * self.core_share,
          point.tokens.input_wanted_mean, point.tokens.input_counted_mean,
          point.tokens.output_wanted_mean, point.tokens.output_counted_mean}) {
      out += "<td>" + number_html(value) + "</td>";
    }
    out += "<td class=\"words\">" + (self.valid ? "yes" : "no: " + outside(self.reason)) +
           "</td></tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace

std::string verdict_section(const BenchReport& report, const BenchCurve& curve) {
  const Verdict verdict = verdict_of(report, curve);
  const RunFacts& facts = report.facts;
  std::vector<std::string> under;
  if (!facts.server.empty()) {
    under.push_back(facts.server +
                    (facts.server_version.empty() ? "" : " " + facts.server_version));
  }
  if (!facts.accelerator.empty()) under.push_back(facts.accelerator);
  if (!report.points.empty()) under.push_back(run::workload_name(report.points.front().spec));
  std::string out = "<header>\n<p class=\"brand\">Kneepoint bench report</p>\n<h1>" +
                    (facts.model.empty() ? "Load test" : outside(facts.model)) +
                    "</h1>\n<p class=\"soft\">" + outside(join(under, " · ")) + "</p>\n";
  out += "<div class=\"card verdict" + std::string(verdict.sound ? "" : " doubt") +
         "\" id=\"verdict\">\n<p class=\"lead\">" + escaped(verdict.headline) +
         ".</p>\n<p class=\"validity\">" + escaped(verdict.validity) +
         ".</p>\n<p class=\"soft evidence\">" + outside(verdict.evidence) + ".</p>\n";
  return out + tiles(report, curve) + "</div>\n</header>\n";
}

std::string trouble_section(const BenchReport& report) {
  ByWords remarks, warnings;
  for (const std::string& warning : report.warnings) warnings.push_back({warning, {}});
  for (const run::PointRecord& point : report.points) {
    if (!point.self.valid) note(remarks, "Not valid: " + point.self.reason, point);
    for (const std::string& remark : point.remarks) note(remarks, remark, point);
    if (!point.server) continue;
    for (const std::string& warning : point.server->warnings) note(warnings, warning, point);
  }
  const std::string body = error_table(report) +
                           remark_list("To read the figures right", remarks, report.points.size()) +
                           remark_list("Warnings", warnings, report.points.size());
  return "<section aria-labelledby=\"trouble\">\n<h2 id=\"trouble\">Errors and remarks</h2>\n"
         "<div class=\"card\">\n" +
         (body.empty() ? "<p>None: no request failed and nothing is to be noted.</p>\n" : body) +
         "</div>\n</section>\n";
}

std::string environment_section(const BenchReport& report) {
  const RunFacts& facts = report.facts;
  std::string out =
      "<section aria-labelledby=\"environment\">\n<h2 id=\"environment\">What was measured, with "
      "what</h2>\n<div class=\"card\">\n<dl class=\"facts\">\n";
  out += fact("model", outside(facts.model)) +
         fact("target", outside(without_credentials(facts.target))) +
         fact("server", outside(facts.server)) +
         fact("server version", outside(facts.server_version)) +
         fact("accelerator", outside(facts.accelerator)) + fact("client", outside(facts.client)) +
         fact("host", outside(facts.host)) + fact("started", outside(facts.started_at));
  constexpr std::size_t kMost = 40;
  for (std::size_t i = 0; i < std::min(facts.more.size(), kMost); ++i) {
    out += fact(facts.more[i].first, outside(facts.more[i].second));
  }
  if (!report.points.empty()) {
    const run::PointRecord& first = report.points.front();
    out += fact("workload", outside(run::workload_name(first.spec)));
    out += fact("seed", std::to_string(first.spec.seed));
    out += fact("tokens counted by", outside(first.summary.tokens_counted_by));
    out += fact("streaming", outside(metrics::describe(first.summary.pattern)));
    out += "</dl>\n" + self_table(report);
    out += "<details><summary>Workload of the first point, as a run spec</summary><pre>" +
           lines_html(json::to_yaml(workload::to_json(first.spec))) + "</pre></details>\n";
  } else {
    out += "</dl>\n";
  }
  return out + "</div>\n</section>\n";
}

std::string definition_section() {
  std::string out =
      "<section aria-labelledby=\"definitions\">\n<h2 id=\"definitions\">What the words mean</h2>\n"
      "<div class=\"card\">\n<dl class=\"facts\">\n";
  for (const Metric metric : metrics::kMetrics) {
    const metrics::MetricInfo& info = metrics::info(metric);
    out += "<dt id=\"def-" + std::string(info.name) + "\">" + std::string(info.label) +
           "</dt><dd>" + escaped(info.sentence) + "</dd>\n";
  }
  out +=
      "<dt>knee</dt><dd>the load past which throughput stops rising and latency takes off: of "
      "the loads measured, the one with the greatest power, throughput⁴ / time</dd>\n"
      "<dt>p99</dt><dd>99 % of the values are at most this; by nearest rank over all requests "
      "(for ITL: all gaps), within 0.1 %</dd>\n"
      "<dt>load</dt><dd>what was held while a point was measured: clients in flight, or requests "
      "per second that fall due whether the server keeps up or not</dd>\n"
      "<dt>sent late</dt><dd>the load generator's own lateness: request handed to the system, "
      "minus when it was due. Latencies include it, since their clock starts when due</dd>\n"
      "<dt>not valid</dt><dd>the load generator was the bottleneck; the point says nothing of "
      "the server</dd>\n";
  return out + "</dl>\n</div>\n</section>\n";
}

}  // namespace kneepoint::report
