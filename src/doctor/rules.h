#pragma once

#include <span>

#include "catalog/catalog.h"
#include "doctor/kubernetes_schema.h"
#include "doctor/object.h"

/// The rules, one idea per file. Each looks at one object, or at all objects of the files together
/// where a rule is about how they fit. Errors are what the API server (or a controller's webhook)
/// refuses, or what can not start; warnings what runs badly; infos what could be better.
namespace kneepoint::doctor {

struct Facts {
  const catalog::Catalog& catalog;
  const KubernetesSchema& schema;
};

using Objects = std::span<const Object>;

// --- What the API server refuses ---
/// Fields, types, bounds, choices, patterns. False when the kind is not one that is checked.
bool check_fields(const Object& object, const KubernetesSchema& schema, Report& report);
void check_names(const Object& object, Report& report);       // names, labels, annotations
void check_workload(const Object& object, Report& report);    // selector, strategy, restart policy
void check_containers(const Object& object, Report& report);  // names, ports, mounts, environment
void check_probes(const Object& object, Report& report);      // probes and lifecycle
void check_resources(const Object& object, Report& report);   // requests and limits
void check_scheduling(const Object& object, Report& report);  // tolerations, spread
void check_job(const Object& object, Report& report);
void check_autoscaler(const Object& object, Report& report);  // HPA and KEDA
void check_storage(const Object& object, Report& report);     // PV, PVC, StorageClass
void check_service(const Object& object, Report& report);   // Service, ConfigMap, Secret, PDB, RBAC
void check_routing(const Object& object, Report& report);   // Gateway, HTTPRoute, InferencePool
void check_scraping(const Object& object, Report& report);  // PodMonitoring, PodMonitor, rules
void check_groups(const Object& object, Report& report);    // LeaderWorkerSet
void check_cloud_run(const Object& object, Report& report);  // Knative Service of Cloud Run

// --- What is accepted and does not work ---
void check_references(Objects all, Report& report);  // what one object names another by
void check_quota(Objects all, Report& report);  // what all pods ask for against a ResourceQuota
void check_metrics(Objects all, const Facts& facts,
                   Report& report);  // autoscaler, scraping, renamed series
void check_memory(const Object& object, const Facts& facts, Report& report);  // does the model fit
void check_accelerator(const Object& object, const Facts& facts, Report& report);
void check_start(const Object& object, const Facts& facts,
                 Report& report);  // probes against loading
void check_server(const Object& object, const Facts& facts,
                  Report& report);                         // flags, /dev/shm, FUSE
void check_secrets(const Object& object, Report& report);  // tokens in plain text
void check_images(const Object& object, Report& report);

}  // namespace kneepoint::doctor
