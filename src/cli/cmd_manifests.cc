#include <filesystem>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/manifest_query.h"
#include "cli/query.h"
#include "manifest/kustomize.h"

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
  // Who says how to scale wants to scale.
  for (const char* flag : {"--hpa-signal", "--min-replicas", "--max-replicas"}) {
    if (args.given(flag) && !into.autoscaler) into.autoscaler = Autoscaler::HpaStackdriver;
  }
  if (args.given("--prometheus-url") && into.autoscaler != Autoscaler::Keda &&
      into.autoscaler != Autoscaler::PrometheusAdapter) {
    return fail(ErrorCode::InvalidArgument,
                "--prometheus-url belongs to --autoscaler=keda or --autoscaler=prometheus-adapter");
  }
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
  wanted.namespace_name = namespace_name;
  wanted.machine_type = args.text("--instance-type");
  wanted.model_bucket_uri = args.text("--model-bucket-uri");
  if (auto ok = read_scaling(args, wanted); !ok) return fail(ok.error());
  return app::create_manifest(**run.session(), wanted);
}

Result<void> create_manifest(Run& run) {
  const Parsed& args = run.args();
  if (args.given("--output-dir") && args.given("--output-path"))
    return fail(ErrorCode::InvalidArgument, "--output-dir and --output-path: give one of them");
  const auto made = manifest_asked_for(run, args.text("--namespace"));
  if (!made) return fail(made.error());

  if (const auto folder = args.maybe_text("--output-dir")) {
    for (const manifest::File& file : manifest::kustomize(made->manifest)) {
      const auto path = std::filesystem::path(*folder) / file.path;
      std::error_code error;
      std::filesystem::create_directories(path.parent_path(), error);
      if (error)
        return fail(error == std::errc::no_such_file_or_directory ? ErrorCode::NotFound
                                                                  : ErrorCode::Unavailable,
                    "cannot make folder " + path.parent_path().string() + ": " + error.message());
      if (auto done = write_file(path, file.text); !done) return done;
    }
    run.out("Output saved to " + *folder +
            "; kubectl apply --kustomize takes its folder "
            "overlays/production\n");
    for (const std::string& note : made->notes) run.note(note);
    return {};
  }
  const std::string part = args.text("--output");
  const auto what = part == "manifest"   ? manifest::Output::Manifest
                    : part == "comments" ? manifest::Output::Comments
                                         : manifest::Output::All;
  const std::string text = manifest::to_yaml_text(made->manifest, what);
  if (const auto path = args.maybe_text("--output-path")) {
    if (auto done = write_file(*path, text); !done) return done;
    run.out("Output saved to " + *path + "\n");
  } else {
    run.out(text);
  }
  for (const std::string& note : made->notes) run.note(note);
  return {};
}

}  // namespace kneepoint::cli
