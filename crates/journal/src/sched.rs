//! Asks the system to run the commit thread as soon as its fsync has returned.
//!
//! On a busy machine a commit otherwise waits for the scheduler's tick and not for the disk. A
//! short slice (Linux 6.12, for everyone) makes its deadline come first whenever it wakes; a
//! real-time priority, where allowed, is better still. The thread sleeps in fsync almost always.

/// How the system schedules the commit thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Like any other thread.
    #[default]
    Ordinary,
    /// With a slice of 0.1 ms.
    ShortSlice,
    /// Before all ordinary threads.
    RealTime,
}

impl Schedule {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ordinary => 0,
            Self::ShortSlice => 1,
            Self::RealTime => 2,
        }
    }

    pub(crate) const fn of_code(code: u8) -> Self {
        match code {
            1 => Self::ShortSlice,
            2 => Self::RealTime,
            _ => Self::Ordinary,
        }
    }
}

/// Does the best the system allows for the calling thread.
#[cfg(target_os = "linux")]
pub(crate) fn hurry_this_thread() -> Schedule {
    if linux::real_time() {
        Schedule::RealTime
    } else if linux::short_slice() {
        Schedule::ShortSlice
    } else {
        Schedule::Ordinary
    }
}

/// Other systems have nothing of the kind that we have tried.
#[cfg(not(target_os = "linux"))]
pub(crate) fn hurry_this_thread() -> Schedule {
    Schedule::Ordinary
}

#[cfg(target_os = "linux")]
mod linux {
    /// Below the kernel's own threads that complete the disk's requests (50).
    const REAL_TIME_PRIORITY: u32 = 10;
    /// The shortest slice the kernel grants.
    const SLICE_NS: u64 = 100_000;
    /// A thread or process started from this one is ordinary again.
    const RESET_ON_FORK: u64 = 1;

    pub(super) fn real_time() -> bool {
        set(libc::SCHED_FIFO, 0, REAL_TIME_PRIORITY, 0)
    }

    pub(super) fn short_slice() -> bool {
        let nice = rustix::process::getpriority_process(None).unwrap_or(0);
        set(libc::SCHED_OTHER, nice, 0, SLICE_NS)
    }

    fn set(policy: i32, nice: i32, priority: u32, slice_ns: u64) -> bool {
        let attributes = libc::sched_attr {
            size: u32::try_from(size_of::<libc::sched_attr>()).unwrap_or(0),
            sched_policy: policy.cast_unsigned(),
            sched_flags: RESET_ON_FORK,
            sched_nice: nice,
            sched_priority: priority,
            sched_runtime: slice_ns,
            sched_deadline: 0,
            sched_period: 0,
        };
        sched_setattr(&attributes) == 0
    }

    #[expect(unsafe_code, reason = "no safe wrapper of sched_setattr exists in what we depend on")]
    fn sched_setattr(attributes: &libc::sched_attr) -> libc::c_long {
        // SAFETY: the kernel reads `size` bytes of `attributes`, which lives for the whole call,
        // and keeps no pointer to it; thread 0 is the calling one; the flags are 0.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, std::ptr::from_ref(attributes), 0) }
    }
}
