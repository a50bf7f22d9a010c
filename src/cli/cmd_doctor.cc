#include <fmt/format.h>

#include "app/doctor.h"
#include "app/doctor_live.h"
#include "base/json.h"
#include "cli/bench_show.h"
#include "cli/cluster_access.h"
#include "cli/commands.h"

namespace kneepoint::cli {
namespace {

using doctor::Finding;
using doctor::Severity;

app::DoctorQuestion question_of(const Parsed& args) {
  app::DoctorQuestion out;
  out.inputs = args.positionals();
  const std::string as = args.text("--as"), least = args.text("--severity");
  out.as = as == "log"        ? app::DoctorQuestion::As::Log
           : as == "manifest" ? app::DoctorQuestion::As::Manifest
                              : app::DoctorQuestion::As::Auto;
  out.least = least == "error"     ? Severity::Error
              : least == "warning" ? Severity::Warning
                                   : Severity::Info;
  return out;
}

std::string many(std::size_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::string in_text(const Finding& finding) {
  std::string where = finding.file == "-" ? "" : finding.file + ":";
  if (finding.line > 0) where += fmt::format("{}{}", where.empty() ? "line " : "", finding.line);
  if (finding.count > 1) where += fmt::format(", {} lines", finding.count);
  std::string out =
      fmt::format("{}  {}  ({})\n", doctor::name(finding.severity), finding.id, where);
  if (!finding.object.empty()) {
    out +=
        fmt::format("  {}{}{}\n", finding.object, finding.path.empty() ? "" : ": ", finding.path);
  }
  if (!finding.evidence.empty()) out += "  > " + finding.evidence + "\n";
  for (const std::string& also : finding.also) out += "  > " + also + "\n";
  out += "  Why: " + finding.cause + "\n  Fix: " + finding.fix + "\n";
  if (!finding.patch.empty()) out += "       " + finding.patch + "\n";
  return out;
}

std::string in_text(const app::DoctorAnswer& answer) {
  std::string out;
  for (const Finding& each : answer.findings) out += in_text(each) + "\n";
  std::string looked;
  if (answer.objects > 0) looked = many(answer.objects, "object");
  if (answer.log_bytes > 0) {
    looked +=
        (looked.empty() ? "" : " and ") + many(static_cast<std::size_t>(answer.log_lines), "line");
  }
  if (!answer.looked.empty()) looked += (looked.empty() ? "" : " and ") + answer.looked;
  if (looked.empty() && !answer.unreadable.empty())
    looked = many(answer.unreadable.size(), "file") + " that could not be read as a manifest";
  out += fmt::format("{}, {}, {} in {}.\n", many(app::count(answer, Severity::Error), "error"),
                     many(app::count(answer, Severity::Warning), "warning"),
                     many(app::count(answer, Severity::Info), "remark"),
                     looked.empty() ? "nothing" : looked);
  return out;
}

}  // namespace

Result<void> run_doctor(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const bench::Interruptible interruptible;
  app::DoctorQuestion question = question_of(run.args());
  question.interrupted = bench::Interruptible::interrupted;
  auto answer = app::diagnose(**session, question);
  if (!answer) return fail(answer.error());
  if (run.args().given("--namespace")) {
    auto live = app::diagnose_namespace(**session, kubectl_of(run.args()),
                                        run.args().text("--namespace"), question.least);
    if (!live) return fail(live.error());
    answer->looked = live->looked;
    for (Finding& each : live->findings) answer->findings.push_back(std::move(each));
    doctor::sort_by_severity(answer->findings);
  }
  if (answer->interrupted) run.note("interrupted: this is of what was read so far");
  if (run.args().text("--format") == "json") {
    run.out(json::to_text(app::to_json(*answer)));
  } else {
    run.out(in_text(*answer));
    for (const std::string& kind : answer->unchecked) {
      run.note(kind + ": its fields are not known here and were not checked");
    }
  }
  if (app::count(*answer, Severity::Error) > 0) {
    run.end_with(exit_code(ErrorCode::Unsatisfiable));
  } else if (app::count(*answer, Severity::Warning) > 0) {
    run.end_with(1);
  }
  return {};
}

}  // namespace kneepoint::cli
