#include "perfmodel/layout.h"

#include <string>
#include <utility>

#include "perfmodel/memory.h"

namespace kneepoint::perfmodel {
namespace {

tl::unexpected<Error> unknown(std::string why) {
  return fail(ErrorCode::Unsatisfiable, std::move(why));
}

}  // namespace

Result<Layout> layout(const MemorySetup& setup) {
  const int tp = setup.tensor_parallel;
  const int pp = setup.pipeline_parallel;
  const int dp = setup.data_parallel;
  const int ep = setup.expert_parallel;
  if (setup.accelerators < 1 || tp < 1 || pp < 1 || dp < 1 || ep < 1)
    return unknown("accelerators and degrees of parallelism start at 1");
  const long long product = 1LL * tp * pp * dp;
  Layout result{pp, tp, dp, ep};
  if (product == 1) {
    result.attention_ranks = setup.accelerators;
  } else if (product != setup.accelerators) {
    if (1LL * tp * pp != setup.accelerators || tp % dp != 0)
      return unknown("tensor " + std::to_string(tp) + " x pipeline " + std::to_string(pp) +
                     " x data " + std::to_string(dp) + " does not make " +
                     std::to_string(setup.accelerators) + " accelerators");
    result.attention_ranks = tp / dp;
  }
  if (result.stage_size() % ep != 0)
    return unknown("expert parallel " + std::to_string(ep) + " does not divide the " +
                   std::to_string(result.stage_size()) + " accelerators of a pipeline stage");
  return result;
}

}  // namespace kneepoint::perfmodel
