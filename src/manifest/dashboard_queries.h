#pragma once

#include <optional>
#include <string>
#include <utility>

#include "manifest/facts.h"
#include "manifest/request.h"

/// PromQL over the pods of one set, with the names of this version of the server.
namespace kneepoint::manifest {

class Watch {
 public:
  /// Pods are those of `workload` (a Deployment or a LeaderWorkerSet) in `namespace_name`.
  Watch(const Facts& facts, std::string namespace_name, std::string workload);

  // Nothing where the server gives no such metric, or not in this form.
  std::optional<std::string> quantile(const std::string& signal, double quantile) const;  // seconds
  std::optional<std::string> mean(const std::string& signal) const;                       // seconds
  std::optional<std::string> per_second(const std::string& signal) const;
  std::optional<std::string> sum(const std::string& signal) const;  // of a gauge
  std::optional<std::string> most(const std::string& signal) const;
  std::string replicas() const;  // that answer when they are scraped

 private:
  const catalog::ServerMetric* find(const std::string& signal) const;
  std::string selector(const catalog::ServerMetric& metric, const std::string& series) const;

  const Facts& facts_;
  std::string pods_;  // label matchers
};

}  // namespace kneepoint::manifest
