#include "app/live_setup.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cluster/owned.h"
#include "cluster/pods.h"
#include "doctor/server_use.h"

namespace kneepoint::app {
namespace {

std::string joined_flags(const doctor::ServerUse& use) {
  std::vector<std::string> out;
  for (const auto& [name, flag] : use.flags) {
    // A key on the command line is nobody's business here.
    const bool secret = name.find("key") != std::string::npos ||
                        name.find("token") != std::string::npos ||
                        name.find("password") != std::string::npos;
    out.push_back(name + (flag.value.empty() ? "" : "=" + (secret ? "***" : flag.value)));
  }
  return join(out, ";");
}

void read_accelerator(const catalog::Catalog& catalog, const doctor::ServerUse& use,
                      LiveSetup& out) {
  const doctor::AcceleratorUse asked = doctor::accelerator_of(use.pod, catalog);
  const doctor::DeviceUse devices = doctor::devices_of(use.container);
  if (asked.accelerator != nullptr) {
    out.setup.accelerator = asked.accelerator->id;
  } else if (!asked.label.empty()) {
    out.unknown.push_back("the accelerator: no catalog describes " + asked.label);
  } else {
    out.unknown.emplace_back(
        "the accelerator: the pods may run on any node that has one; say --accelerator-type");
  }
  if (devices.count > 0) {
    out.setup.accelerator_count = static_cast<int>(devices.count);
  } else {
    out.unknown.emplace_back("how many accelerators: the container has no limit on them");
  }
}

}  // namespace

Result<LiveSetup> setup_of(const catalog::Catalog& catalog, const json::Object& object) {
  LiveSetup out;
  const cluster::Ref ref = cluster::ref_of(object);
  out.object = ref.shown();
  const doctor::Documents documents = doctor::read_documents(json::to_text(object));
  if (documents.mistake || documents.roots.size() != 1)
    return fail(ErrorCode::Unavailable, "the cluster's answer cannot be read");
  const doctor::At root(&documents.roots.front(), "", 1);
  const doctor::Object read{out.object, root,     ref.api_version,
                            ref.kind,   ref.name, ref.namespace_name};
  const auto servers = doctor::servers_of(read);
  if (servers.empty()) {
    return fail(ErrorCode::Unsatisfiable,
                out.object +
                    " runs no model server that is known here: its images and commands "
                    "name none");
  }
  const doctor::ServerUse& use = servers.front();
  profile::ServingSetup& setup = out.setup;
  setup.model_server = use.server;
  setup.model_server_version = use.version;
  setup.container_image = std::string(use.container["image"].text());
  setup.model = use.model;
  setup.tensor_parallel =
      use.count({"--tensor-parallel-size", "-tp", "--tp-size", "--tp", "--num-shard"}, 1);
  setup.pipeline_parallel = use.count({"--pipeline-parallel-size", "-pp", "--pp-size"}, 1);
  setup.data_parallel = use.count({"--data-parallel-size", "-dp", "--dp-size"}, 1);
  setup.weight_precision = use.value({"--quantization", "-q", "--quantize"});
  setup.kv_precision = use.value({"--kv-cache-dtype"});
  setup.server_settings = joined_flags(use);
  read_accelerator(catalog, use, out);
  if (use.version.empty())
    out.unknown.push_back("the version of " + use.server + ": the image's tag names none");
  if (setup.model.empty()) {
    out.unknown.emplace_back("the model: no argument names one; say --model");
  } else if (setup.model.starts_with('/') || setup.model.find("://") != std::string::npos) {
    out.unknown.push_back("the model: " + setup.model + " is a folder; say --model");
    setup.checkpoint = std::exchange(setup.model, "");
  }
  if (servers.size() > 1) {
    out.unknown.push_back(
        fmt::format("{} further containers of it are model servers too", servers.size() - 1));
  }
  out.replicas = static_cast<int>(cluster::integer_at(object, "/spec/replicas").value_or(1));
  return out;
}

Result<LiveSetup> read_live_setup(Session& session, const cluster::Kubectl& kubectl,
                                  const std::string& namespace_name, const std::string& name) {
  if (name.empty() || name.front() == '-') {
    return fail(ErrorCode::InvalidArgument, "'" + name + "' names no Deployment");
  }
  std::string resource = name.find('/') == std::string::npos ? "deployment.apps/" + name : name;
  if (cluster::is_set_name(name)) {
    const auto set = cluster::read_inventory(kubectl, namespace_name, name);
    if (!set) return fail(set.error());
    if (*set) {
      for (const cluster::Owned& each : (*set)->objects) {
        if (!cluster::makes_pods(each.ref) || each.ref.kind == "Job") continue;
        const auto live = cluster::get_live(kubectl, {each.ref});
        if (!live) return fail(live.error());
        if (!live->empty()) return setup_of(session.catalog(), live->front());
      }
    }
  }
  const auto found = kubectl.get({resource, "--namespace=" + namespace_name});
  if (!found) return fail(found.error());
  if (found->empty()) return fail(ErrorCode::NotFound, "no " + resource + " there");
  return setup_of(session.catalog(), found->front());
}

json::Object to_json(const LiveSetup& live) {
  const profile::ServingSetup& setup = live.setup;
  json::Object out{{"object", live.object},
                   {"model", setup.model},
                   {"modelServer", setup.model_server},
                   {"modelServerVersion", setup.model_server_version},
                   {"image", setup.container_image},
                   {"acceleratorType", setup.accelerator}};
  const auto put = [&out](const char* name, const std::optional<int>& value) {
    if (value) out[name] = *value;
  };
  put("acceleratorsPerReplica", setup.accelerator_count);
  put("tensorParallel", setup.tensor_parallel);
  put("pipelineParallel", setup.pipeline_parallel);
  put("dataParallel", setup.data_parallel);
  if (!setup.weight_precision.empty()) out["weightPrecision"] = setup.weight_precision;
  if (!setup.kv_precision.empty()) out["kvPrecision"] = setup.kv_precision;
  out["settings"] = setup.server_settings;
  out["replicas"] = live.replicas;
  json::Array unknown;
  for (const std::string& each : live.unknown) unknown.emplace_back(each);
  out["unknown"] = std::move(unknown);
  return out;
}

std::string in_words(const LiveSetup& live) {
  const profile::ServingSetup& setup = live.setup;
  std::string out =
      fmt::format("{}{} on {} x {}", setup.model_server,
                  setup.model_server_version.empty() ? "" : " " + setup.model_server_version,
                  setup.accelerator_count ? std::to_string(*setup.accelerator_count) : "?",
                  setup.accelerator.empty() ? "unknown accelerator" : setup.accelerator);
  for (const auto& [words, value] :
       {std::pair{"tensor", setup.tensor_parallel}, std::pair{"pipeline", setup.pipeline_parallel},
        std::pair{"data", setup.data_parallel}}) {
    if (value && *value > 1) out += fmt::format(", {} {}", words, *value);
  }
  return out + fmt::format(", {} replica{}", live.replicas, live.replicas == 1 ? "" : "s");
}

}  // namespace kneepoint::app
