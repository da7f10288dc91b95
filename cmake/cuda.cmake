# Decides whether the CUDA side is built. Sets:
#   allora_cuda_built   TRUE after CUDA was enabled as a language
#   allora_cuda_reason  one sentence: what was decided and why
#   allora_cudart       the archive of the CUDA runtime, linked in so that a wheel needs no CUDA
#
# find_package(CUDAToolkit) is not used: it refuses NVIDIA's Python wheels, which have the archive
# but no libcudart.so, in lib instead of lib64. Needs Python's interpreter, for the wheels' place.
set(ALLORA_CUDA AUTO CACHE STRING "Build the CUDA side: AUTO (where an nvcc is), ON or OFF")
set_property(CACHE ALLORA_CUDA PROPERTY STRINGS AUTO ON OFF)

set(allora_cuda_built FALSE)
set(allora_cuda_reason "")

function(allora_find_nvcc result)
  if(CMAKE_CUDA_COMPILER)
    set(${result} "${CMAKE_CUDA_COMPILER}" PARENT_SCOPE)
    return()
  endif()
  if(DEFINED ENV{CUDACXX})
    set(${result} "$ENV{CUDACXX}" PARENT_SCOPE)
    return()
  endif()
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import glob, os, sys; print(';'.join(sorted(found for entry in sys.path for found in glob.glob(os.path.join(entry, 'nvidia', 'cu1*', 'bin')))))"
    OUTPUT_VARIABLE wheels OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_program(ALLORA_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin
               PATHS /usr/local/cuda ${wheels})
  if(ALLORA_NVCC)
    set(${result} "${ALLORA_NVCC}" PARENT_SCOPE)
  endif()
endfunction()

# A macro: enable_language and the variables must act where this file is included.
macro(allora_enable_cuda)
  allora_find_nvcc(allora_nvcc)
  if(NOT allora_nvcc)
    set(allora_cuda_reason
        "no nvcc was found on PATH, in CUDACXX, CUDA_HOME or CUDA_PATH, in /usr/local/cuda, or among Python's packages (pip install .[cuda-build] brings one)")
  else()
    execute_process(COMMAND "${allora_nvcc}" -v --dryrun -x cu /dev/null -o /dev/null
                    OUTPUT_VARIABLE dry_run ERROR_VARIABLE dry_run)
    string(REGEX MATCH "#\\$ TOP=([^\r\n]+)" found "${dry_run}")
    string(STRIP "${CMAKE_MATCH_1}" allora_cuda_root)
    file(GLOB target_folders "${allora_cuda_root}/targets/*/lib")
    find_library(ALLORA_CUDART libcudart_static.a
                 HINTS "${allora_cuda_root}/lib64" "${allora_cuda_root}/lib" ${target_folders})
    if(NOT ALLORA_CUDART)
      set(allora_cuda_reason "the nvcc at ${allora_nvcc} has no libcudart_static.a beside it")
    else()
      set(allora_cudart "${ALLORA_CUDART}")
      get_filename_component(allora_cudart_folder "${ALLORA_CUDART}" DIRECTORY)
      # Only so that CMake's own check of the compiler links.
      set(ENV{NVCC_APPEND_FLAGS} "$ENV{NVCC_APPEND_FLAGS} -L${allora_cudart_folder}")
      set(ENV{CUDACXX} "${allora_nvcc}")
      if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
        set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90)
      endif()
      include(CheckLanguage)
      check_language(CUDA)
      if(NOT CMAKE_CUDA_COMPILER)
        set(allora_cuda_reason "the nvcc at ${allora_nvcc} does not compile CMake's test program")
      else()
        enable_language(CUDA)
        if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13.0)
          set(allora_cuda_reason "nvcc ${CMAKE_CUDA_COMPILER_VERSION} is older than 13.0")
        else()
          set(allora_cuda_built TRUE)
          string(REPLACE ";" ", " allora_cuda_names "${CMAKE_CUDA_ARCHITECTURES}")
          set(allora_cuda_reason
              "nvcc ${CMAKE_CUDA_COMPILER_VERSION}, for the architectures ${allora_cuda_names}")
        endif()
      endif()
    endif()
  endif()
endmacro()

if(NOT ALLORA_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "ALLORA_CUDA must be AUTO, ON or OFF, not ${ALLORA_CUDA}")
elseif(ALLORA_CUDA STREQUAL "OFF")
  set(allora_cuda_reason "ALLORA_CUDA=OFF")
else()
  allora_enable_cuda()
endif()

if(allora_cuda_built)
  message(STATUS "CUDA side: built with ${allora_cuda_reason}")
elseif(ALLORA_CUDA STREQUAL "ON")
  message(FATAL_ERROR "ALLORA_CUDA=ON, but the CUDA side cannot be built: ${allora_cuda_reason}")
elseif(ALLORA_CUDA STREQUAL "OFF")
  message(STATUS "CUDA side: not built: ${allora_cuda_reason}")
else()
  message(WARNING "CUDA side: not built: ${allora_cuda_reason}")
endif()
