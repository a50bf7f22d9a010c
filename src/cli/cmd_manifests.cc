#include "app/deploy.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/query.h"

namespace kneepoint::cli {

Result<void> create_manifest(Run& run) {
  const Parsed& args = run.args();
  if (args.given("--model-bucket-uri")) {
    return fail(ErrorCode::InvalidArgument,
                "--model-bucket-uri: weights from Cloud Storage are not built yet; leave the flag "
                "out to load them from Hugging Face");
  }
  auto asked = request(run);
  if (!asked) return fail(std::move(asked).error());
  app::DeployRequest wanted;
  wanted.selection = selection(args);
  wanted.selection.accelerators = {args.text("--accelerator-type")};
  // As in the public client: without a use case the shape is that of a chatbot's nearest workload.
  if (wanted.selection.use_case.empty()) wanted.selection.use_case = "Chatbot (ShareGPT)";
  wanted.ask = std::move(*asked);
  wanted.namespace_name = args.text("--namespace");
  wanted.machine_type = args.text("--instance-type");
  const auto made = app::create_manifest(**run.session(), wanted);
  if (!made) return fail(made.error());

  const std::string part = args.text("--output");
  const auto what = part == "manifest"   ? manifest::Output::Manifest
                    : part == "comments" ? manifest::Output::Comments
                                         : manifest::Output::All;
  const std::string text = manifest::to_yaml_text(made->manifest, what);
  if (const auto path = args.maybe_text("--output-path")) {
    if (auto done = write_file(*path, text); !done) return done;
    run.out("Output saved to " + *path + "\n");
  } else {
    run.out(text);
  }
  for (const std::string& note : made->notes) run.note(note);
  return {};
}

}  // namespace kneepoint::cli
