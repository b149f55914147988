// Whole models on a CUDA card.
#include "../devices_test.cpp"
