#include "manifest/gpu_network.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "manifest/object_json.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kLibraries = "/usr/local/nvidia/lib64";
constexpr const char* kProject =
    "https://raw.githubusercontent.com/GoogleCloudPlatform/container-engine-accelerators/master/";

std::string kind_of(const Facts& facts) { return facts.host ? facts.host->gpudirect : ""; }

/// eth0 is the cluster's network; the others are those of the GPUs, by the names of their objects.
void join_interfaces(PodTemplate& pod, const std::vector<std::string>& networks) {
  json::Array interfaces;
  std::size_t number = 0;
  const auto join = [&](const std::string& network) {
    interfaces.emplace_back(
        json::Object{{"interfaceName", "eth" + std::to_string(number++)}, {"network", network}});
  };
  join("default");
  for (const std::string& network : networks) join(network);
  pod.annotations.emplace_back("networking.gke.io/default-interface", "eth0");
  pod.annotations.emplace_back("networking.gke.io/interfaces", json::to_line(interfaces));
}

std::vector<std::string> numbered(const char* name, int from, int to) {
  std::vector<std::string> out;
  for (int n = from; n <= to; ++n) out.push_back(name + std::to_string(n));
  return out;
}

/// The device injector of the node gives a container these without making it privileged.
void give_devices(PodTemplate& pod, const std::string& container, bool with_dmabuf) {
  std::string devices;
  std::vector<std::string> names = numbered("nvidia", 0, 7);
  names.insert(names.end(), {"nvidiactl", "nvidia-uvm"});
  if (with_dmabuf) names.emplace_back("dmabuf_import_helper");
  for (const std::string& name : names) devices += "- path: /dev/" + name + "\n";
  pod.annotations.emplace_back("devices.gke.io/container." + container, devices);
}

void folder(PodTemplate& pod, Container& in, const char* name, const char* of_node,
            const char* path) {
  bool known = false;
  for (const HostFolder& one : pod.host_folders) known |= one.name == name;
  if (!known) pod.host_folders.push_back({name, of_node});
  in.mounts.push_back({name, path});
}

void libraries(PodTemplate& pod, Container& in) {
  folder(pod, in, "nvidia-libraries", "/home/kubernetes/bin/nvidia/lib64", kLibraries);
  in.env.push_back({"LD_LIBRARY_PATH", kLibraries, "", ""});
}

Container daemon(PodTemplate& pod, const std::string& name, const std::string& image) {
  Container out;
  out.name = name;
  out.image = image;
  libraries(pod, out);
  folder(pod, out, "sys", "/sys", "/hostsysfs");
  folder(pod, out, "proc-sys", "/proc/sys", "/hostprocsysfs");
  return out;
}

void join_tcpx(PodTemplate& pod) {
  join_interfaces(pod, numbered("vpc", 1, 4));
  give_devices(pod, "tcpx-daemon", false);
  Container beside = daemon(
      pod, "tcpx-daemon", "us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpx/tcpgpudmarxd-dev:v2.0.12");
  beside.command = {"/tcpgpudmarxd/build/app/tcpgpudmarxd",
                    "--gpu_nic_preset",
                    "a3vm",
                    "--gpu_shmem_type",
                    "fd",
                    "--uds_path",
                    "/run/tcpx",
                    "--setup_param",
                    "--verbose 128 2 0"};
  beside.capabilities = {"NET_ADMIN"};
  folder(pod, beside, "tcpx-socket", "/run/tcpx", "/run/tcpx");
  Container& server = pod.containers.front();
  libraries(pod, server);
  folder(pod, server, "tcpx-socket", "/run/tcpx", "/run/tcpx");
  server.capabilities = {"IPC_LOCK"};
  static constexpr std::pair<const char*, const char*> kVariables[] = {
      {"NCCL_SOCKET_IFNAME", "eth0"},
      {"NCCL_GPUDIRECTTCPX_CTRL_DEV", "eth0"},
      {"NCCL_GPUDIRECTTCPX_SOCKET_IFNAME", "eth1,eth2,eth3,eth4"},
      {"NCCL_GPUDIRECTTCPX_UNIX_CLIENT_PREFIX", "/run/tcpx"},
      // Cores of the machine for each network's threads.
      {"NCCL_GPUDIRECTTCPX_TX_BINDINGS",
       "eth1:8-21,112-125;eth2:8-21,112-125;eth3:60-73,164-177;eth4:60-73,164-177"},
      {"NCCL_GPUDIRECTTCPX_RX_BINDINGS",
       "eth1:22-35,124-139;eth2:22-35,124-139;eth3:74-87,178-191;eth4:74-87,178-191"},
      {"NCCL_GPUDIRECTTCPX_PROGRAM_FLOW_STEERING_WAIT_MICROS", "1000000"},
      {"NCCL_GPUDIRECTTCPX_FORCE_ACK", "0"},
      {"NCCL_GPUDIRECTTCPX_TX_COMPLETION_NANOSLEEP", "1000"},
      {"NCCL_CROSS_NIC", "0"},
      {"NCCL_ALGO", "Ring"},
      {"NCCL_PROTO", "Simple"},
      {"NCCL_NSOCKS_PERTHREAD", "4"},
      {"NCCL_SOCKET_NTHREADS", "1"},
      {"NCCL_MAX_NCHANNELS", "8"},
      {"NCCL_MIN_NCHANNELS", "8"},
      {"NCCL_DYNAMIC_CHUNK_SIZE", "524288"},
      {"NCCL_P2P_NET_CHUNKSIZE", "524288"},
      {"NCCL_P2P_PCI_CHUNKSIZE", "524288"},
      {"NCCL_P2P_NVL_CHUNKSIZE", "1048576"},
      {"NCCL_NET_GDR_LEVEL", "PIX"},
      {"NCCL_P2P_PXN_LEVEL", "0"}};
  for (const auto& [name, value] : kVariables) server.env.push_back({name, value, "", ""});
  pod.containers.push_back(std::move(beside));
}

void join_tcpxo(PodTemplate& pod) {
  join_interfaces(pod, numbered("vpc", 1, 8));
  give_devices(pod, "tcpxo-daemon", true);
  Container beside =
      daemon(pod, "tcpxo-daemon",
             "us-docker.pkg.dev/gce-ai-infra/gpudirect-tcpxo/tcpgpudmarxd-dev:v1.0.21");
  beside.command = {"sh", "-e", "-c",
                    "chmod 755 /fts/entrypoint_rxdm_container.sh\n"
                    "exec /fts/entrypoint_rxdm_container.sh --num_hops=2 --num_nics=8"};
  beside.capabilities = {"NET_ADMIN", "NET_BIND_SERVICE"};
  Container& server = pod.containers.front();
  libraries(pod, server);
  folder(pod, server, "aperture-devices", "/dev/aperture_devices", "/dev/aperture_devices");
  server.env.push_back({"NCCL_FASTRAK_LLCM_DEVICE_DIRECTORY", "/dev/aperture_devices", "", ""});
  server.env.push_back({"NCCL_LIB_DIR", kLibraries, "", ""});
  pod.containers.push_back(std::move(beside));
}

/// So many RDMA networks beside the two of the machine, and gIB, which the node has.
void join_rdma(PodTemplate& pod, int count) {
  std::vector<std::string> networks{"gvnic-1"};
  for (std::string& name : numbered("rdma-", 0, count - 1)) networks.push_back(std::move(name));
  join_interfaces(pod, networks);
  pod.host_folders = {{"nvidia", "/home/kubernetes/bin/nvidia"},
                      {"gib", "/home/kubernetes/bin/gib"}};
  Container& server = pod.containers.front();
  server.mounts.push_back({"nvidia", "/usr/local/nvidia"});
  server.mounts.push_back({"gib", "/usr/local/gib"});
  server.env.push_back({"LD_LIBRARY_PATH", kLibraries, "", ""});
  server.capabilities = {"IPC_LOCK"};
}

/// The one of the machines with NVLink over hosts whose networks are known.
bool is_a4x(const Facts& facts) {
  return has_compute_domain(facts) && facts.host->machine_type.starts_with("a4x-highgpu");
}

void join_compute_domain(const std::string& channel, PodTemplate& pod) {
  pod.resource_claims.emplace_back("compute-domain-channel", channel);
  pod.containers.front().claims.emplace_back("compute-domain-channel");
}

}  // namespace

bool has_compute_domain(const Facts& facts) { return kind_of(facts) == "rdma-roce+mnnvl"; }

// The number of nodes is of no use any more: 0 lets hosts come and go.
json::Object to_json(const ComputeDomain& domain) {
  json::Object claim{{"name", domain.channel}};
  return typed(
      "resource.nvidia.com/v1beta1", "ComputeDomain", domain.meta,
      json::Object{{"numNodes", 0},
                   {"channel", json::Object{{"resourceClaimTemplate", std::move(claim)}}}});
}

Result<void> join_gpu_network(const Facts& facts, const std::string& channel, PodTemplate& pod) {
  const std::string kind = kind_of(facts);
  if (kind == "tcpx") {
    join_tcpx(pod);
  } else if (kind == "tcpxo") {
    join_tcpxo(pod);
  } else if (kind == "rdma-roce") {
    join_rdma(pod, 8);
  } else if (is_a4x(facts)) {
    join_rdma(pod, 4);
    join_compute_domain(channel, pod);
  } else {
    return fail(ErrorCode::Unsatisfiable,
                "the GPU network of " +
                    (facts.host ? facts.host->machine_type : facts.accelerator.id) + " (" +
                    (kind.empty() ? "none known" : kind) +
                    ") is not described; leave out --gpu-network, the hosts then talk over the "
                    "pods' network");
  }
  return {};
}

std::string gpu_network_script(const Facts& facts) {
  const std::string kind = kind_of(facts);
  if (kind == "rdma-roce" || is_a4x(facts))
    return "source /usr/local/gib/scripts/set_nccl_env.sh\nexec \"$@\"";
  if (kind == "tcpxo") return "source \"$NCCL_LIB_DIR/nccl-env-profile.sh\"\nexec \"$@\"";
  return "";
}

std::vector<std::string> gpu_network_comments(const Facts& facts) {
  const std::string kind = kind_of(facts), machine = facts.host ? facts.host->machine_type : "";
  if (is_a4x(facts)) {
    return {
        "GPU network: the pods join eth1 (gvnic-1) and eth2 to eth5 (rdma-0 to rdma-3) of " +
            machine +
            ", and by a claim the ComputeDomain of this set, through which their GPUs reach each "
            "other by NVLink where the hosts are in one rack. The Network and GKENetworkParamSet "
            "objects of these names must be in the cluster, the DaemonSet nccl-rdma-installer on "
            "the nodes, and NVIDIA's DRA driver with compute domains, which makes the template of "
            "the claims:",
        "  kubectl get resourceclaimtemplates,computedomains",
        "WARNING: not run here, and no public module defines ComputeDomain: not validated"};
  }
  if (kind == "rdma-roce") {
    return {
        "GPU network: the pods join eth1 (gvnic-1) and eth2 to eth9 (rdma-0 to rdma-7) of " +
        machine +
        ". The Network and GKENetworkParamSet objects of these names must be in the cluster, and "
        "the DaemonSet nccl-rdma-installer on the nodes"};
  }
  const bool plus = kind == "tcpxo";
  return {
      fmt::format("GPU network: GPUDirect-{} of {}. The pods join eth1 to eth{} (vpc1 to vpc{}) "
                  "and have the daemon {}-daemon beside the server. The Network and "
                  "GKENetworkParamSet objects of these names must be in the cluster, and on the "
                  "nodes the plugin of NCCL and what gives devices to the daemon:",
                  plus ? "TCPXO" : "TCPX", machine, plus ? 8 : 4, plus ? 8 : 4,
                  plus ? "tcpxo" : "tcpx"),
      fmt::format("  kubectl apply --filename={}gpudirect-{}/nccl-{}-installer.yaml", kProject,
                  kind, kind),
      fmt::format("  kubectl apply --filename={}nri_device_injector/nri-device-injector.yaml",
                  kProject),
      "WARNING: not run here. The daemon's version belongs to the plugin's, and the NCCL of the "
      "image must be one that the plugin takes (the plugin brings its own, which LD_LIBRARY_PATH "
      "puts first): with NCCL_DEBUG=INFO the server's log names the network it uses"};
}

std::string gpu_network_offer(const Facts& facts) {
  const std::string kind = kind_of(facts), machine = facts.host ? facts.host->machine_type : "";
  if (kind == "tcpx" || kind == "tcpxo")
    return "; --gpu-network joins the GPUDirect-" + std::string(kind == "tcpx" ? "TCPX" : "TCPXO") +
           " networks of " + machine + ", with a daemon beside each server";
  if (is_a4x(facts))
    return "; --gpu-network joins the RDMA networks of " + machine + " and NVLink over its hosts";
  if (kind == "rdma-roce") return "; --gpu-network joins the RDMA networks of " + machine;
  if (!kind.empty()) return "; " + machine + " has " + kind + ", which is not set up here";
  return "";
}

}  // namespace kneepoint::manifest
