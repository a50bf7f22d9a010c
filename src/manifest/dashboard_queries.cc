#include "manifest/dashboard_queries.h"

#include "base/text.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kWindow = "[5m]";

std::string scaled(std::string expression, const std::string& scale) {
  return scale.empty() || scale == "1" ? expression : expression + " * " + scale;
}

}  // namespace

Watch::Watch(const Facts& facts, std::string namespace_name, std::string workload)
    : facts_(facts), pods_("namespace=\"" + namespace_name + "\",pod=~\"" + workload + "-.+\"") {}

const catalog::ServerMetric* Watch::find(const std::string& signal) const {
  const auto found = facts_.metrics.find(signal);
  if (found == facts_.metrics.end() || !is_series_name(found->second.series)) return nullptr;
  const auto scale = parse_number(found->second.scale);
  return scale && *scale > 0 ? &found->second : nullptr;
}

std::string Watch::selector(const catalog::ServerMetric& metric, const std::string& series) const {
  std::string chosen;
  for (const auto label : split(metric.labels, ';')) {
    const auto equals = label.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = label.substr(0, equals);
    const std::string_view value = label.substr(equals + 1);
    if (is_series_name(name) && is_label_value(value))
      chosen += std::string(name) + "=\"" + std::string(value) + "\",";
  }
  return series + "{" + chosen + pods_ + "}";
}

std::optional<std::string> Watch::quantile(const std::string& signal, double quantile) const {
  const auto* metric = find(signal);
  if (metric == nullptr || metric->type != "histogram") return std::nullopt;
  return scaled("histogram_quantile(" + shortest(quantile) + ", sum by (le) (rate(" +
                    selector(*metric, metric->series + "_bucket") + kWindow + ")))",
                metric->scale);
}

std::optional<std::string> Watch::mean(const std::string& signal) const {
  const auto* metric = find(signal);
  if (metric == nullptr || metric->type != "histogram") return std::nullopt;
  return scaled("sum(rate(" + selector(*metric, metric->series + "_sum") + kWindow +
                    ")) / sum(rate(" + selector(*metric, metric->series + "_count") + kWindow +
                    "))",
                metric->scale);
}

std::optional<std::string> Watch::per_second(const std::string& signal) const {
  const auto* metric = find(signal);
  if (metric == nullptr || (metric->type != "counter" && metric->type != "histogram"))
    return std::nullopt;
  // A histogram of tokens a request counts tokens in its sum.
  const std::string series = metric->series + (metric->type == "histogram" ? "_sum" : "");
  return scaled("sum(rate(" + selector(*metric, series) + kWindow + "))", metric->scale);
}

std::optional<std::string> Watch::sum(const std::string& signal) const {
  const auto* metric = find(signal);
  if (metric == nullptr || metric->type != "gauge") return std::nullopt;
  return scaled("sum(" + selector(*metric, metric->series) + ")", metric->scale);
}

std::optional<std::string> Watch::most(const std::string& signal) const {
  const auto* metric = find(signal);
  if (metric == nullptr || metric->type != "gauge") return std::nullopt;
  return scaled("max(" + selector(*metric, metric->series) + ")", metric->scale);
}

std::string Watch::replicas() const { return "sum(up{" + pods_ + "})"; }

}  // namespace kneepoint::manifest
