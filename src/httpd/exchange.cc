#include "httpd/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "httpd/answer.h"
#include "httpd/gzip.h"

namespace kneepoint::httpd {
namespace {

constexpr std::size_t kWorthPacking = 1024;  // bytes: what fits one packet is sent as it is
constexpr int kLevel = 5;

}  // namespace

void Packer::pack(Answer& answer, std::string_view accept_encoding) {
  if (!answer.body || answer.body->size() < kWorthPacking || !worth_packing(answer.content_type))
    return;
  for (const auto& [name, value] : answer.fields)
    if (name == "Content-Encoding") return;
  answer.fields.emplace_back("Vary", "Accept-Encoding");
  if (!accepts_encoding(accept_encoding, "gzip")) return;
  answer.fields.emplace_back("Content-Encoding", "gzip");
  const bool kept = answer.body.use_count() > 1;
  if (kept) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(packed_, answer.body, &std::pair<Bytes, Bytes>::first);
    if (found != packed_.end()) {
      answer.body = found->second;
      return;
    }
  }
  auto packed = std::make_shared<const std::string>(gzip(*answer.body, kLevel));
  if (kept) {
    const std::scoped_lock lock(mutex_);
    // Whoever kept the plain text let go of it: it will not be asked for again.
    std::erase_if(packed_, [](const auto& each) { return each.first.use_count() == 1; });
    if (packed_.size() == kMost) packed_.erase(packed_.begin());
    packed_.emplace_back(answer.body, packed);
  }
  answer.body = std::move(packed);
}

class Exchange::StreamEnd final : public EventStream {
 public:
  explicit StreamEnd(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~StreamEnd() override { exchange_->close(); }
  bool send(std::string_view event, std::string_view data, std::uint64_t id) override {
    return exchange_->send(event, data, id);
  }
  void close() override { exchange_->close(); }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

class Exchange::ReplyEnd final : public Reply {
 public:
  explicit ReplyEnd(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ReplyEnd() override {
    exchange_->answer(
        error_answer(500, "NOT_ANSWERED", "the request was dropped inside the server"));
  }
  void answer(Answer answer) override { exchange_->answer(std::move(answer)); }
  std::shared_ptr<EventStream> events() override {
    exchange_->begin_stream();
    return std::make_shared<StreamEnd>(exchange_);
  }
  bool gone() const override { return exchange_->gone_.load(std::memory_order_relaxed); }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

std::shared_ptr<Reply> Exchange::reply() { return std::make_shared<ReplyEnd>(shared_from_this()); }

void Exchange::answer(Answer answer) {
  {
    const std::scoped_lock lock(mutex_);
    if (answered_) return;
    answered_ = true;
  }
  if (!gone_) packer_->pack(answer, accept_encoding_);
  {
    const std::scoped_lock lock(mutex_);
    answer_ = std::move(answer);
  }
  wake_();
}

bool Exchange::begin_stream() {
  {
    const std::scoped_lock lock(mutex_);
    if (answered_) return false;
    answered_ = true;
    streams_ = true;
  }
  wake_();
  return true;
}

bool Exchange::send(std::string_view event, std::string_view data, std::uint64_t id) {
  std::string frame;
  frame.reserve(data.size() + event.size() + 48);
  fmt::format_to(std::back_inserter(frame), "id: {}\n", id);
  if (!event.empty()) {
    frame += "event: ";
    for (const char c : event)
      if (c != '\n' && c != '\r') frame += c;
    frame += '\n';
  }
  while (true) {  // a line of its own for each line of the data, however it ends
    const auto end = std::min(data.find_first_of("\r\n"), data.size());
    frame.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == data.size()) break;
    data.remove_prefix(end + (data.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  frame += '\n';
  bool lost = false;
  {
    const std::scoped_lock lock(mutex_);
    if (gone_ || ended_ || !streams_) return false;
    lost = frames_.size() + frame.size() > most_waiting_;
    if (lost) gone_ = true;  // it reads slower than there is to tell
    if (!lost && !frames_.empty()) {
      frames_ += frame;
      return true;  // the connection knows already
    }
    frames_ += frame;
  }
  wake_();
  return !lost;
}

void Exchange::close() {
  {
    const std::scoped_lock lock(mutex_);
    if (ended_) return;
    ended_ = true;
  }
  wake_();
}

bool Exchange::ready() {
  const std::scoped_lock lock(mutex_);
  return answer_.has_value() || streams_;
}

bool Exchange::streams() {
  const std::scoped_lock lock(mutex_);
  return streams_;
}

Answer Exchange::take() {
  const std::scoped_lock lock(mutex_);
  return std::move(*answer_);
}

Exchange::Waiting Exchange::take_frames() {
  const std::scoped_lock lock(mutex_);
  Waiting waiting{std::move(frames_), ended_ || gone_};
  frames_.clear();
  return waiting;
}

bool Exchange::has_frames() {
  const std::scoped_lock lock(mutex_);
  return !frames_.empty() || ended_ || gone_;
}

void Exchange::lose() { gone_ = true; }

}  // namespace kneepoint::httpd
