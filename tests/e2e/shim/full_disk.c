/*
 * A disk that has no room left.
 *
 * Loaded in front of the C library, this refuses with ENOSPC what would not fit on a full disk, for as long as the file
 * that FULL_DISK names exists. That file says what is refused, and where:
 *
 *   growth FOLDER   files below FOLDER may be overwritten, but not grow beyond the last block that they have: a usual
 *                   file system;
 *   writes FOLDER   nothing may be written: one that puts every change in a new place;
 *   syncs FOLDER    everything may be written, and cannot be synced: one that looks for room only then.
 *
 * Files elsewhere are on another disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* What a file has of the disk comes in pieces of this size. */
#define BLOCK 4096

/* Up to where every file may be written. */
#define ANYWHERE ((off_t)1 << 62)

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Whether an order to refuse something stands and concerns a file. */
static int refuses(const char *what, int fd) {
    const char *name = getenv("FULL_DISK");
    int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char order[PATH_MAX], path[PATH_MAX], link[64];
    ssize_t length = read(file, order, sizeof order - 1);
    close(file);
    order[length < 0 ? 0 : length] = '\0';
    size_t word = strlen(what);
    if (strncmp(order, what, word) != 0 || order[word] != ' ') return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    const char *folder = order + word + 1;
    return strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
}

/* Up to where the disk has room for a file. */
static off_t room(int fd) {
    int before = errno;
    struct stat file;
    off_t end = ANYWHERE;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)) {
        if (refuses("writes", fd)) end = 0;
        else if (refuses("growth", fd)) end = (file.st_size + BLOCK - 1) / BLOCK * BLOCK;
    }
    errno = before;
    return end;
}

/* How much fits of a write; -1 with ENOSPC where nothing does. */
static ssize_t fits(int fd, size_t length, off_t at) {
    off_t end = room(fd);
    if (length == 0 || end >= at + (off_t)length) return (ssize_t)length;
    if (end > at) return (ssize_t)(end - at);
    errno = ENOSPC;
    return -1;
}

/* Where the next write goes; nowhere in what is no file. */
static off_t place(int fd) {
    int before = errno;
    struct stat file;
    int flags = fcntl(fd, F_GETFL);
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &file) == 0) at = file.st_size;
    errno = before;
    return at < 0 ? 0 : at;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(write);
    ssize_t part = fits(fd, length, place(fd));
    return part < 0 ? -1 : real(fd, bytes, (size_t)part);
}

/* Whoever gets less than all written asks again for the rest: one part at a time will do on a full disk. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    if (room(fd) == ANYWHERE || count == 0) return real(fd, parts, count);
    return write(fd, parts[0].iov_base, parts[0].iov_len);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    REAL(pwrite);
    ssize_t part = fits(fd, length, at);
    return part < 0 ? -1 : real(fd, bytes, (size_t)part, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    REAL(pwrite64);
    ssize_t part = fits(fd, length, at);
    return part < 0 ? -1 : real(fd, bytes, (size_t)part, at);
}

/* Making a file shorter always works, and longer only within its last block. */
static int may_have(int fd, off_t length) {
    struct stat file;
    if (fstat(fd, &file) != 0 || length <= file.st_size) return 1;
    return fits(fd, (size_t)(length - file.st_size), file.st_size) == (ssize_t)(length - file.st_size);
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    if (may_have(fd, length)) return real(fd, length);
    errno = ENOSPC;
    return -1;
}

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    if (may_have(fd, length)) return real(fd, length);
    errno = ENOSPC;
    return -1;
}

int fallocate(int fd, int mode, off_t from, off_t length) {
    REAL(fallocate);
    if (may_have(fd, from + length)) return real(fd, mode, from, length);
    errno = ENOSPC;
    return -1;
}

int posix_fallocate(int fd, off_t from, off_t length) {
    REAL(posix_fallocate);
    return may_have(fd, from + length) ? real(fd, from, length) : ENOSPC;
}

int fsync(int fd) {
    REAL(fsync);
    if (!refuses("syncs", fd)) return real(fd);
    errno = ENOSPC;
    return -1;
}

int fdatasync(int fd) {
    REAL(fdatasync);
    if (!refuses("syncs", fd)) return real(fd);
    errno = ENOSPC;
    return -1;
}
