#include "manifest/load_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "manifest/storage_objects.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr std::size_t kLongestName = 50;  // pods' names and those of its objects are longer
constexpr int kRetries = 3;               // each goes on where the one before ended

/// What clouds and operators call a machine with accelerators: the load generator would take cores
/// from the server there, and hold a machine that costs more than all the rest.
const std::vector<std::string>& accelerator_labels() {
  static const std::vector<std::string> kLabels{"cloud.google.com/gke-accelerator",
                                                "cloud.google.com/gke-tpu-accelerator",
                                                "nvidia.com/gpu.present",
                                                "amd.com/gpu.product-name",
                                                "karpenter.k8s.aws/instance-gpu-count",
                                                "kubernetes.azure.com/accelerator"};
  return kLabels;
}

bool is_quantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view unit = text.substr(digits);
  constexpr std::string_view kUnits[] = {"", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"};
  return digits > 0 && text.front() != '.' && text[digits - 1] != '.' &&
         std::count(text.begin(), text.end(), '.') <= 1 &&
         std::find(std::begin(kUnits), std::end(kUnits), unit) != std::end(kUnits);
}

bool is_label_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return !key.empty() && is_label_value(key);
  const std::string_view name = key.substr(slash + 1);
  return is_dns_subdomain(key.substr(0, slash)) && !name.empty() && is_label_value(name);
}

bool is_secret_key(std::string_view key) {
  return !key.empty() && key.size() <= 253 && key != "." && key != ".." &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

/// One folder, and nothing that a program could take for a flag.
bool is_folder_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

Result<void> check(const LoadJob& job) {
  const auto refuse = [](const std::string& value, const char* what) {
    return fail(ErrorCode::InvalidArgument, shown(value) + " is no " + what);
  };
  if (!is_dns_label(job.name) || job.name.size() > kLongestName)
    return refuse(job.name, "name: small letters, digits and '-', at most 50");
  if (!is_dns_label(job.namespace_name)) return refuse(job.namespace_name, "namespace");
  if (!is_folder_name(job.run)) return refuse(job.run, "name of a run");
  if (!is_image_reference(job.image)) return refuse(job.image, "image reference");
  if (!is_quantity(job.cpu)) return refuse(job.cpu, "number of cores, such as 2 or 500m");
  if (!is_quantity(job.memory)) return refuse(job.memory, "amount of memory, such as 2Gi");
  for (const auto& [key, value] : job.node_selector) {
    if (!is_label_key(key) || !is_label_value(value))
      return refuse(key + "=" + value, "label of a node: KEY=VALUE");
  }
  if (job.volume == LoadJob::Volume::Claim && !is_dns_subdomain(job.claim))
    return refuse(job.claim, "name of a PersistentVolumeClaim");
  if (!job.storage_class.empty() && !is_dns_subdomain(job.storage_class))
    return refuse(job.storage_class, "name of a StorageClass");
  if (!job.secret_name.empty() &&
      (!is_dns_subdomain(job.secret_name) || !is_secret_key(job.secret_key)))
    return refuse(job.secret_name + ":" + job.secret_key, "key of a Secret: NAME:KEY");
  std::size_t size = job.seed.size();
  for (const auto& [name, text] : job.files) size += text.size();
  if (size > kLargestAsk) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("what the load generator is to know has {} bytes, and a ConfigMap "
                            "holds {}: shorten the file of --extra-body",
                            size, kLargestAsk));
  }
  return {};
}

Container generator(const LoadJob& job) {
  Container out;
  out.name = "load";
  out.image = job.image;
  // Nothing of the user's is in its command line: the ask lies in the ConfigMap.
  out.command = {"kneepoint",
                 "bench",
                 "resume",
                 std::string(kRunVolumeFolder) + "/" + job.run,
                 std::string("--seed=") + kAskFolder + "/" + kSeedFile,
                 "--stream"};
  // Its own figures are only right when nobody takes its cores.
  out.requests = out.limits = {{"cpu", job.cpu}, {"memory", job.memory}};
  out.env = {{"HOME", kRunVolumeFolder, "", "", false}};  // nothing else can be written to
  if (!job.secret_name.empty())
    out.env.push_back({kTokenVariable, "", job.secret_name, job.secret_key, false});
  out.mounts = {{"ask", kAskFolder, true}, {"run", kRunVolumeFolder, false}};
  return out;
}

template <class T>
Object object_of(const T& typed, const char* api_version, const char* kind) {
  return {kind, api_version, typed.meta.name, to_json(typed)};
}

}  // namespace

std::string ask_name(std::string_view job) { return std::string(job) + "-ask"; }
std::string claim_name(std::string_view job) { return std::string(job) + "-run"; }

Result<std::vector<Object>> load_job(const LoadJob& job) {
  if (auto ok = check(job); !ok) return fail(std::move(ok).error());
  const StringMap labels{{"app.kubernetes.io/name", "kneepoint-load"},
                         {"app.kubernetes.io/instance", job.name}};
  const auto meta = [&](std::string name) {
    return ObjectMeta{std::move(name), job.namespace_name, labels, {}};
  };
  ConfigMap ask{meta(ask_name(job.name)), job.files, {{kSeedFile, base64(job.seed)}}};
  Job work{meta(job.name), {}, kRetries};
  PodTemplate& pod = work.pod;
  pod.labels = labels;
  // An evicted generator is a spoilt measurement: autoscalers leave the node alone.
  pod.annotations = {{"cluster-autoscaler.kubernetes.io/safe-to-evict", "false"}};
  pod.restart_policy = "Never";
  pod.restricted = true;
  pod.account_token = false;
  pod.node_selector = job.node_selector;
  const bool has = std::any_of(pod.node_selector.begin(), pod.node_selector.end(),
                               [](const auto& each) { return each.first == "kubernetes.io/arch"; });
  if (!has) pod.node_selector.emplace_back("kubernetes.io/arch", "amd64");
  pod.not_on = accelerator_labels();
  pod.containers = {generator(job)};
  pod.config_volumes = {{"ask", ask.meta.name}};
  std::vector<Object> out{object_of(ask, "v1", "ConfigMap")};
  switch (job.volume) {
    case LoadJob::Volume::Pod:
      pod.disk_volumes = {{"run", std::to_string(job.gib) + "Gi"}};
      break;
    case LoadJob::Volume::Claim:
      pod.claims = {{"run", job.claim, false}};
      break;
    case LoadJob::Volume::OwnClaim: {
      PersistentVolumeClaim claim;
      claim.meta = meta(claim_name(job.name));
      claim.storage_class = job.storage_class;
      claim.access_mode = "ReadWriteOnce";
      claim.gib = job.gib;
      pod.claims = {{"run", claim.meta.name, false}};
      out.push_back(object_of(claim, "v1", "PersistentVolumeClaim"));
      break;
    }
  }
  out.push_back(object_of(work, "batch/v1", "Job"));
  return out;
}

}  // namespace kneepoint::manifest
