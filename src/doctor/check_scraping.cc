#include "doctor/quantity.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

void check_time(const Object& object, const At& time, Report& report) {
  if (!time.exists() || time.is_map() || parse_duration(time.text())) return;
  report.error(object, time, "bad-duration",
               std::string(time.text()) + " is no duration; the operator's webhook refuses it.",
               "Write a number and its unit, such as 15s.",
               time.path().substr(time.path().rfind('.') + 1) + ": 15s");
}

void check_rules(const Object& object, Report& report) {
  for (const At& group : object["spec"]["groups"].items()) {
    check_time(object, group["interval"], report);
    for (const At& rule : group["rules"].items()) {
      if (rule["alert"].exists() == rule["record"].exists()) {
        report.error(object, rule, "one-source", "A rule has either alert or record.", "Keep one.");
      }
      if (rule["expr"].exists() && rule["expr"].text().empty() && !rule["expr"].is_map()) {
        report.error(object, rule["expr"], "missing-field", "A rule needs an expression.",
                     "Add it.");
      }
      check_time(object, rule["for"], report);
    }
  }
}

}  // namespace

void check_scraping(const Object& object, Report& report) {
  const bool managed = object.api_version.starts_with("monitoring.googleapis.com/");
  for (const char* list : {"endpoints", "podMetricsEndpoints"}) {
    for (const At& endpoint : object["spec"][list].items()) {
      if (managed) {
        check_time(object, endpoint["interval"], report);
        check_time(object, endpoint["timeout"], report);
      }
      const auto every = parse_duration(endpoint["interval"].text());
      const char* limit = managed ? "timeout" : "scrapeTimeout";
      const auto within = parse_duration(endpoint[limit].text());
      if (every && within && *within > *every) {
        report.error(object, endpoint[limit], "timeout-over-interval",
                     "A scrape may not take longer than the time between two.",
                     "Lower the timeout.",
                     std::string(limit) + ": " + std::string(endpoint["interval"].text()));
      }
    }
  }
  if (object.is("PrometheusRule") || object.is("Rules") || object.is("ClusterRules")) {
    check_rules(object, report);
  }
}

}  // namespace kneepoint::doctor
