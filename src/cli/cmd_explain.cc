#include <fmt/format.h>

#include <cmath>

#include "app/api_json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "profile/json.h"
#include "report/table.h"

namespace kneepoint::cli {
namespace {

using metrics::Metric;
using report::Cell;
using report::Column;

Cell tenths(double value) {
  return metrics::is_missing(value) ? Cell() : Cell::number(std::round(value * 10) / 10);
}

std::string setup_text(const profile::Profile& p) {
  std::string out;
  const auto line = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out += fmt::format("  {:<22} {}\n", name, value);
  };
  const auto count = [&](std::string_view name, const std::optional<int>& value) {
    if (value) line(name, std::to_string(*value));
  };
  const profile::ServingSetup& s = p.setup;
  line("model", s.model);
  line("checkpoint", s.checkpoint);
  line("model server", s.model_server + " " + s.model_server_version);
  line("image", s.container_image);
  line("accelerator", s.accelerator);
  count("accelerators", s.accelerator_count);
  count("tensor parallel", s.tensor_parallel);
  count("pipeline parallel", s.pipeline_parallel);
  count("data parallel", s.data_parallel);
  count("expert parallel", s.expert_parallel);
  line("weight precision", s.weight_precision.empty() ? "not stated" : s.weight_precision);
  line("KV cache precision", s.kv_precision);
  line("decoding", s.decoding);
  line("speculative decoding", s.speculative_decoding);
  for (const auto& [name, role] : {std::pair{"prefill", &s.prefill}, {"decode", &s.decode}}) {
    if (role->workers) {
      line(fmt::format("{} workers", name),
           fmt::format("{}{}{}{}", *role->workers,
                       role->tensor_parallel ? fmt::format(", TP {}", *role->tensor_parallel) : "",
                       role->expert_parallel ? fmt::format(", EP {}", *role->expert_parallel) : "",
                       role->attention_dp.value_or(false) ? ", data-parallel attention" : ""));
    }
  }
  line("topology from", s.topology_from);
  line("recorded topology", s.recorded_topology);
  line("server settings", s.server_settings);
  return out;
}

}  // namespace

Result<void> explain(Run& run) {
  const auto asked = request(run);
  if (!asked) return fail(asked.error());
  const auto session = run.session();
  const catalog::Catalog& catalog = (*session)->catalog();
  const auto found = app::get_profile(**session, run.args().positionals().front());
  if (!found) return fail(found.error());
  const profile::Profile& p = *found;
  const std::vector<profile::Profile> one{p};
  const auto ranking = profile::ranking_of(one);
  const auto result = recommend::recommend(catalog, ranking.rows(), *asked);
  const recommend::Choice* choice = !result.ranked.empty()     ? &result.ranked.front()
                                    : !result.unpriced.empty() ? &result.unpriced.front()
                                                               : nullptr;
  const std::string format = run.args().format().name;
  if (format == "json" || format == "yaml") {
    json::Object out{{"profile", profile::to_json(p)}};
    if (choice != nullptr) {
      out.emplace("recommendation", app::profile_json(catalog, *choice, *asked));
    }
    json::Array left_out;
    for (const auto& r : result.rejected) {
      left_out.push_back(
          json::Object{{"reason", recommend::code(r.reason)}, {"sentence", r.sentence}});
    }
    out.emplace("leftOut", std::move(left_out));
    run.out(format == "json" ? json::to_text(out) : json::to_yaml(out));
    return {};
  }

  std::string out = fmt::format("Profile {}\n\nServing setup\n{}", p.id, setup_text(p));
  out +=
      fmt::format("\nWorkload\n  {} ({}/{} tokens on average)\n", p.workload.name,
                  p.workload.input_tokens_mean ? shortest(*p.workload.input_tokens_mean) : "?",
                  p.workload.output_tokens_mean ? shortest(*p.workload.output_tokens_mean) : "?");

  const auto curve = profile::curve_of(p);
  const auto knee = curve::find_knee(curve, p.load_kind);
  out += fmt::format("\nCurve: {}\n", recommend::knee_sentence(knee, p.load_kind, p.evidence.kind));
  std::vector<Column> heads{{fmt::format("Load ({})", curve::unit(p.load_kind)), "load"},
                            {"Zone", "zone"},
                            {"Output Tokens/s", "output", "-"},
                            {"Requests/s", "rps", "-"}};
  std::vector<std::pair<Metric, metrics::Statistic>> shown;
  for (const Metric metric : metrics::kMetrics) {
    for (const auto statistic : metrics::kStatistics) {
      bool any = false;
      for (const auto& point : curve) any = any || point.latency.has(metric, statistic);
      if (!any) continue;
      shown.emplace_back(metric, statistic);
      heads.push_back({fmt::format("{} {} (ms)", metrics::label(metric), metrics::name(statistic)),
                       fmt::format("{}_{}", metrics::name(metric), metrics::name(statistic)), "-"});
    }
  }
  report::Table table(std::move(heads));
  for (const auto& point : curve) {
    std::vector<Cell> cells{Cell::number(point.load),
                            Cell::text(std::string(curve::name(curve::zone_of(knee, point.load)))),
                            tenths(point.output_tokens_per_second),
                            metrics::is_missing(point.requests_per_second)
                                ? Cell()
                                : Cell::number(point.requests_per_second, 2)};
    for (const auto& [metric, statistic] : shown) {
      cells.push_back(tenths(point.latency.get(metric, statistic)));
    }
    table.add_row(std::move(cells));
  }
  out += report::write_text(table, {.gap = 2});

  out += "\nEvidence\n";
  const catalog::Source* source = catalog.source(p.evidence.source);
  out += fmt::format("  {}\n", app::evidence_of(catalog, p.evidence.kind, p.evidence.source,
                                                profile::newest_date(p), p.evidence.licence));
  if (source != nullptr) {
    if (!source->how_measured.empty()) out += fmt::format("  {}\n", source->how_measured);
    if (!source->repository.empty()) out += fmt::format("  repository: {}\n", source->repository);
  }
  for (const profile::Point& point : p.points) {
    out += fmt::format("  at {} {}: {}{}\n", shortest(point.at.load), curve::unit(p.load_kind),
                       point.source_ref, point.measured_on.empty() ? "" : ", " + point.measured_on);
    if (!point.derived.empty()) out += fmt::format("    derived: {}\n", point.derived);
    if (!point.flags.empty()) out += fmt::format("    flags: {}\n", point.flags);
  }

  out += "\nOperating point\n";
  if (choice != nullptr) {
    const auto& point = choice->operating_point.point;
    out += fmt::format("  {} {}", shortest(std::round(point.load * 100) / 100),
                       curve::unit(p.load_kind));
    if (!metrics::is_missing(point.output_tokens_per_second)) {
      out += fmt::format(", {} output tokens/s", fixed(point.output_tokens_per_second, 0));
    }
    out += "\n";
    if (choice->cost) {
      out += fmt::format("  ${} per million output tokens, ${} per million input tokens\n",
                         fixed(choice->cost->output, 3), fixed(choice->cost->input, 3));
    }
    if (choice->quote) {
      out += fmt::format(
          "  ${} per hour and replica on {} ({})\n", fixed(choice->quote->usd_per_hour, 4),
          choice->quote->machine_type.empty() ? "rented accelerators" : choice->quote->machine_type,
          app::price_evidence(*choice->quote));
    }
    for (const std::string& reason : recommend::reasons(*choice, *asked)) {
      out += "  - " + reason + "\n";
    }
  }
  for (const auto& rejected : result.rejected) {
    out += fmt::format("  none: {}: {}\n", recommend::code(rejected.reason), rejected.sentence);
  }
  run.out(out);
  run.note(assumptions(run.args(), *asked));
  return {};
}

}  // namespace kneepoint::cli
