// Loaded before a program (LD_PRELOAD), makes one of its calls fail. The environment says which:
//
//     PSAD_FAIL        the kind: open read write rename fsync close mkdir mmap unlink fopen fwrite fclose memory thread
//     PSAD_FAIL_AT     the number of the call of that kind that fails, from 1; 0: none
//     PSAD_FAIL_HOW    an errno (28: no space); "short": half of a write; "kill" or "term": the signal before the call
//     PSAD_FAIL_ALL    all further calls fail, too
//     PSAD_FAIL_LOG    a file that receives "calls N", and "hit" if the call was met
//
// Calls count from signal(SIGPIPE, ...) on, with which psad's programs begin: what libraries do before is not theirs.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

const char* kind = nullptr;
const char* how = "5";
long fail_at = 0;
bool all = false;
std::atomic<bool> counting{false};
std::atomic<long> calls{0};
std::atomic<bool> hit{false};

void log_calls() {
    const char* path = getenv("PSAD_FAIL_LOG");
    if (path == nullptr) return;
    char text[64];
    const int size = snprintf(text, sizeof text, "calls %ld%s\n", calls.load(), hit ? " hit" : "");
    const long file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    syscall(SYS_write, file, text, size);
    syscall(SYS_close, file);
}

struct Begin {
    Begin() {
        kind = getenv("PSAD_FAIL");
        if (const char* text = getenv("PSAD_FAIL_AT")) fail_at = atol(text);
        if (const char* text = getenv("PSAD_FAIL_HOW")) how = text;
        all = getenv("PSAD_FAIL_ALL") != nullptr;
    }
    ~Begin() { log_calls(); }
} begin;

// Whether this call is to fail; errno is set then.
bool fails(const char* what) {
    if (!counting || kind == nullptr || strcmp(kind, what) != 0) return false;
    const long number = ++calls;
    if (fail_at == 0 || (number != fail_at && !(all && number > fail_at))) return false;
    if (!hit.exchange(true)) log_calls();
    if (strcmp(how, "kill") == 0) syscall(SYS_kill, getpid(), SIGKILL);
    if (strcmp(how, "term") == 0) raise(SIGTERM);
    errno = atoi(how);
    return errno != 0;
}
bool is_short() { return strcmp(how, "short") == 0; }

template <class F>
F* real(const char* name) {
    return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define REAL(name) static auto* const next = real<decltype(name)>(#name)

extern "C" {

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

sighandler_t signal(int number, sighandler_t handler) noexcept {
    REAL(signal);
    if (number == SIGPIPE) counting = true;
    return next(number, handler);
}
ssize_t write(int file, const void* data, size_t size) {
    REAL(write);
    if (file <= 2) return next(file, data, size);
    if (fails("write")) return -1;
    return next(file, data, is_short() && hit && size > 1 ? size / 2 : size);
}
ssize_t read(int file, void* data, size_t size) {
    REAL(read);
    return fails("read") ? -1 : next(file, data, size);
}
static mode_t mode_of(int flags, va_list more) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0; }
int open(const char* path, int flags, ...) {
    REAL(open);
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_of(flags, more);
    va_end(more);
    return fails("open") ? -1 : next(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    REAL(open64);
    va_list more;
    va_start(more, flags);
    const mode_t mode = mode_of(flags, more);
    va_end(more);
    return fails("open") ? -1 : next(path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
    REAL(fopen);
    return fails("fopen") ? nullptr : next(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
    REAL(fopen64);
    return fails("fopen") ? nullptr : next(path, mode);
}
size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
    REAL(fwrite);
    return file != stdout && file != stderr && fails("fwrite") ? 0 : next(data, size, count, file);
}
int fclose(FILE* file) {
    REAL(fclose);
    const bool failing = fails("fclose");
    const int saved = errno, code = next(file);
    if (!failing) return code;
    errno = saved;
    return EOF;
}
int rename(const char* from, const char* to) noexcept {
    REAL(rename);
    return fails("rename") ? -1 : next(from, to);
}
int unlink(const char* path) noexcept {
    REAL(unlink);
    return fails("unlink") ? -1 : next(path);
}
int fsync(int file) {
    REAL(fsync);
    return fails("fsync") ? -1 : next(file);
}
int close(int file) {
    REAL(close);
    const bool failing = fails("close");
    const int saved = errno, code = next(file);
    if (!failing) return code;
    errno = saved;
    return -1;
}
int mkdir(const char* path, mode_t mode) noexcept {
    REAL(mkdir);
    return fails("mkdir") ? -1 : next(path, mode);
}
void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) noexcept {
    REAL(mmap);
    return fails("mmap") ? MAP_FAILED : next(at, size, protection, flags, file, offset);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) noexcept {
    REAL(pthread_create);
    return fails("thread") ? EAGAIN : next(thread, attributes, body, argument);
}
void* malloc(size_t size) noexcept { return fails("memory") ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) noexcept { return fails("memory") ? nullptr : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) noexcept { return fails("memory") ? nullptr : __libc_realloc(old, size); }
void* aligned_alloc(size_t alignment, size_t size) noexcept {
    return fails("memory") ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** to, size_t alignment, size_t size) noexcept {
    *to = fails("memory") ? nullptr : __libc_memalign(alignment, size);
    return *to == nullptr ? ENOMEM : 0;
}
}
