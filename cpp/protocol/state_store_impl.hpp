// Bodies of StoredState; included by state_store.hpp.
#pragma once

#include "state_store.hpp"

namespace allora {

template <class Real>
std::size_t StoredState<Real>::add_inferer(std::uint32_t actor) {
    const std::size_t at = inferers.add(actor);
    if (at < regrets->inferer_regret.size()) {
        return at;
    }
    const Real missing = Number<Real>::missing();
    StoredRegrets<Real>& lists = regrets.edit();
    lists.inferer_regret.push_back(missing);
    lists.naive_inferer_regret.push_back(missing);
    lists.inferer_weight.push_back(missing);
    inclusions.edit().inferers.push_back(no_count);
    PairFamilies<Real>& pairs = lists.pairs;
    const std::size_t i = inferers.size();
    const std::size_t f = forecasters.size();
    pairs.one_out_inferer_inferer.grow(i, i);
    pairs.one_out_inferer_forecaster.grow(i, f);
    pairs.one_out_forecaster_inferer.grow(f, i);
    pairs.one_in_inferer.grow(f, i);
    if (const std::int64_t both = forecasters.find(actor); both >= 0) {
        const auto q = static_cast<std::size_t>(both);
        pairs.one_in_inferer.at(q, at) = std::exchange(pairs.one_in_self[q], missing);
    }
    return at;
}

template <class Real>
std::size_t StoredState<Real>::add_forecaster(std::uint32_t actor) {
    const std::size_t at = forecasters.add(actor);
    if (at < regrets->forecaster_regret.size()) {
        return at;
    }
    const Real missing = Number<Real>::missing();
    StoredRegrets<Real>& lists = regrets.edit();
    lists.forecaster_regret.push_back(missing);
    lists.forecaster_weight.push_back(missing);
    inclusions.edit().forecasters.push_back(no_count);
    PairFamilies<Real>& pairs = lists.pairs;
    pairs.one_in_self.push_back(missing);
    const std::size_t i = inferers.size();
    const std::size_t f = forecasters.size();
    pairs.one_out_inferer_forecaster.grow(i, f);
    pairs.one_out_forecaster_inferer.grow(f, i);
    pairs.one_out_forecaster_forecaster.grow(f, f);
    pairs.one_in_inferer.grow(f, i);
    return at;
}

template <class Real>
Real* StoredState<Real>::one_in_entry(std::size_t forecaster, std::uint32_t actor) {
    PairFamilies<Real>& pairs = regrets.edit().pairs;
    if (const std::int64_t j = inferers.find(actor); j >= 0) {
        return &pairs.one_in_inferer.at(forecaster, static_cast<std::size_t>(j));
    }
    return forecasters.actor(forecaster) == actor ? &pairs.one_in_self[forecaster] : nullptr;
}

namespace shelf {

// `stride` columns per dense row, of which the first are filled.
template <class Real>
void gather_grid(const Grid<Real>& stored, const Indices& rows, const Indices& columns,
                 std::size_t stride, List<Real>& dense) {
    dense.resize(rows.size() * stride);
    const bool consecutive = columns.are_consecutive();
    if (consecutive && columns.size() == stride && stored.columns() == stride &&
        stored.is_dense() && rows.are_consecutive()) {
        const Real* from = &stored.at(static_cast<std::size_t>(rows[0]), 0);
        std::copy(from, from + rows.size() * stride, dense.begin());
        return;
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (consecutive && rows[r] >= 0) {
            const Real* row =
                &stored.at(static_cast<std::size_t>(rows[r]), static_cast<std::size_t>(columns[0]));
            Real* to = dense.data() + r * stride;
            std::copy(row, row + columns.size(), to);
            std::fill(to + columns.size(), to + stride, Number<Real>::missing());
            continue;
        }
        for (std::size_t c = 0; c < stride; ++c) {
            const bool has = rows[r] >= 0 && c < columns.size() && columns[c] >= 0;
            dense[r * stride + c] = has ? stored.at(static_cast<std::size_t>(rows[r]),
                                                    static_cast<std::size_t>(columns[c]))
                                        : Number<Real>::missing();
        }
    }
}

// Values that are missing stay what they were: a pair that was not settled keeps its old regret.
template <class Real>
void scatter_grid(const List<Real>& dense, const Indices& rows, const Indices& columns,
                  std::size_t stride, Grid<Real>& stored) {
    const bool consecutive = columns.are_consecutive();
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (consecutive) {
            const Real* from = dense.data() + r * stride;
            Real* row =
                &stored.at(static_cast<std::size_t>(rows[r]), static_cast<std::size_t>(columns[0]));
            for (std::size_t c = 0; c < columns.size(); ++c) {
                row[c] = Number<Real>::is_missing(from[c]) ? row[c] : from[c];
            }
            continue;
        }
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const Real& value = dense[r * stride + c];
            if (!Number<Real>::is_missing(value)) {
                stored.at(static_cast<std::size_t>(rows[r]), static_cast<std::size_t>(columns[c])) =
                    value;
            }
        }
    }
}

} // namespace shelf

template <class Real>
void StoredState<Real>::gather(std::span<const std::uint32_t> inferer,
                               std::span<const std::uint32_t> forecaster,
                               std::span<const std::int32_t> shared,
                               TopicState<Real>& dense) const {
    using namespace shelf;
    const Indices i = indices_of(inferers, inferer);
    const Indices f = indices_of(forecasters, forecaster);
    const Real missing = Number<Real>::missing();
    const StoredRegrets<Real>& lists = *regrets;
    const PairFamilies<Real>& pairs = lists.pairs;
    dense.initial_regret = initial_regret;
    dense.regret_scale = regret_scale;
    dense.previous_combined_loss = previous_combined_loss;
    dense.inference_median = inference_median;
    dense.inference_median_absolute_deviation = inference_median_absolute_deviation;
    gather_list(lists.inferer_regret, i, missing, dense.inferer_regret);
    gather_list(lists.naive_inferer_regret, i, missing, dense.naive_inferer_regret);
    gather_list(lists.inferer_weight, i, missing, dense.inferer_weight);
    gather_list(lists.forecaster_regret, f, missing, dense.forecaster_regret);
    gather_list(lists.forecaster_weight, f, missing, dense.forecaster_weight);
    gather_list(inclusions->inferers, i, no_count, dense.inferer_inclusions);
    gather_list(inclusions->forecasters, f, no_count, dense.forecaster_inclusions);
    for (List<std::uint64_t>* counts : {&dense.inferer_inclusions, &dense.forecaster_inclusions}) {
        std::replace(counts->begin(), counts->end(), no_count, std::uint64_t{0});
    }
    gather_grid(pairs.one_out_inferer_inferer, i, i, i.size(),
                dense.one_out_inferer_inferer_regret);
    gather_grid(pairs.one_out_inferer_forecaster, i, f, f.size(),
                dense.one_out_inferer_forecaster_regret);
    gather_grid(pairs.one_out_forecaster_inferer, f, i, i.size(),
                dense.one_out_forecaster_inferer_regret);
    gather_grid(pairs.one_out_forecaster_forecaster, f, f, f.size(),
                dense.one_out_forecaster_forecaster_regret);
    gather_grid(pairs.one_in_inferer, f, i, i.size() + 1, dense.one_in_forecaster_regret);
    // One address is one key, in whichever role it came first and whichever it has now.
    for (std::size_t q = 0; q < f.size(); ++q) {
        if (f[q] >= 0) {
            const std::int64_t both = inferers.find(forecaster[q]);
            const auto row = static_cast<std::size_t>(f[q]);
            const std::size_t column =
                shared[q] >= 0 ? static_cast<std::size_t>(shared[q]) : i.size();
            dense.one_in_forecaster_regret[q * (i.size() + 1) + column] =
                both >= 0 ? pairs.one_in_inferer.at(row, static_cast<std::size_t>(both))
                          : pairs.one_in_self[row];
        }
    }
}

template <class Real>
void StoredState<Real>::scatter(std::span<const std::uint32_t> inferer,
                                std::span<const std::uint32_t> forecaster,
                                std::span<const std::int32_t> shared,
                                const TopicState<Real>& dense) {
    using namespace shelf;
    initial_regret = dense.initial_regret;
    regret_scale = dense.regret_scale;
    previous_combined_loss = dense.previous_combined_loss;
    inference_median = dense.inference_median;
    inference_median_absolute_deviation = dense.inference_median_absolute_deviation;
    if (inferers.is(inferer) && forecasters.is(forecaster)) {
        renew_regrets(dense);
        return;
    }
    const auto places_of = [](std::span<const std::uint32_t> actors, const auto& add) {
        std::vector<std::int64_t> places;
        for (const std::uint32_t actor : actors) {
            places.push_back(static_cast<std::int64_t>(add(actor)));
        }
        return Indices(std::move(places));
    };
    const Indices i = places_of(inferer, [this](std::uint32_t a) { return add_inferer(a); });
    const Indices f = places_of(forecaster, [this](std::uint32_t a) { return add_forecaster(a); });
    StoredRegrets<Real>& lists = regrets.edit();
    PairFamilies<Real>& pairs = lists.pairs;
    scatter_list(dense.inferer_regret, i, lists.inferer_regret);
    scatter_list(dense.naive_inferer_regret, i, lists.naive_inferer_regret);
    scatter_list(dense.inferer_weight, i, lists.inferer_weight);
    scatter_list(dense.forecaster_regret, f, lists.forecaster_regret);
    scatter_list(dense.forecaster_weight, f, lists.forecaster_weight);
    scatter_grid(dense.one_out_inferer_inferer_regret, i, i, i.size(),
                 pairs.one_out_inferer_inferer);
    scatter_grid(dense.one_out_inferer_forecaster_regret, i, f, f.size(),
                 pairs.one_out_inferer_forecaster);
    scatter_grid(dense.one_out_forecaster_inferer_regret, f, i, i.size(),
                 pairs.one_out_forecaster_inferer);
    scatter_grid(dense.one_out_forecaster_forecaster_regret, f, f, f.size(),
                 pairs.one_out_forecaster_forecaster);
    scatter_grid(dense.one_in_forecaster_regret, f, i, i.size() + 1, pairs.one_in_inferer);
    for (std::size_t q = 0; q < f.size(); ++q) {
        const Real& own = dense.one_in_forecaster_regret[(q + 1) * (i.size() + 1) - 1];
        if (shared[q] < 0 && !Number<Real>::is_missing(own)) {
            *one_in_entry(static_cast<std::size_t>(f[q]), forecaster[q]) = own;
        }
    }
}

template <class Real>
void StoredState<Real>::renew_regrets(const TopicState<Real>& dense) {
    const std::size_t i = inferers.size();
    const std::size_t f = forecasters.size();
    StoredRegrets<Real> lists;
    const auto renew_list = [](std::vector<Real>& list, const List<Real>& from) {
        list.assign(from.begin(), from.end());
    };
    renew_list(lists.inferer_regret, dense.inferer_regret);
    renew_list(lists.naive_inferer_regret, dense.naive_inferer_regret);
    renew_list(lists.inferer_weight, dense.inferer_weight);
    renew_list(lists.forecaster_regret, dense.forecaster_regret);
    renew_list(lists.forecaster_weight, dense.forecaster_weight);
    PairFamilies<Real>& pairs = lists.pairs;
    const auto renew = [](Grid<Real>& grid, std::size_t rows, std::size_t columns,
                          std::size_t stride, const List<Real>& from) {
        grid.assign(rows, columns, stride, from.data());
    };
    renew(pairs.one_out_inferer_inferer, i, i, i, dense.one_out_inferer_inferer_regret);
    renew(pairs.one_out_inferer_forecaster, i, f, f, dense.one_out_inferer_forecaster_regret);
    renew(pairs.one_out_forecaster_inferer, f, i, i, dense.one_out_forecaster_inferer_regret);
    renew(pairs.one_out_forecaster_forecaster, f, f, f, dense.one_out_forecaster_forecaster_regret);
    renew(pairs.one_in_inferer, f, i, i + 1, dense.one_in_forecaster_regret);
    pairs.one_in_self.reserve(f);
    for (std::size_t q = 0; q < f; ++q) {
        pairs.one_in_self.push_back(dense.one_in_forecaster_regret[(q + 1) * (i + 1) - 1]);
    }
    regrets.replace(std::move(lists));
}

template <class To, class From, class Convert>
StoredState<To> convert_state(const StoredState<From>& from, const Convert& convert) {
    StoredState<To> to;
    const auto list = [&](const std::vector<From>& values, std::vector<To>& converted) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            converted[i] = convert(values[i]);
        }
    };
    const auto grid = [&](const Grid<From>& values, Grid<To>& converted) {
        for (std::size_t row = 0; row < values.rows(); ++row) {
            for (std::size_t column = 0; column < values.columns(); ++column) {
                converted.at(row, column) = convert(values.at(row, column));
            }
        }
    };
    for (std::size_t j = 0; j < from.inferers.size(); ++j) {
        to.add_inferer(from.inferers.actor(j));
    }
    for (std::size_t k = 0; k < from.forecasters.size(); ++k) {
        to.add_forecaster(from.forecasters.actor(k));
    }
    to.initial_regret = convert(from.initial_regret);
    to.regret_scale = convert(from.regret_scale);
    to.previous_combined_loss = convert(from.previous_combined_loss);
    to.inference_median = convert(from.inference_median);
    to.inference_median_absolute_deviation = convert(from.inference_median_absolute_deviation);
    const StoredRegrets<From>& source = *from.regrets;
    StoredRegrets<To>& target = to.regrets.edit();
    list(source.inferer_regret, target.inferer_regret);
    list(source.naive_inferer_regret, target.naive_inferer_regret);
    list(source.inferer_weight, target.inferer_weight);
    list(source.forecaster_regret, target.forecaster_regret);
    list(source.forecaster_weight, target.forecaster_weight);
    to.inclusions = from.inclusions;
    grid(source.pairs.one_out_inferer_inferer, target.pairs.one_out_inferer_inferer);
    grid(source.pairs.one_out_inferer_forecaster, target.pairs.one_out_inferer_forecaster);
    grid(source.pairs.one_out_forecaster_inferer, target.pairs.one_out_forecaster_inferer);
    grid(source.pairs.one_out_forecaster_forecaster, target.pairs.one_out_forecaster_forecaster);
    grid(source.pairs.one_in_inferer, target.pairs.one_in_inferer);
    list(source.pairs.one_in_self, target.pairs.one_in_self);
    to.scores.edit() = from.scores->template converted<To>(convert);
    return to;
}

} // namespace allora
