#include "report_slots.hpp"

#include "../number/float64_real.hpp"
#include "../protocol/value_bundle.hpp"

#include <algorithm>
#include <vector>

namespace allora::wire {

namespace {

void set_missing(double& value) {
    value = Number<double>::missing();
}
void set_missing(Decimal& value) {
    value = Decimal::missing();
}

// Positions of actors in one close's list; -1 for all others.
class Positions {
public:
    explicit Positions(std::int64_t actors) : places(static_cast<std::size_t>(actors), -1) {}

    void set(const std::int32_t* listed, std::int64_t count) {
        for (const std::int32_t actor : taken) {
            places[static_cast<std::size_t>(actor)] = -1;
        }
        taken.assign(listed, listed + count);
        for (std::int64_t at = 0; at < count; ++at) {
            places[static_cast<std::size_t>(listed[at])] = static_cast<std::int32_t>(at);
        }
    }

    std::int64_t of(std::int32_t actor) const {
        return actor < 0 ? -1 : places[static_cast<std::size_t>(actor)];
    }

private:
    std::vector<std::int32_t> places;
    std::vector<std::int32_t> taken;
};

// The slot of a value, or -1: i and f are the positions of the workers that it names.
std::int64_t slot_of(const BundleLayout& layout, std::int32_t kind, std::int64_t i,
                     std::int64_t f) {
    const auto about_inferer = [i](std::int64_t slot) { return i < 0 ? -1 : slot; };
    const auto about_forecaster = [f](std::int64_t slot) { return f < 0 ? -1 : slot; };
    switch (static_cast<LossKind>(kind)) {
    case LossKind::combined:
        return BundleLayout::combined();
    case LossKind::naive:
        return BundleLayout::naive();
    case LossKind::inferer:
        return about_inferer(layout.inferer(i));
    case LossKind::forecaster:
        return about_forecaster(layout.forecaster(f));
    case LossKind::one_out_inferer_forecaster:
        return about_inferer(about_forecaster(layout.one_out_inferer_forecaster(f, i)));
    case LossKind::one_out_inferer:
        return about_inferer(layout.one_out_inferer(i));
    case LossKind::one_out_forecaster:
        return about_forecaster(layout.one_out_forecaster(f));
    case LossKind::one_in_forecaster:
        return about_forecaster(layout.one_in_forecaster(f));
    }
    return -1;
}

} // namespace

template <class Stored>
void fill_reports(const ReportRows<Stored>& rows, Stored* slots) {
    Positions inferers(rows.actors);
    Positions forecasters(rows.actors);
    for (std::int64_t close = 0; close < rows.closes; ++close) {
        const std::int64_t i = rows.inferer_offsets[close];
        const std::int64_t f = rows.forecaster_offsets[close];
        const BundleLayout layout{rows.inferer_offsets[close + 1] - i,
                                  rows.forecaster_offsets[close + 1] - f};
        inferers.set(rows.inferer + i, layout.inferers);
        forecasters.set(rows.forecaster + f, layout.forecasters);
        for (std::int64_t report = rows.report_offsets[close];
             report < rows.report_offsets[close + 1]; ++report) {
            std::for_each(slots, slots + layout.width(), [](Stored& slot) { set_missing(slot); });
            const std::int64_t begin = rows.begin[report];
            std::int64_t own = 0;
            for (std::int64_t row = begin; row < rows.end[report] && own < 2; ++row) {
                own += rows.kind[row] == static_cast<std::int32_t>(LossKind::inferer) &&
                       inferers.of(rows.about_inferer[row]) >= 0;
            }
            // Backwards, so that the first of two stays.
            for (std::int64_t row = rows.end[report]; row-- > begin;) {
                const std::int32_t kind = rows.kind[row];
                if (own < 2 && kind == static_cast<std::int32_t>(LossKind::one_out_inferer)) {
                    continue;
                }
                const std::int64_t slot =
                    slot_of(layout, kind, inferers.of(rows.about_inferer[row]),
                            forecasters.of(rows.about_forecaster[row]));
                if (slot >= 0) {
                    slots[slot] = rows.values[row];
                }
            }
            slots += layout.width();
        }
    }
}

template void fill_reports(const ReportRows<double>& rows, double* slots);
template void fill_reports(const ReportRows<Decimal>& rows, Decimal* slots);

} // namespace allora::wire
