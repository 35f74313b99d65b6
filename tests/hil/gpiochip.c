/* A GPIO chip that is not there: the character device /dev/gpiochip0, played to one process.
 *
 * Preloaded (LD_PRELOAD), this library answers open, close and ioctl for that path as the kernel's GPIO
 * uAPI v2 does (linux/gpio.h), so that the real lgpio and the real RPi.GPIO run unchanged on a computer
 * without GPIO: requests and releases, EBUSY, outputs, pulls, edges with the kernel's debounce.
 *
 * The world outside the chip is a test, by two environment variables:
 *   CHIP_TRACE=file     gets a line "nanoseconds line what" whenever a line changes on the Pi's side;
 *                       what: 0 or 1 = driven to that level, - = an input or released;
 *                       L, H, Z = the world put this level on it, or let it go
 *   CHIP_CONTROL=path   a SOCK_SEQPACKET socket; each packet is a command, each answered by one packet:
 *                       "set L 0|1|-"   a level put on the line from outside, - = let go
 *                       "bounce L 0|1"  a contact that chatters for 10 ms before it rests at a level
 *                       "noticed L"     1 when the line is at rest, and was read since its last edge; else 0
 *                       "hold L 0|1"    another program, "a lamp", has the line
 *                       "ask L"         answers the level on the line, and "out" or "in"
 *
 * Build: cc -O2 -shared -fPIC -o gpiochip.so gpiochip.c -ldl -lpthread
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/gpiochip0"
#define LINES 54
#define FDS 1024
#define FLOATING -1
#define BOUNCES 11          /* changes of a contact; odd, for it ends as it begins */
#define FLAG(name) GPIO_V2_LINE_FLAG_##name

struct line {
    uint64_t flags;
    uint32_t debounce_us, events;
    int owner;          /* file descriptor of the request that holds it, 0 = free */
    int held;           /* by another program */
    char consumer[GPIO_MAX_NAME_SIZE]; /* under which name the line is in use */
    int driven;         /* by the Pi: 0, 1, FLOATING */
    int outside;        /* by the world: 0, 1, FLOATING */
    int reported;       /* level the last edge event told */
    int unread;         /* an edge event was told and the level not asked for since */
    uint64_t settle_ns; /* when a changed input will have rested for its debounce time, 0 = at rest */
};

struct request {
    int chip;           /* this fd is the chip itself */
    int count;          /* this fd is a request of so many lines, 0 = not ours */
    int write_end;      /* events go in here; the program reads them from the fd */
    uint32_t events;
    uint32_t offsets[GPIO_V2_LINES_MAX];
};

static struct line lines[LINES];
static struct request requests[FDS];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t begun = PTHREAD_ONCE_INIT;
static pthread_cond_t changed;
static int trace = -1;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec;
}

/* --- one line ------------------------------------------------------------------------------------- */

static int level_of(const struct line *line)
{
    if (line->driven != FLOATING)
        return line->driven;
    if (line->outside != FLOATING)
        return line->outside;
    return (line->flags & FLAG(BIAS_PULL_UP)) != 0;
}

static void note(const struct line *line, char what)
{
    char text[48];
    int length = snprintf(text, sizeof text, "%llu %d %c\n", (unsigned long long)now_ns(), (int)(line - lines), what);
    if (trace >= 0 && write(trace, text, length) != length)
        abort(); /* a trace with holes would prove nothing */
}

static void drive(struct line *line, int level)
{
    if (line->driven != level)
        note(line, "-01"[level + 1]);
    line->driven = level;
}

static void tell_edge(struct line *line, uint64_t when)
{
    int level = level_of(line);
    if (level == line->reported || !line->owner || line->driven != FLOATING)
        return;
    line->reported = level;
    line->unread = 1;
    if (!(line->flags & (level ? FLAG(EDGE_RISING) : FLAG(EDGE_FALLING))))
        return;
    struct request *request = &requests[line->owner];
    struct gpio_v2_line_event event = {
        .timestamp_ns = when,
        .id = level ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE,
        .offset = (uint32_t)(line - lines),
        .seqno = ++request->events,
        .line_seqno = ++line->events,
    };
    if (write(request->write_end, &event, sizeof event) < 0) {
        /* full: the kernel drops the event too */
    }
}

static void put_from_outside(struct line *line, int level)
{
    note(line, "ZLH"[level + 1]);
    line->outside = level;
    if (line->debounce_us) {
        line->settle_ns = now_ns() + line->debounce_us * 1000ull;
        pthread_cond_signal(&changed);
    } else {
        tell_edge(line, now_ns());
    }
}

/* The kernel reports a debounced line once it has been stable for the whole time. */
static void *debouncer(void *unused)
{
    pthread_mutex_lock(&guard);
    for (;;) {
        uint64_t now = now_ns(), next = now + 1000000000u;
        for (struct line *line = lines; line < lines + LINES; line++) {
            if (line->settle_ns && line->settle_ns <= now) {
                line->settle_ns = 0;
                tell_edge(line, now);
            } else if (line->settle_ns && line->settle_ns < next) {
                next = line->settle_ns;
            }
        }
        struct timespec until = { .tv_sec = next / 1000000000u, .tv_nsec = next % 1000000000u };
        pthread_cond_timedwait(&changed, &guard, &until);
    }
    return unused;
}

/* --- the world's commands --------------------------------------------------------------------------- */

/* However long the machine takes for it, a debounced line sees changes closer than its debounce time. */
static void bounce(struct line *line, int rests_at)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    for (int change = 1; change <= BOUNCES; change++) {
        pthread_mutex_lock(&guard);
        put_from_outside(line, change % 2 ? rests_at : !rests_at);
        if (line->debounce_us && change < BOUNCES)
            line->settle_ns = UINT64_MAX;
        pthread_mutex_unlock(&guard);
        nanosleep(&pause, NULL);
    }
}

static void obey(char *command, char *answer, size_t room)
{
    int number;
    char value;
    if (sscanf(command, "bounce %d %c", &number, &value) == 2 && number >= 0 && number < LINES) {
        bounce(&lines[number], value == '1');
        snprintf(answer, room, "ok");
        return;
    }
    pthread_mutex_lock(&guard);
    if (sscanf(command, "set %d %c", &number, &value) == 2 && number >= 0 && number < LINES) {
        put_from_outside(&lines[number], value == '-' ? FLOATING : value - '0');
        snprintf(answer, room, "ok");
    } else if (sscanf(command, "hold %d %c", &number, &value) == 2 && number >= 0 && number < LINES) {
        lines[number].held = value == '1';
        snprintf(lines[number].consumer, sizeof lines[number].consumer, value == '1' ? "a lamp" : "");
        snprintf(answer, room, "ok");
    } else if (sscanf(command, "noticed %d", &number) == 1 && number >= 0 && number < LINES) {
        snprintf(answer, room, "%d", !lines[number].settle_ns && !lines[number].unread);
    } else if (sscanf(command, "ask %d", &number) == 1 && number >= 0 && number < LINES) {
        struct line *line = &lines[number];
        snprintf(answer, room, "%d %s", level_of(line), line->driven == FLOATING ? "in" : "out");
    } else {
        snprintf(answer, room, "not understood");
    }
    pthread_mutex_unlock(&guard);
}

static void *control(void *listener)
{
    for (;;) {
        int world = accept4((int)(intptr_t)listener, NULL, NULL, SOCK_CLOEXEC);
        char command[64], answer[64];
        ssize_t length;
        while (world >= 0 && (length = recv(world, command, sizeof command - 1, 0)) > 0) {
            command[length] = 0;
            obey(command, answer, sizeof answer);
            if (send(world, answer, strlen(answer), MSG_NOSIGNAL) < 0)
                break;
        }
        if (world >= 0)
            close(world);
    }
    return NULL;
}

static void begin(void)
{
    pthread_t thread;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &clock);
    for (int i = 0; i < LINES; i++)
        lines[i].driven = lines[i].outside = FLOATING;
    pthread_create(&thread, NULL, debouncer, NULL);

    const char *path = getenv("CHIP_TRACE");
    if (path)
        trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    path = getenv("CHIP_CONTROL");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!path || strlen(path) >= sizeof address.sun_path)
        return;
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4))
        perror(path);
    else
        pthread_create(&thread, NULL, control, (void *)(intptr_t)listener);
}

/* --- the kernel's side -------------------------------------------------------------------------------- */

static int fail(int error)
{
    errno = error;
    return -1;
}

static void configure(struct request *request, const struct gpio_v2_line_config *config)
{
    for (int i = 0; i < request->count; i++) {
        struct line *line = &lines[request->offsets[i]];
        uint64_t flags = config->flags;
        int value = 0;
        line->debounce_us = 0;
        line->settle_ns = 0;
        for (uint32_t a = 0; a < config->num_attrs; a++) {
            const struct gpio_v2_line_config_attribute *one = &config->attrs[a];
            if (!(one->mask >> i & 1))
                continue;
            if (one->attr.id == GPIO_V2_LINE_ATTR_ID_FLAGS)
                flags = one->attr.flags;
            else if (one->attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
                value = one->attr.values >> i & 1;
            else if (one->attr.id == GPIO_V2_LINE_ATTR_ID_DEBOUNCE)
                line->debounce_us = one->attr.debounce_period_us;
        }
        line->flags = flags;
        drive(line, flags & FLAG(OUTPUT) ? value : FLOATING);
        line->reported = level_of(line);
    }
}

static int request_lines(struct gpio_v2_line_request *wanted)
{
    int ends[2];
    if (wanted->num_lines == 0 || wanted->num_lines > GPIO_V2_LINES_MAX)
        return fail(EINVAL);
    for (uint32_t i = 0; i < wanted->num_lines; i++) {
        if (wanted->offsets[i] >= LINES)
            return fail(EINVAL);
        if (lines[wanted->offsets[i]].owner || lines[wanted->offsets[i]].held)
            return fail(EBUSY);
    }
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -1;
    if (ends[0] >= FDS)
        return fail(EMFILE);
    struct request *request = &requests[ends[0]];
    *request = (struct request){ .count = (int)wanted->num_lines, .write_end = ends[1] };
    memcpy(request->offsets, wanted->offsets, sizeof request->offsets);
    for (int i = 0; i < request->count; i++) {
        struct line *line = &lines[request->offsets[i]];
        line->owner = ends[0];
        snprintf(line->consumer, sizeof line->consumer, "%s", wanted->consumer);
    }
    configure(request, &wanted->config);
    wanted->fd = ends[0];
    return 0;
}

static int on_chip(unsigned long command, void *argument)
{
    if (command == GPIO_GET_CHIPINFO_IOCTL) {
        struct gpiochip_info *info = argument;
        *info = (struct gpiochip_info){ .name = "gpiochip0", .label = "pinctrl-bcm2835", .lines = LINES };
        return 0;
    }
    if (command == GPIO_V2_GET_LINEINFO_IOCTL) {
        struct gpio_v2_line_info *info = argument;
        uint32_t offset = info->offset;
        if (offset >= LINES)
            return fail(EINVAL);
        const struct line *line = &lines[offset];
        *info = (struct gpio_v2_line_info){ .offset = offset, .flags = line->flags };
        snprintf(info->name, sizeof info->name, "GPIO%u", offset);
        if (line->owner || line->held)
            snprintf(info->consumer, sizeof info->consumer, "%s", line->consumer), info->flags |= FLAG(USED);
        if (!(line->flags & FLAG(OUTPUT)))
            info->flags |= FLAG(INPUT);
        return 0;
    }
    if (command == GPIO_V2_GET_LINE_IOCTL)
        return request_lines(argument);
    return fail(ENOTTY);
}

static int on_request(struct request *request, unsigned long command, void *argument)
{
    struct gpio_v2_line_values *values = argument;
    switch (command) {
    case GPIO_V2_LINE_SET_CONFIG_IOCTL:
        configure(request, argument);
        return 0;
    case GPIO_V2_LINE_GET_VALUES_IOCTL:
        values->bits = 0;
        for (int i = 0; i < request->count; i++) {
            values->bits |= (uint64_t)level_of(&lines[request->offsets[i]]) << i;
            lines[request->offsets[i]].unread = 0;
        }
        values->bits &= values->mask;
        return 0;
    case GPIO_V2_LINE_SET_VALUES_IOCTL:
        for (int i = 0; i < request->count; i++) {
            struct line *line = &lines[request->offsets[i]];
            if (!(values->mask >> i & 1))
                continue;
            if (line->driven == FLOATING)
                return fail(EPERM);
            drive(line, values->bits >> i & 1);
        }
        return 0;
    }
    return fail(ENOTTY);
}

/* --- what is preloaded ---------------------------------------------------------------------------------- */

int ioctl(int fd, unsigned long command, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (_IOC_TYPE(command) == 0xB4 && fd >= 0 && fd < FDS && (requests[fd].chip || requests[fd].count)) {
        pthread_mutex_lock(&guard);
        int result = requests[fd].chip ? on_chip(command, argument) : on_request(&requests[fd], command, argument);
        pthread_mutex_unlock(&guard);
        return result;
    }
    if (!real)
        real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, command, argument);
}

int close(int fd)
{
    static int (*real)(int);
    if (!real)
        real = dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < FDS && (requests[fd].chip || requests[fd].count)) {
        pthread_mutex_lock(&guard);
        struct request *request = &requests[fd];
        for (int i = 0; i < request->count; i++) {
            struct line *line = &lines[request->offsets[i]];
            line->owner = 0;
            line->consumer[0] = 0;
            line->settle_ns = 0;
            line->flags &= FLAG(BIAS_PULL_UP) | FLAG(BIAS_PULL_DOWN); /* pulls outlive the request */
            drive(line, FLOATING);
        }
        if (request->count)
            real(request->write_end);
        *request = (struct request){ 0 };
        pthread_mutex_unlock(&guard);
    }
    return real(fd);
}

static int open_as(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    if (!path || strcmp(path, DEVICE))
        return real(path, flags, mode);
    pthread_once(&begun, begin);
    int fd = real("/dev/null", flags, mode);
    if (fd >= 0 && fd < FDS) {
        pthread_mutex_lock(&guard);
        requests[fd] = (struct request){ .chip = 1 };
        pthread_mutex_unlock(&guard);
    }
    return fd;
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
