#include "cli/bench_stream.h"

#include <fmt/format.h>

#include "app/bench_run.h"
#include "app/mirrored_run.h"
#include "base/text.h"
#include "cli/bench_show.h"

namespace kneepoint::cli::bench {
namespace {

/// A kubelet turns a container's log over at 10 MiB, and kubectl shows what came after.
constexpr std::size_t kSure = std::size_t{4} << 20;
constexpr auto kBetween = std::chrono::seconds(2);  // lines of progress

}  // namespace

Stream::Stream(Run& run, const run::Directory& directory) : run_(run), directory_(directory) {
  records();
}

void Stream::records() {
  const auto all = app::all_records(directory_);
  for (; printed_ < all.size(); ++printed_) {
    const auto line = app::record_line(all[printed_]);
    if (!line) continue;
    bytes_ += line->size();
    run_.write_err(*line);
  }
}

app::CampaignWatch Stream::watch() {
  app::CampaignWatch out;
  out.note = [this](std::string_view sentence) { run_.note(sentence); };
  out.begins = [this](std::size_t place, std::size_t, const workload::RunSpec& spec,
                      std::string_view reason) {
    stage_ = fmt::format("[{}] {} ({})", place + 1, app::load_text(spec), reason);
    shown_ = Nanos(-1);
  };
  out.progress = [this](const loadgen::Progress& now, const auto& server) {
    if (shown_ >= Nanos(0) && now.elapsed - shown_ < kBetween) return;
    shown_ = now.elapsed;
    const std::string line =
        std::string(app::kProgressWord) + progress_text(stage_, now, server) + "\n";
    bytes_ += line.size();
    run_.write_err(line);
  };
  out.done = [this](const run::PointRecord&) { records(); };
  out.interrupted = Interruptible::interrupted;
  return out;
}

void Stream::end(const app::CampaignResult& result) {
  if (bytes_ > kSure) {
    printed_ = 0;
    records();
  }
  run_.write_err(std::string(app::kEndWord) +
                 json::to_line(app::end_json(result, directory_.records().size() + 1)) + "\n");
}

}  // namespace kneepoint::cli::bench
