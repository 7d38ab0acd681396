/* fork, exec, wait, pipes, sockets, poll, select, epoll, directories, times. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "child")) {
        printf("child %s %s %s\n", argv[0], argv[2], getenv("GREETING"));
        return 5;
    }
    int status, ends[2];
    char text[256] = "";
    setvbuf(stdout, 0, _IONBF, 0);
    pid_t pid = fork();
    if (!pid) {
        char *args[] = {"renamed", "child", "argument with space", 0}, *envs[] = {"GREETING=hello", 0};
        execve("/proc/self/exe", args, envs);
        _exit(1);
    }
    printf("waited %d", waitpid(pid, &status, 0) == pid);
    printf(" status %d\n", WEXITSTATUS(status));
    pid = vfork();
    if (!pid) {
        execl("/nonexistent", "x", (char *)0);
        _exit(errno == ENOENT ? 9 : 1);
    }
    waitpid(pid, &status, 0);
    printf("vfork %d\n", WEXITSTATUS(status));
    char *args[] = {argv[0], "child", "spawned", 0}, *envs[] = {"GREETING=hi", 0};
    int failed = posix_spawn(&pid, argv[0], 0, 0, args, envs);
    siginfo_t info;
    int waited = waitid(P_PID, pid, &info, WEXITED);
    printf("spawn %d waitid %d status %d code %d\n", failed, waited, info.si_status, info.si_code);

    pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    printf("cloexec %d nonblock %d\n", fcntl(ends[0], F_GETFD), (fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    printf("again %d\n", read(ends[0], text, 1) == -1 && errno == EAGAIN);
    struct iovec parts[2] = {{"ab", 2}, {"cde", 3}};
    printf("writev %d\n", (int)writev(ends[1], parts, 2));
    struct pollfd p = {ends[0], POLLIN, 0};
    printf("poll %d %d\n", poll(&p, 1, 1000), p.revents);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval second = {1, 0};
    printf("select %d %d\n", select(ends[0] + 1, &set, 0, 0, &second), FD_ISSET(ends[0], &set) != 0);
    int e = epoll_create1(0), event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct epoll_event want = {EPOLLIN, {.u64 = 0x123456789abcdef0ull}}, got;
    epoll_ctl(e, EPOLL_CTL_ADD, ends[0], &want);
    printf("epoll %d %llx\n", epoll_wait(e, &got, 1, 1000), got.data.u64);
    unsigned long long number = 3;
    write(event, &number, 8), number = 0, read(event, &number, 8);
    printf("eventfd %llu\n", number);
    struct itimerspec soon = {.it_value.tv_nsec = 10000000};
    timerfd_settime(timer, 0, &soon, 0);
    printf("timerfd %d", (int)read(timer, &number, 8));
    printf(" %llu\n", number);

    int pair[2], passed = -1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ends[0], sizeof(int));
    printf("sendmsg %d\n", (int)sendmsg(pair[0], &message, 0));
    struct iovec in = {text, sizeof text};
    struct msghdr received = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    memset(control, 0, sizeof control);
    printf("recvmsg %d", (int)recvmsg(pair[1], &received, 0));
    c = CMSG_FIRSTHDR(&received);
    if (c)
        memcpy(&passed, CMSG_DATA(c), sizeof(int));
    memset(text, 0, sizeof text);
    printf(" passed %d", (int)read(passed, text, 5));
    printf(" %s\n", text);
    struct timeval limit = {0, 20000};
    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    printf("timeout %d\n", recv(pair[1], text, 1, 0) == -1 && errno == EAGAIN);

    char name[] = "/tmp/dbt-test-XXXXXX", file[64], other[64];
    mkdtemp(name);
    snprintf(file, sizeof file, "%s/file", name), snprintf(other, sizeof other, "%s/link", name);
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL, 0640);
    ftruncate(fd, 5000000000ll);
    pwrite(fd, "far", 3, 4999999990ll);
    struct stat st;
    fstat(fd, &st);
    printf("size %lld mode %o links %d\n", (long long)st.st_size, st.st_mode & 0777, (int)st.st_nlink);
    printf("lseek %lld\n", (long long)lseek(fd, -10, SEEK_END));
    printf("symlink %d", symlink("file", other));
    printf(" lstat %d", lstat(other, &st) == 0 && S_ISLNK(st.st_mode));
    printf(" nofollow %d\n", open(other, O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    printf("directory %d\n", open(file, O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    futimens(fd, times), fstat(fd, &st);
    printf("times %ld %ld %ld\n", (long)st.st_atim.tv_sec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    struct flock hold = {.l_type = F_WRLCK, .l_start = 4000000000ll, .l_len = 10};
    printf("lock %d\n", fcntl(fd, F_SETLK, &hold));
    DIR *d = opendir(name);
    int entries = 0;
    for (struct dirent *entry; (entry = readdir(d));)
        entries += strcmp(entry->d_name, "file") == 0 || strcmp(entry->d_name, "link") == 0;
    printf("entries %d\n", entries);
    unlink(file), unlink(other);
    printf("rmdir %d\n", rmdir(name));

    struct utsname names;
    uname(&names);
    printf("machine %s\n", names.machine);
    struct rlimit limits;
    getrlimit(RLIMIT_NOFILE, &limits);
    printf("limit %d\n", limits.rlim_cur > 10);
    struct statfs fs;
    printf("statfs %d %d\n", statfs("/", &fs), fs.f_bsize > 0);
    struct timespec now, later;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct timespec nap = {0, 20000000};
    nanosleep(&nap, 0);
    clock_gettime(CLOCK_MONOTONIC, &later);
    printf("slept %d\n", (later.tv_sec - now.tv_sec) * 1000 + (later.tv_nsec - now.tv_nsec) / 1000000 >= 20);
    memset(text, 0, sizeof text);
    readlink("/proc/self/exe", text, sizeof text - 1);
    printf("exe %s\n", strrchr(text, '/') + 1);
    printf("bad %d", write(1, (void *)0xfffffff0, 64) == -1 && errno == EFAULT);
    printf(" %d\n", read(-1, text, 1) == -1 && errno == EBADF);
    return 0;
}
