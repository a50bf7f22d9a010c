#include <fmt/format.h>

#include <cmath>

#include "app/api_json.h"
#include "app/live_setup.h"
#include "app/query.h"
#include "base/text.h"
#include "cli/bench_show.h"
#include "cli/cluster_access.h"
#include "cli/commands.h"
#include "cli/large_pages.h"
#include "cli/notes.h"
#include "cli/query.h"

namespace kneepoint::cli {
namespace {

using app::Shown;
using metrics::Metric;
using recommend::Choice;

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

json::Object answer_json(Run& run, const catalog::Catalog& catalog, const app::ProfileList& list,
                         const std::vector<const Choice*>& choices) {
  json::Array all;
  for (const Choice* choice : choices) {
    all.push_back(app::profile_json(catalog, *choice, list.request));
  }
  json::Array left_out;
  for (const recommend::Rejected& r : list.result.rejected) {
    left_out.push_back(json::Object{{"reason", recommend::code(r.reason)},
                                    {"acceleratorType", r.accelerator},
                                    {"profile", r.profile},
                                    {"sentence", r.sentence}});
  }
  json::Object reachable;
  for (const auto& range : list.result.ranges) {
    reachable.emplace(std::string(metrics::name(range.metric)) + "_ms",
                      json::Object{{"min", range.min_ms}, {"max", range.max_ms}});
  }
  json::Array notes;
  for (const std::string& note : list.notes) notes.emplace_back(note);
  return {{"assumptions", assumptions(run.args(), list.request)},
          {"choices", std::move(all)},
          {"reachable", std::move(reachable)},
          {"notes", std::move(notes)},
          {"leftOut", std::move(left_out)}};
}

/// The answer in sentences: the best choice, the runners-up, the next commands.
std::string answer_text(Run& run, const catalog::Catalog& catalog, const app::ProfileList& list,
                        const std::vector<const Choice*>& choices, bool any_model) {
  const Choice& best = *choices.front();
  const profile::RankingRow& p = *best.profile;
  const auto& point = best.operating_point.point;
  std::string out = fmt::format("Best: {}{}", recommend::setup_name(p),
                                p.setup.weight_precision.empty()
                                    ? std::string()
                                    : fmt::format(", {} weights", p.setup.weight_precision));
  if (any_model) out += fmt::format(", serving {}", p.setup.model);
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
    const Shown figure = app::shown(point, metric, list.request.statistic_rule);
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
  for (const std::string& reason : recommend::reasons(best, list.request)) {
    out += "  - " + reason + "\n";
  }
  if (!p.flags.empty()) out += fmt::format("  - flags of the source: {}\n", p.flags);
  if (choices.size() > 1) {
    out += "Then:\n";
    for (std::size_t i = 1; i < choices.size(); ++i) {
      const Choice& next = *choices[i];
      out += fmt::format(
          "  {}. {}{}: {}, {} output tokens/s per replica, {}{} ({})\n", i + 1,
          recommend::setup_name(*next.profile),
          next.profile->setup.weight_precision.empty()
              ? std::string()
              : fmt::format(" {}", next.profile->setup.weight_precision),
          next.cost ? "$" + fixed(next.cost->output, 3) + " per million output tokens" : "no price",
          fixed(next.operating_point.point.output_tokens_per_second, 0),
          next.profile->workload.name,
          next.profile->evidence.kind == profile::EvidenceKind::Predicted ? ", predicted" : "",
          next.profile->id);
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
  next += fmt::format(" --pricing-model={}", catalog::name(list.request.pricing.model));
  out += fmt::format("Next:\n  {}\n  kneepoint explain {}\n", next, p.id);
  return out;
}

/// What runs, and where it stands in the ranking.
std::string live_text(const app::LiveSetup& live, const app::ProfileList& list) {
  std::string out = fmt::format("Now: {} ({})\n", app::in_words(live), live.object);
  std::size_t place = 0;
  for (const Choice& choice : list.result.ranked) {
    ++place;
    const auto& setup = choice.profile->setup;
    if (setup.model_server != live.setup.model_server ||
        setup.accelerator != live.setup.accelerator ||
        setup.accelerator_count != live.setup.accelerator_count)
      continue;
    return out + fmt::format("  {} of {} setups that qualify: {}, profile {}\n", place,
                             list.result.ranked.size(), recommend::setup_name(*choice.profile),
                             choice.profile->id);
  }
  return out + "  not among the setups that qualify; --show-rejected tells why others are not\n";
}

}  // namespace

Result<void> recommend_profiles(Run& run) {
  prefer_large_pages();
  auto asked = request(run);
  if (!asked) return fail(std::move(asked).error());
  const auto session = run.session();
  const catalog::Catalog& catalog = (*session)->catalog();
  app::Selection wanted = selection(run.args());
  std::optional<app::LiveSetup> live;
  if (const auto name = run.args().maybe_text("--from-deployment")) {
    const bench::Interruptible interruptible;
    const cluster::Kubectl kubectl = kubectl_of(run.args());
    const auto place = kubectl.place();
    if (!place) return fail(place.error());
    auto found = app::read_live_setup(**session, kubectl, place->namespace_name, *name);
    if (!found) return fail(std::move(found).error());
    live = std::move(*found);
    for (const std::string& each : live->unknown) run.note("not known: " + each);
    if (!run.args().given("--model")) wanted.model = live->setup.model;
    if (wanted.model.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  live->object + " does not say which model it serves; give --model too");
    }
  }
  const bool assumed_use_case = app::settle_workload(wanted, *asked);
  const auto list = app::rank_profiles(**session, wanted, std::move(*asked));
  if (!list) return fail(list.error());
  const auto& ranked = list->result.ranked;
  const auto& unpriced = list->result.unpriced;
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

  const bool nothing = choices.empty();
  if (format == "json" || format == "yaml") {
    json::Object answer = answer_json(run, catalog, *list, choices);
    if (live) answer["deployment"] = app::to_json(*live);
    run.out(format == "json" ? json::to_text(answer) : json::to_yaml(answer));
    if (!nothing) return {};
  }
  if (nothing) {
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
  if (live) run.out(live_text(*live, *list));
  run.out(answer_text(run, catalog, *list, choices, wanted.model.empty()));
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
