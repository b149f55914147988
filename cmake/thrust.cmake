# psad::thrust adds what the headers of psad/backend/thrust need, if Thrust is found: in a CUDA toolkit, or in Debian's
# libthrust-dev. It has the systems CPP and TBB, OMP if the compiler has OpenMP, and CUDA with PSAD_WITH_CUDA.
find_package(CUDAToolkit QUIET)
find_path(PSAD_THRUST_INCLUDE thrust/version.h HINTS ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES cccl NO_CACHE)
if(PSAD_THRUST_INCLUDE AND NOT TARGET psad::thrust)
  find_package(OpenMP QUIET COMPONENTS CXX)
  add_library(psad_thrust INTERFACE)
  add_library(psad::thrust ALIAS psad_thrust)
  target_link_libraries(psad_thrust INTERFACE psad::psad $<TARGET_NAME_IF_EXISTS:OpenMP::OpenMP_CXX>)
  target_include_directories(psad_thrust SYSTEM INTERFACE ${PSAD_THRUST_INCLUDE})
  # Which system is meant is said by each call.
  target_compile_definitions(psad_thrust INTERFACE THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP)
endif()
if(PSAD_WITH_CUDA)
  if(NOT TARGET CUDA::cublas OR NOT TARGET psad_thrust)
    message(FATAL_ERROR "psad: found no CUDA toolkit with CCCL and cuBLAS, which PSAD_WITH_CUDA wants")
  endif()
  if(cuda_std_20 IN_LIST CMAKE_CUDA_COMPILE_FEATURES)
    target_compile_features(psad_thrust INTERFACE cuda_std_20)
  else()  # CMake 3.25 does not know that nvcc has it
    target_compile_options(psad_thrust INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
  endif()
  target_link_libraries(psad_thrust INTERFACE CUDA::cublas CUDA::cudart)
endif()
