#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "app/api_json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/large_pages.h"
#include "cli/notes.h"
#include "cli/query.h"
#include "cli/rows.h"

namespace kneepoint::cli {
namespace {

using app::Shown;
using metrics::Metric;
using recommend::Choice;
using report::Cell;
using report::Column;

Cell latency(const Choice& choice, const recommend::Request& request, Metric metric) {
  return rounded(app::shown(choice.operating_point.point, metric, request.statistic_rule).value);
}

/// The public client's columns, and after them ours: the statistic shown wherever some figure is
/// not the p50 its column promises, the fleet when a load is expected, what is predicted wherever
/// something is, evidence when asked for.
struct Layout {
  bool statistic = false, fleet = false, predicted = false, evidence = false;
};

std::vector<Column> columns(const Layout& layout, bool csv) {
  const char* ms = csv ? " (ms)" : "(ms)";
  const auto head = [](std::string title, std::string key, std::string missing = "None",
                       std::string missing_csv = "") {
    return Column{std::move(title), std::move(key), std::move(missing), std::move(missing_csv)};
  };
  const Column instance = head("Instance Type", "instanceType");
  const Column input_cost =
      head("Cost/M Input Tokens", "performanceStats.cost.costPerMillionInputTokens", "N/A", "N/A");
  const Column output_cost = head("Cost/M Output Tokens",
                                  "performanceStats.cost.costPerMillionOutputTokens", "N/A", "N/A");
  const Column rate = head("Output Tokens/s", "performanceStats.outputTokensPerSecond");
  const Column ntpot = head(std::string("NTPOT") + ms, "performanceStats.ntpotMilliseconds");
  const Column ttft = head(std::string("TTFT") + ms, "performanceStats.ttftMilliseconds");
  const Column itl = head(std::string("ITL") + ms, "performanceStats.itlMilliseconds");
  std::vector<Column> out;
  if (csv) {
    out = {instance,
           head("Accelerator Type", "acceleratorType"),
           head("Model Name", "modelServerInfo.model"),
           head("Model Server Name", "modelServerInfo.modelServer"),
           head("Model Server Version", "modelServerInfo.modelServerVersion"),
           rate,
           ntpot,
           ttft,
           itl,
           head("QPS", "performanceStats.queriesPerSecond"),
           input_cost,
           output_cost};
  } else {
    out = {instance,
           head("Accelerator", "acceleratorType"),
           input_cost,
           output_cost,
           rate,
           ntpot,
           ttft,
           itl,
           head("Model Server", "modelServerInfo.modelServer"),
           head("Model Server Version", "modelServerInfo.modelServerVersion"),
           head("Model", "modelServerInfo.model")};
  }
  out.push_back(head("Use Case", "workloadSpec.useCase"));
  out.push_back(head("Average Input Length", "workloadSpec.averageInputLength"));
  out.push_back(head("Average Output Length", "workloadSpec.averageOutputLength"));
  out.push_back(head("Serving Stack", "servingStack.name"));
  out.push_back(head("Serving Stack Version", "servingStack.version"));
  if (layout.statistic) out.push_back(head("Statistic", "kneepoint.statisticsShown", "p50", "p50"));
  if (layout.fleet) {
    out.push_back(head("Replicas", "kneepoint.replicas"));
    out.push_back(head("USD/Hour", "kneepoint.fleetUsdPerHour", "N/A", "N/A"));
  }
  if (layout.predicted) out.push_back(head("Evidence Kind", "kneepoint.evidence.kind"));
  if (layout.evidence) {
    out.push_back(head("Profile", "kneepoint.profile"));
    out.push_back(head("Accelerators", "resourcesUsed.acceleratorCount"));
    out.push_back(head("Precision", "kneepoint.weightPrecision", "not stated", "not stated"));
    out.push_back(head("Load", "kneepoint.operatingPoint.load"));
    out.push_back(head("Knee", "kneepoint.knee"));
    out.push_back(head("Evidence", "kneepoint.evidence.sentence"));
    out.push_back(head("Price", "kneepoint.price", "N/A", "N/A"));
    out.push_back(head("Flags", "kneepoint.evidence.flags", "-"));
  }
  return out;
}

std::vector<Cell> cells(const catalog::Catalog& catalog, const Choice& choice,
                        const recommend::Request& request, const Layout& layout, bool csv) {
  const profile::RankingRow& p = *choice.profile;
  const auto& point = choice.operating_point.point;
  std::vector<Cell> out;
  out.reserve(28);
  const auto instance = [&] {
    out.push_back(choice.quote ? text(choice.quote->machine_type) : Cell());
    out.push_back(text(p.setup.accelerator));
  };
  const auto speed = [&] {
    out.push_back(rounded(point.output_tokens_per_second));
    for (const Metric metric : {Metric::Ntpot, Metric::Ttft, Metric::Itl}) {
      out.push_back(latency(choice, request, metric));
    }
  };
  const auto costs = [&] {
    out.push_back(choice.cost ? Cell::number(choice.cost->input, 3) : Cell());
    out.push_back(choice.cost ? Cell::number(choice.cost->output, 3) : Cell());
  };
  const auto server = [&] {
    out.push_back(text(p.setup.model_server));
    out.push_back(text(p.setup.model_server_version));
  };
  instance();
  if (csv) {
    out.push_back(text(p.setup.model));
    server();
    speed();
    out.push_back(Cell::number(point.requests_per_second, report::kShortestWithPoint));
    costs();
  } else {
    costs();
    speed();
    server();
    out.push_back(text(p.setup.model));
  }
  out.push_back(text(app::use_case_of(catalog, p.workload.name)));
  out.push_back(rounded(p.workload.input_tokens_mean.value_or(metrics::kMissing)));
  out.push_back(rounded(p.workload.output_tokens_mean.value_or(metrics::kMissing)));
  out.push_back(text(p.setup.serving_stack));
  out.push_back(text(p.setup.serving_stack_version));
  if (layout.statistic) out.push_back(text(app::substituted(point, request.statistic_rule)));
  if (layout.fleet) {
    out.push_back(choice.usable_requests_per_second > 0 ? Cell::integer(choice.replicas) : Cell());
    out.push_back(choice.fleet_usd_per_hour ? Cell::number(*choice.fleet_usd_per_hour, 2) : Cell());
  }
  if (layout.predicted) out.push_back(Cell::text(app::evidence_mark(p.evidence)));
  if (layout.evidence) {
    out.push_back(text(p.id));
    out.push_back(p.setup.accelerator_count ? Cell::integer(*p.setup.accelerator_count) : Cell());
    out.push_back(text(p.setup.weight_precision));
    out.push_back(Cell::text(fmt::format("{} {}", shortest(std::round(point.load * 100) / 100),
                                         curve::unit(p.load_kind))));
    out.push_back(Cell::text(recommend::knee_sentence(choice.knee, p.load_kind, p.evidence.kind)));
    out.push_back(Cell::text(recommend::evidence_sentence(catalog, choice)));
    out.push_back(choice.quote ? Cell::text(app::price_evidence(*choice.quote)) : Cell());
    out.push_back(text(p.flags));
  }
  return out;
}

}  // namespace

Result<void> list_profiles(Run& run) {
  prefer_large_pages();
  auto asked = request(run);
  if (!asked) return fail(std::move(asked).error());
  const auto session = run.session();
  const catalog::Catalog& catalog = (*session)->catalog();
  const auto list = app::rank_profiles(**session, selection(run.args()), std::move(*asked));
  if (!list) return fail(list.error());

  std::vector<const Choice*> choices;
  for (const Choice& choice : list->result.ranked) choices.push_back(&choice);
  for (const Choice& choice : list->result.unpriced) choices.push_back(&choice);

  Layout layout;
  layout.fleet =
      list->request.expected_requests_per_second.has_value() || list->request.min_available;
  layout.evidence = run.args().on("--evidence");
  const std::string format = run.args().format().name;
  const bool csv = format == "csv" || format == "csvprofile";
  for (const Choice* choice : choices) {
    if (layout.statistic) break;
    layout.statistic =
        !app::substituted(choice->operating_point.point, list->request.statistic_rule).empty();
  }
  layout.predicted = std::any_of(choices.begin(), choices.end(), [](const Choice* choice) {
    return choice->profile->evidence.kind == profile::EvidenceKind::Predicted;
  });
  const bool none = choices.empty();
  const auto limit = run.args().integer("--limit");
  const bool in_order =
      run.args().list("--sort-by").empty() && !run.args().maybe_text("--filter").has_value();
  if (limit && in_order && static_cast<std::size_t>(*limit) < choices.size()) {
    choices.resize(static_cast<std::size_t>(*limit));  // only what is shown is made into rows
  }
  Rows rows{report::Table(columns(layout, csv)), {}};
  rows.table.reserve(choices.size());
  for (const Choice* choice : choices) {
    rows.table.add_row(cells(catalog, *choice, list->request, layout, csv));
  }
  rows.object = [&](std::size_t row) -> json::Value {
    return app::profile_json(catalog, *choices[row], list->request);
  };
  if (auto done = print_rows(run, rows); !done) return done;

  run.note(assumptions(run.args(), list->request));
  for (const std::string& note : list->notes) run.note(note);
  if (!list->result.ranked.empty() && !list->result.unpriced.empty()) {
    run.note(
        fmt::format("the last {} rows have no price and are ranked by throughput per accelerator",
                    list->result.unpriced.size()));
  }
  if (none) {
    run.note("Listed 0 items.");
    note_ranges(run, list->result);
  }
  if (run.args().on("--show-rejected")) {
    note_rejected(run, list->result);
  } else if (!list->result.rejected.empty()) {
    run.note(fmt::format("{} left out; --show-rejected tells why", list->result.rejected.size()));
  }
  return {};
}

}  // namespace kneepoint::cli
