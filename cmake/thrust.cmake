# psad::thrust: psad with what the headers of psad/backend/thrust need, if Thrust is found: that of a CUDA toolkit,
# else Debian's libthrust-dev. Without nvcc its host systems are there: CPP, TBB, and OMP where the compiler has OpenMP.
find_package(CUDAToolkit QUIET)
find_path(PSAD_THRUST_INCLUDE thrust/version.h HINTS ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES cccl
          DOC "Folder of thrust/version.h")
mark_as_advanced(PSAD_THRUST_INCLUDE)
if(PSAD_THRUST_INCLUDE AND NOT TARGET psad::thrust)
  find_package(OpenMP QUIET COMPONENTS CXX)
  add_library(psad_thrust INTERFACE)
  add_library(psad::thrust ALIAS psad_thrust)
  target_link_libraries(psad_thrust INTERFACE psad::psad $<TARGET_NAME_IF_EXISTS:OpenMP::OpenMP_CXX>)
  target_include_directories(psad_thrust SYSTEM INTERFACE ${PSAD_THRUST_INCLUDE})
  # Which system is meant is said by each call.
  target_compile_definitions(psad_thrust INTERFACE THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP)
endif()
