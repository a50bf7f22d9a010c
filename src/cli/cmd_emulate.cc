#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

#include "app/emulate.h"
#include "app/simulated_server.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/setup_flags.h"

namespace kneepoint::cli {
namespace {

/// From the file, else from the environment; never from a flag, which other users could read.
Result<std::string> token_of(const Run& run) {
  const auto file = run.args().maybe_text("--token-file");
  if (!file) return std::string(run.environment().variable("KNEEPOINT_EMULATE_TOKEN"));
  const auto text = read_file(*file);
  if (!text) return fail(Error(text.error()).during("--token-file"));
  std::string token(trim(*text));
  if (token.empty() || token.find_first_of(" \t\r\n") != std::string::npos) {
    return fail(ErrorCode::InvalidArgument, "--token-file: the file must hold one word");
  }
  return token;
}

constexpr std::array kScriptFlags{"--ttft", "--itl"};
constexpr std::array kEngineFlags{"--accelerator",    "--max-num-seqs", "--max-num-batched-tokens",
                                  "--kv-blocks",      "--block-size",   "--chunked-prefill",
                                  "--prefix-caching", "--step-time",    "--step-noise",
                                  "--speed"};

std::string first_given(const Parsed& args, std::span<const char* const> flags) {
  for (const char* flag : flags) {
    if (args.given(flag)) return flag;
  }
  return {};
}

/// By an engine, unless a script was asked for in one way or another.
Result<bool> has_engine(const Parsed& args) {
  const std::string script = first_given(args, kScriptFlags);
  const std::string engine = first_given(args, kEngineFlags);
  const std::string timing = args.text("--timing");
  if (!script.empty() && !engine.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} is of the script and {} of the engine: leave one of them out",
                            script, engine));
  }
  if (timing == "engine" && !script.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("--timing=engine: {} is for --timing=scripted", script));
  }
  if (timing == "scripted" && !engine.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("--timing=scripted: {} is for --timing=engine", engine));
  }
  return timing == "engine" || (timing.empty() && script.empty());
}

constexpr std::array kSetupOnlyFlags{"--tp", "--weight-precision", "--kv-precision",
                                     "--calibration"};

/// The step times and limits of a setup, where one was named.
Result<app::EmulatedEngine> start_of(Run& run) {
  app::EmulatedEngine out;
  const Parsed& args = run.args();
  if (!args.given("--accelerator")) {
    const std::string stray = first_given(args, kSetupOnlyFlags);
    if (stray.empty()) return out;
    return fail(ErrorCode::InvalidArgument, stray + " goes with --accelerator");
  }
  if (args.given("--step-time")) {
    return fail(ErrorCode::InvalidArgument,
                "--accelerator and --step-time both say how long a step takes: give one of them");
  }
  const auto question = question_of(run);
  if (!question) return fail(question.error());
  const auto servers = app::SimulatedServers::open(**run.session(), args.text("--calibration"));
  if (!servers) return fail(servers.error());
  auto server = servers->of(*question);
  if (!server) return fail(std::move(server).error());
  if (server->replica.ranks > 1 || server->replica.stages > 1) {
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("{} on {} takes more than one engine; `emulate` has one: choose a "
                            "larger accelerator or a --tp that holds the model, or use `simulate`",
                            question->setup.model, question->setup.accelerator));
  }
  out.limits = server->replica.engine;
  out.setup = std::move(server->step_time);
  run.note(fmt::format("step times of {} on {} x {}, calibration {}", question->setup.model,
                       question->setup.accelerator_count.value_or(1), question->setup.accelerator,
                       server->by));
  for (const std::string& note : server->notes) run.note("extrapolated: " + note);
  return out;
}

/// Flags over the limits of the setup; without a setup, flags with their defaults.
app::EmulatedEngine engine_of(const Parsed& args, app::EmulatedEngine out) {
  sim::EngineConfig& limits = out.limits;
  const bool of_setup = out.setup.has_value();
  const auto limit = [&](const char* flag, std::int64_t there) -> std::int64_t {
    return of_setup && !args.given(flag) ? there : args.integer(flag).value_or(there);
  };
  limits.max_num_seqs = limit("--max-num-seqs", limits.max_num_seqs);
  limits.num_blocks = limit("--kv-blocks", limits.num_blocks);
  limits.block_size = limit("--block-size", limits.block_size);
  if (!of_setup || args.given("--chunked-prefill")) {
    limits.chunked_prefill = args.text("--chunked-prefill") == "true";
  }
  limits.prefix_caching = args.text("--prefix-caching") == "true";
  // A budget that nobody named holds what it has to: a token of each sequence, and where prompts
  // stay whole, any prompt.
  limits.max_num_batched_tokens = std::max(limits.max_num_batched_tokens, limits.max_num_seqs);
  if (!limits.chunked_prefill) {
    limits.max_num_batched_tokens =
        std::max<std::int64_t>(limits.max_num_batched_tokens, *args.integer("--max-model-len"));
  }
  limits.max_num_batched_tokens =
      args.integer("--max-num-batched-tokens").value_or(limits.max_num_batched_tokens);
  out.step_time = args.text("--step-time");
  out.step_noise = args.number("--step-noise").value_or(0);
  out.speed = args.number("--speed").value_or(1);
  return out;
}

std::string told(const emulator::EnginePace& pace) {
  const auto millis = [](Nanos span) {
    return fixed(static_cast<double>(span.count()) / 1e6, 2) + " ms";
  };
  std::string text = fmt::format("engine: {} steps, lag p99 {}, max {}", pace.steps,
                                 millis(pace.lag_p99), millis(pace.lag_max));
  if (pace.slips > 0) {
    text += fmt::format("; too slow {} times: its clock was set forward by {} in all", pace.slips,
                        millis(pace.slipped));
  }
  return text;
}

app::EmulateQuestion question_of(const Parsed& args) {
  app::EmulateQuestion out;
  out.host = args.text("--host");
  out.port = args.integer("--port").value_or(0);
  out.model = args.text("--model");
  out.server = args.text("--model-server");
  out.version = args.text("--model-server-version");
  out.ttft = args.text("--ttft");
  out.itl = args.text("--itl");
  out.output_tokens = args.maybe_text("--output-tokens");
  out.default_max_tokens = args.integer("--default-max-tokens");
  out.max_model_len = args.integer("--max-model-len").value_or(0);
  out.tokens_per_event = args.integer("--tokens-per-event").value_or(1);
  out.faults = args.list("--fault");
  out.variants = args.list("--variant");
  out.keep_alive_timeout = args.maybe_text("--keep-alive-timeout");
  out.seed = args.integer("--seed").value_or(0);
  out.truth = args.text("--truth");
  return out;
}

}  // namespace

Result<void> emulate(Run& run) {
  const auto by_engine = has_engine(run.args());
  if (!by_engine) return fail(by_engine.error());
  app::EmulateQuestion question = question_of(run.args());
  if (*by_engine) {
    auto start = start_of(run);
    if (!start) return fail(std::move(start).error());
    question.engine = engine_of(run.args(), std::move(*start));
  }
  auto token = token_of(run);
  if (!token) return fail(token.error());
  question.token = std::move(*token);
  const auto session = run.session();
  if (!session) return fail(session.error());

  const auto ready = [&](const app::EmulateReady& server) {
    if (run.args().text("--format") == "json") {
      run.out(json::to_line(json::Object{{"url", server.url},
                                         {"port", server.port},
                                         {"pid", static_cast<std::int64_t>(getpid())},
                                         {"model", question.model}}) +
              "\n");
    } else {
      run.out(fmt::format("serving {} at {}\n", question.model, server.url));
    }
    std::fflush(stdout);  // a script waits for the line
  };
  const auto done = app::emulate((*session)->catalog(), question, ready);
  if (!done) return fail(done.error());
  run.note(fmt::format(
      "{}: {} requests ({} completed, {} cancelled by clients, {} refused, {} broken by faults), "
      "{} tokens over {} connections in {} s, {} s of CPU",
      done->signal, done->requests, done->completed, done->cancelled, done->refused, done->broken,
      done->tokens, done->connections, fixed(done->wall_seconds, 1), fixed(done->cpu_seconds, 2)));
  if (done->engine) run.note(told(*done->engine));
  return {};
}

}  // namespace kneepoint::cli
