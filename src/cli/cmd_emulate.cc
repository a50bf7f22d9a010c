#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

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
  app::EmulateQuestion question = question_of(run.args());
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
  return {};
}

}  // namespace kneepoint::cli
