#include "app/server_in_cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/live_setup.h"
#include "base/text.h"
#include "cluster/fields.h"

namespace kneepoint::app {
namespace {

/// Whether a Service's selector picks pods with these labels.
bool selects(const json::Object& service, const json::Object& workload) {
  const json::Value* selector = cluster::find(service, "/spec/selector");
  const json::Value* labels = cluster::find(workload, "/spec/template/metadata/labels");
  if (selector == nullptr || labels == nullptr || !selector->is_object() || !labels->is_object() ||
      selector->get_object().empty())
    return false;
  const json::Object& has = labels->get_object();
  return std::all_of(selector->get_object().begin(), selector->get_object().end(),
                     [&](const auto& each) {
                       const json::Value* value = has.if_contains(each.key());
                       return value != nullptr && *value == each.value();
                     });
}

int port_of(const json::Object& service, const std::optional<int>& wanted) {
  int first = 0;
  for (const json::Object* each : cluster::objects_at(service, "/spec/ports")) {
    const int port = static_cast<int>(cluster::integer_at(*each, "/port").value_or(0));
    if (wanted ? port == *wanted : cluster::text_at(*each, "/name") == "http") return port;
    if (first == 0) first = port;
  }
  return wanted ? 0 : first;
}

/// "--served-model-name=a;--port=8000" -> "a"
std::string served_name(const std::string& settings) {
  constexpr std::string_view kFlag = "--served-model-name=";
  for (const std::string_view each : split(settings, ';')) {
    if (each.starts_with(kFlag)) return std::string(each.substr(kFlag.size()));
  }
  return {};
}

void describe(const catalog::Catalog& catalog, const json::Object& workload, ServerInCluster& out) {
  out.object = cluster::ref_of(workload).shown();
  out.replicas = static_cast<int>(cluster::integer_at(workload, "/spec/replicas").value_or(1));
  const auto live = setup_of(catalog, workload);
  if (!live) {
    out.notes.push_back(live.error().message);
    return;
  }
  out.setup = live->setup;
  out.served = served_name(live->setup.server_settings);
  if (out.served.empty()) out.served = live->setup.model;
  for (const std::string& each : live->unknown) out.notes.push_back("not known: " + each);
}

Result<std::vector<json::Object>> list(const cluster::Kubectl& kubectl, const char* kinds,
                                       const std::string& namespace_name) {
  return kubectl.get({kinds, "--namespace=" + namespace_name});
}

}  // namespace

Result<ServerInCluster> find_server(const catalog::Catalog& catalog,
                                    const cluster::Kubectl& kubectl,
                                    const std::string& namespace_name, const ServerNamed& named) {
  for (const std::string* name : {&named.service, &named.deployment}) {
    if (!name->empty() &&
        name->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") != std::string::npos)
      return fail(ErrorCode::InvalidArgument, "'" + *name + "' is no name of an object");
  }
  const auto workloads = list(kubectl, "deployments.apps,statefulsets.apps", namespace_name);
  if (!workloads) return fail(workloads.error());
  const auto services = list(kubectl, "services", namespace_name);
  if (!services) return fail(services.error());

  const json::Object *workload = nullptr, *service = nullptr;
  if (!named.deployment.empty()) {
    for (const json::Object& each : *workloads) {
      if (cluster::ref_of(each).name == named.deployment) workload = &each;
    }
    if (workload == nullptr) {
      return fail(ErrorCode::NotFound, fmt::format("no Deployment {} in namespace {}",
                                                   named.deployment, namespace_name));
    }
  }
  for (const json::Object& each : *services) {
    const bool meant = named.service.empty() ? workload != nullptr && selects(each, *workload)
                                             : cluster::ref_of(each).name == named.service;
    if (meant && service == nullptr) service = &each;
  }
  if (service == nullptr) {
    return fail(ErrorCode::NotFound,
                named.service.empty()
                    ? fmt::format("no Service selects the pods of {}: name one with --service, or "
                                  "make one with `{}`",
                                  named.deployment,
                                  kubectl.shown({"expose", "deployment", named.deployment,
                                                 "--port=8000", "--namespace=" + namespace_name}))
                    : fmt::format("no Service {} in namespace {}", named.service, namespace_name));
  }
  for (const json::Object& each : *workloads) {
    if (workload == nullptr && selects(*service, each)) workload = &each;
  }

  ServerInCluster out;
  out.service = cluster::ref_of(*service).name;
  const int port = port_of(*service, named.port);
  if (port == 0) {
    return fail(ErrorCode::NotFound, fmt::format("Service {} has no port {}", out.service,
                                                 named.port ? std::to_string(*named.port) : ""));
  }
  out.url = fmt::format("http://{}.{}.svc:{}", out.service, namespace_name, port);
  if (workload != nullptr) describe(catalog, *workload, out);
  return out;
}

}  // namespace kneepoint::app
