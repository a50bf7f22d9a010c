#include "report/plot.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>

#include "report/golden.h"
#include "report/plot_layout.h"
#include "report/text_width.h"

namespace kneepoint::report {
namespace {

using metrics::Metric;
using metrics::Statistic;

struct Row {
  double load, throughput, tpot;
};

CurvePlot picture(const std::vector<Row>& rows, std::optional<double> target = {}) {
  CurvePlot plot;
  plot.title = "meta-llama/Llama-3.1-8B-Instruct";
  plot.subtitle = "vllm 0.9.1 · 2 × nvidia-h100-80gb (TP 2, fp8) · random:1024/1024";
  plot.evidence = "published: an example, 2026-02-03, Apache-2.0";
  for (const Row& row : rows) {
    curve::LoadPoint point;
    point.load = row.load;
    point.output_tokens_per_second = row.throughput;
    point.latency.set(Metric::Tpot, Statistic::P50, row.tpot);
    plot.points.push_back(point);
  }
  plot.knee = curve::find_knee(plot.points, plot.load_kind);
  plot.zones = curve::zones(plot.points, plot.knee);
  plot.target_ms = target;
  if (target) {
    const std::array targets{curve::Target{Metric::Tpot, Statistic::P50, *target}};
    const auto found = curve::find_operating_point(plot.points, plot.load_kind, targets,
                                                   curve::StatisticRule::Closest);
    if (found) plot.operating_point = *found;
  }
  return plot;
}

const std::vector<Row> kHockeyStick{{1, 120, 8.1},    {2, 235, 8.4},     {4, 455, 8.7},
                                    {8, 870, 9.1},    {16, 1620, 9.8},   {32, 2900, 11},
                                    {64, 4700, 13.6}, {128, 6600, 19.3}, {256, 7900, 32},
                                    {512, 8100, 63},  {1024, 7950, 128}};

// Tags balanced, attributes quoted, entities known: what an XML reader insists on.
bool well_formed(const std::string& xml) {
  std::vector<std::string> open;
  static const std::regex kTag(
      R"RE(<(/?)([a-zA-Z]+)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(/?)>|<|&(?!(?:amp|lt|gt|quot|#39);))RE");
  for (std::sregex_iterator it(xml.begin(), xml.end(), kTag), end; it != end; ++it) {
    const std::smatch& m = *it;
    if (!m[2].matched) return false;
    if (m[1].length() > 0) {
      if (open.empty() || open.back() != m[2]) return false;
      open.pop_back();
    } else if (m[4].length() == 0) {
      open.push_back(m[2]);
    }
  }
  return open.empty();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

CurvePlot random_picture(std::mt19937& random) {
  std::uniform_int_distribution<int> count(0, 12), exponent(-6, 12), odd(0, 9);
  std::uniform_real_distribution<double> mantissa(1, 10);
  std::vector<Row> rows;
  for (int i = count(random); i > 0; --i) {
    const auto figure_or_nan = [&] {
      if (odd(random) == 0) return std::nan("");
      if (odd(random) == 0) return 0.0;
      return mantissa(random) * std::pow(10.0, exponent(random));
    };
    rows.push_back({mantissa(random), figure_or_nan(), figure_or_nan()});
  }
  return picture(rows, odd(random) < 5 ? std::optional(mantissa(random)) : std::nullopt);
}

TEST(PlotLayout, EveryPointLiesInsideTheFrame) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const CurvePlot plot = random_picture(random);
    const Layout layout = lay_out(plot);
    EXPECT_EQ(layout.points.size() + layout.left_out, plot.points.size());
    for (const Drawn& p : layout.points) {
      EXPECT_TRUE(p.fx >= 0 && p.fx <= 1 && p.fy >= 0 && p.fy <= 1) << p.x << " " << p.y;
      EXPECT_LE(p.x, layout.x.max * (1 + 1e-9));
      EXPECT_LE(p.y, layout.y.max * (1 + 1e-9));
      EXPECT_GE(p.y, layout.y.min * (1 - 1e-9));
    }
    ASSERT_LT(layout.x.ticks.size(), 12U);
    ASSERT_LT(layout.y.ticks.size(), 20U);
  }
}

TEST(PlotLayout, TheLatencyAxisIsLogarithmicPastTwentyfold) {
  EXPECT_FALSE(lay_out(picture({{1, 10, 10}, {2, 20, 190}})).y.log);
  EXPECT_TRUE(lay_out(picture({{1, 10, 10}, {2, 20, 210}})).y.log);
}

TEST(PlotLayout, ATargetFarAboveTheCurveIsToldInWordsOnly) {
  const Layout near = lay_out(picture(kHockeyStick, 200));
  EXPECT_TRUE(near.target);
  const Layout far = lay_out(picture(kHockeyStick, 5000));
  EXPECT_FALSE(far.target);
  EXPECT_NE(far.target_text.find("above this picture"), std::string::npos);
}

TEST(PlotLayout, BandsCoverTheFrameWithoutGaps) {
  const Layout layout = lay_out(picture(kHockeyStick));
  ASSERT_EQ(layout.bands.size(), 3U);
  EXPECT_EQ(layout.bands.front().from, 0);
  EXPECT_EQ(layout.bands.back().to, 1);
  for (const Drawn& p : layout.points) {
    for (const Band& band : layout.bands) {
      if (band.zone == p.zone) {
        EXPECT_TRUE(p.fy >= band.from && p.fy <= band.to) << p.load;
      }
    }
  }
}

TEST(PlotLayout, LatencyOutOfOrderLeavesNoBands) {
  CurvePlot plot = picture(kHockeyStick);
  plot.points[0].latency.set(Metric::Tpot, Statistic::P50, 500);
  EXPECT_TRUE(lay_out(plot).bands.empty());
}

TEST(PlotLayout, FiguresReadWell) {
  EXPECT_EQ(figure(0), "0");
  EXPECT_EQ(figure(999), "999");
  EXPECT_EQ(figure(1234567), "1,234,567");
  EXPECT_EQ(figure(-1234.4), "-1,234");
  EXPECT_EQ(figure(12.34), "12.3");
  EXPECT_EQ(figure(0.125), "0.125");
  EXPECT_EQ(figure(999.7), "1,000");
  EXPECT_EQ(tick_text(2.5e6), "2.5M");
  EXPECT_EQ(tick_text(1e10), "10G");
}

TEST(SvgPlot, IsWellFormedWhateverTheNumbers) {
  std::mt19937 random(11);
  for (int i = 0; i < 200; ++i) {
    const std::string svg = svg_plot(random_picture(random));
    ASSERT_TRUE(well_formed(svg)) << svg;
    ASSERT_EQ(svg.find("nan"), std::string::npos) << svg;
    ASSERT_EQ(svg.find("inf"), std::string::npos);
  }
}

TEST(SvgPlot, HostileWordsStayWords) {
  CurvePlot plot = picture(kHockeyStick);
  plot.title = "</title><script>alert('1')</script>\x01\xff & \"x\"";
  plot.subtitle = "]]> <!-- ";
  plot.evidence = "<a href=\"javascript:1\">";
  const std::string svg = svg_plot(plot);
  EXPECT_TRUE(well_formed(svg));
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(svg.find("<a "), std::string::npos);
  EXPECT_EQ(svg.find('\x01'), std::string::npos);
}

TEST(SvgPlot, NeedsNothingFromOutside) {
  const std::string svg = svg_plot(picture(kHockeyStick, 30));
  for (const char* word : {"href", "url(", "@import", "@font-face", "<image", "<script"}) {
    EXPECT_EQ(svg.find(word), std::string::npos) << word;
  }
}

TEST(SvgPlot, SaysWhatItShowsForThoseWhoCannotSeeIt) {
  const std::string svg = svg_plot(picture(kHockeyStick, 30));
  EXPECT_NE(svg.find("<desc id=\"kp-desc\">"), std::string::npos);
  EXPECT_NE(svg.find("knee at 256 clients"), std::string::npos);
  EXPECT_NE(svg.find("64 clients: 4,700 tokens/s, 13.6 ms, below the knee"), std::string::npos);
}

TEST(SvgPlot, IsReadByAnXmlReader) {
  if (std::system("python3 -c 'import xml.dom.minidom' 2>/dev/null") != 0) GTEST_SKIP();
  const auto path = std::filesystem::path(testing::TempDir()) / "kneepoint_plot.svg";
  std::ofstream(path) << svg_plot(picture(kHockeyStick, 30));
  const std::string command =
      "python3 -c 'import sys,xml.dom.minidom as m; m.parse(sys.argv[1])' " + path.string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(TerminalPlot, NoLineIsWiderThanAsked) {
  std::mt19937 random(3);
  for (int i = 0; i < 120; ++i) {
    CurvePlot plot = random_picture(random);
    plot.title =
        "a-name-that-is-far-too-long-for-a-small-terminal/模型模型模型模型模型模型-and-more";
    for (const int width : {40, 57, 80, 140}) {
      for (const bool unicode : {true, false}) {
        for (const std::string& line :
             lines_of(terminal_plot(plot, {.width = width, .unicode = unicode}))) {
          ASSERT_LE(display_width(line), static_cast<std::size_t>(width)) << line;
        }
      }
    }
  }
}

TEST(TerminalPlot, InAsciiIsAscii) {
  for (const char c : terminal_plot(picture(kHockeyStick, 30), {.unicode = false})) {
    ASSERT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7F));
  }
}

TEST(TerminalPlot, ColorChangesNothingButColor) {
  const CurvePlot plot = picture(kHockeyStick, 30);
  const std::string colored = terminal_plot(plot, {.color = true});
  EXPECT_NE(colored.find("\x1b["), std::string::npos);
  EXPECT_EQ(std::regex_replace(colored, std::regex("\x1b\\[[0-9;]*m"), ""), terminal_plot(plot));
}

TEST(TerminalPlot, AHostileTitleCannotMoveTheCursor) {
  CurvePlot plot = picture(kHockeyStick);
  plot.title = "x\x1b[2Jy";
  EXPECT_EQ(terminal_plot(plot).find('\x1b'), std::string::npos);
}

TEST(Plots, WithoutAPointSayWhy) {
  const CurvePlot plot = picture({{1, std::nan(""), 8}});
  EXPECT_NE(terminal_plot(plot).find("nothing to draw"), std::string::npos);
  EXPECT_NE(svg_plot(plot).find("nothing to draw"), std::string::npos);
}

TEST(Plots, CountTheLoadsTheyLeaveOut) {
  const CurvePlot plot = picture({{1, 100, 8}, {2, std::nan(""), 9}});
  EXPECT_NE(terminal_plot(plot).find("1 of 2 loads lack a figure"), std::string::npos);
  EXPECT_NE(svg_plot(plot).find("1 of 2 loads lack a figure"), std::string::npos);
}

TEST(PlotAxisChoice, IsTheTargetsMetricOrTheFirstPublished) {
  CurvePlot plot = picture(kHockeyStick);
  EXPECT_EQ(default_axis(plot.points, {}).metric, Metric::Tpot);
  const curve::Target target{Metric::Ttft, Statistic::P99, 300};
  EXPECT_EQ(default_axis(plot.points, target).metric, Metric::Ttft);
  EXPECT_EQ(default_axis(plot.points, target).statistic, Statistic::P99);
  for (curve::LoadPoint& p : plot.points) {
    p.latency = {};
    p.latency.set(Metric::Ntpot, Statistic::Mean, 20);
  }
  EXPECT_EQ(default_axis(plot.points, {}).metric, Metric::Ntpot);
  EXPECT_EQ(default_axis(plot.points, {}).statistic, Statistic::Mean);
}

TEST(EvidenceLine, NamesKindSourceDatesAndLicence) {
  profile::Profile profile;
  profile.evidence = {profile::EvidenceKind::Published, "sgl_cookbook", "Apache-2.0"};
  EXPECT_EQ(evidence_line(profile), "published: sgl_cookbook, undated, Apache-2.0");
  profile.points.resize(2);
  profile.points[0].measured_on = "2026-02-03";
  profile.points[1].measured_on = "2026-01-01";
  EXPECT_EQ(evidence_line(profile, "SGLang cookbook"),
            "published: SGLang cookbook, 2026-01-01 to 2026-02-03, Apache-2.0");
}

TEST(PlotGoldens, HockeyStick) {
  expect_golden("hockey_stick.svg", svg_plot(picture(kHockeyStick, 30)));
  expect_golden("hockey_stick.txt", terminal_plot(picture(kHockeyStick, 30)));
  expect_golden("hockey_stick_ascii.txt",
                terminal_plot(picture(kHockeyStick, 30), {.width = 60, .unicode = false}));
}

TEST(PlotGoldens, OnePoint) {
  expect_golden("one_point.svg", svg_plot(picture({{1, 120, 8}})));
  expect_golden("one_point.txt", terminal_plot(picture({{1, 120, 8}})));
}

TEST(PlotGoldens, LogAxis) {
  const std::vector<Row> rows{{1, 100, 1}, {2, 190, 2}, {4, 350, 9}, {8, 600, 40}, {16, 620, 900}};
  expect_golden("log_axis.svg", svg_plot(picture(rows, 20)));
  expect_golden("log_axis.txt", terminal_plot(picture(rows, 20)));
}

}  // namespace
}  // namespace kneepoint::report
