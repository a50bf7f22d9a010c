#include <cmath>

#include "base/text.h"
#include "report/compare.h"
#include "report/plot_layout.h"
#include "report/table.h"
#include "report/text_width.h"

namespace kneepoint::report {
namespace {

using json::Array;
using json::Object;
using json::Value;

Value number(double value) { return std::isfinite(value) ? Value(value) : Value(nullptr); }

Value to_json(const Estimate& estimate) {
  return Object{{"value", number(estimate.value)},
                {"low", number(estimate.low)},
                {"high", number(estimate.high)}};
}

Array to_json(const std::vector<Differing>& differing) {
  Array out;
  for (const Differing& one : differing) {
    out.push_back(Object{{"what", one.what}, {"a", one.a}, {"b", one.b}});
  }
  return out;
}

Cell shown(double value) { return metrics::is_missing(value) ? Cell() : Cell::text(figure(value)); }

std::string judgement_words(const Difference& difference) {
  switch (difference.judgement) {
    case Judgement::Better:
      return "better";
    case Judgement::Worse:
      return "WORSE";
    case Judgement::NoDifference:
      return "no significant difference";
    case Judgement::CannotTell:
      break;
  }
  return "cannot tell";
}

std::string signed_percent(double change) {
  if (metrics::is_missing(change)) return {};
  const std::string words = fixed(100 * change, 1);
  return (change > 0 && words != "0.0" ? "+" : "") + words + " %";
}

}  // namespace

Value to_json(const Comparison& comparison) {
  Array differences;
  for (const Difference& difference : comparison.differences) {
    differences.push_back(Object{{"load", difference.load},
                                 {"figure", difference.key},
                                 {"unit", difference.unit},
                                 {"a", to_json(difference.a)},
                                 {"b", to_json(difference.b)},
                                 {"change", number(difference.change)},
                                 {"difference_low", number(difference.low)},
                                 {"difference_high", number(difference.high)},
                                 {"judgement", name(difference.judgement)}});
  }
  return Object{{"schema", "kneepoint.bench-comparison.v1"},
                {"verdict", comparison.verdict},
                {"comparable", comparison.comparable()},
                {"load_kind", curve::name(comparison.kind)},
                {"level", comparison.level},
                {"method",
                 "batch means (means, rates), order statistics (percentiles), Wilson (failures); "
                 "differences by MOVER; level after Bonferroni"},
                {"not_comparable", to_json(comparison.not_comparable)},
                {"context", to_json(comparison.context)},
                {"left_out", Array(comparison.left_out.begin(), comparison.left_out.end())},
                {"differences", std::move(differences)}};
}

std::string compare_table(const Comparison& comparison) {
  std::string out = comparison.verdict + ".\n";
  for (const Differing& one : comparison.not_comparable) {
    out += "- " + printable(one.what + ": A " + one.a + ", B " + one.b) + "\n";
  }
  for (const Differing& one : comparison.context) {
    out += "- other " + printable(one.what + ": A " + one.a + ", B " + one.b) + "\n";
  }
  for (const std::string& one : comparison.left_out) out += "- left out: " + printable(one) + "\n";
  if (comparison.differences.empty()) return out;
  std::vector<Column> columns;
  for (const char* title : {"LOAD", "FIGURE", "A", "B", "CHANGE", "B - A, INTERVAL", "B IS"}) {
    columns.push_back({title, title, "-"});
  }
  Table table(std::move(columns));
  for (const Difference& difference : comparison.differences) {
    const std::string interval = metrics::is_missing(difference.low)
                                     ? ""
                                     : figure(difference.low) + " to " + figure(difference.high);
    table.add_row({Cell::text(load_text({comparison.kind, difference.load})),
                   Cell::text(difference.words + ", " + difference.unit), shown(difference.a.value),
                   shown(difference.b.value),
                   Cell::text_or_missing(signed_percent(difference.change)),
                   Cell::text_or_missing(interval), Cell::text(judgement_words(difference))});
  }
  return out + "\n" + write_text(table, {.gap = 2}) +
         "\nIntervals hold together with 95 %: batch means for means and rates, order statistics "
         "for percentiles.\n";
}

}  // namespace kneepoint::report
