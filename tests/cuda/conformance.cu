// The suite of all devices on a CUDA card, all memory of the program where both can read it.
#include "../backend_conformance_test.cpp"
