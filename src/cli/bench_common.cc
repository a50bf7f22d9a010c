#include "cli/bench_common.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/profiles.h"
#include "base/text.h"
#include "http/proxy.h"

namespace kneepoint::cli::bench {
namespace {

Result<void> set_length(const Parsed& args, const char* flag, workload::LengthSpec& into) {
  if (!args.given(flag)) return {};
  auto length = workload::parse_length(args.text(flag));
  if (!length) return fail(std::move(length.error()).during(flag));
  into = *std::move(length);
  return {};
}

/// Lengths of a use case: the published distribution where there is one, else its means.
Result<workload::Lengths> use_case_lengths(Run& run, const std::string& name) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto found = app::find_use_case((*session)->catalog(), name);
  if (!found) return fail(found.error());
  workload::Lengths out;
  const bool sharegpt = std::ranges::find(found->aliases, "sharegpt") != found->aliases.end();
  if (sharegpt) {
    out.input.kind = workload::LengthKind::SharegptInput;
    out.output.kind = workload::LengthKind::SharegptOutput;
  } else {
    out.input.first = found->input_tokens_mean;
    out.output.first = found->output_tokens_mean;
  }
  return out;
}

}  // namespace

Result<void> add_secrets(Run& run, app::BenchTarget& out) {
  if (!out.token_env.empty()) {
    out.token = run.environment().variable(out.token_env);
    if (out.token.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("--token-env: {} is not set", out.token_env));
    }
  }
  if (!out.token_file.empty()) {
    auto token = app::read_token_file(out.token_file);
    if (!token) return fail(std::move(token.error()).during("--token-file"));
    out.token = std::move(*token);
  }
  const auto settings = run.settings();
  if (!settings) return fail(settings.error());
  out.tls_folder = settings->driver_folder.string();
  const auto url = http::parse_url(out.url);
  if (!url) return fail(url.error());
  const auto either = [&run](const char* small, const char* capital) {
    auto value = run.environment().variable(small);
    return value.empty() ? run.environment().variable(capital) : value;
  };
  // HTTP_PROXY in capitals is left alone: a web server sets it from a request's header.
  http::ProxySettings proxies;
  proxies.http_proxy = run.environment().variable("http_proxy");
  proxies.https_proxy = either("https_proxy", "HTTPS_PROXY");
  proxies.no_proxy = either("no_proxy", "NO_PROXY");
  auto proxy = http::pick_proxy(*url, proxies);
  if (!proxy) return fail(std::move(proxy.error()));
  out.proxy = *std::move(proxy);
  return {};
}

Result<app::BenchTarget> target_of(Run& run, app::BenchTarget out) {
  const Parsed& args = run.args();
  if (args.given("--url")) out.url = args.text("--url");
  if (args.given("--model")) out.model = args.text("--model");
  if (out.url.empty()) {
    return fail(ErrorCode::InvalidArgument, "where is the server? Name it with --url");
  }
  if (out.model.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "which model? Name it with --model, by the name the server gives it");
  }
  if (args.given("--api")) out.api = *app::parse_api(args.text("--api"));
  out.prompts = *app::parse_prompt_kind(args.text("--prompts"));
  if (out.prompts == app::PromptKind::TokenIds && out.api == loadgen::Api::Chat) {
    return fail(ErrorCode::InvalidArgument, "--prompts=token-ids: chat takes words only");
  }
  out.header_file = args.text("--header-file");
  out.extra_body_file = args.text("--extra-body");
  out.ignore_eos = args.on("--ignore-eos");
  out.temperature = args.number("--temperature").value_or(0);
  if (args.given("--token-env") && args.given("--token-file")) {
    return fail(ErrorCode::InvalidArgument, "--token-env and --token-file: one of them is enough");
  }
  out.token_env = args.text("--token-env");
  out.token_file = args.text("--token-file");
  out.ca_file = args.text("--ca-file");
  out.certificate_file = args.text("--client-certificate");
  out.key_file = args.text("--client-key");
  out.verify = !args.on("--insecure");
  if (auto ok = add_secrets(run, out); !ok) return fail(std::move(ok.error()));
  struct Wait {
    const char* flag;
    Nanos* into;
  };
  for (const Wait& wait :
       {Wait{"--timeout", &out.patience.whole}, Wait{"--timeout-connect", &out.patience.connect},
        Wait{"--timeout-first-byte", &out.patience.first_byte},
        Wait{"--timeout-silence", &out.patience.silence}}) {
    const std::string text = args.text(wait.flag);
    if (text.empty()) continue;
    auto time = app::parse_duration(text);
    if (!time) return fail(std::move(time.error()).during(wait.flag));
    *wait.into = *time;
  }
  return out;
}

Result<workload::RunSpec> workload_of(Run& run, workload::RunSpec out) {
  const Parsed& args = run.args();
  if (const auto name = args.maybe_text("--use-case")) {
    auto lengths = use_case_lengths(run, *name);
    if (!lengths) return fail(std::move(lengths.error()));
    out.lengths = *std::move(lengths);
  }
  if (auto ok = set_length(args, "--input-tokens", out.lengths.input); !ok) return fail(ok.error());
  if (auto ok = set_length(args, "--output-tokens", out.lengths.output); !ok) {
    return fail(ok.error());
  }
  if (args.given("--seed")) {
    const auto seed = args.integer("--seed").value_or(0);
    if (seed < 0) return fail(ErrorCode::InvalidArgument, "--seed: must not be negative");
    out.seed = static_cast<std::uint64_t>(seed);
  }
  if (const auto count = args.integer("--requests")) out.requests = *count;
  if (const auto text = args.maybe_text("--duration")) {
    const auto time = app::parse_duration(*text);
    if (!time) return fail(Error(time.error()).during("--duration"));
    out.duration = *time;
  }
  if (args.given("--prefix-groups") != args.given("--prefix-tokens")) {
    return fail(ErrorCode::InvalidArgument, "--prefix-groups and --prefix-tokens go together");
  }
  if (const auto groups = args.integer("--prefix-groups")) {
    out.prefix =
        workload::Prefix{.groups = *groups, .tokens = args.integer("--prefix-tokens").value_or(1)};
  }
  if (const auto text = args.maybe_text("--turns")) {
    auto turns = workload::parse_length(*text);
    if (!turns) return fail(std::move(turns.error()).during("--turns"));
    const auto think = workload::parse_think_time(args.text("--think-time"));
    if (!think) return fail(Error(think.error()).during("--think-time"));
    out.sessions = workload::Sessions{.turns = *std::move(turns), .think = *think};
  } else if (args.given("--think-time")) {
    return fail(ErrorCode::InvalidArgument, "--think-time is between the turns of --turns");
  }
  return out;
}

workload::Arrivals arrivals_of(const Parsed& args, double rate) {
  workload::Arrivals out;
  out.rate = rate;
  const std::string pattern = args.text("--arrivals");
  if (pattern == "constant") out.pattern = workload::ArrivalPattern::Constant;
  if (pattern == "gamma") {
    out.pattern = workload::ArrivalPattern::Gamma;
    out.burstiness = args.number("--burstiness").value_or(1);
  }
  return out;
}

workload::RunSpec default_lengths() {
  workload::RunSpec out;
  out.lengths.input.first = 512;
  out.lengths.output.first = 128;
  return out;
}

Result<loadgen::PointOptions> point_options_of(Run& run) {
  loadgen::PointOptions out;
  auto bounds = app::parse_bounds(run.args().list("--goodput"));
  if (!bounds) return fail(std::move(bounds.error()).during("--goodput"));
  out.bounds = *std::move(bounds);
  if (const auto text = run.args().maybe_text("--drain")) {
    const auto drain = app::parse_duration(*text);
    if (!drain) return fail(Error(drain.error()).during("--drain"));
    out.drain = *drain;
  }
  const std::string warm_up = run.args().text("--warm-up");
  if (warm_up == "none") {
    out.warm_up = Nanos(0);
  } else if (warm_up != "auto") {
    const auto time = app::parse_duration(warm_up);
    if (!time) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("--warm-up: '{}' is neither auto nor none nor a time such as 10s",
                              warm_up.substr(0, 40)));
    }
    out.warm_up = *time;
  }
  if (const auto percent = run.args().number("--until-confident")) {
    out.confident_within = *percent / 100;
  }
  return out;
}

profile::ServingSetup setup_of(Run& run) {
  const Parsed& args = run.args();
  const auto whole = [&args](const char* flag) -> std::optional<int> {
    const auto value = args.integer(flag);
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
  };
  profile::ServingSetup out;
  out.model = args.text("--profile-model");
  out.model_server = args.text("--model-server");
  out.model_server_version = args.text("--model-server-version");
  out.accelerator = args.text("--accelerator");
  out.accelerator_count = whole("--accelerator-count");
  out.tensor_parallel = whole("--tensor-parallel");
  out.weight_precision = args.text("--weight-precision");
  out.server_settings = args.text("--server-settings");
  return out;
}

}  // namespace kneepoint::cli::bench
