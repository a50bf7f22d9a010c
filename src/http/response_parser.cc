#include "http/response_parser.h"

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

tl::unexpected<Error> not_http(std::string_view why) {
  return fail(ErrorCode::Unavailable, fmt::format("not an HTTP/1.1 response: {}", why));
}

/// Beast's parser, which calls back into the reader of the feed() under way.
class BeastParser final : public beast::http::basic_parser<false> {
 public:
  explicit BeastParser(bool to_head_request) {
    eager(true);  // to the end of what was given
    skip(to_head_request);
    header_limit(static_cast<std::uint32_t>(ResponseParser::kLargestHead));
    body_limit(boost::none);
  }

  ResponseReader* reader = nullptr;
  bool is_interim() const { return head_.status >= 100 && head_.status < 200; }

 private:
  using ErrorOut = beast::error_code;

  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                       ErrorOut&) override {}
  void on_response_impl(int status, beast::string_view reason, int, ErrorOut&) override {
    head_.status = status;
    head_.reason.assign(reason.data(), reason.size());
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     ErrorOut&) override {
    if (told_) return;  // a field after the last chunk
    head_.fields.emplace_back(std::string(name.data(), name.size()),
                              std::string(value.data(), value.size()));
  }
  void on_header_impl(ErrorOut&) override {
    told_ = true;
    if (is_interim()) return;
    head_.chunked = chunked();
    head_.keep_alive = keep_alive();
    if (const auto length = content_length()) head_.content_length = *length;
    reader->on_head(head_);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorOut&) override {}
  std::size_t on_body_impl(beast::string_view body, ErrorOut&) override {
    reader->on_body({body.data(), body.size()});
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorOut&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, ErrorOut&) override {
    if (!body.empty()) reader->on_body({body.data(), body.size()});
    return body.size();
  }
  void on_finish_impl(ErrorOut&) override {}

  ResponseHead head_;
  bool told_ = false;
};

}  // namespace

std::optional<std::string_view> ResponseHead::find(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (same_word(field, name)) return value;
  }
  return std::nullopt;
}

bool ResponseHead::is_event_stream() const {
  const auto type = find("content-type");
  return type && same_word(trim(type->substr(0, type->find(';'))), "text/event-stream");
}

class ResponseParser::Machine {
 public:
  void start(bool to_head_request) {
    to_head_request_ = to_head_request;
    parser_.emplace(to_head_request);
    kept_.clear();
    started_ = false;
    failed_.reset();
  }

  Result<std::size_t> feed(std::string_view bytes, ResponseReader& reader) {
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
    const auto read = read_all(kept > 0 ? std::string_view(text) : bytes, kept, reader);
    if (!read) {
      failed_ = read.error();
      return fail(*failed_);
    }
    return *read - std::min(kept, *read);
  }

  Result<void> closed() {
    if (failed_) return fail(*failed_);
    if (parser_->is_done()) return {};
    if (!started_) {
      return fail(ErrorCode::Unavailable, "the connection was closed before any answer");
    }
    beast::error_code wrong;
    if (kept_.empty()) parser_->put_eof(wrong);
    if (wrong || !parser_->is_done()) {
      return fail(ErrorCode::Unavailable, parser_->is_header_done()
                                              ? "the connection was closed inside the answer"
                                              : "the connection was closed inside the head");
    }
    return {};
  }

  bool started() const { return started_; }
  bool done() const { return parser_->is_done() && !parser_->is_interim(); }

 private:
  /// How many bytes belong to this response. What the parser wants to see again is kept. A head is
  /// given to it whole: what it says to the pieces of a bad one would depend on where they were
  /// cut.
  Result<std::size_t> read_all(std::string_view text, std::size_t kept, ResponseReader& reader) {
    std::size_t at = 0;
    while (at < text.size() && !parser_->is_done()) {
      std::string_view given = text.substr(at);
      const bool in_head = !parser_->is_header_done();
      if (in_head) {
        const auto head = whole_head(given, at == 0 ? kept : 0);
        if (!head) return fail(head.error());
        if (*head == 0) {
          kept_ = given;
          return text.size();
        }
        given = given.substr(0, *head);
      }
      parser_->reader = &reader;
      beast::error_code wrong;
      at += parser_->put(boost::asio::const_buffer(given.data(), given.size()), wrong);
      if (wrong == beast::http::error::need_more && !in_head) {
        if (text.size() - at > kLargestHead) return not_http("a chunk's size goes on and on");
        kept_ = text.substr(at);
        return text.size();
      }
      if (wrong) return not_http(wrong.message());
      if (parser_->is_done() && parser_->is_interim()) {
        if (parser_->upgrade()) return not_http("an upgrade nobody asked for");
        parser_.emplace(to_head_request_);
      }
    }
    return at;
  }

  /// The size of the head that the text begins with; 0 while its end is not there. `searched` bytes
  /// were looked at before.
  static Result<std::size_t> whole_head(std::string_view text, std::size_t searched) {
    constexpr std::string_view kStart = "HTTP/1.";
    constexpr std::string_view kEnd = "\r\n\r\n";
    if (!kStart.starts_with(text.substr(0, kStart.size()))) {
      return not_http("it does not begin with HTTP/1");
    }
    const std::size_t end = text.find(kEnd, searched - std::min(searched, kEnd.size() - 1));
    const bool found = end != std::string_view::npos;
    const std::size_t size = found ? end + kEnd.size() : 0;
    if (size > kLargestHead || (!found && text.size() > kLargestHead)) {
      return not_http("its head is too large");
    }
    return size;
  }

  std::optional<BeastParser> parser_;
  std::string kept_;
  std::optional<Error> failed_;
  bool to_head_request_ = false;
  bool started_ = false;
};

ResponseParser::ResponseParser() : machine_(std::make_unique<Machine>()) { start(); }
ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

void ResponseParser::start(bool to_head_request) { machine_->start(to_head_request); }
Result<std::size_t> ResponseParser::feed(std::string_view bytes, ResponseReader& reader) {
  return machine_->feed(bytes, reader);
}
Result<void> ResponseParser::closed() { return machine_->closed(); }
bool ResponseParser::started() const { return machine_->started(); }
bool ResponseParser::done() const { return machine_->done(); }

}  // namespace kneepoint::http
