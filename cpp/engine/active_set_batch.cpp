// The batch loop of submissions.
#include "active_set.hpp"

#include <array>
#include <type_traits>

namespace allora {

namespace {

struct RoleFields {
    const char* score;
    const char* quantile;
    const char* initial_score;
    const char* lowest_score;
};

constexpr std::array<RoleFields, 3> role_fields = {
    RoleFields{"inferer_score_ema", "inferer_score_quantile", "initial_inferer_score",
               "lowest_inferer_score"},
    RoleFields{"forecaster_score_ema", "forecaster_score_quantile", "initial_forecaster_score",
               "lowest_forecaster_score"},
    RoleFields{"reputer_score_ema", "reputer_score_quantile", "initial_reputer_score",
               "lowest_reputer_score"},
};

template <class Stored>
class Submitting {
public:
    Submitting(const Rules& rules, const ActiveSetColumns<Stored>& columns,
               ActiveSetResults<Stored>& results)
        : rules_(rules), columns_(columns), results_(results) {}

    void window(std::int64_t w) {
        if constexpr (std::is_same_v<Stored, double>) {
            run<double>(w);
        } else if (!run<Decimal>(w)) {
            run<BigDecimal>(w);
        }
    }

private:
    // False where a digit did not fit: the window then starts again with longer numbers.
    template <class Real>
    bool run(std::int64_t w) {
        SubmissionWindow<Real> window;
        ActiveSet<Real> set;
        const Status unusable = load_window(w, window, set);
        if (starts_again<Real>(unusable.cause)) {
            return false;
        }
        const std::int64_t begin = columns_.submission_offsets[w];
        const std::int64_t end = columns_.submission_offsets[w + 1];
        Sortition<Real> sortition(rules_, window, set);
        const auto role = static_cast<std::size_t>(window.role);
        for (std::int64_t s = begin; s < end; ++s) {
            const std::int32_t actor = columns_.submission_actor[s];
            Status status = unusable;
            Submitted result;
            if (status.ok()) {
                result = sortition.submit(actor);
                status = {result.cause, role_fields[role].score, actor};
            }
            if (starts_again<Real>(status.cause)) {
                return false;
            }
            results_.outcome[s] = static_cast<std::uint8_t>(result.outcome);
            results_.displaced[s] = result.displaced;
            results_.status[static_cast<std::size_t>(s)] = status;
        }
        write(w, set);
        return true;
    }

    template <class Real>
    static bool starts_again(Cause cause) {
        return cause == Cause::does_not_fit && !std::is_same_v<Real, BigDecimal>;
    }

    template <class Real>
    Status load_window(std::int64_t w, SubmissionWindow<Real>& window, ActiveSet<Real>& set) {
        window.role = static_cast<Role>(columns_.role[w]);
        window.nonce = columns_.nonce[w];
        window.seats = columns_.seats[w];
        window.epoch_last_ended = columns_.epoch_last_ended[w];
        window.epoch_length = columns_.epoch_length[w];
        window.ground_truth_lag = columns_.ground_truth_lag[w];
        load(columns_.merit_sortition_alpha, w, window.merit_sortition_alpha);
        load(columns_.quantile, w, set.quantile);
        load(columns_.initial_score, w, set.initial_score);
        set.lowest.actor = columns_.lowest_actor[w];
        set.lowest.height = columns_.lowest_height[w];
        load(columns_.lowest_score, w, set.lowest.score);
        const std::int64_t begin = columns_.actor_offsets[w];
        const std::int64_t count = columns_.actor_offsets[w + 1] - begin;
        set.score.resize(static_cast<std::size_t>(count));
        set.height.assign(columns_.height + begin, columns_.height + begin + count);
        set.active.assign(columns_.active + begin, columns_.active + begin + count);
        for (std::int64_t i = 0; i < count; ++i) {
            load(columns_.score, begin + i, set.score[static_cast<std::size_t>(i)]);
            set.members += set.active[static_cast<std::size_t>(i)];
        }
        return check(window, set);
    }

    template <class Real>
    static Status check(const SubmissionWindow<Real>& window, const ActiveSet<Real>& set) {
        if (window.nonce < 1 || window.seats < 1 || window.epoch_length < 1) {
            return {Cause::out_of_range,
                    window.nonce < 1 ? "nonce" : (window.seats < 1 ? "seats" : "epoch_length")};
        }
        const RoleFields& fields = role_fields[static_cast<std::size_t>(window.role)];
        if (carries_fault(window.merit_sortition_alpha)) {
            return {Number<Real>::fault(window.merit_sortition_alpha), "merit_sortition_alpha"};
        }
        if (carries_fault(set.quantile)) {
            return {Number<Real>::fault(set.quantile), fields.quantile};
        }
        if (carries_fault(set.initial_score)) {
            return {Number<Real>::fault(set.initial_score), fields.initial_score};
        }
        if (set.lowest.actor >= 0 && carries_fault(set.lowest.score)) {
            return {Number<Real>::fault(set.lowest.score), fields.lowest_score, set.lowest.actor};
        }
        for (std::size_t i = 0; i < set.score.size(); ++i) {
            if (!Number<Real>::is_missing(set.score[i]) && carries_fault(set.score[i])) {
                return {Number<Real>::fault(set.score[i]), fields.score,
                        static_cast<std::int32_t>(i)};
            }
        }
        return {};
    }

    template <class Real>
    void write(std::int64_t w, const ActiveSet<Real>& set) {
        const auto at = static_cast<std::size_t>(w);
        const std::int64_t begin = columns_.actor_offsets[w];
        results_.score_overflow[at].clear();
        for (std::size_t i = 0; i < set.score.size(); ++i) {
            const auto to = begin + static_cast<std::int64_t>(i);
            store(results_.score, to, set.score[i], results_.score_overflow[at]);
            results_.height[to] = set.height[i];
            results_.active[to] = set.active[i];
        }
        results_.lowest_actor[w] = set.lowest.actor;
        results_.lowest_height[w] = set.lowest.height;
        store(results_.lowest_score, w, set.lowest.score, results_.lowest_overflow[at]);
    }

    const Rules& rules_;
    const ActiveSetColumns<Stored>& columns_;
    ActiveSetResults<Stored>& results_;
};

} // namespace

template <class Stored>
void submit_batch(const Rules& rules, Host& host, const ActiveSetColumns<Stored>& columns,
                  ActiveSetResults<Stored>& results) {
    const auto windows = static_cast<std::size_t>(columns.windows);
    results.status.assign(static_cast<std::size_t>(columns.submission_offsets[columns.windows]),
                          {});
    results.score_overflow.assign(windows, {});
    results.lowest_overflow.assign(windows, {});
    Submitting<Stored> submitting(rules, columns, results);
    host.for_each(columns.windows, [&](std::int64_t w, int) { submitting.window(w); });
}

template void submit_batch(const Rules&, Host&, const ActiveSetColumns<double>&,
                           ActiveSetResults<double>&);
template void submit_batch(const Rules&, Host&, const ActiveSetColumns<Decimal>&,
                           ActiveSetResults<Decimal>&);

} // namespace allora
