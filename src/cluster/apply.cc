#include "cluster/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "base/text.h"
#include "cluster/remove.h"

namespace kneepoint::cluster {
namespace {

constexpr auto kLongestPause = std::chrono::milliseconds(1000);
const std::string kManager = std::string("--field-manager=") + kFieldManager;

std::vector<std::string> apply_words(bool dry) {
  std::vector<std::string> out{"apply",        "--server-side", kManager, "--validate=strict",
                               "--filename=-", "--output=json"};
  if (dry) out.emplace_back("--dry-run=server");
  return out;
}

/// "deployment.apps" -> what a conflict is about and what may be done about it.
Error explain_conflict(Error error) {
  if (error.code != ErrorCode::Conflict) return error;
  // What follows is kubectl's advice about its own flags.
  for (const std::string_view end : {"; Please review the fields", " Please review the fields"}) {
    if (const auto at = error.message.find(end); at != std::string::npos) error.message.resize(at);
  }
  error.message +=
      "; nothing was applied. These fields were set by somebody else and stay as they are: take "
      "them out of the manifest, give them the value they have in the cluster, or let their owner "
      "give them up";
  return error;
}

/// Who set spec.replicas, other than us; empty when nobody, or when we have a part in it.
std::string owner_of_replicas(const json::Object& live) {
  std::string out;
  for (const json::Object* each : objects_at(live, "/metadata/managedFields")) {
    if (find(*each, "/fieldsV1/f:spec/f:replicas") == nullptr) continue;
    const std::string manager = text_at(*each, "/manager");
    if (manager == kFieldManager && text_at(*each, "/subresource").empty()) return {};
    out = manager;
  }
  return out;
}

void without_replicas(json::Object& object) {
  json::Value* spec = object.if_contains("spec");
  if (spec != nullptr && spec->is_object()) spec->get_object().erase("replicas");
}

/// Removing it removes what others put into it.
bool takes_others_along(const Ref& ref) {
  return ref.kind == "Namespace" || ref.kind == "CustomResourceDefinition";
}

/// What differs between somebody else's object and what is wanted of it, our labels aside.
Result<std::vector<Change>> differences(const Kubectl& kubectl, const json::Object& live,
                                        const json::Object& wanted) {
  const auto tried = kubectl.run(apply_words(true), list_text({wanted}));
  if (!tried) {
    // Fields of others, or what both together cannot be, such as two ports of one name.
    if (tried.error().code == ErrorCode::Conflict ||
        tried.error().code == ErrorCode::InvalidArgument)
      return std::vector<Change>{{tried.error().message, "", ""}};
    return fail(tried.error());
  }
  const auto after = read_objects(*tried);
  if (!after || after->empty()) return fail(ErrorCode::Unavailable, "the dry run gave no object");
  return changes(live, after->front());
}

class Planner {
 public:
  Planner(const Kubectl& kubectl, Plan& plan) : kubectl_(kubectl), plan_(plan) {}

  Result<void> run(std::vector<json::Object> wanted) {
    std::vector<Ref> refs;
    for (const json::Object& each : wanted) refs.push_back(ref_of(each));
    for (const Owned& each : plan_.before.objects) {
      const bool listed =
          std::any_of(refs.begin(), refs.end(), [&](const Ref& ref) { return ref.same(each.ref); });
      if (!listed) refs.push_back(each.ref);
    }
    auto live = get_live(kubectl_, refs);
    if (!live) return fail(std::move(live).error());
    live_ = std::move(*live);
    std::vector<json::Object> ours;
    for (json::Object& each : wanted) {
      if (auto done = sort_out(each, ours); !done) return done;
    }
    if (!foreign_.empty()) {
      return fail(ErrorCode::Conflict,
                  "not made by kneepoint deploy, and different from what is asked for: " +
                      join(foreign_, "; ") +
                      "; nothing was applied. Take these objects out of the manifest, delete them, "
                      "or deploy under other names or in another namespace");
    }
    if (auto done = try_out(std::move(ours)); !done) return done;
    remove_rest(wanted);
    return {};
  }

 private:
  Result<void> sort_out(json::Object& wanted, std::vector<json::Object>& ours) {
    const Ref ref = ref_of(wanted);
    const json::Object* live = find_object(live_, ref);
    if (whose(live, plan_.before) == Whose::Others) {
      const auto differs = differences(kubectl_, *live, wanted);
      if (!differs) return fail(differs.error());
      if (differs->empty()) {
        plan_.steps.push_back({Action::Leave, ref, {}, {}, {}});
        plan_.notes.push_back(ref.shown() + " is there already and not ours: it stays as it is");
      } else {
        std::string what = ref.shown();
        const std::string set = label(*live, kSetLabel);
        if (!set.empty() && set != plan_.before.set) what += " (of deployment " + set + ")";
        const Change& first = differs->front();
        const bool said = first.before.empty() && first.after.empty();
        foreign_.push_back(what + ": " + (said ? first.path : in_words(first)));
      }
      return {};
    }
    if (live != nullptr && find(wanted, "/spec/replicas") != nullptr) {
      if (const std::string owner = owner_of_replicas(*live); !owner.empty()) {
        const std::string now = text_at(*live, "/spec/replicas");
        if (now != text_at(wanted, "/spec/replicas")) {
          plan_.notes.push_back(
              fmt::format("{}: {} replicas, set by {}, stay", ref.shown(), now, owner));
        }
        without_replicas(wanted);
      }
    }
    mark(wanted, plan_.before.set);
    ours.push_back(wanted);
    return {};
  }

  Result<void> try_out(std::vector<json::Object> ours) {
    if (ours.empty()) return {};
    const auto tried = kubectl_.run(apply_words(true), list_text(ours));
    if (!tried) return fail(explain_conflict(tried.error()));
    const auto after = read_objects(*tried);
    if (!after) return fail(after.error());
    for (json::Object& each : ours) {
      const Ref ref = ref_of(each);
      const json::Object *live = find_object(live_, ref), *then = find_object(*after, ref);
      if (then == nullptr) {
        return fail(ErrorCode::Unavailable, "the dry run said nothing of " + ref.shown());
      }
      Step step{Action::Create, ref, {}, std::move(each), {}};
      std::string uid;
      if (live != nullptr) {
        step.changes = changes(*live, *then);
        step.action = step.changes.empty() ? Action::Same : Action::Change;
        uid = text_at(*live, "/metadata/uid");
      }
      plan_.after.objects.push_back({ref, uid});
      plan_.steps.push_back(std::move(step));
    }
    return {};
  }

  void remove_rest(const std::vector<json::Object>& wanted) {
    for (const Owned& each : plan_.before.objects) {
      if (find_object(wanted, each.ref) != nullptr) continue;
      const json::Object* live = find_object(live_, each.ref);
      const Whose owner = whose(live, plan_.before);
      if (owner == Whose::Ours && !takes_others_along(each.ref))
        plan_.steps.push_back({Action::Remove, each.ref, {}, {}, text_at(*live, "/metadata/uid")});
      if (owner == Whose::Others) {
        plan_.notes.push_back(each.ref.shown() +
                              " was ours and is somebody else's now: it stays as it is");
      }
    }
  }

  const Kubectl& kubectl_;
  Plan& plan_;
  std::vector<json::Object> live_;
  std::vector<std::string> foreign_;
};

}  // namespace

std::string_view name(Action action) {
  switch (action) {
    case Action::Create:
      return "create";
    case Action::Change:
      return "change";
    case Action::Same:
      return "same";
    case Action::Remove:
      return "remove";
    case Action::Leave:
      return "leave";
  }
  return "?";
}

std::size_t Plan::count(Action action) const {
  return static_cast<std::size_t>(std::count_if(
      steps.begin(), steps.end(), [action](const Step& step) { return step.action == action; }));
}

bool Plan::changes_anything() const {
  return count(Action::Create) + count(Action::Change) + count(Action::Remove) > 0;
}

Result<std::vector<json::Object>> read_manifests(const Kubectl& kubectl,
                                                 const std::vector<std::string>& source,
                                                 const std::string& text,
                                                 std::vector<std::string>* unknown) {
  std::vector<std::string> words{"create", "--dry-run=client", "--validate=ignore",
                                 "--output=json"};
  const std::string& space = kubectl.access().namespace_name;
  if (!space.empty()) words.push_back("--namespace=" + space);
  words.insert(words.end(), source.begin(), source.end());
  const auto done = kubectl.try_run(std::move(words), text);
  if (!done) return fail(done.error());
  if (done->status != 0) {
    bool only_kinds = true;
    for (const std::string_view line : split(done->err, '\n')) {
      const bool is_kind = line.find("no matches for kind") != std::string_view::npos;
      only_kinds &= is_kind || line.empty() || line.starts_with("ensure CRDs");
      if (is_kind && unknown != nullptr)
        unknown->emplace_back(line.substr(line.find("no matches for kind") + 20));
    }
    if (!only_kinds) return fail(explain_failure(done->err));
    if (unknown == nullptr) {
      Error error = explain_failure(done->err);
      error.code = ErrorCode::Unsatisfiable;
      error.message +=
          "; install what brings this kind, or leave such objects out with "
          "--skip-unknown-kinds";
      return fail(std::move(error));
    }
  }
  auto objects = read_objects(done->out);
  if (!objects) return objects;
  if (objects->empty()) return fail(ErrorCode::InvalidArgument, "no object in the manifest");
  for (const json::Object& each : *objects) {
    const Ref ref = ref_of(each);
    if (ref.name.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  ref.kind + " has no metadata.name; a generated name cannot be applied again");
    }
    if (std::count_if(objects->begin(), objects->end(),
                      [&](const json::Object& other) { return ref_of(other).same(ref); }) > 1) {
      return fail(ErrorCode::InvalidArgument, ref.shown() + " is there twice");
    }
  }
  return objects;
}

Result<Plan> plan_apply(const Kubectl& kubectl, const std::string& set,
                        const std::string& namespace_name, std::vector<json::Object> wanted,
                        json::Value promise) {
  Plan plan;
  const auto known = read_inventory(kubectl, namespace_name, set);
  if (!known) return fail(known.error());
  if (*known) plan.before = **known;
  plan.before.set = plan.after.set = set;
  plan.before.namespace_name = plan.after.namespace_name = namespace_name;
  plan.after.promise = std::move(promise);
  if (auto done = Planner(kubectl, plan).run(std::move(wanted)); !done) return fail(done.error());
  return plan;
}

Result<void> apply(const Kubectl& kubectl, Plan& plan) {
  // Both what was there and what is to come: from here to the end either may be found.
  Inventory meanwhile = plan.after;
  for (const Owned& each : plan.before.objects) {
    if (meanwhile.find(each.ref) == nullptr) meanwhile.objects.push_back(each);
  }
  if (auto done = write_inventory(kubectl, meanwhile); !done) return done;

  std::vector<json::Object> send;
  for (Step& step : plan.steps) {
    if (step.action == Action::Create || step.action == Action::Change) send.push_back(step.object);
  }
  if (!send.empty()) {
    const auto done = kubectl.run(apply_words(false), list_text(send));
    if (!done) return fail(done.error());
    const auto made = read_objects(*done);
    if (!made) return fail(made.error());
    for (Owned& each : plan.after.objects) {
      if (const json::Object* now = find_object(*made, each.ref))
        each.uid = text_at(*now, "/metadata/uid");
    }
  }
  Remover remover(kubectl);
  for (const Step& step : plan.steps) {
    if (step.action != Action::Remove) continue;
    if (const auto done = remover.remove(step.ref, step.uid); !done) return fail(done.error());
  }
  return write_inventory(kubectl, plan.after);
}

Result<Plan> plan_removal(const Kubectl& kubectl, const Inventory& inventory) {
  Plan plan;
  plan.before = plan.after = inventory;
  plan.after.objects.clear();
  std::vector<Ref> refs;
  for (const Owned& each : inventory.objects) refs.push_back(each.ref);
  const auto live = get_live(kubectl, refs);
  if (!live) return fail(live.error());
  for (const Ref& ref : refs) {
    switch (whose(find_object(*live, ref), inventory)) {
      case Whose::Ours:
        if (takes_others_along(ref)) {
          plan.steps.push_back({Action::Leave, ref, {}, {}, {}});
          plan.notes.push_back(ref.shown() +
                               " stays, as removing it would remove what others put into it");
        } else {
          plan.steps.push_back(
              {Action::Remove, ref, {}, {}, text_at(*find_object(*live, ref), "/metadata/uid")});
        }
        break;
      case Whose::Others:
        plan.steps.push_back({Action::Leave, ref, {}, {}, {}});
        plan.notes.push_back(ref.shown() + " is somebody else's now: it stays");
        break;
      case Whose::Nobodys:
        plan.notes.push_back(ref.shown() + " is gone already");
    }
  }
  return plan;
}

Result<std::vector<std::string>> remove(const Kubectl& kubectl, const Plan& plan, Nanos patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::vector<std::string> notes;
  std::map<std::string, Ref> going;  // by uid
  Remover remover(kubectl);
  for (const Step& step : plan.steps) {
    if (step.action != Action::Remove) continue;
    const auto done = remover.remove(step.ref, step.uid);
    if (!done) return fail(done.error());
    if (*done == Remover::Outcome::Asked) going.emplace(step.uid, step.ref);
    if (*done == Remover::Outcome::Others) {
      notes.push_back(step.ref.shown() +
                      " was removed and made anew by somebody meanwhile: the new one stays");
    }
  }
  for (auto pause = std::chrono::milliseconds(100);; pause = std::min(2 * pause, kLongestPause)) {
    std::vector<Ref> refs;
    for (const auto& [uid, ref] : going) refs.push_back(ref);
    const auto live = get_live(kubectl, refs);
    if (!live) return fail(live.error());
    std::map<std::string, Ref> left;
    for (const json::Object& each : *live) {
      const std::string uid = text_at(each, "/metadata/uid");
      if (const auto it = going.find(uid); it != going.end()) left.insert(*it);
    }
    going = std::move(left);
    if (going.empty()) break;
    const auto& interrupted = kubectl.access().interrupted;
    const bool stopped = interrupted && interrupted();
    if (stopped || std::chrono::steady_clock::now() >= until) {
      std::vector<std::string> names;
      for (const auto& [uid, ref] : going) names.push_back(ref.shown());
      return fail(ErrorCode::Unavailable,
                  std::string(stopped ? "interrupted" : "patience ended") +
                      " while these were still going: " + join(names, ", ") +
                      "; the same command goes on with them");
    }
    std::this_thread::sleep_for(pause);
  }
  const json::Object list = to_json(plan.before);
  const auto done = remover.remove(ref_of(list), plan.before.uid, plan.before.version);
  if (!done) return fail(done.error());
  if (*done == Remover::Outcome::Others) {
    return fail(ErrorCode::Conflict,
                plan.before.set + " was deployed again meanwhile: what that made is still there");
  }
  return notes;
}

}  // namespace kneepoint::cluster
