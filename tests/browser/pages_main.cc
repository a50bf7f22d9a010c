#include <cstdio>
#include <string>

#include "base/file.h"
#include "report/html.h"
#include "report/testing/bench_points.h"
#include "run/point.h"

// browser_pages FOLDER: writes the pages that the browser test opens, and two runs as reports that
// the command line reads.
namespace {

using namespace kneepoint;

std::string document_of(const report::BenchReport& report) {
  json::Array points;
  for (const run::PointRecord& point : report.points) points.push_back(run::to_json(point));
  return json::to_text(json::Object{
      {"schema", "kneepoint.bench-report.v1"},
      {"tool", json::Object{{"name", "kneepoint"}, {"version", "0.1.0"}}},
      {"target", json::Object{{"url", report.facts.target}, {"model", report.facts.model}}},
      {"points", std::move(points)}});
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  const std::string folder = words[1];
  for (const auto& [name, report] :
       {std::pair{"/plain.html", report::testing::made_report()},
        std::pair{"/hostile.html", report::testing::hostile_report()}}) {
    if (auto written = write_file(folder + name, report::html_page(report)); !written) {
      std::fprintf(stderr, "%s\n", written.error().message.c_str());
      return 1;
    }
  }
  for (const auto& [name, report] :
       {std::pair{"/before.json", report::testing::made_report({1, 4, 16, 32, 64})},
        std::pair{"/after.json",
                  report::testing::made_report({1, 4, 16, 32, 64}, 8, {.ttft_ms = 54})}}) {
    if (!write_file(folder + name, document_of(report))) return 1;
  }
  return 0;
}
