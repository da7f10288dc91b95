// Reports of a block's closes put into the slots of their topics' value bundles.
#pragma once

#include "../number/decimal.hpp"

#include <cstdint>

namespace allora::wire {

// The kinds of losses, by their codes; the order is that of the slots.
enum class LossKind : std::int32_t {
    combined,
    naive,
    inferer,
    forecaster,
    one_out_inferer_forecaster,
    one_out_inferer,
    one_out_forecaster,
    one_in_forecaster,
};

// Ragged between closes by offsets (closes + 1); actors are codes below `actors`.
template <class Stored>
struct ReportRows {
    std::int64_t closes;
    std::int64_t actors;
    const std::int64_t* inferer_offsets;
    const std::int32_t* inferer; // accepted ones, in address order
    const std::int64_t* forecaster_offsets;
    const std::int32_t* forecaster;
    const std::int64_t* report_offsets;
    const std::int64_t* begin; // of each report's rows
    const std::int64_t* end;
    const Stored* values; // by row, as what follows
    const std::int32_t* kind;
    const std::int32_t* about_inferer;
    const std::int32_t* about_forecaster;
};

// Fills `slots`, reports x width of the bundle for each close. What names a worker who was not
// accepted falls away, of two values of one slot the first counts, and of a report on fewer than
// two inferers what it says of withheld ones falls away, since there is nobody else.
template <class Stored>
void fill_reports(const ReportRows<Stored>& rows, Stored* slots);

extern template void fill_reports(const ReportRows<double>& rows, double* slots);
extern template void fill_reports(const ReportRows<Decimal>& rows, Decimal* slots);

} // namespace allora::wire
