#include "workload/generator.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "workload/arrival.h"
#include "workload/length_batch.h"
#include "workload/prompts.h"
#include "workload/trace.h"

namespace kneepoint::workload {
namespace {

using ArrivalsResult = Result<std::unique_ptr<ArrivalSchedule>>;

/// The pattern alone, at a steady rate.
std::unique_ptr<ArrivalSchedule> steady(const Arrivals& a, double rate, std::uint64_t seed) {
  switch (a.pattern) {
    case ArrivalPattern::Poisson:
      return poisson_arrivals(Rate<Requests>(rate), seed);
    case ArrivalPattern::Gamma:
      return gamma_arrivals(Rate<Requests>(rate), a.burstiness, seed);
    case ArrivalPattern::Constant:
    case ArrivalPattern::Trace:
      break;
  }
  return constant_arrivals(Rate<Requests>(rate));
}

ArrivalsResult make_arrivals(const RunSpec& spec) {
  if (!spec.arrivals) return nullptr;
  const Arrivals& a = *spec.arrivals;
  if (a.pattern == ArrivalPattern::Trace) {
    const auto trace = read_trace(a.file);
    if (!trace) return fail(Error(trace.error()).during("arrivals.file"));
    if (!trace->timed) {
      return fail(ErrorCode::InvalidArgument,
                  "arrivals.file: " + a.file + " has no column of times");
    }
    std::vector<Nanos> due;
    due.reserve(trace->rows.size());
    for (const TraceRow& row : trace->rows) due.push_back(row.due);
    return trace_arrivals(std::move(due), a.speed);
  }
  if (!a.ramp) return steady(a, a.rate, spec.seed);
  return ramp_arrivals(Rate<Requests>(a.ramp->from), Rate<Requests>(a.rate), a.ramp->over,
                       steady(a, 1, spec.seed));
}

struct Shape {
  Tokens input, output;
  std::vector<std::int64_t> blocks{};
};

/// How long each turn of a prompt is. A function of the prompt's number and the turn's, so a prompt
/// used again is the same request again.
class Shapes {
 public:
  static Result<Shapes> open(const RunSpec& spec) {
    Shapes out(spec.seed);
    out.order_ = spec.lengths.order;
    if (!spec.lengths.pairs.empty()) {
      auto trace = read_trace(spec.lengths.pairs);
      if (!trace) return fail(std::move(trace.error()).during("lengths.pairs"));
      for (TraceRow& row : trace->rows) {
        out.pairs_.push_back({row.input, row.output, std::move(row.blocks)});
      }
      return out;
    }
    auto input = make_length(spec.lengths.input, Side::Input);
    if (!input) return fail(std::move(input.error()).during("lengths.input"));
    auto output = make_length(spec.lengths.output, Side::Output);
    if (!output) return fail(std::move(output.error()).during("lengths.output"));
    out.input_ = std::move(*input);
    out.output_ = std::move(*output);
    return out;
  }

  bool drawn() const { return pairs_.empty(); }
  /// Of the only turn of each of the prompts from `first` on, where drawn().
  void draw(std::int64_t first, std::span<Tokens> input, std::span<Tokens> output) const {
    draw_first(*input_, input_streams_, static_cast<std::uint64_t>(first), input);
    draw_first(*output_, output_streams_, static_cast<std::uint64_t>(first), output);
  }

  /// `first_row` is the first of a prompt's rows in a file read in its order.
  /// Into `shapes`, which keeps its memory from one prompt to the next.
  void of(std::int64_t prompt, int turns, std::int64_t first_row,
          std::vector<Shape>& shapes) const {
    const auto index = static_cast<std::uint64_t>(prompt);
    shapes.clear();
    shapes.reserve(static_cast<std::size_t>(turns));
    if (!pairs_.empty()) {
      Random random = pair_streams_.at(index);
      for (int turn = 0; turn < turns; ++turn) {
        const auto row = order_ == Lengths::Order::File
                             ? static_cast<std::uint64_t>(first_row + turn) % pairs_.size()
                             : random.below(pairs_.size());
        shapes.push_back(pairs_[row]);
      }
      return;
    }
    Random input = input_streams_.at(index);
    Random output = output_streams_.at(index);
    for (int turn = 0; turn < turns; ++turn) {
      shapes.push_back({input_->draw(input), output_->draw(output)});
    }
  }

 private:
  explicit Shapes(std::uint64_t seed)
      : pair_streams_(seed, "pairs"),
        input_streams_(seed, "input"),
        output_streams_(seed, "output") {}

  RandomStreams pair_streams_, input_streams_, output_streams_;
  Lengths::Order order_ = Lengths::Order::File;
  std::vector<Shape> pairs_;
  std::unique_ptr<LengthDistribution> input_, output_;
};

}  // namespace

struct Generator::State {
  State(RunSpec run, std::unique_ptr<ArrivalSchedule> schedule, Shapes lengths,
        std::unique_ptr<LengthDistribution> turn_counts)
      : spec(std::move(run)),
        arrivals(std::move(schedule)),
        shapes(std::move(lengths)),
        turns(std::move(turn_counts)),
        prompts(spec.prefix, spec.seed),
        single(!turns && !spec.prefix && shapes.drawn()) {}

  std::int64_t left() const { return spec.requests.value_or(kMostRequests) - planned; }

  int turns_of(std::int64_t prompt) const {
    if (!turns) return 1;
    Random random(spec.seed, "turns", static_cast<std::uint64_t>(prompt));
    return static_cast<int>(std::min(turns->draw(random).count(), kMostTurns));
  }

  /// The rows of a file in its order go to prompts one after the other; a prompt that comes again
  /// keeps its rows. Prompts that are always new need no table.
  std::int64_t first_row(std::int64_t prompt, int count) {
    const bool again = spec.prefix && spec.prefix->prompts_per_group;
    if (!again) return std::exchange(next_row, next_row + count);
    const auto at = static_cast<std::size_t>(prompt);
    if (rows.size() <= at) rows.resize(at + 1, -1);
    if (rows[at] < 0) rows[at] = std::exchange(next_row, next_row + count);
    return rows[at];
  }

  /// The next request of a run in which each is a session of its own with lengths of its own: what
  /// has no say in another's is drawn for some at once, which takes half the time of one by one.
  std::optional<RequestPlan> next_single() {
    std::optional<RequestPlan> out;
    if (ended || left() <= 0) return out;
    if (drawn_next == kDrawn) draw_some();
    const std::size_t at = drawn_next++;
    if (arrivals) {
      ended = due[at] == kNever || (spec.duration && due[at] >= *spec.duration);
      if (ended) return out;
    }
    RequestPlan& plan = out.emplace();
    plan.index = planned++;
    plan.due = arrivals ? Due::At : Due::WhenFree;
    plan.at = due[at];
    plan.prompt = plan.session = session++;
    plan.input = inputs[at];
    plan.output = outputs[at];
    return out;
  }

  void draw_some() {
    if (arrivals) {
      for (Nanos& one : due) one = arrivals->next();
    }
    shapes.draw(session, inputs, outputs);
    drawn_next = 0;
  }

  /// Plans the whole of the next session into `waiting`, last turn first; nothing when the run
  /// ends.
  void plan_session() {
    if (ended || left() <= 0) return;
    RequestPlan plan;
    if (arrivals) {
      plan.at = arrivals->next();
      ended = plan.at == kNever || (spec.duration && plan.at >= *spec.duration);
      if (ended) return;
    } else {
      plan.due = Due::WhenFree;
    }
    const PromptOrder::Choice choice = prompts.next();
    plan.session = session++;
    plan.prefix_group = choice.group;
    plan.prompt = choice.prompt;
    if (choice.group) plan.prefix = Tokens(spec.prefix->tokens);

    const int whole = turns_of(plan.prompt);
    shapes.of(plan.prompt, whole, first_row(plan.prompt, whole), turn_shapes);
    // The last session is cut where the count of requests is reached.
    plan.turns = static_cast<int>(std::min<std::int64_t>(whole, left()));
    std::optional<Random> think;  // a stream costs more than a draw, and most sessions are one turn
    for (plan.turn = 0; plan.turn < plan.turns; ++plan.turn) {
      if (plan.turn > 0) {
        if (!think) think.emplace(spec.seed, "think", static_cast<std::uint64_t>(plan.session));
        plan.due = Due::After;
        plan.at = spec.sessions->think.draw(*think);
        plan.history += plan.input + plan.output;
      }
      const Shape& shape = turn_shapes[static_cast<std::size_t>(plan.turn)];
      plan.index = planned++;
      plan.input = shape.input;
      plan.output = shape.output;
      plan.blocks = shape.blocks;
      if (plan.turn + 1 == plan.turns) {
        waiting.push_back(std::move(plan));
        break;
      }
      waiting.push_back(plan);
    }
    if (waiting.size() > 1) std::reverse(waiting.begin(), waiting.end());
  }

  RunSpec spec;
  std::unique_ptr<ArrivalSchedule> arrivals;  // none: closed loop
  Shapes shapes;
  std::unique_ptr<LengthDistribution> turns;  // none: one each
  PromptOrder prompts;
  bool single;  // as next_single() has it; every prompt is new, and so its number the session's
  static constexpr std::size_t kDrawn = 32;
  std::array<Nanos, kDrawn> due{};
  std::array<Tokens, kDrawn> inputs, outputs;
  std::size_t drawn_next = kDrawn;
  std::vector<RequestPlan> waiting;  // of the session begun, the next one at the back
  std::vector<Shape> turn_shapes;    // of its turns
  std::vector<std::int64_t> rows;    // of prompts used again: their first row
  std::int64_t next_row = 0;
  std::int64_t planned = 0;
  std::int64_t session = 0;
  bool ended = false;
};

Generator::Generator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;
Generator::~Generator() = default;

Result<Generator> Generator::open(const RunSpec& spec) {
  if (auto ok = check(spec); !ok) return fail(std::move(ok.error()));
  auto arrivals = make_arrivals(spec);
  if (!arrivals) return fail(std::move(arrivals.error()));
  auto shapes = Shapes::open(spec);
  if (!shapes) return fail(std::move(shapes.error()));
  std::unique_ptr<LengthDistribution> turns;
  if (spec.sessions) {
    auto made = make_length(spec.sessions->turns, Side::Input);
    if (!made) return fail(std::move(made.error()).during("sessions.turns"));
    turns = std::move(*made);
  }
  return Generator(
      std::make_unique<State>(spec, std::move(*arrivals), std::move(*shapes), std::move(turns)));
}

std::optional<RequestPlan> Generator::next() {
  if (state_->single) return state_->next_single();
  std::optional<RequestPlan> plan;
  if (state_->waiting.empty()) state_->plan_session();
  if (state_->waiting.empty()) return plan;
  plan.emplace(std::move(state_->waiting.back()));
  state_->waiting.pop_back();
  return plan;
}

}  // namespace kneepoint::workload
