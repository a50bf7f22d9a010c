#include "emulator/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace kneepoint::emulator {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPlain = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kEvents = "text/event-stream; charset=utf-8";
constexpr std::int64_t kCompletionTokens = 16;
constexpr std::int64_t kChatTokens = 256;
constexpr std::size_t kLongestId = 128;

double seconds(Nanos span) { return static_cast<double>(span.count()) / 1e9; }

bool is_safe_id(std::string_view id) {
  return !id.empty() && id.size() <= kLongestId && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  });
}

/// In a time that depends on the length of what was given only.
bool same_secret(std::string_view given, std::string_view secret) {
  std::size_t differ = given.size() ^ secret.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    differ |= static_cast<unsigned char>(given[i]) ^
              static_cast<unsigned char>(secret[i % secret.size()]);
  }
  return differ == 0;
}

}  // namespace

struct Service::Stream {
  Connection* connection = nullptr;
  std::uint64_t number = 0;
  AnswerHead head;
  bool streams = false;
  bool stops = false;  // by itself, not at its limit
  bool include_usage = false;
  bool usage_each = false;
  bool prebuilt = false;  // the usual token: one word into `event`, one write
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t served = 0;  // written, or ready where the answer is not streamed
  std::int64_t held = 0;    // to be written with the next
  std::int64_t breaks_at = -1;
  Fate fate;
  AnswerWords words;
  std::string event;
  std::size_t word_at = 0;  // in `event`
  std::string text;         // of an answer that is not streamed
  Nanos received{};
  Nanos first{};
  Nanos last{};
  std::vector<std::int64_t> times;
};

Service::Service(http::Loop& loop, ServiceOptions options, MetricsPage metrics,
                 std::unique_ptr<Timing> timing, TruthLog* truth)
    : loop_(loop),
      options_(std::move(options)),
      page_(std::move(metrics)),
      counts_(page_.empty_counts()),
      timing_(std::move(timing)),
      truth_(truth),
      model_json_(json_string(options_.model)),
      begun_(now()),
      ready_at_(begun_ + options_.faults.slow_start()),
      asked_at_(begun_) {}

Service::~Service() { loop_.cancel(timer_); }

// --- What is asked ---

bool Service::on_connection() { return !options_.faults.resets(connections_++); }

bool Service::may_enter(const http::RequestHead& head) const {
  if (options_.token.empty()) return true;
  const auto given = head.find("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  return given && given->starts_with(kBearer) &&
         same_secret(given->substr(kBearer.size()), options_.token);
}

void Service::on_request(Connection& connection) {
  connection.tag = 0;
  const std::string_view path = connection.head().path();
  const std::string& method = connection.head().method;
  const bool reads = method == "GET" || method == "HEAD";
  if (path == "/health" || path == "/ping") {
    if (ready()) {
      connection.respond(200, kJson, "");
    } else {
      connection.respond(503, kJson, R"({"error":{"message":"Loading model","code":503}})");
    }
    return;
  }
  if (!may_enter(connection.head())) {
    refuse(connection, 401, "the token is missing or wrong: send Authorization: Bearer TOKEN");
    return;
  }
  if (!ready()) {
    refuse(connection, 503, "Loading model");
    return;
  }
  if (path == "/v1/completions" || path == "/v1/chat/completions" || path == "/tokenize" ||
      path == "/detokenize") {
    if (method != "POST") {
      connection.respond(405, kJson, R"({"detail":"Method Not Allowed"})", "Allow: POST\r\n");
    } else if (path == "/tokenize") {
      tokenize(connection);
    } else if (path == "/detokenize") {
      detokenize(connection);
    } else {
      complete(connection, path == "/v1/chat/completions");
    }
  } else if (path == "/v1/models" && reads) {
    connection.respond(200, kJson, models());
  } else if (path == "/metrics" && reads) {
    connection.respond(200, kPlain, metrics());
  } else if (path == "/version" && reads) {
    connection.respond(200, kJson, json::to_line(json::Object{{"version", options_.version}}));
  } else if ((path == "/props" || path == "/get_server_info") && reads) {
    connection.respond(200, kJson, props());
  } else {
    connection.respond(404, kJson, R"({"detail":"Not Found"})");
  }
}

void Service::refuse(Connection& connection, int status, std::string_view message,
                     std::string_view fields) {
  ++totals_.refused;
  connection.respond(status, kJson, error_body(status, message, options_.server == "sglang"),
                     fields);
}

void Service::complete(Connection& connection, bool chat) {
  const bool wants = timing_->wants_prompt();
  auto ask =
      chat ? reader_.chat(connection.body(), wants) : reader_.completion(connection.body(), wants);
  ++totals_.requests;
  const std::uint64_t number = numbers_++;
  if (!ask) {
    refuse(connection, 400, ask.error().message);
    return;
  }
  if (!ask->model.empty() && ask->model != options_.model && options_.server.starts_with("vllm")) {
    refuse(connection, 404,
           fmt::format("The model `{}` does not exist; this server has `{}`.", ask->model,
                       options_.model));
    return;
  }
  bool stops = false;
  const auto length = output_length(*ask, chat, number, stops);
  if (!length) {
    refuse(connection, 400, length.error().message);
    return;
  }
  const Fate fate = options_.faults.fate(number, *length);
  if (fate.status != 0) {
    refuse(connection, fate.status, "refused on purpose",
           fate.status == 429 ? "Retry-After: 1\r\n" : "");
    return;
  }
  const Ticket ticket = take_ticket();
  Stream& stream = *streams_[ticket];
  stream.number = number;
  stream.output_tokens = *length;
  stream.stops = stops;
  stream.fate = fate;
  stream.words = AnswerWords(options_.seed, number);
  stream.prompt_tokens = ask->prompt_tokens;
  stream.received = nanos(connection.received());
  if (const auto taken = submit(ticket, std::move(ask->prompt)); !taken) {
    stream = Stream{};
    free_.push_back(ticket);
    refuse(connection, 400, taken.error().message);
    return;
  }
  begin(ticket, connection, *ask, chat);
}

/// How long the answer will be, by what was asked and by where the emulated model stops.
Result<std::int64_t> Service::output_length(const Ask& ask, bool chat, std::uint64_t number,
                                            bool& stops) const {
  const std::int64_t room = options_.max_model_len - ask.prompt_tokens;
  const std::int64_t by_default = options_.default_max_tokens > 0 ? options_.default_max_tokens
                                  : chat                          ? kChatTokens
                                                                  : kCompletionTokens;
  const std::int64_t most = ask.max_tokens.value_or(std::min(by_default, room));
  if (room < 1 || most > room) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("This model's maximum context length is {} tokens. However, you "
                            "requested {} output tokens and your prompt contains {} input tokens. "
                            "Please reduce one of them.",
                            options_.max_model_len, most, ask.prompt_tokens));
  }
  if (ask.min_tokens > most) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("min_tokens must be at most max_tokens={}, got {}.", most, ask.min_tokens));
  }
  if (ask.ignore_eos || options_.stop_after == nullptr) return most;
  Random random(options_.seed, "stop", number);
  const std::int64_t wanted = std::max(options_.stop_after->draw(random).count(),
                                       std::max<std::int64_t>(1, ask.min_tokens));
  stops = wanted < most;
  return std::min(wanted, most);
}

Ticket Service::take_ticket() {
  if (free_.empty()) {
    streams_.push_back(std::make_unique<Stream>());
    return static_cast<Ticket>(streams_.size() - 1);
  }
  const Ticket ticket = free_.back();
  free_.pop_back();
  return ticket;
}

void Service::begin(Ticket ticket, Connection& connection, const Ask& ask, bool chat) {
  Stream& stream = *streams_[ticket];
  connection.tag = std::uint64_t{ticket} + 1;
  stream.connection = &connection;
  stream.streams = ask.stream;
  stream.include_usage =
      (ask.include_usage || options_.style.usage_always) && !options_.style.usage_never;
  stream.usage_each = ask.continuous_usage_stats && stream.include_usage;
  stream.breaks_at = stream.fate.breaks ? stream.fate.after : -1;
  if (stream.fate.dies) stream.breaks_at = std::min<std::int64_t>(1, stream.output_tokens - 1);
  stream.prebuilt = stream.streams && !stream.usage_each && !options_.style.split_writes &&
                    options_.tokens_per_event == 1;
  stream.head.chat = chat;
  stream.head.model_json = model_json_;
  stream.head.created = std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
  const std::string_view kind = chat ? "chatcmpl-" : "cmpl-";
  const auto given = connection.head().find("x-request-id");
  stream.head.id = given && is_safe_id(*given) ? fmt::format("{}{}", kind, *given)
                                               : fmt::format("{}{}", kind, stream.number);
  if (truth_ != nullptr) {
    stream.times.reserve(static_cast<std::size_t>(
        std::min<std::int64_t>(stream.streams ? stream.output_tokens : 1, 4096)));
  }
  if (stream.streams) {
    connection.start_chunks(200, kEvents);
    if (stream.prebuilt) {
      std::string placeholder;
      append_word(0, placeholder);
      stream.word_at =
          append_event(options_.style, stream.head, placeholder, {}, nullptr, stream.event) + 1;
    }
  }
}

/// No token comes before the loop's next look at its timers.
Result<void> Service::submit(Ticket ticket, std::vector<TokenId> prompt) {
  const Stream& stream = *streams_[ticket];
  Job job;
  job.number = stream.number;
  job.received = stream.received;
  job.prompt_tokens = stream.prompt_tokens;
  job.output_tokens = stream.output_tokens;
  job.prompt = std::move(prompt);
  job.answer = stream.words;
  auto taken = timing_->submit(ticket, std::move(job));
  if (taken) arm();
  return taken;
}

// --- What is answered ---

void Service::arm() {
  if (pumping_) return;
  const auto next = timing_->next();
  if (!next || (armed_ && *armed_ <= *next)) return;
  loop_.cancel(timer_);
  armed_ = next;
  timer_ = loop_.at(http::Time(*next), [this] {
    armed_.reset();
    pump();
  });
}

void Service::pump() {
  pumping_ = true;
  timing_->advance(now(), *this);
  pumping_ = false;
  free_.insert(free_.end(), to_free_.begin(), to_free_.end());
  to_free_.clear();
  arm();
}

void Service::started(Ticket, Nanos waited) { counts_.queue_time.observe(seconds(waited)); }

void Service::tokens(Ticket ticket, std::int64_t count) {
  Stream& stream = *streams_[ticket];
  if (stream.connection == nullptr) return;
  const std::int64_t left = stream.output_tokens - stream.served - stream.held;
  if (count == 1 && left > 1 && stream.prebuilt && stream.served > 0 &&
      stream.breaks_at != stream.served) [[likely]] {
    const auto letters = letters_of(stream.words.next());
    std::memcpy(stream.event.data() + stream.word_at, letters.data(), letters.size());
    note_token(stream, 1, now());
    stream.connection->write(stream.event);
    return;
  }
  stream.held += std::min(count, left);
  emit(ticket, stream);
}

/// The tokens held, where there are enough for an event or no more will come.
void Service::emit(Ticket ticket, Stream& stream) {
  while (stream.held > 0) {
    if (stream.served == stream.breaks_at) {
      break_stream(ticket, stream);
      return;
    }
    std::int64_t count =
        std::min(stream.held, std::max<std::int64_t>(1, options_.tokens_per_event));
    if (stream.breaks_at > stream.served) {
      count = std::min(count, stream.breaks_at - stream.served);
    }
    const bool last = stream.served + count == stream.output_tokens;
    const bool ends_early = stream.served + count == stream.breaks_at;
    if (count < options_.tokens_per_event && !last && !ends_early && stream.streams) return;
    stream.held -= count;
    write_event(stream, count, last);
    if (!last) continue;
    if (stream.fate.closes) {
      // Said it would keep the connection, and does not.
      stream.connection->finish(false);
    } else if (stream.streams) {
      stream.connection->finish();
    }
    release(ticket, "completed");
    return;
  }
}

void Service::note_token(Stream& stream, std::int64_t count, Nanos at) {
  if (stream.served == 0) {
    stream.first = at;
    counts_.ttft.observe(seconds(at - stream.received));
    counts_.prompt_tokens += static_cast<std::uint64_t>(stream.prompt_tokens);
    counts_.prompt_lengths.observe(static_cast<double>(stream.prompt_tokens));
  } else {
    counts_.itl.observe(seconds(at - stream.last));
  }
  stream.last = at;
  stream.served += count;
  counts_.generation_tokens += static_cast<std::uint64_t>(count);
  totals_.tokens += static_cast<std::uint64_t>(count);
  if (truth_ != nullptr && stream.streams) {
    stream.times.insert(stream.times.end(), static_cast<std::size_t>(count),
                        (at - stream.received).count());
  }
}

void Service::write_event(Stream& stream, std::int64_t count, bool last) {
  std::string words;
  for (std::int64_t i = 0; i < count; ++i) append_word(stream.words.next(), words);
  if (!stream.streams) {
    note_token(stream, count, now());
    stream.text += words;
    if (last) end_whole(stream);
    return;
  }
  const StreamStyle& style = options_.style;
  std::string out;
  const bool first = stream.served == 0;
  if (first && stream.head.chat) append_role_event(style, stream.head, out);
  UsageCounts counts = usage(stream);
  counts.completion += count;
  const bool rides = stream.usage_each || (last && stream.include_usage && style.usage_on_last);
  append_event(style, stream.head, words, last ? stream.stops ? "stop" : "length" : "",
               rides ? &counts : nullptr, out);
  if (last) {
    if (stream.include_usage && !style.usage_on_last) {
      append_usage_event(style, stream.head, counts, out);
    }
    append_end(style, out);
  }
  note_token(stream, count, now());
  write_out(stream, out);
}

/// One write, or as llama.cpp does it, with the last two bytes of everything in another.
void Service::write_out(Stream& stream, std::string_view bytes) {
  if (!options_.style.split_writes) {
    stream.connection->write(bytes);
    return;
  }
  const std::size_t line = std::min(bytes.size(), bytes.find("\r\n") + 2);
  if (stream.connection->write(bytes.substr(0, line)) &&
      stream.connection->write(bytes.substr(line, bytes.size() - line - 2))) {
    stream.connection->write(bytes.substr(bytes.size() - 2));
  }
}

void Service::end_whole(Stream& stream) {
  if (truth_ != nullptr) stream.times.push_back((stream.last - stream.received).count());
  const std::string body =
      whole_answer(stream.head, stream.text, stream.stops ? "stop" : "length", usage(stream));
  Connection& connection = *stream.connection;
  if (stream.fate.closes) {
    connection.start_chunks(200, kJson);
    connection.write(fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", body.size(), body));
  } else {
    connection.tag = 0;
    connection.respond(200, kJson, body);
  }
}

UsageCounts Service::usage(const Stream& stream) const {
  UsageCounts counts{.prompt = stream.prompt_tokens, .completion = stream.served};
  if (stream.fate.wrong_usage) {
    counts.completion += 7;
    counts.prompt *= 2;
  }
  return counts;
}

void Service::break_stream(Ticket ticket, Stream& stream) {
  Connection& connection = *stream.connection;
  ++totals_.broken;
  timing_->cancel(ticket);
  if (stream.fate.dies) {
    connection.tag = 0;
    release(ticket, "cut");
    if (on_death) loop_.defer(on_death);
    return;
  }
  switch (*stream.fate.breaks) {
    case FaultKind::Stall:
      // Only the client can end this: on_gone() frees the record.
      stream.breaks_at = -1;
      stream.held = 0;
      stream.fate.dies = false;
      return;
    case FaultKind::StreamError:
      if (stream.streams) {
        std::string out;
        append_data_event(
            options_.style,
            error_body(500, "EngineCore encountered an issue.", options_.server == "sglang"), out);
        append_end(options_.style, out);
        connection.tag = 0;
        connection.write(out);
        connection.finish();
      } else {
        connection.tag = 0;
        refuse(connection, 500, "EngineCore encountered an issue.");
      }
      release(ticket, "error");
      return;
    default:
      connection.tag = 0;
      connection.close();
      release(ticket, "cut");
      return;
  }
}

void Service::on_gone(Connection& connection) {
  if (connection.tag == 0) return;
  const auto ticket = static_cast<Ticket>(connection.tag - 1);
  connection.tag = 0;
  Stream& stream = *streams_[ticket];
  timing_->cancel(ticket);
  const bool stalled = stream.fate.breaks == FaultKind::Stall && stream.breaks_at < 0;
  if (!stalled) ++totals_.cancelled;
  release(ticket, stalled ? "stalled" : "cancelled");
}

/// The record goes back; its memory stays for the next one.
void Service::release(Ticket ticket, std::string_view outcome) {
  Stream& stream = *streams_[ticket];
  if (outcome == "completed") {
    ++totals_.completed;
    stream.connection->tag = 0;
    ++(stream.stops ? counts_.finished_stop : counts_.finished_length);
    counts_.e2e.observe(seconds(stream.last - stream.received));
    counts_.output_lengths.observe(static_cast<double>(stream.served));
    if (stream.served > 1) {
      counts_.tpot.observe(seconds(stream.last - stream.first) /
                           static_cast<double>(stream.served - 1));
    }
  }
  if (truth_ != nullptr) {
    truth_->add({.number = stream.number,
                 .id = stream.head.id,
                 .received = stream.received - begun_,
                 .prompt_tokens = stream.prompt_tokens,
                 .output_tokens = stream.output_tokens,
                 .stream = stream.streams,
                 .outcome = outcome,
                 .token_nanos = &stream.times});
  }
  Stream empty;
  empty.event.swap(stream.event);
  empty.times.swap(stream.times);
  empty.event.clear();
  empty.times.clear();
  stream = std::move(empty);
  (pumping_ ? to_free_ : free_).push_back(ticket);
}

void Service::end_truth() {
  for (Ticket ticket = 0; ticket < streams_.size(); ++ticket) {
    if (streams_[ticket]->connection != nullptr) {
      streams_[ticket]->connection->tag = 0;
      release(ticket, "unfinished");
    }
  }
}

// --- What is told ---

std::string Service::models() const {
  return json::to_line(
      json::Object{{"object", "list"},
                   {"data", json::Array{json::Object{{"id", options_.model},
                                                     {"object", "model"},
                                                     {"created", 1},
                                                     {"owned_by", options_.server},
                                                     {"root", options_.model},
                                                     {"parent", nullptr},
                                                     {"max_model_len", options_.max_model_len}}}}});
}

std::string Service::props() const {
  const EngineState engine = timing_->state();
  return json::to_line(json::Object{
      {"model_path", options_.model},
      {"model_alias", options_.model},
      {"version", options_.version},
      {"total_slots", engine.sequence_limit},
      {"max_running_requests", engine.sequence_limit},
      {"max_total_num_tokens", engine.blocks * engine.block_size},
      {"context_length", options_.max_model_len},
      {"default_generation_settings", json::Object{{"n_ctx", options_.max_model_len}}}});
}

void Service::tokenize(Connection& connection) {
  const auto ids = reader_.tokenize(connection.body());
  if (!ids) {
    refuse(connection, 400, ids.error().message);
    return;
  }
  std::string body = fmt::format(R"({{"count":{},"max_model_len":{},"tokens":[)", ids->size(),
                                 options_.max_model_len);
  for (const TokenId id : *ids) fmt::format_to(std::back_inserter(body), "{},", id);
  if (!ids->empty()) body.pop_back();
  body += R"(],"token_strs":null})";
  connection.respond(200, kJson, body);
}

void Service::detokenize(Connection& connection) {
  const auto ids = reader_.detokenize(connection.body());
  if (!ids) {
    refuse(connection, 400, ids.error().message);
    return;
  }
  connection.respond(200, kJson, fmt::format(R"({{"prompt":"{}"}})", text_of(*ids)));
}

std::string Service::metrics() {
  const Nanos at = now();
  if (at - asked_at_ >= std::chrono::milliseconds(100)) {
    counts_.tokens_per_second =
        static_cast<double>(counts_.generation_tokens - asked_tokens_) / seconds(at - asked_at_);
    asked_at_ = at;
    asked_tokens_ = counts_.generation_tokens;
  }
  return page_.text(timing_->state(), counts_);
}

}  // namespace kneepoint::emulator
