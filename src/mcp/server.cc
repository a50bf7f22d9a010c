#include "mcp/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

#include "verbs/canonical.h"

namespace kneepoint::mcp {
namespace {

using json::Object;
using json::Value;

// Of JSON-RPC 2.0.
constexpr int kParseError = -32700, kInvalidRequest = -32600, kNoMethod = -32601,
              kInvalidParams = -32602, kBusy = -32000;

constexpr std::array<std::string_view, 4> kVersions{"2025-11-25", "2025-06-18", "2025-03-26",
                                                    "2024-11-05"};

constexpr std::string_view kInstructions =
    "Kneepoint knows measured, published and predicted load/latency curves of LLM serving. Ask "
    "kneepoint_recommend what to run a model on, kneepoint_manifest for what deploys it and "
    "kneepoint_doctor when it fails. Always tell the user whether a figure was measured, published "
    "or predicted; costs are estimates from list prices.";

const Object kEmpty;

std::string_view text_at(const Object& object, std::string_view name) {
  const Value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

const Object& object_at(const Object& object, std::string_view name) {
  const Value* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}

bool is_id(const Value& id) { return id.is_string() || id.is_int64() || id.is_uint64(); }

Object failure(std::string_view sentence) {
  return {{"content", json::Array{Object{{"type", "text"}, {"text", sentence}}}},
          {"isError", true}};
}

/// Members of the protocol's own that clients put beside the arguments are not for verbs.
Object asked(const Tool& tool, const Object& arguments) {
  Object plain = arguments;
  plain.erase("_meta");
  return tool.ask(plain);
}

}  // namespace

std::span<const std::string_view> Server::versions() { return kVersions; }

Server::Server(Options options) : options_(std::move(options)), worker_([this] { work(); }) {}

Server::~Server() { finish(); }

void Server::finish() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void Server::send(const Object& message) {
  const std::string line = json::to_line(message);
  const std::lock_guard lock(writing_);
  options_.write(line);
}

void Server::answer(const Value& id, Object result) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

void Server::refuse(const Value& id, int code, std::string_view message) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"error", Object{{"code", code}, {"message", message}}}});
}

void Server::take(std::string_view line) {
  if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  if (line.size() > kLongestLine) {
    return refuse(nullptr, kInvalidRequest, "the message is longer than 16 MiB");
  }
  const auto parsed = json::parse(line);
  if (!parsed) return refuse(nullptr, kParseError, parsed.error().message);
  if (!parsed->is_object()) {
    return refuse(nullptr, kInvalidRequest, "expected one JSON-RPC message, an object");
  }
  message(parsed->get_object());
}

void Server::message(const Object& message) {
  const Value* id = message.if_contains("id");
  const std::string_view method = text_at(message, "method");
  if (method.empty()) {
    // An answer to a question of ours; none is asked.
    if (message.contains("result") || message.contains("error")) return;
    return refuse(id != nullptr && is_id(*id) ? *id : Value(nullptr), kInvalidRequest,
                  "the message has no method");
  }
  const Object& params = object_at(message, "params");
  if (id == nullptr) return notification(method, params);
  if (!is_id(*id)) return refuse(nullptr, kInvalidRequest, "an id is a text or a whole number");
  if (text_at(message, "jsonrpc") != "2.0") {
    return refuse(*id, kInvalidRequest, "jsonrpc must be \"2.0\"");
  }
  request(*id, method, params);
}

void Server::request(const Value& id, std::string_view method, const Object& params) {
  if (method == "initialize") {
    const std::string_view wanted = text_at(params, "protocolVersion");
    const auto* known = std::find(kVersions.begin(), kVersions.end(), wanted);
    initialized_ = true;
    return answer(
        id, {{"protocolVersion", known == kVersions.end() ? kVersions.front() : *known},
             {"capabilities", Object{{"tools", Object{{"listChanged", false}}}}},
             {"serverInfo",
              Object{{"name", "kneepoint"}, {"title", "Kneepoint"}, {"version", options_.version}}},
             {"instructions", kInstructions}});
  }
  if (method == "ping") return answer(id, {});
  if (method != "tools/list" && method != "tools/call") {
    return refuse(id, kNoMethod, fmt::format("no method '{}' here", method.substr(0, 100)));
  }
  if (!initialized_) return refuse(id, kInvalidRequest, "initialize comes first");
  if (method == "tools/list") {
    json::Array all;
    for (const Tool& tool : tools()) all.push_back(describe(tool));
    return answer(id, {{"tools", std::move(all)}});
  }
  call(id, params);
}

void Server::notification(std::string_view method, const Object& params) {
  if (method != "notifications/cancelled") return;
  const Value* id = params.if_contains("requestId");
  if (id == nullptr || !is_id(*id)) return;
  const std::string name = json::to_line(*id);
  const std::lock_guard lock(mutex_);
  const bool here =
      running_ == name || std::any_of(waiting_.begin(), waiting_.end(),
                                      [&](const Work& work) { return work.id == name; });
  if (here) cancelled_.insert(name);
}

void Server::call(const Value& id, const Object& params) {
  const std::string_view name = text_at(params, "name");
  const Tool* tool = find_tool(name);
  if (tool == nullptr) {
    return refuse(id, kInvalidParams, fmt::format("no tool '{}' here", name.substr(0, 100)));
  }
  const Value* arguments = params.if_contains("arguments");
  if (arguments != nullptr && !arguments->is_object() && !arguments->is_null()) {
    return refuse(id, kInvalidParams, "arguments: expected an object");
  }
  Work work{json::to_line(id), tool, object_at(params, "arguments"), nullptr};
  const Object& meta = object_at(params, "_meta");
  if (const Value* token = meta.if_contains("progressToken"); token != nullptr && is_id(*token)) {
    work.progress_token = *token;
  }
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= kMostWaiting) {
    lock.unlock();
    return refuse(id, kBusy, "too many calls wait; ask again later");
  }
  waiting_.push_back(std::move(work));
  lock.unlock();
  changed_.notify_all();
}

bool Server::cancelled(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return cancelled_.contains(id);
}

void Server::work() {
  for (;;) {
    Work next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      running_ = next.id;
    }
    if (!cancelled(next.id)) run(next);
    const std::lock_guard lock(mutex_);
    cancelled_.erase(next.id);
    running_.clear();
  }
}

void Server::run(const Work& work) {
  Object result = answer_of(work);
  // Nobody waits for the answer to what was cancelled.
  if (cancelled(work.id)) return;
  const auto id = json::parse(work.id);
  if (id) answer(*id, std::move(result));
}

Object Server::answer_of(const Work& work) {
  if (session_ == nullptr) {
    auto opened = options_.open();
    if (!opened) return failure(opened.error().message);
    session_ = std::move(*opened);
  } else if (const auto fresh = session_->refresh(); !fresh) {
    return failure(fresh.error().message);
  }
  auto ask = verbs::canonical(asked(*work.tool, work.arguments), verbs::kOpaqueMembers);
  if (!ask) return failure(ask.error().message);
  double told = 0;
  const auto progress = [&](const Object& now) {
    if (cancelled(work.id)) return false;
    if (work.progress_token.is_null()) return true;
    Object params{{"progressToken", work.progress_token}};
    const Value* done = now.if_contains("done");
    // It has to rise with every one.
    const double at = done != nullptr && done->is_number() ? done->to_number<double>() : told + 1;
    if (at <= told && told > 0) return true;
    told = at;
    params["progress"] = at;
    if (const Value* all = now.if_contains("all")) params["total"] = *all;
    if (const Value* what = now.if_contains("what")) params["message"] = *what;
    send({{"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", std::move(params)}});
    return true;
  };
  verbs::Call call{*session_, std::move(*ask), progress};
  // Arguments come from a language model: whatever they do, the next call is answered.
  try {
    auto answer = verb_of(*work.tool).handler(call);
    if (!answer) return failure(answer.error().message);
    const std::string text =
        work.tool->text != nullptr ? work.tool->text(*answer) : json::to_line(*answer);
    Object out{{"content", json::Array{Object{{"type", "text"}, {"text", text}}}},
               {"isError", false}};
    if (answer->is_object()) out["structuredContent"] = std::move(*answer);
    return out;
  } catch (const std::exception& error) {
    return failure(fmt::format("internal error: {}", error.what()));
  }
}

}  // namespace kneepoint::mcp
