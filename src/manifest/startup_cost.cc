#include "manifest/startup_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "manifest/storage.h"
#include "manifest/streamer.h"

namespace kneepoint::manifest {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kInstanceSeconds = 5;
constexpr const char* kAssumed = "assumed";
constexpr const char* kQuickstart = "GKE Inference Quickstart page, 2026-10";
constexpr const char* kBucketPrice =
    "published: Cloud Storage price list, standard class in us-central1, $0.020 a GB, 2026-11";
constexpr double kHyperdiskMibs = 2400;  // as in Google's sample

/// The same weights in a bucket, whatever reads them.
Figure bucket_price(double bytes) { return {bytes / 1e9 * 0.020, kBucketPrice}; }

Figure nothing(const std::string& why) { return {0, why}; }

Figure price(const Request& request, const Plan& plan, Storage storage) {
  const double gib = plan.weight_bytes / kGib;
  switch (storage) {
    case Storage::GcsFuseProfile:
      return {bucket_price(plan.weight_bytes).value,
              std::string(kBucketPrice) +
                  "; the cache in the zone that the profile turns on costs more, how much is not "
                  "known here"};
    case Storage::GcsFuse:
    case Storage::RunaiStreamer:
    case Storage::Download:
      return request.model_bucket_uri.starts_with("s3://")
                 ? Figure{plan.weight_bytes / 1e9 * 0.023, "assumed: S3 standard, $0.023 a GB"}
                 : bucket_price(plan.weight_bytes);
    case Storage::BootDisk:
      return {std::ceil(gib * 1.05) * 0.10 * std::max(1, request.replicas),
              "assumed: balanced disk, $0.10 a GiB and replica"};
    case Storage::HyperdiskMl:
      return {hyperdisk_gib(plan) * 0.08 + kHyperdiskMibs * 0.12,
              "assumed: $0.08 a GiB and $0.12 a MiB/s, 2400 MiB/s, one disk for all replicas"};
    case Storage::Volume:
      return {std::ceil(gib * 1.05) * 0.30, "assumed: shared file storage, $0.30 a GiB"};
    case Storage::LocalSsd:
      return nothing("comes with the machine, or about $0.08 a GiB (assumed)");
    case Storage::Image:
      return {plan.weight_bytes / 1e9 * 0.10, "assumed: Artifact Registry, $0.10 a GB"};
    case Storage::Auto:
    case Storage::Memory:
      return nothing("memory of the machine");
  }
  return {};
}

std::string place(Storage storage, Platform platform) {
  switch (storage) {
    case Storage::BootDisk:
      return "Hugging Face to the boot disk";
    case Storage::Memory:
      return "Hugging Face to memory";
    case Storage::LocalSsd:
      return "Hugging Face to local NVMe";
    case Storage::Volume:
      return "Hugging Face to a shared volume, once";
    case Storage::GcsFuse:
      return platform == Platform::CloudRun ? "bucket, Cloud Storage FUSE without parallel download"
                                            : "bucket, Cloud Storage FUSE";
    case Storage::GcsFuseProfile:
      return "bucket, Cloud Storage FUSE by the driver's profile";
    case Storage::RunaiStreamer:
      return "bucket, Run:ai streamer";
    case Storage::HyperdiskMl:
      return "Hyperdisk ML, read by all replicas";
    case Storage::Image:
      return "in the container image, streamed";
    case Storage::Download:
      return "bucket, concurrent download to memory";
    case Storage::Auto:
      break;
  }
  return {};
}

std::string needs(Storage storage, Platform platform) {
  const bool run = platform == Platform::CloudRun;
  switch (storage) {
    case Storage::Image:
      return "Cloud Build, Artifact Registry in the same region; slow to build and deploy";
    case Storage::GcsFuse:
      return run ? "second generation, Direct VPC with all traffic, Private Google Access"
                 : "FUSE driver, Workload Identity, GKE 1.29.6 or 1.30.2 for parallel download";
    case Storage::GcsFuseProfile:
      return "FUSE driver, Workload Identity, GKE 1.35.1-gke.1616000, rights to scan the bucket";
    case Storage::RunaiStreamer:
      return run ? "Direct VPC with all traffic, Private Google Access; vLLM 0.11.0"
                 : "Workload Identity; vLLM 0.11.0 for gs://, 0.7.0 for s3://; safetensors";
    case Storage::Download:
      return "memory for the weights, Direct VPC with all traffic, Private Google Access";
    case Storage::Memory:
      return run ? "memory for the weights; with Direct VPC also Cloud NAT; host a copy of your own"
                 : "memory for the weights beside the server's";
    case Storage::BootDisk:
      return "from 90 GiB on a larger boot disk: --disk-size, or a ComputeClass";
    case Storage::LocalSsd:
      return "a machine with local NVMe";
    case Storage::Volume:
      return "a storage class with ReadWriteMany";
    case Storage::HyperdiskMl:
      return "a Job that fills it once; disk and nodes in one zone";
    case Storage::Auto:
      break;
  }
  return {};
}

std::string seen(Storage storage, Platform platform) {
  if (platform == Platform::CloudRun) return {};
  if (storage == Storage::GcsFuse)
    return std::string("pods start more than 7 times faster than from Hugging Face (") +
           kQuickstart + ")";
  if (storage == Storage::HyperdiskMl)
    return "Llama-3.1-405B from 90 to 20 minutes (GKE multi-node tutorial, as of 2026-11)";
  return {};
}

std::vector<Storage> places(Platform platform) {
  using enum Storage;
  switch (platform) {
    case Platform::CloudRun:
      return {Image, GcsFuse, Download, RunaiStreamer, Memory};
    case Platform::Gke:
      return {BootDisk, Memory, LocalSsd, GcsFuse, GcsFuseProfile, RunaiStreamer, HyperdiskMl};
    case Platform::Eks:
    case Platform::Aks:
    case Platform::Kubernetes:
      return {BootDisk, Memory, LocalSsd, Volume, RunaiStreamer};
  }
  return {};
}

std::string why_not(const Request& request, const Facts& facts, const Plan& plan, Storage storage) {
  if (storage == Storage::RunaiStreamer) {
    const auto ok = streamer_supported(
        facts, request.model_bucket_uri.empty() ? "gs://bucket" : request.model_bucket_uri);
    if (!ok) return ok.error().message;
  }
  const bool held = storage == Storage::Memory || storage == Storage::Download;
  const double room = facts.machine && facts.machine->mem_gib ? *facts.machine->mem_gib * 0.85 : 0;
  if (held && room > 0 && plan.weight_bytes / kGib * 1.05 + 8 > room)
    return "the machine's memory does not hold the weights";
  return {};
}

}  // namespace

Storage storage_in_use(const Request& request, const Plan& plan) {
  const Storage asked = request.delivery.storage;
  if (asked != Storage::Auto) return asked;
  if (!request.model_bucket_uri.empty()) return Storage::GcsFuse;
  const bool run = request.delivery.platform == Platform::CloudRun;
  return run || plan.weights_in_memory ? Storage::Memory : Storage::BootDisk;
}

bool streams(Storage storage) {
  return storage == Storage::RunaiStreamer || storage == Storage::HyperdiskMl ||
         storage == Storage::Image;
}

Figure fetch_rate(Platform platform, Storage storage) {
  const bool run = platform == Platform::CloudRun;
  switch (storage) {
    case Storage::GcsFuse:
    case Storage::GcsFuseProfile:
      return {run ? 200e6 : kBucketBytesPerSecond, kAssumed};
    case Storage::RunaiStreamer:
      return {run ? 500e6 : 2e9, kAssumed};
    case Storage::Download:
      return {500e6, kAssumed};
    case Storage::Image:
      return {300e6, kAssumed};
    case Storage::HyperdiskMl:
      return {1.2e9, kAssumed};
    case Storage::Volume:
      return {300e6, kAssumed};
    default:
      return {run ? 100e6 : kDownloadBytesPerSecond, kAssumed};
  }
}

std::vector<StorageOption> storage_options(const Request& request, const Facts& facts,
                                           const Plan& plan) {
  const Platform platform = request.delivery.platform;
  const Storage chosen = storage_in_use(request, plan);
  std::vector<StorageOption> out;
  for (const Storage storage : places(platform)) {
    StorageOption one;
    one.storage = storage;
    one.place = place(storage, platform);
    one.chosen = storage == chosen;
    one.why_not = why_not(request, facts, plan, storage);
    one.fetch = fetch_rate(platform, storage);
    one.streamed = streams(storage);
    one.start_seconds = (platform == Platform::CloudRun ? kInstanceSeconds : 0) +
                        plan.weight_bytes / one.fetch.value +
                        (one.streamed ? 0 : plan.weight_bytes / kLoadBytesPerSecond) +
                        kWarmUpSeconds;
    one.usd_per_month = price(request, plan, storage);
    one.published = seen(storage, platform);
    one.needs = needs(storage, platform);
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> storage_table(const std::vector<StorageOption>& options,
                                       const Plan& plan) {
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "Where {} of weights can lie ({}); seconds from the start of a container, $ a month of "
      "storage:",
      human_bytes(plan.weight_bytes), plan.size_known ? "by the catalog" : "at most"));
  for (const StorageOption& one : options) {
    out.push_back(fmt::format("  {:<17}{:>6.0f} s  {:>8} $  {}{}", name(one.storage),
                              one.start_seconds, fixed(one.usd_per_month.value, 2), one.place,
                              one.chosen ? "  <- chosen" : ""));
    out.push_back(fmt::format("    fetch {:.0f} MB/s {}{}, {:.0f} s warm-up assumed; cost: {}",
                              one.fetch.value / 1e6, one.fetch.evidence,
                              one.streamed ? ", streamed" : ", then load 1000 MB/s assumed",
                              kWarmUpSeconds, one.usd_per_month.evidence));
    if (!one.published.empty()) out.push_back("    published: " + one.published);
    out.push_back("    needs: " + one.needs);
    if (!one.why_not.empty()) out.push_back("    not here: " + one.why_not);
  }
  return out;
}

json::Value to_json(const std::vector<StorageOption>& options) {
  json::Array out;
  for (const StorageOption& one : options) {
    json::Object row{
        {"storage", name(one.storage)},
        {"place", one.place},
        {"chosen", one.chosen},
        {"possible", one.why_not.empty()},
        {"start_seconds", std::round(one.start_seconds)},
        {"start_evidence",
         fmt::format("{:.0f} MB/s {}; load {}, warm-up {:.0f} s assumed", one.fetch.value / 1e6,
                     one.fetch.evidence, one.streamed ? "while streaming" : "1000 MB/s assumed",
                     kWarmUpSeconds)},
        {"usd_per_month", std::round(one.usd_per_month.value * 100) / 100},
        {"usd_evidence", one.usd_per_month.evidence},
        {"needs", one.needs}};
    if (!one.published.empty()) row["published"] = one.published;
    if (!one.why_not.empty()) row["why_not"] = one.why_not;
    out.emplace_back(std::move(row));
  }
  return out;
}

}  // namespace kneepoint::manifest
