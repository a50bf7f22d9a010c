#include "report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "report/testing/bench_points.h"

namespace kneepoint::report {
namespace {

using ::testing::HasSubstr;
using testing::hostile_report;
using testing::made_point;
using testing::made_report;
using ::testing::Not;

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(HtmlPage, LeadsWithTheKneeAndItsFigures) {
  const std::string page = html_page(made_report());
  EXPECT_THAT(page, HasSubstr("Knee at 32 clients: 2,846 output tokens/s, TTFT p50 93.9 ms"));
  EXPECT_THAT(page, HasSubstr("Valid: the load generator kept up at every point"));
  EXPECT_THAT(page, HasSubstr("Measured 2026-11-21 14:03 to 14:23 UTC by kneepoint 0.1.0 on "
                              "bench-client-1, against http://10.0.0.12:8000/v1"));
}

TEST(HtmlPage, HoldsTheExactFiguresOfEveryPoint) {
  const BenchReport report = made_report();
  const std::string page = html_page(report);
  for (const run::PointRecord& point : report.points) {
    for (const metrics::Metric metric : {metrics::Metric::Ttft, metrics::Metric::Itl}) {
      EXPECT_THAT(page,
                  HasSubstr("<data value=\"" + shortest(point.summary.of(metric).p50) + "\""));
      EXPECT_THAT(page,
                  HasSubstr("<data value=\"" + shortest(point.summary.of(metric).p99) + "\""));
    }
    EXPECT_THAT(page,
                HasSubstr("<data value=\"" + shortest(point.summary.output_rate->per_second())));
  }
}

TEST(HtmlPage, TakesHostileTextAsText) {
  const std::string page = html_page(hostile_report());
  EXPECT_EQ(times(page, "<script"), 1U);  // ours
  EXPECT_EQ(times(page, "</script"), 1U);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<i>too")));
  EXPECT_THAT(page, Not(HasSubstr("<b>key")));
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  EXPECT_THAT(page, Not(HasSubstr("secret")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;document.title="));
  EXPECT_THAT(page, Not(HasSubstr(std::string(1000, 'x'))));  // long bodies are cut
}

TEST(HtmlPage, NamesNothingToBeFetched) {
  BenchReport report = made_report();
  report.facts.target.clear();  // the one address that is there to be read
  std::string page = html_page(report);
  const std::string space = "xmlns=\"http://www.w3.org/2000/svg\"";
  for (std::size_t at = page.find(space); at != std::string::npos; at = page.find(space)) {
    page.erase(at, space.size());
  }
  for (const char* fetching : {"http:", "https:", "url(", "@import", "src=", "<link", "<iframe"}) {
    EXPECT_EQ(page.find(fetching, page.find("<main>")), std::string::npos) << fetching;
  }
  EXPECT_EQ(times(page, "href=\""), times(page, "href=\"#"));
}

TEST(HtmlPage, SaysWhenFiguresAreNotToBeBelieved) {
  const std::string page = html_page(hostile_report());
  EXPECT_THAT(page, HasSubstr("verdict doubt"));
  EXPECT_THAT(page, HasSubstr("bottleneck at 1 point, which is left out of the knee"));
  EXPECT_THAT(page, HasSubstr("37 of 11,440 requests failed"));
}

TEST(HtmlPage, StaysSmallWithManyAndLongPoints) {
  BenchReport report;
  for (std::int64_t clients = 1; clients <= 30; ++clients) {
    report.points.push_back(made_point(clients, 4 * clients));
    std::vector<run::Slice>& slices = report.points.back().slices;
    for (int i = 0; i < 5; ++i) slices.insert(slices.end(), slices.begin(), slices.begin() + 60);
  }
  const std::string page = html_page(report);
  EXPECT_LE(page.size(), kMostPageBytes);
  EXPECT_THAT(page, HasSubstr("id=\"series-29-itl\""));

  while (report.points.size() < 200) report.points.push_back(report.points.front());
  const std::string long_page = html_page(report);
  EXPECT_LE(long_page.size(), kMostPageBytes);
  EXPECT_THAT(long_page, HasSubstr("Left out to keep this page small"));
}

TEST(HtmlPage, StandsWithHardlyAnything) {
  EXPECT_THAT(html_page({}), HasSubstr("No load point was measured"));
  BenchReport bare;
  bare.points.resize(1);
  const std::string page = html_page(bare);
  EXPECT_THAT(page, HasSubstr("This report holds no histograms"));
  EXPECT_THAT(page, HasSubstr("No time series was kept"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(HtmlPage, IsTheSameForTheSameReport) {
  EXPECT_EQ(html_page(made_report()), html_page(made_report()));
}

}  // namespace
}  // namespace kneepoint::report
