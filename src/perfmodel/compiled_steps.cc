#include "perfmodel/compiled_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "perfmodel/layout.h"
#include "perfmodel/model_shape.h"
#include "perfmodel/precision.h"

// Which operators a layer is made of, and how each is split: docs/step-time.md has the table.
namespace kneepoint::perfmodel {
namespace {

constexpr double kTransferNanos = 10e3;    // a hidden state to the next pipeline stage
constexpr double kLinearLayerNanos = 4e3;  // the small kernels around a recurrent state
constexpr double kLinearKeys = 2048;       // width of the keys of a linear-attention layer
constexpr double kStateRows = 128;         // a head's state is 128 x 128, in 32 bits

double element_bytes(const MemorySetup& setup) {
  return kv_element_bytes(setup.kv_precision).value_or(2.0);
}

class Compiler {
 public:
  Compiler(const Operators& operators, const catalog::Model& model, const MemorySetup& setup,
           const Layout& layout)
      : operators_(operators),
        setup_(setup),
        shape_(shape_of(model)),
        types_(block_types(model, setup.weight_precision)),
        ranks_(layout.attention_ranks),
        data_(layout.data_ranks),
        width_(layout.stage_size()),
        groups_(layout.expert_groups),
        stages_(layout.stages) {
    kv_ = element_bytes(setup) < 2 ? Dtype::Fp8 : Dtype::Bf16;
  }

  CompiledSteps run() {
    out_.layers = shape_.layers();
    out_.stages = stages_;
    out_.data_ranks = data_;
    shape_.latent ? latent_attention() : attention();
    linear_attention();
    feed_forward();
    routed_experts();
    exchange();
    elementwise();
    head();
    prompt_rates();
    sizes();
    for (const std::vector<std::string>* notes :
         {&operators_.notes(), &std::as_const(shape_.estimated), &std::as_const(types_.estimated)})
      out_.extrapolated.insert(out_.extrapolated.end(), notes->begin(), notes->end());
    return std::move(out_);
  }

 private:
  static void add(TokenCurve& to, const TokenCurve& what, double times = 1) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += times * what[i];
  }
  static void add(ContextSurface& to, const ContextSurface& what, double times) {
    for (std::size_t b = 0; b < to.size(); ++b)
      for (std::size_t c = 0; c < to[b].size(); ++c) to[b][c] += times * what[b][c];
  }

  void gemm(Dtype type, double n, double k, double times) {
    if (times <= 0) return;
    add(out_.gemm, operators_.gemm(type, n, k), times);
    weights_ += times * n * k * bytes_per_weight(type);
  }

  double heads() const { return std::max(1.0, shape_.heads / ranks_); }
  double kv_heads() const { return std::max(1.0, shape_.kv_heads / ranks_); }

  void attention() {
    const double queries = shape_.heads * shape_.head_dim;
    const double layers = shape_.attention_layers;
    gemm(types_.attention,
         (shape_.gated_attention ? 2 : 1) * queries / ranks_ + 2 * kv_heads() * shape_.head_dim,
         shape_.hidden, layers);
    gemm(types_.attention, shape_.hidden, queries / ranks_, layers);
    AttentionShape of{heads(), kv_heads(), shape_.head_dim, 0, kv_};
    const auto add_layers = [&](double count) {
      if (count <= 0) return;
      add(out_.decode_attention, operators_.decode_attention(of), count);
      add(prompts_, operators_.prefill_attention(of), count);
    };
    add_layers(layers - shape_.windowed_layers);
    of.window = shape_.window;
    add_layers(shape_.windowed_layers);
  }

  void latent_attention() {
    const double layers = shape_.attention_layers;
    const LatentAttentionShape of{
        shape_.hidden, heads(),       shape_.q_lora,          shape_.kv_lora,   shape_.nope,
        shape_.rope,   shape_.v_head, shape_.attended_tokens, types_.attention, kv_};
    add(out_.decode_attention, operators_.latent_decode(of), layers);
    add(prompts_, operators_.latent_prefill(of), layers);
    const double queries = shape_.q_lora > 0 ? shape_.hidden * shape_.q_lora +
                                                   shape_.q_lora * heads() * (of.nope + of.rope)
                                             : shape_.hidden * heads() * (of.nope + of.rope);
    weights_ += layers * bytes_per_weight(types_.attention) *
                (queries + shape_.hidden * (of.kv_lora + of.rope) +
                 of.kv_lora * heads() * (of.nope + of.v_head) + heads() * of.v_head * of.hidden);
    if (shape_.attended_tokens <= 0) return;
    // The index that picks the tokens looks at all of them: one narrow 8-bit key each.
    const DeviceRates& rates = operators_.rates();
    const double byte_compute = rates.compute(Dtype::Fp8);
    const double width = shape_.index_heads * shape_.index_dim;
    for (std::size_t b = 0; b < out_.decode_attention.size(); ++b)
      for (std::size_t c = 0; c < ContextGrid::kPoints; ++c) {
        const double pairs = BatchGrid::point(b) * ContextGrid::point(c);
        out_.decode_attention[b][c] +=
            layers * pairs * (shape_.index_dim / rates.bandwidth + 2 * width / byte_compute);
      }
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      const double tokens = TokenGrid::point(i);
      prompts_[i] += layers * tokens * tokens * width / byte_compute;  // half of the pairs
    }
  }

  void linear_attention() {
    const double layers = shape_.linear_layers;
    if (layers <= 0) return;
    const double values = shape_.linear_width;
    gemm(types_.attention, (2 * kLinearKeys + 2 * values) / ranks_, shape_.hidden, layers);
    gemm(types_.attention, shape_.hidden, values / ranks_, layers);
    const DeviceRates& rates = operators_.rates();
    const double state = values / ranks_ * kStateRows;  // numbers per layer and sequence
    for (std::size_t b = 0; b < out_.decode_attention.size(); ++b)
      for (double& nanos : out_.decode_attention[b])
        nanos +=
            layers * (kLinearLayerNanos + BatchGrid::point(b) * state * 4 * 2 / rates.bandwidth);
    for (std::size_t i = 0; i < prompts_.size(); ++i)
      prompts_[i] += layers * TokenGrid::point(i) * state * 18 / rates.bf16;
  }

  void mlp(Dtype type, double inner, double times) {
    gemm(type, 2 * inner / ranks_, shape_.hidden, times);
    gemm(type, shape_.hidden, inner / ranks_, times);
  }

  void feed_forward() {
    if (shape_.dense_layers > 0) mlp(types_.dense, shape_.intermediate, shape_.dense_layers);
    if (shape_.shared_intermediate > 0)
      mlp(types_.shared, shape_.shared_intermediate, shape_.expert_layers);
    gemm(Dtype::Bf16, shape_.experts, shape_.hidden, shape_.expert_layers);  // router
  }

  void routed_experts() {
    if (shape_.expert_layers <= 0) return;
    ExpertShape of{types_.experts, shape_.hidden, shape_.expert_intermediate, shape_.experts,
                   shape_.top_k};
    double times = shape_.expert_layers;
    if (groups_ > 1) {
      of.expert = groups_;
      times *= static_cast<double>(groups_) / width_;  // each group slices its experts
    } else {
      of.tensor = width_;
    }
    const TokenCurve one = operators_.experts(of);
    // The tokens of all data-parallel ranks meet at the experts.
    for (std::size_t i = 0; i < one.size(); ++i)
      out_.experts[i] += times * TokenGrid::at(one, TokenGrid::point(i) * data_);
    weights_ += shape_.expert_layers * shape_.experts * 3 * shape_.hidden *
                shape_.expert_intermediate / width_ * bytes_per_weight(types_.experts);
  }

  void exchange() {
    const double hidden = shape_.hidden * 2;  // bytes of one token
    const double mixers = shape_.layers();
    double reduced = mixers + shape_.dense_layers + shape_.expert_layers;
    if (data_ > 1 && shape_.expert_layers > 0) {
      reduced = mixers + shape_.dense_layers;
      for (const Collective what : {Collective::AllGather, Collective::ReduceScatter})
        add(out_.exchange, operators_.collective(what, hidden * data_, width_),
            shape_.expert_layers);
    }
    if (ranks_ > 1)
      add(out_.exchange, operators_.collective(Collective::AllReduce, hidden, ranks_), reduced);
    if (stages_ > 1) {
      const DeviceRates& rates = operators_.rates();
      const bool near = width_ * stages_ <= rates.per_host;
      for (std::size_t i = 0; i < out_.exchange.size(); ++i)
        out_.exchange[i] +=
            (stages_ - 1) *
            (kTransferNanos + TokenGrid::point(i) * hidden / (near ? rates.link : rates.network));
    }
  }

  /// Norms, residuals and activations: what they read and write.
  void elementwise() {
    const double inner =
        shape_.intermediate > 0 ? shape_.intermediate : shape_.expert_intermediate * shape_.top_k;
    const double bytes = shape_.layers() * (16 * shape_.hidden + 6 * inner / ranks_);
    for (std::size_t i = 0; i < out_.elementwise.size(); ++i)
      out_.elementwise[i] = bytes * TokenGrid::point(i) / operators_.rates().bandwidth;
  }

  void head() {
    out_.head = operators_.gemm(Dtype::Bf16, shape_.vocab / ranks_, shape_.hidden);
    weights_ += 2 * shape_.vocab / ranks_ * shape_.hidden * 2;
  }

  /// From the time of whole prompts to a rate; the launch that a prompt of one token costs is left
  /// to the overheads.
  void prompt_rates() {
    const double launch = prompts_[0];
    TokenCurve& rate = out_.prefill_attention_rate;
    for (std::size_t i = 0; i < rate.size(); ++i) {
      const double tokens = TokenGrid::point(i);
      rate[i] = std::max(0.0, prompts_[i] - launch) / tokens;
      // More tokens never take less, between the points too.
      if (i > 0) {
        const double step = tokens - TokenGrid::point(i - 1);
        rate[i] = std::max(rate[i], rate[i - 1] * tokens / (tokens + step));
      }
    }
  }

  void sizes() {
    out_.weights_bytes_per_accelerator = weights_ / stages_;
    const double layers = shape_.attention_layers / stages_;
    out_.kv_bytes_per_token =
        shape_.latent ? layers * ((shape_.kv_lora + shape_.rope) * element_bytes(setup_) +
                                  (shape_.index_dim > 0 ? shape_.index_dim + 4 : 0))
                      : layers * 2 * kv_heads() * shape_.head_dim * element_bytes(setup_);
  }

  const Operators& operators_;
  const MemorySetup& setup_;
  ModelShape shape_;
  BlockTypes types_;
  int ranks_, data_, width_, groups_, stages_;
  Dtype kv_ = Dtype::Bf16;
  double weights_ = 0;
  TokenCurve prompts_{};  // attention of a whole prompt
  CompiledSteps out_;
};

}  // namespace

double CompiledSteps::attention_of(double batch, double cached) const {
  const auto row = BatchGrid::place(batch);
  const auto column = ContextGrid::place(cached + 1);
  const double low = ContextGrid::at(decode_attention[row.index], column);
  return low + row.weight * (ContextGrid::at(decode_attention[row.index + 1], column) - low);
}

PartAmounts CompiledSteps::amounts(const StepShape& shape) const {
  PartAmounts out{};
  const auto at = [&](Part part) -> double& { return out[static_cast<std::size_t>(part)]; };
  if (shape.tokens() <= 0) return out;
  const auto tokens = static_cast<double>(shape.tokens());
  const bool prompts = shape.prefill_tokens > 0;
  const auto place = TokenGrid::place(tokens);
  at(prompts ? Part::PrefillGemm : Part::DecodeGemm) = TokenGrid::at(gemm, place);
  at(prompts ? Part::PrefillExperts : Part::DecodeExperts) = TokenGrid::at(experts, place);
  at(prompts ? Part::PrefillExchange : Part::DecodeExchange) = TokenGrid::at(exchange, place);
  at(prompts ? Part::PrefillLayers : Part::DecodeLayers) = layers;
  at(Part::Elementwise) = TokenGrid::at(elementwise, place);
  if (shape.sampled() > 0)
    at(Part::Head) = TokenGrid::at(head, static_cast<double>(shape.sampled()));
  if (shape.decodes > 0) {
    const auto batch = static_cast<double>(shape.decodes);
    at(Part::DecodeAttention) =
        attention_of(batch, static_cast<double>(shape.decode_context) / batch);
  }
  for (const PrefillChunk& chunk : shape.prefills) {
    const auto cached = static_cast<double>(chunk.cached);
    at(Part::PrefillAttention) +=
        prompt_attention(cached + static_cast<double>(chunk.tokens)) - prompt_attention(cached);
  }
  const auto chunks = static_cast<double>(shape.prefills.size());
  at(Part::Steps) = 1;
  at(Part::Sequences) = static_cast<double>(shape.decodes) + chunks;
  at(Part::PrefillSequences) = chunks;
  at(Part::PrefillTokens) = static_cast<double>(shape.prefill_tokens);
  return out;
}

Result<CompiledSteps> compile_steps(const OperatorTables& tables, const catalog::Model& model,
                                    const catalog::Accelerator& accelerator,
                                    const MemorySetup& setup) {
  const auto split = layout(setup);
  if (!split) return fail(split.error());
  const auto operators = Operators::of(tables, accelerator);
  if (!operators) return fail(operators.error());
  CompiledSteps out = Compiler(*operators, model, setup, *split).run();
  // Where the memory model knows the sizes, there is one truth.
  const FitAnswer sizes = fits(model, accelerator, setup);
  if (sizes.fit != Fit::UnknownSize) {
    out.weights_bytes_per_accelerator = sizes.use.weights_bytes_per_accelerator;
    out.kv_bytes_per_token = sizes.use.kv_bytes_per_token;
  } else {
    out.extrapolated.push_back(sizes.sentence + "; sizes are estimated from what is stated");
  }
  return out;
}

}  // namespace kneepoint::perfmodel
