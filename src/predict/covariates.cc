#include "predict/covariates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "base/date.h"
#include "base/text.h"
#include "predict/data_rules.h"
#include "predict/kernel.h"
#include "predict/substitute.h"

namespace kneepoint::predict {
namespace {

constexpr std::array kCategories{"model",   "server",    "version",  "accelerator",
                                 "family",  "precision", "topology", "protocol",
                                 "experts", "attention", "setting",  "load kind"};
struct Continuous {
  std::string_view name;
  bool squared;
};
constexpr std::array kContinuous{
    Continuous{"log2 clients", false},      Continuous{"log2 input tokens", true},
    Continuous{"log2 output tokens", true}, Continuous{"log2 accelerators", true},
    Continuous{"version date", false},      Continuous{"log bandwidth", false},
    Continuous{"log compute", false},       Continuous{"log active weights", false},
    Continuous{"log hidden", false},        Continuous{"cache fill", false},
    Continuous{kNoTables, false},           Continuous{"log explained", false},
    Continuous{"log TTFT share", false}};
constexpr std::size_t kRespects = kCategories.size() + kContinuous.size() + 1;

// Who measured, where nobody says: the closed loop with an opening burst that most points have.
constexpr std::string_view kUsualProtocol = "inferencex_via_aiconfigurator";
constexpr double kOtherSetting = 3;
constexpr double kUsualDate = 1.0;  // years; of a version nobody knows: a new one

std::string family(std::string_view architecture) {
  // "blackwell-ultra" is blackwell, "cdna3" is cdna.
  std::string out(architecture.substr(0, architecture.find('-')));
  while (!out.empty() && out.back() >= '0' && out.back() <= '9') out.pop_back();
  return out;
}

std::string attention(const catalog::Model& model) {
  if (model.linear_attention_layers.value_or(0) > 0) return "hybrid";
  const std::string_view type = model.model_type;
  if (type.find("dsa") != type.npos || type.find("v32") != type.npos) return "sparse";
  if (model.kv_lora.value_or(0) > 0) return "latent";
  return model.window.value_or(0) > 0 ? "windowed" : "full";
}

std::string precision(const Deployment& d) {
  std::string_view p = d.weight_precision;
  if (p.empty()) p = d.model->quantization;
  if (p.empty() || p == "fp16" || p == "bfloat16" || p == "float16") return "bf16";
  if (p == "nvfp4" || p == "mxfp4") return "fp4";
  return std::string(p);
}

/// Rounds of one benchmark, and papers that measured alike, are one protocol.
std::string protocol(std::string_view measured_by) {
  if (measured_by.empty()) return std::string(kUsualProtocol);
  if (measured_by.starts_with("mlperf_")) return "mlperf";
  if (measured_by == "sim_to_real_actuals") return "inference_sim_training";
  return std::string(measured_by);
}

double years(const Question& q, const Deployment& d, const VersionDates& dates) {
  const std::string version = d.server + ":" + q.setup.model_server_version;
  if (const auto found = dates.find(version); found != dates.end()) return found->second;
  const auto date = parse_date(q.measured_on);
  return date ? years_since_start(*date) : kUsualDate;
}

/// Where each penalty stands. Names are those above; "shares" is the last.
std::size_t respect(std::string_view name) {
  for (std::size_t i = 0; i < kCategories.size(); ++i) {
    if (kCategories[i] == name) return i;
  }
  for (std::size_t i = 0; i < kContinuous.size(); ++i) {
    if (kContinuous[i].name == name) return kCategories.size() + i;
  }
  return kRespects - 1;
}

/// As in a calibration file, so that a process read from one is the process that was fitted.
double written(double value) { return std::round(value * 1e4) / 1e4; }

using Penalties = std::initializer_list<std::pair<std::string_view, double>>;

void add_term(Kernel& kernel, int weight, double amplitude, Penalties penalties) {
  KernelTerm& term = kernel.terms.emplace_back();
  term.weight = weight;
  term.log_amplitude = std::log(amplitude);
  term.log_penalty.assign(kRespects, KernelTerm::kUnused);
  for (const auto& [name, penalty] : penalties) {
    term.log_penalty[respect(name)] = std::log(penalty);
  }
  // Between settings hardly anything is shared, whatever the term.
  const bool everywhere = weight == KernelTerm::kLinear || weight == KernelTerm::kUntabled ||
                          weight == KernelTerm::kVaried;
  if (!everywhere) term.log_penalty[respect("setting")] = std::log(kOtherSetting);
}

/// What a server does to one group of costs, for this model on this accelerator.
void add_group(Kernel& kernel, ShareGroup group, double amplitude) {
  add_term(kernel, static_cast<int>(group), amplitude,
           {{"model", .7},
            {"server", .7},
            {"accelerator", .5},
            {"version", .2},
            {"precision", .4},
            {"family", .2},
            {"version date", .3},
            {"attention", .2},
            {"experts", .2}});
}

/// What one source's way to measure does to every setup: of varied settings only.
void add_varied(Kernel& kernel, double amplitude) {
  add_term(kernel, KernelTerm::kVaried, amplitude,
           {{"protocol", 3}, {"load kind", .5}, {"server", .5}});
}

/// What data sheets promise too much, family by family; hardly from one source to another, whose
/// stacks are years apart.
void add_untabled(Kernel& kernel, double amplitude) {
  add_term(kernel, KernelTerm::kUntabled, amplitude,
           {{"family", .4},
            {"accelerator", .3},
            {"server", .4},
            {"protocol", 2},
            {"load kind", 1},
            {"setting", .3}});
}

void tpot_terms(Kernel& k) {
  add_term(k, KernelTerm::kPlain, .337,
           {{"model", 2.2},
            {"server", 1.43},
            {"version", 1.24},
            {"accelerator", .76},
            {"precision", .2},
            {"topology", .075},
            {"protocol", .59},
            {"log2 clients", .054},
            {"log2 input tokens", .048},
            {"log2 output tokens", .056},
            {"log2 accelerators", .083},
            {"version date", .29},
            {"family", .32},
            {"log bandwidth", .33},
            {"log compute", .2},
            {"log active weights", .21},
            {"log hidden", .2},
            {"experts", .32},
            {"attention", .56},
            {"log explained", .005},
            {"cache fill", .062},
            {"shares", .26},
            {"log TTFT share", .011}});
  add_term(k, KernelTerm::kPlain, .13,
           {{"model", .17},
            {"server", .22},
            {"version", .11},
            {"accelerator", .135},
            {"precision", .114},
            {"topology", .064},
            {"protocol", .133},
            {"log2 clients", .053},
            {"log2 input tokens", .03},
            {"log2 output tokens", .031},
            {"log2 accelerators", .18},
            {"version date", .17},
            {"family", .17},
            {"log bandwidth", .14},
            {"log compute", .107},
            {"log active weights", .081},
            {"log hidden", .12},
            {"experts", .136},
            {"attention", .19},
            {"log explained", .028},
            {"cache fill", .091},
            {"shares", 1.64},
            {"log TTFT share", .035}});
  add_term(k, KernelTerm::kPlain, .03,
           {{"model", 2.5},
            {"server", 1.68},
            {"version", .76},
            {"accelerator", .95},
            {"precision", .75},
            {"topology", .49},
            {"protocol", 2.5},
            {"log2 clients", .32},
            {"log2 input tokens", .39},
            {"log2 output tokens", .42},
            {"log2 accelerators", .47},
            {"log explained", .047},
            {"cache fill", .1},
            {"shares", 1},
            {"log TTFT share", .05}});
  add_group(k, ShareGroup::Dense, .05);
  add_term(k, static_cast<int>(ShareGroup::Experts), .4,
           {{"model", .22},
            {"server", .29},
            {"accelerator", .38},
            {"version", .09},
            {"precision", .23},
            {"family", .063},
            {"version date", .13},
            {"attention", .12},
            {"experts", .2}});
  add_group(k, ShareGroup::Exchange, .066);
  add_term(k, static_cast<int>(ShareGroup::Attention), .34,
           {{"model", .15},
            {"server", .44},
            {"accelerator", .53},
            {"version", .12},
            {"precision", .84},
            {"family", .18},
            {"version date", .11},
            {"attention", .16},
            {"experts", .39}});
  add_group(k, ShareGroup::Overheads, .062);
  add_term(k, KernelTerm::kLinear, .09, {});
  add_untabled(k, .5);
  add_varied(k, .2);
  k.log_noise = std::log(.015);
}

void ttft_terms(Kernel& k) {
  add_term(k, KernelTerm::kPlain, .6,
           {{"model", .74},
            {"server", 1.06},
            {"version", .34},
            {"accelerator", .2},
            {"precision", .09},
            {"topology", .19},
            {"protocol", 2.5},
            {"log2 clients", .014},
            {"log2 input tokens", .137},
            {"log2 output tokens", .024},
            {"log2 accelerators", .085},
            {"version date", .175},
            {"family", .118},
            {"log bandwidth", .16},
            {"log compute", .103},
            {"log active weights", .103},
            {"log hidden", .13},
            {"experts", .11},
            {"attention", .47},
            {"log explained", .021},
            {"cache fill", .053},
            {"shares", .79},
            {"log TTFT share", .02}});
  add_term(k, KernelTerm::kPlain, .09,
           {{"model", .38},
            {"server", .28},
            {"version", .12},
            {"accelerator", .155},
            {"precision", .11},
            {"topology", .08},
            {"protocol", .41},
            {"log2 clients", .062},
            {"log2 input tokens", .045},
            {"log2 output tokens", .041},
            {"log2 accelerators", .09},
            {"version date", .24},
            {"family", .14},
            {"log bandwidth", .14},
            {"log compute", .097},
            {"log active weights", .075},
            {"log hidden", .1},
            {"experts", .144},
            {"attention", .147},
            {"log explained", .05},
            {"cache fill", .1},
            {"shares", .98},
            {"log TTFT share", .047}});
  add_term(k, KernelTerm::kPlain, .053,
           {{"model", 2.4},
            {"server", 1.8},
            {"version", .76},
            {"accelerator", 1},
            {"precision", .75},
            {"topology", .49},
            {"protocol", 2.5},
            {"log2 clients", .38},
            {"log2 input tokens", .51},
            {"log2 output tokens", .47},
            {"log2 accelerators", .68},
            {"log explained", .05},
            {"cache fill", .1},
            {"shares", 1},
            {"log TTFT share", .05}});
  for (std::size_t g = 0; g < kShareGroups; ++g) add_group(k, static_cast<ShareGroup>(g), .14);
  add_term(k, KernelTerm::kLinear, .155, {});
  add_untabled(k, .5);
  add_varied(k, .3);
  k.log_noise = std::log(.08);
}

}  // namespace

double years_since_start(Date date) {
  using namespace std::chrono;
  return static_cast<double>((date - sys_days(2025y / June / 1)).count()) / 365.25;
}

Place place_of(const Question& q, const Deployment& d, double clients, double kv_load,
               bool has_tables, const VersionDates& dates) {
  const profile::ServingSetup& s = q.setup;
  std::string topology =
      fmt::format("{}{}{}", d.data > 1 ? "data" : "tensor", d.expert > 1 ? "+experts" : "",
                  d.hold_steps > 0 ? "+hold" : "");
  if (d.speculative) topology += "+draft";
  if (d.disaggregated) topology += "+disaggregated";
  Place p;
  p.categories = {architecture_name(s.model),
                  d.server,
                  d.server + ":" + s.model_server_version,
                  s.accelerator,
                  family(d.accelerator->arch),
                  precision(d),
                  std::move(topology),
                  protocol(q.measured_by),
                  d.model->experts.value_or(0) > 1 ? "mixture" : "dense",
                  attention(*d.model),
                  std::string(is_varied(q.measured_by) ? kVariedSetting : "usual"),
                  std::string(curve::name(q.load_kind))};
  const auto log_of = [](double value) { return std::log(std::max(value, 1e-6)); };
  const double active = d.model->active_params_b.value_or(d.model->params_b.value_or(20));
  p.continuous = {
      std::log2(std::max(clients, 0.1)),
      std::log2(std::max(q.workload.input_tokens_nominal.value_or(input_tokens(q)), 1.)),
      std::log2(std::max(q.workload.output_tokens_nominal.value_or(output_tokens(q)), 1.)),
      std::log2(d.accelerators),
      years(q, d, dates),
      log_of(d.accelerator->mem_bw_gbs.value_or(2000)),
      log_of(d.accelerator->bf16_tflops.value_or(500)),
      log_of(active),
      log_of(d.model->hidden.value_or(5120)),
      std::tanh(2 * std::log(std::clamp(kv_load, 0.05, 20.0))),
      has_tables ? 0. : 1.};
  return p;
}

Covariates covariates(const Features& f, const Coefficients& c, Latency of) {
  Observation o;
  o.tpot = f.tpot;
  o.ttft = f.ttft;
  o.extras = f.extras;
  const double tpot = std::max(tpot_ms(o, c), 1e-6), ttft = std::max(ttft_ms(o, c), 1e-6);
  const bool first = of == Latency::Ttft;
  Covariates out;
  out.categories = f.place.categories;
  out.continuous = f.place.continuous;
  out.continuous.push_back(std::log(first ? ttft : tpot));
  out.continuous.push_back(std::log(ttft / (ttft + tpot * std::max(f.output_tokens - 1, 1.0))));
  const perfmodel::PartAmounts& amounts = first ? f.ttft : f.tpot;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    out.shares.push_back(amounts[i] * c.parts[i] / 1e6 / (first ? ttft : tpot));
  }
  for (std::size_t i = 0; first && i < kExtras; ++i) {
    out.shares.push_back(f.extras[i] * c.extras[i] / ttft);
  }
  for (double& x : out.continuous) x = written(x);
  for (double& x : out.shares) x = written(x);
  return out;
}

namespace {

Kernel empty_kernel() {
  Kernel kernel;
  kernel.shape.categories.assign(kCategories.begin(), kCategories.end());
  for (const Continuous& c : kContinuous) {
    kernel.shape.continuous.emplace_back(c.name);
    kernel.shape.squared.push_back(c.squared);
  }
  const CoefficientPrior prior = start_values();
  kernel.shape.share_sd.assign(prior.log_sd.parts.begin(), prior.log_sd.parts.end());
  kernel.shape.share_sd.insert(kernel.shape.share_sd.end(), prior.log_sd.extras.begin(),
                               prior.log_sd.extras.end());
  return kernel;
}

}  // namespace

Kernel usual_kernel(Latency of) {
  Kernel kernel = empty_kernel();
  if (of == Latency::Tpot) {
    tpot_terms(kernel);
  } else {
    ttft_terms(kernel);
  }
  return kernel;
}

Kernel start_kernel(Latency of) {
  const bool tpot = of == Latency::Tpot;
  const double more = tpot ? 1 : 1.8;  // TTFT scatters that much more
  Kernel kernel = empty_kernel();
  // Setups that are alike, setups that are alike from afar, and what one curve has alone.
  const auto plain = [&](double amplitude, double setup, double graded, double load,
                         double lengths) {
    add_term(kernel, KernelTerm::kPlain, more * amplitude,
             {{"model", setup},
              {"server", .7 * setup},
              {"version", .3 * setup},
              {"accelerator", .4 * setup},
              {"precision", .3 * setup},
              {"topology", .2 * setup},
              {"protocol", setup},
              {"log2 clients", load},
              {"log2 input tokens", lengths},
              {"log2 output tokens", lengths},
              {"log2 accelerators", .25 * setup},
              {"log explained", .05},
              {"cache fill", .1},
              {"shares", 1},
              {"log TTFT share", .05}});
    if (graded == 0) return;
    for (const auto& [name, penalty] : {std::pair<std::string_view, double>{"version date", .5},
                                        {"family", .3},
                                        {"log bandwidth", .3},
                                        {"log compute", .2},
                                        {"log active weights", .15},
                                        {"log hidden", .2},
                                        {"experts", .3},
                                        {"attention", .3}}) {
      kernel.terms.back().log_penalty[respect(name)] = std::log(graded * penalty);
    }
  };
  plain(.10, 1, 1, .15, .1);
  plain(.07, .4, .5, .06, .04);
  plain(.05, 2.5, 0, .4, .5);
  const std::size_t groups_in = tpot ? kShareGroups - 1 : kShareGroups;
  for (std::size_t g = 0; g < groups_in; ++g) {
    add_group(kernel, static_cast<ShareGroup>(g), more * .08);
  }
  add_term(kernel, KernelTerm::kLinear, .3, {});
  add_untabled(kernel, .5);
  add_varied(kernel, tpot ? .2 : .3);
  kernel.log_noise = std::log(tpot ? .03 : .06);
  return kernel;
}

VersionDates version_dates(std::span<const MeasuredPoint> points) {
  std::map<std::string, std::vector<double>> days;
  for (const MeasuredPoint& p : points) {
    const profile::ServingSetup& s = p.question.setup;
    if (s.model_server_version.empty()) continue;
    if (const auto date = parse_date(p.question.measured_on)) {
      days[lower(s.model_server) + ":" + s.model_server_version].push_back(
          years_since_start(*date));
    }
  }
  VersionDates out;
  for (auto& [version, of] : days) {
    std::sort(of.begin(), of.end());
    out[version] = of[of.size() / 2];
  }
  return out;
}

std::string distance_key(const Place& place) {
  return place.categories[0] + '\n' + place.categories[1] + '\n' + place.categories[3];
}

}  // namespace kneepoint::predict
