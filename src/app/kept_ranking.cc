#include "app/kept_ranking.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "store/columns.h"

namespace kneepoint::app {
namespace {

using profile::Ranking;
using profile::RankingRow;

std::atomic<std::size_t> most_bytes_kept = 0;

struct Kept {
  std::mutex mutex;
  std::string of;  // store and state
  std::shared_ptr<const Ranking> ranking;
  std::string too_large;  // a store that does not fit: it is not read whole again to find that out
};

Kept& kept() {
  static Kept one;
  return one;
}

/// What a ranking takes when it owns all its words, each distinct one once: rows of one store share
/// most of theirs, and those of a catalog are views of a file that may be replaced.
class Copy {
 public:
  explicit Copy(std::size_t most) : most_(most) {}

  /// False: it would take more than it may.
  bool add(const RankingRow& from) {
    bytes_ += sizeof(RankingRow) + from.points.size() * sizeof(curve::LoadPoint);
    RankingRow& row = out_->add_row() = from;
    const auto own = [this](const char*, auto& member) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, std::string_view>) {
        member = kept(member);
      }
    };
    store::visit_ranking_columns(row, own);
    store::visit_prediction_columns(row, own);
    for (std::string_view* text : {&row.measured_on, &row.flags, &row.layer}) *text = kept(*text);
    const std::span<curve::LoadPoint> points = out_->add_points(from.points.size());
    std::ranges::copy(from.points, points.begin());
    row.points = points;
    return bytes_ <= most_;
  }
  void reserve(std::size_t rows) { out_->mutable_rows().reserve(rows); }
  std::shared_ptr<const Ranking> take() { return std::move(out_); }

 private:
  std::string_view kept(std::string_view text) {
    if (text.empty()) return {};
    const auto known = words_.find(text);
    if (known != words_.end()) return known->second;
    const std::string_view own = out_->keep(text);
    bytes_ += own.size();
    words_.emplace(own, own);
    return own;
  }

  const std::size_t most_;
  std::size_t bytes_ = 0;
  std::shared_ptr<Ranking> out_ = std::make_shared<Ranking>();
  std::unordered_map<std::string_view, std::string_view> words_;
};

bool is_near(std::optional<double> value, double wanted, double tolerance) {
  return value && *value >= wanted * (1 - tolerance) && *value <= wanted * (1 + tolerance);
}

bool has_length(std::optional<double> mean, std::optional<double> nominal,
                std::optional<double> wanted, double tolerance) {
  return !wanted || is_near(mean, *wanted, tolerance) || is_near(nominal, *wanted, tolerance);
}

bool matches(const RankingRow& row, const store::Query& query) {
  const auto same = [](const std::string& wanted, std::string_view has) {
    return wanted.empty() || wanted == has;
  };
  const auto one_of = [](const auto& all, const auto& has) {
    return all.empty() || std::ranges::find(all, has) != all.end();
  };
  const RankingRow::Setup& s = row.setup;
  const RankingRow::Workload& w = row.workload;
  return same(query.model, s.model) && same(query.model_server, s.model_server) &&
         same(query.model_server_version, s.model_server_version) &&
         one_of(query.accelerators, s.accelerator) && one_of(query.evidence, row.evidence.kind) &&
         same(query.id, row.id) && same(query.serving_stack, s.serving_stack) &&
         same(query.serving_stack_version, s.serving_stack_version) &&
         same(query.workload, w.name) && same(query.decoding, s.decoding) &&
         has_length(w.input_tokens_mean, w.input_tokens_nominal, query.input_tokens,
                    query.length_tolerance) &&
         has_length(w.output_tokens_mean, w.output_tokens_nominal, query.output_tokens,
                    query.length_tolerance);
}

}  // namespace

void keep_rankings(std::size_t most_bytes) {
  most_bytes_kept = most_bytes;
  Kept& here = kept();
  const std::lock_guard lock(here.mutex);
  here.ranking.reset();
  here.of.clear();
  here.too_large.clear();
}

Result<std::shared_ptr<const Ranking>> kept_ranking(Session& session) {
  const std::size_t most = most_bytes_kept;
  if (most == 0) return nullptr;
  const auto store = session.store();
  if (!store) return fail(store.error());
  // Before anything is read: what is written meanwhile is read again by the next question.
  const auto state = session.state();
  if (!state) return fail(state.error());
  const std::string where = (*store)->describe();
  const std::string of = where + "\n" + *state;
  Kept& here = kept();
  // Whoever asks while it is read waits for it: reading it twice would take longer.
  const std::lock_guard lock(here.mutex);
  if (here.of == of) return here.ranking;
  if (here.too_large == where) return nullptr;
  here.ranking.reset();  // those who use it hold it
  here.of.clear();
  store::Query everything;
  everything.layers = session.layers();
  const auto read = (*store)->rank(everything);
  if (!read) return fail(read.error());
  Copy copy(most);
  copy.reserve(read->rows().size());
  for (const RankingRow& row : read->rows()) {
    if (copy.add(row)) continue;
    here.too_large = where;
    return nullptr;
  }
  here.ranking = copy.take();
  here.of = of;
  return here.ranking;
}

std::vector<const RankingRow*> rows_of_query(const Ranking& all, const store::Query& query) {
  std::vector<const RankingRow*> out;
  out.reserve(all.rows().size());
  for (const RankingRow& row : all.rows()) {
    if (matches(row, query)) out.push_back(&row);
  }
  return out;
}

}  // namespace kneepoint::app
