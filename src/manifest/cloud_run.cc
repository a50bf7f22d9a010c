#include "manifest/cloud_run.h"

#include <algorithm>

#include "base/text.h"
#include "manifest/args.h"
#include "manifest/cloud_run_comments.h"
#include "manifest/cloud_run_objects.h"
#include "manifest/gguf.h"
#include "manifest/startup_cost.h"
#include "manifest/storage.h"
#include "manifest/streamer.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kCopier = "gcr.io/google.com/cloudsdktool/cloud-sdk:570.0.0-slim";
constexpr const char* kModels = "/models";
constexpr int kCopierPort = 8081;
constexpr int kLoadedPort = 8081;
/// Answers that the model is loaded; Cloud Run runs no command as a probe. Perl, because every
/// Debian and Ubuntu image has it.
constexpr const char* kSayLoaded =
    R"(perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 8081, Listen => 9, '\
'ReuseAddr => 1) or die; while ($c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\r\n\r\n"; '\
'close $c }' &)";

/// Where the server finds the model in an instance.
std::string location(const Request& request, const Facts& facts, Storage storage) {
  if (loads_gguf(facts.server)) return gguf_model(request, facts);
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  if (storage == Storage::Memory) return loaded;
  if (storage == Storage::RunaiStreamer) return request.model_bucket_uri;
  return kModels;
}

/// Cloud Run does not expand "$(NAME)": the value takes its place.
void fill_in(std::vector<std::string>& args, const std::string& model) {
  const std::string variable = std::string("$(") + kModelVariable + ")";
  for (std::string& arg : args) {
    const auto at = arg.find(variable);
    if (at != std::string::npos) arg.replace(at, variable.size(), model);
  }
}

/// The script leaves a file once the model is loaded; here it opens a port instead.
void say_loaded(std::vector<std::string>& command) {
  const std::string file = std::string("touch ") + kLoadedFile;
  for (std::string& word : command) {
    const auto at = word.find(file);
    if (at != std::string::npos) word.replace(at, file.size(), kSayLoaded);
  }
}

CloudRunContainer server(const Request& request, const Facts& facts, const Plan& plan,
                         const CloudRunPlan& run, const StartCommand& start) {
  Container base;
  base.args = start.args;
  if (run.storage == Storage::RunaiStreamer) stream_weights(facts, plan, base);
  const std::string model = location(request, facts, run.storage);
  fill_in(base.args, model);
  CloudRunContainer out;
  out.name = "server";
  out.image = run.storage == Storage::Image ? request.delivery.model_image : facts.image;
  out.command = start.command;
  out.args = base.args;
  out.env = base.env;
  out.env.insert(out.env.end(), start.env.begin(), start.env.end());
  if (loads_gguf(facts.server)) out.env.push_back({kModelVariable, model, "", ""});
  if (run.storage == Storage::Memory && !loads_gguf(facts.server) &&
      facts.model.gated.value_or(true))
    out.env.push_back({"HF_TOKEN", "", request.secret_name, "latest", false});
  out.port = *facts.server.port;
  const int copier = run.storage == Storage::Download ? 2 : 0;
  const int memory = run.storage == Storage::Download ? run.server_gib : run.gpu.memory_gib;
  out.limits = {{"cpu", std::to_string(run.gpu.cpu - copier)},
                {"memory", std::to_string(memory) + "Gi"},
                {"nvidia.com/gpu", "1"}};
  const std::string ready =
      facts.server.readiness_path.empty() ? facts.server.health_path : facts.server.readiness_path;
  out.startup = {ready, out.port, kStartupPeriodSeconds, 5, run.startup_periods};
  if (!start.loaded.empty()) {
    say_loaded(out.command);
    out.startup.path = "/";
    out.startup.port = kLoadedPort;
  }
  if (run.storage == Storage::GcsFuse || run.storage == Storage::Download)
    out.mounts.push_back({"weights", kModels, run.storage == Storage::GcsFuse});
  return out;
}

/// Copies the weights into the memory volume, then says so; the server waits for it.
CloudRunContainer copier(const BucketFolder& from, const CloudRunPlan& run) {
  CloudRunContainer out;
  out.name = "weights";
  out.image = kCopier;
  const std::string source =
      "gs://" + from.bucket + (from.folder.empty() ? "" : "/" + from.folder) + "/*";
  out.command = {"sh", "-c",
                 "gcloud storage cp --recursive " + shell_word(source) + " " + kModels +
                     "/ && test -s " + kModels +
                     "/config.json && mkdir -p /tmp/done && "
                     "exec python3 -m http.server " +
                     std::to_string(kCopierPort) + " --directory /tmp/done"};
  out.limits = {{"cpu", "2"}, {"memory", std::to_string(run.weights_gib) + "Gi"}};
  out.startup = {"/", kCopierPort, kStartupPeriodSeconds, 5, run.startup_periods};
  out.mounts.push_back({"weights", kModels, false});
  return out;
}

StringMap annotations(const CloudRunPlan& run) {
  StringMap out{{"autoscaling.knative.dev/minScale", std::to_string(run.min_instances)},
                {"autoscaling.knative.dev/maxScale", std::to_string(run.max_instances)},
                {"run.googleapis.com/cpu-throttling", "false"},
                {"run.googleapis.com/execution-environment", "gen2"},
                {"run.googleapis.com/startup-cpu-boost", "true"},
                {"run.googleapis.com/gpu-zonal-redundancy-disabled", "true"}};
  if (run.storage == Storage::Download)
    out.emplace_back("run.googleapis.com/container-dependencies",
                     json::to_line(json::Object{{"server", json::Array{"weights"}}}));
  if (!run.network.empty()) {
    out.emplace_back("run.googleapis.com/network-interfaces",
                     json::to_line(json::Array{
                         json::Object{{"network", run.network}, {"subnetwork", run.subnet}}}));
    out.emplace_back("run.googleapis.com/vpc-access-egress", "all-traffic");
  }
  return out;
}

CloudRunService service(const Request& request, const Facts& facts, const Plan& plan,
                        const CloudRunPlan& run, const StartCommand& start,
                        const std::string& name) {
  CloudRunService out;
  out.meta.name = name;
  out.meta.annotations = {{"kneepoint.dev/generated", "true"},
                          {"kneepoint.dev/version", kManifestVersion},
                          {"kneepoint.dev/inference-server", facts.server.name},
                          {"kneepoint.dev/inference-server-version", facts.version}};
  if (run.gpu.preview) out.meta.annotations.emplace_back("run.googleapis.com/launch-stage", "BETA");
  out.annotations = annotations(run);
  out.concurrency = run.requests.chosen;
  out.timeout_seconds = 600;
  out.accelerator = run.gpu.accelerator;
  out.containers.push_back(server(request, facts, plan, run, start));
  if (run.storage != Storage::GcsFuse && run.storage != Storage::Download) return out;
  const BucketFolder from = bucket_folder(request.model_bucket_uri).value_or(BucketFolder{});
  if (run.storage == Storage::GcsFuse) {
    const std::string options =
        std::string("implicit-dirs") + (from.folder.empty() ? "" : ",only-dir=" + from.folder);
    out.buckets.push_back({"weights",
                           "gcsfuse.run.googleapis.com",
                           true,
                           {{"bucketName", from.bucket}, {"mountOptions", options}}});
  } else {
    out.containers.push_back(copier(from, run));
    out.memory.push_back({"weights", std::to_string(run.weights_gib) + "Gi"});
  }
  return out;
}

/// Builds the server's own image with the weights in a layer of their own. The token is a secret
/// of the build and stays out of the layers.
std::vector<File> build_files(const Request& request, const Facts& facts) {
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  const bool token = facts.model.gated.value_or(true);
  // is_model_id and is_image_reference have seen both: no quote, no blank.
  const std::string fetch =
      "python3 -c \"from huggingface_hub import snapshot_download; snapshot_download('" + loaded +
      "', local_dir='" + kModels + "')\"";
  const std::string docker =
      "FROM " + facts.image + "\n" +
      (token ? "RUN --mount=type=secret,id=hf_token,env=HF_TOKEN " : "RUN ") + fetch + "\n";
  CloudBuild build;
  BuildStep make{"gcr.io/cloud-builders/docker",
                 {"build", "--tag=" + request.delivery.model_image},
                 {"DOCKER_BUILDKIT=1"},
                 {}};
  if (token) {
    make.args.emplace_back("--secret=id=hf_token,env=HF_TOKEN");
    make.secret_env = {"HF_TOKEN"};
    build.secret = request.secret_name;
    build.secret_variable = "HF_TOKEN";
  }
  make.args.emplace_back(".");
  build.steps = {std::move(make),
                 {"gcr.io/cloud-builders/docker", {"push", request.delivery.model_image}, {}, {}}};
  build.images = {request.delivery.model_image};
  build.machine_type = "E2_HIGHCPU_32";
  build.disk_gb = "500";
  return {{"Dockerfile", docker}, {"cloudbuild.yaml", json::to_yaml(to_json(build))}};
}

}  // namespace

Result<Manifest> cloud_run(const Request& request, const Facts& known) {
  Facts facts = known;
  // The L4's driver is too old for CUDA 13; the same release without the suffix is for CUDA 12.
  constexpr std::string_view kNewer = "-cu130";
  if (facts.accelerator.id == "nvidia-l4" && facts.image.ends_with(kNewer)) {
    facts.image.resize(facts.image.size() - kNewer.size());
    facts.image_from =
        "of the same release for CUDA 12, because the driver there is too old for 13";
  }
  // First, because it says more than that several GPUs do not fit.
  if (const auto gpu = cloud_run_gpu(request, facts); !gpu) return fail(gpu.error());
  const auto numbers = plan(request, facts);
  if (!numbers) return fail(numbers.error());
  const auto start = start_command(request, facts, *numbers);
  if (!start) return fail(start.error());
  if (!start->config.empty())
    return fail(ErrorCode::Unsatisfiable, facts.server.name +
                                              " reads a file of settings, which Cloud Run does not "
                                              "mount; take vllm, sglang, llama.cpp or ollama");
  const auto run = cloud_run_plan(request, facts, *numbers);
  if (!run) return fail(run.error());

  // At most 49 characters, so that a revision's name fits too.
  const std::string name = dns_label(base_name(request.model, facts.server.name), 49);
  Manifest manifest;
  manifest.manifest_version = kManifestVersion;
  json::Object doc = to_json(service(request, facts, *numbers, *run, *start, name));
  manifest.objects.push_back({"Service", "serving.knative.dev/v1", name, std::move(doc)});
  manifest.comments = cloud_run_comments(request, facts, *numbers, *run, *start, name);
  manifest.storage = storage_options(request, facts, *numbers);
  manifest.platform = Platform::CloudRun;
  if (run->storage == Storage::Image) {
    manifest.files = build_files(request, facts);
    for (const File& file : manifest.files) {
      manifest.comments.push_back(file.path + ":");
      std::string_view text = file.text;
      while (text.ends_with('\n')) text.remove_suffix(1);
      for (const auto line : split(text, '\n'))
        manifest.comments.push_back("  " + std::string(line));
    }
  }
  return manifest;
}

}  // namespace kneepoint::manifest
