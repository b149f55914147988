# psad_build_options: how psad's own executables are compiled. Users of psad::psad get none of it.
set(CMAKE_CXX_EXTENSIONS OFF)
add_library(psad_build_options INTERFACE)
target_compile_options(
  psad_build_options
  INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion>"
            $<$<AND:$<BOOL:${PSAD_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>
            # The code that nvcc generates does not pass -Wpedantic.
            "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow,-Wconversion>"
            $<$<AND:$<BOOL:${PSAD_WERROR}>,$<COMPILE_LANGUAGE:CUDA>>:-Werror=all-warnings>)

if(PSAD_PORTABLE)
  target_compile_definitions(psad_build_options INTERFACE PSAD_PORTABLE_KERNELS)
endif()

if(PSAD_NATIVE)
  # g++ 12 takes newer AMD machines for a Zen 3 and schedules worse for them than in general: -mtune=generic.
  set(native -march=native -mtune=generic)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${native} -dM -E -x c++ /dev/null
                  OUTPUT_VARIABLE features RESULT_VARIABLE failed ERROR_QUIET)
  if(failed)
    message(STATUS "psad: the compiler does not know -march=native, so PSAD_NATIVE has no effect")
  else()
    # The same words mean other instructions on another machine: the definition tells ccache, and a build
    # folder that has moved there.
    string(SHA1 features "${features}")
    # nvcc's host compiler too: objects of other flags would not link (see PSAD_ABI).
    list(JOIN native "," native_of_nvcc)
    target_compile_options(psad_build_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${native}>"
                                                        "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${native_of_nvcc}>")
    target_compile_definitions(psad_build_options INTERFACE PSAD_BUILD_MACHINE=0x${features})
  endif()
endif()

if(PSAD_SANITIZE)
  target_compile_options(
    psad_build_options
    INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${PSAD_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
  target_link_options(psad_build_options INTERFACE -fsanitize=${PSAD_SANITIZE})
  if(PSAD_SANITIZE STREQUAL integer)
    target_compile_options(psad_build_options
                           INTERFACE "-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/integer.ignore")
  endif()
endif()
