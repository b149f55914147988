// Ends what target_begin.inl began.
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef PSAD_PRAGMA
#undef PSAD_PRAGMA_OF
#undef PSAD_TARGET
