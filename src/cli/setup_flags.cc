#include "cli/setup_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/predicted_rows.h"
#include "base/text.h"
#include "profile/predicted_table.h"

namespace kneepoint::cli {
namespace {

constexpr double kUsualLength = 1024;  // where a command has no lengths

tl::unexpected<Error> unknown(std::string_view what, const std::string& name,
                              const std::vector<std::string>& known) {
  const auto close = nearest(name, known);
  return fail(ErrorCode::NotFound,
              fmt::format("unknown {} '{}'{}", what, name.substr(0, 200),
                          close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
}

std::optional<int> whole(const Parsed& args, std::string_view flag) {
  const auto value = args.integer(flag);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

/// Prompts and answers on workers of their own.
Result<void> read_roles(const Parsed& args, profile::ServingSetup& s) {
  s.prefill.workers = whole(args, "--prefill-workers");
  s.decode.workers = whole(args, "--decode-workers");
  const auto prefill_tp = whole(args, "--prefill-tp"), decode_tp = whole(args, "--decode-tp");
  const bool attention_dp = args.on("--attention-dp");
  if (!s.prefill.workers && !s.decode.workers) {
    if (!prefill_tp && !decode_tp && !attention_dp) return {};
    return fail(ErrorCode::InvalidArgument,
                "--prefill-tp, --decode-tp and --attention-dp need --prefill-workers and "
                "--decode-workers");
  }
  if (!s.prefill.workers || !s.decode.workers) {
    return fail(ErrorCode::InvalidArgument,
                "--prefill-workers and --decode-workers go together: give both");
  }
  if (args.given("--tp") || args.given("--pp") || args.given("--dp") || args.given("--ep") ||
      args.given("--accelerators")) {
    return fail(ErrorCode::InvalidArgument,
                "--tp, --pp, --dp, --ep and --accelerators are of one deployment: with "
                "--prefill-workers give --prefill-tp and --decode-tp");
  }
  const int fewest = s.accelerator_count.value_or(1);
  s.prefill.tensor_parallel = prefill_tp.value_or(fewest);
  s.decode.tensor_parallel = decode_tp.value_or(*s.prefill.tensor_parallel);
  s.prefill.attention_dp = s.decode.attention_dp = attention_dp;
  s.accelerator_count = *s.prefill.workers * *s.prefill.tensor_parallel +
                        *s.decode.workers * *s.decode.tensor_parallel;
  s.tensor_parallel.reset();
  s.pipeline_parallel.reset();
  s.decoding = "disaggregated";
  return {};
}

}  // namespace

Result<predict::Question> question_of(Run& run) {
  const Parsed& args = run.args();
  const auto session = run.session();
  if (!session) return fail(session.error());
  const catalog::Catalog& catalog = (*session)->catalog();
  predict::Question out;
  profile::ServingSetup& s = out.setup;
  s.model = args.text("--model");
  s.accelerator = args.text("--accelerator");
  if (s.model.empty() || s.accelerator.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" needs --model and --accelerator, for example: kneepoint {}",
                            args.command().path, args.command().example));
  }
  const catalog::Model* model = catalog.model(s.model);
  if (model == nullptr) {
    std::vector<std::string> names;
    for (const catalog::Model& one : catalog.models()) names.push_back(one.id);
    auto error = unknown("model", s.model, names);
    error.value().message += "; 'kneepoint models add' adds one from its config.json";
    return error;
  }
  const catalog::Accelerator* accelerator = catalog.accelerator(s.accelerator);
  if (accelerator == nullptr) {
    std::vector<std::string> names;
    for (const catalog::Accelerator& one : catalog.accelerators()) names.push_back(one.id);
    return unknown("accelerator", s.accelerator, names);
  }
  s.model_server = args.text("--model-server");
  s.model_server_version = args.text("--model-server-version");
  if (s.model_server_version.size() > 1 && s.model_server_version[0] == 'v' &&
      s.model_server_version[1] >= '0' && s.model_server_version[1] <= '9') {
    s.model_server_version.erase(0, 1);
  }
  s.tensor_parallel = whole(args, "--tp");
  s.pipeline_parallel = whole(args, "--pp");
  s.data_parallel = whole(args, "--dp");
  s.expert_parallel = whole(args, "--ep");
  s.accelerator_count = whole(args, "--accelerators");
  const bool split =
      s.tensor_parallel || s.pipeline_parallel || s.data_parallel || s.accelerator_count;
  if (!split) {
    if (const auto least = app::fewest(*model, *accelerator)) {
      s.accelerator_count = least->accelerators;
      s.tensor_parallel = least->tensor;
      if (least->pipeline > 1) s.pipeline_parallel = least->pipeline;
    }
  } else if (!s.accelerator_count) {
    s.accelerator_count = s.tensor_parallel.value_or(1) * s.pipeline_parallel.value_or(1) *
                          s.data_parallel.value_or(1);
  } else if (!s.tensor_parallel) {
    s.tensor_parallel = std::max(
        1, *s.accelerator_count / (s.pipeline_parallel.value_or(1) * s.data_parallel.value_or(1)));
  }
  if (auto roles = read_roles(args, s); !roles) return fail(std::move(roles).error());
  s.weight_precision = args.text("--weight-precision");
  if (s.weight_precision.empty()) s.weight_precision = app::checkpoint_precision(*model);
  s.kv_precision = args.text("--kv-precision");
  s.server_settings = args.text("--server-settings");
  if (s.decoding.empty()) s.decoding = "serving";
  s.speculative_decoding = "none";
  out.workload = profile::fixed_lengths(args.number("--input-length").value_or(kUsualLength),
                                        args.number("--output-length").value_or(kUsualLength));
  return out;
}

Result<std::vector<double>> numbers_of(const Parsed& args, std::string_view flag, double least) {
  std::vector<double> out;
  for (const std::string& word : args.list(flag)) {
    const auto value = parse_number(word);
    if (!value || *value < least || *value > 1e6 || !(*value > 0)) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: '{}' is no number from {} to 1000000", flag, word.substr(0, 80),
                              shortest(least)));
    }
    out.push_back(*value);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace kneepoint::cli
