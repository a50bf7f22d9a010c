#include <fmt/format.h>

#include <cmath>

#include "app/api_json.h"
#include "app/predict.h"
#include "app/predict_points.h"
#include "app/predicted_rows.h"
#include "app/predictor.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/setup_flags.h"
#include "profile/predicted_table.h"
#include "recommend/recommend.h"

namespace kneepoint::cli {
namespace {

using metrics::Metric;
using metrics::Statistic;
using report::Cell;
using report::Column;

int threads_of(const Parsed& args) {
  return static_cast<int>(args.integer("--threads").value_or(0));
}

Result<std::unique_ptr<predict::Predictor>> predictor_of(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto train = run.args().maybe_text("--train");
  if (!train) return app::open_predictor(**session, run.args().text("--calibration"));
  if (run.args().given("--calibration")) {
    return fail(ErrorCode::InvalidArgument, "--train makes a calibration: leave --calibration out");
  }
  Progress progress(run, "steps of the calibration");
  return app::train_predictor(
      **session, *train,
      [&](std::size_t done, std::size_t all, std::string_view) { progress.tell(done, all); });
}

/// Three significant digits.
Cell figure(double value) {
  return metrics::is_missing(value) ? Cell()
                                    : Cell::number(*parse_number(fmt::format("{:.4g}", value)));
}

Cell band(const predict::Estimate& estimate) {
  return Cell::text(fmt::format("{:.4g} .. {:.4g}", estimate.low, estimate.high));
}

Rows rows_of(const app::PredictedCurve& curve, bool csv) {
  const profile::Profile& p = curve.profile;
  std::vector<Column> heads{{fmt::format("Load ({})", curve::unit(p.load_kind)), "load"}};
  if (curve.whole) heads.push_back({"Zone", "zone"});
  heads.push_back({"Requests/s", "requests_per_second"});
  heads.push_back({"Output Tokens/s", "output_tokens_per_second"});
  for (const char* metric : {"ttft", "tpot", "e2e"}) {
    const std::string label(metrics::label(*metrics::parse_metric(metric)));
    const std::string key = fmt::format("{}_mean_ms", metric);
    heads.push_back({label + " (ms)", key});
    if (csv) {
      heads.push_back({label + " low (ms)", key + "_low"});
      heads.push_back({label + " high (ms)", key + "_high"});
    } else {
      heads.push_back({"80 % Band", key + "_band"});
    }
  }
  heads.push_back({"TTFT p99 (ms)", "ttft_p99_ms", "-"});
  heads.push_back({"Evidence", "evidence"});
  if (csv) {
    heads.push_back({"Nearest", "nearest"});
    heads.push_back({"Anchors", "anchors"});
    heads.push_back({"Extrapolated", "extrapolated"});
    heads.push_back({"Predicted By", "predicted_by"});
  }
  Rows out{report::Table(std::move(heads)), {}};
  for (std::size_t i = 0; i < p.points.size(); ++i) {
    const auto& at = p.points[i].at;
    const predict::Prediction& one = curve.predictions[i];
    std::vector<Cell> cells{Cell::number(at.load)};
    if (curve.whole) cells.push_back(text(curve::name(curve::zone_of(curve.knee, at.load))));
    cells.push_back(figure(at.requests_per_second));
    cells.push_back(figure(at.output_tokens_per_second));
    for (const auto* estimate : {&one.ttft_mean_ms, &one.tpot_mean_ms, &one.e2e_mean_ms}) {
      cells.push_back(figure(estimate->value));
      if (csv) {
        cells.push_back(figure(estimate->low));
        cells.push_back(figure(estimate->high));
      } else {
        cells.push_back(band(*estimate));
      }
    }
    cells.push_back(figure(at.latency.get(Metric::Ttft, Statistic::P99)));
    cells.push_back(Cell::text(one.saturated ? "predicted, saturated" : "predicted"));
    if (csv) {
      cells.push_back(text(one.nearest));
      cells.push_back(Cell::integer(one.anchors));
      cells.push_back(text(join(one.extrapolated, "; ")));
      cells.push_back(text(p.evidence.prediction.by));
    }
    out.table.add_row(std::move(cells));
  }
  return out;
}

std::string split_of(const profile::ServingSetup& s) {
  if (!s.prefill.workers || !s.decode.workers) {
    return fmt::format(
        "TP {}{}", s.tensor_parallel.value_or(1),
        s.pipeline_parallel.value_or(1) > 1 ? fmt::format(", PP {}", *s.pipeline_parallel) : "");
  }
  return fmt::format("{} prefill workers of {}, {} decode workers of {}{}", *s.prefill.workers,
                     s.prefill.tensor_parallel.value_or(1), *s.decode.workers,
                     s.decode.tensor_parallel.value_or(1),
                     s.decode.attention_dp.value_or(false) ? ", attention data-parallel" : "");
}

void note_evidence(Run& run, const app::PredictedCurve& curve) {
  const profile::Profile& p = curve.profile;
  const profile::ServingSetup& s = p.setup;
  run.note(fmt::format(
      "{} {} on {} x {}, {} weights, {}; {}/{} tokens", s.model,
      s.model_server + (s.model_server_version.empty() ? "" : " " + s.model_server_version),
      s.accelerator_count ? std::to_string(*s.accelerator_count) : "?", s.accelerator,
      s.weight_precision, split_of(s), shortest(p.workload.input_tokens_mean.value_or(0)),
      shortest(p.workload.output_tokens_mean.value_or(0))));
  if (curve.whole) {
    run.note(recommend::knee_sentence(curve.knee, p.load_kind, profile::EvidenceKind::Predicted));
  }
  run.note("predicted: " + curve.provenance);
  int anchors = 0;
  for (const predict::Prediction& one : curve.predictions) anchors = std::max(anchors, one.anchors);
  const auto& behind = p.evidence.prediction;
  if (anchors > 0) run.note(fmt::format("passes through {} points measured here", anchors));
  if (!behind.nearest.empty()) run.note("nearest measured: " + behind.nearest);
  for (const std::string_view note : split(behind.extrapolated, ';')) {
    run.note(fmt::format("extrapolated: {}", note));
  }
}

Result<void> predict_one(Run& run) {
  const Parsed& args = run.args();
  auto question = question_of(run);
  if (!question) return fail(std::move(question).error());
  const auto clients = numbers_of(args, "--concurrency", 1);
  if (!clients) return fail(clients.error());
  const auto rates = numbers_of(args, "--rate", 1e-6);
  if (!rates) return fail(rates.error());
  if (!clients->empty() && !rates->empty()) {
    return fail(ErrorCode::InvalidArgument,
                "--concurrency holds the clients and --rate the arrivals: give one of them");
  }
  app::PredictAsk ask{std::move(*question), rates->empty() ? *clients : *rates};
  if (!rates->empty()) ask.question.load_kind = curve::LoadKind::RequestRate;
  const auto predictor = predictor_of(run);
  if (!predictor) return fail(predictor.error());
  const auto curve = app::predict_curve(**predictor, ask);
  if (!curve) return fail(curve.error());

  const std::string format = args.format().name;
  if (format == "json" || format == "yaml") {
    const json::Object out = app::predicted_json(*curve);
    run.out(format == "json" ? json::to_text(out) : json::to_yaml(out));
    return {};
  }
  const Rows rows = rows_of(*curve, format == "csv" || format == "csvprofile");
  if (auto done = print_rows(run, rows); !done) return done;
  note_evidence(run, *curve);
  return {};
}

Result<void> predict_file(Run& run) {
  const std::string file = run.args().text("--points");
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  const auto predictor = predictor_of(run);
  if (!predictor) return fail(predictor.error());
  Progress progress(run, "rows");
  const auto done =
      app::predict_points(**predictor, *text, file, threads_of(run.args()),
                          [&](std::size_t so_far, std::size_t all) { progress.tell(so_far, all); });
  if (!done) return fail(done.error());
  const auto out = run.args().maybe_text("--out");
  if (out && *out != "-") {
    if (auto written = write_file(*out, done->csv); !written) return written;
  } else {
    run.out(done->csv);
  }
  run.note(fmt::format("{} rows predicted{}", done->rows - done->failed,
                       out && *out != "-" ? " into " + *out : ""));
  run.note("predicted: " + (*predictor)->provenance());
  if (done->failed == done->rows) {
    return fail(ErrorCode::Unsatisfiable, "no row could be predicted; " + done->first_error);
  }
  if (done->failed > 0) {
    run.note(fmt::format("{} rows could not be predicted, the first: {}", done->failed,
                         done->first_error));
  }
  return {};
}

app::PredictAllAsk all_of(const Parsed& args) {
  app::PredictAllAsk out;
  out.model = args.text("--model");
  if (args.given("--accelerator")) out.accelerators = {args.text("--accelerator")};
  if (args.given("--model-server")) out.model_server = args.text("--model-server");
  out.model_server_version = args.text("--model-server-version");
  out.few_workloads = args.text("--workloads") == "shipped";
  if (args.given("--input-length") || args.given("--output-length")) {
    out.input_tokens = args.number("--input-length");
    out.output_tokens = args.number("--output-length");
  }
  return out;
}

Result<void> write_tables(const std::string& folder, const std::vector<profile::Profile>& rows) {
  const profile::PredictedTables tables = profile::write_predicted_tables(rows);
  const std::filesystem::path into(folder);
  if (auto done = write_file(into / "predicted.csv", tables.predicted); !done) return done;
  return write_file(into / "predicted_notes.csv", tables.notes);
}

Result<void> predict_all(Run& run) {
  const Parsed& args = run.args();
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto plan = app::plan_rows((*session)->catalog(), all_of(args));
  if (!plan) return fail(plan.error());
  if (plan->empty()) {
    return fail(ErrorCode::NotFound,
                "no such model fits on such an accelerator with a server that runs its weights "
                "there (rows of server_hardware.csv in a catalog of your own add to what ships)");
  }
  const auto predictor = predictor_of(run);
  if (!predictor) return fail(predictor.error());
  Progress progress(run, "curves");
  app::RowsOptions options;
  options.threads = threads_of(args);
  for (const char* flag : {"--calibration", "--train"}) {
    if (!args.given(flag)) continue;
    std::error_code error;
    options.origin = std::filesystem::absolute(args.text(flag), error).string();
  }
  options.progress = [&](const app::RowsProgress& now) { progress.tell(now.done, now.all); };

  app::PredictedRows counted;
  if (const auto folder = args.maybe_text("--out")) {
    const auto rows = app::make_rows(**predictor, *plan, options, counted);
    if (auto done = write_tables(*folder, rows); !done) return done;
    run.out(fmt::format("{} curves into {}\n", counted.made, *folder));
  } else {
    auto done = app::predict_rows(**session, **predictor, *plan, options);
    if (!done) return fail(std::move(done).error());
    counted = std::move(*done);
    run.out(fmt::format("{} curves: {} new, {} there already, {} stale ones removed\n",
                        counted.made + counted.kept, counted.made, counted.kept, counted.removed));
  }
  if (counted.left_out > 0) {
    run.note(fmt::format("{} left out, the first: {}", counted.left_out, counted.first_left_out));
  }
  run.note("predicted: " + (*predictor)->provenance());
  return {};
}

}  // namespace

Result<void> predict(Run& run) {
  const Parsed& args = run.args();
  if (args.on("--all") && args.given("--points")) {
    return fail(ErrorCode::InvalidArgument, "--all and --points: give one of them");
  }
  for (const char* flag : {"--concurrency", "--rate"}) {
    if (args.given(flag) && (args.on("--all") || args.given("--points"))) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{} is for one setup, not for --all or --points", flag));
    }
  }
  if (args.given("--points")) return predict_file(run);
  if (args.on("--all")) return predict_all(run);
  if (args.given("--out")) {
    return fail(ErrorCode::InvalidArgument, "--out is for --points and --all");
  }
  return predict_one(run);
}

}  // namespace kneepoint::cli
