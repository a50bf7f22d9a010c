#include "http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "base/text.h"

namespace kneepoint::http {
namespace {

namespace beast = boost::beast;

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

/// Memory is taken for what has come, not for what a client says will come.
constexpr std::size_t kReserveAtMost = std::size_t{1} << 20;

class BeastParser final : public beast::http::basic_parser<true> {
 public:
  BeastParser(const RequestLimits& limits, RequestHead& head, std::string& body)
      : head_(head), body_(body) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(limits.head));
    body_limit(limits.body);
  }

 private:
  using ErrorOut = beast::error_code;

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, ErrorOut&) override {
    head_.method.assign(method.data(), method.size());
    head_.target.assign(target.data(), target.size());
    head_.is_http_1_0 = version < 11;
  }
  void on_response_impl(int, beast::string_view, int, ErrorOut&) override {}
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     ErrorOut&) override {
    if (told_) return;  // a field after the last chunk
    head_.fields.emplace_back(std::string(name.data(), name.size()),
                              std::string(value.data(), value.size()));
  }
  void on_header_impl(ErrorOut&) override {
    told_ = true;
    head_.keep_alive = keep_alive();
    const auto expect = head_.find("expect");
    head_.expects_continue = expect && same_word(*expect, "100-continue");
    if (const auto length = content_length()) {
      body_.reserve(std::min<std::size_t>(*length, kReserveAtMost) + RequestParser::kPadding);
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorOut&) override {}
  std::size_t on_body_impl(beast::string_view bytes, ErrorOut&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorOut&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, ErrorOut&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(ErrorOut&) override {}

  RequestHead& head_;
  std::string& body_;
  bool told_ = false;
};

}  // namespace

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (same_word(field, name)) return value;
  }
  return std::nullopt;
}

std::string_view RequestHead::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

class RequestParser::Machine {
 public:
  explicit Machine(RequestLimits limits) : limits_(limits) { start(); }

  void start() {
    head_ = {};
    body_.clear();
    if (body_.capacity() > kReserveAtMost + kPadding) body_.shrink_to_fit();
    kept_.clear();
    started_ = false;
    refusal_ = 0;
    failed_.reset();
    parser_.emplace(limits_, head_, body_);
  }

  Result<std::size_t> feed(std::string_view bytes) {
    if (failed_) return fail(*failed_);
    if (bytes.empty() || parser_->is_done()) return std::size_t{0};
    started_ = true;
    // Where a head or a chunk's size was cut, its start and these bytes are read as one text.
    const std::size_t kept = kept_.size();
    std::string text;
    if (kept > 0) {
      text.swap(kept_);
      text += bytes;
    }
    const auto read = read_all(kept > 0 ? std::string_view(text) : bytes);
    if (!read) {
      failed_ = read.error();
      return fail(*failed_);
    }
    if (parser_->is_done()) body_.reserve(body_.size() + kPadding);
    return *read - std::min(kept, *read);
  }

  bool started() const { return started_; }
  bool head_done() const { return parser_->is_header_done(); }
  bool done() const { return parser_->is_done(); }
  int refusal_status() const { return refusal_; }
  const RequestHead& head() const { return head_; }
  const std::string& body() const { return body_; }

 private:
  tl::unexpected<Error> refuse(int status, std::string_view why) {
    refusal_ = status;
    return fail(ErrorCode::InvalidArgument, fmt::format("not an HTTP/1.1 request: {}", why));
  }

  Result<std::size_t> read_all(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && !parser_->is_done()) {
      beast::error_code wrong;
      at += parser_->put(boost::asio::const_buffer(text.data() + at, text.size() - at), wrong);
      if (wrong == beast::http::error::need_more) {
        if (text.size() - at > limits_.head) return refuse(431, "its head goes on and on");
        kept_ = text.substr(at);
        return text.size();
      }
      if (wrong == beast::http::error::header_limit) {
        return refuse(431, fmt::format("a head of more than {} bytes", limits_.head));
      }
      if (wrong == beast::http::error::body_limit) {
        return refuse(413, fmt::format("a body of more than {} bytes", limits_.body));
      }
      if (wrong) return refuse(400, wrong.message());
      if (parser_->is_header_done() && parser_->upgrade() && head_.method == "CONNECT") {
        return refuse(501, "CONNECT is for proxies");
      }
    }
    return at;
  }

  RequestLimits limits_;
  RequestHead head_;
  std::string body_;
  std::optional<BeastParser> parser_;
  std::string kept_;
  std::optional<Error> failed_;
  int refusal_ = 0;
  bool started_ = false;
};

RequestParser::RequestParser(RequestLimits limits) : machine_(std::make_unique<Machine>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

void RequestParser::start() { machine_->start(); }
Result<std::size_t> RequestParser::feed(std::string_view bytes) { return machine_->feed(bytes); }
bool RequestParser::started() const { return machine_->started(); }
bool RequestParser::head_done() const { return machine_->head_done(); }
bool RequestParser::done() const { return machine_->done(); }
int RequestParser::refusal_status() const { return machine_->refusal_status(); }
const RequestHead& RequestParser::head() const { return machine_->head(); }
const std::string& RequestParser::body() const { return machine_->body(); }

}  // namespace kneepoint::http
