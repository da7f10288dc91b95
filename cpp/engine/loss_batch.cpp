// The batch loop of losses, over blocks of rows so that one large part keeps all threads busy.
#include "loss_batch.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace allora {

namespace {

constexpr std::int64_t block_rows = 1024;

// The number that a stored one is computed in.
inline void load(const Column<double>& column, std::int64_t i, Float64Pair& value) {
    value = Float64Pair(column.data[i]);
}

inline void store(double* column, std::int64_t i, const Float64Pair& value, Overflow&) {
    column[i] = value.rounded();
}

inline void store_infinity(double* column, std::int64_t i) {
    column[i] = std::numeric_limits<double>::infinity();
}
inline void store_infinity(Decimal* column, std::int64_t i) {
    column[i] = from_big(BigDecimal::infinity(false));
}

template <class Real, class Stored>
LossParams<Real> load_params(const Column<Stored>& column, std::int64_t part) {
    LossParams<Real> params;
    auto at = part * static_cast<std::int64_t>(loss_param_fields<Real>.size());
    for (const auto& [name, member] : loss_param_fields<Real>) {
        load(column, at++, params.*member);
    }
    return params;
}

struct Block {
    std::int64_t part;
    std::int64_t begin; // rows of the part
    std::int64_t end;
};

template <class Stored>
class Losses {
public:
    Losses(DecimalFunctions functions, const LossColumns<Stored>& columns,
           LossResults<Stored>& results)
        : functions_(functions), columns_(columns), results_(results) {
        for (std::int64_t part = 0; part < columns.parts; ++part) {
            const std::int64_t rows = columns.loss_offsets[part + 1] - columns.loss_offsets[part];
            for (std::int64_t row = 0; row < rows; row += block_rows) {
                blocks_.push_back({part, row, std::min(row + block_rows, rows)});
            }
        }
        results.overflow.assign(blocks_.size(), {});
    }

    std::int64_t blocks() const { return static_cast<std::int64_t>(blocks_.size()); }

    void block(std::int64_t index) {
        if constexpr (std::is_same_v<Stored, double>) {
            Run<Float64Pair>(*this, index).rows();
        } else {
            Run<Decimal>(*this, index).rows();
        }
    }

private:
    // One block in one kind of number. What does not fit into Decimal is computed again, that row
    // alone, in BigDecimal.
    template <class Real>
    class Run {
    public:
        Run(Losses& losses, std::int64_t index)
            : losses_(losses), index_(index),
              block_(losses.blocks_[static_cast<std::size_t>(index)]),
              labels_(losses.columns_.labels[block_.part]), loss_(function()),
              truth_(static_cast<std::size_t>(labels_)), value_(static_cast<std::size_t>(labels_)) {
        }

        void rows() {
            for (std::int64_t row = block_.begin; row < block_.end; ++row) {
                one(row);
            }
        }

        void one(std::int64_t row) {
            const LossColumns<Stored>& columns = losses_.columns_;
            const std::int64_t truths = columns.truth_offsets[block_.part];
            const bool shared = columns.truth_offsets[block_.part + 1] - truths == labels_;
            const std::int64_t value = columns.value_offsets[block_.part] + row * labels_;
            const std::int64_t out = columns.loss_offsets[block_.part] + row;
            Cause cause = read(columns.truths, shared ? truths : truths + row * labels_, truth_);
            if (cause == Cause::none) {
                cause = read(columns.values, value, value_);
            }
            Loss<Real> loss = no_loss<Real>(cause);
            if (cause == Cause::none) {
                loss = loss_(truth_, value_);
            }
            put(row, out, loss);
        }

    private:
        LossFunction<Real> function() const {
            const LossColumns<Stored>& columns = losses_.columns_;
            const LossKind& kind = columns.kinds[block_.part];
            return {losses_.functions_, kind.method, kind.scale,
                    load_params<Real>(columns.params, block_.part)};
        }

        // Cause::missing_value for an absent row, else the first number that is none.
        Cause read(const Column<Stored>& column, std::int64_t begin, std::vector<Real>& numbers) {
            Cause cause = Cause::none;
            for (std::size_t l = 0; l < numbers.size(); ++l) {
                const auto at = begin + static_cast<std::int64_t>(l);
                load(column, at, numbers[l]);
                Cause own = Number<Real>::fault(numbers[l]);
                if constexpr (std::is_same_v<Stored, double>) {
                    own = Number<double>::fault(column.data[at]);
                    own = own == Cause::range ? Cause::infinite_arg : own;
                }
                cause = cause == Cause::none ? own : cause;
            }
            return cause;
        }

        void put(std::int64_t row, std::int64_t out, const Loss<Real>& loss) {
            LossResults<Stored>& results = losses_.results_;
            if constexpr (std::is_same_v<Real, Decimal>) {
                if (loss.cause == Cause::does_not_fit) {
                    Run<BigDecimal>(losses_, index_).one(row);
                    return;
                }
            }
            const bool absent = loss.cause == Cause::missing_value;
            results.causes[out] = absent ? 0 : static_cast<std::uint16_t>(loss.cause);
            if (loss.cause == Cause::none) {
                store(results.losses, out, loss.value,
                      results.overflow[static_cast<std::size_t>(index_)]);
            } else if (loss.cause == Cause::infinite) {
                store_infinity(results.losses, out);
            } else {
                results.losses[out] = Number<Stored>::missing();
            }
        }

        Losses& losses_;
        std::int64_t index_;
        Block block_;
        std::int64_t labels_;
        LossFunction<Real> loss_;
        std::vector<Real> truth_;
        std::vector<Real> value_;
    };

    DecimalFunctions functions_;
    const LossColumns<Stored>& columns_;
    LossResults<Stored>& results_;
    std::vector<Block> blocks_;
};

} // namespace

template <class Stored>
void loss_batch(DecimalFunctions functions, Host& host, const LossColumns<Stored>& columns,
                LossResults<Stored>& results) {
    Losses<Stored> losses(functions, columns, results);
    host.for_each(losses.blocks(), [&](std::int64_t index, int) { losses.block(index); });
}

template void loss_batch(DecimalFunctions, Host&, const LossColumns<double>&, LossResults<double>&);
template void loss_batch(DecimalFunctions, Host&, const LossColumns<Decimal>&,
                         LossResults<Decimal>&);

} // namespace allora
