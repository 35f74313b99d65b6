/* A dma-heap that is not there: /dev/dma_heap/<any>, for kernels without one.
 *
 * libcamera and picamera2 take their frame buffers from such a heap by DMA_HEAP_IOCTL_ALLOC. Preloaded, this
 * library gives them memfds: like dma-bufs they can be mapped, duplicated and passed on.
 *
 * HEAP_LIMIT=bytes   what all living buffers together may take, as a Pi's CMA; beyond it ENOMEM.
 *
 * Build: cc -O2 -shared -fPIC -o dmaheap.so dmaheap.c -ldl
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAPS "/dev/dma_heap/"
#define HEAP_NAME "emulated-heap"
#define BUFFER_NAME "emulated-frame-buffer"
#define MOST 512

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static int is_called(int fd, const char *name)
{
    char link[48], target[96];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0)
        return 0;
    target[length] = 0;
    return strstr(target, name) != NULL;
}

/* A buffer lives as long as a descriptor or a mapping of it does; both are listed in /proc. */
struct census {
    unsigned long inodes[MOST];
    int count;
    unsigned long long bytes;
};

static void count_once(struct census *census, unsigned long inode, unsigned long long bytes)
{
    for (int i = 0; i < census->count; i++)
        if (census->inodes[i] == inode)
            return;
    if (census->count == MOST)
        abort();
    census->inodes[census->count++] = inode;
    census->bytes += bytes;
}

static unsigned long long living_bytes(void)
{
    struct census census = { .count = 0 };
    struct dirent *entry;
    DIR *descriptors = opendir("/proc/self/fd");
    while (descriptors && (entry = readdir(descriptors))) {
        struct stat status;
        int fd = atoi(entry->d_name);
        if (is_called(fd, BUFFER_NAME) && fstat(fd, &status) == 0)
            count_once(&census, status.st_ino, status.st_size);
    }
    if (descriptors)
        closedir(descriptors);

    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to, inode;
        if (strstr(line, BUFFER_NAME) && sscanf(line, "%lx-%lx %*s %*s %*s %lu", &from, &to, &inode) == 3)
            count_once(&census, inode, to - from);
    }
    if (maps)
        fclose(maps);
    return census.bytes;
}

static int allocate(struct dma_heap_allocation_data *wanted)
{
    const char *limit = getenv("HEAP_LIMIT");
    if (limit && living_bytes() + wanted->len > strtoull(limit, NULL, 0)) {
        errno = ENOMEM;
        return -1;
    }
    int fd = memfd_create(BUFFER_NAME, wanted->fd_flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0 || ftruncate(fd, wanted->len))
        return -1;
    wanted->fd = fd;
    return 0;
}

int ioctl(int fd, unsigned long command, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (command == DMA_HEAP_IOCTL_ALLOC && is_called(fd, HEAP_NAME)) {
        pthread_mutex_lock(&guard);
        int result = allocate(argument);
        pthread_mutex_unlock(&guard);
        return result;
    }
    if (_IOC_TYPE(command) == DMA_BUF_BASE && is_called(fd, BUFFER_NAME))
        return 0; /* one cache, always in step */
    if (!real)
        real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, command, argument);
}

static int open_as(const char *name, const char *path, int flags, mode_t mode)
{
    if (path && strncmp(path, HEAPS, strlen(HEAPS)) == 0)
        return memfd_create(HEAP_NAME, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    return real(path, flags, mode);
}

#define OPEN(name)                                              \
    int name(const char *path, int flags, ...)                  \
    {                                                           \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        mode_t mode = va_arg(rest, mode_t);                     \
        va_end(rest);                                           \
        return open_as(#name, path, flags, mode);               \
    }
OPEN(open)
OPEN(open64)
