// Until target_end.inl functions are compiled for the instructions that PSAD_TARGET names, whatever the flags.
#define PSAD_PRAGMA(words) _Pragma(#words)
#define PSAD_PRAGMA_OF(words) PSAD_PRAGMA(words)
#if defined(__clang__)
PSAD_PRAGMA_OF(clang attribute push(__attribute__((target(PSAD_TARGET))), apply_to = function))
#else
#pragma GCC push_options
PSAD_PRAGMA_OF(GCC target(PSAD_TARGET))
#endif
