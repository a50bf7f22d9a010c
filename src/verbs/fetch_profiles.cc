#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "app/api_json.h"
#include "base/text.h"
#include "verbs/gkerecommender.h"
#include "verbs/gkerecommender_ask.h"
#include "verbs/paging.h"

namespace kneepoint::verbs {
namespace {

using metrics::Metric;
using recommend::Choice;

constexpr std::size_t kMostRejectedTold = 10;

json::Object range(double least, double most) {
  // Whole numbers, and outward, so that a target at an end of the range is one that can be met.
  return {{"max", std::max<std::int64_t>(1, std::llround(std::ceil(most)))},
          {"min", std::max<std::int64_t>(1, std::llround(std::floor(least)))}};
}

/// Rates of all candidates, targets aside: those the ranges of latencies are over too.
struct Rates {
  curve::Range input, total;
};
Rates rates_of(const app::ProfileList& list) {
  Rates out;
  const auto widen = [](curve::Range& range, double value) {
    if (metrics::is_missing(value)) return;
    if (metrics::is_missing(range.min) || value < range.min) range.min = value;
    if (metrics::is_missing(range.max) || value > range.max) range.max = value;
  };
  std::vector<std::string> told;
  for (const profile::RankingRow* row :
       recommend::nearest_workloads(list.ranking.rows(), list.request, told)) {
    if (row->load_kind == curve::LoadKind::Burst) continue;
    for (const curve::LoadPoint& point : row->points) {
      widen(out.input, point.input_tokens_per_second);
      widen(out.total, point.input_tokens_per_second + point.output_tokens_per_second);
    }
  }
  return out;
}

json::Object ranges_json(const app::ProfileList& list) {
  const recommend::Recommendation& result = list.result;
  json::Object out;
  for (const recommend::ReachableRange& one : result.ranges) {
    const std::string_view key = one.metric == Metric::Itl     ? "itlRange"
                                 : one.metric == Metric::Ntpot ? "ntpotRange"
                                 : one.metric == Metric::Ttft  ? "ttftRange"
                                                               : "";
    if (key.empty() || metrics::is_missing(one.min_ms)) continue;
    out.emplace(key, range(one.min_ms, one.max_ms));
  }
  const Rates rates = rates_of(list);
  for (const auto& [key, rate] : {std::pair("throughputInputRange", rates.input),
                                  {"throughputOutputRange", result.output_tokens_per_second},
                                  {"throughputRange", rates.total}}) {
    if (!metrics::is_missing(rate.min)) out.emplace(key, range(rate.min, rate.max));
  }
  return out;
}

json::Object evidence_json(const catalog::Catalog& catalog, const Choice& choice) {
  return {{"kind", profile::name(choice.profile->evidence.kind)},
          {"profile", choice.profile->id},
          {"sentence", recommend::evidence_sentence(catalog, choice)}};
}

json::Object one_profile(const catalog::Catalog& catalog, app::ModelInfos& infos,
                         const Choice& choice, const recommend::Request& request) {
  json::Object out = app::api_profile_json(catalog, choice, request);
  raise_zeros(out);
  const auto& setup = choice.profile->setup;
  put_machine(out, catalog, setup.accelerator, setup.accelerator_count);
  put_model_info(out, infos, setup.model, setup.weight_precision, setup.kv_precision);
  out.emplace("kneepointEvidence", evidence_json(catalog, choice));
  return out;
}

/// "12 profiles are measured, 3 predicted": nobody may take a prediction for a measurement.
std::string evidence_comment(const std::vector<const Choice*>& choices) {
  constexpr std::array kKinds{profile::EvidenceKind::Measured, profile::EvidenceKind::Published,
                              profile::EvidenceKind::Predicted};
  std::array<std::size_t, kKinds.size()> counts{};
  for (const Choice* choice : choices) {
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      if (choice->profile->evidence.kind == kKinds[i]) ++counts[i];
    }
  }
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (counts[i] > 0) parts.push_back(fmt::format("{} {}", counts[i], profile::name(kKinds[i])));
  }
  return fmt::format("evidence: {}; kneepointEvidence of each profile tells whose figures they are",
                     join(parts, ", "));
}

/// Most profiles fit one answer; what to add to the ask so that all that match do.
std::string narrow_comment(const app::Selection& asked, std::size_t shown, std::size_t all) {
  std::vector<std::string> fields;
  if (asked.model.empty()) fields.emplace_back("model");
  if (asked.model_server.empty()) fields.emplace_back("model_server");
  if (asked.use_case.empty() && !asked.input_tokens) fields.emplace_back("workload_spec");
  fields.emplace_back("performance_requirements");
  return fmt::format(
      "{} of {} matching profiles fit into one answer of 4 MiB: next_page_token leads to the rest, "
      "and giving {} narrows the list",
      shown, all, join(fields, ", "));
}

std::vector<std::string> why_nothing(const recommend::Recommendation& result) {
  std::vector<std::string> out;
  for (const auto& one : result.ranges) {
    out.push_back(fmt::format("reachable {}: {} to {} ms", metrics::label(one.metric),
                              shortest(std::round(one.min_ms * 10) / 10),
                              shortest(std::round(one.max_ms * 10) / 10)));
  }
  for (const auto& rejected : result.rejected) {
    if (out.size() == kMostRejectedTold) break;
    out.push_back(fmt::format("{}: {}", recommend::code(rejected.reason), rejected.sentence));
  }
  return out;
}

}  // namespace

Result<json::Value> fetch_profiles(Call& call) {
  Reader read(call.ask);
  app::Selection wanted;
  read_server_info(read, false, wanted);
  read_workload(read.message("workloadSpec"), wanted);
  read_serving_stack(read.message("servingStack"), wanted);
  recommend::Request request = default_request(call);
  Reader requirements = read.message("performanceRequirements");
  read_requirements(requirements, request);
  const bool pricing_given = requirements.message("targetCost").has("pricingModel");
  const auto page = Page::of(call, read);
  if (auto end = read.end(); !end) return fail(end.error());
  if (!page) return fail(page.error());

  // Why profiles were left out is told only where nothing else is.
  auto list = app::rank_profiles(call.session, wanted, request, app::Rejections::Skip);
  if (list && list->result.ranked.empty() && list->result.unpriced.empty()) {
    list = app::rank_profiles(call.session, wanted, std::move(request));
  }
  if (!list) return fail(list.error());
  const catalog::Catalog& catalog = call.session.catalog();
  std::vector<const Choice*> choices;
  for (const Choice& choice : list->result.ranked) choices.push_back(&choice);
  for (const Choice& choice : list->result.unpriced) choices.push_back(&choice);

  json::Object out;
  json::Array profiles;
  std::vector<std::string> comments{assumptions(list->request, pricing_given)};
  app::ModelInfos infos(catalog);
  Page taking = *page;
  for (std::size_t i = page->from(); i < choices.size(); ++i) {
    json::Object one = one_profile(catalog, infos, *choices[i], list->request);
    if (!taking.takes(size_of(one))) {
      out.emplace("nextPageToken", taking.next_token());
      if (taking.was_full()) {
        comments.push_back(narrow_comment(wanted, profiles.size(), choices.size()));
      }
      break;
    }
    profiles.push_back(std::move(one));
  }
  out.emplace("profile", std::move(profiles));
  out.emplace("performanceRange", ranges_json(*list));
  for (const std::string& note : list->notes) comments.push_back(note);
  if (choices.empty()) {
    comments.emplace_back("no profile holds what is asked for");
    for (std::string& line : why_nothing(list->result)) comments.push_back(std::move(line));
  } else {
    comments.push_back(evidence_comment(choices));
    if (!list->result.ranked.empty() && !list->result.unpriced.empty()) {
      comments.push_back(
          fmt::format("the last {} have no price and are ranked by throughput per accelerator",
                      list->result.unpriced.size()));
    }
  }
  out.emplace("comments", join(comments, "\n"));
  return out;
}

}  // namespace kneepoint::verbs
