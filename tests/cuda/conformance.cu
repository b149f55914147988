// The suite of all devices on a CUDA card, all memory of the program where both can read it.
#include "../backend_conformance_test.cpp"

TEST_CASE("products in TF32 are near those of all bits") {
    const backend::Cuda<float, precision::Tf32> device;
    const backend::Reference<float> reference;
    const Grid<float> a(64, 128, 1), b(128, 64, 2);
    Grid<float> c(64, 64, 3), d(c);
    device.gemm(a.in(), b.in(), c.m, false);
    reference.gemm(a.in(), b.in(), d.m, false);
    check_same(c.numbers, d.numbers, 2000);
}
