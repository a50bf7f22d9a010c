#include "manifest/cloud_run_comments.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "manifest/gguf.h"
#include "manifest/startup_cost.h"
#include "manifest/storage.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kAccount =
    "serviceAccount:PROJECT_NUMBER-compute@developer.gserviceaccount.com";

void what(Lines& out, const Request& request, const Facts& facts, const Plan& plan,
          const CloudRunPlan& run, const StartCommand& start) {
  out.push_back("Generated on " + to_text(request.generated_on) + " using:");
  out.push_back(fmt::format("Cloud Run, {} with driver {} (by its public page, not validated)",
                            run.gpu.accelerator, run.gpu.driver));
  out.push_back(
      "Model server " + facts.server.name + " " + facts.version +
      (request.validated.server_ran ? "" : " (not validated: not started with these options)"));
  out.push_back("Setup: " + request.model + " on one " + run.gpu.accelerator + " per instance");
  out.push_back("Image: " + facts.image +
                (facts.image_from.empty() ? "" : " (" + facts.image_from + ")"));
  for (const auto& reason : request.reasons) out.push_back(reason);
  out.push_back("Accelerator memory: " + plan.fit.sentence);
  if (plan.max_model_len_cut)
    out.push_back(
        fmt::format("Longest context: {} of the model's {} tokens, because the cache of "
                    "one longer request does not fit",
                    *plan.max_model_len, facts.model.max_position.value_or(0)));
  for (const auto& remark : start.remarks) out.push_back("Not set: " + remark);
  if (run.gpu.preview)
    out.emplace_back("This GPU is a preview on Cloud Run; 20 CPU and 80 GiB are its least");
  else
    out.emplace_back(
        "The driver is older than CUDA 13 needs: take an image for CUDA 12 (tags of newer servers "
        "name it)");
  if (facts.server.name == "ollama")
    out.emplace_back(
        "Ollama opens its port before the model is loaded, and Cloud Run runs no command as a "
        "probe: the start command loads the model and then opens port 8081, which the probe asks");
  if (request.namespace_name != "default")
    out.push_back("Namespace " + request.namespace_name +
                  " is not used: a service of Cloud Run belongs to a project and a region");
}

void why(Lines& out, const CloudRunPlan& run) {
  const Concurrency& c = run.requests;
  out.push_back(fmt::format("containerConcurrency {}: {}", c.chosen, c.why));
  out.push_back("  by the rule of the public page: " + c.rule);
  out.push_back("  by the curve: " + (c.by_curve ? fmt::format("{} ({})", *c.by_curve, c.curve)
                                                 : std::string("none of this setup on this GPU")));
  out.emplace_back(
      "  too high: requests wait inside the instance; too low: the GPU idles and instances are "
      "added for nothing. Cloud Run scales on requests and CPU and never looks at the GPU");
  out.push_back(fmt::format(
      "Instances: {} to {}; billed for their whole life (cpu-throttling false, which a GPU asks "
      "for), those kept while idle too",
      run.min_instances, run.max_instances));
  out.push_back(
      fmt::format("Startup: {:.0f} s expected (see the table); the probe waits for {} s, twice "
                  "that or at least "
                  "600 s, at most the 1800 s that Cloud Run allows with a GPU",
                  run.start_seconds, run.startup_periods * kStartupPeriodSeconds));
  if (run.start_seconds * 2 > 1800)
    out.emplace_back("WARNING: twice the expected start is more than Cloud Run waits");
  if (run.weights_gib > 0)
    out.push_back(fmt::format("Memory: {} GiB, of which {} hold the weights", run.gpu.memory_gib,
                              run.weights_gib));
}

void network(Lines& out, const CloudRunPlan& run) {
  if (run.network.empty()) {
    out.emplace_back(
        "No VPC is used: the weights come over the internet, at a speed nobody promises. Host a "
        "copy of your own in a bucket; with --network and all traffic through it, the internet "
        "also needs Cloud NAT");
    return;
  }
  const std::string subnet = shell_word(run.subnet);
  out.emplace_back(
      "Direct VPC with all traffic through it; Private Google Access lets it reach the bucket:");
  out.push_back("  gcloud compute networks subnets update " + subnet +
                " --region=REGION --enable-private-ip-google-access");
  out.emplace_back("Only where the service also reaches the internet, Cloud NAT:");
  out.push_back("  gcloud compute routers create run-router --region=REGION --network=" +
                shell_word(run.network));
  out.emplace_back(
      "  gcloud compute routers nats create run-nat --router=run-router --region=REGION "
      "--auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges");
}

void permissions(Lines& out, const Request& request, const Facts& facts, const CloudRunPlan& run) {
  const std::string secret = shell_word(request.secret_name);
  if (run.storage == Storage::Memory || run.storage == Storage::Image) {
    if (facts.model.gated.value_or(false))
      out.push_back("Gated model: first accept the licence of " + facts.model.id);
    out.push_back("  printf %s \"$HF_TOKEN\" | gcloud secrets create " + secret + " --data-file=-");
    out.push_back("  gcloud secrets add-iam-policy-binding " + secret +
                  " --role=roles/secretmanager.secretAccessor --member=" + kAccount);
  }
  if (request.model_bucket_uri.empty()) return;
  const auto from = bucket_folder(request.model_bucket_uri);
  if (!from) return;
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  out.emplace_back("To fill the bucket:");
  out.push_back("  hf download " + shell_word(loaded) + " --local-dir=weights");
  out.push_back(
      "  gcloud storage cp --recursive 'weights/*' " +
      shell_word("gs://" + from->bucket + (from->folder.empty() ? "/" : "/" + from->folder + "/")));
  out.push_back("The folder directly holds config.json and the weights of " + facts.model.id +
                "; it lies in the region of the service. To let the service read it:");
  out.push_back("  gcloud storage buckets add-iam-policy-binding " +
                shell_word("gs://" + from->bucket) +
                " --role=roles/storage.objectViewer --member=" + kAccount);
}

void deploy(Lines& out, const Request& request, const Facts& facts, const CloudRunPlan& run,
            const std::string& name) {
  out.emplace_back(
      "To deploy and try it (PROJECT_ID, PROJECT_NUMBER and REGION are yours; the second command "
      "shows whether there is quota for the GPU):");
  out.emplace_back("  gcloud services enable run.googleapis.com --project=PROJECT_ID");
  out.emplace_back(
      "  gcloud beta quotas info list --service=run.googleapis.com --project=PROJECT_ID "
      "--filter=metric~gpu");
  if (run.storage == Storage::Image) {
    out.emplace_back(
        "  gcloud builds submit --config=cloudbuild.yaml .   # the files are in NOTES and written "
        "by --output-dir");
  }
  out.emplace_back("  gcloud run services replace service.yaml --region=REGION");
  out.push_back("  URL=$(gcloud run services describe " + name +
                " --region=REGION '--format=value(status.url)')");
  const json::Object body{
      {"model", loads_gguf(facts.server) ? gguf_served_name(request, facts) : request.model},
      {"messages", json::Array{json::Object{{"role", "user"}, {"content", "Hello"}}}},
      {"max_tokens", 64}};
  out.push_back(
      "  curl \"$URL/v1/chat/completions\" --header \"Authorization: Bearer $(gcloud auth "
      "print-identity-token)\" --header 'Content-Type: application/json' --data " +
      shell_word(json::to_line(body)));
  out.emplace_back(
      "To settle the concurrency, measure one instance that may take more, and set what the knee "
      "says:");
  out.push_back(fmt::format(
      "  gcloud run services update {} --region=REGION --concurrency={} --max-instances=1", name,
      std::min(1000, 4 * run.requests.chosen)));
  out.push_back(
      fmt::format("  ID_TOKEN=$(gcloud auth print-identity-token) kneepoint bench sweep "
                  "--url=\"$URL\" --model={} --token-env=ID_TOKEN --by=concurrency --highest={}",
                  shell_word(request.model), std::min(1000, 4 * run.requests.chosen)));
  out.push_back(fmt::format(
      "  gcloud run services update {} --region=REGION --concurrency=KNEE --max-instances={}", name,
      run.max_instances));
}

}  // namespace

std::vector<std::string> cloud_run_comments(const Request& request, const Facts& facts,
                                            const Plan& plan, const CloudRunPlan& run,
                                            const StartCommand& start, const std::string& name) {
  Lines out;
  what(out, request, facts, plan, run, start);
  why(out, run);
  for (auto& line : storage_table(storage_options(request, facts, plan), plan))
    out.push_back(std::move(line));
  permissions(out, request, facts, run);
  network(out, run);
  deploy(out, request, facts, run, name);
  return out;
}

}  // namespace kneepoint::manifest
