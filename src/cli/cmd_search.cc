#include <fmt/format.h>

#include <cmath>

#include "app/api_json.h"
#include "app/predictor.h"
#include "app/search.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/notes.h"
#include "cli/progress.h"
#include "cli/query.h"
#include "cli/rows.h"
#include "cli/setup_flags.h"

namespace kneepoint::cli {
namespace {

using metrics::Metric;
using recommend::Choice;
using report::Cell;
using report::Column;

Result<std::vector<int>> whole_numbers(const Parsed& args, std::string_view flag) {
  const auto values = numbers_of(args, flag, 1);
  if (!values) return fail(values.error());
  std::vector<int> out;
  for (const double value : *values) out.push_back(static_cast<int>(std::llround(value)));
  return out;
}

Result<app::SearchAsk> ask_of(const Parsed& args) {
  app::SearchAsk out;
  out.model = args.text("--model");
  out.model_server = args.text("--model-server");
  out.model_server_version = args.text("--model-server-version");
  out.accelerators = args.list("--accelerator-type");
  out.weight_precisions = args.list("--weight-precision");
  out.kv_precisions = args.list("--kv-precision");
  for (const auto& [flag, to] : {std::pair{"--tp", &out.tensor},
                                 {"--pp", &out.pipeline},
                                 {"--ep", &out.expert},
                                 {"--max-num-seqs", &out.max_num_seqs},
                                 {"--max-num-batched-tokens", &out.max_num_batched_tokens}}) {
    auto values = whole_numbers(args, flag);
    if (!values) return fail(std::move(values).error());
    *to = std::move(*values);
  }
  out.input_tokens = args.number("--input-length").value_or(out.input_tokens);
  out.output_tokens = args.number("--output-length").value_or(out.output_tokens);
  out.requests = args.number("--requests").value_or(out.requests);
  out.loads = static_cast<std::size_t>(args.integer("--loads").value_or(8));
  return out;
}

std::vector<Column> columns() {
  return {{"Accelerator", "acceleratorType"},
          {"Accelerators", "acceleratorCount"},
          {"TP", "tensorParallel"},
          {"PP", "pipelineParallel"},
          {"EP", "expertParallel"},
          {"Weights", "weightPrecision"},
          {"KV Cache", "kvPrecision", "auto", "auto"},
          {"Settings", "serverSettings", "-", ""},
          {"Replicas", "replicas"},
          {"USD/Hour", "usdPerHour", "N/A", "N/A"},
          {"Cost/M Output Tokens", "costPerMillionOutputTokens", "N/A", "N/A"},
          {"Load", "load"},
          {"Output Tokens/s", "outputTokensPerSecond"},
          {"TTFT (ms)", "ttftMilliseconds"},
          {"TPOT (ms)", "tpotMilliseconds"},
          {"E2E (ms)", "e2eMilliseconds"},
          {"Evidence Kind", "evidence"}};
}

std::vector<Cell> cells(const Choice& choice, const profile::Profile& whole,
                        const recommend::Request& request) {
  const profile::RankingRow& p = *choice.profile;
  const auto& point = choice.operating_point.point;
  const auto latency = [&](Metric metric) {
    return rounded(app::shown(point, metric, request.statistic_rule).value);
  };
  return {text(p.setup.accelerator),
          Cell::integer(p.setup.accelerator_count.value_or(1)),
          Cell::integer(p.setup.tensor_parallel.value_or(1)),
          Cell::integer(p.setup.pipeline_parallel.value_or(1)),
          Cell::integer(p.setup.expert_parallel.value_or(1)),
          text(p.setup.weight_precision),
          text(p.setup.kv_precision),
          text(whole.setup.server_settings),
          Cell::integer(choice.replicas),
          choice.fleet_usd_per_hour ? Cell::number(*choice.fleet_usd_per_hour, 2) : Cell(),
          choice.cost ? Cell::number(choice.cost->output, 3) : Cell(),
          Cell::number(std::round(point.load * 100) / 100),
          rounded(point.output_tokens_per_second),
          latency(Metric::Ttft),
          latency(Metric::Tpot),
          latency(Metric::E2e),
          Cell::text(app::evidence_mark(p.evidence))};
}

}  // namespace

Result<void> search(Run& run) {
  const Parsed& args = run.args();
  auto asked = request(run);
  if (!asked) return fail(std::move(asked).error());
  const auto ask = ask_of(args);
  if (!ask) return fail(ask.error());
  const auto session = run.session();
  const catalog::Catalog& catalog = (*session)->catalog();
  const auto plan = app::plan_search(catalog, *ask, asked->pricing);
  if (!plan) return fail(plan.error());
  const auto predictor = app::open_predictor(**session, args.text("--calibration"));
  if (!predictor) return fail(predictor.error());
  Progress progress(run, "setups");
  app::SearchOptions options;
  options.threads = static_cast<int>(args.integer("--threads").value_or(0));
  options.progress = [&](std::size_t done, std::size_t all) { progress.tell(done, all); };
  const auto servers = app::SimulatedServers::open(**session, args.text("--calibration"));
  if (!servers) return fail(servers.error());
  options.servers = &*servers;
  options.finalists = std::max(options.finalists,
                               2 * static_cast<std::size_t>(args.integer("--limit").value_or(0)));
  const auto found = app::search(catalog, **predictor, *plan, *ask, *asked, options);
  if (!found) return fail(found.error());

  std::vector<const Choice*> choices;
  for (const Choice& choice : found->result.ranked) choices.push_back(&choice);
  for (const Choice& choice : found->result.unpriced) choices.push_back(&choice);
  Rows rows{report::Table(columns()), {}};
  for (const Choice* choice : choices) {
    const auto index = static_cast<std::size_t>(choice->profile - found->ranking.rows().data());
    rows.table.add_row(cells(*choice, found->profiles[index], *asked));
  }
  rows.object = [&](std::size_t row) -> json::Value {
    const auto index =
        static_cast<std::size_t>(choices[row]->profile - found->ranking.rows().data());
    json::Object out = app::profile_json(catalog, *choices[row], *asked);
    const profile::ServingSetup& s = found->profiles[index].setup;
    json::Object setup{{"tensorParallel", s.tensor_parallel.value_or(1)},
                       {"pipelineParallel", s.pipeline_parallel.value_or(1)},
                       {"expertParallel", s.expert_parallel.value_or(1)},
                       {"kvPrecision", s.kv_precision},
                       {"serverSettings", s.server_settings}};
    out.at("kneepoint").as_object().emplace("setup", std::move(setup));
    return out;
  };
  if (auto done = print_rows(run, rows); !done) return done;
  run.note(
      fmt::format("{} setups tried, {} meet the targets; {} requests simulated; the {} best "
                  "were then predicted",
                  found->setups - found->left_out, found->met, shortest(found->simulated_requests),
                  found->profiles.size()));
  run.note(assumptions(args, *asked));
  run.note("predicted: " + (*predictor)->provenance());
  if (found->left_out > 0) {
    run.note(fmt::format("{} setups could not be predicted, the first: {}", found->left_out,
                         found->first_left_out));
  }
  if (choices.empty()) note_ranges(run, found->result);
  if (args.on("--show-rejected")) note_rejected(run, found->result);
  return {};
}

}  // namespace kneepoint::cli
