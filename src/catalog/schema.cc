#include "catalog/schema.h"

#include <array>

namespace kneepoint::catalog {
namespace {

using enum Type;
constexpr bool kRequired = true;
constexpr bool kOptional = false;

// The four columns every row ends its evidence with.
#define KP_PROVENANCE                                                                            \
  ColumnSchema{"source", Text, kOptional, "who stated the figures; required in shipped tables"}, \
      ColumnSchema{"as_of", Date, kOptional, "date of the statement, as exact as it was given"}, \
      ColumnSchema{"confidence", Text, kOptional,                                                \
                   "sourced, mixed, derived, memory, estimate or user"},                         \
      ColumnSchema{"note", Text, kOptional, "what a reader must know"}

constexpr std::array kAccelerators{
    ColumnSchema{"id", Text, kRequired, "Kubernetes name of the accelerator"},
    ColumnSchema{"vendor", Text, kOptional, "nvidia, amd, google ..."},
    ColumnSchema{"kind", Text, kRequired, "what it is", "gpu|tpu|npu"},
    ColumnSchema{"display_name", Text, kOptional, "name for people"},
    ColumnSchema{"arch", Text, kOptional, "architecture"},
    ColumnSchema{"compute_capability", Text, kOptional, "CUDA compute capability or gfx name"},
    ColumnSchema{"mem_gib_nominal", Number, kOptional, "memory as sold, GiB"},
    ColumnSchema{"mem_gib_usable", Number, kOptional, "memory the driver shows, GiB"},
    ColumnSchema{"mem_bw_gbs", Number, kOptional, "memory bandwidth, GB/s"},
    ColumnSchema{"bf16_tflops_dense", Number, kOptional, "dense bf16 TFLOP/s"},
    ColumnSchema{"fp8_tflops_dense", Number, kOptional, "dense fp8 TFLOP/s"},
    ColumnSchema{"fp4_tflops_dense", Number, kOptional, "dense fp4 TFLOP/s"},
    ColumnSchema{"int8_tops_dense", Number, kOptional, "dense int8 TOP/s"},
    ColumnSchema{"interconnect", Text, kOptional, "link between accelerators"},
    ColumnSchema{"link_gbs_oneway", Number, kOptional, "link bandwidth one way, GB/s"},
    ColumnSchema{"max_per_host", Integer, kOptional, "most of them in one host"},
    ColumnSchema{"devices_per_chip", Integer, kOptional, "logical devices a chip presents"},
    ColumnSchema{"tdp_w", Number, kOptional, "power limit, W"},
    ColumnSchema{"bf16", YesNo, kOptional, "computes bfloat16"},
    ColumnSchema{"fp8", YesNo, kOptional, "computes fp8"},
    ColumnSchema{"gke_label", Text, kOptional, "value of the GKE node selector"},
    KP_PROVENANCE};

constexpr std::array kMachines{
    ColumnSchema{"provider", Text, kRequired, "who rents it: gcp, aws, azure ..."},
    ColumnSchema{"machine_type", Text, kRequired, "the provider's name"},
    ColumnSchema{"family", Text, kOptional, "machine family"},
    ColumnSchema{"vcpu", Number, kOptional, "virtual CPUs"},
    ColumnSchema{"mem_gib", Number, kOptional, "host memory, GiB"},
    ColumnSchema{"accelerator", Text, kRequired, "accelerator id"},
    ColumnSchema{"accelerator_count", Number, kRequired, "accelerators; may be a fraction of one"},
    ColumnSchema{"local_ssd_gb", Number, kOptional, "local SSD, GB"},
    ColumnSchema{"max_net_gbps", Number, kOptional, "network, Gbit/s"},
    ColumnSchema{"gpudirect", Text, kOptional, "flavour of direct GPU networking"},
    ColumnSchema{"arch", Text, kOptional, "CPU architecture: amd64, arm64"},
    ColumnSchema{"tpu_topology", Text, kOptional, "TPU topology of one host"},
    ColumnSchema{"on_demand", YesNo, kOptional, "no: only spot or flex-start can be bought"},
    KP_PROVENANCE};

constexpr std::array kPrices{
    ColumnSchema{"provider", Text, kRequired, "who rents it"},
    ColumnSchema{"region", Text, kRequired, "the provider's region, or any"},
    ColumnSchema{"item", Text, kRequired, "machine type or accelerator id"},
    ColumnSchema{"unit", Text, kOptional, "what an hour is of", "vm_hour|gpu_hour|chip_hour"},
    ColumnSchema{
        "covers", Text, kOptional,
        "what is paid for; empty: the machine for vm_hour, the accelerator with its host "
        "otherwise",
        "machine|accelerator_with_host|accelerator_only|host_only|accelerators_of_machine"},
    ColumnSchema{"on_demand", Number, kOptional, "US dollars per hour"},
    ColumnSchema{"spot", Number, kOptional, "US dollars per hour; a dated snapshot"},
    ColumnSchema{"cud_1y", Number, kOptional, "US dollars per hour, 1-year commitment"},
    ColumnSchema{"cud_3y", Number, kOptional, "US dollars per hour, 3-year commitment"},
    KP_PROVENANCE};

constexpr std::array kModels{
    ColumnSchema{"model", Text, kRequired, "Hugging Face id"},
    ColumnSchema{"model_type", Text, kOptional, "model_type of config.json"},
    ColumnSchema{"layers", Integer, kOptional, "hidden layers"},
    ColumnSchema{"hidden", Integer, kOptional, "hidden size"},
    ColumnSchema{"intermediate", Integer, kOptional, "dense feed-forward size"},
    ColumnSchema{"heads", Integer, kOptional, "attention heads"},
    ColumnSchema{"kv_heads", Integer, kOptional, "key/value heads"},
    ColumnSchema{"head_dim", Integer, kOptional, "size of one head"},
    ColumnSchema{"vocab", Integer, kOptional, "vocabulary"},
    ColumnSchema{"max_position", Integer, kOptional, "longest context, tokens"},
    ColumnSchema{"tie_embeddings", YesNo, kOptional, "input and output embedding are one"},
    ColumnSchema{"window", Integer, kOptional, "attention window of windowed layers, tokens"},
    ColumnSchema{"windowed_layers", Integer, kOptional, "layers with a window"},
    ColumnSchema{"full_attention_layers", Integer, kOptional, "layers with full attention"},
    ColumnSchema{"linear_attention_layers", Integer, kOptional, "layers with linear attention"},
    ColumnSchema{"experts", Integer, kOptional, "routed experts per layer"},
    ColumnSchema{"experts_per_token", Integer, kOptional, "experts each token visits"},
    ColumnSchema{"moe_intermediate", Integer, kOptional, "feed-forward size of an expert"},
    ColumnSchema{"shared_expert_intermediate", Integer, kOptional, "size of shared experts"},
    ColumnSchema{"dense_layers", Integer, kOptional, "layers without experts"},
    ColumnSchema{"q_lora", Integer, kOptional, "MLA query rank"},
    ColumnSchema{"kv_lora", Integer, kOptional, "MLA key/value rank"},
    ColumnSchema{"qk_nope", Integer, kOptional, "MLA head size without position"},
    ColumnSchema{"qk_rope", Integer, kOptional, "MLA head size with position"},
    ColumnSchema{"v_head", Integer, kOptional, "MLA value head size"},
    ColumnSchema{"dtype", Text, kOptional, "dtype of the checkpoint"},
    ColumnSchema{"quantization", Text, kOptional, "quantisation of the checkpoint"},
    ColumnSchema{"weight_bits", Number, kOptional, "bits per quantised weight"},
    ColumnSchema{"params_b", Number, kOptional, "parameters, billions"},
    ColumnSchema{"active_params_b", Number, kOptional, "parameters a token uses, billions"},
    ColumnSchema{"kv_elements_per_token", Number, kOptional,
                 "cache elements per token, all layers"},
    ColumnSchema{"complete", Text, kOptional,
                 "partial: weights or cache need more than these columns", "yes|partial"},
    ColumnSchema{"source", Text, kOptional, "who stated the figures; required in shipped tables"},
    ColumnSchema{"as_of", Date, kOptional, "date of the statement, as exact as it was given"},
    ColumnSchema{"confidence", Text, kOptional, "how far to trust it",
                 "sourced|mixed|derived|memory|estimate|user"},
    ColumnSchema{"gated", YesNo, kOptional, "weights need an accepted licence"},
    ColumnSchema{"licence_url", Text, kOptional, "where the licence is accepted"}};

constexpr std::array kRegions{ColumnSchema{"provider", Text, kRequired, "provider"},
                              ColumnSchema{"region", Text, kRequired, "region"},
                              ColumnSchema{"latitude", Number, kOptional, "degrees north"},
                              ColumnSchema{"longitude", Number, kOptional, "degrees east"},
                              ColumnSchema{"place", Text, kOptional, "where that is"},
                              KP_PROVENANCE};

constexpr std::array kUseCases{
    ColumnSchema{"name", Text, kRequired, "name of the use case"},
    ColumnSchema{"aliases", Text, kOptional, "short names, ';'-separated"},
    ColumnSchema{"input_tokens_mean", Number, kRequired, "mean prompt length, tokens"},
    ColumnSchema{"output_tokens_mean", Number, kRequired, "mean answer length, tokens"},
    ColumnSchema{"input_tokens_min", Number, kOptional, "shortest prompt"},
    ColumnSchema{"input_tokens_p50", Number, kOptional, "median prompt"},
    ColumnSchema{"input_tokens_p90", Number, kOptional, "90th percentile prompt"},
    ColumnSchema{"input_tokens_p99", Number, kOptional, "99th percentile prompt"},
    ColumnSchema{"input_tokens_max", Number, kOptional, "longest prompt"},
    ColumnSchema{"output_tokens_min", Number, kOptional, "shortest answer"},
    ColumnSchema{"output_tokens_p50", Number, kOptional, "median answer"},
    ColumnSchema{"output_tokens_p90", Number, kOptional, "90th percentile answer"},
    ColumnSchema{"output_tokens_p99", Number, kOptional, "99th percentile answer"},
    ColumnSchema{"output_tokens_max", Number, kOptional, "longest answer"},
    KP_PROVENANCE};

constexpr std::array kServers{
    ColumnSchema{"name", Text, kRequired, "model server"},
    ColumnSchema{"display_name", Text, kOptional, "name for people"},
    ColumnSchema{"command", Text, kOptional, "start command in its image"},
    ColumnSchema{"model_flag", Text, kOptional, "option that names the model"},
    ColumnSchema{"port", Integer, kOptional, "HTTP port"},
    ColumnSchema{"health_path", Text, kOptional, "liveness and start-up probe"},
    ColumnSchema{"readiness_path", Text, kOptional, "readiness probe"},
    ColumnSchema{"metrics_path", Text, kOptional, "Prometheus text"},
    ColumnSchema{"metrics_port", Integer, kOptional, "port of the metrics"},
    ColumnSchema{"metrics_enable", Text, kOptional, "option that turns metrics on"},
    ColumnSchema{"image_repository", Text, kOptional, "container image without tag"},
    ColumnSchema{"status", Text, kOptional, "whether it is kept up",
                 "active|maintenance|archived|unknown"},
    KP_PROVENANCE};

constexpr std::array kServerVersions{
    ColumnSchema{"server", Text, kRequired, "model server"},
    ColumnSchema{"version", Text, kRequired, "version or image tag, as it is called"},
    ColumnSchema{"image", Text, kOptional, "container image"},
    ColumnSchema{"released_on", Date, kOptional, "release date"},
    ColumnSchema{"channel", Text, kOptional, "how it was published",
                 "release|prerelease|nightly|custom"},
    KP_PROVENANCE};

constexpr std::array kServerFlags{
    ColumnSchema{"server", Text, kRequired, "model server"},
    ColumnSchema{"purpose", Text, kRequired, "what the option is for, one word for all servers"},
    ColumnSchema{"flag", Text, kRequired, "the option as typed"},
    ColumnSchema{"form", Text, kOptional, "whether it takes a value", "value|switch"},
    ColumnSchema{"since", Text, kOptional, "first version that knows it"},
    ColumnSchema{"until", Text, kOptional, "first version that no longer knows it"},
    ColumnSchema{"default", Text, kOptional, "value when the option is left out"},
    KP_PROVENANCE};

constexpr std::array kServerHardware{
    ColumnSchema{"server", Text, kRequired, "model server"},
    ColumnSchema{"vendor", Text, kRequired, "vendor of the accelerators"},
    ColumnSchema{"arch", Text, kRequired, "their architecture, as in accelerators"},
    ColumnSchema{"weights", Text, kRequired,
                 "formats of a checkpoint's weights that it runs there, with a space between"},
    ColumnSchema{"family", Text, kOptional,
                 "the server that this one is a build of, where that has the better known name"},
    ColumnSchema{"newest", Text, kOptional,
                 "the newest release that runs there; empty: every one does"},
    KP_PROVENANCE};

constexpr std::array kServerMetrics{
    ColumnSchema{"server", Text, kRequired, "model server"},
    ColumnSchema{"signal", Text, kRequired, "what it tells, one word for all servers"},
    ColumnSchema{"series", Text, kRequired, "Prometheus series"},
    ColumnSchema{"type", Text, kOptional, "Prometheus type", "gauge|counter|histogram"},
    ColumnSchema{"since", Text, kOptional, "first version that has it"},
    ColumnSchema{"until", Text, kOptional, "first version that no longer has it"},
    ColumnSchema{"labels", Text, kOptional, "labels that matter"},
    ColumnSchema{"scale", Text, kOptional, "unit of the value"},
    KP_PROVENANCE};

constexpr std::array kSources{
    ColumnSchema{"name", Text, kRequired, "name used in profiles"},
    ColumnSchema{"display_name", Text, kOptional, "name for people"},
    ColumnSchema{"repository", Text, kOptional, "public repository"},
    ColumnSchema{"commit", Text, kOptional, "commits read"},
    ColumnSchema{"licence", Text, kOptional, "licence of the figures"},
    ColumnSchema{"how_measured", Text, kOptional, "load generator, loop, statistic"},
    ColumnSchema{"url", Text, kOptional, "where to read more"},
    ColumnSchema{"as_of", Date, kOptional, "date"},
    ColumnSchema{"note", Text, kOptional, "what a reader must know"}};

constexpr std::array kProfiles{
    ColumnSchema{"id", Text, kRequired, "stable name of the profile"},
    ColumnSchema{"series_id", Text, kOptional, "one image, one day, in the source's grouping"},
    ColumnSchema{"curve_id", Text, kOptional, "one setup and workload over all days"},
    ColumnSchema{"kind", Text, kRequired, "kind of decoding", "serving|speculative|disaggregated"},
    ColumnSchema{"source", Text, kRequired, "name in sources.csv"},
    ColumnSchema{"licence", Text, kOptional, "licence of the figures"},
    ColumnSchema{"model", Text, kRequired, "Hugging Face id"},
    ColumnSchema{"checkpoint", Text, kOptional, "what was loaded"},
    ColumnSchema{"model_server", Text, kRequired, "model server"},
    ColumnSchema{"model_server_version", Text, kOptional, "version"},
    ColumnSchema{"container_image", Text, kOptional, "image"},
    ColumnSchema{"accelerator", Text, kRequired, "accelerator id"},
    ColumnSchema{"accelerator_count", Integer, kOptional, "accelerators of one replica"},
    ColumnSchema{"tensor_parallel", Integer, kOptional, "attention tensor parallelism"},
    ColumnSchema{"pipeline_parallel", Integer, kOptional, "pipeline stages"},
    ColumnSchema{"data_parallel", Integer, kOptional, "attention data parallelism"},
    ColumnSchema{"expert_parallel", Integer, kOptional, "expert parallelism"},
    ColumnSchema{"weight_precision", Text, kOptional, "fp4, fp8, fp16, bf16 ..."},
    ColumnSchema{"kv_precision", Text, kOptional, "precision of the KV cache"},
    ColumnSchema{"speculative_decoding", Text, kOptional, "none, mtp, eagle3, unknown ..."},
    ColumnSchema{"prefill_workers", Integer, kOptional, "disaggregated: prefill workers"},
    ColumnSchema{"prefill_tensor_parallel", Integer, kOptional, "of one prefill worker"},
    ColumnSchema{"prefill_expert_parallel", Integer, kOptional, "of one prefill worker"},
    ColumnSchema{"prefill_attention_dp", Text, kOptional, "of one prefill worker"},
    ColumnSchema{"decode_workers", Integer, kOptional, "disaggregated: decode workers"},
    ColumnSchema{"decode_tensor_parallel", Integer, kOptional, "of one decode worker"},
    ColumnSchema{"decode_expert_parallel", Integer, kOptional, "of one decode worker"},
    ColumnSchema{"decode_attention_dp", Text, kOptional, "of one decode worker"},
    ColumnSchema{"topology_from", Text, kOptional, "where the topology was read"},
    ColumnSchema{"recorded_topology", Text, kOptional, "widths as the source recorded them"},
    ColumnSchema{"workload", Text, kOptional, "distribution of lengths"},
    ColumnSchema{"input_tokens_nominal", Number, kOptional, "tokens"},
    ColumnSchema{"output_tokens_nominal", Number, kOptional, "tokens"},
    ColumnSchema{"input_tokens_mean", Number, kOptional, "tokens, mean over the points"},
    ColumnSchema{"output_tokens_mean", Number, kOptional, "tokens, mean over the points"},
    ColumnSchema{"load_kind", Text, kRequired, "what was held", "concurrency|request_rate|burst"},
    ColumnSchema{"server_settings", Text, kOptional, "launch options, ';'-separated"}};

constexpr std::array kPoints{
    ColumnSchema{"profile", Text, kRequired, "profile id"},
    ColumnSchema{"point_id", Text, kOptional, "the source's id"},
    ColumnSchema{"load", Number, kRequired, "clients, requests/s, or requests of a burst"},
    ColumnSchema{"request_count", Number, kOptional, "requests measured"},
    ColumnSchema{"error_count", Number, kOptional, "requests failed"},
    ColumnSchema{"requests_per_second", Number, kOptional, "completed"},
    ColumnSchema{"output_tokens_per_second", Number, kOptional, "of the replica"},
    ColumnSchema{"input_tokens_per_second", Number, kOptional, "of the replica"},
    ColumnSchema{"input_tokens_mean", Number, kOptional, "tokens"},
    ColumnSchema{"output_tokens_mean", Number, kOptional, "tokens"},
    ColumnSchema{"ttft_mean_ms", Number, kOptional, "ms"},
    ColumnSchema{"ttft_p50_ms", Number, kOptional, "ms"},
    ColumnSchema{"ttft_p90_ms", Number, kOptional, "ms"},
    ColumnSchema{"ttft_p99_ms", Number, kOptional, "ms"},
    ColumnSchema{"tpot_mean_ms", Number, kOptional, "ms"},
    ColumnSchema{"tpot_p50_ms", Number, kOptional, "ms"},
    ColumnSchema{"tpot_p90_ms", Number, kOptional, "ms"},
    ColumnSchema{"tpot_p99_ms", Number, kOptional, "ms"},
    ColumnSchema{"itl_mean_ms", Number, kOptional, "ms"},
    ColumnSchema{"itl_p50_ms", Number, kOptional, "ms"},
    ColumnSchema{"itl_p90_ms", Number, kOptional, "ms"},
    ColumnSchema{"itl_p99_ms", Number, kOptional, "ms"},
    ColumnSchema{"ntpot_mean_ms", Number, kOptional, "ms"},
    ColumnSchema{"ntpot_p50_ms", Number, kOptional, "ms"},
    ColumnSchema{"ntpot_p90_ms", Number, kOptional, "ms"},
    ColumnSchema{"ntpot_p99_ms", Number, kOptional, "ms"},
    ColumnSchema{"e2e_mean_ms", Number, kOptional, "ms"},
    ColumnSchema{"e2e_p50_ms", Number, kOptional, "ms"},
    ColumnSchema{"e2e_p90_ms", Number, kOptional, "ms"},
    ColumnSchema{"e2e_p99_ms", Number, kOptional, "ms"},
    ColumnSchema{"measured_on", Date, kOptional, "date"},
    ColumnSchema{"source_ref", Text, kOptional, "row, file or run in the source"},
    ColumnSchema{"server_settings", Text, kOptional, "launch options; empty: as the profile's"},
    ColumnSchema{"derived", Text, kOptional, "figures computed rather than measured"},
    ColumnSchema{"flags", Text, kOptional, "';'-separated warnings of the source"}};

constexpr std::array kCeilings{
    ColumnSchema{"point_id", Text, kRequired, "the source's id"},
    ColumnSchema{"source", Text, kRequired, "name in sources.csv"},
    ColumnSchema{"licence", Text, kOptional, "licence of the figures"},
    ColumnSchema{"measured_on", Date, kOptional, "date"},
    ColumnSchema{"model", Text, kRequired, "Hugging Face id"},
    ColumnSchema{"checkpoint", Text, kOptional, "what was loaded"},
    ColumnSchema{"model_server", Text, kOptional, "model server"},
    ColumnSchema{"model_server_version", Text, kOptional, "version"},
    ColumnSchema{"container_image", Text, kOptional, "image"},
    ColumnSchema{"accelerator", Text, kRequired, "accelerator id"},
    ColumnSchema{"accelerator_count", Integer, kOptional, "accelerators"},
    ColumnSchema{"tensor_parallel", Integer, kOptional, "tensor parallelism"},
    ColumnSchema{"pipeline_parallel", Integer, kOptional, "pipeline stages"},
    ColumnSchema{"data_parallel", Integer, kOptional, "data parallelism"},
    ColumnSchema{"expert_parallel", Integer, kOptional, "expert parallelism"},
    ColumnSchema{"weight_precision", Text, kOptional, "precision of the weights"},
    ColumnSchema{"kv_precision", Text, kOptional, "precision of the KV cache"},
    ColumnSchema{"workload", Text, kOptional, "distribution of lengths"},
    ColumnSchema{"input_tokens_mean", Number, kOptional, "tokens"},
    ColumnSchema{"output_tokens_mean", Number, kOptional, "tokens"},
    ColumnSchema{"load_kind", Text, kOptional, "offline, or the batch held"},
    ColumnSchema{"load", Number, kOptional, "batch"},
    ColumnSchema{"requests_per_second", Number, kOptional, "peak"},
    ColumnSchema{"output_tokens_per_second", Number, kOptional, "peak"},
    ColumnSchema{"input_tokens_per_second", Number, kOptional, "peak"},
    ColumnSchema{"source_ref", Text, kOptional, "row, file or run in the source"},
    ColumnSchema{"derived", Text, kOptional, "figures computed rather than measured"},
    ColumnSchema{"flags", Text, kOptional, "';'-separated warnings of the source"}};

constexpr std::array kPredicted{
    ColumnSchema{"model", Text, kRequired, "Hugging Face id"},
    ColumnSchema{"model_server", Text, kRequired, "model server"},
    ColumnSchema{"model_server_version", Text, kOptional, "version"},
    ColumnSchema{"accelerator", Text, kRequired, "accelerator id"},
    ColumnSchema{"accelerator_count", Integer, kRequired, "accelerators of one replica"},
    ColumnSchema{"tensor_parallel", Integer, kRequired, "attention tensor parallelism"},
    ColumnSchema{"pipeline_parallel", Integer, kOptional, "pipeline stages; empty: 1"},
    ColumnSchema{"data_parallel", Integer, kOptional, "attention data parallelism; empty: 1"},
    ColumnSchema{"expert_parallel", Integer, kOptional, "expert parallelism; empty: 1"},
    ColumnSchema{"weight_precision", Text, kOptional, "fp4, fp8, fp16, bf16 ..."},
    ColumnSchema{"kv_precision", Text, kOptional, "precision of the KV cache"},
    ColumnSchema{"input_tokens", Number, kRequired, "tokens"},
    ColumnSchema{"output_tokens", Number, kRequired, "tokens"},
    ColumnSchema{"loads", Text, kRequired, "clients in flight, blank-separated, rising"},
    ColumnSchema{"ttft_mean_ms", Text, kRequired, "ms at each load"},
    ColumnSchema{"tpot_mean_ms", Text, kRequired, "ms at each load"},
    ColumnSchema{
        "ttft_band", Text, kRequired,
        "at each load (or one for all) the ratio of the ends of the 80 % band to the mean"},
    ColumnSchema{"tpot_band", Text, kRequired, "the same"},
    ColumnSchema{"e2e_band", Text, kRequired, "the same of the end-to-end time"},
    ColumnSchema{"nearest", Text, kOptional, "id of the nearest measured profile"},
    ColumnSchema{"extrapolated", Text, kOptional,
                 "what no measurement covers: ids in predicted_notes, blank-separated"},
    ColumnSchema{"predicted_by", Text, kRequired, "hash of the calibration"}};

constexpr std::array kSignatures{
    ColumnSchema{"id", Text, kRequired, "name of the problem"},
    ColumnSchema{"where", Text, kRequired, "what kind of text shows it",
                 "log|event|status|hpa|apply|cli"},
    ColumnSchema{"severity", Text, kRequired, "how bad it is", "error|warning|info"},
    ColumnSchema{"role", Text, kRequired,
                 "umbrella: wraps a reason given elsewhere; consequence: follows from a cause",
                 "cause|consequence|umbrella"},
    ColumnSchema{"pattern", Text, kRequired, "RE2 expression that a line must match"},
    ColumnSchema{"sample", Text, kRequired, "a line that matches"},
    ColumnSchema{"cause", Text, kRequired, "why; {1} is the first group of the pattern"},
    ColumnSchema{"fix", Text, kRequired, "what to do"},
    ColumnSchema{"command", Text, kOptional, "a command, flag or patch that does it"},
    ColumnSchema{"instead_of", Text, kOptional,
                 "ids, blank-separated, not told of a line that shows this one"},
    KP_PROVENANCE};

constexpr std::array kPredictedNotes{
    ColumnSchema{"id", Text, kRequired, "number"},
    ColumnSchema{"note", Text, kRequired, "what no measurement covers"}};
#undef KP_PROVENANCE

constexpr std::array<std::string_view, 1> kById{"id"};
constexpr std::array<std::string_view, 1> kByName{"name"};
constexpr std::array<std::string_view, 1> kByModel{"model"};
constexpr std::array<std::string_view, 2> kByMachine{"provider", "machine_type"};
constexpr std::array<std::string_view, 3> kByPrice{"provider", "region", "item"};
constexpr std::array<std::string_view, 2> kByRegion{"provider", "region"};
constexpr std::array<std::string_view, 2> kByVersion{"server", "version"};
constexpr std::array<std::string_view, 4> kByFlag{"server", "purpose", "flag", "since"};
constexpr std::array<std::string_view, 3> kByHardware{"server", "vendor", "arch"};
constexpr std::array<std::string_view, 4> kByMetric{"server", "signal", "series", "since"};
constexpr std::array<std::string_view, 1> kByPointId{"point_id"};
constexpr std::array<std::string_view, 3> kByPoint{"profile", "point_id", "load"};
constexpr std::array<std::string_view, 13> kByPredicted{"model",
                                                        "model_server",
                                                        "model_server_version",
                                                        "accelerator",
                                                        "accelerator_count",
                                                        "tensor_parallel",
                                                        "pipeline_parallel",
                                                        "data_parallel",
                                                        "expert_parallel",
                                                        "weight_precision",
                                                        "kv_precision",
                                                        "input_tokens",
                                                        "output_tokens"};

constexpr std::array kSchemas{
    TableSchema{"accelerators", "GPU and TPU types", kById, kAccelerators, false},
    TableSchema{"machines", "machine types that clouds rent", kByMachine, kMachines, false},
    TableSchema{"prices",
                "list prices; several sources may state one price, the newest dated one counts, "
                "and a higher layer's row replaces all of them",
                kByPrice, kPrices, true},
    TableSchema{"models", "model architectures as in config.json", kByModel, kModels, false},
    TableSchema{"regions", "where provider regions are, for the nearest priced one", kByRegion,
                kRegions, false},
    TableSchema{"use_cases", "named workloads with their lengths", kByName, kUseCases, false},
    TableSchema{"servers", "model servers: how to start, probe and scrape them", kByName, kServers,
                false},
    TableSchema{"server_versions", "versions of model servers and their images", kByVersion,
                kServerVersions, false},
    TableSchema{"server_flags", "start options by version", kByFlag, kServerFlags, false},
    TableSchema{"server_metrics", "Prometheus series by version", kByMetric, kServerMetrics, false},
    TableSchema{"server_hardware",
                "which accelerators a model server runs on, with which weights; `kneepoint predict "
                "--all` makes rows of nothing else",
                kByHardware, kServerHardware, false},
    TableSchema{"sources", "public sources of measurements", kByName, kSources, false},
    TableSchema{"profiles", "measured setups: one row is one curve", kById, kProfiles, false},
    TableSchema{"points", "the load points of the profiles", kByPoint, kPoints, false},
    TableSchema{"ceilings", "peak throughput: ceilings, never operating points", kByPointId,
                kCeilings, false},
    TableSchema{"signatures", "what `kneepoint doctor` knows from lines of logs and events", kById,
                kSignatures, false},
    TableSchema{"predicted",
                "curves of setups that fit and nobody measured, as `kneepoint predict --all` "
                "predicts them: one row is one curve",
                kByPredicted, kPredicted, false},
    TableSchema{"predicted_notes", "the words of predicted.extrapolated", kById, kPredictedNotes,
                false}};

}  // namespace

std::span<const TableSchema> schemas() { return kSchemas; }

const TableSchema* schema(std::string_view table) {
  for (const TableSchema& one : kSchemas) {
    if (one.name == table) return &one;
  }
  return nullptr;
}

}  // namespace kneepoint::catalog
