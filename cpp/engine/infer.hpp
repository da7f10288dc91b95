// infer: one topic at the close of a worker nonce. Prepared once, then every forecaster's row and
// every pass of the bundle is independent of the others and writes only its own slots.
// allora-chain v0.17, x/emissions/keeper/inference_synthesis/network_inference_builder.go.
#pragma once

#include "../formula/confidence_interval.hpp"
#include "../formula/forecast_implied.hpp"
#include "../formula/network_inference.hpp"

namespace allora {

// Buffers of one topic's inference; one per thread, or one per thread of a large topic's passes.
template <class Real>
struct InferScratch {
    Prepared<Real> prepared;
    List<PassScratch<Real>> pass;
    List<Cause> causes;
    List<std::uint8_t> kept; // per inferer: no outlier
};

// Runs kernel(index, thread) for all indices: in a loop here, on the pool for a large topic.
struct InOrder {
    template <class Kernel>
    ALLORA_HD void operator()(std::int64_t count, const Kernel& kernel) const {
        for (std::int64_t i = 0; i < count; ++i) {
            kernel(i, 0);
        }
    }
};

template <class Real, class Run = InOrder>
ALLORA_HD void infer_topic(const Rules& rules, const TopicEpoch<Real>& epoch,
                           const TopicState<Real>& state, InferScratch<Real>& scratch,
                           TopicInference<Real>& out, const Run& run = {}) {
    Prepared<Real>& prepared = scratch.prepared;
    if (scratch.pass.empty()) {
        scratch.pass.resize(1);
    }
    if (!prepare(rules, epoch, state, prepared, out)) {
        return;
    }
    run(prepared.forecasters, [&](std::int64_t k, int thread) {
        imply_forecast(rules, epoch, state, prepared, static_cast<std::int32_t>(k),
                       scratch.pass[static_cast<std::size_t>(thread)], out);
    });
    join_forecasts(rules, epoch, prepared, out);
    const std::int64_t passes = pass_count(prepared);
    scratch.causes.assign(static_cast<std::size_t>(passes), Cause::none);
    constexpr std::int64_t most = passes_at_once<Real>;
    run((passes + most - 1) / most, [&](std::int64_t group, int thread) {
        const std::int64_t first = group * most;
        const std::int64_t count = passes - first < most ? passes - first : most;
        run_passes(rules, epoch, state, prepared, first,
                   std::span<Cause>(scratch.causes.data() + first, static_cast<std::size_t>(count)),
                   scratch.pass[static_cast<std::size_t>(thread)], out);
    });
    for (std::int64_t pass = 0; pass < passes; ++pass) {
        if (const Cause cause = scratch.causes[static_cast<std::size_t>(pass)];
            cause != Cause::none) {
            const Pass failed = pass_at(prepared, pass);
            set_fault(out, cause, field_of(failed), role_of(failed), failed.actor);
        }
    }
    if (out.status.ok()) {
        set_confidence_interval(epoch, prepared, scratch.pass[0], out);
        set_normalized_weights(out);
    }
}

} // namespace allora
