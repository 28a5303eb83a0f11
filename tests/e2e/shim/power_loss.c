/*
 * What a disk keeps when the power goes.
 *
 * Loaded in front of the C library, this keeps a second tree beside the real one: POWER_LOSS_KEPT holds of each file
 * below POWER_LOSS_ROOT what was synced, and nothing else. A kill leaves the page cache whole; a test that wants to lose
 * it kills the process and goes on with the kept tree. Names (create, rename, unlink) are taken to be as durable as the
 * last sync of the file itself, which is what journalling file systems give.
 *
 * Files below POWER_LOSS_EXEMPT are left alone: they belong to another machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* More files than a server has open are no server of this test. */
#define FILES_MAX 4096

/* What was written to a file since its last sync: everything lies within [from, to). */
struct dirty {
    dev_t device;
    ino_t inode;
    off_t from, to;
};

static struct dirty table[FILES_MAX];
static int table_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static int is_below(const char *path, const char *folder) {
    size_t length = folder == NULL ? 0 : strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Where the kept copy of a path lies; 0 where it is none of ours. */
static int kept_path(const char *path, char *out) {
    const char *root = setting("POWER_LOSS_ROOT"), *kept = setting("POWER_LOSS_KEPT");
    if (root == NULL || kept == NULL || !is_below(path, root) || is_below(path, setting("POWER_LOSS_EXEMPT"))) return 0;
    int length = snprintf(out, PATH_MAX, "%s%s", kept, path + strlen(root));
    return length > 0 && length < PATH_MAX;
}

static int path_of(int fd, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    if (length <= 0) return 0;
    out[length] = '\0';
    return 1;
}

static void fail(const char *what, const char *path) {
    dprintf(STDERR_FILENO, "power_loss: %s %s: %s\n", what, path, strerror(errno));
    abort();
}

static struct dirty *entry(const struct stat *file, int make) {
    for (int i = 0; i < table_length; i++)
        if (table[i].device == file->st_dev && table[i].inode == file->st_ino) return &table[i];
    if (!make) return NULL;
    if (table_length == FILES_MAX) fail("too many", "files");
    table[table_length] = (struct dirty){.device = file->st_dev, .inode = file->st_ino, .from = 0, .to = 0};
    return &table[table_length++];
}

static void note(int fd, off_t from, off_t to) {
    int before = errno;
    struct stat file;
    if (setting("POWER_LOSS_ROOT") != NULL && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && to > from) {
        pthread_mutex_lock(&lock);
        struct dirty *dirty = entry(&file, 1);
        int is_clean = dirty->from == dirty->to;
        if (is_clean || from < dirty->from) dirty->from = from;
        if (is_clean || to > dirty->to) dirty->to = to;
        pthread_mutex_unlock(&lock);
    }
    errno = before;
}

static void make_folders(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *at = folder + 1; *at != '\0'; at++) {
        if (*at != '/') continue;
        *at = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) fail("mkdir", folder);
        *at = '/';
    }
}

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

static void copy_range(int from, int to, off_t begin, off_t end, const char *path) {
    static char buffer[1 << 16];
    while (begin < end) {
        size_t wanted = end - begin < (off_t)sizeof buffer ? (size_t)(end - begin) : sizeof buffer;
        ssize_t got = pread(from, buffer, wanted, begin);
        if (got < 0) fail("pread", path);
        if (got == 0) return;
        if (real_pwrite(to, buffer, (size_t)got, begin) != got) fail("pwrite", path);
        begin += got;
    }
}

/* A file was synced: from now on the kept tree has it as it is. */
static void keep(int fd) {
    int before = errno;
    char path[PATH_MAX], kept[PATH_MAX], again[64];
    struct stat file, copy;
    if (!path_of(fd, path) || !kept_path(path, kept) || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        errno = before;
        return;
    }
    pthread_mutex_lock(&lock);
    make_folders(kept);
    int target = open(kept, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (target < 0 || fstat(target, &copy) != 0) fail("open", kept);
    /* Through a descriptor of our own: the file's may be open for writing only. */
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    int source = open(again, O_RDONLY | O_CLOEXEC);
    if (source < 0) fail("open", path);
    struct dirty *dirty = entry(&file, 0);
    /* A copy that is new knows nothing yet; one that is shorter may have missed what was written by other means. */
    int is_new = copy.st_size == 0;
    if (is_new) copy_range(source, target, 0, file.st_size, path);
    else if (dirty != NULL) copy_range(source, target, dirty->from, dirty->to, path);
    if (ftruncate(target, file.st_size) != 0) fail("ftruncate", kept);
    if (dirty != NULL) dirty->from = dirty->to = 0;
    close(source);
    close(target);
    pthread_mutex_unlock(&lock);
    errno = before;
}

__attribute__((constructor)) static void load(void) {
    real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(write);
    /* Asked for afterwards, the place is right for files that are appended to as well. */
    ssize_t written = real(fd, bytes, length);
    if (written > 0) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        if (end >= written) note(fd, end - written, end);
    }
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    ssize_t written = real(fd, parts, count);
    if (written > 0) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        if (end >= written) note(fd, end - written, end);
    }
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    REAL(pwrite);
    ssize_t written = real(fd, bytes, length, at);
    if (written > 0) note(fd, at, at + written);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    REAL(pwrite64);
    ssize_t written = real(fd, bytes, length, at);
    if (written > 0) note(fd, at, at + written);
    return written;
}

int fsync(int fd) {
    REAL(fsync);
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

int fdatasync(int fd) {
    REAL(fdatasync);
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    int result = real(from, to);
    int before = errno;
    char kept_from[PATH_MAX], kept_to[PATH_MAX];
    if (result == 0 && kept_path(from, kept_from) && kept_path(to, kept_to)) real(kept_from, kept_to);
    errno = before;
    return result;
}

int unlink(const char *path) {
    REAL(unlink);
    int result = real(path);
    int before = errno;
    char kept[PATH_MAX];
    if (result == 0 && kept_path(path, kept)) real(kept);
    errno = before;
    return result;
}
