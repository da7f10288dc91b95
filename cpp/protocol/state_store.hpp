// A topic's state on the shelf: every actor ever settled, and the stored regrets between them.
// Sparse in what is present, dense in memory; infer and settle get the part their actors need.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"
#include "copy_on_write.hpp"
#include "roster.hpp"
#include "state_scores.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace allora {

// A table that grows in both directions and keeps what it holds; new entries are missing.
template <class Real>
class Grid {
public:
    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    Real& at(std::size_t row, std::size_t column) { return cells_[row * stride_ + column]; }
    const Real& at(std::size_t row, std::size_t column) const {
        return cells_[row * stride_ + column];
    }

    // Whether the rows lie without a gap, the columns being those of all.
    bool is_dense() const { return stride_ == columns_; }

    // The first columns of rows that lie `stride` apart.
    void assign(std::size_t rows, std::size_t columns, std::size_t stride, const Real* from) {
        cells_.clear();
        if (stride == columns) {
            cells_.assign(from, from + rows * columns);
        } else {
            cells_.reserve(rows * columns);
            for (std::size_t row = 0; row < rows; ++row) {
                cells_.insert(cells_.end(), from + row * stride, from + row * stride + columns);
            }
        }
        rows_ = rows;
        columns_ = stride_ = columns;
    }

    void grow(std::size_t rows, std::size_t columns) {
        if (columns > stride_) {
            const std::size_t stride = std::max(columns, 2 * stride_);
            std::vector<Real> wider(rows * stride, Number<Real>::missing());
            for (std::size_t row = 0; row < rows_; ++row) {
                std::move(cells_.begin() + static_cast<std::ptrdiff_t>(row * stride_),
                          cells_.begin() + static_cast<std::ptrdiff_t>(row * stride_ + columns_),
                          wider.begin() + static_cast<std::ptrdiff_t>(row * stride));
            }
            cells_ = std::move(wider);
            stride_ = stride;
        }
        cells_.resize(rows * stride_, Number<Real>::missing());
        rows_ = rows;
        columns_ = columns;
    }

private:
    std::vector<Real> cells_;
    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
    std::size_t stride_ = 0;
};

// The families of regrets between two actors; the first one is withheld (one-in: is brought in).
template <class Real>
struct PairFamilies {
    Grid<Real> one_out_inferer_inferer;
    Grid<Real> one_out_inferer_forecaster;
    Grid<Real> one_out_forecaster_inferer;
    Grid<Real> one_out_forecaster_forecaster;
    // One key per forecaster and address: the entry of an actor of both roles is the inferer's.
    Grid<Real> one_in_inferer;
    std::vector<Real> one_in_self;
};

// Everything that settling changes of the actors on the rosters, and nothing else does.
template <class Real>
struct StoredRegrets {
    std::vector<Real> inferer_regret, naive_inferer_regret, inferer_weight;
    std::vector<Real> forecaster_regret, forecaster_weight;
    PairFamilies<Real> pairs;
};

// How often each was paid; only rewards change that.
struct StoredInclusions {
    std::vector<std::uint64_t> inferers, forecasters;
};

template <class Real>
class StoredState {
public:
    Real initial_regret = Number<Real>::from_int(0);
    Real regret_scale = Number<Real>::from_int(0);
    Real previous_combined_loss = Number<Real>::missing();
    Real inference_median = Number<Real>::from_int(0);
    Real inference_median_absolute_deviation = Number<Real>::from_int(0);

    Roster inferers;
    Roster forecasters;
    CopyOnWrite<StoredRegrets<Real>> regrets;
    CopyOnWrite<StoredInclusions> inclusions;
    CopyOnWrite<StoredScores<Real>> scores;

    std::size_t add_inferer(std::uint32_t actor);
    std::size_t add_forecaster(std::uint32_t actor);

    // The dense state of these actors; nobody is added.
    void gather(std::span<const std::uint32_t> inferer, std::span<const std::uint32_t> forecaster,
                std::span<const std::int32_t> shared, TopicState<Real>& dense) const;
    // Writes it back; actors with a value of their own join the roster.
    void scatter(std::span<const std::uint32_t> inferer, std::span<const std::uint32_t> forecaster,
                 std::span<const std::int32_t> shared, const TopicState<Real>& dense);

    // Entry (q, address) of the shared one-in table.
    Real* one_in_entry(std::size_t forecaster, std::uint32_t actor);

private:
    // scatter where these actors are all there are, in the order of the rosters: nothing of the old
    // regrets stays that was not gathered.
    void renew_regrets(const TopicState<Real>& dense);
};

// The same state in another number, value by value.
template <class To, class From, class Convert>
StoredState<To> convert_state(const StoredState<From>& from, const Convert& convert);

} // namespace allora

#include "state_store_impl.hpp"
