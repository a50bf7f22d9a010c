#include "manifest/streamer.h"

#include "catalog/catalog.h"
#include "manifest/text.h"

namespace kneepoint::manifest {

Result<void> streamer_supported(const Facts& facts, const std::string& uri) {
  if (facts.server.name != "vllm")
    return fail(ErrorCode::Unsatisfiable,
                "runai-streamer is known of vLLM only, not of " + facts.server.name);
  const bool s3 = uri.starts_with("s3://");
  const char* since = s3 ? "0.7.0" : "0.11.0";
  const auto order = catalog::compare_versions(facts.version, since);
  if (order && *order < 0)
    return fail(ErrorCode::Unsatisfiable, "vLLM streams from " +
                                              std::string(s3 ? "s3://" : "gs://") + " from " +
                                              since + " on, not in " + shown(facts.version));
  return {};
}

void stream_weights(const Facts& facts, const Plan& plan, Container& server) {
  const auto flag = facts.flags.find("load_format");
  server.args.push_back((flag == facts.flags.end() ? "--load-format" : flag->second.flag) +
                        "=runai_streamer");
  // Each rank reads its share and passes it on, instead of every rank reading everything.
  if (plan.split.tensor_parallel > 1 &&
      catalog::compare_versions(facts.version, "0.11.0").value_or(0) >= 0)
    server.args.emplace_back("--model-loader-extra-config={\"distributed\":true}");
  server.env.push_back(
      {"RUNAI_STREAMER_MEMORY_LIMIT", std::to_string(1024LL * 1024 * 1024 * kStreamerGib), "", ""});
}

}  // namespace kneepoint::manifest
