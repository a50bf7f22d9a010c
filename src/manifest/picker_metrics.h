#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "manifest/comments.h"
#include "manifest/objects.h"
#include "manifest/rbac_objects.h"
#include "manifest/scaling_objects.h"

/// The endpoint picker tells its metrics only to those who may `get` the path /metrics, and asks
/// the API server who that is. Source: the inference extension's chart, v1.2.0.
namespace kneepoint::manifest {

struct PickerMetrics {
  RoleBinding asks;       // the picker asks the API server who somebody is and what they may
  ServiceAccount reader;  // whose token scrapes
  TokenSecret token;
  Role may_read;
  RoleBinding reads;
  // Managed Prometheus alone: its collectors fetch the token.
  std::optional<Role> opens;
  std::optional<RoleBinding> opened;
  std::variant<PodMonitoring, PodMonitor> monitor;

  std::vector<json::Object> objects() const;
};

/// `meta` has namespace and labels of the set; `picker` are the labels of its pods, which run as
/// the account of that name.
PickerMetrics picker_metrics(const ObjectMeta& meta, const std::string& base,
                             const std::string& picker_account, const StringMap& picker,
                             Scrape scrape);

}  // namespace kneepoint::manifest
