#include "importers/join.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/text.h"
#include "profile/json.h"

namespace kneepoint::importers {
namespace {

using profile::Profile;
using profile::ServingSetup;

void fill(std::string& to, const std::string& from) {
  if (to.empty()) to = from;
}

/// Settings files lend what the points of their folder do not say.
void lend_settings(std::vector<Measured>& points) {
  for (const Measured& settings : points) {
    if (!settings.only_settings) continue;
    for (Measured& m : points) {
      if (m.only_settings || m.tool != settings.tool || m.folder != settings.folder) continue;
      fill(m.setup.model, settings.setup.model);
      fill(m.setup.model_server, settings.setup.model_server);
      fill(m.workload.name, settings.workload.name);
      if (!m.workload.input_tokens_nominal) {
        m.workload.input_tokens_nominal = settings.workload.input_tokens_nominal;
        m.workload.output_tokens_nominal = settings.workload.output_tokens_nominal;
      }
    }
  }
  std::erase_if(points, [](const Measured& m) { return m.only_settings; });
}

void drop_records(std::vector<Measured>& points, std::vector<std::string>& notes) {
  std::vector<std::pair<std::string, std::string>> summarized;
  for (const Measured& m : points) {
    if (!m.from_records) summarized.emplace_back(m.tool, m.folder);
  }
  std::erase_if(points, [&](const Measured& m) {
    const bool has_summary =
        m.from_records &&
        std::ranges::find(summarized, std::pair(m.tool, m.folder)) != summarized.end();
    if (has_summary) {
      notes.push_back(fmt::format("{}: left out, the summary beside it says the same", m.file));
    }
    return has_summary;
  });
}

void apply(const Given& given, ServingSetup& setup) {
  const auto set = [](std::string& to, const std::string& from) {
    if (!from.empty()) to = from;
  };
  set(setup.model, given.model);
  set(setup.model_server, given.model_server);
  set(setup.model_server_version, given.model_server_version);
  set(setup.accelerator, given.accelerator);
  set(setup.weight_precision, given.weight_precision);
  if (given.accelerator_count) setup.accelerator_count = given.accelerator_count;
  if (given.tensor_parallel) setup.tensor_parallel = given.tensor_parallel;
}

Result<void> check_complete(const Measured& m, const Words& words) {
  std::vector<std::string> what, how;
  const auto need = [&](const std::string& text, const char* name, const char* word) {
    if (!text.empty()) return;
    what.emplace_back(name);
    how.emplace_back(word);
  };
  need(m.setup.model, "the model", words.model);
  need(m.setup.model_server, "the model server", words.model_server);
  need(m.setup.model_server_version, "its version", words.model_server_version);
  need(m.setup.accelerator, "the accelerator", words.accelerator);
  if (what.empty()) return {};
  return fail(ErrorCode::InvalidArgument,
              fmt::format("{}: a report of {} that does not say {}: add {}", m.file, m.tool,
                          kneepoint::join(what, ", "), kneepoint::join(how, " ")));
}

/// What must be equal for two points to lie on one curve.
std::string key_of(const Measured& m) {
  Profile p;
  p.setup = m.setup;
  p.workload = m.workload;
  p.workload.input_tokens_mean.reset();
  p.workload.output_tokens_mean.reset();
  p.load_kind = m.load_kind;
  return m.tool + '\x1f' + m.tool_version + '\x1f' + json::to_line(profile::to_json(p));
}

bool near(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return std::abs(*a - *b) <= 0.1 * std::max(*a, *b);
}

struct Group {
  std::string key;
  std::vector<Measured> points;
};

std::vector<Group> grouped(std::vector<Measured> points) {
  std::vector<Group> out;
  for (Measured& m : points) {
    const std::string key = key_of(m);
    const auto same = std::ranges::find_if(out, [&](const Group& group) {
      const profile::Workload& first = group.points.front().workload;
      return group.key == key && near(first.input_tokens_mean, m.workload.input_tokens_mean) &&
             near(first.output_tokens_mean, m.workload.output_tokens_mean);
    });
    if (same == out.end()) {
      out.push_back({key, {}});
      out.back().points.push_back(std::move(m));
    } else {
      same->points.push_back(std::move(m));
    }
  }
  return out;
}

/// The figures of a point without where they were read: the same run as JSON and as YAML is one.
std::string content_of(const profile::Point& point) {
  Profile p;
  p.points.push_back(point);
  p.points.back().source_ref.clear();
  return json::to_line(profile::to_json(p));
}

std::string source_of(const Group& group) {
  const Measured& first = group.points.front();
  std::vector<std::string> files;
  for (const Measured& m : group.points) {
    if (std::ranges::find(files, m.file) == files.end()) files.push_back(m.file);
  }
  std::string tool = first.tool;
  if (!first.tool_version.empty()) tool += ' ' + first.tool_version;
  return files.size() == 1
             ? fmt::format("{} ({})", tool, files.front())
             : fmt::format("{} ({} and {} more)", tool, files.front(), files.size() - 1);
}

/// Mean over the points, by completed requests.
std::optional<double> mean_of(const std::vector<profile::Point>& points,
                              std::optional<double> profile::Point::* tokens) {
  double sum = 0, requests = 0;
  for (const profile::Point& point : points) {
    if (!(point.*tokens)) continue;
    const double weight = std::max(1.0, point.request_count.value_or(1));
    sum += *(point.*tokens) * weight;
    requests += weight;
  }
  if (requests == 0) return std::nullopt;
  return sum / requests;
}

std::string workload_name(const profile::Workload& w) {
  if (!w.name.empty()) return w.name;
  const auto input = w.input_tokens_nominal ? w.input_tokens_nominal : w.input_tokens_mean;
  const auto output = w.output_tokens_nominal ? w.output_tokens_nominal : w.output_tokens_mean;
  if (!input || !output) return "unlabelled";
  return fmt::format("unlabelled:{:.0f}/{:.0f}", *input, *output);
}

Result<Profile> profile_of(Group group, const Given& given, std::vector<std::string>& notes) {
  std::ranges::stable_sort(group.points, [](const Measured& a, const Measured& b) {
    return a.point.at.load < b.point.at.load;
  });
  Profile out;
  const Measured& first = group.points.front();
  out.setup = first.setup;
  out.workload = first.workload;
  out.load_kind = first.load_kind;
  out.evidence = {profile::EvidenceKind::Measured, source_of(group), ""};
  std::vector<std::string> seen;
  for (const Measured& m : group.points) {
    std::string content = content_of(m.point);
    if (std::ranges::find(seen, content) != seen.end()) {
      notes.push_back(fmt::format("{}: left out, another file holds the same load point", m.file));
      continue;
    }
    seen.push_back(std::move(content));
    out.points.push_back(m.point);
  }
  for (std::size_t i = 1; i < out.points.size(); ++i) {
    if (out.points[i].at.load == out.points[i - 1].at.load) {
      for (profile::Point* point : {&out.points[i - 1], &out.points[i]}) {
        if (point->flags.find("repeat_of_same_load_exists") == std::string::npos)
          point->flags +=
              (point->flags.empty() ? "" : ";") + std::string("repeat_of_same_load_exists");
      }
    }
  }
  out.workload.input_tokens_mean = mean_of(out.points, &profile::Point::input_tokens_mean);
  out.workload.output_tokens_mean = mean_of(out.points, &profile::Point::output_tokens_mean);
  out.workload.name = given.workload.empty() ? workload_name(out.workload) : given.workload;

  Profile nameless = out;
  nameless.evidence.source = first.tool + ' ' + first.tool_version;
  for (profile::Point& point : nameless.points) point.source_ref.clear();
  const std::string hash = content_hash(json::to_line(profile::to_json(nameless)));
  out.id = "i-" + hash.substr(0, 10);
  out.series_id = out.id;
  nameless.points.clear();
  out.curve_id = "i-" + content_hash(json::to_line(profile::to_json(nameless))).substr(0, 10);

  // The last word on what a profile may hold has its reader.
  auto checked = profile::from_json(profile::to_json(out));
  if (!checked) return fail(std::move(checked).error().during(first.file));
  return out;
}

}  // namespace

Result<Joined> join(std::vector<Measured> points, const Given& given, const Words& words) {
  Joined out;
  lend_settings(points);
  drop_records(points, out.notes);
  for (Measured& m : points) {
    apply(given, m.setup);
    if (auto complete = check_complete(m, words); !complete) return fail(complete.error());
  }
  for (Group& group : grouped(std::move(points))) {
    auto profile = profile_of(std::move(group), given, out.notes);
    if (!profile) return fail(profile.error());
    out.profiles.push_back(std::move(*profile));
  }
  return out;
}

}  // namespace kneepoint::importers
