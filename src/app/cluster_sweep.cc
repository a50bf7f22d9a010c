#include "app/cluster_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/base64.h"
#include "cluster/remove.h"
#include "cluster/watch.h"
#include "doctor/finding.h"
#include "run/log_text.h"

namespace kneepoint::app {
namespace {

using Clock = std::chrono::steady_clock;
using cluster::PodPhase;
using cluster::PodView;
using cluster::Ref;
using cluster::Workload;

constexpr int kMostMisses = 10;  // answers of the cluster that did not come, one after another
constexpr auto kRemoval = std::chrono::minutes(2);

Ref job_ref(const std::string& namespace_name, const std::string& name) {
  return {"batch/v1", "Job", namespace_name, name};
}

std::string again(const std::string& name) {
  return "; the same command goes on from the load points there are, `kneepoint undeploy " + name +
         "` takes everything away";
}

bool looks_like_record(std::string_view line) {
  constexpr std::size_t kSum = 16;
  return line.size() > kSum && line[kSum] == ' ' &&
         line.substr(0, kSum).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The newest pod of a Job that is not on its way out.
const PodView* newest(const Workload& workload) {
  const PodView* out = nullptr;
  for (const PodView& pod : workload.pods) {
    if (pod.phase == PodPhase::Leaving) continue;
    if (out == nullptr || std::tie(pod.created, pod.name) > std::tie(out->created, out->name))
      out = &pod;
  }
  return out;
}

bool has_log(const PodView& pod) {
  return pod.phase == PodPhase::Loading || pod.phase == PodPhase::Ready ||
         pod.phase == PodPhase::Done ||
         (pod.phase == PodPhase::Failing && pod.trouble == cluster::Trouble::Crash);
}

/// Follows a Job from pod to pod until the run has ended.
class Following {
 public:
  Following(const cluster::Kubectl& kubectl, const manifest::LoadJob& job, run::Directory& mirror,
            const ClusterPatience& patience, const ClusterWatch& watch)
      : kubectl_(kubectl), job_(job), mirror_(mirror), patience_(patience), watch_(watch) {}

  Result<std::optional<CampaignResult>> run() {
    const Ref ref = job_ref(job_.namespace_name, job_.name);
    for (int misses = 0; !interrupted();) {
      const auto looked = cluster::look_at(kubectl_, {ref});
      if (!looked && looked.error().code == ErrorCode::NotFound) return gone();
      if (!looked) {
        if (++misses == kMostMisses) return fail(Error(looked.error()));
        pause();
        continue;
      }
      misses = 0;
      if (looked->empty()) return gone();
      const Workload& workload = looked->front();
      const PodView* pod = newest(workload);
      say(workload, pod);
      if (pod != nullptr && has_log(*pod)) {
        if (auto done = follow(*pod); !done) return fail(done.error());
        if (end_) return ended();
      }
      if (workload.finished) return finished(workload);
      if (auto hope = judge(pod); !hope) return fail(hope.error());
      pause();
    }
    return std::nullopt;
  }

 private:
  bool interrupted() const {
    return kubectl_.access().interrupted && kubectl_.access().interrupted();
  }
  void pause() const { std::this_thread::sleep_for(patience_.between); }
  void tell(std::string_view sentence) const {
    if (watch_.tell) watch_.tell(sentence);
  }

  tl::unexpected<Error> gone() const {
    return fail(ErrorCode::Unavailable,
                "Job " + job_.name + " was removed while it ran" + again(job_.name));
  }

  void say(const Workload& workload, const PodView* pod) {
    std::string now = workload.ref.shown() + ": ";
    if (pod == nullptr) {
      now += "no pod yet";
    } else if (has_log(*pod) && pod->phase != PodPhase::Failing) {
      now += pod->phase == PodPhase::Done ? "done" : "running";
      now += pod->node.empty() ? "" : " on " + pod->node;
    } else {
      now += in_words(pod->phase);
      if (!pod->message.empty()) now += " (" + pod->message + ")";
    }
    if (now == said_) return;
    said_ = now;
    tell(now);
  }

  /// Whether waiting still makes sense.
  Result<void> judge(const PodView* pod) {
    using cluster::Trouble;
    const bool waits = pod == nullptr || pod->phase == PodPhase::Unscheduled;
    if (!waits) {
      waiting_since_.reset();
      if (pod->phase != PodPhase::Failing || pod->trouble == Trouble::Crash) return {};
      std::string what = fmt::format("pod {}: {}: {}", pod->name, pod->reason, pod->message);
      if (pod->trouble == Trouble::Image) {
        what += "; put the image of kneepoint where the nodes find it, and name it with --image";
      }
      return fail(ErrorCode::Unavailable, what + again(job_.name));
    }
    if (!waiting_since_) waiting_since_ = Clock::now();
    if (Clock::now() - *waiting_since_ < patience_.unscheduled) return {};
    std::string why = pod == nullptr ? "" : pod->message;
    if (const auto events = cluster::events_of(kubectl_, job_.namespace_name,
                                               pod == nullptr ? job_.name : pod->name)) {
      for (const json::Object& each : *events) {
        if (cluster::text_at(each, "/reason") == "TriggeredScaleUp") {
          waiting_since_ = Clock::now();
          return {};
        }
        if (why.empty() && cluster::text_at(each, "/type") == "Warning")
          why = cluster::event_line(each);
      }
    }
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("{}: {}{}",
                            pod == nullptr ? "no pod of the load generator is made"
                                           : "no node takes the load generator",
                            why.empty() ? "the cluster does not say why" : why, again(job_.name)));
  }

  Result<std::optional<CampaignResult>> finished(const Workload& workload) {
    if (workload.trouble == cluster::Trouble::None) {
      return fail(
          ErrorCode::Unavailable,
          "Job " + job_.name + " has ended and its log is not there any more" + again(job_.name));
    }
    return fail(
        ErrorCode::Unavailable,
        fmt::format("Job {} failed: {}{}{}", job_.name, workload.message,
                    last_words_.empty() ? "" : "; it said last: " + last_words_, again(job_.name)));
  }

  /// Reads a pod's log from its start until it ends or says nothing for long.
  Result<void> follow(const PodView& pod) {
    const std::vector<std::string> words{"logs", "pod/" + pod.name, "--container=load",
                                         "--namespace=" + job_.namespace_name};
    std::vector<std::string> following = words;
    following.emplace_back("--follow");
    auto log = kubectl_.start(std::move(following), cluster::Background::Errors::Dropped);
    if (!log) return fail(std::move(log).error());
    std::string rest;
    std::size_t number = 0;
    held_ = 0;
    behind_ = false;
    auto heard = Clock::now();
    while (!interrupted() && !end_ && !behind_) {
      const std::string more = log->take(patience_.between);
      if (more.empty()) {
        if (log->ended() || Clock::now() - heard > patience_.silence) break;
        continue;
      }
      heard = Clock::now();
      rest += more;
      std::size_t from = 0;
      for (std::size_t at; (at = rest.find('\n', from)) != std::string::npos; from = at + 1) {
        const std::string_view line = std::string_view(rest).substr(from, at - from);
        if (auto taken = take(line, pod.name, number++); !taken) return taken;
      }
      rest.erase(0, from);
      if (rest.size() > run::kLargestRecord)
        return fail(ErrorCode::Unavailable, "the log of pod " + pod.name + " is not that of a run");
    }
    std::size_t& told = told_[pod.name];
    told = std::max(told, number);
    if (behind_) return pass_over(pod);
    return number == 0 && !interrupted() ? why_none(words) : Result<void>();
  }

  /// A log that gave nothing: said once; without the right to read it there will never be one.
  Result<void> why_none(const std::vector<std::string>& words) {
    const auto read = kubectl_.run(words);
    if (read) return {};
    if (read.error().message.find("not allowed") != std::string::npos) {
      return fail(Error(read.error())
                      .during("the load generator runs, but its log, through which "
                              "its run comes here, cannot be read"));
    }
    if (no_log_ != read.error().message) tell("no log yet: " + read.error().message);
    no_log_ = read.error().message;
    return {};
  }

  Result<void> take(std::string_view line, const std::string& pod, std::size_t number) {
    if (line.starts_with(kProgressWord)) {
      behind_ = without_volume() && held_ > 0 && held_ <= mirror_.records().size();
      if (watch_.progress)
        watch_.progress(doctor::evidence_of(line.substr(kProgressWord.size()), 0, 0, 400));
      return {};
    }
    if (line.starts_with(kEndWord)) {
      auto end = end_from_json(line.substr(kEndWord.size()));
      if (!end) return fail(std::move(end).error().during("the end of pod " + pod + "'s log"));
      end_ = std::move(*end);
      return {};
    }
    if (looks_like_record(line)) {
      const auto record = run::parse_log_line(line);
      // Cut by the log's rotation, or a line of something else: it comes again at the end.
      if (record) return keep(*record);
    }
    if (line.empty() || number < told_[pod]) return {};
    last_words_ = doctor::evidence_of(line, 0, 0, 400);
    tell("load generator: " + last_words_);
    return {};
  }

  Result<void> keep(const run::Record& record) {
    const std::size_t before = mirror_.records().size();
    const auto taken = take_record(mirror_, record);
    if (!taken && without_volume() && record.index > 0) {
      behind_ = true;
      return {};
    }
    if (!taken) return fail(taken.error());
    held_ = std::max(held_, static_cast<std::size_t>(record.index) + 1);
    if (mirror_.records().size() == before) return {};
    if (record.kind == "point") {
      const auto point = run::point_from_json(record.value);
      if (!point) return fail(point.error());
      if (watch_.done) watch_.done(*point);
    }
    // With the pod goes its folder: the next one is to begin from here.
    if (without_volume()) hand_over();
    return {};
  }

  bool without_volume() const { return job_.volume == manifest::LoadJob::Volume::Pod; }

  /// A pod that was started before the last records of the one before it had come here would
  /// measure them again: the next one gets them all.
  Result<void> pass_over(const PodView& pod) {
    hand_over();
    tell("pod " + pod.name + " began with less than is here: the next one goes on from here");
    const auto done = kubectl_.run({"delete", "pod", pod.name, "--ignore-not-found", "--wait=false",
                                    "--namespace=" + job_.namespace_name});
    if (!done) return fail(done.error());
    return {};
  }

  void hand_over() {
    const auto objects = sweep_objects(job_, all_records(mirror_));
    if (!objects) return;
    json::Object ask = objects->front().doc;
    cluster::mark(ask, job_.name);
    const auto done =
        kubectl_.run({"apply", "--server-side",
                      std::string("--field-manager=") + cluster::kFieldManager, "--filename=-"},
                     cluster::list_text({ask}));
    if (!done && !warned_) {
      warned_ = true;
      tell("what is measured could not be handed to a next pod: " + done.error().message);
    }
  }

  Result<std::optional<CampaignResult>> ended() {
    if (mirror_.records().size() + 1 < end_->records) {
      return fail(ErrorCode::Unavailable,
                  fmt::format("{} of {} records came through; the log of the pod has lost some{}",
                              mirror_.records().size() + 1, end_->records, again(job_.name)));
    }
    return std::optional(std::move(end_->result));
  }

  const cluster::Kubectl& kubectl_;
  const manifest::LoadJob& job_;
  run::Directory& mirror_;
  const ClusterPatience& patience_;
  const ClusterWatch& watch_;
  std::optional<MirroredEnd> end_;
  std::optional<Clock::time_point> waiting_since_;
  std::size_t held_ = 0;                     // records of the pod that is followed, with the header
  bool behind_ = false;                      // and it has fewer than are here
  std::map<std::string, std::size_t> told_;  // lines of a pod's log that were told already
  std::string said_, last_words_, no_log_;
  bool warned_ = false;
};

/// A Job cannot be changed, only made anew: the one that has ended goes.
Result<void> clear_the_way(const cluster::Kubectl& kubectl, const json::Object& live) {
  cluster::Plan plan;
  cluster::Remover remover(kubectl);
  const Ref ref = cluster::ref_of(live);
  const std::string uid = cluster::text_at(live, "/metadata/uid");
  const auto asked = remover.remove(ref, uid);
  if (!asked) return fail(asked.error());
  const auto until = Clock::now() + kRemoval;
  while (Clock::now() < until) {
    const auto left = cluster::get_live(kubectl, {ref});
    if (!left) return fail(left.error());
    if (left->empty() || cluster::text_at(left->front(), "/metadata/uid") != uid) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return fail(ErrorCode::Unavailable, ref.shown() + " has ended and does not go away");
}

}  // namespace

Result<std::optional<std::vector<run::Record>>> find_cluster_run(const cluster::Kubectl& kubectl,
                                                                 const std::string& namespace_name,
                                                                 const std::string& name) {
  const auto found =
      cluster::get_live(kubectl, {{"v1", "ConfigMap", namespace_name, manifest::ask_name(name)}});
  if (!found) return fail(found.error());
  if (found->empty()) return std::nullopt;
  const json::Object& live = found->front();
  const auto inventory = cluster::read_inventory(kubectl, namespace_name, name);
  if (!inventory) return fail(inventory.error());
  if (!*inventory || cluster::whose(&live, **inventory) != cluster::Whose::Ours) {
    return fail(ErrorCode::Conflict, "ConfigMap " + manifest::ask_name(name) +
                                         " is there and is none of a sweep: take another --name");
  }
  const json::Value* data = live.if_contains("binaryData");
  const json::Value* text = data == nullptr || !data->is_object()
                                ? nullptr
                                : data->get_object().if_contains(manifest::kSeedFile);
  const auto bytes = text == nullptr || !text->is_string()
                         ? std::nullopt
                         : from_base64(std::string_view(text->get_string()));
  if (!bytes) {
    return fail(ErrorCode::Conflict, "ConfigMap " + manifest::ask_name(name) +
                                         " holds no run any more: take another --name, or remove "
                                         "it with `kneepoint undeploy " +
                                         name + "`");
  }
  auto records = read_seed(*bytes);
  if (!records)
    return fail(std::move(records).error().during("ConfigMap " + manifest::ask_name(name)));
  return std::optional(std::move(*records));
}

Result<std::vector<manifest::Object>> sweep_objects(manifest::LoadJob job,
                                                    const std::vector<run::Record>& records) {
  std::size_t room = manifest::kLargestAsk;
  for (const auto& [name, text] : job.files) room -= std::min(room, text.size());
  auto seed = seed_of(records, room);
  if (!seed) return fail(std::move(seed).error());
  job.seed = std::move(*seed);
  return manifest::load_job(job);
}

Result<cluster::Plan> plan_sweep(const cluster::Kubectl& kubectl, const manifest::LoadJob& job,
                                 const std::vector<manifest::Object>& objects) {
  std::vector<json::Object> wanted;
  for (const manifest::Object& each : objects) wanted.push_back(each.doc);
  return cluster::plan_apply(kubectl, job.name, job.namespace_name, std::move(wanted), nullptr);
}

Result<std::optional<CampaignResult>> sweep_in_cluster(const cluster::Kubectl& kubectl,
                                                       const manifest::LoadJob& job,
                                                       run::Directory& mirror,
                                                       const ClusterPatience& patience,
                                                       const ClusterWatch& watch) {
  const Ref ref = job_ref(job.namespace_name, job.name);
  const auto live = cluster::get_live(kubectl, {ref});
  if (!live) return fail(live.error());
  bool runs = false;
  if (!live->empty()) {
    const auto inventory = cluster::read_inventory(kubectl, job.namespace_name, job.name);
    if (!inventory) return fail(inventory.error());
    if (!*inventory || cluster::whose(&live->front(), **inventory) != cluster::Whose::Ours) {
      return fail(ErrorCode::Conflict,
                  ref.shown() + " is there and was made by somebody else: take another --name");
    }
    const auto looked = cluster::look_at(kubectl, {ref});
    if (!looked) return fail(looked.error());
    // Of one that ended well the log may still be read.
    runs = !looked->empty() &&
           (!looked->front().finished ||
            (looked->front().trouble == cluster::Trouble::None && newest(looked->front())));
    if (runs) {
      if (watch.tell) watch.tell(ref.shown() + " is there already: going on with it");
    } else if (auto cleared = clear_the_way(kubectl, live->front()); !cleared) {
      return fail(cleared.error());
    }
  }
  if (!runs) {
    const auto objects = sweep_objects(job, all_records(mirror));
    if (!objects) return fail(objects.error());
    auto plan = plan_sweep(kubectl, job, *objects);
    if (!plan) return fail(std::move(plan).error());
    if (auto done = cluster::apply(kubectl, *plan); !done) return fail(done.error());
  }
  return Following(kubectl, job, mirror, patience, watch).run();
}

Result<std::vector<std::string>> remove_sweep(const cluster::Kubectl& kubectl,
                                              const std::string& namespace_name,
                                              const std::string& name) {
  const auto inventory = cluster::read_inventory(kubectl, namespace_name, name);
  if (!inventory) return fail(inventory.error());
  if (!*inventory) return std::vector<std::string>{};
  const auto plan = cluster::plan_removal(kubectl, **inventory);
  if (!plan) return fail(plan.error());
  return cluster::remove(kubectl, *plan, kRemoval);
}

}  // namespace kneepoint::app
