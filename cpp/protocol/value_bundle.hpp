// The slots of a value bundle, in one order for inferences, reports and network losses.
#pragma once

#include <cstdint>

namespace allora {

struct BundleLayout {
    std::int64_t inferers;
    std::int64_t forecasters;

    static constexpr std::int64_t combined() { return 0; }
    static constexpr std::int64_t naive() { return 1; }
    constexpr std::int64_t inferer(std::int64_t j) const { return 2 + j; }
    constexpr std::int64_t forecaster(std::int64_t k) const { return 2 + inferers + k; }
    constexpr std::int64_t one_out_inferer_forecaster(std::int64_t k, std::int64_t withheld) const {
        return 2 + inferers + forecasters + k * inferers + withheld;
    }
    constexpr std::int64_t one_out_inferer(std::int64_t withheld) const {
        return 2 + inferers + forecasters + forecasters * inferers + withheld;
    }
    constexpr std::int64_t one_out_forecaster(std::int64_t withheld) const {
        return one_out_inferer(inferers) + withheld;
    }
    constexpr std::int64_t one_in_forecaster(std::int64_t k) const {
        return one_out_forecaster(forecasters) + k;
    }
    constexpr std::int64_t width() const { return one_in_forecaster(forecasters); }
};

} // namespace allora
