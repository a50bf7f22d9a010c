#include "cli/setup_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/setup_question.h"
#include "base/text.h"

namespace kneepoint::cli {
namespace {

constexpr double kUsualLength = 1024;  // where a command has no lengths

std::optional<int> whole(const Parsed& args, std::string_view flag) {
  const auto value = args.integer(flag);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

/// What app::question_of() would refuse in words, refused by the names of the flags.
Result<void> check_roles(const Parsed& args) {
  const bool prefill = args.given("--prefill-workers"), decode = args.given("--decode-workers");
  const auto given = [&](auto... flags) { return (args.given(flags) || ...); };
  std::string_view wrong;
  if (prefill != decode) {
    wrong = "--prefill-workers and --decode-workers go together: give both";
  } else if (!prefill && given("--prefill-tp", "--decode-tp", "--attention-dp")) {
    wrong =
        "--prefill-tp, --decode-tp and --attention-dp need --prefill-workers and "
        "--decode-workers";
  } else if (prefill && given("--tp", "--pp", "--dp", "--ep", "--accelerators")) {
    wrong =
        "--tp, --pp, --dp, --ep and --accelerators are of one deployment: with "
        "--prefill-workers give --prefill-tp and --decode-tp";
  }
  if (wrong.empty()) return {};
  return fail(ErrorCode::InvalidArgument, std::string(wrong));
}

}  // namespace

Result<predict::Question> question_of(Run& run) {
  const Parsed& args = run.args();
  const auto session = run.session();
  if (!session) return fail(session.error());
  app::SetupWords words;
  words.model = args.text("--model");
  words.accelerator = args.text("--accelerator");
  if (words.model.empty() || words.accelerator.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" needs --model and --accelerator, for example: kneepoint {}",
                            args.command().path, args.command().example));
  }
  if (auto ok = check_roles(args); !ok) return fail(ok.error());
  words.model_server = args.text("--model-server");
  words.model_server_version = args.text("--model-server-version");
  words.tensor = whole(args, "--tp");
  words.pipeline = whole(args, "--pp");
  words.data = whole(args, "--dp");
  words.expert = whole(args, "--ep");
  words.accelerators = whole(args, "--accelerators");
  words.prefill_workers = whole(args, "--prefill-workers");
  words.prefill_tensor = whole(args, "--prefill-tp");
  words.decode_workers = whole(args, "--decode-workers");
  words.decode_tensor = whole(args, "--decode-tp");
  words.attention_dp = args.on("--attention-dp");
  words.weight_precision = args.text("--weight-precision");
  words.kv_precision = args.text("--kv-precision");
  words.server_settings = args.text("--server-settings");
  words.input_tokens = args.number("--input-length").value_or(kUsualLength);
  words.output_tokens = args.number("--output-length").value_or(kUsualLength);
  return app::question_of((*session)->catalog(), words);
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
