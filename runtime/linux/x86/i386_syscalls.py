"""System calls of i386. ``runtime.linux.syscalls.rows`` says what the columns mean."""

from __future__ import annotations

from runtime.linux.syscalls.rows import SINCE_5_1, TIME64, parse

ROWS = parse("""
0 restart_syscall - -
1 exit process. i
2 fork process. -
3 read io. fxu R
4 write io. fxu R
5 open paths. sxo R
6 close . f
7 waitpid process. ixx R
8 creat paths. so R
9 link paths. ss
10 unlink paths. s
11 execve process. sxx
12 chdir paths. s
13 time time. x
14 mknod paths. sou
15 chmod paths. so
16 lchown paths.lchown16 suu
19 lseek io. fiu
20 getpid . -
21 mount - ssxxx
23 setuid ids.setuid16 u
24 getuid . -
25 stime - x
26 ptrace - xxxx
27 alarm . u
29 pause . -
30 utime time. sx
33 access paths. so
34 nice process. i
36 sync . -
37 kill signal. ii
38 rename paths. ss
39 mkdir paths. so
40 rmdir paths. s
41 dup . f
42 pipe io. x
43 times time. x
45 brk memory. x
46 setgid ids.setgid16 u
47 getgid . -
48 signal - ix
49 geteuid . -
50 getegid . -
51 acct - s
52 umount2 - sx
54 ioctl ioctl. fxx R
55 fcntl fcntl. fux R
57 setpgid . ii
60 umask . o
61 chroot - s
63 dup2 io. ff
64 getppid . -
65 getpgrp . -
66 setsid . -
67 sigaction signal. ixx
68 sgetmask - -
69 ssetmask - x
70 setreuid ids.setreuid16 uu
71 setregid ids.setregid16 uu
72 sigsuspend signal. xxx
73 sigpending signal. x
74 sethostname io.sethostname xu
75 setrlimit process. ux
76 getrlimit process.old_getrlimit ux
77 getrusage process. ix
78 gettimeofday time. xx
79 settimeofday - xx
80 getgroups ids.getgroups16 ix
81 setgroups - ix
82 select poll.old_select x
83 symlink paths. ss
85 readlink paths. sxu
89 readdir - fxu
90 mmap memory.old_mmap x
91 munmap memory. xu
92 truncate paths. si
93 ftruncate io. fi
94 fchmod . fo
95 fchown ids.fchown16 fuu
96 getpriority . ii
97 setpriority . iii
99 statfs fs. sx
100 fstatfs fs. fx
101 ioperm - xxx
102 socketcall socket. ix R
103 syslog - ixi
104 setitimer time. ixx
105 getitimer time. ix
106 stat - sx
107 lstat - sx
108 fstat - fx
110 iopl - i
111 vhangup - -
113 vm86old - x
114 wait4 process. ixxx R
116 sysinfo process. x
117 ipc ipc. ixxxxx
118 fsync . f
119 sigreturn signal. -
120 clone process. xxxxx
121 setdomainname - xu
122 uname process. x
123 modify_ldt x86. ixu
124 adjtimex - x
125 mprotect memory. xux
126 sigprocmask signal. ixx
132 getpgid . i
133 fchdir . f
136 personality process. x
138 setfsuid ids.setfsuid16 u
139 setfsgid ids.setfsgid16 u
140 _llseek io.llseek fxxxi
141 getdents - fxu
142 _newselect poll.select ixxxx
143 flock . fi R
144 msync memory. xux
145 readv io. fxi R
146 writev io. fxi R
147 getsid .getsid i
148 fdatasync . f
150 mlock memory. xu
151 munlock memory. xu
152 mlockall memory. x
153 munlockall memory. -
154 sched_setparam sched. ix
155 sched_getparam sched. ix
156 sched_setscheduler sched. iix
157 sched_getscheduler . i
158 sched_yield . -
159 sched_get_priority_max . i
160 sched_get_priority_min . i
161 sched_rr_get_interval sched. ix
162 nanosleep time. xx
163 mremap memory. xuuxx
164 setresuid ids.setresuid16 uuu
165 getresuid ids.getresuid16 xxx
166 vm86 - xx
168 poll poll. xui
170 setresgid ids.setresgid16 uuu
171 getresgid ids.getresgid16 xxx
172 prctl process. ixxxx
173 rt_sigreturn signal. -
174 rt_sigaction signal. ixxu
175 rt_sigprocmask signal. ixxu
176 rt_sigpending signal. xu
177 rt_sigtimedwait signal. xxxu
178 rt_sigqueueinfo signal. iix
179 rt_sigsuspend signal. xu
180 pread64 io. fxuuu
181 pwrite64 io. fxuuu
182 chown paths.chown16 suu
183 getcwd paths. xu
184 capget process. xx
185 capset - xx
186 sigaltstack signal. xx
187 sendfile io. ffxu
190 vfork process. -
191 ugetrlimit process.getrlimit ux
192 mmap2 memory. xuxxfx
193 truncate64 paths. suu
194 ftruncate64 io. fuu
195 stat64 stat. sx
196 lstat64 stat. sx
197 fstat64 stat. fx
198 lchown32 paths.lchown suu
199 getuid32 .getuid -
200 getgid32 .getgid -
201 geteuid32 .geteuid -
202 getegid32 .getegid -
203 setreuid32 .setreuid uu
204 setregid32 .setregid uu
205 getgroups32 ids.getgroups ix
206 setgroups32 ids.setgroups ix
207 fchown32 .fchown fuu
208 setresuid32 .setresuid uuu
209 getresuid32 ids.getresuid xxx
210 setresgid32 .setresgid uuu
211 getresgid32 ids.getresgid xxx
212 chown32 paths.chown suu
213 setuid32 .setuid u
214 setgid32 .setgid u
215 setfsuid32 .setfsuid u
216 setfsgid32 .setfsgid u
217 pivot_root - ss
218 mincore memory. xux
219 madvise memory. xui
220 getdents64 io. fxu
221 fcntl64 fcntl.fcntl fux R
224 gettid . -
225 readahead io. fuuu
226 setxattr xattr. ssxux
227 lsetxattr xattr. ssxux
228 fsetxattr xattr. fsxux
229 getxattr xattr. ssxu
230 lgetxattr xattr. ssxu
231 fgetxattr xattr. fsxu
232 listxattr xattr. sxu
233 llistxattr xattr. sxu
234 flistxattr xattr. fxu
235 removexattr xattr. ss
236 lremovexattr xattr. ss
237 fremovexattr xattr. fs
238 tkill signal. ii
239 sendfile64 io. ffxu
240 futex futex. xiuxxu R
241 sched_setaffinity sched. iux
242 sched_getaffinity sched. iux
243 set_thread_area x86. x
244 get_thread_area x86. x
250 fadvise64 io.fadvise64_short fuuui
252 exit_group process. i
254 epoll_create . i
255 epoll_ctl poll. fifx
256 epoll_wait poll. fxii
257 remap_file_pages - xxxxx
258 set_tid_address process. x
259 timer_create time. ixx
260 timer_settime time. ixxx
261 timer_gettime time. ix
262 timer_getoverrun . i
263 timer_delete . i
264 clock_settime time. ix
265 clock_gettime time. ix
266 clock_getres time. ix
267 clock_nanosleep time. ixxx
268 statfs64 fs. sux
269 fstatfs64 fs. fux
270 tgkill signal. iii
271 utimes time. sx
272 fadvise64_64 io.fadvise64_last fuuuui
277 mq_open ipc. sxox
278 mq_unlink ipc. s
279 mq_timedsend ipc. fxuux R
280 mq_timedreceive ipc. fxuxx R
282 mq_getsetattr ipc. fxx
284 waitid process. iixxx R
286 add_key - ssxui
287 request_key - sssi
288 keyctl - ixxxx
289 ioprio_set . iii
290 ioprio_get . ii
291 inotify_init . -
292 inotify_add_watch paths. fsx
293 inotify_rm_watch . fi
295 openat paths. fsxo R
296 mkdirat paths. fso
297 mknodat paths. fsou
298 fchownat paths. fsuux
299 futimesat time. fsx
300 fstatat64 stat. fsxx
301 unlinkat paths. fsx
302 renameat paths. fsfs
303 linkat paths. fsfsx
304 symlinkat paths. sfs
305 readlinkat paths. fsxu
306 fchmodat paths. fso
307 faccessat paths. fso
308 pselect6 poll. ixxxxx
309 ppoll poll. xuxxu
310 unshare - x
311 set_robust_list process. xu
312 get_robust_list process. ixx
313 splice io. fxfxux R
314 sync_file_range io. fuuuux
315 tee . ffux R
316 vmsplice io. fxux R
318 getcpu process. xxx
319 epoll_pwait poll. fxiixu
320 utimensat time. fsxx
321 signalfd signal. fxu
322 timerfd_create . ii
323 eventfd . u
324 fallocate io. fxuuuu
325 timerfd_settime time. fxxx
326 timerfd_gettime time. fx
327 signalfd4 signal. fxux
328 eventfd2 . ux
329 epoll_create1 . x
330 dup3 io. ffx
331 pipe2 io. xx
332 inotify_init1 . x
333 preadv io. fxiuu R
334 pwritev io. fxiuu R
335 rt_tgsigqueueinfo signal. iiix
336 perf_event_open - xxxxx
337 recvmmsg socket. fxuxx R
340 prlimit64 process. iuxx
341 name_to_handle_at - fsxxx
342 open_by_handle_at - fxx
343 clock_adjtime - ix
344 syncfs . f
345 sendmmsg socket. fxux R
346 setns - fx
347 process_vm_readv - ixuxux
348 process_vm_writev - ixuxux
349 kcmp . iiixx
351 sched_setattr sched. ixx
352 sched_getattr sched. ixux
353 renameat2 paths. fsfsx
354 seccomp - xxx
355 getrandom io. xux R
356 memfd_create paths. sx
357 bpf - xxx
358 execveat process. fsxxx
359 socket . iii
360 socketpair socket. iiix
361 bind socket. fxu
362 connect socket. fxu R
363 listen . fi
364 accept4 socket. fxxx R
365 getsockopt socket. fiixx
366 setsockopt socket. fiixu
367 getsockname socket. fxx
368 getpeername socket. fxx
369 sendto socket. fxuxxu R
370 sendmsg socket. fxx R
371 recvfrom socket. fxuxxx R
372 recvmsg socket. fxx R
373 shutdown . fi
374 userfaultfd - x
375 membarrier process. iii
376 mlock2 memory. xux
377 copy_file_range io. fxfxux
378 preadv2 io. fxiuux R
379 pwritev2 io. fxiuux R
380 pkey_mprotect - xuxx
381 pkey_alloc - xx
382 pkey_free - i
383 statx stat. fsxux
384 arch_prctl - xx
386 rseq - xuxu
393 semget . iix
394 semctl ipc. iiix
395 shmget . iux
396 shmctl ipc. iix
397 shmat ipc. ixx
398 shmdt ipc. x
399 msgget . ix
400 msgsnd ipc. ixux
401 msgrcv ipc. ixuix
402 msgctl ipc. iix
""" + TIME64 + SINCE_5_1)
