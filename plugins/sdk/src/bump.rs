//! An allocator for instances that live for one call.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;

/// Hands out memory from front to back and takes none back: the host throws the whole instance away after the call.
///
/// A call spends a large part of its time on allocating and freeing the texts of its input; this makes the one a few
/// instructions and the other none. A policy that allocates and frees in a long loop keeps the usual allocator, or it
/// will reach its memory limit.
///
/// ```
/// #[cfg(target_family = "wasm")]
/// #[global_allocator]
/// static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();
/// ```
#[derive(Debug)]
pub struct Bump {
    next: Cell<usize>,
    end: Cell<usize>,
    /// The first step is part of the memory that an instance begins with: taking more costs the host two system calls.
    first: UnsafeCell<MaybeUninit<[u8; FIRST]>>,
}

/// Enough for an order of a hundred lines.
const FIRST: usize = 128 << 10;

/// Memory is taken from the host in steps of this size, so that it is asked rarely.
const STEP: usize = 256 << 10;

impl Bump {
    /// An allocator that has taken no memory yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a static needs a const function")]
    pub const fn new() -> Self {
        Self { next: Cell::new(0), end: Cell::new(0), first: UnsafeCell::new(MaybeUninit::zeroed()) }
    }
}

// SAFETY: a component has one thread (the host offers no others), so nothing is shared.
unsafe impl Sync for Bump {}

// SAFETY: every range is handed out once: `next` only grows, except where the last range handed out grows in place.
unsafe impl GlobalAlloc for Bump {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.next.get().next_multiple_of(layout.align());
        match start.checked_add(layout.size()) {
            Some(end) if end <= self.end.get() => {
                self.next.set(end);
                std::ptr::with_exposed_provenance_mut(start)
            }
            _ => self.grow(layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let start = old.expose_provenance();
        let is_last = start + layout.size() == self.next.get();
        match start.checked_add(size) {
            Some(end) if is_last && end <= self.end.get() => {
                self.next.set(end);
                return old;
            }
            _ if size <= layout.size() => return old,
            _ => {}
        }
        // SAFETY: the caller vouches for the size and alignment, and `old` has at least the bytes that are copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(old, new, layout.size());
            }
            new
        }
    }
}

impl Bump {
    #[cold]
    fn grow(&self, layout: Layout) -> *mut u8 {
        if self.end.get() == 0 {
            let start = self.first.get().expose_provenance();
            self.next.set(start);
            self.end.set(start + FIRST);
            // SAFETY: the caller's promises hold for the same layout.
            return unsafe { self.alloc(layout) };
        }
        let Some(wanted) = layout.size().checked_add(layout.align()) else { return std::ptr::null_mut() };
        let Some(start) = more(wanted.max(STEP)) else { return std::ptr::null_mut() };
        // What is left of the step before is given up, unless this one continues it.
        if start.0 != self.end.get() {
            self.next.set(start.0);
        }
        self.end.set(start.1);
        // SAFETY: the step has room for the size at any offset that the alignment asks for.
        unsafe { self.alloc(layout) }
    }
}

/// Takes at least so many bytes from the host: where they begin and end.
#[cfg(target_family = "wasm")]
fn more(bytes: usize) -> Option<(usize, usize)> {
    const PAGE: usize = 64 << 10;
    let pages = bytes.div_ceil(PAGE);
    match core::arch::wasm32::memory_grow(0, pages) {
        usize::MAX => None,
        before => Some((before * PAGE, (before + pages) * PAGE)),
    }
}

/// On other targets there is no such memory; their own allocator is the one to use.
#[cfg(not(target_family = "wasm"))]
fn more(_: usize) -> Option<(usize, usize)> {
    None
}
