// Marks what runs on the host and on a device alike, so that one source serves both.
#pragma once

#if defined(__CUDACC__)
#define ALLORA_HD __host__ __device__
#else
#define ALLORA_HD
#endif

// Functions shared by separately compiled instruction-set variants must not be merged by the
// linker.
#define ALLORA_INLINE ALLORA_HD inline __attribute__((always_inline))

// Paths taken a few times in a hundred, called rather than copied into every place.
#define ALLORA_RARE ALLORA_HD inline __attribute__((noinline, cold))
