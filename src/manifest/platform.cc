#include "manifest/platform.h"

#include <array>
#include <utility>

namespace kneepoint::manifest {
namespace {

constexpr std::array<std::pair<Platform, std::string_view>, 5> kPlatforms{
    {{Platform::Gke, "gke"},
     {Platform::CloudRun, "cloud-run"},
     {Platform::Eks, "eks"},
     {Platform::Aks, "aks"},
     {Platform::Kubernetes, "kubernetes"}}};
constexpr std::array<std::pair<Storage, std::string_view>, 11> kStorages{
    {{Storage::Auto, "auto"},
     {Storage::BootDisk, "boot-disk"},
     {Storage::Memory, "memory"},
     {Storage::LocalSsd, "local-ssd"},
     {Storage::Volume, "volume"},
     {Storage::GcsFuse, "gcs-fuse"},
     {Storage::GcsFuseProfile, "gcs-fuse-profile"},
     {Storage::RunaiStreamer, "runai-streamer"},
     {Storage::HyperdiskMl, "hyperdisk-ml"},
     {Storage::Image, "image"},
     {Storage::Download, "download"}}};

template <class Table, class Key>
std::string_view word(const Table& table, Key key) {
  for (const auto& [one, text] : table) {
    if (one == key) return text;
  }
  return {};
}

template <class Key, class Table>
std::optional<Key> key(const Table& table, std::string_view name) {
  for (const auto& [one, text] : table) {
    if (text == name) return one;
  }
  return std::nullopt;
}

}  // namespace

std::string_view name(Platform platform) { return word(kPlatforms, platform); }
std::string_view title(Platform platform) {
  switch (platform) {
    case Platform::Gke:
      return "GKE";
    case Platform::CloudRun:
      return "Cloud Run";
    case Platform::Eks:
      return "EKS";
    case Platform::Aks:
      return "AKS";
    case Platform::Kubernetes:
      return "Kubernetes";
  }
  return "";
}
std::optional<Platform> platform_of(std::string_view name) {
  return key<Platform>(kPlatforms, name);
}
std::string_view name(Storage storage) { return word(kStorages, storage); }
std::optional<Storage> storage_of(std::string_view name) { return key<Storage>(kStorages, name); }

}  // namespace kneepoint::manifest
