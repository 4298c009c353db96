/*
 * Weather between a process and its clock and disk, laid there by LD_PRELOAD.
 *
 * SOAK_WEATHER names a file of three 64-bit numbers, which may change at any moment:
 *   seconds by which the clock of the day is wrong (the monotonic one is left alone, as by a real jump),
 *   microseconds by which every read, write, flush and rename on the disk is late,
 *   the errno with which they end, or 0.
 * SOAK_DISK names the folder that counts as the disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct weather { volatile int64_t clock, delay, error; };
static struct weather calm;
static struct weather *now = &calm;
static char disk[PATH_MAX];

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("SOAK_WEATHER"), *folder = getenv("SOAK_DISK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *seen = mmap(NULL, sizeof calm, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (seen == MAP_FAILED)
        return;
    snprintf(disk, sizeof disk, "%s/", folder ? folder : "");
    now = seen;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int bad(const char *path)
{
    if (strncmp(path, disk, strlen(disk)))
        return 0;
    if (now->delay) {
        struct timespec late = { now->delay / 1000000, now->delay % 1000000 * 1000 };
        nanosleep(&late, NULL);
    }
    if (now->error)
        errno = (int)now->error;
    return now->error != 0;
}

static int bad_file(int file)
{
    char link[40], path[PATH_MAX];
    if (!now->delay && !now->error)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return bad(path);
}

ssize_t read(int file, void *data, size_t size) { REAL(read); return bad_file(file) ? -1 : real(file, data, size); }
ssize_t pread(int file, void *data, size_t size, off_t at) { REAL(pread); return bad_file(file) ? -1 : real(file, data, size, at); }
ssize_t pread64(int file, void *data, size_t size, off64_t at) { REAL(pread64); return bad_file(file) ? -1 : real(file, data, size, at); }
ssize_t write(int file, const void *data, size_t size) { REAL(write); return bad_file(file) ? -1 : real(file, data, size); }
ssize_t writev(int file, const struct iovec *data, int count) { REAL(writev); return bad_file(file) ? -1 : real(file, data, count); }
ssize_t pwrite(int file, const void *data, size_t size, off_t at) { REAL(pwrite); return bad_file(file) ? -1 : real(file, data, size, at); }
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) { REAL(pwrite64); return bad_file(file) ? -1 : real(file, data, size, at); }
int fsync(int file) { REAL(fsync); return bad_file(file) ? -1 : real(file); }
int fdatasync(int file) { REAL(fdatasync); return bad_file(file) ? -1 : real(file); }
int rename(const char *from, const char *to) { REAL(rename); return (now->delay || now->error) && bad(to) ? -1 : real(from, to); }

int clock_gettime(clockid_t clock, struct timespec *told)
{
    REAL(clock_gettime);
    int failed = real(clock, told);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        told->tv_sec += now->clock;
    return failed;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone)
{
    REAL(gettimeofday);
    int failed = real(told, zone);
    if (!failed)
        told->tv_sec += now->clock;
    return failed;
}

time_t time(time_t *told)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (told)
        *told = at.tv_sec;
    return at.tv_sec;
}

/* The kernel waits by the true clock: a deadline reckoned by the wrong one is put right. */
int sem_timedwait(sem_t *restrict lock, const struct timespec *restrict until)
{
    REAL(sem_timedwait);
    struct timespec truly = *until;
    truly.tv_sec -= now->clock;
    return real(lock, &truly);
}
