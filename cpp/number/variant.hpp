// The instruction sets a kernel file is compiled for, and the choice among them at run time.
//
// A kernel file is compiled once per variant, into a namespace of the variant's name; whoever calls
// it takes one of the copies by `Copies::of`. All variants give the same bits: the choice is a
// matter of speed, and forcing one is how tests prove it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

// Before a loop: states that no iteration writes what another reads, although pointers may be
// equal. Without it, a loop that works in place would go one element at a time.
#if defined(__clang__)
#define ALLORA_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define ALLORA_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace allora {

enum class Variant : std::uint8_t { base, avx2, avx512 };

inline constexpr std::array<Variant, 3> all_variants = {Variant::base, Variant::avx2,
                                                        Variant::avx512};

inline constexpr const char* variant_variable = "ALLORA_CORE_VARIANT";

const char* variant_name(Variant variant);

// Whether this processor and its operating system can run the variant (avx512: F, DQ and VL).
bool supported(Variant variant);

// The widest supported variant.
Variant best_variant();

// `error` is empty, or one sentence that says why the wish cannot be met; `variant` can always run.
struct VariantChoice {
    Variant variant;
    std::string error;
};

// The variant called `name`; null or empty: the best one.
VariantChoice choose_variant(const char* name);

// The choice that the environment variable ALLORA_CORE_VARIANT forces, else the best variant. Reads
// the environment on each call: ask once and keep the answer.
VariantChoice chosen_variant();

// One pointer (to a function or a table of functions) per variant.
template <class Pointer>
struct Copies {
    Pointer base;
    Pointer avx2;
    Pointer avx512;

    Pointer of(Variant variant) const {
        const std::array<Pointer, 3> copies = {base, avx2, avx512};
        return copies[static_cast<std::size_t>(variant)];
    }
};

} // namespace allora
