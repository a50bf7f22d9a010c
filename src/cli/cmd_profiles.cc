#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "app/api_json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/rows.h"

namespace kneepoint::cli {
namespace {

using app::Shown;
using metrics::Metric;
using recommend::Choice;
using report::Cell;
using report::Column;

Cell rounded(double value) {
  return metrics::is_missing(value) ? Cell()
                                    : Cell::integer(static_cast<std::int64_t>(std::llround(value)));
}
Cell latency(const Choice& choice, const recommend::Request& request, Metric metric) {
  return rounded(app::shown(choice.operating_point.point, metric, request.statistic_rule).value);
}
Cell text(std::string_view value) { return Cell::text_or_missing(std::string(value)); }

/// The public client's columns, and after them ours: the statistic shown wherever some figure is
/// not the p50 its column promises, the fleet when a load is expected, evidence when asked for.
struct Layout {
  bool statistic = false, fleet = false, evidence = false;
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
  if (layout.evidence) {
    out.push_back(text(p.id));
    out.push_back(p.setup.accelerator_count ? Cell::integer(*p.setup.accelerator_count) : Cell());
    out.push_back(text(p.setup.weight_precision));
    out.push_back(Cell::text(fmt::format("{} {}", shortest(std::round(point.load * 100) / 100),
                                         curve::unit(p.load_kind))));
    out.push_back(Cell::text(curve::sentence(choice.knee, p.load_kind)));
    out.push_back(Cell::text(recommend::evidence_sentence(catalog, choice)));
    out.push_back(choice.quote ? Cell::text(app::price_evidence(*choice.quote)) : Cell());
    out.push_back(text(p.flags));
  }
  return out;
}

/// A word for a shell: as it is, or in single quotes.
std::string quoted(const std::string& word) {
  if (word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:") ==
      std::string::npos) {
    return word;
  }
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

void note_ranges(Run& run, const recommend::Recommendation& result) {
  if (result.ranges.empty()) return;
  run.note("no profile meets the targets; reachable at or below the knee are:");
  for (const auto& range : result.ranges) {
    run.note(fmt::format("  {} {} to {} ms", metrics::label(range.metric),
                         shortest(std::round(range.min_ms * 10) / 10),
                         shortest(std::round(range.max_ms * 10) / 10)));
  }
  if (!metrics::is_missing(result.output_tokens_per_second.min)) {
    run.note(fmt::format("  output tokens/s {} to {}",
                         fixed(result.output_tokens_per_second.min, 0),
                         fixed(result.output_tokens_per_second.max, 0)));
  }
}

void note_rejected(Run& run, const recommend::Recommendation& result) {
  for (const recommend::Rejected& rejected : result.rejected) {
    run.note(
        fmt::format("left out: {} {}{}: {}", recommend::code(rejected.reason), rejected.accelerator,
                    rejected.profile.empty() ? "" : " " + rejected.profile, rejected.sentence));
  }
}

/// Ranking a whole store touches tens of megabytes once, and in pages of 4 kB the kernel's work for
/// each page is two fifths of the answer's time. The heap grows into one stretch for which large
/// pages are asked; where the system has none to give, all is as before. Nothing is used up by the
/// asking.
void prefer_large_pages() {
#ifdef __GLIBC__
  constexpr std::uintptr_t kStretch = 256 << 20, kPage = 2 << 20;
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);  // large vectors lie in the heap too,
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);  // and what they leave is used again
  void* stretch = std::malloc(kStretch);
  if (stretch == nullptr) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(stretch);
  const auto first = (begin + kPage - 1) / kPage * kPage;
  const auto last = (begin + kStretch) / kPage * kPage;
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  std::free(stretch);
#endif
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

Result<void> recommend_profiles(Run& run) {
  prefer_large_pages();
  auto asked = request(run);
  if (!asked) return fail(std::move(asked).error());
  const auto session = run.session();
  const catalog::Catalog& catalog = (*session)->catalog();
  app::Selection wanted = selection(run.args());
  const bool assumed_use_case = wanted.use_case.empty() && !wanted.input_tokens;
  if (wanted.use_case.empty()) {
    if (wanted.input_tokens) {
      // Here the nearest measured workload answers; `profiles list` wants one within 20 %.
      asked->input_tokens = wanted.input_tokens;
      asked->output_tokens = wanted.output_tokens;
      wanted.input_tokens.reset();
      wanted.output_tokens.reset();
    } else {
      wanted.use_case = "Chatbot (ShareGPT)";
    }
  }
  const auto list = app::rank_profiles(**session, wanted, std::move(*asked));
  if (!list) return fail(list.error());
  const auto& ranked = list->result.ranked;
  const auto& unpriced = list->result.unpriced;
  if (ranked.empty() && unpriced.empty()) {
    for (const std::string& note : list->notes) run.note(note);
    const bool measured = !list->result.ranges.empty();
    if (measured) note_ranges(run, list->result);
    if (run.args().on("--show-rejected") || !measured) note_rejected(run, list->result);
    return fail(ErrorCode::Unsatisfiable,
                measured
                    ? "nothing qualifies; loosen the targets to the reachable values above, or "
                      "see why with --show-rejected"
                    : "nothing qualifies: the lines above say why for each accelerator");
  }
  const std::string format = run.args().format().name;
  if (format != "table" && format != "json" && format != "yaml") {
    return fail(
        ErrorCode::InvalidArgument,
        "recommend prints --format=table, json or yaml; for csv use 'kneepoint profiles list'");
  }
  std::vector<const Choice*> choices;
  for (const Choice& choice : ranked) choices.push_back(&choice);
  for (const Choice& choice : unpriced) choices.push_back(&choice);
  const auto limit = static_cast<std::size_t>(run.args().integer("--limit").value_or(5));
  if (choices.size() > limit) choices.resize(limit);

  if (format == "json" || format == "yaml") {
    json::Array all;
    for (const Choice* choice : choices) {
      all.push_back(app::profile_json(catalog, *choice, list->request));
    }
    json::Array left_out;
    for (const recommend::Rejected& r : list->result.rejected) {
      left_out.push_back(json::Object{{"reason", recommend::code(r.reason)},
                                      {"acceleratorType", r.accelerator},
                                      {"profile", r.profile},
                                      {"sentence", r.sentence}});
    }
    json::Array notes;
    for (const std::string& note : list->notes) notes.emplace_back(note);
    const json::Object answer{{"assumptions", assumptions(run.args(), list->request)},
                              {"choices", std::move(all)},
                              {"notes", std::move(notes)},
                              {"leftOut", std::move(left_out)}};
    run.out(format == "json" ? json::to_text(answer) : json::to_yaml(answer));
    return {};
  }

  const Choice& best = *choices.front();
  const profile::RankingRow& p = *best.profile;
  const auto& point = best.operating_point.point;
  std::string out = fmt::format("Best: {}{}", recommend::setup_name(p),
                                p.setup.weight_precision.empty()
                                    ? std::string()
                                    : fmt::format(", {} weights", p.setup.weight_precision));
  if (wanted.model.empty()) out += fmt::format(", serving {}", p.setup.model);
  out += "\n";
  const auto line = [&](std::string_view name, const std::string& value) {
    out += fmt::format("  {:<10} {}\n", name, value);
  };
  std::string speed =
      fmt::format("{} {}", shortest(std::round(point.load * 100) / 100), curve::unit(p.load_kind));
  if (!metrics::is_missing(point.output_tokens_per_second)) {
    speed += fmt::format(", {} output tokens/s", fixed(point.output_tokens_per_second, 0));
  }
  if (!metrics::is_missing(point.requests_per_second)) {
    speed += fmt::format(", {} requests/s", fixed(point.requests_per_second, 2));
  }
  line("replica", speed);
  std::vector<std::string> waits;
  for (const Metric metric : metrics::kMetrics) {
    const Shown figure = app::shown(point, metric, list->request.statistic_rule);
    if (metrics::is_missing(figure.value)) continue;
    waits.push_back(fmt::format("{} {} ms ({})", metrics::label(metric),
                                shortest(std::round(figure.value * 10) / 10),
                                metrics::name(figure.statistic)));
  }
  line("latency", join(waits, ", "));
  if (best.cost) {
    line("cost", fmt::format("${} per million output tokens, ${} per million input tokens",
                             fixed(best.cost->output, 3), fixed(best.cost->input, 3)));
  } else {
    line("cost", "unknown: " + best.no_cost);
  }
  if (best.quote) {
    const auto& q = *best.quote;
    const double share = q.machines_per_replica;
    std::string fleet = fmt::format("{} replica{}", best.replicas, best.replicas == 1 ? "" : "s");
    fleet += fmt::format(", ${} per hour", fixed(*best.fleet_usd_per_hour, 2));
    if (!q.machine_type.empty()) {
      fleet += share < 1 ? fmt::format(" ({} fit on one {})", shortest(std::round(1 / share)),
                                       q.machine_type)
                         : fmt::format(" ({} {} each)", shortest(share), q.machine_type);
    }
    line("fleet", fleet);
    line("price", app::price_evidence(q));
  }
  line("workload",
       fmt::format("{} ({}/{} tokens on average)", p.workload.name,
                   p.workload.input_tokens_mean ? fixed(*p.workload.input_tokens_mean, 0) : "?",
                   p.workload.output_tokens_mean ? fixed(*p.workload.output_tokens_mean, 0) : "?"));
  line("evidence", recommend::evidence_sentence(catalog, best));
  out += "Why:\n";
  for (const std::string& reason : recommend::reasons(best, list->request)) {
    out += "  - " + reason + "\n";
  }
  if (!p.flags.empty()) out += fmt::format("  - flags of the source: {}\n", p.flags);
  if (choices.size() > 1) {
    out += "Then:\n";
    for (std::size_t i = 1; i < choices.size(); ++i) {
      const Choice& next = *choices[i];
      out += fmt::format(
          "  {}. {}{}: {}, {} output tokens/s per replica, {} ({})\n", i + 1,
          recommend::setup_name(*next.profile),
          next.profile->setup.weight_precision.empty()
              ? std::string()
              : fmt::format(" {}", next.profile->setup.weight_precision),
          next.cost ? "$" + fixed(next.cost->output, 3) + " per million output tokens" : "no price",
          fixed(next.operating_point.point.output_tokens_per_second, 0),
          next.profile->workload.name, next.profile->id);
    }
  }
  std::string next = fmt::format(
      "kneepoint manifests create --model={} --model-server={} "
      "--accelerator-type={}",
      p.setup.model, p.setup.model_server, p.setup.accelerator);
  if (!p.setup.model_server_version.empty()) {
    next += fmt::format(" --model-server-version={}", p.setup.model_server_version);
  }
  // What shaped the answer shapes the manifest too.
  for (const std::string& typed : run.args().arguments()) {
    if (typed.starts_with("--target-") || typed.starts_with("--expected-load") ||
        typed.starts_with("--min-available") || typed.starts_with("--headroom") ||
        typed.starts_with("--use-case")) {
      next += " " + quoted(typed);
    }
  }
  next += fmt::format(" --pricing-model={}", catalog::name(list->request.pricing.model));
  out += fmt::format("Next:\n  {}\n  kneepoint explain {}\n", next, p.id);
  run.out(out);
  run.note(assumptions(run.args(), list->request));
  if (assumed_use_case) run.note("no use case given: Chatbot (ShareGPT) assumed");
  for (const std::string& note : list->notes) run.note(note);
  if (run.args().on("--show-rejected")) {
    note_rejected(run, list->result);
  } else if (!list->result.rejected.empty()) {
    run.note(fmt::format("{} left out; --show-rejected tells why", list->result.rejected.size()));
  }
  return {};
}

}  // namespace kneepoint::cli
