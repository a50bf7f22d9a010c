#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

#include "app/emulate.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"

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
constexpr std::array kEngineFlags{"--max-num-seqs",
                                  "--max-num-batched-tokens",
                                  "--kv-blocks",
                                  "--block-size",
                                  "--chunked-prefill",
                                  "--prefix-caching",
                                  "--step-time",
                                  "--step-noise",
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

app::EmulatedEngine engine_of(const Parsed& args) {
  app::EmulatedEngine out;
  sim::EngineConfig& limits = out.limits;
  limits.max_num_seqs = args.integer("--max-num-seqs").value_or(limits.max_num_seqs);
  limits.num_blocks = args.integer("--kv-blocks").value_or(limits.num_blocks);
  limits.block_size = args.integer("--block-size").value_or(limits.block_size);
  limits.chunked_prefill = args.text("--chunked-prefill") == "true";
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
  if (*by_engine) question.engine = engine_of(run.args());
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
