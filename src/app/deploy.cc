#include "app/deploy.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/manifests_scaling.h"
#include "app/names.h"
#include "app/promise.h"
#include "base/text.h"
#include "perfmodel/memory.h"

namespace kneepoint::app {
namespace {

using recommend::Choice;

/// The choices of a list, priced ones first.
std::vector<const Choice*> in_order(const ProfileList& list) {
  std::vector<const Choice*> out;
  for (const Choice& choice : list.result.ranked) out.push_back(&choice);
  for (const Choice& choice : list.result.unpriced) out.push_back(&choice);
  return out;
}

std::vector<std::string> why(const Session& session, const ProfileList& list,
                             const Choice& choice) {
  const profile::RankingRow& p = *choice.profile;
  const auto& point = choice.operating_point.point;
  std::vector<std::string> out;
  out.push_back(fmt::format("Chosen from profile {}: {}, workload {}", p.id,
                            recommend::setup_name(p), p.workload.name));
  out.push_back("Evidence: " + recommend::evidence_sentence(session.catalog(), choice));
  std::string rate =
      fmt::format("Operating point: {} {}", shortest(std::round(point.load * 100) / 100),
                  curve::unit(p.load_kind));
  if (!metrics::is_missing(point.output_tokens_per_second)) {
    rate +=
        fmt::format(", {} output tokens/s per replica", fixed(point.output_tokens_per_second, 0));
  }
  if (!metrics::is_missing(point.requests_per_second)) {
    rate += fmt::format(", {} requests/s", fixed(point.requests_per_second, 2));
  }
  out.push_back(rate);
  for (std::string& reason : recommend::reasons(choice, list.request)) {
    out.push_back(std::move(reason));
  }
  if (choice.cost) {
    out.push_back(fmt::format(
        "Cost: ${} per million output tokens, ${} per million input tokens ({} {}, {}, price of "
        "{})",
        fixed(choice.cost->output, 3), fixed(choice.cost->input, 3),
        catalog::name(list.request.pricing.model), choice.quote->machine_type, choice.quote->region,
        choice.quote->price->from.as_of.empty() ? "no stated date"
                                                : choice.quote->price->from.as_of));
  }
  return out;
}

bool slice_of(const Session& session, const catalog::Accelerator& accelerator, int chips) {
  return std::ranges::any_of(session.catalog().machines(), [&](const catalog::Machine& machine) {
    return machine.accelerator == accelerator.id && !machine.tpu_topology.empty() &&
           machine.accelerator_count == chips;
  });
}

/// The smallest power of two of accelerators whose memory holds the model: of one host, and where
/// that does not do, of several.
Result<int> smallest_fit(const Session& session, const std::string& model,
                         const catalog::Accelerator& accelerator) {
  const catalog::Model* known = session.catalog().model(model);
  if (known == nullptr) {
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("no_data: nothing was measured for {} on {}, and the catalog does not "
                            "describe its architecture; add it with 'kneepoint models add'",
                            model, accelerator.id));
  }
  perfmodel::FitAnswer answer;
  constexpr int kMostHosts = 4;
  const int per_host = std::max(1, accelerator.max_per_host.value_or(8));
  for (int count = 1; count <= per_host * kMostHosts; count *= 2) {
    perfmodel::MemorySetup setup;
    setup.accelerators = count;
    setup.tensor_parallel = std::min(count, per_host);
    setup.pipeline_parallel = count / setup.tensor_parallel;
    if (setup.pipeline_parallel * setup.tensor_parallel != count) break;
    if (accelerator.kind == "tpu" && !slice_of(session, accelerator, count)) continue;
    if (setup.pipeline_parallel > 1 && (per_host == 1 || accelerator.kind != "gpu")) break;
    if (known->heads && *known->heads % setup.tensor_parallel != 0) break;
    answer = perfmodel::fits(*known, accelerator, setup);
    if (answer.fit == perfmodel::Fit::Fits) return count;
    if (answer.fit == perfmodel::Fit::UnknownSize) {
      return fail(ErrorCode::Unsatisfiable,
                  fmt::format("unknown_size: nothing was measured for {} on {}, and its memory "
                              "cannot be computed: {}",
                              model, accelerator.id, answer.sentence));
    }
  }
  return fail(ErrorCode::Unsatisfiable,
              "does_not_fit: " + (answer.sentence.empty()
                                      ? "no slice of " + accelerator.id +
                                            " is sold whose chips divide the attention heads"
                                      : answer.sentence));
}

Result<const catalog::Accelerator*> find_accelerator(const Session& session,
                                                     const std::string& id) {
  if (const auto* found = session.catalog().accelerator(id)) return found;
  std::vector<std::string> ids;
  for (const auto& accelerator : session.catalog().accelerators()) ids.push_back(accelerator.id);
  const auto close = nearest(id, ids);
  return fail(ErrorCode::NotFound,
              fmt::format("unknown accelerator '{}'{}", id,
                          close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
}

/// Of the cloud whose machine types are meant.
std::string provider_of(manifest::Platform platform) {
  return platform == manifest::Platform::Eks   ? "aws"
         : platform == manifest::Platform::Aks ? "azure"
                                               : "gcp";
}

/// What alerts watch: the targets as asked.
std::vector<manifest::WatchedTarget> watched(const recommend::Request& ask) {
  std::vector<manifest::WatchedTarget> out;
  for (const curve::Target& target : ask.targets) {
    const double quantile = target.statistic == metrics::Statistic::P50   ? 0.5
                            : target.statistic == metrics::Statistic::P90 ? 0.9
                            : target.statistic == metrics::Statistic::P99 ? 0.99
                                                                          : 0;
    out.push_back({std::string(metrics::name(target.metric)), quantile, target.at_most_ms});
  }
  return out;
}

/// The autoscaler asked for, or the one that a latency target implies.
manifest::Autoscaling wanted_scaling(const DeployRequest& request) {
  manifest::Autoscaling out = request.autoscaling;
  out.implied = !request.autoscaler;
  out.by = request.autoscaler.value_or(request.ask.targets.empty()
                                           ? manifest::Autoscaler::None
                                           : implied_autoscaler(request.delivery.platform));
  if (request.ask.min_available) out.min_replicas = std::max(out.min_replicas, 2);
  return out;
}

/// As asked, with what the curve says of a replica.
manifest::Autoscaling scaling_by(Session& session, const DeployRequest& request,
                                 const ProfileList& list, const Choice& choice) {
  manifest::Autoscaling out = wanted_scaling(request);
  if (out.by == manifest::Autoscaler::None) return out;
  out.target = in_words(list.request.targets);
  out.any_latency = above_reach(choice, list.request);
  out.point = replica_point(session, choice);
  return out;
}

/// A target that nothing here meets is held by no number of replicas.
manifest::Autoscaling no_scaling(const DeployRequest& request, const std::string& why) {
  manifest::Autoscaling out = wanted_scaling(request);
  if (out.by == manifest::Autoscaler::None) return out;
  out.by = manifest::Autoscaler::None;
  out.why_none = why;
  return out;
}

bool shape_is_asked(const DeployRequest& request) {
  return request.accelerators || request.tensor_parallel || request.pipeline_parallel;
}

/// What the request says itself, over what was measured or reckoned.
void apply_own_words(const DeployRequest& request, manifest::Request& wants) {
  wants.namespace_name = request.namespace_name;
  wants.machine_type = request.machine_type;
  wants.model_bucket_uri = request.model_bucket_uri;
  wants.hosting = request.hosting;
  if (!request.image.empty()) wants.image = request.image;
  if (request.max_model_len) wants.max_model_len = request.max_model_len;
  if (request.max_num_seqs) wants.max_num_seqs = request.max_num_seqs;
  if (!shape_is_asked(request)) return;
  const int tensor = request.tensor_parallel.value_or(0);
  const int pipeline = request.pipeline_parallel.value_or(1);
  wants.accelerators_per_replica = request.accelerators.value_or(
      tensor > 0 ? tensor * pipeline : wants.accelerators_per_replica);
  wants.tensor_parallel = tensor;
  wants.pipeline_parallel = pipeline;
  wants.data_parallel = wants.expert_parallel = 1;
}

Result<Deployment> from_choice(Session& session, const DeployRequest& request,
                               const ProfileList& list, const Choice& choice,
                               const std::string& server, const std::string& version,
                               const std::string& out_of_reach = "") {
  manifest::Request wants;
  auto shape = manifest::request_for(profile::to_profile(*choice.profile).setup);
  if (!shape) return fail(std::move(shape).error());
  wants = std::move(*shape);
  const bool other_build = (!version.empty() && version != wants.model_server_version) ||
                           (!server.empty() && server != wants.model_server);
  // A version is one of its server.
  if (!server.empty() && server != wants.model_server) wants.model_server_version.clear();
  if (!server.empty()) wants.model_server = server;
  if (!version.empty()) wants.model_server_version = version;
  if (other_build) {
    // The image and the settings measured belong to the other build.
    wants.image.clear();
    wants.reasons.clear();
  }
  Deployment out;
  out.notes = list.notes;
  if (request.selection.model_server.empty()) {
    out.notes.push_back(
        fmt::format("no --model-server given: {} is the best measured for this model "
                    "and accelerator",
                    choice.profile->setup.model_server));
  }
  if (other_build) {
    out.notes.push_back(fmt::format(
        "nothing was measured for {}{} here: number of accelerators and parallelism are those of "
        "{}",
        wants.model_server,
        wants.model_server_version.empty() ? "" : " " + wants.model_server_version,
        recommend::setup_name(*choice.profile)));
  } else {
    for (std::string& line : why(session, list, choice)) out.notes.push_back(std::move(line));
  }
  for (const std::string& note : out.notes) wants.reasons.push_back(note);
  wants.replicas = choice.replicas;
  wants.autoscaling = out_of_reach.empty() ? scaling_by(session, request, list, choice)
                                           : no_scaling(request, out_of_reach);
  // Cloud Run has no autoscaler of ours, but an instance takes as many requests as the curve says.
  if (request.delivery.platform == manifest::Platform::CloudRun && !wants.autoscaling.point)
    wants.autoscaling.point = replica_point(session, choice);
  const int measured_on = wants.accelerators_per_replica;
  apply_own_words(request, wants);
  wants.delivery = request.delivery;
  wants.delivery.targets = watched(request.ask);
  wants.provider = provider_of(request.delivery.platform);
  // The curve is that of another build or shape.
  if (other_build || shape_is_asked(request)) wants.autoscaling.point.reset();
  if (shape_is_asked(request)) {
    out.notes.push_back(
        fmt::format("the shape of a replica is as asked for, not the one on {} accelerators that "
                    "was measured: its figures do not hold",
                    measured_on));
    wants.reasons.push_back(out.notes.back());
  }
  wants.generated_on = session.settings().today;
  auto made = manifest::create(session.catalog(), wants);
  if (!made) return fail(std::move(made).error());
  out.manifest = std::move(*made);
  if (!other_build) out.promise = promise_json(session, list.request, choice);
  return out;
}

Result<Deployment> from_memory_model(Session& session, const DeployRequest& request,
                                     const catalog::Accelerator& accelerator) {
  const Selection& selection = request.selection;
  manifest::Request wants;
  if (!shape_is_asked(request)) {
    const auto count = smallest_fit(session, selection.model, accelerator);
    if (!count) return fail(count.error());
    wants.accelerators_per_replica = *count;
  }
  wants.model = selection.model;
  if (accelerator.kind == "tpu") wants.model_server = "vllm-tpu";
  if (!selection.model_server.empty()) wants.model_server = selection.model_server;
  if (selection.model_server_version != "all") {
    wants.model_server_version = selection.model_server_version;
  }
  wants.accelerator = accelerator.id;
  wants.autoscaling = wanted_scaling(request);
  wants.autoscaling.target = in_words(request.ask.targets);
  apply_own_words(request, wants);
  wants.delivery = request.delivery;
  wants.delivery.targets = watched(request.ask);
  wants.provider = provider_of(request.delivery.platform);
  wants.generated_on = session.settings().today;
  Deployment out;
  out.notes.push_back(fmt::format(
      "no steady state was measured for this model, server and accelerator: {} x {} {}; no latency "
      "or throughput is known",
      wants.accelerators_per_replica, accelerator.id,
      shape_is_asked(request) ? "as asked for"
                              : "is the fewest whose memory holds it by the memory model"));
  wants.reasons = out.notes;
  auto made = manifest::create(session.catalog(), wants);
  if (!made) return fail(std::move(made).error());
  out.manifest = std::move(*made);
  return out;
}

/// What a person picked from a ranking. Targets that it misses are said and left out, as where
/// nothing meets them.
Result<Deployment> from_profile(Session& session, const DeployRequest& request) {
  const auto found = get_profile(session, request.profile);
  if (!found) return fail(found.error());
  const Selection& selection = request.selection;
  if (found->setup.model != selection.model ||
      found->setup.accelerator != selection.accelerators.front()) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("profile {} is of {} on {}, not of {} on {}", found->id, found->setup.model,
                    found->setup.accelerator, selection.model, selection.accelerators.front()));
  }
  ProfileList list;
  const std::vector<profile::Profile> one{*found};
  list.ranking = profile::ranking_of(one);
  list.request = request.ask;
  if (!selection.use_case.empty()) {
    const auto use_case = find_use_case(session.catalog(), selection.use_case);
    if (!use_case) return fail(use_case.error());
    list.request.input_tokens = use_case->input_tokens_mean;
    list.request.output_tokens = use_case->output_tokens_mean;
  } else if (selection.input_tokens) {
    list.request.input_tokens = selection.input_tokens;
    list.request.output_tokens = selection.output_tokens;
  }
  const auto rank = [&] {
    list.result = recommend::recommend(session.catalog(), list.ranking.rows(), list.request);
  };
  rank();
  std::string out_of_reach;
  if (in_order(list).empty() && !list.request.targets.empty()) {
    out_of_reach = "profile " + found->id + " does not meet " + in_words(list.request.targets);
    for (const auto& rejected : list.result.rejected) out_of_reach += ": " + rejected.sentence;
    list.notes.push_back(out_of_reach);
    list.request.targets.clear();
    rank();
  }
  const auto choices = in_order(list);
  if (choices.empty()) {
    return fail(
        ErrorCode::Unsatisfiable,
        fmt::format("profile {} has no operating point: {}", found->id,
                    list.result.rejected.empty() ? std::string("nothing steady was measured")
                                                 : list.result.rejected.front().sentence));
  }
  return from_choice(session, request, list, *choices.front(), selection.model_server,
                     selection.model_server_version == "all" ? "" : selection.model_server_version,
                     out_of_reach);
}

}  // namespace

std::string usual_provider(manifest::Platform platform) {
  return platform == manifest::Platform::Kubernetes ? "any" : provider_of(platform);
}

manifest::Autoscaler implied_autoscaler(manifest::Platform platform) {
  return platform == manifest::Platform::Gke || platform == manifest::Platform::CloudRun
             ? manifest::Autoscaler::HpaStackdriver
             : manifest::Autoscaler::PrometheusAdapter;
}

Result<Deployment> create_manifest(Session& session, const DeployRequest& request) {
  if (auto known = check_model(session, request.selection.model); !known)
    return fail(known.error());
  const std::string& id = request.selection.accelerators.front();
  const auto accelerator = find_accelerator(session, id);
  if (!accelerator) return fail(accelerator.error());

  if (!request.profile.empty()) return from_profile(session, request);

  // As asked; then any version of that server; then any server, for its shape alone.
  Selection wider = request.selection;
  const std::string server = wider.model_server;
  const std::string version = wider.model_server_version == "all" ? "" : wider.model_server_version;
  std::optional<Error> first_error;
  for (int step = 0; step < 3; ++step) {
    if (step == 1) wider.model_server_version.clear();
    if (step == 2) wider.model_server.clear();
    auto list = rank_profiles(session, wider, request.ask);
    if (!list) {
      if (list.error().code != ErrorCode::NotFound) return fail(std::move(list).error());
      continue;
    }
    const auto choices = in_order(*list);
    if (choices.empty() && !request.ask.targets.empty()) {
      // Out of reach: deploy without the target and say what is in reach, as the public tool does.
      recommend::Request relaxed = request.ask;
      relaxed.targets.clear();
      auto best = rank_profiles(session, wider, relaxed);
      if (!best) return fail(std::move(best).error());
      std::string out_of_reach = "no profile here meets " + in_words(request.ask.targets) +
                                 ", and no number of replicas changes that";
      for (const auto& rejected : list->result.rejected) {
        if (!rejected.profile.empty()) {
          best->notes.push_back("target not met: " + rejected.sentence);
          out_of_reach += ": " + rejected.sentence;
          break;
        }
      }
      if (no_scaling(request, out_of_reach).by != wanted_scaling(request).by)
        best->notes.push_back("no autoscaler: the target is out of reach");
      best->notes.push_back("no profile here meets the targets: deployed for the most throughput");
      for (const Choice* choice : in_order(*best)) {
        auto made = from_choice(session, request, *best, *choice, server, version, out_of_reach);
        if (made) return made;
        if (!first_error) first_error = made.error();
      }
      continue;
    }
    for (const Choice* choice : choices) {
      auto made = from_choice(session, request, *list, *choice, server, version);
      if (made) return made;
      if (made.error().code == ErrorCode::InvalidArgument) return made;
      if (!first_error) first_error = made.error();
    }
  }
  auto made = from_memory_model(session, request, **accelerator);
  if (!made && first_error) return fail(*first_error);
  return made;
}

}  // namespace kneepoint::app
