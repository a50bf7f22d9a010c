#include <fmt/format.h>

#include <cmath>

#include "app/api_json.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/rows.h"
#include "report/plot.h"

namespace kneepoint::cli {
namespace {

using metrics::Metric;
using report::Cell;
using report::Column;

constexpr auto kClosest = curve::StatisticRule::Closest;

std::vector<Column> columns(bool statistic, bool predicted, bool evidence) {
  std::vector<Column> out{
      {"Instance Type", "instanceType"},
      {"Accelerator Type", "acceleratorType"},
      {"Model Name", "modelServerInfo.model"},
      {"Model Server Name", "modelServerInfo.modelServer"},
      {"Model Server Version", "modelServerInfo.modelServerVersion"},
      {"Output Tokens/s", "performanceStats.outputTokensPerSecond"},
      {"NTPOT (ms)", "performanceStats.ntpotMilliseconds"},
      {"TTFT (ms)", "performanceStats.ttftMilliseconds"},
      {"ITL (ms)", "performanceStats.itlMilliseconds"},
      {"QPS", "performanceStats.queriesPerSecond"},
      {"Cost/M Input Tokens", "performanceStats.cost.costPerMillionInputTokens", "N/A", "N/A"},
      {"Cost/M Output Tokens", "performanceStats.cost.costPerMillionOutputTokens", "N/A", "N/A"},
      {"Use Case", "workloadSpec.useCase"},
      {"Average Input Length", "workloadSpec.averageInputLength"},
      {"Average Output Length", "workloadSpec.averageOutputLength"},
      {"Serving Stack", "servingStack.name"},
      {"Serving Stack Version", "servingStack.version"}};
  if (statistic) out.push_back({"Statistic", "kneepoint.statisticsShown", "p50", "p50"});
  if (predicted) out.push_back({"Evidence Kind", "kneepoint.evidence.kind"});
  if (evidence) {
    for (const auto& [title, key] : {std::pair{"Profile", "kneepoint.profile"},
                                     {"Accelerators", "resourcesUsed.acceleratorCount"},
                                     {"Precision", "kneepoint.weightPrecision"},
                                     {"Load", "kneepoint.load"},
                                     {"Load Kind", "kneepoint.loadKind"},
                                     {"Zone", "kneepoint.zone"},
                                     {"Evidence", "kneepoint.evidence"},
                                     {"Measured On", "kneepoint.measuredOn"},
                                     {"Source Reference", "kneepoint.sourceRef"},
                                     {"Derived", "kneepoint.derived"},
                                     {"Flags", "kneepoint.flags"},
                                     {"Price", "kneepoint.price"}}) {
      out.push_back({title, key});
    }
  }
  return out;
}

/// The one profile a plot is of: by id, or the best of a selection.
Result<profile::Profile> plotted(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  if (!run.args().positionals().empty()) {
    return app::get_profile(**session, run.args().positionals().front());
  }
  if (!run.args().given("--model")) {
    return fail(
        ErrorCode::InvalidArgument,
        "which curve? Give a profile id, or --model, for example: kneepoint benchmarks plot "
        "--model=openai/gpt-oss-120b");
  }
  recommend::Request request;
  request.pricing.today = (*session)->settings().today;
  request.targets = targets(run.args());
  app::Selection wanted = selection(run.args());
  if (const std::string one = run.args().text("--accelerator-type"); !one.empty()) {
    wanted.accelerators = {one};
  }
  auto list = app::rank_profiles(**session, wanted, request);
  if (!list) return fail(std::move(list).error());
  if (list->result.ranked.empty() && list->result.unpriced.empty()) {
    request.targets.clear();  // a target out of reach is drawn all the same
    list = app::rank_profiles(**session, wanted, request);
    if (!list) return fail(std::move(list).error());
  }
  // Of the choices the one with the most loads shows most; ties go to the better ranked.
  const recommend::Choice* best = nullptr;
  for (const auto* block : {&list->result.ranked, &list->result.unpriced}) {
    for (const recommend::Choice& choice : *block) {
      if (best == nullptr || choice.profile->points.size() > best->profile->points.size()) {
        best = &choice;
      }
    }
  }
  if (best == nullptr)
    return fail(ErrorCode::NotFound, "no curve to draw: only bursts were measured");
  return app::get_profile(**session, std::string(best->profile->id));
}

}  // namespace

Result<void> list_benchmarks(Run& run) {
  const auto asked = request(run);
  if (!asked) return fail(asked.error());
  const auto session = run.session();
  const catalog::Catalog& catalog = (*session)->catalog();
  const auto list = app::list_benchmarks(**session, selection(run.args()), asked->pricing,
                                         asked->output_input_cost_ratio);
  if (!list) return fail(list.error());

  std::vector<const app::Benchmark*> points;
  for (const app::Benchmark& row : list->points) {
    const bool other_machine =
        !asked->pricing.machine_type.empty() &&
        (!row.quote || row.quote->machine_type != asked->pricing.machine_type);
    if (!other_machine) points.push_back(&row);
  }
  const bool evidence = run.args().on("--evidence");
  bool statistic = false, predicted = false;
  for (const app::Benchmark* row : points) {
    statistic = statistic || !app::substituted(row->point->at, kClosest).empty();
    predicted = predicted || row->profile->evidence.kind == profile::EvidenceKind::Predicted;
  }
  Rows rows{report::Table(columns(statistic, predicted, evidence)), {}};
  for (const app::Benchmark* row : points) {
    const profile::Profile& p = *row->profile;
    const auto& at = row->point->at;
    std::vector<Cell> cells{row->quote ? text(row->quote->machine_type) : Cell(),
                            text(p.setup.accelerator),
                            text(p.setup.model),
                            text(p.setup.model_server),
                            text(p.setup.model_server_version),
                            rounded(at.output_tokens_per_second),
                            rounded(app::shown(at, Metric::Ntpot, kClosest).value),
                            rounded(app::shown(at, Metric::Ttft, kClosest).value),
                            rounded(app::shown(at, Metric::Itl, kClosest).value),
                            Cell::number(at.requests_per_second, report::kShortestWithPoint),
                            row->cost ? Cell::number(row->cost->input, 3) : Cell(),
                            row->cost ? Cell::number(row->cost->output, 3) : Cell(),
                            text(app::use_case_of(catalog, p.workload.name)),
                            rounded(row->point->input_tokens_mean.value_or(metrics::kMissing)),
                            rounded(row->point->output_tokens_mean.value_or(metrics::kMissing)),
                            text(p.setup.serving_stack),
                            text(p.setup.serving_stack_version)};
    if (statistic) cells.push_back(text(app::substituted(at, kClosest)));
    if (predicted) cells.push_back(text(app::evidence_mark(p.evidence)));
    if (evidence) {
      cells.push_back(text(p.id));
      cells.push_back(p.setup.accelerator_count ? Cell::integer(*p.setup.accelerator_count)
                                                : Cell());
      cells.push_back(text(p.setup.weight_precision));
      cells.push_back(Cell::number(at.load));
      cells.push_back(text(curve::name(p.load_kind)));
      cells.push_back(text(curve::name(row->zone)));
      cells.push_back(text(app::evidence_of(catalog, p, row->point->measured_on)));
      cells.push_back(text(row->point->measured_on));
      cells.push_back(text(row->point->source_ref));
      cells.push_back(text(row->point->derived));
      cells.push_back(text(row->point->flags));
      cells.push_back(row->quote ? text(app::price_evidence(*row->quote)) : Cell());
    }
    rows.table.add_row(std::move(cells));
  }
  const std::string format = run.args().format().name;
  if (format == "json" || format == "yaml") {
    // One object per profile, its points inside, as the API has it.
    const auto chosen = choose_rows(rows.table, run.args());
    if (!chosen) return fail(chosen.error());
    std::vector<const app::Benchmark*> kept;
    for (const std::size_t row : *chosen) kept.push_back(points[row]);
    json::Array all;
    std::string yaml;
    for (std::size_t from = 0; from < kept.size();) {
      std::vector<app::Benchmark> of_one;
      std::size_t to = from;
      while (to < kept.size() && kept[to]->profile == kept[from]->profile) {
        of_one.push_back(*kept[to++]);
      }
      json::Value one = app::benchmark_json(catalog, *kept[from]->profile, of_one, asked->pricing,
                                            asked->output_input_cost_ratio);
      if (format == "json") {
        all.push_back(std::move(one));
      } else {
        yaml += "---\n" + json::to_yaml(one);
      }
      from = to;
    }
    run.out(format == "json" ? json::to_text(all) : yaml);
    return {};
  }
  if (auto done = print_rows(run, rows); !done) return done;
  if (points.empty()) run.note("Listed 0 items.");
  run.note(assumptions(run.args(), *asked));
  for (const std::string& note : list->notes) run.note(note);
  return {};
}

Result<void> plot_benchmarks(Run& run) {
  const auto profile = plotted(run);
  if (!profile) return fail(profile.error());
  const auto wanted = targets(run.args());
  const auto* source = (*run.session())->catalog().source(profile->evidence.source);
  const std::optional<curve::Target> target =
      wanted.empty() ? std::nullopt : std::optional(wanted.front());
  report::CurvePlot plot =
      report::plot_of(*profile, target, source != nullptr ? source->display_name : std::string());
  const auto named = run.args().maybe_text("--metric");
  if (named || target) {
    const Metric metric = named ? *metrics::parse_metric(*named) : target->metric;
    // The axis shows p50, or the nearest statistic there is, and says which.
    std::optional<metrics::ChosenStatistic> chosen;
    for (const auto& point : plot.points) {
      if (!chosen) {
        chosen = metrics::choose_statistic(point.latency, metric, metrics::Statistic::P50, true);
      }
    }
    if (!chosen) {
      return fail(ErrorCode::NotFound,
                  fmt::format("profile {} has no {} figures; it has {}", profile->id,
                              metrics::label(metric), metrics::label(plot.metric)));
    }
    plot.metric = metric;
    plot.statistic = chosen->statistic;
    if (!target || target->metric != metric) plot.target_ms.reset();
  }
  if (!wanted.empty()) {
    const auto op = curve::find_operating_point(plot.points, profile->load_kind, wanted,
                                                curve::StatisticRule::Closest);
    if (op) plot.operating_point = *op;
  }
  if (const auto file = run.args().maybe_text("--svg")) {
    const std::string svg = report::svg_plot(plot);
    if (*file == "-") {
      run.out(svg);
      return {};
    }
    if (auto done = write_file(*file, svg); !done) return done;
    run.out("Picture saved to " + *file + "\n");
    return {};
  }
  report::TerminalStyle style;
  style.width =
      static_cast<int>(run.args().integer("--width").value_or(std::min(run.width(), 120)));
  style.height = static_cast<int>(run.args().integer("--height").value_or(18));
  style.unicode = run.unicode();
  style.color = run.color();
  run.out(report::terminal_plot(plot, style));
  return {};
}

}  // namespace kneepoint::cli
