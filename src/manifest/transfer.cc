#include "manifest/transfer.h"

#include <cmath>

#include "manifest/args.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kCloudImage = "gcr.io/google.com/cloudsdktool/cloud-sdk:570.0.0-slim";
constexpr const char* kPythonImage = "python:3.12-slim";
constexpr double kGib = 1024.0 * 1024 * 1024;
/// As files to programs that run as somebody else.
constexpr const char* kFetch =
    "set -e; python3 -m venv /tmp/tools; /tmp/tools/bin/pip install --quiet huggingface_hub; "
    "/tmp/tools/bin/hf download \"$MODEL_ID\" --local-dir=\"$FOLDER\"; "
    "test -s \"$FOLDER/config.json\"";

/// Names reach the script as variables: it is the same text for every model.
Container fetcher(const Request& request, const Facts& facts, const std::string& folder) {
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  Container out;
  out.name = "fetch";
  out.env = {{kModelVariable, no_expansion(loaded), "", ""}, {"FOLDER", folder, "", ""}};
  const bool optional = facts.model.gated.has_value() && !*facts.model.gated;
  out.env.push_back({"HF_TOKEN", "", request.secret_name, "hf_api_token", optional});
  return out;
}

PodTemplate once(Container container, const std::string& name) {
  PodTemplate out;
  out.labels = {{"kneepoint.dev/job", name}};
  out.restart_policy = "Never";
  out.containers = {std::move(container)};
  return out;
}

}  // namespace

Job transfer_to_bucket(const Request& request, const Facts& facts, const Plan& plan,
                       const BucketFolder& to, ObjectMeta meta, const std::string& account) {
  Container container = fetcher(request, facts, "/work/weights");
  container.image = kCloudImage;
  container.env.push_back(
      {"TARGET", "gs://" + to.bucket + (to.folder.empty() ? "" : "/" + to.folder), "", ""});
  container.command = {"bash", "-c",
                       std::string(kFetch) +
                           "; rm -rf \"$FOLDER/.cache\"; gcloud config set "
                           "storage/parallel_composite_upload_enabled True; gcloud storage cp "
                           "--recursive \"$FOLDER/*\" \"$TARGET/\""};
  const std::string disk =
      std::to_string(static_cast<int>(std::ceil(plan.weight_bytes / kGib * 1.05)) + 5) + "Gi";
  container.requests = {{"cpu", "4"}, {"memory", "8Gi"}, {"ephemeral-storage", disk}};
  container.limits = {{"memory", "8Gi"}, {"ephemeral-storage", disk}};
  container.mounts = {{"work", "/work"}};
  Job out{std::move(meta), {}};
  out.pod = once(std::move(container), label_value(out.meta.name));
  out.pod.disk_volumes = {{"work", disk}};
  out.pod.service_account = account;
  return out;
}

Job transfer_to_volume(const Request& request, const Facts& facts, ObjectMeta meta,
                       const std::string& claim) {
  Container container = fetcher(request, facts, kWeightsFolder);
  container.image = kPythonImage;
  container.command = {"bash", "-c", std::string(kFetch) + "; rm -rf \"$FOLDER/.cache\"; sync"};
  container.requests = {{"cpu", "16"}, {"memory", "16Gi"}, {"ephemeral-storage", "5Gi"}};
  container.limits = {{"memory", "16Gi"}, {"ephemeral-storage", "5Gi"}};
  container.mounts = {{"weights", kWeightsFolder}};
  Job out{std::move(meta), {}};
  out.pod = once(std::move(container), label_value(out.meta.name));
  out.pod.claims = {{"weights", claim, false}};
  // Hyperdisk ML attaches to few families; this one is made for such work.
  out.pod.node_selector = {{"cloud.google.com/machine-family", "c3"}};
  return out;
}

std::vector<std::string> transfer_comments(const Request& request, const std::string& job) {
  const std::string space = shell_word(request.namespace_name);
  return {
      "First only what fetches the weights, and wait for it:",
      "  kubectl apply --filename=manifest.yaml --namespace=" + space +
          " --selector=" + kStepLabel + "=" + kFillStep,
      "  kubectl wait --for=condition=Complete --timeout=4h job/" + job + " --namespace=" + space,
      "  kubectl logs job/" + job + " --namespace=" + space + "   # where it failed"};
}

}  // namespace kneepoint::manifest
