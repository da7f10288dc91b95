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

// Called on a device, where copies of it in every place would be too much code.
#if defined(__CUDA_ARCH__)
#define ALLORA_CALLED ALLORA_HD inline __attribute__((noinline))
#else
#define ALLORA_CALLED ALLORA_HD inline
#endif

// An operation of the decimals.
#define ALLORA_OPERATION ALLORA_CALLED

// What stands in one object on the host; a device has its code beside each kernel.
#if defined(__CUDACC__)
#define ALLORA_APART ALLORA_CALLED
#else
#define ALLORA_APART
#endif
