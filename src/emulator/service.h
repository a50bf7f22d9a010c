#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "emulator/answer.h"
#include "emulator/fault.h"
#include "emulator/request_body.h"
#include "emulator/server_metrics.h"
#include "emulator/timing.h"
#include "emulator/truth_log.h"
#include "http/loop.h"
#include "http/server.h"
#include "workload/length.h"

namespace kneepoint::emulator {

struct ServiceOptions {
  std::string model = "emulated";
  std::string server = "vllm";  // whose habits: error shapes, unknown models, usage
  std::string version;
  std::int64_t max_model_len = 131'072;
  /// Where a request does not say ignore_eos, its answer ends after so many tokens by itself.
  std::shared_ptr<const workload::LengthDistribution> stop_after;
  std::int64_t default_max_tokens = 0;  // 0: 16 for completions, 256 for chats
  std::int64_t tokens_per_event = 1;
  StreamStyle style;
  std::string token;  // needed as Bearer by all paths but /health; empty: none
  std::uint64_t seed = 0;
  FaultPlan faults;
};

struct ServiceTotals {
  std::uint64_t requests = 0;
  std::uint64_t completed = 0;
  std::uint64_t cancelled = 0;  // the client left
  std::uint64_t refused = 0;    // answered with an error status
  std::uint64_t broken = 0;     // by a fault, in the middle
  std::uint64_t tokens = 0;     // written
};

/// The API: reads requests, asks Timing when their tokens leave, writes them. All in the loop's
/// thread. A token of a stream costs one look at its record, six letters written into a text that
/// is ready, and one send().
class Service final : public http::ServerHandler, private TokenSink {
 public:
  Service(http::Loop& loop, ServiceOptions options, MetricsPage metrics,
          std::unique_ptr<Timing> timing, TruthLog* truth);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const ServiceTotals& totals() const { return totals_; }
  /// Streams still open are part of the truth too.
  void end_truth();
  std::function<void()> on_death;  // the fault die-after

  bool on_connection() override;
  void on_request(http::ServerConnection& connection) override;
  void on_gone(http::ServerConnection& connection) override;

 private:
  struct Stream;
  using Connection = http::ServerConnection;

  void started(Ticket ticket, Nanos waited) override;
  void tokens(Ticket ticket, std::int64_t count) override;

  static Nanos nanos(http::Time time) { return time.time_since_epoch(); }
  Nanos now() const { return nanos(loop_.now()); }
  bool ready() const { return now() >= ready_at_; }
  bool may_enter(const http::RequestHead& head) const;

  void refuse(Connection& connection, int status, std::string_view message,
              std::string_view fields = {});
  void complete(Connection& connection, bool chat);
  Result<std::int64_t> output_length(const Ask& ask, bool chat, std::uint64_t number,
                                     bool& stops) const;
  Ticket take_ticket();
  Result<void> submit(Ticket ticket, std::vector<TokenId> prompt);
  void begin(Ticket ticket, Connection& connection, const Ask& ask, bool chat);
  void emit(Ticket ticket, Stream& stream);
  void write_event(Stream& stream, std::int64_t count, bool last);
  void end_whole(Stream& stream);
  void write_out(Stream& stream, std::string_view bytes);
  void break_stream(Ticket ticket, Stream& stream);
  void release(Ticket ticket, std::string_view outcome);
  void note_token(Stream& stream, std::int64_t count, Nanos at);
  UsageCounts usage(const Stream& stream) const;
  void arm();
  void pump();

  std::string models() const;
  std::string props() const;
  void tokenize(Connection& connection);
  void detokenize(Connection& connection);
  std::string metrics();

  http::Loop& loop_;
  ServiceOptions options_;
  MetricsPage page_;
  ServedCounts counts_;
  std::unique_ptr<Timing> timing_;
  TruthLog* truth_;
  BodyReader reader_;
  std::string model_json_;
  ServiceTotals totals_;
  Nanos begun_{};
  Nanos ready_at_{};
  std::uint64_t connections_ = 0;
  std::uint64_t numbers_ = 0;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Ticket> free_;
  std::vector<Ticket> to_free_;  // inside advance(): a ticket is not given again before its end
  std::string scratch_;
  http::Loop::TimerId timer_ = 0;
  std::optional<Nanos> armed_;
  bool pumping_ = false;
  Nanos asked_at_{};
  std::uint64_t asked_tokens_ = 0;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace kneepoint::emulator
