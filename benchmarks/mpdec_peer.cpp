// The decimal peer: libmpdec, the library under Python's decimal module, timed in loops of C++ so
// that no interpreter call enters the time. Plain C entry points, loaded with ctypes.
#include <mpdecimal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <vector>

namespace {

constexpr int digits = 34;

using Operation = void (*)(mpd_t*, const mpd_t*, const mpd_t*, const mpd_context_t*, uint32_t*);

struct Choice {
    std::string_view name;
    Operation operation;
    int rounding;
    bool exact;
    bool correctly_rounded;
};

// exp and ln promise less than one unit in the last place or, more slowly, the
// correctly rounded value: both are offered, so that nobody picks the slower one for the peer.
constexpr Choice choices[] = {
    {"multiply", mpd_qmul, MPD_ROUND_DOWN, false, false},
    {"divide", mpd_qdiv, MPD_ROUND_DOWN, false, false},
    {"add", mpd_qadd, MPD_ROUND_DOWN, true, false},
    {"exp",
     [](mpd_t* r, const mpd_t* a, const mpd_t*, const mpd_context_t* c, uint32_t* s) {
         mpd_qexp(r, a, c, s);
     },
     MPD_ROUND_HALF_EVEN, false, false},
    {"exp_correctly_rounded",
     [](mpd_t* r, const mpd_t* a, const mpd_t*, const mpd_context_t* c, uint32_t* s) {
         mpd_qexp(r, a, c, s);
     },
     MPD_ROUND_HALF_EVEN, false, true},
    {"ln",
     [](mpd_t* r, const mpd_t* a, const mpd_t*, const mpd_context_t* c, uint32_t* s) {
         mpd_qln(r, a, c, s);
     },
     MPD_ROUND_HALF_EVEN, false, false},
    {"ln_correctly_rounded",
     [](mpd_t* r, const mpd_t* a, const mpd_t*, const mpd_context_t* c, uint32_t* s) {
         mpd_qln(r, a, c, s);
     },
     MPD_ROUND_HALF_EVEN, false, true},
    {"sqrt",
     [](mpd_t* r, const mpd_t* a, const mpd_t*, const mpd_context_t* c, uint32_t* s) {
         mpd_qsqrt(r, a, c, s);
     },
     MPD_ROUND_HALF_EVEN, false, false},
};

// A column of numbers that live as long as the measurement.
class Column {
public:
    explicit Column(int64_t count) {
        for (int64_t at = 0; at < count; ++at) {
            numbers_.push_back(mpd_qnew());
        }
    }
    Column(const Column&) = delete;
    Column& operator=(const Column&) = delete;
    ~Column() {
        for (mpd_t* number : numbers_) {
            mpd_del(number);
        }
    }

    void parse(const char* const* texts, const mpd_context_t& context, uint32_t& status) {
        for (size_t at = 0; at < numbers_.size(); ++at) {
            mpd_qset_string(numbers_[at], texts[at], &context, &status);
        }
    }

    mpd_t* operator[](int64_t at) const { return numbers_[static_cast<size_t>(at)]; }

private:
    std::vector<mpd_t*> numbers_;
};

mpd_context_t context_of(const Choice& choice) {
    mpd_context_t context;
    mpd_maxcontext(&context);
    if (!choice.exact) {
        context.prec = digits;
    }
    context.round = choice.rounding;
    context.allcr = choice.correctly_rounded ? 1 : 0;
    return context;
}

} // namespace

// Applies an operation to `count` pairs, `rounds` times over; nanoseconds per operation of the best
// round. `results` takes texts that mpdec_peer_free gives back. Returns 0, or 1 for an unknown
// operation, 2 where libmpdec refused a number or an operation.
extern "C" int mpdec_peer_time(const char* name, const char* const* a, const char* const* b,
                               int64_t count, int64_t rounds, double* nanoseconds, char** results) {
    const auto* choice = std::ranges::find(choices, std::string_view(name), &Choice::name);
    if (choice == std::end(choices)) {
        return 1;
    }
    mpd_context_t exact;
    mpd_maxcontext(&exact);
    const mpd_context_t context = context_of(*choice);
    uint32_t parsing = 0;
    uint32_t status = 0;
    Column left(count);
    Column right(count);
    const Column result(count);
    left.parse(a, exact, parsing);
    right.parse(b, exact, parsing);
    double best = std::numeric_limits<double>::infinity();
    for (int64_t round = 0; round < rounds; ++round) {
        const auto begin = std::chrono::steady_clock::now();
        for (int64_t at = 0; at < count; ++at) {
            choice->operation(result[at], left[at], right[at], &context, &status);
        }
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - begin;
        best = std::min(best, took.count() / static_cast<double>(count));
    }
    if (((parsing | status) & (MPD_IEEE_Invalid_operation | MPD_Division_by_zero)) != 0) {
        return 2;
    }
    for (int64_t at = 0; at < count; ++at) {
        results[at] = mpd_to_sci(result[at], 1);
    }
    *nanoseconds = best;
    return 0;
}

extern "C" void mpdec_peer_free(char** results, int64_t count) {
    for (int64_t at = 0; at < count; ++at) {
        std::free(results[at]);
    }
}

extern "C" const char* mpdec_peer_version() {
    return mpd_version();
}
