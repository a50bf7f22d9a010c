#include <filesystem>

#include "app/write_folder.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/manifest_query.h"
#include "cli/query.h"
#include "manifest/kustomize.h"
#include "manifest/text.h"

namespace kneepoint::cli {
namespace {

Result<void> read_scaling(const Parsed& args, app::DeployRequest& into) {
  using manifest::Autoscaler;
  using manifest::SignalWanted;
  const std::string by = args.text("--autoscaler");
  for (const auto one : {Autoscaler::None, Autoscaler::HpaStackdriver, Autoscaler::Keda,
                         Autoscaler::PrometheusAdapter}) {
    if (by == manifest::name(one)) into.autoscaler = one;
  }
  manifest::Autoscaling& scaling = into.autoscaling;
  const std::string signal = args.text("--hpa-signal");
  scaling.signal = signal == "running" ? SignalWanted::Running
                   : signal == "queue" ? SignalWanted::Queue
                   : signal == "kv"    ? SignalWanted::KvCache
                                       : SignalWanted::Auto;
  scaling.min_replicas = static_cast<int>(args.number("--min-replicas").value_or(1));
  if (const auto most = args.number("--max-replicas"))
    scaling.max_replicas = static_cast<int>(*most);
  scaling.prometheus_url = args.text("--prometheus-url");
  // Who says how to scale wants to scale; Cloud Run does so by itself.
  if (into.delivery.platform == manifest::Platform::CloudRun) {
    if (args.given("--min-replicas")) into.delivery.min_instances = scaling.min_replicas;
    return {};
  }
  for (const char* flag : {"--hpa-signal", "--min-replicas", "--max-replicas"}) {
    if (args.given(flag) && !into.autoscaler)
      into.autoscaler = app::implied_autoscaler(into.delivery.platform);
  }
  if (args.given("--prometheus-url") && into.autoscaler != Autoscaler::Keda &&
      into.autoscaler != Autoscaler::PrometheusAdapter) {
    return fail(ErrorCode::InvalidArgument,
                "--prometheus-url belongs to --autoscaler=keda or --autoscaler=prometheus-adapter");
  }
  return {};
}

std::optional<int> whole(const Parsed& args, const char* flag) {
  const auto number = args.number(flag);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

void read_delivery(const Parsed& args, manifest::Delivery& into) {
  into.platform = manifest::platform_of(args.text("--platform")).value_or(manifest::Platform::Gke);
  into.storage = manifest::storage_of(args.text("--storage")).value_or(manifest::Storage::Auto);
  into.storage_class = args.text("--storage-class");
  into.fill_bucket = args.on("--fill-bucket");
  into.cluster_version = args.text("--cluster-version");
  into.model_image = args.text("--model-image");
  into.xla_cache_uri = args.text("--xla-cache-uri");
  into.alerts = args.on("--alerts");
  into.network = args.text("--network");
  into.concurrency = whole(args, "--concurrency");
  into.model_instances = whole(args, "--model-instances").value_or(1);
  into.parallel_queries = whole(args, "--parallel-queries");
  into.ideal_batch = whole(args, "--ideal-batch");
}

Result<void> read_hosting(const Parsed& args, app::DeployRequest& into) {
  using manifest::ServingStack;
  for (const auto stack : {ServingStack::LlmD, ServingStack::InferenceGateway}) {
    if (args.text("--serving-stack") == name(stack)) into.hosting.stack = stack;
  }
  into.hosting.stack_version = args.text("--serving-stack-version");
  if (args.given("--serving-stack") && into.hosting.stack == ServingStack::None)
    return fail(ErrorCode::InvalidArgument,
                "--serving-stack is llm-d or gateway-inference-extension");
  if (into.hosting.stack_version == "all") into.hosting.stack_version.clear();
  // Measured was the server alone, so its profiles are not narrowed to those of a stack.
  into.selection.serving_stack.clear();
  into.selection.serving_stack_version.clear();
  using manifest::GroupStart;
  into.image = args.text("--image");
  into.accelerators = whole(args, "--accelerators-per-replica");
  into.tensor_parallel = whole(args, "--tensor-parallel");
  into.pipeline_parallel = whole(args, "--pipeline-parallel");
  into.max_model_len = whole(args, "--max-model-len");
  into.max_num_seqs = whole(args, "--max-num-seqs");
  into.hosting.gguf = args.text("--gguf");
  for (const auto start : {GroupStart::Auto, GroupStart::Native, GroupStart::Ray}) {
    if (args.text("--multi-host-start") == name(start)) into.hosting.start = start;
  }
  into.hosting.gpu_network = args.on("--gpu-network");
  into.hosting.exclusive_topology = args.text("--exclusive-topology");
  return {};
}

}  // namespace

Result<app::Deployment> manifest_asked_for(Run& run, const std::string& namespace_name) {
  const Parsed& args = run.args();
  auto asked = request(run);
  if (!asked) return fail(std::move(asked).error());
  app::DeployRequest wanted;
  wanted.selection = selection(args);
  wanted.selection.accelerators = {args.text("--accelerator-type")};
  // As in the public client: without a use case the shape is that of a chatbot's nearest workload.
  if (wanted.selection.use_case.empty()) wanted.selection.use_case = "Chatbot (ShareGPT)";
  wanted.ask = std::move(*asked);
  read_delivery(args, wanted.delivery);
  // Machines of the platform's own cloud, unless said otherwise.
  if (!args.given("--provider")) {
    wanted.ask.pricing.provider = app::usual_provider(wanted.delivery.platform);
  }
  wanted.namespace_name = namespace_name;
  wanted.machine_type = args.text("--instance-type");
  wanted.model_bucket_uri = args.text("--model-bucket-uri");
  if (auto ok = read_scaling(args, wanted); !ok) return fail(ok.error());
  if (auto ok = read_hosting(args, wanted); !ok) return fail(ok.error());
  return app::create_manifest(**run.session(), wanted);
}

Result<void> create_manifest(Run& run) {
  const Parsed& args = run.args();
  if (args.given("--output-dir") && args.given("--output-path"))
    return fail(ErrorCode::InvalidArgument, "--output-dir and --output-path: give one of them");
  const auto made = manifest_asked_for(run, args.text("--namespace"));
  if (!made) return fail(made.error());

  if (const auto folder = args.maybe_text("--output-dir")) {
    const auto report =
        app::write_folder(*folder, manifest::kustomize(made->manifest), args.on("--force"));
    if (!report) return fail(report.error());
    for (const std::string& path : report->kept)
      run.note("kept " + path + ": it was edited; the new one is not written");
    for (const std::string& path : report->stale)
      run.note(path + " is of an earlier run and no longer part of the set");
    run.out("Output saved to " + manifest::comment_line(*folder) +
            (args.text("--platform") == name(manifest::Platform::CloudRun)
                 ? "; gcloud run services replace takes its service.yaml\n"
                 : "; kubectl apply --kustomize takes its folder overlays/production\n"));
    for (const std::string& note : made->notes) run.note(note);
    return {};
  }
  const std::string part = args.text("--output");
  const auto what = part == "manifest"   ? manifest::Output::Manifest
                    : part == "comments" ? manifest::Output::Comments
                                         : manifest::Output::All;
  std::string text;
  if (part == "alerts" || part == "dashboard") {
    const std::string path = part == "alerts" ? manifest::kAlertsFile : manifest::kDashboardFile;
    for (const manifest::File& file : made->manifest.files) {
      if (file.path == path) text = file.text;
    }
    if (text.empty())
      return fail(ErrorCode::Unsatisfiable, "no " + part + ": nothing scrapes this set's metrics");
  }
  if (text.empty())
    text = part == "storage" ? json::to_text(manifest::to_json(made->manifest.storage))
                             : manifest::to_yaml_text(made->manifest, what);
  if (const auto path = args.maybe_text("--output-path")) {
    if (auto done = write_file(*path, text); !done) return done;
    run.out("Output saved to " + manifest::comment_line(*path) + "\n");
  } else {
    run.out(text);
  }
  for (const std::string& note : made->notes) run.note(note);
  return {};
}

}  // namespace kneepoint::cli
