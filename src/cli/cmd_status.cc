#include <fmt/format.h>

#include "app/status.h"
#include "base/text.h"
#include "cli/bench_show.h"
#include "cli/cluster_access.h"
#include "cli/commands.h"
#include "doctor/finding.h"

namespace kneepoint::cli {
namespace {

std::string or_dash(double value, int decimals) {
  return metrics::is_missing(value) ? "-" : fixed(value, decimals);
}

std::string scaler_text(const app::ScalerStatus& scaler) {
  std::string out =
      fmt::format("  Autoscaler {}: {} replicas, wants {}, may have {} to {}\n", scaler.ref.name,
                  scaler.current, scaler.desired, scaler.min, scaler.max);
  for (const auto& metric : scaler.metrics) {
    out += fmt::format("    {}: {} per pod, target {}\n", metric.series,
                       metric.current.empty() ? "no value" : metric.current, metric.target);
  }
  for (const cluster::Condition& each : scaler.conditions) {
    const bool fine =
        each.type == "ScalingLimited" ? each.status == "False" : each.status == "True";
    if (!fine)
      out += fmt::format("    {}={}: {}\n", each.type, each.status,
                         doctor::evidence_of(each.message, 0, 0, 300));
  }
  return out;
}

std::string measured_text(const app::MeasuredLoad& now) {
  if (now.pods == 0) return now.why_none.empty() ? "" : "  Not measured: " + now.why_none + "\n";
  return fmt::format(
      "  Measured over {} s on {} pod{} ({} {}), per pod: {} running, {} waiting, KV cache {} %, "
      "{} "
      "output tokens/s, TTFT {} ms, TPOT {} ms\n",
      fixed(now.seconds, 0), now.pods, now.pods == 1 ? "" : "s", now.server, now.version,
      or_dash(now.running, 1), or_dash(now.waiting, 1), or_dash(100 * now.kv_use, 0),
      or_dash(now.output_tokens_per_second, 1), or_dash(now.ttft_ms, 1), or_dash(now.tpot_ms, 2));
}

std::string in_text(const app::SetStatus& status) {
  std::string out =
      fmt::format("{} (namespace {})\n", status.inventory.set, status.inventory.namespace_name);
  for (const cluster::Workload& each : status.workloads) {
    out += "  " + each.ref.shown() + ": " + in_words(each) + "\n";
    for (const cluster::PodView& pod : each.pods) {
      out += fmt::format("    {}  {}{}{}{}\n", pod.name, in_words(pod.phase),
                         pod.node.empty() ? "" : " on " + pod.node,
                         pod.restarts > 0 ? fmt::format(", {} restarts", pod.restarts) : "",
                         pod.message.empty() ? "" : ": " + pod.message);
    }
  }
  for (const std::string& each : status.missing) out += "  " + each + "\n";
  for (const app::ScalerStatus& each : status.scalers) out += scaler_text(each);
  out += measured_text(status.measured);
  for (const std::string& each : status.remarks) out += "  " + each + "\n";
  if (status.proposal) {
    out += fmt::format(
        "  Proposed target of the autoscaler: {} running requests per replica: {}. "
        "An estimate; `kneepoint bench sweep` settles it\n",
        shortest(status.proposal->target), status.proposal->why);
  }
  if (!status.queries.empty()) out += "  Metrics arrive when these give a value for each pod:\n";
  for (const std::string& query : status.queries) out += "    " + query + "\n";
  return out;
}

}  // namespace

Result<void> show_status(Run& run) {
  const Parsed& args = run.args();
  const auto session = run.session();
  if (!session) return fail(session.error());
  const bench::Interruptible interruptible;
  const cluster::Kubectl kubectl = kubectl_of(args);
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  app::StatusQuestion question;
  if (!args.positionals().empty()) question.name = args.positionals().front();
  question.measure = !args.given("--measure") || args.on("--measure");
  question.window = std::chrono::duration_cast<Nanos>(
      std::chrono::duration<double>(args.number("--window").value_or(10)));
  const auto sets = app::status(**session, kubectl, place->namespace_name, question);
  if (!sets) return fail(sets.error());
  bool ready = true;
  for (const app::SetStatus& set : *sets) {
    ready &= set.missing.empty();
    for (const cluster::Workload& each : set.workloads) ready &= each.done;
  }
  if (args.text("--output") == "json") {
    json::Array all;
    for (const app::SetStatus& set : *sets) all.push_back(app::to_json(set));
    run.out(json::to_text(json::Object{{"schema", "kneepoint.status.v1"},
                                       {"context", place->context},
                                       {"ready", ready},
                                       {"deployments", std::move(all)}}));
  } else if (sets->empty()) {
    run.out("no deployment of kneepoint in namespace " + place->namespace_name + "\n");
  } else {
    for (const app::SetStatus& set : *sets) run.out(in_text(set));
  }
  if (!ready) run.end_with(1);
  return {};
}

}  // namespace kneepoint::cli
