/* Lets one of the system calls that write to files of a directory fail.
 *
 * FAIL_DIRECTORY  whose files are meant
 * FAIL_NTH        which call fails, counted from 1 after something was written to the file "arm" in the directory
 * FAIL_MODE       eio, enospc, or short: a write that writes half
 * FAIL_STICKY     if set, every later call fails too
 *
 * Says on standard error which call failed. Built for the tests, with cc -shared -fPIC, and preloaded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int armed;
static atomic_long calls;

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*sync_fn)(int);
typedef int (*truncate_fn)(int, off_t);

/* The rest of the path when fd is a file of the directory, else NULL. */
static const char *in_directory(int fd, char path[PATH_MAX]) {
    const char *directory = getenv("FAIL_DIRECTORY");
    char link[64];
    if (!directory) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    size_t prefix = strlen(directory);
    if (strncmp(path, directory, prefix) != 0 || path[prefix] != '/') return NULL;
    return path + prefix + 1;
}

/* 0: go on; 1: fail with errno set; 2: write half. */
static int fault(int fd, const char *call, int writes) {
    char path[PATH_MAX];
    const char *name = in_directory(fd, path);
    if (!name) return 0;
    if (strcmp(name, "arm") == 0) {
        atomic_store(&armed, 1);
        return 0;
    }
    if (!atomic_load(&armed)) return 0;
    const char *nth = getenv("FAIL_NTH"), *mode = getenv("FAIL_MODE");
    if (!nth || !mode) return 0;
    long call_number = atomic_fetch_add(&calls, 1) + 1, failing = atol(nth);
    if (call_number < failing || (call_number > failing && !getenv("FAIL_STICKY"))) return 0;
    int half = strcmp(mode, "short") == 0;
    if (half && !writes) return 0;
    dprintf(2, "fault: %s %s\n", call, name);
    if (half) return 2;
    errno = strcmp(mode, "enospc") == 0 ? ENOSPC : EIO;
    return 1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static write_fn real;
    if (!real) real = (write_fn)dlsym(RTLD_NEXT, "write");
    int how = fd <= 2 ? 0 : fault(fd, "write", 1);
    if (how == 1) return -1;
    return real(fd, bytes, how == 2 && count > 1 ? count / 2 : count);
}

static ssize_t positioned(pwrite_fn real, int fd, const void *bytes, size_t count, off_t at) {
    int how = fault(fd, "pwrite", 1);
    if (how == 1) return -1;
    return real(fd, bytes, how == 2 && count > 1 ? count / 2 : count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    static pwrite_fn real;
    if (!real) real = (pwrite_fn)dlsym(RTLD_NEXT, "pwrite");
    return positioned(real, fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
    static pwrite_fn real;
    if (!real) real = (pwrite_fn)dlsym(RTLD_NEXT, "pwrite64");
    return positioned(real, fd, bytes, count, at);
}

int fsync(int fd) {
    static sync_fn real;
    if (!real) real = (sync_fn)dlsym(RTLD_NEXT, "fsync");
    return fault(fd, "fsync", 0) ? -1 : real(fd);
}

int fdatasync(int fd) {
    static sync_fn real;
    if (!real) real = (sync_fn)dlsym(RTLD_NEXT, "fdatasync");
    return fault(fd, "fdatasync", 0) ? -1 : real(fd);
}

int ftruncate(int fd, off_t length) {
    static truncate_fn real;
    if (!real) real = (truncate_fn)dlsym(RTLD_NEXT, "ftruncate");
    return fault(fd, "ftruncate", 0) ? -1 : real(fd, length);
}

int ftruncate64(int fd, off_t length) {
    static truncate_fn real;
    if (!real) real = (truncate_fn)dlsym(RTLD_NEXT, "ftruncate64");
    return fault(fd, "ftruncate64", 0) ? -1 : real(fd, length);
}
