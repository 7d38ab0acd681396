"""Grace periods and exclusive sections: how one vCPU makes sure of what the others are doing.

A vCPU is OUTSIDE, RUNNING, WAITING or ASKING (``dbt.abi.exclusive.State``). Only RUNNING vCPUs are waited for: the others have no store in flight. There is one
asker at a time, who holds the mutex ``rendezvous`` and is not RUNNING itself, so askers never wait for each other.

Entering against asking (Dekker's pattern; F is a sequentially consistent fence):

    a vCPU enters or goes on        an asker
    1. state = RUNNING              a. held = 1, or epoch + 1
    F                               F
    2. look at held and epoch       b. look at state

Whichever F comes first in their total order, the later side sees what the other wrote before it. If the vCPU's is first, b sees RUNNING: the asker
waits. If the asker's is first, 2 sees held, so the vCPU stops again; or it sees the new epoch and everything the asker wrote before, and notes it as passed.

Leaving against sleeping:

    a vCPU leaves or passes         an asker
    1. state or passed = ...        a. asker_sleeps = 1
    F                               F
    2. look at asker_sleeps         b. read news, look at state and passed, sleep while news is unchanged

Either b sees 1 and does not sleep, or 2 sees a: then news changes, before b (nobody sleeps) or after it (the kernel compares, or the wake comes).

A poll clears REQUEST_PAUSE before it reads the epoch. A bit raised before the clearing was raised after the epoch it stands for; one raised after the clearing
stays for the next poll. An asker who is about to sleep raises the bit again, because the vCPU may have entered since it was first looked at.
"""

from __future__ import annotations

from dbt.abi.exclusive import State
from dbt.abi.exits import REQUEST_PAUSE
from runtime.kernels.build import export, kernel
from runtime.kernels.host import EVERYBODY, SPINS, futex_wait, futex_wake
from runtime.kernels.mem import a_add64, a_and64, a_cas64, a_ld64, a_or64, a_st64, a_xchg64, clz64, fence, ld64, ldp, lshr, p2i, pause, st64, ticks
from runtime.kernels.offsets import (
    CPU_PASSED,
    CPU_PROC,
    CPU_REQUEST,
    CPU_STATE,
    PROC_ASKER_SLEEPS,
    PROC_EPOCH,
    PROC_HELD,
    PROC_NEWS,
    PROC_RENDEZVOUS,
    PROC_RENDEZVOUS_COUNT,
    PROC_RENDEZVOUS_TICKS,
    PROC_SECTIONS,
    PROC_VCPU_COUNT,
    PROC_VCPUS,
    PROC_WAITS,
)

_OUTSIDE, _RUNNING, _WAITING, _ASKING = (int(row) for row in (State.OUTSIDE, State.RUNNING, State.WAITING, State.ASKING))
_FREE, _TAKEN, _CONTENDED = 0, 1, 2  # of `rendezvous` and `held`
_NEVER = (1 << 63) - 1  # an epoch that no vCPU passes: only stopping will do


# The vCPU's side --------------------------------------------------------------------------------------------------------
@kernel
def _tell_asker(proc):
    """After a change of state or passed that an asker may be sleeping for."""
    fence()
    if a_ld64(proc, PROC_ASKER_SLEEPS) != 0:
        a_add64(proc, PROC_NEWS, 1)
        futex_wake(proc, PROC_NEWS, EVERYBODY)


@kernel
def _sleep_while_held(proc):
    turn = 0
    while turn < SPINS and a_ld64(proc, PROC_HELD) != _FREE:
        pause()
        turn += 1
    held = a_ld64(proc, PROC_HELD)
    while held != _FREE:
        if held == _CONTENDED or a_cas64(proc, PROC_HELD, _TAKEN, _CONTENDED) == _TAKEN:
            futex_wait(proc, PROC_HELD, _CONTENDED)
        held = a_ld64(proc, PROC_HELD)


@kernel
def _go_on(cpu, proc, meanwhile):
    """To RUNNING; not before an exclusive section has ended, and in state *meanwhile* until then."""
    a_st64(cpu, CPU_STATE, _RUNNING)
    fence()
    while a_ld64(proc, PROC_HELD) != _FREE:
        a_st64(cpu, CPU_STATE, meanwhile)
        _tell_asker(proc)
        _sleep_while_held(proc)
        a_st64(cpu, CPU_STATE, _RUNNING)
        fence()
    a_st64(cpu, CPU_PASSED, a_ld64(proc, PROC_EPOCH))


@kernel
def enter_running(cpu, proc):
    """From OUTSIDE to RUNNING, or through a poll."""
    _go_on(cpu, proc, _WAITING)


@kernel
def leave_running(cpu, proc):
    """From RUNNING to OUTSIDE."""
    a_st64(cpu, CPU_STATE, _OUTSIDE)
    _tell_asker(proc)


@kernel
def pass_poll(cpu, proc):
    """The RUNNING vCPU is between two guest instructions and was asked to say so."""
    a_and64(cpu, CPU_REQUEST, ~REQUEST_PAUSE)
    if a_ld64(proc, PROC_HELD) != _FREE:
        enter_running(cpu, proc)
    else:
        a_st64(cpu, CPU_PASSED, a_ld64(proc, PROC_EPOCH))
    _tell_asker(proc)


# The asker's side -------------------------------------------------------------------------------------------------------
@kernel
def lock_rendezvous(proc):
    """Become the asker. The caller is not RUNNING."""
    if a_cas64(proc, PROC_RENDEZVOUS, _FREE, _TAKEN) == _FREE:
        return
    turn = 0
    while turn < SPINS:
        if a_ld64(proc, PROC_RENDEZVOUS) == _FREE and a_cas64(proc, PROC_RENDEZVOUS, _FREE, _TAKEN) == _FREE:
            return
        pause()
        turn += 1
    while a_xchg64(proc, PROC_RENDEZVOUS, _CONTENDED) != _FREE:
        futex_wait(proc, PROC_RENDEZVOUS, _CONTENDED)


@kernel
def unlock_rendezvous(proc):
    """No longer be the asker."""
    if a_xchg64(proc, PROC_RENDEZVOUS, _FREE) == _CONTENDED:
        futex_wake(proc, PROC_RENDEZVOUS, 1)


@kernel
def _in_the_way(cpu, epoch):
    return a_ld64(cpu, CPU_STATE) == _RUNNING and a_ld64(cpu, CPU_PASSED) < epoch


@kernel
def _wait_for(cpu, proc, epoch):
    """Until *cpu* has passed *epoch* or is not RUNNING."""
    turn = 0
    while _in_the_way(cpu, epoch):
        if turn < SPINS:
            turn += 1
            pause()
        else:
            a_or64(cpu, CPU_REQUEST, REQUEST_PAUSE)
            a_st64(proc, PROC_ASKER_SLEEPS, 1)
            fence()
            news = a_ld64(proc, PROC_NEWS)
            if _in_the_way(cpu, epoch):
                futex_wait(proc, PROC_NEWS, news & 0xFFFF_FFFF)
            a_st64(proc, PROC_ASKER_SLEEPS, 0)


@kernel
def wait_bucket(time):
    """Number of the statistics bucket for a waiting time in ticks: four to an octave."""
    if time < 4:
        return max(time, 0)
    exponent = 61 - clz64(time)
    return 4 * exponent + (lshr(time, exponent) & 3) + 4


@kernel
def _wait_for_all(proc, epoch):
    started = ticks()
    fence()
    count = a_ld64(proc, PROC_VCPU_COUNT)
    for i in range(count):
        cpu = ldp(proc, PROC_VCPUS + 8 * i)
        if p2i(cpu) != 0 and a_ld64(cpu, CPU_STATE) == _RUNNING:
            a_or64(cpu, CPU_REQUEST, REQUEST_PAUSE)
    asked = 0
    for i in range(count):
        cpu = ldp(proc, PROC_VCPUS + 8 * i)
        if p2i(cpu) != 0 and _in_the_way(cpu, epoch):
            asked += 1
            _wait_for(cpu, proc, epoch)
    if asked != 0:
        time = ticks() - started
        st64(proc, PROC_RENDEZVOUS_COUNT, ld64(proc, PROC_RENDEZVOUS_COUNT) + 1)
        st64(proc, PROC_RENDEZVOUS_TICKS, ld64(proc, PROC_RENDEZVOUS_TICKS) + time)
        bucket = PROC_WAITS + (wait_bucket(time) << 3)
        st64(proc, bucket, ld64(proc, bucket) + 1)


@kernel
def grace_period(proc):
    """Wait until every vCPU that is RUNNING has passed a poll: stores whose checks were made before are complete, and later checks see what the caller
    wrote before. Mutex held, caller not RUNNING. Nobody is held up."""
    _wait_for_all(proc, a_add64(proc, PROC_EPOCH, 1) + 1)


@kernel
def hold_others(proc):
    """Wait until no vCPU is RUNNING, and keep it so. Mutex held, caller not RUNNING."""
    st64(proc, PROC_SECTIONS, ld64(proc, PROC_SECTIONS) + 1)
    a_st64(proc, PROC_HELD, _TAKEN)
    _wait_for_all(proc, _NEVER)


@kernel
def release_others(proc):
    """The end of ``hold_others``."""
    if a_xchg64(proc, PROC_HELD, _FREE) == _CONTENDED:
        futex_wake(proc, PROC_HELD, EVERYBODY)


@export("begin_section", "void(p)")
def begin_section(proc):
    """Begin an exclusive section from outside of ``run``."""
    lock_rendezvous(proc)
    hold_others(proc)


@export("end_section", "void(p)")
def end_section(proc):
    release_others(proc)
    unlock_rendezvous(proc)


# A vCPU as asker --------------------------------------------------------------------------------------------------------
@kernel
def begin_asking(cpu):
    """Become the asker from inside a helper; gives the state to go back to. Afterwards mappings, flags and reservations may be others."""
    proc = ldp(cpu, CPU_PROC)
    state = a_ld64(cpu, CPU_STATE)
    a_st64(cpu, CPU_STATE, _ASKING)
    _tell_asker(proc)
    lock_rendezvous(proc)
    return state


@kernel
def end_asking(cpu, state):
    """Give the mutex back and go on in *state*."""
    proc = ldp(cpu, CPU_PROC)
    unlock_rendezvous(proc)
    if state == _RUNNING:
        _go_on(cpu, proc, _ASKING)
    else:
        a_st64(cpu, CPU_STATE, state)


@export("read_ticks", "i64()")
def read_ticks():
    """The clock that waiting times are counted in."""
    return ticks()
