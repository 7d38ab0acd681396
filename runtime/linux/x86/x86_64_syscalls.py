"""System calls of x86-64. ``runtime.linux.syscalls.rows`` says what the columns mean, ``runtime.linux.syscalls.direct`` what follows a ``~``."""

from __future__ import annotations

from runtime.linux.syscalls.rows import SINCE_5_1, parse

ROWS = parse("""
0 read io. fxu R
1 write io. fxu R
2 open paths. sxo R
3 close . f
4 stat stat.stat64 sx
5 fstat stat.fstat64 fx
6 lstat stat.lstat64 sx
7 poll poll. xui
8 lseek . fiu
9 mmap memory. xuxxfx
10 mprotect memory. xux
11 munmap memory. xu
12 brk memory. x
13 rt_sigaction signal. ixxu
14 rt_sigprocmask signal. ixxu
15 rt_sigreturn signal. -
16 ioctl ioctl. fxx R
17 pread64 ~1>#2 fxui
18 pwrite64 ~1<#2 fxui
19 readv io. fxi R
20 writev io. fxi R
21 access paths. so
22 pipe io. x
23 select poll. ixxxx
24 sched_yield . -
25 mremap memory. xuuxx
26 msync memory. xux
27 mincore memory. xux
28 madvise memory. xui
29 shmget . iux
30 shmat ipc. ixx
31 shmctl ipc. iix
32 dup . f
33 dup2 io. ff
34 pause . -
35 nanosleep ~0<16,1>16 xx
36 getitimer time. ix
37 alarm . u
38 setitimer time. ixx
39 getpid . -
40 sendfile io. ffxu
41 socket . iii
42 connect socket. fxu R
43 accept socket. fxx R
44 sendto socket. fxuxxu R
45 recvfrom socket. fxuxxx R
46 sendmsg socket. fxx R
47 recvmsg socket. fxx R
48 shutdown . fi
49 bind socket. fxu
50 listen . fi
51 getsockname socket. fxx
52 getpeername socket. fxx
53 socketpair socket. iiix
54 setsockopt socket. fiixu
55 getsockopt socket. fiixx
56 clone process. xxxxx
57 fork process. -
58 vfork process. -
59 execve process. sxx
60 exit process. i
61 wait4 process. ixxx R
62 kill signal. ii
63 uname process. x
64 semget . iix
65 semop ipc. ixu
66 semctl ipc. iiix
67 shmdt ipc. x
68 msgget . ix
69 msgsnd ipc. ixux
70 msgrcv ipc. ixuix
71 msgctl ipc. iix
72 fcntl fcntl. fux R
73 flock . fi R
74 fsync . f
75 fdatasync . f
76 truncate paths. si
77 ftruncate io. fi
78 getdents ~1>#2 fxu
79 getcwd paths. xu
80 chdir paths. s
81 fchdir . f
82 rename paths. ss
83 mkdir paths. so
84 rmdir paths. s
85 creat paths. so R
86 link paths. ss
87 unlink paths. s
88 symlink paths. ss
89 readlink paths. sxu
90 chmod paths. so
91 fchmod . fo
92 chown paths. suu
93 fchown . fuu
94 lchown paths. suu
95 umask . o
96 gettimeofday time. xx
97 getrlimit process. ux
98 getrusage process. ix
99 sysinfo ~0>112 x
100 times time. x
101 ptrace - xxxx
102 getuid . -
103 syslog - ixi
104 getgid . -
105 setuid . u
106 setgid . u
107 geteuid . -
108 getegid . -
109 setpgid . ii
110 getppid . -
111 getpgrp . -
112 setsid . -
113 setreuid . uu
114 setregid . uu
115 getgroups ids. ix
116 setgroups ids. ix
117 setresuid . uuu
118 getresuid ids. xxx
119 setresgid . uuu
120 getresgid ids. xxx
121 getpgid . i
122 setfsuid . u
123 setfsgid . u
124 getsid . i
125 capget process. xx
126 capset - xx
127 rt_sigpending signal. xu
128 rt_sigtimedwait signal.rt_sigtimedwait_time64 xxxu
129 rt_sigqueueinfo signal. iix
130 rt_sigsuspend signal. xu
131 sigaltstack signal. xx
132 utime time. sx
133 mknod paths. sou
135 personality process. x
137 statfs ~1>120 sx
138 fstatfs ~1>120 fx
140 getpriority . ii
141 setpriority . iii
142 sched_setparam sched. ix
143 sched_getparam sched. ix
144 sched_setscheduler sched. iix
145 sched_getscheduler . i
146 sched_get_priority_max . i
147 sched_get_priority_min . i
148 sched_rr_get_interval sched.sched_rr_get_interval_time64 ix
149 mlock memory. xu
150 munlock memory. xu
151 mlockall memory. x
152 munlockall memory. -
153 vhangup - -
154 modify_ldt x86. ixu
155 pivot_root - ss
157 prctl process. ixxxx
158 arch_prctl x86. xx
159 adjtimex - x
160 setrlimit process. ux
161 chroot - s
162 sync . -
163 acct - s
164 settimeofday - xx
165 mount - ssxxx
166 umount2 - sx
170 sethostname io. xu
186 gettid . -
187 readahead . fiu
188 setxattr xattr. ssxux
189 lsetxattr xattr. ssxux
190 fsetxattr xattr. fsxux
191 getxattr xattr. ssxu
192 lgetxattr xattr. ssxu
193 fgetxattr xattr. fsxu
194 listxattr xattr. sxu
195 llistxattr xattr. sxu
196 flistxattr xattr. fxu
197 removexattr xattr. ss
198 lremovexattr xattr. ss
199 fremovexattr xattr. fs
200 tkill signal. ii
201 time time. x
202 futex futex.futex_time64 xiuxxu R
203 sched_setaffinity sched. iux
204 sched_getaffinity sched. iux
213 epoll_create . i
217 getdents64 io. fxu
218 set_tid_address process. x
219 restart_syscall - -
220 semtimedop ipc.semtimedop_time64 ixux
221 fadvise64 . fiii
222 timer_create time. ixx
223 timer_settime time.timer_settime64 ixxx
224 timer_gettime time.timer_gettime64 ix
225 timer_getoverrun . i
226 timer_delete . i
227 clock_settime time.clock_settime64 ix
228 clock_gettime time.clock_gettime64 ix
229 clock_getres time.clock_getres_time64 ix
230 clock_nanosleep time.clock_nanosleep_time64 ixxx
231 exit_group process. i
232 epoll_wait poll. fxii
233 epoll_ctl poll. fifx
234 tgkill signal. iii
235 utimes time. sx
240 mq_open ipc. sxox
241 mq_unlink ipc. s
242 mq_timedsend ipc.mq_timedsend_time64 fxuux R
243 mq_timedreceive ipc.mq_timedreceive_time64 fxuxx R
245 mq_getsetattr ipc. fxx
247 waitid process. iixxx R
248 add_key - ssxui
249 request_key - sssi
250 keyctl - ixxxx
251 ioprio_set . iii
252 ioprio_get . ii
253 inotify_init . -
254 inotify_add_watch paths. fsx
255 inotify_rm_watch . fi
257 openat paths. fsxo R
258 mkdirat paths. fso
259 mknodat paths. fsou
260 fchownat paths. fsuux
261 futimesat time. fsx
262 newfstatat stat.fstatat64 fsxx
263 unlinkat paths. fsx
264 renameat paths. fsfs
265 linkat paths. fsfsx
266 symlinkat paths. sfs
267 readlinkat paths. fsxu
268 fchmodat paths. fso
269 faccessat paths. fso
270 pselect6 poll.pselect6_time64 ixxxxx
271 ppoll poll.ppoll_time64 xuxxu
272 unshare - x
273 set_robust_list process. xu
274 get_robust_list process. ixx
275 splice io. fxfxux R
276 tee . ffux R
277 sync_file_range . fiix
278 vmsplice io. fxux R
280 utimensat time.utimensat_time64 fsxx
281 epoll_pwait poll. fxiixu
282 signalfd signal. fxu
283 timerfd_create . ii
284 eventfd . u
285 fallocate . fuii
286 timerfd_settime time.timerfd_settime64 fxxx
287 timerfd_gettime time.timerfd_gettime64 fx
288 accept4 socket. fxxx R
289 signalfd4 signal. fxux
290 eventfd2 . ux
291 epoll_create1 . x
292 dup3 io. ffx
293 pipe2 io. xx
294 inotify_init1 . x
295 preadv io. fxiuu R
296 pwritev io. fxiuu R
297 rt_tgsigqueueinfo signal. iiix
298 perf_event_open - xxxxx
299 recvmmsg socket. fxuxx R
302 prlimit64 process. iuxx
303 name_to_handle_at - fsxxx
304 open_by_handle_at - fxx
305 clock_adjtime - ix
306 syncfs . f
307 sendmmsg socket. fxux R
308 setns - fx
309 getcpu process. xxx
310 process_vm_readv - ixuxux
311 process_vm_writev - ixuxux
312 kcmp . iiixx
314 sched_setattr sched. ixx
315 sched_getattr sched. ixux
316 renameat2 paths. fsfsx
317 seccomp - xxx
318 getrandom io. xux R
319 memfd_create paths. sx
321 bpf - xxx
322 execveat process. fsxxx
323 userfaultfd - x
324 membarrier process. iii
325 mlock2 memory. xux
326 copy_file_range io. fxfxux
327 preadv2 io. fxiuux R
328 pwritev2 io. fxiuux R
329 pkey_mprotect - xuxx
330 pkey_alloc - xx
331 pkey_free - i
332 statx stat. fsxux
334 rseq - xuxu
""" + SINCE_5_1)
