// Asks the processor what it can run, and the environment what it should.
#include "variant.hpp"

#include <cstdlib>
#include <cstring>

namespace allora {

const char* variant_name(Variant variant) {
    constexpr std::array<const char*, 3> names = {"base", "avx2", "avx512"};
    return names[static_cast<std::size_t>(variant)];
}

bool supported(Variant variant) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    switch (variant) {
    case Variant::base:
        return true;
    case Variant::avx2:
        return __builtin_cpu_supports("avx2") != 0;
    case Variant::avx512:
        return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
               __builtin_cpu_supports("avx512vl") != 0;
    }
    return false;
#else
    return variant == Variant::base;
#endif
}

Variant best_variant() {
    Variant best = Variant::base;
    for (const Variant variant : all_variants) {
        if (supported(variant)) {
            best = variant;
        }
    }
    return best;
}

VariantChoice choose_variant(const char* name) {
    const Variant best = best_variant();
    if (name == nullptr || *name == '\0') {
        return {best, {}};
    }
    for (const Variant variant : all_variants) {
        if (std::strcmp(name, variant_name(variant)) != 0) {
            continue;
        }
        if (supported(variant)) {
            return {variant, {}};
        }
        return {best,
                std::string("variant '") + name +
                    "' needs instructions that this processor lacks; the widest it runs is '" +
                    variant_name(best) + "'"};
    }
    return {best, std::string("unknown variant '") + name + "'; known: base, avx2, avx512"};
}

VariantChoice chosen_variant() {
    VariantChoice choice = choose_variant(std::getenv(variant_variable));
    if (!choice.error.empty()) {
        choice.error = std::string(variant_variable) + ": " + choice.error;
    }
    return choice;
}

} // namespace allora
