#include "manifest/platform_pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "manifest/startup_cost.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using Lines = std::vector<std::string>;

/// Of the label nvidia.com/gpu.product, which is the driver's name of the card with '-' for blanks.
constexpr std::pair<const char*, const char*> kProducts[] = {
    {"nvidia-tesla-p4", "Tesla-P4"},
    {"nvidia-tesla-p100", "Tesla-P100-PCIE-16GB"},
    {"nvidia-tesla-v100", "Tesla-V100-SXM2-16GB"},
    {"nvidia-tesla-t4", "Tesla-T4"},
    {"nvidia-l4", "NVIDIA-L4"},
    {"nvidia-l40s", "NVIDIA-L40S"},
    {"nvidia-a10", "NVIDIA-A10"},
    {"nvidia-a10g", "NVIDIA-A10G"},
    {"nvidia-a30", "NVIDIA-A30"},
    {"nvidia-tesla-a100", "NVIDIA-A100-SXM4-40GB"},
    {"nvidia-a100-80gb", "NVIDIA-A100-SXM4-80GB"},
    {"nvidia-a100-pcie-80gb", "NVIDIA-A100-80GB-PCIe"},
    {"nvidia-h100-80gb", "NVIDIA-H100-80GB-HBM3"},
    {"nvidia-h100-mega-80gb", "NVIDIA-H100-80GB-HBM3"},
    {"nvidia-h100-pcie", "NVIDIA-H100-PCIe"},
    {"nvidia-h100-pcie-80gb", "NVIDIA-H100-PCIe"},
    {"nvidia-h100-nvl", "NVIDIA-H100-NVL"},
    {"nvidia-h100-nvl-94gb", "NVIDIA-H100-NVL"},
    {"nvidia-h200-141gb", "NVIDIA-H200"},
    {"nvidia-b200", "NVIDIA-B200"},
    {"nvidia-rtx-pro-6000", "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition"},
    {"nvidia-geforce-rtx-4090", "NVIDIA-GeForce-RTX-4090"}};

std::string machine(const Facts& facts) {
  return facts.machine ? shell_word(facts.machine->machine_type) : "MACHINE_TYPE";
}

int boot_disk(const Plan& plan) { return std::max(100, (plan.ephemeral_gib * 10 + 8) / 9 + 20); }

int most_nodes(const Request& request) {
  return request.autoscaling.max_replicas.value_or(std::max(5, 2 * request.replicas));
}

void amazon(Lines& out, const Request& request, const Facts& facts, const Plan& plan) {
  out.emplace_back("To make a cluster (CLUSTER and REGION are yours), and nodes with these GPUs:");
  out.emplace_back(
      "  eksctl create cluster --name=CLUSTER --region=REGION --without-nodegroup --with-oidc");
  out.emplace_back(
      "  eksctl create nodegroup --cluster=CLUSTER --region=REGION --name=system "
      "--node-type=m6i.large --nodes=2");
  out.push_back(fmt::format(
      "  eksctl create nodegroup --cluster=CLUSTER --region=REGION --name=gpu --node-type={} "
      "--nodes=1 --nodes-min=0 --nodes-max={} --node-volume-size={} "
      "--install-nvidia-plugin=false",
      machine(facts), most_nodes(request), boot_disk(plan)));
  out.emplace_back("  helm repo add nvdp https://nvidia.github.io/k8s-device-plugin");
  out.emplace_back(
      "  helm upgrade --install nvidia-device-plugin nvdp/nvidia-device-plugin "
      "--namespace=nvidia-device-plugin --create-namespace --set=gfd.enabled=true");
  out.emplace_back("Whether there is quota for them (it counts processors):");
  out.emplace_back(
      "  aws service-quotas list-service-quotas --service-code=ec2 --region=REGION "
      "\"--query=Quotas[?contains(QuotaName,'On-Demand')].[QuotaName,Value]\" --output=table");
}

void microsoft(Lines& out, const Request& request, const Facts& facts, const Plan& plan) {
  out.emplace_back(
      "To make a cluster (GROUP, CLUSTER and LOCATION are yours), and nodes with these GPUs:");
  out.emplace_back(
      "  az aks create --resource-group=GROUP --name=CLUSTER --location=LOCATION "
      "--enable-oidc-issuer --enable-workload-identity --node-count=2");
  out.push_back(fmt::format(
      "  az aks nodepool add --resource-group=GROUP --cluster-name=CLUSTER --name=gpu "
      "--node-vm-size={} --node-count=1 --enable-cluster-autoscaler --min-count=0 --max-count={} "
      "--node-osdisk-size={} --node-taints=sku=gpu:NoSchedule --gpu-driver=none",
      machine(facts), most_nodes(request), boot_disk(plan)));
  out.emplace_back("  az aks get-credentials --resource-group=GROUP --name=CLUSTER");
  out.emplace_back("Whether there is quota for them (it counts processors of a family):");
  out.emplace_back("  az vm list-usage --location=LOCATION --output=table");
}

void gpu_operator(Lines& out) {
  out.emplace_back(
      "The nodes need NVIDIA's GPU operator: driver, device plugin (nvidia.com/gpu) and the label "
      "nvidia.com/gpu.product that the pods select on:");
  out.emplace_back("  helm repo add nvidia https://helm.ngc.nvidia.com/nvidia");
  out.emplace_back(
      "  helm upgrade --install gpu-operator nvidia/gpu-operator --namespace=gpu-operator "
      "--create-namespace --wait");
  out.emplace_back(
      "  kubectl get nodes --label-columns=nvidia.com/gpu.product,nvidia.com/gpu.count");
}

json::Object internal(Platform platform) {
  switch (platform) {
    case Platform::Gke:
      return {{"networking.gke.io/load-balancer-type", "Internal"}};
    case Platform::Eks:
      return {{"service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"},
              {"service.beta.kubernetes.io/aws-load-balancer-type", "nlb"}};
    case Platform::Aks:
      return {{"service.beta.kubernetes.io/azure-load-balancer-internal", "true"}};
    default:
      return {};
  }
}

void load_balancer(Lines& out, const Request& request, const std::string& base) {
  const json::Object annotations = internal(request.delivery.platform);
  out.emplace_back(annotations.empty()
                       ? "From outside the cluster, where it has load balancers; the server asks "
                         "for no key, so keep it inside your network:"
                       : "From outside the cluster and inside your network (the server asks for no "
                         "key: do not put it on the internet):");
  std::string line = "  kubectl expose service/" + base + "-service --name=" + base +
                     "-lb --type=LoadBalancer --port=80 --target-port=http --namespace=" +
                     shell_word(request.namespace_name);
  if (!annotations.empty())
    line += " --overrides=" + shell_word(json::to_line(json::Object{
                                  {"metadata", json::Object{{"annotations", annotations}}}}));
  out.push_back(std::move(line));
}

}  // namespace

Result<void> check_platform(const Request& request, const Facts& facts) {
  const Platform platform = request.delivery.platform;
  if (platform != Platform::Gke && facts.accelerator.kind == "tpu")
    return fail(ErrorCode::InvalidArgument,
                facts.accelerator.id + " is a TPU, which only --platform=gke has");
  if (platform != Platform::Gke && request.hosting.gpu_network)
    return fail(ErrorCode::InvalidArgument, "--gpu-network is for --platform=gke");
  if (platform != Platform::Gke && request.autoscaling.by == Autoscaler::HpaStackdriver)
    return fail(ErrorCode::InvalidArgument,
                "hpa-stackdriver reads Google's Cloud Monitoring; on " +
                    std::string(name(platform)) +
                    " take --autoscaler=prometheus-adapter or --autoscaler=keda");
  return {};
}

std::string gpu_product(const std::string& accelerator) {
  for (const auto& [id, product] : kProducts) {
    if (accelerator == id) return product;
  }
  return {};
}

void fit_to_platform(const Request& request, const Facts& facts, PodTemplate& pod) {
  const Platform platform = request.delivery.platform;
  if (platform == Platform::Gke) return;
  std::erase_if(pod.node_selector,
                [](const auto& one) { return one.first.starts_with("cloud.google.com/"); });
  const bool cloud = platform == Platform::Eks || platform == Platform::Aks;
  StringMap first;
  if (cloud && facts.machine && is_label_value(facts.machine->machine_type))
    first.emplace_back("node.kubernetes.io/instance-type", facts.machine->machine_type);
  else if (const std::string product = gpu_product(facts.accelerator.id); !product.empty())
    first.emplace_back("nvidia.com/gpu.product", product);
  pod.node_selector.insert(pod.node_selector.begin(), first.begin(), first.end());
  if (platform == Platform::Aks) pod.tolerations.push_back({"sku", "Equal", "gpu", "NoSchedule"});
}

std::vector<std::string> platform_comments(const Request& request, const Facts& facts,
                                           const Plan& plan, const std::string& base) {
  Lines out;
  switch (request.delivery.platform) {
    case Platform::Gke:
      break;  // comments_cluster.h
    case Platform::Eks:
      amazon(out, request, facts, plan);
      break;
    case Platform::Aks:
      microsoft(out, request, facts, plan);
      gpu_operator(out);
      break;
    default:
      gpu_operator(out);
      break;
  }
  if (request.delivery.platform != Platform::Gke && !facts.machine &&
      gpu_product(facts.accelerator.id).empty())
    out.push_back("No label is known for " + facts.accelerator.id +
                  ": no node selector is set; where several kinds of GPU are, add one");
  load_balancer(out, request, base);
  return out;
}

}  // namespace kneepoint::manifest
