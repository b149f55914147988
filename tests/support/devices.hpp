// The devices that a test of all devices runs on: those of this build. psad_thrust_tests compiles the same
// tests with PSAD_TEST_THRUST.
#pragma once

#include "psad/backend/cpu/cpu.hpp"
#include "psad/backend/reference.hpp"

#if defined(PSAD_TEST_THRUST)
#include "psad/backend/thrust/cpp.hpp"
#include "psad/backend/thrust/tbb.hpp"
#if defined(_OPENMP)
#include "psad/backend/thrust/omp.hpp"
#define PSAD_TEST_OMP(T) , psad::backend::ThrustOmp<T>
#else
#define PSAD_TEST_OMP(T)
#endif
#define PSAD_TEST_DEVICES(T) psad::backend::ThrustCpp<T>, psad::backend::ThrustTbb<T> PSAD_TEST_OMP(T)
#else
#define PSAD_TEST_DEVICES(T) psad::backend::Reference<T>, psad::backend::Cpu<T>
#endif
